package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"userdrop/tools/bench/cost"
)

// Bar is a measure that the project set itself.
type Bar struct {
	Measure string `json:"measure"`
	Bar     string `json:"bar"`
	Figure  string `json:"figure"`
	Met     bool   `json:"met"`
}

// bars holds the figures against the measures.
func bars(t Table) (all []Bar) {
	add := func(met bool, measure, bar, format string, args ...any) {
		all = append(all, Bar{measure, bar, fmt.Sprintf(format, args...), met})
	}
	for _, e := range t.Engine {
		add(e.Ratio.Median >= 1.5, "prepare, one core, "+e.File, "1.5 × a bare encoding/csv loop", "%.2f ×", e.Ratio.Median)
	}
	var published, job float64
	for _, w := range t.Work {
		switch most := 64 + 24*float64(w.Rows)/1e6; {
		case w.Function == "prepare-import" && w.Rows > 1e6:
			add(w.PeakMB <= most, "prepare, resident, "+w.Of, fmt.Sprintf("64 MB + 24 bytes a row = %.0f MB", most),
				"%.0f MB", w.PeakMB)
		case w.Function == "copy-to-import-job":
			add(w.PeakMB <= 40, "copy, resident, 100 MB", "40 MB", "%.0f MB", w.PeakMB)
		case w.Function == "collect-rows" || w.Function == "publish-result":
			published += w.Seconds
			job = float64(w.Rows) / 35
		}
	}
	add(published <= max(10, 0.02*job), "from a complete log of 500,000 failed rows to the published result",
		fmt.Sprintf("10 s, or 2 %% of the job's time = %.0f s", 0.02*job), "%.0f s", published)
	var largest, coldest float64
	for _, f := range t.Functions {
		largest, coldest = max(largest, f.ZippedMB), max(coldest, f.ColdStartMS.Median)
	}
	add(largest <= 5, "largest Lambda package, zipped", "5 MB", "%.1f MB", largest)
	add(coldest <= 50, "slowest cold start under the Runtime API", "50 ms", "%.0f ms", coldest)
	return append(all, simulated(t.Imports)...)
}

// worst is the figure, of several, that comes nearest to a bar or beyond it.
type worst struct {
	figure float64
	of     string
	seen   bool
}

func (w *worst) add(figure float64, of string) {
	if w.seen = true; figure > w.figure {
		w.figure, w.of = figure, of
	}
}

// simulated are the bars for what the simulation counts.
func simulated(imports []Import) []Bar {
	var small, full, lost, events, waiting, displaced, starved, quotas, doubled worst
	for _, i := range imports {
		name := drops(i)
		events.add(float64(i.HistoryEvents), name)
		starved.add(float64(i.Drops+min(i.Giant, 1)-i.Imports+len(i.Violations)), name)
		switch {
		case i.Drops == 1 && i.Rows == 100:
			small.add(float64(i.Transitions), name)
		case i.Drops == 1 && i.Rows == 500_000:
			full.add(float64(i.Transitions), name)
		case i.Rows == 40_000_000, i.Giant > 0:
			lost.add(100*i.Lost(), name)
		}
		if i.Drops > 1 {
			waiting.add(float64(i.MostOfOne-alone(imports, i.Rows)), name)
			displaced.add(float64(i.Displaced), name)
		}
		for operation, quota := range cost.Quotas {
			if c := i.Calls[operation]; c != nil {
				quotas.add(100*float64(c.Steady)/60/quota.Rate, operation+", "+name)
			}
		}
		for _, half := range imports {
			if i.Drops > 1 || half.Drops > 1 || half.Rows < 10_000 || i.Rows != 2*half.Rows {
				continue
			}
			name := " of " + thousands(i.Rows)
			doubled.add(float64(i.Transitions)/float64(half.Transitions), "transitions"+name)
			doubled.add(float64(i.Invocations)/float64(half.Invocations), "invocations"+name)
			doubled.add(float64(total(i))/float64(total(half)), "calls"+name)
			doubled.add(i.GBSeconds/half.GBSeconds, "GB-seconds"+name)
			doubled.add(i.TookSeconds/half.TookSeconds, "time"+name)
			doubled.add(i.Dollars/half.Dollars, "US $"+name)
		}
	}
	bar := func(measure string, most float64, unit string, w worst) Bar {
		text := "not measured"
		switch {
		case w.figure > 0:
			text = fmt.Sprintf("%s%s (%s)", figure(w.figure), unit, w.of)
		case w.seen:
			text = "none"
		}
		return Bar{measure, figure(most) + unit, text, w.seen && w.figure <= most}
	}
	return []Bar{
		bar("transitions, a small drop", 30, "", small),
		bar("transitions, 500,000 rows", 500, "", full),
		bar("transitions for waiting, at the most", 100, "", waiting),
		bar("events in a history, at the most", 25_000, "", events),
		bar("jobs out of the order of entry, but for what ListExecutions tells late", 2, "", displaced),
		bar("drops that starve, fail, or run beside another", 0, "", starved),
		bar("steady polling, share of its quota, at the most", 25, " %", quotas),
		bar("time lost to waiting, 40 million users", 9, " %", lost),
		bar("doubling the users from 10,000 up multiplies each figure by", 2.2, "", doubled),
	}
}

// alone is the transitions of a drop of so many rows that does not wait.
func alone(imports []Import, rows int) (transitions int) {
	for _, i := range imports {
		if i.Drops == 1 && i.Rows <= rows {
			transitions = max(transitions, i.Transitions)
		}
	}
	return transitions
}

func total(i Import) (n int) {
	for _, c := range i.Calls {
		n += c.Total
	}
	return n
}

// drops names what was dropped.
func drops(i Import) string {
	name := thousands(i.Rows) + " users"
	if i.Drops > 1 {
		name = thousands(i.Drops) + " drops of " + name
	}
	if i.Giant > 0 {
		name = thousands(i.Giant) + " users and " + name + " meanwhile"
	}
	return name
}

type section struct{ name, title, text string }

// sections are the tables as Markdown.
func sections(t Table) []section {
	return []section{
		{"bars", "The bars", barsTable(t)},
		{"engine", "The CSV engine", engineTables(t)},
		{"functions", "The functions", functionTables(t)},
		{"double", "The local double", fmt.Sprintf(
			"%s imports a second, one after the other, with the functions in the double's process and no waits.\n", t.Double)},
		{"imports", "What an import costs", importTable(t)},
		{"queue", "The queue", queueTable(t)},
		{"others", "The other ways", otherTable(t)},
		{"prices", "The prices", priceTable(t)},
	}
}

func barsTable(t Table) string {
	rows := [][]string{{"Measure", "Bar", "Figure", ""}}
	for _, b := range t.Bars {
		met := "met"
		if !b.Met {
			met = "**missed**"
		}
		rows = append(rows, []string{b.Measure, b.Bar, b.Figure, met})
	}
	return fmt.Sprintf("%s, %s, %s; `make bench` took %s.\n\n", t.Machine, t.Go, t.Date, t.Took) + markdown(rows)
}

func engineTables(t Table) string {
	rows := [][]string{{"File", "Prepare, MB/s", "encoding/csv, MB/s", "Ratio", "Allocations a row"}}
	for _, e := range t.Engine {
		rows = append(rows, []string{
			e.File, e.PrepareMBs.String(), e.CSVMBs.String(), e.Ratio.String(), figure(e.AllocsPerRow.Median),
		})
	}
	readers := [][]string{{"Reader of 500,000 short rows", "MB/s"}}
	for _, r := range t.Readers {
		speed := r.MBs.String()
		if r.Skipped != "" {
			speed = "skipped: " + r.Skipped
		}
		readers = append(readers, []string{r.Name, speed})
	}
	return markdown(rows) + "\n" + markdown(readers)
}

func functionTables(t Table) string {
	rows := [][]string{{"Function", "Zipped, MB", "Cold start, ms"}}
	for _, f := range t.Functions {
		rows = append(rows, []string{f.Name, fmt.Sprintf("%.1f", f.ZippedMB), f.ColdStartMS.String()})
	}
	work := [][]string{{"Function", "Work", "Seconds", "Peak, MB", "Resident MB at each tenth of the time"}}
	for _, w := range t.Work {
		var series []string
		for _, mb := range w.ResidentMB {
			series = append(series, fmt.Sprintf("%.0f", mb))
		}
		work = append(work, []string{
			w.Function, w.Of, figure(w.Seconds), fmt.Sprintf("%.0f", w.PeakMB), strings.Join(series, " "),
		})
	}
	return markdown(rows) + "\n" + markdown(work)
}

func importTable(t Table) string {
	rows := [][]string{{
		"Drops", "Jobs", "Transitions", "Longest history", "Invocations", "GB-s", "API calls", "S3 requests",
		"Beside the jobs", "US $",
	}}
	for _, i := range t.Imports {
		requests := 0
		for name, c := range i.Calls {
			if strings.HasPrefix(name, "s3 ") {
				requests += c.Total
			}
		}
		rows = append(rows, []string{
			drops(i), thousands(i.Jobs), thousands(i.Transitions), thousands(i.HistoryEvents), thousands(i.Invocations),
			figure(i.GBSeconds), thousands(total(i)), thousands(requests),
			seconds(i.TookSeconds - i.JobSeconds), fmt.Sprintf("%.4f", i.Dollars),
		})
	}
	return markdown(rows)
}

func queueTable(t Table) string {
	rows := [][]string{{
		"Drops, over 50 pools", "Took", "Lost to waiting", "Out of turn", "Transitions of one, at the most",
		"ListExecutions", "ListUserImportJobs", "DescribeUserImportJob",
	}}
	for _, i := range t.Imports {
		if i.Drops == 1 {
			continue
		}
		row := []string{
			drops(i), seconds(i.TookSeconds), fmt.Sprintf("%.1f %%", 100*i.Lost()), fmt.Sprint(i.Displaced),
			fmt.Sprint(i.MostOfOne),
		}
		for _, name := range []string{
			"states ListExecutions", "cognito-idp ListUserImportJobs", "cognito-idp DescribeUserImportJob",
		} {
			row = append(row, fmt.Sprintf("%d, %d", i.Calls[name].PerMinute, i.Calls[name].Steady))
		}
		rows = append(rows, row)
	}
	return markdown(rows)
}

func otherTable(t Table) string {
	rows := [][]string{{"Way", "500,000 users", "Polls", "Step Functions, US $", ""}}
	for _, i := range t.Imports {
		if i.Drops == 1 && i.Rows == 500_000 {
			rows = append(rows, []string{
				"userdrop", seconds(i.TookSeconds), fmt.Sprint(i.Calls["cognito-idp DescribeUserImportJob"].Total),
				fmt.Sprintf("%.4f", float64(i.Transitions)*cost.Prices.Transition.Dollars), "",
			})
		}
	}
	for _, a := range t.Others {
		rows = append(rows, []string{
			a.Way, seconds(a.Took.Seconds()), thousands(a.Polls), fmt.Sprintf("%.4f", a.Dollars), a.Note,
		})
	}
	return markdown(rows)
}

func priceTable(t Table) string {
	rows := [][]string{{"US $ a million", "Of", "Source, as of " + t.PricesOf}}
	for _, p := range t.Prices {
		rows = append(rows, []string{figure(p.Dollars * 1e6), p.Of, "<" + p.Source + ">"})
	}
	return markdown(rows)
}

// markdown is a table, with its columns under each other for those who read it in a terminal.
func markdown(rows [][]string) string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	write := func(row []string) {
		for i, cell := range row {
			fmt.Fprintf(&b, "| %-*s ", widths[i], cell)
		}
		b.WriteString("|\n")
	}
	write(rows[0])
	for _, width := range widths {
		b.WriteString("|" + strings.Repeat("-", width+2))
	}
	b.WriteString("|\n")
	for _, row := range rows[1:] {
		write(row)
	}
	return b.String()
}

// write puts the tables into the places that a document has for them.
func write(out, doc string) error {
	text, err := os.ReadFile(out)
	if err != nil {
		return err
	}
	var t Table
	if err := json.Unmarshal(text, &t); err != nil {
		return fmt.Errorf("%s: %w", out, err)
	}
	document, err := os.ReadFile(doc)
	if err != nil {
		return err
	}
	written := string(document)
	for _, s := range sections(t) {
		begin, end := "<!-- begin "+s.name+" -->\n", "<!-- end "+s.name+" -->\n"
		before, rest, ok1 := strings.Cut(written, begin)
		_, after, ok2 := strings.Cut(rest, end)
		if !ok1 || !ok2 {
			return fmt.Errorf("%s has no place for %s", doc, s.name)
		}
		written = before + begin + s.text + end + after
	}
	return os.WriteFile(doc, []byte(written), 0o644)
}

func (s Spread) String() string {
	return fmt.Sprintf("%s (%s–%s)", figure(s.Median), figure(s.Least), figure(s.Most))
}

// figure is a number with three digits that count.
func figure(f float64) string {
	if f == 0 {
		return "0"
	}
	digits := max(0, 2-int(math.Floor(math.Log10(math.Abs(f)))))
	text := fmt.Sprintf("%.*f", digits, f)
	if digits > 0 {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

func thousands(n int) string {
	text := fmt.Sprint(n)
	var groups []string
	for len(text) > 3 {
		groups, text = append(groups, text[len(text)-3:]), text[:len(text)-3]
	}
	slices.Reverse(groups)
	return strings.Join(append([]string{text}, groups...), ",")
}

func seconds(s float64) string {
	d := time.Duration(s * float64(time.Second))
	if d > time.Hour {
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
	return d.Round(time.Second).String()
}
