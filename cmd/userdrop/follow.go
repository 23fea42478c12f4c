package main

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

	"userdrop/internal/aws/awserror"
	"userdrop/internal/aws/importjobs"
	"userdrop/internal/contract"
)

// follower looks at an import until its result is published.
type follower struct {
	*stack
	meter    *meter
	importID string
	interval time.Duration
	dropped  bool // just now: its execution may be on the way

	parts []contract.ImportJob // once prepare-import has answered
	noted bool

	expired bool // nobody publishes a result of it any more
}

// expired tells of an import that is over that its result was published, or never will be: the hourly sweep sees to
// that for a week.
func expired(status sfntypes.ExecutionStatus, ended *time.Time) bool {
	const week = 8 * 24 * time.Hour // and a day
	return status == sfntypes.ExecutionStatusSucceeded || ended != nil && time.Since(*ended) > week
}

// follow returns the published result and its text.
func (f *follower) follow(ctx context.Context) (*contract.Result, []byte, error) {
	started := time.Now()
	for {
		over, err := f.look(ctx, started)
		if err == nil && over {
			var r *contract.Result
			var text []byte
			if r, text, err = f.result(ctx, f.importID); r != nil {
				f.meter.clear()
				return r, text, err
			}
			if err == nil && f.expired {
				err = unavailablef("the stack %q has no result of %q any more: it keeps results for KeepProcessedDays",
					f.name, f.importID)
			}
		}
		if err != nil && ctx.Err() == nil && !workflowTransient(err) {
			f.meter.clear()
			return nil, nil, explain(err)
		}
		if wait(ctx, f.interval) != nil {
			f.meter.clear()
			return nil, nil, exitInterrupted
		}
	}
}

// workflowTransient tells whether the next look may well succeed.
func workflowTransient(err error) bool {
	name := awserror.Name(err)
	_, final := errors.AsType[unavailable](err)
	return !final && (name == contract.Throttled || name == contract.Unavailable)
}

// eventDelay is how long an object's event may take to start its import: mostly a second, now and then many.
const eventDelay = 15 * time.Second

// importID is what contract.ImportID makes.
var importID = regexp.MustCompile(`^[0-9a-z-]+-[0-9a-f]{24}$`)

func (s *stack) noImport(id string) error {
	return unavailablef("the stack %q has no import %q: see \"userdrop list\"", s.name, id)
}

// look shows how far the import is, and tells whether its execution is over.
func (f *follower) look(ctx context.Context, started time.Time) (over bool, err error) {
	arn := contract.ExecutionARN(f.importUsers, f.importID)
	execution, err := f.machines.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn})
	if _, none := errors.AsType[*sfntypes.ExecutionDoesNotExist](err); none {
		if r, _, err := f.result(ctx, f.importID); err != nil || r != nil {
			return r != nil, err // older than Step Functions remembers
		}
		if !f.dropped && (!importID.MatchString(f.importID) || time.Since(started) > eventDelay) {
			return false, f.noImport(f.importID)
		}
		text := ""
		if time.Since(started) > eventDelay {
			text = "no event yet; the hourly sweep picks the file up if none comes"
		}
		f.meter.show(step{name: "Starting", share: -1, text: text})
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
		if f.dropped { // it was faster than the looks
			return true, f.readParts(ctx, arn)
		}
	default:
		f.meter.show(step{
			name: "Winding up", share: -1, text: "the job is stopped, then the result published: about 2 min",
		})
	}
	return true, nil
}

// running shows what a running import-users execution is at.
func (f *follower) running(ctx context.Context, arn string) error {
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
				return fmt.Errorf("decode the history of %s: %w", f.importID, err)
			}
			return f.part(ctx, child.ExecutionArn)
		}
		if d := e.StateEnteredEventDetails; d != nil {
			switch aws.ToString(d.Name) {
			case "PrepareImport":
				f.meter.show(step{name: "Checking", share: -1, text: "the file against the pool and the CSV rules"})
				return nil
			case "PublishResult", "WhatIsTheVerdict":
				f.meter.show(step{name: "Publishing", share: -1, text: "the result"})
				return nil
			}
		}
	}
	return nil
}

// newest are the last events of an execution, the last one first.
func (f *follower) newest(ctx context.Context, arn string) ([]sfntypes.HistoryEvent, error) {
	history, err := f.machines.GetExecutionHistory(ctx, &sfn.GetExecutionHistoryInput{
		ExecutionArn: &arn, ReverseOrder: true, MaxResults: 30,
	})
	if err != nil {
		return nil, err
	}
	return history.Events, nil
}

// readParts reads, once, which parts prepare-import made of the drop.
func (f *follower) readParts(ctx context.Context, arn string) error {
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
				return fmt.Errorf("decode the history of %s: %w", f.importID, err)
			}
			f.parts, f.noted = prepared.Parts, true
			if len(f.parts) > 0 {
				f.meter.finish("Checked: " + rows(f.total()) + " to import" + several(len(f.parts), " in %d parts"))
			}
		}
	}
	return nil
}

// total is the number of rows that all parts submit.
func (f *follower) total() (n int64) {
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
func (f *follower) part(ctx context.Context, arn string) error {
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
			return fmt.Errorf("decode the history of %s: %w", f.importID, err)
		}
		// Far back in the queue a part looks only now and then.
		job.EstimatedSeconds = max(job.EstimatedSeconds-int64(time.Since(aws.ToTime(e.Timestamp)).Seconds()), 1)
		f.meter.show(f.step(ctx, aws.ToString(d.Name), job))
		return nil
	}
	return nil
}

// step words a state of import-job.
func (f *follower) step(ctx context.Context, state string, job contract.ImportJob) step {
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
		return step{name: "Waiting", share: -1, text: part + f.queued(job)}
	case "WaitForOthers":
		return step{name: "Waiting", share: -1, text: part + "another import job of this AWS account is active"}
	case "DescribeImportJob", "HasImportEnded", "WaitForImport":
		f.refresh(ctx, &job)
		now := time.Now()
		text := fmt.Sprintf("%s%s of %s", part, grouped(done+job.Job.Processed()), rows(f.total()))
		if took := now.Sub(job.Job.StartedAt).Seconds(); job.Job.Processed() > 0 && took > 0 {
			text += fmt.Sprintf(", %.0f/s", float64(job.Job.Processed())/took)
		}
		rest := job.TimeLeft(now) + time.Second
		if later := f.total() - done - int64(job.Rows); later > 0 {
			rest += time.Duration(later) * time.Second / contract.UsersPerSecond
		}
		text += ", about " + about(rest) + " left"
		return step{name: "Importing", share: counted(job.Job.Processed()), text: text}
	case "CollectRows", "AreRowsCollected", "WaitForLog":
		return step{name: "Collecting", share: counted(int64(job.Rows)), text: part + "reasons from the job's log"}
	default:
		return step{name: "Importing", share: counted(0), text: part + "handing the rows to Cognito"}
	}
}

// queued words a place in the queue.
func (f *follower) queued(job contract.ImportJob) string {
	switch {
	case job.Held != "":
		return job.Held
	case job.Ahead > 0:
		ahead := "1 part is ahead"
		if job.Ahead > 1 {
			ahead = fmt.Sprintf("%d parts are ahead", job.Ahead)
		}
		return ahead + ", starts in about " + about(time.Duration(job.EstimatedSeconds)*time.Second)
	case job.Next == contract.Wait:
		return "another import job of this AWS account is active"
	default:
		return "for its turn"
	}
}

// refresh asks Cognito how far the job is now. What the last look of the workflow found is good enough without.
func (f *follower) refresh(ctx context.Context, job *contract.ImportJob) {
	out, err := f.cognito.DescribeUserImportJob(ctx, &cognito.DescribeUserImportJobInput{
		UserPoolId: &job.UserPoolID, JobId: &job.Job.ID,
	})
	if err == nil && out.UserImportJob != nil {
		job.Job = importjobs.State(out.UserImportJob)
	}
}
