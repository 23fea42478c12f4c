package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// documents have tables of this command, each between a line <!-- figures: NAME --> and a line <!-- end -->.
var documents = []string{"docs/quotas.md", "docs/internals/benchmarks.md"}

var place = regexp.MustCompile(`(?s)(<!-- figures: (\w+) -->\n).*?(<!-- end -->)`)

// document writes the tables of the documents from a JSON of figures.
func document(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var t Table
	if err := json.Unmarshal(text, &t); err != nil {
		return err
	}
	for _, name := range documents {
		old, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(name, []byte(t.fill(string(old))), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// fill returns a document with its tables as they are now. A table without figures stays as it is.
func (t Table) fill(text string) string {
	groups := t.groups()
	return place.ReplaceAllStringFunc(text, func(old string) string {
		match := place.FindStringSubmatch(old)
		for _, g := range groups {
			if g.name == match[2] {
				return match[1] + "\n" + markdown(g.rows) + "\n" + match[3]
			}
		}
		fmt.Fprintln(os.Stderr, "skipped: there are no figures", match[2])
		return old
	})
}

// group is a table with a name. Its first row has the headings.
type group struct {
	name string
	rows [][]string
}

// groups are the tables that put figures together, and one for the benchmarks whose names agree up to the first slash.
func (t Table) groups() []group {
	bars := [][]string{{"Bar", "Limit", "Figure", ""}}
	for _, j := range t.Bars {
		met := "met"
		if !j.Met {
			met = "**missed**"
		}
		bars = append(bars, []string{j.Measure, j.Limit, j.Figure, met})
	}
	all := []group{
		{"Machine", [][]string{{"Measured on"}, {t.Machine + ", " + t.Date}}},
		{"Bars", bars},
		{"Drops", t.drops()},
		{"Kinds", t.kinds()},
		{"Quotas", t.shares()},
	}
	benchmarks := map[string][]Benchmark{}
	for _, b := range t.Benchmarks {
		name, _, _ := strings.Cut(b.Name, "/")
		benchmarks[name] = append(benchmarks[name], b)
	}
	for _, name := range slices.Sorted(maps.Keys(benchmarks)) {
		all = append(all, group{name, columns(name, benchmarks[name])})
	}
	return all
}

// columns has a row for each benchmark and a column for each unit.
func columns(group string, all []Benchmark) [][]string {
	head := []string{group}
	for _, b := range all {
		for _, f := range b.Figures {
			if !slices.Contains(head[1:], f.Unit) {
				head = append(head, f.Unit)
			}
		}
	}
	rows := [][]string{head}
	for _, b := range all {
		row := make([]string, len(head))
		row[0] = strings.TrimPrefix(b.Name, group+"/")
		for _, f := range b.Figures {
			row[1+slices.Index(head[1:], f.Unit)] = f.String()
		}
		rows = append(rows, row)
	}
	return rows
}

// markdown formats a table.
func markdown(rows [][]string) string {
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], 3, utf8.RuneCountInString(cell))
		}
	}
	rule := make([]string, len(width))
	for i, n := range width {
		rule[i] = strings.Repeat("-", n)
	}
	var b strings.Builder
	for _, row := range slices.Insert(slices.Clone(rows), 1, rule) {
		for i, cell := range row {
			fmt.Fprintf(&b, "| %-*s ", width[i], cell)
		}
		b.WriteString("|\n")
	}
	return b.String()
}

// value returns a figure; ok is false if it was not measured.
func (t Table) value(benchmark, unit string) (value float64, ok bool) {
	for _, b := range t.Benchmarks {
		for _, f := range b.Figures {
			if b.Name == benchmark && f.Unit == unit {
				return f.Value, true
			}
		}
	}
	return 0, false
}

// cell formats a figure for people.
func (t Table) cell(benchmark, unit string, format func(float64) string) string {
	value, ok := t.value(benchmark, unit)
	if !ok {
		return "not measured"
	}
	return format(value)
}

// span formats seconds with two units.
func span(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	days, hours, minutes := int(d.Hours())/24, int(d.Hours())%24, int(d.Minutes())%60
	switch {
	case days > 1:
		return fmt.Sprintf("%d days %d h", days, hours)
	case d >= time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), minutes)
	case d >= time.Minute:
		return fmt.Sprintf("%d min %d s", minutes, int(d.Seconds())%60)
	default:
		return fmt.Sprintf("%.0f s", seconds)
	}
}

// whole formats a number with commas.
func whole(f float64) string {
	text := fmt.Sprintf("%.0f", f)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func dollar(f float64) string { return strconv.FormatFloat(f, 'g', 2, 64) }

func percent(f float64) string {
	if f > 0 && f < 1 {
		return "< 1 %"
	}
	return fmt.Sprintf("%.0f %%", f)
}
