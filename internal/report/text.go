package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"userdrop/internal/contract"
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
	"imported": "32", "skipped": "36", "rejected": "33", "failed": "31", "unprocessed": "90", "excluded": "35",
}

// shade makes the kinds of a bar differ where there is no colour.
var shade = map[string]string{
	"imported": "█", "skipped": "▓", "rejected": "▒", "failed": "░", "unprocessed": "·", "excluded": "-",
}

// mood groups the results by what they ask of people.
func mood(r *contract.Result) string {
	switch r.Verdict {
	case contract.VerdictSucceeded:
		return "good"
	case contract.VerdictChecked:
		if r.Rows.Rejected > 0 {
			return "some"
		}
		return "good"
	case contract.VerdictPartial:
		return "some"
	case contract.VerdictStopped:
		return "idle"
	default:
		return "bad"
	}
}

var icons = map[string]string{"good": "✔", "some": "◐", "bad": "✖", "idle": "■"}

// terminal collects the text.
type terminal struct {
	strings.Builder
	style Style
}

// newTerminal collects text of a style.
func newTerminal(style Style) *terminal {
	if style.Width <= 0 {
		style.Width = 80
	}
	style.Width = min(max(style.Width, 20), 100)
	return &terminal{style: style}
}

// paint colours text, where there is colour.
func (t *terminal) paint(kind, text string) string {
	if !t.style.Color || kind == "" {
		return text
	}
	return "\x1b[" + sgr[kind] + "m" + text + "\x1b[0m"
}

// para prints text in lines that fit, with a first indent and one for the lines that follow.
func (t *terminal) para(first, rest, kind, text string) {
	indent := first
	for _, line := range wrap(text, t.style.Width-len([]rune(rest))) {
		t.WriteString(indent + t.paint(kind, line) + "\n")
		indent = rest
	}
}

func (t *terminal) heading(text string) { t.WriteString("\n" + t.paint("bold", text) + "\n") }

func (t *terminal) place(label, text string) {
	if text != "" {
		fmt.Fprintf(t, "%s %s\n", t.paint("dim", fmt.Sprintf("%-11s", label)), clean(text, 1200))
	}
}

// WriteText prints a result for a terminal: the counts as a bar and as sums, the reasons, where things are, and the
// verdict with what to do next. The verdict comes last, so that it stays in sight.
func WriteText(w io.Writer, r *contract.Result, style Style) error {
	t := newTerminal(style)
	t.bar(r)
	t.reasons(r)
	t.notes(r)
	t.changes(r)
	t.sources(r)
	t.places(r)
	t.verdict(r)
	_, err := io.WriteString(w, t.String())
	return err
}

// verdict says how the import ended, what is next, and where the report is.
func (t *terminal) verdict(r *contract.Result) {
	mood := mood(r)
	t.WriteString("\n" + t.paint(mood, icons[mood]+" "+clean(string(r.Verdict), 20)) + "\n")
	t.para("  ", "  ", "bold", headline(r)+".")
	t.para("  ", "  ", "", advice(r))
	if r.Error != nil {
		t.para("  ", "  ", "bad", clean(r.Error.Name, 100)+": "+clean(r.Error.Message, 1000))
	}
	if next := steps(r); len(next) > 0 {
		t.heading("Next")
		for _, step := range next {
			t.para("  • ", "    ", "", step)
		}
	}
	if r.Files.Report != "" {
		t.WriteString("\n")
		t.place("report", r.Files.Report)
	}
}

// bar draws the rows as a bar with its legend, and the sums.
func (t *terminal) bar(r *contract.Result) {
	if r.Rows.Read == 0 {
		return
	}
	parts := shares(r)
	t.WriteString("\n  ")
	for i, n := range divide(parts, t.style.Width-4, 1) {
		if n > 0 {
			t.WriteString(t.paint(parts[i].kind, strings.Repeat(shade[parts[i].kind], n)))
		}
	}
	t.WriteString("\n\n")
	digits := len(group(r.Rows.Read))
	for _, p := range parts {
		if p.n > 0 && t.style.Width < 40 {
			fmt.Fprintf(t, "  %s %s\n    %s  %s\n", t.paint(p.kind, shade[p.kind]), p.label, group(p.n),
				t.paint("dim", percent(p.n, r.Rows.Read)))
		} else if p.n > 0 {
			fmt.Fprintf(t, "  %s %-18s %*s  %s\n", t.paint(p.kind, shade[p.kind]), p.label, digits, group(p.n),
				t.paint("dim", fmt.Sprintf("%6s", percent(p.n, r.Rows.Read))))
		}
	}
	t.WriteString("\n")
	for _, sum := range sums(r.Rows) {
		t.para("  ", "    ", "dim", sum)
	}
}

// reasons tells every kind of problem with its lines and what to do.
func (t *terminal) reasons(r *contract.Result) {
	if len(r.Problems) == 0 {
		return
	}
	t.heading("Reasons")
	if overlap(r) {
		t.para("  ", "  ", "dim", "A row can have several reasons.")
	}
	for _, p := range reasons(r) {
		kind := "rejected"
		if p.Code.OfFile() || p.Code == contract.CognitoFailed {
			kind = "failed"
		}
		t.para("  ", "    ", kind, p.Code.String()+lead(": ", extent(p))+lead(", ", lines(p)))
		t.para("    ", "    ", "", clean(p.Message, 2000))
		if t.style.Columns {
			for _, c := range p.Columns {
				t.para("    - ", "      ", "dim", clean(c, 120))
			}
		}
	}
}

// notes lists what was taken otherwise than it was written. It rejects nothing, so it comes after the reasons.
func (t *terminal) notes(r *contract.Result) {
	if len(r.Notes) == 0 {
		return
	}
	t.heading("Notes")
	for _, n := range notes(r) {
		t.para("  ", "    ", "", n.Code.String()+": "+noteExtent(n)+lead(", ", LineList(n.Lines, n.Count)))
		t.para("    ", "    ", "", clean(n.Message, 2000))
		if t.style.Columns {
			for _, c := range n.Columns {
				t.para("    - ", "      ", "dim", clean(c, 120))
			}
		}
	}
}

// changes lists what was done after the import.
func (t *terminal) changes(r *contract.Result) {
	if r.Changes == nil {
		return
	}
	t.heading("Changes")
	for _, k := range r.Changes.Kinds() {
		if k.Wanted > 0 {
			t.para("  ", "    ", "", changeWords(r, k))
		}
	}
}

// changeWords is a kind of change with its counts in one sentence.
func changeWords(r *contract.Result, k contract.ChangeKind) string {
	if r.Mode == contract.ModeCheck {
		return fmt.Sprintf("%s: %s wanted", k.Name, group(k.Wanted))
	}
	return fmt.Sprintf("%s: %s wanted = %s applied + %s unchanged + %s failed", k.Name, group(k.Wanted),
		group(k.Applied), group(k.Unchanged), group(k.Failed))
}

// sources lists the files that lost rows, where there are several.
func (t *terminal) sources(r *contract.Result) {
	const most = 10
	if len(r.Sources) < 2 {
		return
	}
	worst := slices.DeleteFunc(slices.Clone(r.Sources), func(s contract.Source) bool { return !lossy(s) })
	if len(worst) == 0 {
		return
	}
	t.heading("Files with rows that did not make it")
	for _, s := range worst[:min(most, len(worst))] {
		fate := group(lost(s.Rows)) + " of " + group(s.Rows.Read)
		if s.Rows.Read == 0 {
			fate = "refused"
		}
		fmt.Fprintf(t, "  %-16s %s\n", fate, clean(s.Key, t.style.Width-19))
	}
	if rest := len(worst) - most; rest > 0 {
		fmt.Fprintf(t, "  and %s: see the report\n", count(int64(rest), "more file"))
	}
}

// places says where things are.
func (t *terminal) places(r *contract.Result) {
	t.WriteString("\n")
	t.place("failed rows", r.Files.Failed)
	t.place("left out", r.Files.Excluded)
	t.place("users", r.Files.Users)
	t.place("result", r.Files.Result)
	if n := len(r.Files.Parts); n > 0 {
		t.place("first part", r.Files.Parts[0])
		t.place("last part", r.Files.Parts[n-1])
	}
	if len(r.Sources) == 1 {
		t.place("source", uri(r.Sources[0]))
	}
	t.place("user pool", r.UserPoolID)
	t.place("import", r.ImportID)
}

// sums writes the two equations that hold for all rows.
func sums(r contract.Rows) []string {
	excluded := ""
	if r.Excluded > 0 {
		excluded = group(r.Excluded) + " excluded + "
	}
	s := []string{fmt.Sprintf("%s read = %s%s rejected + %s submitted", group(r.Read), excluded, group(r.Rejected),
		group(r.Submitted))}
	if o := r.RowOutcomes; o != nil && r.Submitted > 0 {
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
