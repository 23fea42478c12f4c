package report

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"path"
	"strings"
	"time"

	"userdrop/internal/contract"
)

//go:embed report.css
var reportCSS string

//go:embed report.html.tmpl
var reportTemplate string

// docsURL is where the documentation of this release is, ending in a slash; a release build sets it by
// -ldflags "-X userdrop/internal/report.docsURL=…". Without it, a report has no links to the documentation.
var docsURL string

// ReportOptions are what a report needs beside the result.
type ReportOptions struct {
	Region string // of the console links; empty is the user pool's
	Stack  string // the stack's name, for the commands; empty leaves them out
	// Local says that the report is a copy beside the other files: its links are relative.
	Local bool
	// NoConsole leaves out the links to the console: the result comes from the local double.
	NoConsole bool
	// Docs is the address of the documentation's directory, ending in a slash; empty is that of the release.
	Docs string
}

var layout = template.Must(template.New("report").Funcs(template.FuncMap{
	"word":       func(v any) string { return clean(fmt.Sprint(v), 60) },
	"name":       func(s string) string { return clean(s, 90) },
	"paragraph":  func(s string) string { return clean(s, 1200) },
	"group":      func(v any) string { return group(integer(v)) },
	"count":      func(v any, noun string) string { return count(integer(v), noun) },
	"percent":    percent,
	"fixed":      func(f float64) string { return fmt.Sprintf("%.1f", f) },
	"seconds":    func(n int64) string { return span(time.Duration(n) * time.Second) },
	"iso":        func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"date":       func(t time.Time, layout string) string { return t.UTC().Format(layout) },
	"lost":       lost,
	"uri":        uri,
	"why":        func(p contract.Problem) string { return p.Code.String() + lead(", ", extent(p)) + lead(": ", lines(p)) },
	"failedName": failedName,
	"table":      func(label string, sources []contract.Source) table { return table{label, sources} },
}).Parse(reportTemplate))

// integer is a count of any of the types that the template meets.
func integer(v any) int64 {
	if n, ok := v.(int); ok {
		return int64(n)
	}
	return v.(int64)
}

// WriteReport writes report.html: one file that loads nothing and runs nothing, which its Content-Security-Policy
// enforces. It holds no cell of a row and no name from a source's header, so that it can be mailed.
func WriteReport(w io.Writer, r *contract.Result, options ReportOptions) error {
	if options.Region == "" {
		options.Region, _, _ = strings.Cut(r.UserPoolID, "_")
	}
	if options.Docs == "" {
		options.Docs = docsURL
	}
	if err := layout.Execute(w, newPage(r, options)); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// page is the report, ready for the template.
type page struct {
	*contract.Result
	Style    template.CSS
	Policy   string
	Icon     template.URL
	Mood     string
	Verb     string
	Name     string
	Headline string
	Advice   string
	Buttons  []link
	Bar      []segment
	Sums     []string
	Steps    []string
	Commands []command
	Reasons  []item
	Overlap  bool // rows have several reasons
	Notices  []item
	Lossy    []contract.Source
	Whole    []contract.Source
	Timeline *timeline
	Places   []place
	Took     string
}

// segment is one share of the bar.
type segment struct {
	Kind, Label string
	N, Of       int64
	X, Width    int
}

// table is a list of sources with its label.
type table struct {
	Label   string
	Sources []contract.Source
}

// item is a problem or a note.
type item struct {
	Code, Title, Extent, Message, Docs string
	OfFile                             bool
	LinesLabel                         string
	Ranges                             []string
	Rest                               string // lines that are not listed
}

// barWidth is the bar's inner width. A share is at least 1 % of it wide.
const barWidth = 1000

func newPage(r *contract.Result, options ReportOptions) page {
	sum := sha256.Sum256([]byte(reportCSS))
	mood := mood(r)
	p := page{
		Result: r, Style: template.CSS(reportCSS),
		Policy: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
			"'; img-src data:; base-uri 'none'; form-action 'none'",
		Icon: favicons[mood], Mood: mood, Verb: "Import", Name: sourceName(r, 80), Headline: headline(r), Advice: advice(r),
		Steps: steps(r), Commands: commands(r, options), Timeline: newTimeline(r.Jobs), Overlap: overlap(r),
	}
	if r.Mode == contract.ModeCheck {
		p.Verb = "Check"
	}
	for _, problem := range reasons(r) {
		p.Reasons = append(p.Reasons, problemItem(problem, options.Docs))
	}
	for _, note := range notes(r) {
		p.Notices = append(p.Notices, noteItem(note, options.Docs))
	}
	p.Bar, p.Sums = bar(r), sums(r.Rows)
	if len(r.Sources) > 1 {
		for _, s := range r.Sources {
			if lossy(s) {
				p.Lossy = append(p.Lossy, s)
			} else {
				p.Whole = append(p.Whole, s)
			}
		}
	}
	p.Places = places(r, options)
	p.Buttons = buttons(p.Places)
	if !r.StartedAt.IsZero() && r.FinishedAt.After(r.StartedAt) {
		p.Took = span(r.FinishedAt.Sub(r.StartedAt))
	}
	return p
}

// bar returns the shares of the rows read, or nothing of a file that was refused.
func bar(r *contract.Result) []segment {
	if r.Rows.Read == 0 {
		return nil
	}
	var segments []segment
	parts := shares(r)
	x := 0
	for i, width := range divide(parts, barWidth, barWidth/100) {
		s := parts[i]
		segments = append(segments, segment{s.kind, s.label, s.n, r.Rows.Read, x, width})
		x += width
	}
	return segments
}

func problemItem(p contract.Problem, docs string) item {
	i := item{
		Code: p.Code.String(), Title: p.Code.Title(), Extent: extent(p), Message: p.Message, OfFile: p.Code.OfFile(),
		Docs: codeURL(docs, p.Code.String()),
	}
	i.setLines(p.Lines, p.Count)
	return i
}

func noteItem(n contract.Note, docs string) item {
	i := item{
		Code: n.Code.String(), Title: n.Code.Title(), Extent: noteExtent(n), Message: n.Message,
		Docs: codeURL(docs, n.Code.String()),
	}
	i.setLines(n.Lines, n.Count)
	return i
}

// setLines lists the first lines of a count of rows.
func (i *item) setLines(lines []int, count int) {
	i.Ranges = ranges(lines)
	i.LinesLabel = "Lines"
	if len(lines) == 1 {
		i.LinesLabel = "Line"
	}
	if rest := count - len(lines); len(lines) > 0 && rest > 0 && !i.OfFile {
		i.Rest = "and " + group(int64(rest)) + " more"
	}
}

// codeURL is where a code is documented.
func codeURL(docs, code string) string {
	if docs == "" {
		return ""
	}
	return docs + "codes.md#" + strings.ToLower(code)
}

// failedName is the name of a source's own failed rows, if it has any.
func failedName(s contract.Source) string {
	if s.Files == nil || s.Files.Failed == "" {
		return ""
	}
	return path.Base(s.Files.Failed)
}

// favicons show the verdict in the browser's tab.
var favicons = map[string]template.URL{
	"good": favicon("0f7a43"), "some": favicon("b86e00"), "bad": favicon("b3261e"), "idle": favicon("3b5b8c"),
}

func favicon(color string) template.URL {
	return template.URL("data:image/svg+xml,%3Csvg%20xmlns=%27http://www.w3.org/2000/svg%27%20viewBox=%270%200%2016%2016%27%3E" +
		"%3Ccircle%20cx=%278%27%20cy=%278%27%20r=%277%27%20fill=%27%23" + color + "%27/%3E%3C/svg%3E")
}
