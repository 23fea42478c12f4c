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

// reasons returns the problems as they are told to people: line numbers of several files mixed tell nothing.
func reasons(r *contract.Result) []contract.Problem {
	if len(r.Sources) < 2 {
		return r.Problems
	}
	told := slices.Clone(r.Problems)
	for i := range told {
		told[i].Lines = nil
	}
	return told
}

// notes returns the notes as people are to read them: lines of several files mixed say nothing.
func notes(r *contract.Result) []contract.Note {
	if len(r.Sources) < 2 {
		return r.Notes
	}
	shown := slices.Clone(r.Notes)
	for i := range shown {
		shown[i].Lines = nil
	}
	return shown
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
