package report

import "userdrop/internal/contract"

// slice is one share of the rows, in the order in which every picture shows them.
type slice struct {
	kind  string // names its colour
	label string
	n     int64
}

// shares are the slices of the rows read: who arrived first, then who did not. A dry run shows what would become of
// them.
func shares(r *contract.Result) []slice {
	o := r.Rows.Counts()
	var excluded []slice
	if r.Rows.Excluded > 0 {
		excluded = []slice{{"excluded", "Left out by the mapping", r.Rows.Excluded}}
	}
	switch {
	case r.Predicted != nil:
		return append([]slice{
			{"imported", "Would be imported", r.Predicted.Imported},
			{"skipped", "There already", r.Predicted.Skipped},
			{"unprocessed", "Not looked up", r.Predicted.Unchecked},
			{"rejected", "Rejected", r.Rows.Rejected},
		}, excluded...)
	case r.Rows.RowOutcomes == nil || r.Mode == contract.ModeCheck:
		return append([]slice{
			{"imported", "Pass", r.Rows.Submitted},
			{"rejected", "Rejected", r.Rows.Rejected},
		}, excluded...)
	default:
		return append([]slice{
			{"imported", "Imported", o.Imported},
			{"skipped", "There already", o.Skipped},
			{"rejected", "Rejected", r.Rows.Rejected},
			{"failed", "Failed in Cognito", o.Failed},
			{"unprocessed", "Not processed", o.Unprocessed},
		}, excluded...)
	}
}

// divide cuts a bar of a width into whole units, a piece a share. The pieces fill the bar, and a share that is not
// zero gets at least a minimum, at the cost of the widest: a single bad row among a million must be seen.
func divide(parts []slice, width, minimum int) []int {
	var total int64
	for _, p := range parts {
		total += p.n
	}
	pieces := make([]int, len(parts))
	if total == 0 {
		return pieces
	}
	left := width
	for i, p := range parts {
		if p.n > 0 {
			pieces[i] = max(minimum, int(float64(p.n)/float64(total)*float64(width)))
			left -= pieces[i]
		}
	}
	widest := 0
	for i := range pieces {
		if pieces[i] > pieces[widest] {
			widest = i
		}
	}
	pieces[widest] += left
	return pieces
}
