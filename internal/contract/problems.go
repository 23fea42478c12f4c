package contract

import "slices"

// MaxLines is how many lines a problem or a note names.
const MaxLines = 10

// Problem is one kind of problem in a drop, as result.json has it.
type Problem struct {
	Code Code `json:"code"`
	// Count is the rows that have it; for the codes about columns the columns; else 1.
	Count int `json:"count"`
	// Lines are the first ten lines, ascending. Among the codes of files only BadEncoding has one.
	Lines   []int  `json:"lines"`
	Message string `json:"message"`
	// Columns are names as the source has them (of attributes for MissingColumn). They may be anybody's data: they
	// appear in result.json, never in an event, message, report, state or log.
	Columns []string `json:"columns,omitempty"`
	// Details are for the terminal of the file's owner alone: each column with its number, its name and what to do.
	Details []ColumnDetail `json:"-"`
}

// ColumnDetail is one column of a problem.
type ColumnDetail struct {
	Number int // from 1; 0 for a column that the file lacks
	Name   string
	Advice string
}

// MergeProblems adds up problems of several sources or stages, in the order of their codes.
func MergeProblems(lists ...[]Problem) []Problem {
	merged := []Problem{}
	for _, p := range slices.Concat(lists...) {
		i, found := slices.BinarySearchFunc(merged, p, func(a, b Problem) int { return int(a.Code) - int(b.Code) })
		if !found {
			p.Lines, p.Columns = append([]int{}, p.Lines...), slices.Clone(p.Columns)
			merged = slices.Insert(merged, i, p)
			continue
		}
		m := &merged[i]
		m.Count += p.Count
		m.Lines = firstLines(m.Lines, p.Lines)
		m.Columns = append(m.Columns, p.Columns...)
		m.Details = append(slices.Clip(m.Details), p.Details...)
	}
	return merged
}

// firstLines merges two lists of lines and keeps the first ten.
func firstLines(a, b []int) []int {
	lines := append(slices.Clip(a), b...)
	slices.Sort(lines)
	return lines[:min(len(lines), MaxLines)]
}
