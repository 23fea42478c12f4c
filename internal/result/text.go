package result

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"userdrop/internal/usercsv"
)

// Style is how a terminal wants its text.
type Style struct {
	Color   bool
	Width   int  // in columns; 0 is 80
	Columns bool // show names out of the source's header: on the owner's own terminal only
}

// sgr holds the terminal's colours by verdict and kind of row.
var sgr = map[string]string{
	"good": "32", "some": "33", "bad": "31", "idle": "36", "bold": "1", "dim": "2",
	"imported": "32", "skipped": "36", "rejected": "33", "failed": "31", "unprocessed": "90",
}

// shade makes the kinds of a bar differ where there is no colour.
var shade = map[string]string{
	"imported": "█", "skipped": "▓", "rejected": "▒", "failed": "░", "unprocessed": "·",
}

// mood groups the results by what they ask of people.
func mood(r *Result) string {
	switch r.Verdict {
	case Succeeded:
		return "good"
	case Checked:
		if r.Rows.Rejected > 0 {
			return "some"
		}
		return "good"
	case Partial:
		return "some"
	case Stopped:
		return "idle"
	default:
		return "bad"
	}
}

var icons = map[string]string{"good": "✔", "some": "◐", "bad": "✖", "idle": "■"}

// WriteText prints a result for a terminal.
func WriteText(w io.Writer, r *Result, style Style) error {
	width := style.Width
	if width <= 0 {
		width = 80
	}
	width = min(max(width, 40), 100)
	paint := func(kind, text string) string {
		if !style.Color {
			return text
		}
		return "\x1b[" + sgr[kind] + "m" + text + "\x1b[0m"
	}
	var b strings.Builder
	para := func(indent, kind, text string) {
		for _, line := range wrap(text, width-len(indent)) {
			if kind != "" {
				line = paint(kind, line)
			}
			b.WriteString(indent + line + "\n")
		}
	}

	mood := mood(r)
	b.WriteString("\n" + paint(mood, icons[mood]+" "+clean(string(r.Verdict), 20)) + "\n")
	para("  ", "bold", headline(r)+".")
	para("  ", "", advice(r))
	if r.Error != nil {
		para("  ", "bad", clean(r.Error.Name, 100)+": "+clean(r.Error.Message, 1000))
	}

	writeBar(&b, r, width, paint)
	writeReasons(&b, r, width, style.Columns, para, paint)

	worst := slices.DeleteFunc(slices.Clone(r.Sources), func(s Source) bool { return !s.lossy() })
	if len(r.Sources) > 1 && len(worst) > 0 {
		b.WriteString("\n" + paint("bold", "Files with rows that did not make it") + "\n")
		for _, s := range worst[:min(10, len(worst))] {
			fate := group(lost(s.Rows)) + " of " + group(s.Rows.Read)
			if s.Rows.Read == 0 {
				fate = "refused"
			}
			fmt.Fprintf(&b, "  %-16s %s\n", fate, clean(s.Key, width-19))
		}
		if rest := len(worst) - 10; rest > 0 {
			fmt.Fprintf(&b, "  and %s: see the report\n", count(int64(rest), "more file"))
		}
	}

	next := steps(r)
	if len(next) > 0 {
		b.WriteString("\n" + paint("bold", "Next") + "\n")
	}
	for _, step := range next {
		b.WriteString("  • " + strings.Join(wrap(step, width-4), "\n    ") + "\n")
	}

	b.WriteString("\n")
	where := []struct{ label, text string }{
		{"failed rows", r.Files.Failed}, {"report", r.Files.Report}, {"result", r.Files.Result},
		{"user pool", r.UserPoolID}, {"import", r.ImportID},
	}
	if len(r.Sources) == 1 {
		where = append(where[:3:3], append([]struct{ label, text string }{{"source", uri(r.Sources[0])}}, where[3:]...)...)
	}
	for _, f := range where {
		if f.text != "" {
			fmt.Fprintf(&b, "%s %s\n", paint("dim", fmt.Sprintf("%-11s", f.label)), clean(f.text, 1200))
		}
	}
	if n := len(r.Files.Parts); n > 0 {
		fmt.Fprintf(&b, "%s %s, the first is %s\n", paint("dim", fmt.Sprintf("%-11s", "parts")), group(int64(n)),
			clean(r.Files.Parts[0], 1200))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeBar draws the rows as a bar with its legend, and the two sums.
func writeBar(b *strings.Builder, r *Result, width int, paint func(kind, text string) string) {
	if r.Rows.Read == 0 {
		return
	}
	parts := shares(r)
	b.WriteString("\n  ")
	for i, n := range divide(parts, width-4, 1) {
		if n > 0 {
			b.WriteString(paint(parts[i].kind, strings.Repeat(shade[parts[i].kind], n)))
		}
	}
	b.WriteString("\n\n")
	digits := len(group(r.Rows.Read))
	for _, p := range parts {
		if p.n > 0 {
			fmt.Fprintf(b, "  %s %-18s %*s  %s\n", paint(p.kind, shade[p.kind]), p.label, digits, group(p.n),
				paint("dim", fmt.Sprintf("%5s", percent(p.n, r.Rows.Read))))
		}
	}
	b.WriteString("\n")
	for _, sum := range sums(r.Rows) {
		b.WriteString("  " + paint("dim", sum) + "\n")
	}
}

// writeReasons tells every kind of problem with its lines and what to do.
func writeReasons(b *strings.Builder, r *Result, width int, columns bool, para func(indent, kind, text string),
	paint func(kind, text string) string,
) {
	if len(r.Problems) == 0 {
		return
	}
	b.WriteString("\n" + paint("bold", "Reasons") + "\n")
	for _, p := range reasons(r) {
		kind := "rejected"
		if p.Code.OfFile() || p.Code == usercsv.CognitoFailed {
			kind = "failed"
		}
		name := p.Code.String()
		head := strings.Join(wrap(name+lead(" ", extent(p))+lead(": ", lines(p)), width-4), "\n    ")
		b.WriteString("  " + paint(kind, name) + strings.TrimPrefix(head, name) + "\n")
		para("    ", "", clean(p.Message, 2000))
		if columns {
			for _, c := range p.Columns {
				para("    ", "dim", "- "+clean(c, 120))
			}
		}
	}
}

// sums writes the two equations that hold for all rows.
func sums(r Rows) []string {
	s := []string{fmt.Sprintf("%s read = %s rejected + %s submitted", group(r.Read), group(r.Rejected),
		group(r.Submitted))}
	if o := r.Outcome; o != nil && r.Submitted > 0 {
		s = append(s, fmt.Sprintf("%s submitted = %s imported + %s skipped + %s failed + %s unprocessed",
			group(r.Submitted), group(o.Imported), group(o.Skipped), group(o.Failed), group(o.Unprocessed)))
	}
	return s
}

// percent is a share in words that are never wrong: what is not all is under 100 %, what is not none over 0.
func percent(n, total int64) string {
	switch p := float64(n) / float64(total) * 100; {
	case n == total:
		return "100%"
	case p < 0.1:
		return "<0.1%"
	case p > 99.9:
		return ">99.9%"
	case p < 10 || p > 99:
		return fmt.Sprintf("%.1f%%", p)
	default:
		return fmt.Sprintf("%.0f%%", p)
	}
}
