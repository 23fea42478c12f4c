package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"userdrop/internal/aws/importjobs"
	"userdrop/internal/contract"
)

// Follower looks at an import until its result is published.
type Follower struct {
	*Stack
	Progress Progress
	ImportID string
	Interval time.Duration
	Dropped  bool // just now: its execution may be on the way

	parts []contract.ImportJob // once prepare-import has answered
	noted bool

	expired bool // nobody publishes a result of it any more
}

// expired reports whether the result of an import that is over was published, or never will be: the hourly sweep
// publishes missing results for a week.
func expired(status sfntypes.ExecutionStatus, ended *time.Time) bool {
	const week = 8 * 24 * time.Hour // and a day
	return status == sfntypes.ExecutionStatusSucceeded || ended != nil && time.Since(*ended) > week
}

// Follow returns the published result and its text.
func (f *Follower) Follow(ctx context.Context) (*contract.Result, []byte, error) {
	started := time.Now()
	for {
		over, err := f.look(ctx, started)
		if err == nil && over {
			var r *contract.Result
			var text []byte
			if r, text, err = f.Result(ctx, f.ImportID); r != nil {
				f.Progress.Clear()
				return r, text, err
			}
			if err == nil && f.expired {
				err = NotFoundf("the stack %q has no result of %q any more: it keeps results for KeepProcessedDays",
					f.Name, f.ImportID)
			}
		}
		if err != nil && ctx.Err() == nil && !transient(err) {
			f.Progress.Clear()
			return nil, nil, Explain(err)
		}
		if wait(ctx, f.Interval) != nil {
			f.Progress.Clear()
			return nil, nil, ctx.Err()
		}
	}
}

// eventDelay is how long an object's event may take to start its import: mostly a second, now and then many.
const eventDelay = 15 * time.Second

// importID is what contract.ImportID makes.
var importID = regexp.MustCompile(`^[0-9a-z-]+-[0-9a-f]{24}$`)

func (s *Stack) noImport(id string) error {
	return NotFoundf("the stack %q has no import %q: see \"userdrop list\"", s.Name, id)
}

// look shows how far the import is, and reports whether its execution is over.
func (f *Follower) look(ctx context.Context, started time.Time) (over bool, err error) {
	arn := contract.ExecutionARN(f.importUsers, f.ImportID)
	execution, err := f.machines.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn})
	if _, none := errors.AsType[*sfntypes.ExecutionDoesNotExist](err); none {
		if r, _, err := f.Result(ctx, f.ImportID); err != nil || r != nil {
			return r != nil, err // older than Step Functions remembers
		}
		if gathered, err := f.gathered(ctx); gathered || err != nil {
			return false, err
		}
		if !f.Dropped && (!importID.MatchString(f.ImportID) || time.Since(started) > eventDelay) {
			return false, f.noImport(f.ImportID)
		}
		text := ""
		if time.Since(started) > eventDelay {
			text = "no event yet; the hourly sweep picks the file up if none comes"
		}
		f.Progress.Show(Step{Name: "Starting", Share: -1, Text: text})
		return false, nil
	}
	if err != nil {
		return false, err
	}
	f.expired = expired(execution.Status, execution.StopDate)
	switch execution.Status {
	case sfntypes.ExecutionStatusRunning:
		return false, f.running(ctx, arn)
	case sfntypes.ExecutionStatusSucceeded:
		if f.Dropped { // it was faster than the looks
			return true, f.readParts(ctx, arn)
		}
	default:
		takenOver, err := f.takenOver(ctx, f.ImportID)
		if err != nil {
			return false, err
		}
		if takenOver {
			return false, NotFoundf("a later sweep took the files of %s over, and their result is under its import: "+
				"see \"userdrop list\"", f.ImportID)
		}
		f.Progress.Show(Step{
			Name: "Winding up", Share: -1, Text: "the job is stopped, then the result published: about 2 min",
		})
	}
	return true, nil
}

// running shows what a running import-users execution is at.
func (f *Follower) running(ctx context.Context, arn string) error {
	if err := f.readParts(ctx, arn); err != nil {
		return err
	}
	events, err := f.newest(ctx, arn)
	if err != nil {
		return err
	}
	for _, e := range events {
		if d := e.TaskSubmittedEventDetails; d != nil {
			var child struct{ ExecutionArn string }
			if err := json.Unmarshal([]byte(aws.ToString(d.Output)), &child); err != nil {
				return fmt.Errorf("decode the history of %s: %w", f.ImportID, err)
			}
			if f.appliesChanges(child.ExecutionArn) {
				return f.applying(ctx, child.ExecutionArn)
			}
			return f.part(ctx, child.ExecutionArn)
		}
		if d := e.StateEnteredEventDetails; d != nil {
			switch aws.ToString(d.Name) {
			case "PrepareImport":
				f.Progress.Show(Step{Name: "Checking", Share: -1, Text: "the file against the pool and the CSV rules"})
				return nil
			case "PublishResult", "WhatIsTheVerdict":
				f.Progress.Show(Step{Name: "Publishing", Share: -1, Text: "the result"})
				return nil
			}
		}
	}
	return nil
}

// newest are the last events of an execution, the last one first.
func (f *Follower) newest(ctx context.Context, arn string) ([]sfntypes.HistoryEvent, error) {
	history, err := f.machines.GetExecutionHistory(ctx, &sfn.GetExecutionHistoryInput{
		ExecutionArn: &arn, ReverseOrder: true, MaxResults: 30,
	})
	if err != nil {
		return nil, err
	}
	return history.Events, nil
}

// readParts reads, once, which parts prepare-import made of the drop.
func (f *Follower) readParts(ctx context.Context, arn string) error {
	if f.noted {
		return nil
	}
	history, err := f.machines.GetExecutionHistory(ctx, &sfn.GetExecutionHistoryInput{
		ExecutionArn: &arn, MaxResults: 100,
	})
	if err != nil {
		return err
	}
	for _, e := range history.Events {
		if d := e.StateExitedEventDetails; d != nil && aws.ToString(d.Name) == "PrepareImport" {
			var prepared contract.Import
			if err := json.Unmarshal([]byte(aws.ToString(d.Output)), &prepared); err != nil {
				return fmt.Errorf("decode the history of %s: %w", f.ImportID, err)
			}
			f.parts, f.noted = prepared.Parts, true
			if len(f.parts) > 0 {
				f.Progress.Finish("Checked: " + Rows(f.total()) + " to import" + several(len(f.parts), " in %d parts"))
			}
		}
	}
	return nil
}

// total is the number of rows that all parts submit.
func (f *Follower) total() (n int64) {
	for _, p := range f.parts {
		n += int64(p.Rows)
	}
	return n
}

func several(n int, format string) string {
	if n < 2 {
		return ""
	}
	return fmt.Sprintf(format, n)
}

// part shows what a part's import-job execution is at: its state's input is the part as the functions see it.
func (f *Follower) part(ctx context.Context, arn string) error {
	events, err := f.newest(ctx, arn)
	if err != nil {
		return err
	}
	for _, e := range events {
		d := e.StateEnteredEventDetails
		if d == nil {
			continue
		}
		var job contract.ImportJob
		if err := json.Unmarshal([]byte(aws.ToString(d.Input)), &job); err != nil {
			return fmt.Errorf("decode the history of %s: %w", f.ImportID, err)
		}
		// Far back in the queue a part looks only now and then.
		job.EstimatedSeconds = max(job.EstimatedSeconds-int64(time.Since(aws.ToTime(e.Timestamp)).Seconds()), 1)
		f.Progress.Show(f.step(ctx, aws.ToString(d.Name), job))
		return nil
	}
	return nil
}

// step words a state of import-job.
func (f *Follower) step(ctx context.Context, state string, job contract.ImportJob) Step {
	done := int64(0) // rows of the parts and attempts before this one
	for _, p := range f.parts {
		if p.Part < job.Part {
			done += int64(p.Rows)
		}
		if p.Part == job.Part {
			done += int64(p.Rows - job.Rows)
		}
	}
	counted := func(processed int64) float64 { return share(done+processed, f.total()) }
	part := several(len(f.parts), fmt.Sprintf("part %d of %%d, ", job.Part))
	switch state {
	case "AwaitTurn", "IsItOurTurn", "WaitForTurn":
		return Step{Name: "Waiting", Share: -1, Text: part + f.queued(job)}
	case "WaitForOthers":
		return Step{Name: "Waiting", Share: -1, Text: part + refused(job)}
	case "DescribeImportJob", "HasImportEnded", "WaitForImport":
		f.refresh(ctx, &job)
		now := time.Now()
		text := fmt.Sprintf("%s%s of %s", part, Grouped(done+job.Job.Processed()), Rows(f.total()))
		if took := now.Sub(job.Job.StartedAt).Seconds(); job.Job.Processed() > 0 && took > 0 {
			text += fmt.Sprintf(", %.0f/s", float64(job.Job.Processed())/took)
		}
		rest := job.TimeLeft(now) + time.Second
		if later := f.total() - done - int64(job.Rows); later > 0 {
			rest += time.Duration(later) * time.Second / contract.UsersPerSecond
		}
		text += ", about " + About(rest) + " left"
		return Step{Name: "Importing", Share: counted(job.Job.Processed()), Text: text}
	case "CollectRows", "AreRowsCollected", "WaitForLog":
		return Step{Name: "Collecting", Share: counted(int64(job.Rows)), Text: part + "reasons from the job's log"}
	default:
		return Step{Name: "Importing", Share: counted(0), Text: part + "handing the rows to Cognito"}
	}
}

// refused words why a job does not start yet.
func refused(job contract.ImportJob) string {
	const active = "another import job of this AWS account is active"
	if job.Refusal == "" || time.Since(job.RefusedSince) < time.Hour {
		return active
	}
	return active + ", or Cognito refuses this one for another reason (since " +
		job.RefusedSince.Local().Format("2006-01-02 15:04") + "): " + job.Refusal
}

// queued words a place in the queue.
func (f *Follower) queued(job contract.ImportJob) string {
	switch {
	case job.Held != "":
		return job.Held
	case job.Ahead > 0:
		ahead := "1 part is ahead"
		if job.Ahead > 1 {
			ahead = fmt.Sprintf("%d parts are ahead", job.Ahead)
		}
		return ahead + ", starts in about " + About(time.Duration(job.EstimatedSeconds)*time.Second)
	case job.Next == contract.Wait:
		return "another import job of this AWS account is active"
	default:
		return "for its turn"
	}
}

// refresh asks Cognito how far the job is now. What the last look of the workflow found is good enough without.
func (f *Follower) refresh(ctx context.Context, job *contract.ImportJob) {
	out, err := f.cognito.DescribeUserImportJob(ctx, &cognito.DescribeUserImportJobInput{
		UserPoolId: &job.UserPoolID, JobId: &job.Job.ID,
	})
	if err == nil && out.UserImportJob != nil {
		job.Job = importjobs.State(out.UserImportJob)
	}
}

// wait waits, or until the context ends.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
