// Package imports answers what S3 knows of an import as a whole: whether it is over, and who may still start its jobs.
//
// Executions can be redriven at any time, for 14 days after they ended and longer than results are kept. So every step
// that would do something asks here first.
package imports

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"userdrop/internal/aws/awserror"
	"userdrop/internal/aws/objects"
	"userdrop/internal/contract"
)

// Imports are the imports of a stack.
type Imports struct {
	results, work *objects.Store
}

// New returns the imports whose results and marks are in these buckets.
func New(client *s3.Client, resultsBucket, workBucket string) Imports {
	return Imports{objects.New(client, resultsBucket), objects.New(client, workBucket)}
}

// AlreadyPublished reports whether an import has had its result. result.json itself expires after KeepProcessedDays, but
// the mark that the import is done stays longer than anybody can redrive.
func (i Imports) AlreadyPublished(ctx context.Context, importID string) (bool, error) {
	published, err := i.results.Exists(ctx, contract.ResultKey(importID))
	if published || err != nil {
		return published, err
	}
	return i.work.Exists(ctx, contract.DoneKey(importID))
}

// StartGrace is longer than a function at work can take from its claim to the start of a job, and lets lists catch up:
// StopExecution does not stop a running function.
const StartGrace = 2 * time.Minute

// ClaimStart reports whether a job of the import may be started within StartGrace. False: its result is published or
// about to be without another job. The claim comes before the look at the result, so that between this function and
// publish-result one sees what the other wrote.
func (i Imports) ClaimStart(ctx context.Context, importID string) (bool, error) {
	key, claim := contract.StartsKey(importID), claimText()
	won, err := i.work.WriteOnce(ctx, key, "text/plain", claim)
	if err != nil {
		return false, err
	}
	if !won {
		text, tag, _, err := i.work.Tagged(ctx, key)
		if awserror.Name(err) == contract.Gone { // cleaned up just now: ask again
			return false, &contract.Error{Name: contract.Unavailable, Err: err}
		}
		if err != nil || text == contract.WoundUp {
			return false, err
		}
		if won, err = i.work.Replace(ctx, key, "text/plain", claim, tag); err != nil {
			return false, err
		}
		if !won {
			return false, &contract.Error{
				Name: contract.Unavailable, Err: fmt.Errorf("another function claims the start of a job of %s", importID),
			}
		}
	}
	published, err := i.AlreadyPublished(ctx, importID)
	return !published, err
}

// WindUp sees to it that no job of the import is started any more, though somebody redrives it. It waits for a start
// that may be under way; while one keeps being claimed, it returns a contract.JobStillActive.
func (i Imports) WindUp(ctx context.Context, importID string) error {
	for range 3 {
		left, err := i.windUp(ctx, importID)
		if err != nil || left <= 0 {
			return err
		}
		if err := objects.Sleep(ctx, left); err != nil {
			return err
		}
	}
	return &contract.Error{
		Name: contract.JobStillActive, Err: fmt.Errorf("an execution of %s still starts jobs", importID),
	}
}

// windUp writes the mark, or returns how long a start that may be under way still takes.
func (i Imports) windUp(ctx context.Context, importID string) (left time.Duration, err error) {
	key := contract.StartsKey(importID)
	won, err := i.work.WriteOnce(ctx, key, "text/plain", []byte(contract.WoundUp))
	if won || err != nil {
		return 0, err
	}
	text, tag, claimed, err := i.work.Tagged(ctx, key)
	if awserror.Name(err) == contract.Gone { // another run has published and cleaned up
		return 0, nil
	}
	if err != nil || text == contract.WoundUp {
		return 0, err
	}
	if left := StartGrace - time.Since(claimed); left > 0 {
		return left, nil
	}
	if won, err = i.work.Replace(ctx, key, "text/plain", []byte(contract.WoundUp), tag); !won && err == nil {
		return StartGrace, nil // claimed anew
	}
	return 0, err
}

// claimText returns a claim. With the time in it, no two claims have the same entity tag.
func claimText() []byte {
	return []byte(strings.Join([]string{"starting", time.Now().UTC().Format(time.RFC3339Nano)}, " "))
}
