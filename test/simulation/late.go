package simulation

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// redriveLate lets the results expire, as the life cycle of their bucket does after KeepProcessedDays, and redrives
// every execution that Step Functions lets anybody redrive: no job starts, and no second result appears.
func (r *run) redriveLate(ctx context.Context) {
	r.sweepEvery("rate(1 day)") // for days it finds nothing, 24 times a day
	time.Sleep(9 * 24 * time.Hour)
	r.sweepEvery("rate(1 hour)")
	keys, err := r.S3.Keys(r.Results(), "")
	if err != nil {
		r.violation("list results: %v", err)
	}
	client := s3.NewFromConfig(r.Config(""))
	for _, key := range keys {
		if _, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(r.Results()), Key: &key}); err != nil {
			r.violation("expire %s: %v", key, err)
		}
	}
	events, started := len(r.Published()), r.started()
	for _, machine := range []string{"import-job", "import-users"} {
		for _, e := range r.StepFunctions.Executions(r.Machine(machine)) {
			if _, err := r.StepFunctions.RedriveExecution(ctx, e.ARN); err == nil { // refused for what succeeded
				r.count("people: late redrive")
			}
		}
		if !r.Settle(ctx, 10*24*time.Hour) {
			r.violation("a late redrive of %s does not end", machine)
		}
	}
	time.Sleep(3 * time.Hour) // the hourly sweeps
	r.Settle(ctx, 24*time.Hour)
	if keys, err = r.S3.Keys(r.Results(), ""); err != nil || len(keys) > 0 {
		r.violation("a late redrive published %q: %v", keys, err)
	}
	if n := len(r.Published()) - events; n != 0 {
		r.violation("a late redrive sent %d events", n)
	}
	if n := r.started() - started; n != 0 {
		r.violation("a late redrive started %d jobs", n)
	}
}

// sweepEvery sets when sweep-lost runs.
func (r *run) sweepEvery(rate string) {
	for _, s := range r.Stack.Schedules {
		if s.LogicalID != "LostSweep" {
			continue
		}
		changed := *s
		changed.ScheduleExpression = rate
		if err := r.Scheduler.Put(changed); err != nil {
			r.violation("schedule: %v", err)
		}
	}
}

// started counts the jobs that were ever started.
func (r *run) started() (n int) {
	for _, p := range r.Pools {
		for _, j := range r.Cognito.Jobs(p.ID) {
			if time.Time(j.StartDate).After(r.chaos.start) {
				n++
			}
		}
	}
	return n
}
