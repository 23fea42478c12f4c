package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"userdrop/internal/client"
	"userdrop/internal/contract"
	"userdrop/internal/report"
)

// problems shows each kind of problem: those of the file in the order of the rules, those of rows by how many rows
// have them.
func (v *checkView) problems(r *contract.Result) {
	shown := slices.Clone(r.Problems)
	slices.SortStableFunc(shown, func(a, b contract.Problem) int {
		if a.Code.OfFile() || b.Code.OfFile() {
			return cmp.Compare(a.Code, b.Code)
		}
		return b.Count - a.Count
	})
	reasons := 0
	for _, p := range shown {
		if !p.Code.OfFile() {
			reasons += p.Count
		}
	}
	if int64(reasons) > r.Rows.Rejected && r.Rows.Rejected > 0 {
		v.printf("\n  %s rejected for %d reasons: a row can have several reasons.\n", client.Rows(r.Rows.Rejected), reasons)
	}
	for _, p := range shown {
		v.problem(p)
	}
}

// problem shows one kind of problem: how often, where, what to do, and the first lines that have it.
func (v *checkView) problem(p contract.Problem) {
	extent := ""
	switch {
	case p.Code.OfColumns():
		extent = "  " + columnCount(p.Count)
	case !p.Code.OfFile():
		extent = "  " + client.Rows(int64(p.Count)) + ", " + report.LineList(p.Lines, p.Count)
	case len(p.Lines) > 0:
		extent = fmt.Sprintf("  line %d", p.Lines[0])
	}
	v.printf("\n%s%s\n", v.paint(bold, p.Code.String()), v.paint(yellow, extent))
	if len(p.Details) > 0 {
		v.paragraph("  ", contract.NameFlags(p.Code.Message()))
		v.details(p.Details)
		return
	}
	v.paragraph("  ", contract.NameFlags(p.Message))
	v.firstRows(p)
}

// details shows columns, each with its number, its name and what to do about it.
func (v *checkView) details(details []contract.ColumnDetail) {
	const most = 200
	if more := len(details) - most; more > 0 {
		defer v.paragraph("    ", fmt.Sprintf("and %d more columns, which --json lists", more))
	}
	for _, d := range details[:min(most, len(details))] {
		text := d.Advice
		if d.Number > 0 {
			text = strings.Join(slices.DeleteFunc([]string{
				fmt.Sprintf("column %d", d.Number), printable(d.Name, 60),
			}, func(s string) bool { return s == "" }), "  ") + ": " + text
		}
		v.paragraph("    ", text)
	}
}

// firstRows shows the first rows that have a problem.
func (v *checkView) firstRows(p contract.Problem) {
	for _, s := range v.samples[p.Code] {
		if s.column == "" && s.detail == "" {
			continue // the line is all there is to show, and it is among the lines above
		}
		v.printf("    %s", v.paint(dim, fmt.Sprintf("line %d", s.line)))
		if s.column != "" {
			v.printf("  %s", printable(s.column, 40))
		}
		switch {
		case s.hidden:
			v.printf("  %s", v.paint(dim, "(not shown)"))
		case s.cell != "":
			v.printf("  %s", v.paint(red, printable(s.cell, max(v.width-len(s.column)-24, 20))))
		case s.column != "":
			v.printf("  %s", v.paint(dim, "(blank)"))
		}
		v.printf("\n")
		if s.detail != "" {
			v.paragraph("      ", printable(s.detail, 400))
		}
	}
}

// notes shows what was taken otherwise than it was written. Nothing is rejected for it.
func (v *checkView) notes(notes []contract.Note) {
	if len(notes) == 0 {
		return
	}
	v.printf("\n%s\n", v.paint(bold, "Notes"))
	for _, n := range notes {
		extent := client.Rows(int64(n.Count)) + ", " + report.LineList(n.Lines, n.Count)
		if n.Code.OfColumns() {
			extent = columnCount(n.Count)
		}
		v.printf("  %s  %s\n", n.Code, v.paint(yellow, extent))
		v.paragraph("    ", n.Message)
		if len(n.Columns) > 0 {
			v.paragraph("    ", "Columns: "+nameList(n.Columns))
		}
	}
}

// nameList names columns, as many as anybody wants to read.
func nameList(names []string) string {
	const most = 50
	var shown []string
	for _, name := range names[:min(most, len(names))] {
		shown = append(shown, printable(name, 60))
	}
	list := strings.Join(shown, ", ")
	if n := len(names) - most; n > 0 {
		list += fmt.Sprintf(" and %d more, which --json lists", n)
	}
	return list
}

// columnCount is a number of columns.
func columnCount(n int) string {
	if n == 1 {
		return "1 column"
	}
	return fmt.Sprintf("%d columns", n)
}
