package startimport

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"userdrop/internal/aws/awserror"
	"userdrop/internal/aws/objects"
	"userdrop/internal/contract"
)

// GatherConfig is the part of start-import's environment that gathers files.
type GatherConfig struct {
	// GatherSeconds is how long a file waits for others of its pool; 0 imports each on its own.
	GatherSeconds   int64  `env:"GATHER_SECONDS" envDefault:"0"`
	StackName       string `env:"STACK_NAME" envDefault:""`
	WorkBucket      string `env:"WORK_BUCKET" envDefault:""`
	SweepARN        string `env:"SWEEP_SCHEDULED_ARN" envDefault:""`
	SweepRoleARN    string `env:"SWEEPS_ROLE_ARN" envDefault:""`
	FailureQueueARN string `env:"FAILURE_QUEUE_ARN" envDefault:""`
}

// gatherer lets the files that arrive within a window share an import.
type gatherer struct {
	work      *objects.Store
	scheduler *scheduler.Client
	config    GatherConfig
}

func newGatherer(cfg aws.Config, config GatherConfig) *gatherer {
	return &gatherer{
		work: objects.New(s3.NewFromConfig(cfg), config.WorkBucket), scheduler: scheduler.NewFromConfig(cfg), config: config,
	}
}

// gather records a file, and then makes sure that a schedule takes it: one of the future, so that no schedule that has
// fired already is taken for the one that will.
func (g *gatherer) gather(ctx context.Context, drop contract.Drop, arrived time.Time) error {
	key := contract.GatheredKey(drop.UserPoolID, drop.ImportID)
	if err := g.work.WriteJSON(ctx, key, contract.Gathered{Object: drop.Source, ArrivedAt: arrived}); err != nil {
		return err
	}
	end, err := g.windowEnd(ctx, drop.UserPoolID)
	if err != nil {
		return err
	}
	input, err := json.Marshal(contract.Schedule{ScheduledTime: end, UserPoolID: drop.UserPoolID})
	if err != nil {
		return fmt.Errorf("encode the schedule's input: %w", err)
	}
	_, err = g.scheduler.CreateSchedule(ctx, &scheduler.CreateScheduleInput{
		Name:                  aws.String(scheduleName(g.config.StackName, drop.UserPoolID, end)),
		ScheduleExpression:    aws.String("at(" + end.Format("2006-01-02T15:04:05") + ")"),
		FlexibleTimeWindow:    &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeOff},
		ActionAfterCompletion: types.ActionAfterCompletionDelete,
		Target: &types.Target{
			Arn: &g.config.SweepARN, RoleArn: &g.config.SweepRoleARN, Input: aws.String(string(input)),
			DeadLetterConfig: &types.DeadLetterConfig{Arn: &g.config.FailureQueueARN},
		},
	})
	if _, exists := errors.AsType[*types.ConflictException](err); exists {
		return nil // an earlier file of the window made it
	}
	if err != nil {
		return fmt.Errorf("schedule the import of what %s gathers: %w", drop.UserPoolID, err)
	}
	return nil
}

// windowEnd returns when the pool's files are taken. The first file opens the window, which an object in the work bucket
// keeps for those that follow.
func (g *gatherer) windowEnd(ctx context.Context, userPoolID string) (end time.Time, err error) {
	for range 5 {
		var agreed bool
		if end, agreed, err = g.agree(ctx, userPoolID); agreed || err != nil && awserror.Name(err) != contract.Unavailable {
			return end, err
		}
	}
	return end, err // a window of its own: one import more, and no file lost
}

// agree returns the end of the pool's window; agreed is false where another file opened one at the same moment.
func (g *gatherer) agree(ctx context.Context, userPoolID string) (end time.Time, agreed bool, err error) {
	key := contract.WindowKey(userPoolID)
	text, tag, _, err := g.work.Tagged(ctx, key)
	absent := awserror.Name(err) == contract.Gone
	if err != nil && !absent {
		return time.Time{}, false, err
	}
	now := time.Now()
	if end, err := time.Parse(time.RFC3339, text); err == nil && usable(end, now) {
		return end, true, nil
	}
	end = newWindow(now, time.Duration(g.config.GatherSeconds)*time.Second)
	opened := []byte(end.Format(time.RFC3339))
	if absent {
		agreed, err = g.work.WriteOnce(ctx, key, "text/plain", opened)
	} else {
		agreed, err = g.work.Replace(ctx, key, "text/plain", opened, tag)
	}
	return end, agreed, err
}

// usable reports whether a schedule for that time can still be made.
func usable(end, now time.Time) bool { return end.Sub(now) > time.Second }

// newWindow returns the end of a window that opens now, in the whole seconds of a schedule.
func newWindow(now time.Time, window time.Duration) time.Time {
	return now.UTC().Truncate(time.Second).Add(max(window, 2*time.Second))
}

// scheduleName returns the name of the schedule of a pool and a window, in the 64 characters that it may have.
func scheduleName(stack, userPoolID string, end time.Time) string {
	hash := sha256.Sum256([]byte(userPoolID + " " + end.Format(time.RFC3339)))
	return stack + "-gather-" + hex.EncodeToString(hash[:8])
}
