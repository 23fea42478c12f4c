package report

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"io"
	"net/url"
	"path"
	"regexp"
	"strings"

	"userdrop/internal/contract"
)

//go:embed report.css
var reportCSS string

// ReportOptions are what a report needs beside the result.
type ReportOptions struct {
	Region string // of the console links; empty is the user pool's
}

// WriteReport writes report.html: one file that loads nothing and runs nothing, which its Content-Security-Policy
// enforces. It holds no cell of a row and no name from a source's header, so that it can be mailed.
func WriteReport(w io.Writer, r *contract.Result, options ReportOptions) error {
	if options.Region == "" {
		options.Region, _, _ = strings.Cut(r.UserPoolID, "_")
	}
	var d document
	d.layout(newPage(r, options))
	if _, err := io.WriteString(w, d.String()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// page is the report, ready to be laid out.
type page struct {
	*contract.Result
	Policy   string
	Icon     string
	Mood     string
	Name     string
	Headline string
	Advice   string
	Bar      []segment
	Sums     []string
	Steps    []string
	Reasons  []contract.Problem
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

// place is a file and how to get to it.
type place struct {
	Label, URI, Console string
}

// barWidth is the bar's inner width. A share is at least 1 % of it wide.
const barWidth = 1000

func newPage(r *contract.Result, options ReportOptions) page {
	sum := sha256.Sum256([]byte(reportCSS))
	mood := mood(r)
	p := page{
		Result: r,
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
			if lossy(s) {
				p.Lossy = append(p.Lossy, s)
			} else {
				p.Whole = append(p.Whole, s)
			}
		}
	}
	for _, f := range []struct{ label, uri string }{
		{"Rows that did not make it", r.Files.Failed},
		{"This report", r.Files.Report},
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

// failedName is the name of a source's own failed rows, if it has any.
func failedName(s contract.Source) string {
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
var favicons = map[string]string{
	"good": favicon("0f7a43"), "some": favicon("b86e00"), "bad": favicon("b3261e"), "idle": favicon("3b5b8c"),
}

func favicon(color string) string {
	return "data:image/svg+xml,%3Csvg%20xmlns=%27http://www.w3.org/2000/svg%27%20viewBox=%270%200%2016%2016%27%3E" +
		"%3Ccircle%20cx=%278%27%20cy=%278%27%20r=%277%27%20fill=%27%23" + color + "%27/%3E%3C/svg%3E"
}
