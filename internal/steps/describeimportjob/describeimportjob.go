// Package describeimportjob watches the Cognito user import job of an attempt.
package describeimportjob

import (
	"context"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"userdrop/internal/aws/importjobs"
	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/aws/metrics"
	"userdrop/internal/contract"
)

type step struct {
	cognito *cognito.Client
	config  metrics.Stack
}

// New builds the handler of functions/describe-import-job.
func New(cfg aws.Config, environ map[string]string) (lambda.Handler, error) {
	config, err := lambdahandler.Environment[metrics.Stack](environ)
	if err != nil {
		return nil, err
	}
	return lambdahandler.Handler((&step{cognito: cognito.NewFromConfig(cfg), config: config}).handle), nil
}

// handle answers the job's status and counters, and how long to wait for the next look.
func (s *step) handle(ctx context.Context, job contract.ImportJob) (contract.ImportJob, error) {
	before := job.Job.Processed()
	state, _, err := importjobs.Describe(ctx, s.cognito, job)
	if err != nil {
		return job, err
	}
	job.Job = state
	if processed := job.Job.Processed() - before; processed > 0 {
		s.config.Put(ctx, job.ImportID, metrics.RowsProcessed.Of(float64(processed)))
	}
	return progress(job, time.Now()), nil
}

// progress fills in how far the job is, and answers Done at its end. Until then it answers Wait for half of the
// estimated rest.
func progress(job contract.ImportJob, now time.Time) contract.ImportJob {
	job.Percent = int(100 * min(job.Job.Processed(), int64(job.Rows)) / int64(max(job.Rows, 1)))
	if job.Job.Ended() {
		job.Next, job.WaitSeconds, job.EstimatedSeconds, job.EstimatedEnd = contract.Done, 0, 0, time.Time{}
		return job
	}
	rest := job.TimeLeft(now) + time.Second
	job.EstimatedSeconds = int64(rest / time.Second)
	job.EstimatedEnd = now.Add(rest).UTC().Truncate(time.Second)
	return job.Pause(contract.JobPoll(rest))
}
