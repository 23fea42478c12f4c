// Package copytoimportjob streams a part to the upload URL of its Cognito user import job.
package copytoimportjob

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"userdrop/internal/aws/awserror"
	"userdrop/internal/aws/importjobs"
	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/aws/objects"
	"userdrop/internal/aws/signedurl"
	"userdrop/internal/contract"
)

// Config is the environment of copy-to-import-job.
type Config struct {
	// LogsRoleARN is for a job that it creates itself.
	LogsRoleARN string `env:"CLOUDWATCH_LOGS_ROLE_ARN"`
}

type step struct {
	cognito *cognito.Client
	s3      *s3.Client
	upload  *signedurl.Client
	config  Config
}

// New builds the handler of functions/copy-to-import-job.
func New(cfg aws.Config, environ map[string]string) (lambda.Handler, error) {
	config, err := lambdahandler.Environment[Config](environ)
	if err != nil {
		return nil, err
	}
	return lambdahandler.Handler((&step{
		cognito: cognito.NewFromConfig(cfg), s3: s3.NewFromConfig(cfg), upload: signedurl.New(cfg), config: config,
	}).handle), nil
}

// minValidity is how much of the upload URL's 15 minutes must be left to begin with it.
const minValidity = 30 * time.Second

// handle answers with Uploaded, or with Lapsed when the URL can't be used any more. A job that runs or ended already
// needs nothing.
func (s *step) handle(ctx context.Context, job contract.ImportJob) (contract.ImportJob, error) {
	if !job.Job.Created() || job.Uploaded { // uploaded before a hand-over
		return job, nil
	}
	state, address, err := importjobs.Describe(ctx, s.cognito, job)
	if err != nil {
		return job, err
	}
	job.Job = state
	if !job.Job.Created() {
		return job, nil
	}
	fresh := address == ""
	if fresh {
		// AWS's samples show the URL in every answer, but only Create is bound to give one: take another job's.
		job.Attempt++
		job, address, err = importjobs.Create(ctx, s.cognito, s.config.LogsRoleARN, job)
		if err != nil || job.Job.ID == "" {
			return job, err
		}
	}
	code, err := s.copy(ctx, job, address)
	switch {
	// A retry would not have this URL: it would take yet another job, with nobody counting.
	case fresh && awserror.Name(err) == contract.Unavailable:
		slog.WarnContext(ctx, "The upload failed.", "importId", job.ImportID, "jobId", job.Job.ID, "error", err)
		job.Lapsed = true
	case err != nil:
		return job, err
	case code == "":
		job.Uploaded, job.Lapses = true, 0
	case lapsed[code]:
		job.Lapsed = true
		slog.WarnContext(ctx, "The upload URL is refused.", "importId", job.ImportID, "jobId", job.Job.ID, "code", code)
	default:
		return job, fmt.Errorf("upload to import job %s: S3 answered %s", job.Job.ID, code)
	}
	return job, nil
}

// noURL is the code for a URL that is none or about to end.
const noURL = "NoUsableURL"

// lapsed are the codes of a URL that ended, maybe earlier than it said, or that takes no second upload after a lost
// response: start-import-job finds out which.
var lapsed = map[string]bool{
	noURL: true, "AccessDenied": true, "ExpiredToken": true, "RequestExpired": true, "PreconditionFailed": true,
}

// copy uploads the part and returns S3's error code, empty for success.
func (s *step) copy(ctx context.Context, job contract.ImportJob, address string) (code string, err error) {
	target, ok := signedurl.Parse(address)
	if !ok || signedurl.Expires(target).Before(time.Now().Add(minValidity)) {
		return noURL, nil
	}
	part, err := objects.OpenVersion(ctx, s.s3, job.Object)
	if err != nil {
		return "", err
	}
	defer part.Close()
	return s.upload.Put(ctx, target, part, job.Object.Bytes)
}
