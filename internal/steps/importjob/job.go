// Package importjob brings one part of a drop through Amazon Cognito: create a user import job, copy the part to its
// upload URL, start it, watch it, and find out what became of each row. A function of each state of import-job, and
// stop-import-jobs of abort-import.
//
// Cognito documents little of how its jobs refuse; docs/limits.md lists what is unknown. The rule that holds under
// every answer: an error says only that something was refused, DescribeUserImportJob says what is.
package importjob

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go"

	"userdrop/internal/contract"
	"userdrop/internal/steps/awaitturn"
)

type (
	creator interface {
		CreateUserImportJob(
			context.Context, *cognito.CreateUserImportJobInput, ...func(*cognito.Options),
		) (*cognito.CreateUserImportJobOutput, error)
	}
	lister interface {
		ListUserImportJobs(
			context.Context, *cognito.ListUserImportJobsInput, ...func(*cognito.Options),
		) (*cognito.ListUserImportJobsOutput, error)
	}
	describer interface {
		DescribeUserImportJob(
			context.Context, *cognito.DescribeUserImportJobInput, ...func(*cognito.Options),
		) (*cognito.DescribeUserImportJobOutput, error)
	}
	starter interface {
		StartUserImportJob(
			context.Context, *cognito.StartUserImportJobInput, ...func(*cognito.Options),
		) (*cognito.StartUserImportJobOutput, error)
	}
	stopper interface {
		StopUserImportJob(
			context.Context, *cognito.StopUserImportJobInput, ...func(*cognito.Options),
		) (*cognito.StopUserImportJobOutput, error)
	}
)

// State is what the payload keeps of a job: all but its upload URL.
func State(j *types.UserImportJobType) contract.Job {
	return contract.Job{
		ID: aws.ToString(j.JobId), Name: aws.ToString(j.JobName), Status: string(j.Status),
		Message:  aws.ToString(j.CompletionMessage),
		Imported: j.ImportedUsers, Skipped: j.SkippedUsers, Failed: j.FailedUsers,
		CreatedAt: aws.ToTime(j.CreationDate), StartedAt: aws.ToTime(j.StartDate), CompletedAt: aws.ToTime(j.CompletionDate),
	}
}

func describe(ctx context.Context, c describer, job contract.ImportJob) (*types.UserImportJobType, error) {
	out, err := c.DescribeUserImportJob(ctx, &cognito.DescribeUserImportJobInput{
		UserPoolId: &job.UserPoolID, JobId: &job.Job.ID,
	})
	if err != nil {
		return nil, fmt.Errorf("describe import job %s: %w", job.Job.ID, err)
	}
	return out.UserImportJob, nil
}

// Jobs lists the import jobs of a pool from the newest to those created at since, and calls yield for each until it
// answers false.
func Jobs(
	ctx context.Context, c lister, userPoolID string, since time.Time, yield func(types.UserImportJobType) bool,
) error {
	const skew = 10 * time.Minute // between our clock and Cognito's
	var token *string
	for {
		out, err := c.ListUserImportJobs(ctx, &cognito.ListUserImportJobsInput{
			UserPoolId: &userPoolID, MaxResults: aws.Int32(50), PaginationToken: token,
		})
		if err != nil {
			return fmt.Errorf("list the import jobs of %s: %w", userPoolID, err)
		}
		for _, j := range out.UserImportJobs {
			if aws.ToTime(j.CreationDate).Before(since.Add(-skew)) || !yield(j) {
				return nil
			}
		}
		if token = out.PaginationToken; token == nil {
			return nil
		}
	}
}

func active(j contract.Job) bool { return awaitturn.Active(types.UserImportJobStatusType(j.Status)) }

func ended(j contract.Job) bool { return j.Status != "" && !active(j) && !created(j) }

func created(j contract.Job) bool { return j.Status == string(types.UserImportJobStatusTypeCreated) }

// neverRan tells that a job expired before it was started, so that another one may try.
func neverRan(j contract.Job) bool {
	return j.Status == string(types.UserImportJobStatusTypeExpired) && j.Processed() == 0
}

// again answers Attempt: the same rows in another job.
func again(job contract.ImportJob) contract.ImportJob {
	job.Attempt++
	job.Job, job.Uploaded, job.Lapsed = contract.Job{}, false, false
	job.Percent, job.EstimatedEnd = 0, time.Time{}
	job.Next = contract.Attempt
	return job
}

// words is what Cognito said, cut to a length that a payload can bear.
func words(err error) string {
	text := err.Error()
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		text = api.ErrorCode() + ": " + api.ErrorMessage()
	}
	return strings.ToValidUTF8(text[:min(len(text), 300)], "")
}
