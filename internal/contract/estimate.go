package contract

import "time"

// UsersPerSecond is the speed of an import job that estimates start from: Amazon's own runs of 100,000 and 500,000
// users took 56 and 248 minutes.
// https://docs.aws.amazon.com/solutions/latest/cognito-user-profiles-export-reference-architecture/design-considerations.html
const UsersPerSecond = 35

// MaxEstimate bounds every estimate, the largest MaxImportDays: an import that takes longer is ended before.
const MaxEstimate = 365 * 24 * time.Hour

// Progress is how far a Cognito job is, for an estimate of the rest.
type Progress struct {
	Rows      int           // of the job
	Processed int64         // of them
	Took      time.Duration // since the job's start
	// Rate is the users per second to go by while nothing is processed.
	Rate float64
}

// TimeLeft estimates the time that the job still needs, by its own speed so far or else by Rate; never below 0 and
// never above MaxEstimate.
func (p Progress) TimeLeft() time.Duration {
	rest := float64(max(int64(p.Rows)-p.Processed, 0))
	if rest == 0 {
		return 0
	}
	rate := p.Rate
	if p.Processed > 0 && p.Took > 0 {
		rate = float64(p.Processed) / p.Took.Seconds()
	}
	// Clamp before the conversion: a Duration holds 292 years, and what is beyond overflows to the past.
	seconds := min(rest/rate, MaxEstimate.Seconds())
	return time.Duration(seconds * float64(time.Second))
}

// The polling of a running job.
const (
	minJobPoll = 2 * time.Second
	maxJobPoll = 5 * time.Minute
	// pendingTime is how long a job is pending before its first row: 2.3 s were seen. Err low.
	pendingTime = 2 * time.Second
)

// JobPoll returns when to look at a running job again that needs this time: at half of it, or at its end where that is
// near, since one look more is enough then.
func JobPoll(left time.Duration) time.Duration {
	if left >= maxJobPoll/4 {
		left /= 2
	}
	return min(max(left, minJobPoll), maxJobPoll)
}

// FirstJobPoll returns when to look for the first time at the attempt's job, which was started just now.
func (j ImportJob) FirstJobPoll(now time.Time) time.Duration {
	return JobPoll(j.TimeLeft(now) + pendingTime + time.Second)
}

// TimeLeft estimates the time that the attempt's running job still needs.
func (j ImportJob) TimeLeft(now time.Time) time.Duration {
	p := Progress{Rows: j.Rows, Processed: j.Job.Processed(), Rate: UsersPerSecond}
	if !j.Job.StartedAt.IsZero() {
		p.Took = now.Sub(j.Job.StartedAt)
	}
	return p.TimeLeft()
}
