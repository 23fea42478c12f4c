// Package createimportjob creates the Cognito user import job of an attempt, or picks up the one whose creation response
// was lost.
package createimportjob

import (
	"context"
	"log/slog"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"userdrop/internal/aws/importjobs"
	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/contract"
)

// Config is the environment of create-import-job.
type Config struct {
	// LogsRoleARN is the role with which Cognito writes the job's log.
	LogsRoleARN string `env:"CLOUDWATCH_LOGS_ROLE_ARN"`
}

type step struct {
	cognito *cognito.Client
	config  Config
}

// New builds the handler of functions/create-import-job.
func New(cfg aws.Config, environ map[string]string) (lambda.Handler, error) {
	config, err := lambdahandler.Environment[Config](environ)
	if err != nil {
		return nil, err
	}
	return lambdahandler.Handler((&step{cognito: cognito.NewFromConfig(cfg), config: config}).handle), nil
}

// handle answers the attempt's job. CreateUserImportJob has no client token, so a lost response leaves a job behind, and
// a Redrive may begin anew after several attempts: look first. Where Cognito refuses for good, the payload has no job
// and the text of the refusal.
func (s *step) handle(ctx context.Context, job contract.ImportJob) (contract.ImportJob, error) {
	job.Next = contract.Proceed
	if job.Job.ID != "" { // handed over by the execution that made it, maybe before any list shows it
		return job, nil
	}
	job.Uploaded, job.Lapsed = false, false
	picked := job
	err := importjobs.List(ctx, s.cognito, job.UserPoolID, job.PreparedAt, func(found contract.Job) bool {
		picked = pick(job, picked, found)
		return true
	})
	if err != nil {
		return job, err
	}
	if picked.Job.ID != "" {
		slog.InfoContext(ctx, "Picked up an existing import job.",
			"importId", picked.ImportID, "jobId", picked.Job.ID, "status", picked.Job.Status)
		return picked, nil
	}
	job, _, err = importjobs.Create(ctx, s.cognito, s.config.LogsRoleARN, job)
	return job, err
}

// pick returns picked, or with found in its place, the better of the two: the first attempt that was started has the
// rows that are asked for. Where none was, the newest, which comes first, is the likeliest to have been uploaded.
func pick(asked, picked contract.ImportJob, found contract.Job) contract.ImportJob {
	part, attempt, ours := contract.PartOfJob(asked.ImportID, found.Name)
	if !ours || part != asked.Part || attempt < asked.Attempt {
		return picked
	}
	if picked.Job.ID == "" || !found.Created() && (picked.Job.Created() || attempt < picked.Attempt) {
		picked.Job, picked.Attempt = found, attempt
	}
	return picked
}
