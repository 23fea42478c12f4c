package result

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"
)

var (
	//go:embed report.html.tmpl
	reportHTML string
	//go:embed report.css
	reportCSS string

	reportTemplate = template.Must(template.New("report.html").Funcs(template.FuncMap{
		"group": group, "percent": percent, "title": title, "extent": extent, "lines": lines, "lost": lost, "uri": uri,
		"plural": func(n int, noun string) string { return count(int64(n), noun) },
		"bytes":  func(n int64) string { return count(n, "byte") },
		"number": func(n int) string { return group(int64(n)) },
		// Text from outside, by the room there is.
		"word":  func(s string) string { return clean(s, 60) },
		"short": func(s string) string { return clean(s, 90) },
		"clean": func(s string) string { return clean(s, 1200) },
		// Times.
		"isoTime": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"stamp":   stamp,
		"moment":  func(t time.Time) string { return t.UTC().Format("Jan 2, 15:04") },
		"seconds": func(n int64) string { return span(time.Duration(n) * time.Second) },
		"list":    func(v ...any) []any { return v },
	}).Parse(reportHTML))
)

// ReportOptions are what a report needs beside the result.
type ReportOptions struct {
	Region string // of the console links; empty is the user pool's
}

// WriteReport writes report.html: one file that loads nothing and runs nothing, which its Content-Security-Policy
// enforces. It holds no cell of a row and no name from a source's header, so that it can be mailed.
func WriteReport(w io.Writer, r *Result, options ReportOptions) error {
	if options.Region == "" {
		options.Region, _, _ = strings.Cut(r.UserPoolID, "_")
	}
	if err := reportTemplate.Execute(w, newPage(r, options)); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// page is the report, ready to be laid out.
type page struct {
	*Result
	CSS      template.CSS
	Policy   string
	Icon     template.URL
	Mood     string
	Name     string
	Headline string
	Advice   string
	Bar      []segment
	Sums     []string
	Steps    []string
	Reasons  []Problem
	Lossy    []Source
	Whole    []Source
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

// place is a file and how to get to it.
type place struct {
	Label, URI, Console string
}

// barWidth is the bar's inner width. A share is at least 1 % of it wide.
const barWidth = 1000

func newPage(r *Result, options ReportOptions) page {
	sum := sha256.Sum256([]byte(reportCSS))
	mood := mood(r)
	p := page{
		Result: r,
		CSS:    template.CSS(reportCSS), //nolint:gosec // embedded
		Policy: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
			"'; img-src data:; base-uri 'none'; form-action 'none'",
		Icon: favicons[mood], Mood: mood, Name: sourceName(r, 80), Headline: headline(r), Advice: advice(r),
		Steps: steps(r), Reasons: reasons(r), Timeline: newTimeline(r.Jobs),
	}
	if r.Rows.Read > 0 {
		p.Sums = sums(r.Rows)
		parts := shares(r)
		x := 0
		for i, width := range divide(parts, barWidth, barWidth/100) {
			s := parts[i]
			p.Bar = append(p.Bar, segment{s.kind, s.label, s.n, r.Rows.Read, x, width})
			x += width
		}
	}
	if len(r.Sources) > 1 {
		for _, s := range r.Sources {
			if s.lossy() {
				p.Lossy = append(p.Lossy, s)
			} else {
				p.Whole = append(p.Whole, s)
			}
		}
	}
	for _, f := range []struct{ label, uri string }{
		{"Rows that did not make it", r.Files.Failed}, {"This report", r.Files.Report},
		{"Result as JSON", r.Files.Result},
	} {
		if f.uri != "" {
			p.Places = append(p.Places, place{f.label, f.uri, consoleURL(f.uri, options.Region)})
		}
	}
	if !r.StartedAt.IsZero() && r.FinishedAt.After(r.StartedAt) {
		p.Took = span(r.FinishedAt.Sub(r.StartedAt))
	}
	return p
}

// FailedName is the name of a source's own failed rows, if it has any.
func (p page) FailedName(s Source) string {
	if s.Files == nil || s.Files.Failed == "" {
		return ""
	}
	return path.Base(s.Files.Failed)
}

var regionName = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d$`)

// consoleURL is where the S3 console shows an object, or nothing for what is no object.
func consoleURL(uri, region string) string {
	bucket, key, ok := strings.Cut(strings.TrimPrefix(uri, "s3://"), "/")
	if !ok || !strings.HasPrefix(uri, "s3://") || !regionName.MatchString(region) {
		return ""
	}
	domain := "console.aws.amazon.com"
	switch {
	case strings.HasPrefix(region, "us-gov-"):
		domain = "console.amazonaws-us-gov.com"
	case strings.HasPrefix(region, "cn-"):
		domain = "console.amazonaws.cn"
	}
	return (&url.URL{
		Scheme: "https", Host: region + "." + domain, Path: "/s3/object/" + bucket,
		RawQuery: url.Values{"region": {region}, "prefix": {key}}.Encode(),
	}).String()
}

// favicons show the verdict in the browser's tab.
var favicons = map[string]template.URL{
	"good": favicon("%230f7a43"), "some": favicon("%23b86e00"), "bad": favicon("%23b3261e"), "idle": favicon("%233b5b8c"),
}

func favicon(color string) template.URL {
	svg := "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E" +
		"%3Ccircle cx='8' cy='8' r='7' fill='" + color + "'/%3E%3C/svg%3E"
	return template.URL(svg) //nolint:gosec // constant
}
