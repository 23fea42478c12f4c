package importjob

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/contract"
)

// Create makes the Cognito job of an attempt, or adopts the one that an earlier try left behind.
type Create struct {
	Cognito interface {
		creator
		lister
	}
	Config CreateConfig
}

// CreateConfig is the environment of create-import-job.
type CreateConfig struct {
	// LogsRoleARN is the role with which Cognito writes the job's log.
	LogsRoleARN string `env:"CLOUDWATCH_LOGS_ROLE_ARN"`
}

// NewCreate builds the handler of functions/create-import-job.
func NewCreate(cfg aws.Config, environ map[string]string) (lambda.Handler, error) {
	config, err := lambdahandler.Environment[CreateConfig](environ)
	if err != nil {
		return nil, err
	}
	return lambdahandler.Handler(newCreate(cfg, config).Handle), nil
}

func newCreate(cfg aws.Config, config CreateConfig) *Create {
	return &Create{Cognito: cognito.NewFromConfig(cfg), Config: config}
}

// Handle answers the attempt's job. CreateUserImportJob has no client token, so that a lost answer leaves a job behind,
// and a Redrive may begin anew after several attempts: look first. Where Cognito refuses for good, the payload has no
// job and the refusal's words.
func (c *Create) Handle(ctx context.Context, job contract.ImportJob) (contract.ImportJob, error) {
	job.Uploaded, job.Lapsed = false, false
	job.Next = contract.Go
	if job.Job.ID != "" { // handed over by the execution that made it, maybe before any list tells of it
		return job, nil
	}
	least := job.Attempt
	err := Jobs(ctx, c.Cognito, job.UserPoolID, job.PreparedAt, func(j types.UserImportJobType) bool {
		part, attempt, ours := contract.PartOfJob(job.ImportID, aws.ToString(j.JobName))
		if !ours || part != job.Part || attempt < least {
			return true
		}
		// The first attempt that was started has the rows that are asked for. Where none was, the newest, which comes
		// first, is the likeliest to have been uploaded.
		found := State(&j)
		if job.Job.ID == "" || !created(found) && (created(job.Job) || attempt < job.Attempt) {
			job.Job, job.Attempt = found, attempt
		}
		return true
	})
	if err != nil {
		return job, err
	}
	if job.Job.ID != "" {
		slog.InfoContext(ctx, "Adopted an import job that was there already.",
			"importId", job.ImportID, "jobId", job.Job.ID, "status", job.Job.Status)
		return job, nil
	}
	job, _, err = c.create(ctx, job)
	return job, err
}

// create makes the attempt's job and answers its upload URL beside the payload, since it is a credential.
func (c *Create) create(ctx context.Context, job contract.ImportJob) (contract.ImportJob, string, error) {
	name := contract.JobName(job.ImportID, job.Part, job.Attempt)
	out, err := c.Cognito.CreateUserImportJob(ctx, &cognito.CreateUserImportJobInput{
		UserPoolId: &job.UserPoolID, JobName: &name, CloudWatchLogsRoleArn: &c.Config.LogsRoleARN,
		PasswordHashingAlgorithm: types.PasswordHashingAlgorithmType(job.Algorithm),
	})
	if refused(err) {
		job.Job, job.Refusal = contract.Job{}, words(err)
		_, job.JobLimit = errors.AsType[*types.LimitExceededException](err)
		if job.Algorithm != "" && !job.JobLimit {
			job.Refusal = fmt.Sprintf("Cognito refused a job with %s password hashes, which not every pool takes. %s",
				job.Algorithm, job.Refusal)
		}
		slog.WarnContext(ctx, "Cognito refused to create an import job.", "importId", job.ImportID, "error", err)
		return job, "", nil
	}
	if err != nil {
		return job, "", fmt.Errorf("create import job %s: %w", name, err)
	}
	job.Job = State(out.UserImportJob)
	return job, aws.ToString(out.UserImportJob.PreSignedUrl), nil
}

// refused tells of an answer that will be the same tomorrow: the pool's jobs are used up, or it is not one that can
// have such a job (hashes are not offered to all pools).
func refused(err error) bool {
	var (
		limit        *types.LimitExceededException
		parameter    *types.InvalidParameterException
		precondition *types.PreconditionNotMetException
		notEnabled   *types.OperationNotEnabledException
	)
	return errors.As(err, &limit) || errors.As(err, &parameter) ||
		errors.As(err, &precondition) || errors.As(err, &notEnabled)
}
