// Package startimportjob starts the Cognito user import job of an attempt, once the queue is not held and Cognito lets
// it.
package startimportjob

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"userdrop/internal/aws/hold"
	"userdrop/internal/aws/importjobs"
	"userdrop/internal/aws/imports"
	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/aws/objects"
	"userdrop/internal/contract"
)

// Config is the environment of start-import-job.
type Config struct {
	hold.Config
	ResultsBucket string `env:"RESULTS_BUCKET"`
	// MaxWaitForOthersDays is how long to go on asking while Cognito refuses.
	MaxWaitForOthersDays float64 `env:"MAX_WAIT_FOR_OTHERS_DAYS"`
}

type step struct {
	cognito *cognito.Client
	hold    *hold.Hold
	imports imports.Imports
	work    *objects.Store
	config  Config
}

// New builds the handler of functions/start-import-job.
func New(cfg aws.Config, environ map[string]string) (lambda.Handler, error) {
	config, err := lambdahandler.Environment[Config](environ)
	if err != nil {
		return nil, err
	}
	client := s3.NewFromConfig(cfg)
	return lambdahandler.Handler((&step{
		cognito: cognito.NewFromConfig(cfg), hold: hold.New(client, config.Config),
		imports: imports.New(client, config.ResultsBucket, config.WorkBucket), work: objects.New(client, config.WorkBucket),
		config: config,
	}).handle), nil
}

// handle answers Proceed once the job is started, Wait while it is refused or the queue is held, Attempt when its URL or
// the job itself lapsed, and Done when there is nothing to wait for: the job ended, none could be made, the patience
// did, or somebody redrives what abort-import wound up, or whose files a sweep took over.
func (s *step) handle(ctx context.Context, job contract.ImportJob) (contract.ImportJob, error) {
	if job.Job.ID == "" {
		job.Next = contract.Done
		return job, nil
	}
	if job.Job.Created() {
		var proceeds bool
		var err error
		if job, proceeds, err = s.permission(ctx, job); err != nil || !proceeds {
			return job, err
		}
		if job, proceeds, err = s.start(ctx, job); err != nil || proceeds {
			return job, err
		}
	}
	return s.next(ctx, job), nil
}

// permission reports whether the job may be started now; otherwise the payload says what happens instead.
func (s *step) permission(ctx context.Context, job contract.ImportJob) (_ contract.ImportJob, mayStart bool, err error) {
	// A part that waits for others may have had its turn days ago.
	why, wait, err := s.hold.Why(ctx, time.Now())
	if err != nil {
		return job, false, err
	}
	if job.Held = why; why != "" {
		job.RefusedSince = time.Time{} // nobody asks, nobody refuses
		return job.Pause(wait), false, nil
	}
	claimed, err := s.imports.ClaimStart(ctx, job.ImportID)
	if err != nil || !claimed {
		job.Next = contract.Done
		return job, false, err
	}
	if job.Scheduled {
		closed, err := s.work.WriteIfAbsent(ctx, contract.ClosedKey(job.ImportID), contract.Publishing)
		if err != nil || closed == contract.TakenOver {
			job.Next = contract.Done
			return job, false, err
		}
	}
	return job, true, nil
}

// start asks Cognito to start the job, and notes a refusal. Which error means "another job is active" is not
// documented, and the response to a start that worked may be lost: only the job's status, which it asks for then, says
// what is.
func (s *step) start(ctx context.Context, job contract.ImportJob) (_ contract.ImportJob, started bool, err error) {
	out, err := s.cognito.StartUserImportJob(ctx, &cognito.StartUserImportJobInput{
		UserPoolId: &job.UserPoolID, JobId: &job.Job.ID,
	})
	if err == nil {
		job.Job = importjobs.State(out.UserImportJob)
		return proceed(job, time.Now()), true, nil
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorCode() == "AccessDeniedException" {
		return job, false, fmt.Errorf("start import job %s: %w", job.Job.ID, err) // that is IAM, and no job in the way
	}
	job.Refusal = importjobs.RefusalText(err)
	if job.RefusedSince.IsZero() {
		job.RefusedSince = time.Now().UTC()
	}
	job.Job, _, err = importjobs.Describe(ctx, s.cognito, job)
	return job, false, err
}

// next decides by the job's status.
func (s *step) next(ctx context.Context, job contract.ImportJob) contract.ImportJob {
	job = decide(job, time.Now(), time.Duration(s.config.MaxWaitForOthersDays*float64(24*time.Hour)))
	if job.Next == contract.Wait || job.Next == contract.HandOver {
		slog.InfoContext(ctx, "Cognito does not start the job yet.", "importId", job.ImportID, "jobId", job.Job.ID,
			"since", job.RefusedSince, "refusal", job.Refusal)
	}
	return job
}
