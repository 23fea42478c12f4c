package report

import (
	"cmp"
	"slices"

	"userdrop/internal/contract"
)

// tidy puts problems into the order of the rules, those of files before those of rows. In JSON, no line is an empty
// list.
func tidy(problems []contract.Problem) {
	for i := range problems {
		if problems[i].Lines == nil {
			problems[i].Lines = []int{}
		}
	}
	slices.SortStableFunc(problems, func(a, b contract.Problem) int { return cmp.Compare(a.Code, b.Code) })
}

// tidyNotes puts notes into the order of their codes.
func tidyNotes(notes []contract.Note) {
	for i := range notes {
		if notes[i].Lines == nil {
			notes[i].Lines = []int{}
		}
	}
	slices.SortStableFunc(notes, func(a, b contract.Note) int { return cmp.Compare(a.Code, b.Code) })
}

// reasons returns the problems as people read them, the most frequent first. Line numbers of several files mixed say
// nothing, so they are left out.
func reasons(r *contract.Result) []contract.Problem {
	problems := costliest(r.Problems, len(r.Problems))
	if len(r.Sources) > 1 {
		for i := range problems {
			problems[i].Lines = nil
		}
	}
	return problems
}

// notes returns the notes, the most frequent first, without the line numbers of several files.
func notes(r *contract.Result) []contract.Note {
	all := slices.Clone(r.Notes)
	slices.SortStableFunc(all, func(a, b contract.Note) int { return cmp.Compare(b.Count, a.Count) })
	if len(r.Sources) > 1 {
		for i := range all {
			all[i].Lines = nil
		}
	}
	return all
}

// overlap reports whether some rows have several reasons: then the counts add up to more than the rows.
func overlap(r *contract.Result) bool {
	var reasons int64
	for _, p := range r.Problems {
		if !p.Code.OfFile() {
			reasons += int64(p.Count)
		}
	}
	return reasons > lost(r.Rows)
}

// noteExtent says how much a note covers: rows or columns.
func noteExtent(n contract.Note) string {
	if n.Code.OfColumns() {
		return count(int64(n.Count), "column")
	}
	return count(int64(n.Count), "row")
}

// costliest returns the problems with the highest counts, at most n of them.
func costliest(problems []contract.Problem, n int) []contract.Problem {
	top := slices.Clone(problems)
	slices.SortStableFunc(top, func(a, b contract.Problem) int { return cmp.Compare(b.Count, a.Count) })
	return top[:min(n, len(top))]
}

// extent says how much a problem covers: rows, columns, or just the file.
func extent(p contract.Problem) string {
	switch {
	case p.Code == contract.UnknownColumn || p.Code == contract.DuplicateColumn || p.Code == contract.MissingColumn:
		return count(int64(p.Count), "column")
	case p.Code.OfFile():
		return ""
	default:
		return count(int64(p.Count), "row")
	}
}
