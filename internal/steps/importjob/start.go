package importjob

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

	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/aws/metrics"
	"userdrop/internal/aws/objects"
	"userdrop/internal/contract"
	"userdrop/internal/steps/awaitturn"
)

// Start starts the attempt's job.
type Start struct {
	Cognito interface {
		starter
		describer
	}
	Hold    *awaitturn.Hold
	Work    *objects.Store
	Results *objects.Store
	Config  StartConfig
}

// StartConfig is the environment of start-import-job.
type StartConfig struct {
	awaitturn.HoldConfig
	ResultsBucket string `env:"RESULTS_BUCKET"`
	// MaxWaitForOthersDays is how long to go on asking while Cognito refuses.
	MaxWaitForOthersDays float64 `env:"MAX_WAIT_FOR_OTHERS_DAYS"`
}

// NewStart builds the handler of functions/start-import-job.
func NewStart(cfg aws.Config, environ map[string]string) (lambda.Handler, error) {
	config, err := lambdahandler.Environment[StartConfig](environ)
	if err != nil {
		return nil, err
	}
	client := s3.NewFromConfig(cfg)
	return lambdahandler.Handler((&Start{
		Cognito: cognito.NewFromConfig(cfg), Hold: awaitturn.NewHold(client, config.HoldConfig),
		Work: objects.New(client, config.WorkBucket), Results: objects.New(client, config.ResultsBucket), Config: config,
	}).Handle), nil
}

const (
	minRefusalWait = 10 * time.Second
	maxRefusalWait = 5 * time.Minute
	// maxLapses bounds the jobs, of the pool's 1,000, that uploads which never succeed may cost.
	maxLapses = 5
)

// Handle answers Go once the job is started, Wait while it is refused or the queue is held, Attempt when its URL or the
// job itself lapsed, and Done when there is nothing to wait for: the job ended, none could be made, the patience did,
// or somebody redrives what abort-import wound up, or whose files a sweep took over.
func (s *Start) Handle(ctx context.Context, job contract.ImportJob) (contract.ImportJob, error) {
	if job.Job.ID == "" {
		job.Next = contract.Done
		return job, nil
	}
	if created(job.Job) {
		if over, err := s.over(ctx, job.ImportID); over || err != nil {
			job.Next = contract.Done
			return job, err
		}
		// A part that waits for others may have had its turn days ago.
		why, wait, err := s.Hold.Why(ctx, time.Now())
		if err != nil {
			return job, err
		}
		if job.Held = why; why != "" {
			job.RefusedSince = time.Time{} // nobody asks, nobody refuses
			return awaitturn.Pause(job, wait), nil
		}
		if job.Scheduled {
			closed, err := s.Work.Settle(ctx, contract.ClosedKey(job.ImportID), contract.Publishing)
			if err != nil || closed == contract.TakenOver {
				job.Next = contract.Done
				return job, err
			}
		}
		out, err := s.Cognito.StartUserImportJob(ctx, &cognito.StartUserImportJobInput{
			UserPoolId: &job.UserPoolID, JobId: &job.Job.ID,
		})
		if err == nil {
			job.Job = State(out.UserImportJob)
			job.Refusal, job.RefusedSince = "", time.Time{}
			job.Next = contract.Go
			return job, nil
		}
		if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorCode() == "AccessDeniedException" {
			return job, fmt.Errorf("start import job %s: %w", job.Job.ID, err) // that is IAM, and no job in the way
		}
		// Which error means "another job is active" is not documented, and the answer to a start that worked may be
		// lost: only the job's status tells.
		job.Refusal = words(err)
		if job.RefusedSince.IsZero() {
			job.RefusedSince = time.Now().UTC()
		}
		described, err := describe(ctx, s.Cognito, job)
		if err != nil {
			return job, err
		}
		job.Job = State(described)
	}
	switch waited := time.Since(job.RefusedSince); {
	case active(job.Job):
		job.Refusal, job.RefusedSince = "", time.Time{}
		job.Next = contract.Go
	case neverRan(job.Job) && (job.RefusedSince.IsZero() || waited < s.patience()):
		job = again(job)
	case !created(job.Job), !job.RefusedSince.IsZero() && waited >= s.patience():
		job.Next = contract.Done
	case job.Lapsed && job.Lapses < maxLapses:
		job.Lapses++
		job = again(job)
	case job.Lapsed:
		job.Refusal = "The upload URLs of " + job.Job.Name + " and the jobs before it could not be used."
		job.Next = contract.Done
	default:
		slog.InfoContext(ctx, "Cognito does not start the job yet.", "importId", job.ImportID, "jobId", job.Job.ID,
			"since", job.RefusedSince, "refusal", job.Refusal)
		job = awaitturn.Pause(job, min(max(waited/2, minRefusalWait), maxRefusalWait))
	}
	return job, nil
}

// over tells whether an import that somebody redrives has its result, or will have it without another job.
func (s *Start) over(ctx context.Context, importID string) (bool, error) {
	published, err := s.Results.Exists(ctx, contract.ResultKey(importID))
	if published || err != nil {
		return published, err
	}
	return s.Work.Exists(ctx, contract.WoundUpKey(importID))
}

func (s *Start) patience() time.Duration {
	return time.Duration(s.Config.MaxWaitForOthersDays * float64(24*time.Hour))
}

// Describe looks at the attempt's job.
type Describe struct {
	Cognito describer
	Config  metrics.Stack
}

// NewDescribe builds the handler of functions/describe-import-job.
func NewDescribe(cfg aws.Config, environ map[string]string) (lambda.Handler, error) {
	config, err := lambdahandler.Environment[metrics.Stack](environ)
	if err != nil {
		return nil, err
	}
	return lambdahandler.Handler((&Describe{Cognito: cognito.NewFromConfig(cfg), Config: config}).Handle), nil
}

const (
	minLook = 2 * time.Second
	maxLook = 5 * time.Minute
)

// Handle answers the job's status and counters, and how long to wait for the next look: half of the rest that the
// measured rate promises.
func (d *Describe) Handle(ctx context.Context, job contract.ImportJob) (contract.ImportJob, error) {
	described, err := describe(ctx, d.Cognito, job)
	if err != nil {
		return job, err
	}
	before := job.Job.Processed()
	job.Job = State(described)
	if moved := job.Job.Processed() - before; moved > 0 {
		d.Config.Put(ctx, job.ImportID, metrics.RowsProcessed.Of(float64(moved)))
	}
	job.Percent = int(100 * min(job.Job.Processed(), int64(job.Rows)) / int64(max(job.Rows, 1)))
	if ended(job.Job) {
		job.Next, job.WaitSeconds, job.EstimatedSeconds, job.EstimatedEnd = contract.Done, 0, 0, time.Time{}
		return job, nil
	}
	now := time.Now()
	rest := Estimate(job, now)
	job.EstimatedSeconds = int64(rest / time.Second)
	job.EstimatedEnd = now.Add(rest).UTC().Truncate(time.Second)
	wait := rest / 2
	if rest < maxLook/4 {
		wait = rest // nearly done: one look more is enough
	}
	return awaitturn.Pause(job, min(max(wait, minLook), maxLook)), nil
}

// Estimate is the time that a running job still needs, by the rate it had so far, or by awaitturn.UsersPerSecond.
func Estimate(job contract.ImportJob, now time.Time) time.Duration {
	rest := max(int64(job.Rows)-job.Job.Processed(), 0)
	rate := float64(awaitturn.UsersPerSecond)
	if took := now.Sub(job.Job.StartedAt).Seconds(); job.Job.Processed() > 0 && took > 0 {
		rate = float64(job.Job.Processed()) / took
	}
	return time.Duration(float64(rest)/rate*float64(time.Second)) + time.Second
}
