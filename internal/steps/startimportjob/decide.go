package startimportjob

import (
	"time"

	"userdrop/internal/contract"
)

const (
	minRefusalPoll = 10 * time.Second
	maxRefusalPoll = 5 * time.Minute
	// maxLapses bounds the jobs, of the pool's 1,000, that uploads which never succeed may cost.
	maxLapses = 5
	// yieldAfter is how long a part keeps the head of the queue while Cognito refuses its job. It is longer than the
	// largest job of somebody else's takes: what is refused for longer may be refused for good, and others may not be.
	yieldAfter = 6 * time.Hour
)

// decide returns what happens to a part whose job was not started just now. patience is how long to go on asking while
// Cognito refuses.
func decide(job contract.ImportJob, now time.Time, patience time.Duration) contract.ImportJob {
	refused := !job.RefusedSince.IsZero()
	waited := now.Sub(job.RefusedSince)
	switch exhausted := refused && waited >= patience; {
	case job.Job.Active(): // the response to a start that worked was lost
		return proceed(job, now)
	case job.Job.NeverRan() && !exhausted:
		return job.NextAttempt()
	case !job.Job.Created(), exhausted:
		job.Next = contract.Done
		return job
	case job.Lapsed && job.Lapses < maxLapses:
		job.Lapses++
		return job.NextAttempt()
	case job.Lapsed:
		job.Refusal = "The upload URLs of " + job.Job.Name + " and the jobs before it could not be used."
		job.Next = contract.Done
		return job
	case refused && min(waited, now.Sub(job.YieldedAt)) >= yieldAfter:
		return job.Yield(now)
	default:
		return job.Pause(min(max(waited/2, minRefusalPoll), maxRefusalPoll))
	}
}

// proceed goes on with a job that is started: with a wait for its first look, since it has just begun.
func proceed(job contract.ImportJob, now time.Time) contract.ImportJob {
	job.Refusal, job.RefusedSince = "", time.Time{}
	job.Next, job.WaitSeconds = contract.Proceed, int64(job.FirstJobPoll(now)/time.Second)
	return job
}
