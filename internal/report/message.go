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
	var b strings.Builder
	para := func(indent, text string) {
		for _, line := range wrap(text, messageWidth-len(indent)) {
			b.WriteString(indent + line + "\n")
		}
	}
	item := func(text string) {
		b.WriteString("  * " + strings.Join(wrap(text, messageWidth-4), "\n    ") + "\n")
	}
	section := func(name string) { b.WriteString("\n" + strings.ToUpper(name) + "\n") }

	para("", clean(string(r.Verdict), 20)+": "+headline(r)+".")
	para("", advice(r))
	if r.Error != nil {
		b.WriteString("\n")
		para("", clean(r.Error.Name, 100)+": "+clean(r.Error.Message, 1000))
	}

	if r.Rows.Read > 0 {
		section("Counts")
		for _, row := range countRows(r) {
			fmt.Fprintf(&b, "  %-18s %12s\n", row.label, group(row.n))
		}
	}

	if main := costliest(reasons(r), 3); len(main) > 0 {
		section("Main reasons")
		for _, p := range main {
			item(p.Code.Title() + " (" + p.Code.String() + ")" + lead(", ", extent(p)) + lead(": ", lines(p)))
			para("    ", clean(p.Message, 1000))
		}
		if rest := len(r.Problems) - len(main); rest > 0 {
			item("And " + count(int64(rest), "more kind") + ": see the report.")
		}
	}

	if len(r.Notes) > 0 {
		section("Notes")
		for _, n := range notes(r) {
			item(n.Code.Title() + " (" + n.Code.String() + "), " + noteItem(n, "").Extent)
		}
	}
	if r.Changes != nil {
		section("Changes")
		for _, k := range r.Changes.Kinds() {
			item(changeWords(r, k))
		}
	}

	if next := steps(r); len(next) > 0 {
		section("What to do")
		for _, step := range next {
			item(step)
		}
	}

	section("Where things are")
	for _, f := range []struct{ label, uri string }{
		{"failed rows", r.Files.Failed},
		{"left out", r.Files.Excluded},
		{"users", r.Files.Users},
		{"report", r.Files.Report},
		{"result", r.Files.Result},
	} {
		if f.uri != "" {
			fmt.Fprintf(&b, "  %-12s %s\n", f.label, clean(f.uri, 1200))
		}
	}
	for _, s := range r.Sources[:min(10, len(r.Sources))] {
		fmt.Fprintf(&b, "  %-12s %s\n", "source", clean(uri(s), 1200))
	}
	if rest := len(r.Sources) - 10; rest > 0 {
		fmt.Fprintf(&b, "  %-12s and %s: see the report\n", "", count(int64(rest), "more source"))
	}
	fmt.Fprintf(&b, "  %-12s %s\n", "user pool", clean(r.UserPoolID, 80))
	if r.ImportID != "" {
		fmt.Fprintf(&b, "  %-12s %s\n", "import", clean(r.ImportID, 200))
	}
	if !r.FinishedAt.IsZero() {
		fmt.Fprintf(&b, "  %-12s %s\n", "finished", stamp(r.FinishedAt))
	}
	return messageSubject(r), b.String()
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
		s = append(s, "To import the rows that pass, drop the same file under incoming/: the others are handed back again.",
			"To import all, repair the rows first. failed.csv names the line, the code and the reason of each.")
	case lost(r.Rows) > 0 && (r.Verdict == contract.VerdictPartial || r.Verdict == contract.VerdictRejected):
		s = append(s, "Open "+failedFile(r)+": it holds the rows that did not make it, each with its line, code and "+
			"reason in the columns userdrop:line, userdrop:code and userdrop:message.",
			"Repair the cells and drop the file as a new one. The userdrop columns may stay, and users who are in the "+
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
	for _, word := range strings.Fields(text) {
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
