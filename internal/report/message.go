package report

import (
	"fmt"
	"strings"
	"time"

	"userdrop/internal/contract"
)

// subjectLimit is Amazon SNS's: a subject is ASCII of less than 100 characters
// (https://docs.aws.amazon.com/sns/latest/api/API_Publish.html).
const subjectLimit = 99

// messageWidth is where lines of the message are wrapped, so that any mail reader shows them as they are.
const messageWidth = 76

// Message returns the notification for people in plain text: the verdict in words, the counts, the main reasons, what
// to do and where the files are.
func Message(r *contract.Result) (subject, body string) {
	var m mail
	m.para("", clean(string(r.Verdict), 20)+": "+headline(r)+".")
	m.para("", advice(r))
	if r.Error != nil {
		m.WriteString("\n")
		m.para("", clean(r.Error.Name, 100)+": "+clean(r.Error.Message, 1000))
	}
	if r.Rows.Read > 0 {
		m.section("Counts")
		for _, row := range countRows(r) {
			fmt.Fprintf(&m, "  %-18s %12s\n", row.label, group(row.n))
		}
	}
	m.reasons(r)
	m.notesAndChanges(r)
	if next := steps(r); len(next) > 0 {
		m.section("What to do")
		for _, step := range next {
			m.item(step)
		}
	}
	m.places(r)
	return messageSubject(r), m.String()
}

// mail collects the text of a message.
type mail struct{ strings.Builder }

func (m *mail) para(indent, text string) {
	for _, line := range wrap(text, messageWidth-len(indent)) {
		m.WriteString(indent + line + "\n")
	}
}

func (m *mail) item(text string) {
	m.WriteString("  * " + strings.Join(wrap(text, messageWidth-4), "\n    ") + "\n")
}

func (m *mail) section(name string) { m.WriteString("\n" + strings.ToUpper(name) + "\n") }

func (m *mail) place(label, text string) {
	if text != "" {
		fmt.Fprintf(m, "  %-12s %s\n", label, text)
	}
}

// reasons lists the most frequent reasons.
func (m *mail) reasons(r *contract.Result) {
	main := costliest(reasons(r), 3)
	if len(main) == 0 {
		return
	}
	m.section("Main reasons")
	for _, p := range main {
		m.item(p.Code.Title() + " (" + p.Code.String() + ")" + lead(", ", extent(p)) + lead(": ", lines(p)))
		m.para("    ", clean(p.Message, 1000))
	}
	if rest := len(r.Problems) - len(main); rest > 0 {
		m.item("And " + count(int64(rest), "more kind") + ": see the report.")
	}
}

// notesAndChanges lists the notes, and what was done after the import.
func (m *mail) notesAndChanges(r *contract.Result) {
	if len(r.Notes) > 0 {
		m.section("Notes")
		for _, n := range notes(r) {
			m.item(n.Code.Title() + " (" + n.Code.String() + "), " + noteExtent(n))
		}
	}
	if r.Changes != nil {
		m.section("Changes")
		for _, k := range r.Changes.Kinds() {
			m.item(changeWords(r, k))
		}
	}
}

// places lists where the files are, and what the import is.
func (m *mail) places(r *contract.Result) {
	m.section("Where things are")
	m.place("failed rows", clean(r.Files.Failed, 1200))
	m.place("left out", clean(r.Files.Excluded, 1200))
	m.place("users", clean(r.Files.Users, 1200))
	m.place("report", clean(r.Files.Report, 1200))
	m.place("result", clean(r.Files.Result, 1200))
	for _, s := range r.Sources[:min(10, len(r.Sources))] {
		m.place("source", clean(uri(s), 1200))
	}
	if rest := len(r.Sources) - 10; rest > 0 {
		m.place("", "and "+count(int64(rest), "more source")+": see the report")
	}
	m.place("user pool", clean(r.UserPoolID, 80))
	m.place("import", clean(r.ImportID, 200))
	if !r.FinishedAt.IsZero() {
		m.place("finished", stamp(r.FinishedAt))
	}
}

func messageSubject(r *contract.Result) string {
	s := fmt.Sprintf("[userdrop] %s: %s", r.Verdict, headline(r))
	if room := subjectLimit - len(s) - len(" ()"); room >= 12 {
		s += " (" + sourceName(r, room) + ")"
	}
	ascii := strings.Map(func(c rune) rune {
		switch {
		case c == '…':
			return '~'
		case c < ' ' || c > '~':
			return '?'
		}
		return c
	}, s)
	return ascii[:min(len(ascii), subjectLimit)]
}

// row is a line of the table of counts.
type row struct {
	label string
	n     int64
}

// countRows lists the counts from which both sums can be checked.
func countRows(r *contract.Result) []row {
	rows := []row{{"read", r.Rows.Read}}
	if r.Rows.Excluded > 0 {
		rows = append(rows, row{"excluded", r.Rows.Excluded})
	}
	rows = append(rows, row{"rejected", r.Rows.Rejected}, row{"submitted", r.Rows.Submitted})
	if o := r.Rows.RowOutcomes; o != nil {
		rows = append(rows, row{"imported", o.Imported}, row{"there already", o.Skipped},
			row{"failed in Cognito", o.Failed}, row{"not processed", o.Unprocessed})
	}
	if p := r.Predicted; p != nil {
		rows = append(rows, row{"would be imported", p.Imported}, row{"there already", p.Skipped},
			row{"not looked up", p.Unchecked})
	}
	return rows
}

// steps lists what to do beyond the advice, the most urgent first.
func steps(r *contract.Result) []string {
	var s []string
	switch {
	case r.Verdict == contract.VerdictChecked && lost(r.Rows) > 0:
		s = append(s, "To import the rows that pass, drop the same file under incoming/: the others come back again in failed.csv.",
			"To import all, fix the rows first. failed.csv names the line, the code and the reason of each.")
	case lost(r.Rows) > 0 && (r.Verdict == contract.VerdictPartial || r.Verdict == contract.VerdictRejected):
		s = append(s, "Open "+failedFile(r)+": it holds the rows that did not make it, each with its line, code and "+
			"reason in the columns userdrop:line, userdrop:code and userdrop:message.",
			"Fix the cells and drop the file as a new one. The userdrop columns may stay, and users who are in the "+
				"pool already are skipped.")
	}
	if text := passwords(r); text != "" {
		s = append(s, text)
	}
	if u := r.JobsUsed; u != nil && u.Warning != "" {
		s = append(s, clean(u.Warning, 300))
	}
	return s
}

// uri says where a source is: in a bucket, or the file as it was given.
func uri(s contract.Source) string {
	if s.Bucket == "" {
		return s.Key
	}
	return "s3://" + s.Bucket + "/" + s.Key
}

const stampLayout = "2006-01-02 15:04:05 UTC"

func stamp(t time.Time) string { return t.UTC().Format(stampLayout) }

// lead puts a separator before text, if there is text.
func lead(separator, text string) string {
	if text == "" {
		return ""
	}
	return separator + text
}

// wrap breaks text into lines of at most a width, between words; a longer word has a line of its own.
func wrap(text string, width int) []string {
	var out []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len([]rune(line))+1+len([]rune(word)) > width {
			out, line = append(out, line), ""
		}
		line += lead(strings.Repeat(" ", min(1, len(line))), word)
	}
	if line != "" {
		out = append(out, line)
	}
	return out
}
