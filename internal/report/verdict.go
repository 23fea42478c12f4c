package report

// Verdict is the outcome of a drop in one word.
type Verdict string

const (
	Checked   Verdict = "CHECKED"   // a dry run
	Errored   Verdict = "ERROR"     // userdrop's own workflow broke
	Rejected  Verdict = "REJECTED"  // nothing was submitted
	Succeeded Verdict = "SUCCEEDED" // every row read is imported or was there already
	Partial   Verdict = "PARTIAL"   // any row is
	Stopped   Verdict = "STOPPED"   // as the Cognito jobs ended
	Expired   Verdict = "EXPIRED"
	Failed    Verdict = "FAILED"
)

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
func Decide(r *Result, end Ending) Verdict {
	refused := r.Rows.Read == 0 // a file without rows is refused as well
	switch {
	case end == Broke:
		return Errored
	case end == Aborted && refused && len(r.Problems) == 0:
		return Stopped
	case r.Mode == Check && !refused:
		return Checked
	case r.Rows.Submitted == 0:
		return Rejected
	case r.Rows.Arrived() == r.Rows.Read:
		return Succeeded
	case r.Rows.Arrived() > 0:
		return Partial
	case end == Aborted || anyEnded(r.Jobs, "Stopped"):
		return Stopped
	case anyEnded(r.Jobs, "Expired"):
		return Expired
	default:
		return Failed
	}
}

// anyEnded reports whether a part ended with the status. Only a part's last attempt counts: those before it were made
// good by the next.
func anyEnded(jobs []Job, status string) bool {
	for i, j := range jobs {
		last := i == len(jobs)-1 || j.Part == 0 || jobs[i+1].Part != j.Part
		if last && j.Status == status {
			return true
		}
	}
	return false
}
