// Package sweepscheduled imports files together: what waits under scheduled/<user pool id>/, or what a pool has gathered.
package sweepscheduled

import (
	"context"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"

	"userdrop/internal/aws/batches"
	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/contract"
)

type step struct{ batches *batches.Batches }

// New builds the handler of functions/sweep-scheduled.
func New(cfg aws.Config, environ map[string]string) (lambda.Handler, error) {
	config, err := lambdahandler.Environment[batches.Config](environ)
	if err != nil {
		return nil, err
	}
	return lambdahandler.Handler((&step{batches.New(cfg, config)}).handle), nil
}

// handle starts an import for each pool that has files.
func (s *step) handle(ctx context.Context, schedule contract.Schedule) (contract.Started, error) {
	at := schedule.ScheduledTime
	if at.IsZero() {
		at = time.Now()
	}
	if schedule.UserPoolID != "" {
		return s.batches.TakeGathered(ctx, schedule.UserPoolID, at)
	}
	return s.batches.TakeScheduled(ctx, at)
}
