package report

import (
	"cmp"
	"time"

	"userdrop/internal/contract"
)

// layout makes the whole page.
func (d *document) layout(p page) {
	d.add(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="%s">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<title>%s: %s</title>
<link rel="icon" href="%s">
<style>`, p.Policy, word(p.Verdict), p.Headline, p.Icon)
	d.WriteString(reportCSS)
	d.add(`</style>
</head>
<body class="%s">
<main>
`, p.Mood)
	d.hero(p)
	d.rows(p)
	d.next(p)
	d.problems(p)
	d.files(p)
	d.jobs(p.Timeline)
	d.places(p)
	d.footer(p)
	d.add(`</main>
</body>
</html>
`)
}

func (d *document) hero(p page) {
	verb := "Import"
	if p.Mode == contract.ModeCheck {
		verb = "Check"
	}
	d.add(`
<header class="hero">
  `)
	d.icon(p.Mood)
	d.add(`
  <div>
    <p class="eyebrow"><span class="badge">%s</span>
      <span class="crumb">%s of <bdi>%s</bdi></span></p>
    <h1>%s</h1>
    <p class="lede">%s</p>`, word(p.Verdict), verb, p.Name, p.Headline, p.Advice)
	if e := p.Error; e != nil {
		d.add(`
    <p class="cause"><code>%s</code> <span>%s</span></p>`, paragraph(e.Name), paragraph(e.Message))
	}
	d.add(`
  </div>
</header>
`)
}

func (d *document) icon(mood string) {
	d.add(`
  <svg class="icon" viewBox="0 0 48 48" aria-hidden="true">
    <circle cx="24" cy="24" r="23"/>`)
	switch mood {
	case "good":
		d.add(`<path d="M14 25l7 7 14-15"/>`)
	case "some":
		d.add(`<path d="M24 12v24"/><path class="solid" d="M24 12a12 12 0 0 1 0 24z"/>`)
		d.add(`<path d="M24 12a12 12 0 0 0 0 24"/>`)
	case "bad":
		d.add(`<path d="M16 16l16 16M32 16L16 32"/>`)
	default:
		d.add(`<path class="solid" d="M17 17h14v14H17z"/>`)
	}
	d.add(`
  </svg>`)
}

func (d *document) rows(p page) {
	if len(p.Bar) == 0 {
		return
	}
	d.add(`
<section aria-labelledby="rows">
  <h2 id="rows">Rows</h2>
  <svg class="bar" viewBox="0 0 1000 28" preserveAspectRatio="none" role="img" aria-label="`)
	for _, s := range p.Bar {
		d.add(`%s: %s. `, s.Label, group(s.N))
	}
	d.add(`">`)
	for _, s := range p.Bar {
		if s.Width > 0 {
			d.add(`
    <rect class="%s" x="%d" width="%d" height="28"><title>%s: %s</title></rect>`,
				s.Kind, s.X, s.Width, s.Label, group(s.N))
		}
	}
	d.add(`
  </svg>
  <dl class="legend">`)
	for _, s := range p.Bar {
		d.add(`
    <div class="%s"><dt><i class="%s"></i>%s</dt>
      <dd><b>%s</b>`, when(s.N == 0, "zero"), s.Kind, s.Label, group(s.N))
		if s.N > 0 {
			d.add(` <span>%s</span>`, percent(s.N, s.Of))
		}
		d.add(`</dd></div>`)
	}
	d.add(`
  </dl>
  <p class="sums">`)
	for _, sum := range p.Sums {
		d.add(`<span>%s</span> `, sum)
	}
	d.add(`</p>
</section>
`)
}

func (d *document) next(p page) {
	if len(p.Steps) == 0 {
		return
	}
	d.add(`
<section aria-labelledby="next">
  <h2 id="next">What happens next</h2>
  <ol class="steps">`)
	for _, step := range p.Steps {
		d.add(`
    <li>%s</li>`, step)
	}
	d.add(`
  </ol>
</section>
`)
}

func (d *document) problems(p page) {
	if len(p.Reasons) > 0 {
		d.add(`
<section aria-labelledby="problems">
  <h2 id="problems">`)
		if n := len(p.Reasons); n == 1 {
			d.add(`The reason</h2>`)
		} else {
			d.add(`The %d reasons</h2>`, n)
		}
		for _, reason := range p.Reasons {
			d.problem(reason)
		}
		d.add(`
</section>
`)
	}
	d.add("\n")
}

func (d *document) problem(p contract.Problem) {
	d.add(`
  <article class="problem %s">
    <h3>%s</h3>
    <p class="tags"><code>%s</code>`, when(p.Code.OfFile(), "file"), p.Code.Title(), p.Code)
	if extent := extent(p); extent != "" {
		d.add(`<b>%s</b>`, extent)
	}
	d.add(`</p>
    <p class="what">%s</p>`, paragraph(p.Message))
	if n := len(p.Lines); n > 0 {
		label := "Lines"
		switch {
		case n == 1 && p.Count <= 1:
			label = "Line"
		case n < p.Count:
			label = "First lines"
		}
		d.add(`
    <p class="lines"><span>%s</span>`, label)
		for _, line := range p.Lines {
			d.add(` <kbd>%d</kbd>`, line)
		}
		d.add(`</p>`)
	}
	d.add(`
  </article>`)
}

func (d *document) files(p page) {
	if len(p.Sources) > 1 {
		d.add(`
<section aria-labelledby="files">
  <h2 id="files">%s</h2>`, count(int64(len(p.Sources)), "file"))
		if len(p.Lossy) > 0 {
			d.add("\n  ")
			d.sources("Files with rows that did not make it", p.Lossy)
		}
		if len(p.Whole) > 0 {
			some := len(p.Lossy) > 0
			d.details(!some)
			d.add(`
    <summary>%s%s</summary>
    `, count(int64(len(p.Whole)), "file"), when(some, " without a problem"))
			d.sources("Files without a problem", p.Whole)
			d.add(`
  </details>`)
		}
		d.add(`
</section>
`)
	}
	d.add("\n")
}

func (d *document) sources(label string, sources []contract.Source) {
	d.add(`
  <div class="scroll" role="region" aria-label="%s" tabindex="0">
  <table>
    <thead><tr><th>File<th class="n">Read<th class="n">In the pool`+
		`<th class="n">Not<th>Why, and its failed rows</tr></thead>
    <tbody>`, label)
	for _, s := range sources {
		d.add(`
      <tr><td class="name"><code>%s</code>
        <td class="n">%s<td class="n">%s<td class="n">%s
        <td class="end">`, clean(s.Key, 90), group(s.Rows.Read), group(s.Rows.Arrived()), group(lost(s.Rows)))
		for _, p := range s.Problems {
			d.add(`<span class="why">%s%s%s</span>`, p.Code, lead(", ", extent(p)), lead(": ", lines(p)))
		}
		if name := failedName(s); name != "" {
			d.add(` <small>%s</small>`, clean(name, 90))
		}
		d.add(`</tr>`)
	}
	d.add(`
    </tbody>
  </table>
  </div>`)
}

func (d *document) jobs(t *timeline) {
	if t != nil {
		heading := "The import job"
		if n := len(t.Lanes); n != 1 {
			heading = count(int64(n), "import job")
		}
		d.add(`
<section aria-labelledby="jobs">
  <h2 id="jobs">%s</h2>`, heading)
		d.lanes(t)
		d.details(len(t.Lanes) <= 12)
		d.add(`
    <summary>Jobs in numbers</summary>
    <div class="scroll" role="region" aria-label="Jobs in numbers" tabindex="0">
    <table>
      <thead><tr><th>Job<th>Ended<th class="n">Imported<th class="n">Skipped` +
			`<th class="n">Failed<th class="n">Waited<th class="n">Ran<th>Created, UTC</tr></thead>
      <tbody>`)
		for _, l := range t.Lanes {
			d.job(l)
		}
		d.add(`
      </tbody>
    </table>
    </div>
  </details>
</section>
`)
	}
	d.add("\n")
}

func (d *document) lanes(t *timeline) {
	d.add(`
  <figure>
    <svg class="lanes" viewBox="0 0 1000 %d" height="%d" preserveAspectRatio="none" role="img"
      aria-label="Time line of the jobs; the table below has its times">`, t.Height, t.Height)
	for _, l := range t.Lanes {
		d.add(`
      <g><title>%s: %s</title>`, word(l.JobName), word(l.Status))
		for _, s := range []struct {
			kind string
			stretch
		}{{"waiting", l.Waiting}, {"ready", l.Ready}, {l.Kind, l.Running}} {
			if s.Width != 0 {
				d.add(`<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`,
					s.kind, s.X, l.Y, s.Width, l.Thick)
			}
		}
		d.add(`</g>`)
	}
	d.add(`
    </svg>
    <p class="axis">`)
	for _, tick := range t.Ticks {
		d.add(`<span>%s</span>`, tick)
	}
	d.add(`</p>
    <figcaption>Times in UTC.`)
	for _, entry := range t.Legend {
		d.add(`
      <span><i class="%s"></i>%s</span>`, entry.Kind, entry.Label)
	}
	d.add(`</figcaption>
  </figure>`)
}

func (d *document) job(l lane) {
	d.add(`
        <tr><td class="name"><code>%s</code>`, word(l.JobName))
	if l.JobID != "" {
		d.add(` <small>%s</small>`, word(l.JobID))
	}
	d.add(`
          <td class="end"><span class="dot %s"></span>%s`, l.Kind, word(l.Status))
	if l.CompletionMessage != "" {
		d.add(`<small>%s</small>`, paragraph(l.CompletionMessage))
	}
	d.add(`
          <td class="n">%s<td class="n">%s<td class="n">%s
          <td class="n">%s<td class="n">%s
          <td>`, group(l.Rows.Imported), group(l.Rows.Skipped), group(l.Rows.Failed),
		cmp.Or(l.WaitedFor, "–"), cmp.Or(l.RanFor, "–"))
	if !l.CreatedAt.IsZero() {
		d.moment(l.CreatedAt, "Jan 2, 15:04")
	}
	d.add(`</tr>`)
}

func (d *document) places(p page) {
	if len(p.Places) > 0 {
		d.add(`
<section aria-labelledby="places">
  <h2 id="places">Where things are</h2>
  <dl class="places">`)
		for _, place := range p.Places {
			d.add(`
    <div><dt>%s</dt>
      <dd><code>%s</code>`, place.Label, paragraph(place.URI))
			if place.Console != "" {
				d.add(` <a href="%s" rel="noopener noreferrer">Open in the S3 console</a>`, place.Console)
			}
			d.add(`</dd></div>`)
		}
		d.add(`
  </dl>
</section>
`)
	}
	d.add("\n")
}

func (d *document) footer(p page) {
	d.add(`<footer>
  <dl>`)
	if p.ImportID != "" {
		d.add(`<div><dt>Import</dt><dd><code>%s</code></dd></div>`, paragraph(p.ImportID))
	}
	d.add(`
    <div><dt>User pool</dt><dd><code>%s</code></dd></div>`, paragraph(p.UserPoolID))
	if len(p.Sources) == 1 {
		s := p.Sources[0]
		d.add(`
    <div><dt>Source</dt><dd><code>%s</code>`, paragraph(uri(s)))
		if s.VersionID != "" {
			d.add(` version <code>%s</code>`, paragraph(s.VersionID))
		}
		d.add(`, %s</dd></div>`, count(s.Bytes, "byte"))
	}
	if !p.StartedAt.IsZero() {
		d.add(`
    <div><dt>Started</dt><dd>`)
		d.moment(p.StartedAt, stampLayout)
		d.add(`</dd></div>`)
	}
	if !p.FinishedAt.IsZero() {
		d.add(`
    <div><dt>Finished</dt><dd>`)
		d.moment(p.FinishedAt, stampLayout)
		d.add(`%s</dd></div>`, lead(", after ", p.Took))
	}
	if p.Waits != nil {
		d.add(`
    <div><dt>Waited for other jobs</dt><dd>%s</dd></div>`, span(time.Duration(p.Waits.QueueSeconds)*time.Second))
	}
	if used := p.JobsUsed; used != nil {
		d.add(`
    <div><dt>Import jobs used</dt><dd>%s of the pool’s %s</dd></div>`,
			count(int64(used.Used), "job"), group(int64(used.Limit)))
	}
	d.add(`
  </dl>
  <p>This page holds no data of any user. Made by userdrop.</p>
</footer>
`)
}

func (d *document) details(open bool) {
	if open {
		d.add(`
  <details open>`)
	} else {
		d.add(`
  <details>`)
	}
}

// moment writes a time in a layout, and exactly for programs.
func (d *document) moment(t time.Time, layout string) {
	d.add(`<time datetime="%s">%s</time>`, t.UTC().Format(time.RFC3339), t.UTC().Format(layout))
}

// word and paragraph are text from outside, by the room there is.
func word[T ~string](s T) string { return clean(string(s), 60) }

func paragraph(s string) string { return clean(s, 1200) }

func when(is bool, text string) string {
	if is {
		return text
	}
	return ""
}
