// Package importjobs is the adapter to Cognito's user import jobs.
//
// Cognito documents little of how its jobs refuse; docs/limits.md lists what is unknown. The rule that holds under
// every answer: an error says only that something was refused, DescribeUserImportJob says what is.
package importjobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go"

	"userdrop/internal/contract"
)

// pageSize is the number of jobs that one call lists: the model allows 60, its list shape 50.
const pageSize = 50

// State returns what a payload keeps of a job: all but its upload URL.
func State(j *types.UserImportJobType) contract.Job {
	return contract.Job{
		ID: aws.ToString(j.JobId), Name: aws.ToString(j.JobName), Status: string(j.Status),
		Message:  aws.ToString(j.CompletionMessage),
		Imported: j.ImportedUsers, Skipped: j.SkippedUsers, Failed: j.FailedUsers,
		CreatedAt: aws.ToTime(j.CreationDate), StartedAt: aws.ToTime(j.StartDate), CompletedAt: aws.ToTime(j.CompletionDate),
	}
}

// Describe returns the job of an attempt and its upload URL, a credential, which is empty where Cognito gives none.
func Describe(ctx context.Context, c *cognito.Client, job contract.ImportJob) (state contract.Job, url string, err error) {
	out, err := c.DescribeUserImportJob(ctx, &cognito.DescribeUserImportJobInput{
		UserPoolId: &job.UserPoolID, JobId: &job.Job.ID,
	})
	if err != nil {
		return contract.Job{}, "", fmt.Errorf("describe import job %s: %w", job.Job.ID, err)
	}
	return State(out.UserImportJob), aws.ToString(out.UserImportJob.PreSignedUrl), nil
}

// List lists the import jobs of a pool from the newest to those created at since, and calls yield for each until it
// returns false.
func List(
	ctx context.Context, c *cognito.Client, userPoolID string, since time.Time, yield func(contract.Job) bool,
) error {
	const skew = 10 * time.Minute // between our clock and Cognito's
	var token *string
	for {
		jobs, next, err := page(ctx, c, userPoolID, token)
		if err != nil {
			return err
		}
		for _, j := range jobs {
			if j.CreatedAt.Before(since.Add(-skew)) || !yield(j) {
				return nil
			}
		}
		if token = next; token == nil {
			return nil
		}
	}
}

// Newest lists the newest import jobs of a pool, in one call.
func Newest(ctx context.Context, c *cognito.Client, userPoolID string) ([]contract.Job, error) {
	jobs, _, err := page(ctx, c, userPoolID, nil)
	return jobs, err
}

func page(
	ctx context.Context, c *cognito.Client, userPoolID string, token *string,
) (jobs []contract.Job, next *string, err error) {
	out, err := c.ListUserImportJobs(ctx, &cognito.ListUserImportJobsInput{
		UserPoolId: &userPoolID, MaxResults: aws.Int32(pageSize), PaginationToken: token,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("list the import jobs of %s: %w", userPoolID, err)
	}
	for i := range out.UserImportJobs {
		jobs = append(jobs, State(&out.UserImportJobs[i]))
	}
	return jobs, out.PaginationToken, nil
}

// Create makes the attempt's job and returns its upload URL beside the payload, since it is a credential. Where Cognito
// refuses for good, the payload has no job, but the text of the refusal.
func Create(
	ctx context.Context, c *cognito.Client, logsRoleARN string, job contract.ImportJob,
) (created contract.ImportJob, url string, err error) {
	name := contract.JobName(job.ImportID, job.Part, job.Attempt)
	out, err := c.CreateUserImportJob(ctx, &cognito.CreateUserImportJobInput{
		UserPoolId: &job.UserPoolID, JobName: &name, CloudWatchLogsRoleArn: &logsRoleARN,
		PasswordHashingAlgorithm: types.PasswordHashingAlgorithmType(job.Algorithm),
	})
	if refusedForGood(err) {
		job.Job, job.Refusal = contract.Job{}, RefusalText(err)
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

// refusedForGood reports whether the answer will be the same tomorrow: the pool's jobs are used up, or the pool can't
// have such a job (hashes are not offered to all pools).
func refusedForGood(err error) bool {
	var (
		limit        *types.LimitExceededException
		parameter    *types.InvalidParameterException
		precondition *types.PreconditionNotMetException
		notEnabled   *types.OperationNotEnabledException
	)
	return errors.As(err, &limit) || errors.As(err, &parameter) ||
		errors.As(err, &precondition) || errors.As(err, &notEnabled)
}

// RefusalText returns Cognito's error code and message, truncated to 300 bytes.
func RefusalText(err error) string {
	text := err.Error()
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		text = api.ErrorCode() + ": " + api.ErrorMessage()
	}
	return strings.ToValidUTF8(text[:min(len(text), 300)], "")
}
