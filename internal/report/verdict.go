package report

import "userdrop/internal/contract"

// Ending is how the workflow itself ended, which the counts and jobs cannot tell.
type Ending int

const (
	Ended   Ending = iota // it ran to its end
	Aborted               // somebody stopped it
	Broke                 // it failed or timed out
)

// Decide returns the first verdict that fits, in the order of their declaration.
//
// Two endings come before that order, since its words would mislead. A dry run that broke or whose file was refused
// has checked nothing. And a workflow that somebody stopped before it had read a row has refused nothing: it is
// STOPPED, which keeps the source where it is.
func Decide(r *contract.Result, end Ending) contract.Verdict {
	refused := r.Rows.Read == 0 // a file without rows is refused as well
	switch {
	case end == Broke:
		return contract.VerdictErrored
	case end == Aborted && refused && len(r.Problems) == 0:
		return contract.VerdictStopped
	case r.Mode == contract.ModeCheck && !refused:
		return contract.VerdictChecked
	case r.Rows.Submitted == 0:
		return contract.VerdictRejected
	case r.Rows.Arrived() == r.Rows.Read-r.Rows.Excluded && r.Changes.FailedChanges() == 0:
		return contract.VerdictSucceeded
	case r.Rows.Arrived() > 0:
		return contract.VerdictPartial
	case end == Aborted || anyEnded(r.Jobs, "Stopped"):
		return contract.VerdictStopped
	case anyEnded(r.Jobs, "Expired"):
		return contract.VerdictExpired
	default:
		return contract.VerdictFailed
	}
}

// anyEnded reports whether a part ended with the status. Only a part's last attempt counts: those before it were made
// good by the next.
func anyEnded(jobs []contract.ResultJob, status string) bool {
	for i, j := range jobs {
		last := i == len(jobs)-1 || j.Part == 0 || jobs[i+1].Part != j.Part
		if last && j.Status == status {
			return true
		}
	}
	return false
}
