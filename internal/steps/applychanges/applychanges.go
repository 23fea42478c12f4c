// Package applychanges applies after the import what Cognito's import cannot do: memberships of groups, and whether
// users are enabled. One rate-limited loop for each stack, with checkpoints in the work bucket, so that it goes on where
// it was, whenever it is killed.
//
// Every operation is idempotent: what a run did after its last checkpoint is done again by the next, to no effect.
package applychanges

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"userdrop/internal/aws/changes"
	"userdrop/internal/aws/imports"
	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/aws/metrics"
	"userdrop/internal/aws/objects"
	"userdrop/internal/contract"
)

// Apply is the handler of apply-changes.
type Apply struct {
	Cognito users
	Machine lister
	Work    *objects.Store
	Imports imports.Imports
	Config  Config
}

// users are the operations of a user pool that changes need.
type users interface {
	AdminAddUserToGroup(
		context.Context, *cognito.AdminAddUserToGroupInput, ...func(*cognito.Options),
	) (*cognito.AdminAddUserToGroupOutput, error)
	AdminDisableUser(
		context.Context, *cognito.AdminDisableUserInput, ...func(*cognito.Options),
	) (*cognito.AdminDisableUserOutput, error)
	AdminEnableUser(
		context.Context, *cognito.AdminEnableUserInput, ...func(*cognito.Options),
	) (*cognito.AdminEnableUserOutput, error)
	AdminUpdateUserAttributes(
		context.Context, *cognito.AdminUpdateUserAttributesInput, ...func(*cognito.Options),
	) (*cognito.AdminUpdateUserAttributesOutput, error)
	ListGroups(context.Context, *cognito.ListGroupsInput, ...func(*cognito.Options)) (*cognito.ListGroupsOutput, error)
}

// Config is the environment of apply-changes.
type Config struct {
	metrics.Stack
	WorkBucket    string `env:"WORK_BUCKET"`
	ResultsBucket string `env:"RESULTS_BUCKET"`
	// Rate is the parameter ApplyRate: calls a second.
	Rate float64 `env:"APPLY_RATE"`
	// MaxTurns bounds an execution's history; simulations lower it.
	MaxTurns int `env:"MAX_TURNS" envDefault:"1500"`
}

// New builds the handler of functions/apply-changes.
func New(cfg aws.Config, environ map[string]string) (lambda.Handler, error) {
	config, err := lambdahandler.Environment[Config](environ)
	if err != nil {
		return nil, err
	}
	client := s3.NewFromConfig(cfg)
	return lambdahandler.Handler((&Apply{
		// The loop itself tries again, since a retry counts in the rate as well.
		Cognito: cognito.NewFromConfig(cfg, func(o *cognito.Options) { o.Retryer = aws.NopRetryer{} }),
		Machine: sfn.NewFromConfig(cfg),
		Work:    objects.New(client, config.WorkBucket), Imports: imports.New(client, config.ResultsBucket, config.WorkBucket),
		Config: config,
	}).Handle), nil
}

const (
	// interval is the time between checkpoints.
	interval = 30 * time.Second
	// beforeDeadline is what a run leaves for its last checkpoint.
	beforeDeadline = 30 * time.Second
	// pausePoll is how often a paused loop looks whether it may go on.
	pausePoll = 2 * time.Minute
)

// Turn is the input of apply-changes: whose changes, and which execution asks.
type Turn struct {
	Apply     contract.ApplyChanges `json:"apply"`
	Execution struct {
		Name            string    `json:"name"`
		StartTime       time.Time `json:"startTime"`
		StateMachineARN string    `json:"stateMachineArn"`
	} `json:"execution"`
}

// Handle answers Go while changes are left, Wait while it is another execution's turn or the queue is paused, and Done
// when all are applied, a result is published, or somebody stopped the import.
func (a *Apply) Handle(ctx context.Context, turn Turn) (contract.ApplyChanges, error) {
	answer := turn.Apply
	answer.Held = ""
	if answer.Schema != contract.Schema {
		return answer, fmt.Errorf("the execution's input has schema %d, not %d: it comes from another release",
			answer.Schema, contract.Schema)
	}
	over, err := a.over(ctx, answer.ImportID)
	if err != nil || over {
		answer.Next = contract.Done
		return answer, err
	}
	if wait, err := a.queue(ctx, turn); err != nil || wait > 0 {
		return a.pause(answer, wait), err
	}
	lease, held, err := a.acquire(ctx, turn.Execution.Name)
	if err != nil || held > 0 {
		return a.pause(answer, held), err
	}
	next, err := a.parts(ctx, &answer, lease)
	if release := lease.release(ctx); err == nil {
		err = release
	}
	a.measure(ctx, answer.ImportID, lease, next)
	if err != nil {
		return answer, err
	}
	if next == contract.Wait {
		return a.pause(answer, pausePoll), nil
	}
	answer.Next = next
	return a.turn(answer), nil
}

// measure counts what a run did.
func (a *Apply) measure(ctx context.Context, importID string, lease *lease, next contract.Next) {
	held := 0.0
	if next == contract.Wait {
		held = 1
	}
	a.Config.Put(ctx, importID, metrics.ChangesLeft.Of(float64(lease.Left)),
		metrics.ChangesDone.Of(float64(lease.done)), metrics.ChangesHeld.Of(held))
}

// over reports whether nothing may be applied any more.
func (a *Apply) over(ctx context.Context, importID string) (bool, error) {
	published, err := a.Imports.AlreadyPublished(ctx, importID)
	if err != nil || published {
		return published, err
	}
	return a.Work.Exists(ctx, contract.StopChangesKey(importID))
}

// pause answers Wait.
func (a *Apply) pause(answer contract.ApplyChanges, wait time.Duration) contract.ApplyChanges {
	answer.Next, answer.WaitSeconds = contract.Wait, int64(max(wait, time.Second)/time.Second)
	return a.turn(answer)
}

// turn ends an execution that has been round its loop often enough: one for a part leaves the rest to the one for all
// that is left, and that one is started anew by import-users.
func (a *Apply) turn(answer contract.ApplyChanges) contract.ApplyChanges {
	if answer.Turns++; answer.Turns >= a.Config.MaxTurns {
		answer.Next = contract.Done
	}
	return answer
}

// parts applies the changes of the parts that the execution is for.
func (a *Apply) parts(ctx context.Context, answer *contract.ApplyChanges, lease *lease) (contract.Next, error) {
	var plan contract.Plan
	if found, err := a.Work.ReadJSON(ctx, contract.PlanKey(answer.ImportID), &plan); err != nil || !found {
		return contract.Done, err // erased: the result is published
	}
	for _, part := range changes.Parts(a.Work, &plan) {
		if answer.Part != 0 && answer.Part != part.Number {
			continue
		}
		next, err := a.part(ctx, answer, part, lease)
		if err != nil || next != contract.Done {
			return next, err
		}
	}
	return contract.Done, nil
}

// part applies the changes of one part, as far as it gets. Done is their end.
func (a *Apply) part(
	ctx context.Context, answer *contract.ApplyChanges, part changes.Part, lease *lease,
) (contract.Next, error) {
	if _, found, err := part.Summary(ctx); err != nil || found {
		return contract.Done, err
	}
	wanted, imported, err := part.Load(ctx)
	if err != nil || !imported {
		return contract.Done, err
	}
	done, err := part.Last(ctx)
	if err != nil {
		return contract.Done, err
	}
	loop := newLoop(a.Cognito, answer.UserPoolID, a.Config.Rate, done.Rate)
	for done.Next < len(wanted) {
		answer.Done, answer.Of = done.Next, len(wanted)
		if goOn, next, err := a.mayGoOn(ctx, answer, lease, len(wanted)-done.Next); err != nil || !goOn {
			return next, err
		}
		batch, failure := loop.run(ctx, wanted[done.Next:])
		lease.done += batch.Next
		lease.Left -= batch.Next
		if reason := loop.hopeless(); reason != "" {
			slog.ErrorContext(ctx, "No change can be applied.", "importId", answer.ImportID, "reason", reason)
			if done, err = a.save(ctx, part, done, batch); err != nil {
				return contract.Done, err
			}
			return contract.Done, a.finish(ctx, part, wanted, done, reason)
		}
		if batch.Next > 0 {
			if done, err = a.save(ctx, part, done, batch); err != nil {
				return contract.Done, err
			}
		}
		if failure != nil {
			return contract.Done, failure
		}
		if batch.Next == 0 { // the deadline is near
			return contract.Proceed, nil
		}
	}
	return contract.Done, a.finish(ctx, part, wanted, done, "")
}

// save adds a batch to the checkpoint before it.
func (a *Apply) save(
	ctx context.Context, part changes.Part, done, batch contract.ChangesDone,
) (contract.ChangesDone, error) {
	next := contract.ChangesDone{
		Number: done.Number + 1, Next: done.Next + batch.Next, Counts: done.Counts.Add(batch.Counts),
		Rate: batch.Rate, Failed: batch.Failed, Failures: done.Failures,
	}
	if len(batch.Failed) > 0 {
		next.Failures = append(next.Failures, next.Number)
	}
	won, err := part.Save(ctx, next)
	if err == nil && !won {
		// The answer to our own write was lost, or another run did the same rows: either way, go by what is there.
		return part.Last(ctx)
	}
	return next, err
}

func (a *Apply) finish(
	ctx context.Context, part changes.Part, wanted []contract.Change, done contract.ChangesDone, abandoned string,
) error {
	summary, err := part.Finish(ctx, wanted, done, abandoned)
	if err != nil {
		return err
	}
	slog.InfoContext(ctx, "Applied.", "importId", part.ImportID, "part", part.Number, "failed", summary.Counts.FailedChanges())
	return nil
}

// mayGoOn looks, before each batch, whether the loop still may go on, and what happens if not: Go before the function's
// time is up or when another run holds the lease, Wait while the queue is paused, Done when the import is over.
func (a *Apply) mayGoOn(
	ctx context.Context, answer *contract.ApplyChanges, lease *lease, left int,
) (goOn bool, next contract.Next, err error) {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < beforeDeadline+interval {
		return false, contract.Proceed, nil
	}
	if over, err := a.over(ctx, answer.ImportID); err != nil || over {
		return false, contract.Done, err
	}
	paused, err := a.Work.Exists(ctx, contract.HoldKey)
	if err != nil {
		return false, contract.Done, err
	}
	if paused {
		answer.Held = `paused until "userdrop resume"`
		return false, contract.Wait, nil
	}
	lease.Of = answer.Of
	goOn, err = lease.renew(ctx, left)
	return goOn, contract.Proceed, err
}
