// Package stopimportjobs stops the executions and Cognito jobs that an import-users execution left behind when it was
// aborted, timed out or failed.
package stopimportjobs

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"userdrop/internal/aws/awserror"
	"userdrop/internal/aws/importjobs"
	"userdrop/internal/aws/imports"
	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/aws/objects"
	"userdrop/internal/contract"
)

// Config is the environment of stop-import-jobs.
type Config struct {
	ResultsBucket string `env:"RESULTS_BUCKET"`
	WorkBucket    string `env:"WORK_BUCKET"`
	ImportJobARN  string `env:"IMPORT_JOB_ARN"`
	// ApplyChangesARN is the machine apply-changes; empty in a stack that applies none.
	ApplyChangesARN string                  `env:"APPLY_CHANGES_ARN" envDefault:""`
	UserPools       lambdahandler.UserPools `env:"USER_POOL_ARNS"`
}

type step struct {
	cognito *cognito.Client
	machine *sfn.Client
	imports imports.Imports
	work    *objects.Store
	config  Config
}

// New builds the handler of functions/stop-import-jobs.
func New(cfg aws.Config, environ map[string]string) (lambda.Handler, error) {
	config, err := lambdahandler.Environment[Config](environ)
	if err != nil {
		return nil, err
	}
	client := s3.NewFromConfig(cfg)
	return lambdahandler.Handler((&step{
		cognito: cognito.NewFromConfig(cfg), machine: sfn.NewFromConfig(cfg),
		imports: imports.New(client, config.ResultsBucket, config.WorkBucket),
		work:    objects.New(client, config.WorkBucket), config: config,
	}).handle), nil
}

// Abort is the payload of abort-import. It begins as the detail of the event "Step Functions Execution Status Change",
// of which it needs the ARN alone, and is complete for publish-result after the first StopImportJobs.
type Abort struct {
	contract.Import
	ExecutionARN string        `json:"executionArn"`
	Next         contract.Next `json:"next"`
	WaitSeconds  int64         `json:"waitSeconds"`
}

// StopExecution does not stop a running Lambda: what a zombie may still do decides when a result is safe.
const (
	// prepareGrace is longer than a running prepare-import can take to write a plan.
	prepareGrace = 16 * time.Minute
	stopPoll     = 20 * time.Second
)

// handle answers Wait until no job of the import runs or can be started, and its rows are known if they ever will be;
// then Proceed, or Done if it was redriven meanwhile.
func (s *step) handle(ctx context.Context, abort Abort) (Abort, error) {
	execution, err := s.machine.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &abort.ExecutionARN})
	if err != nil {
		return abort, fmt.Errorf("describe the execution: %w", err)
	}
	if err := json.Unmarshal([]byte(aws.ToString(execution.Input)), &abort.Drop); err != nil {
		return abort, fmt.Errorf("decode the execution's input: %w", err)
	}
	if execution.Status == sfntypes.ExecutionStatusRunning { // redriven meanwhile: it publishes itself
		abort.Next = contract.Done
		return abort, nil
	}
	abort.Error = &contract.Failure{Error: string(execution.Status), Cause: aws.ToString(execution.Cause)}
	if execution.Status == sfntypes.ExecutionStatusFailed {
		abort.Error.Error = aws.ToString(execution.Error)
	}
	published, err := s.imports.AlreadyPublished(ctx, abort.ImportID)
	if err != nil {
		return abort, err
	}
	planned, err := s.work.Exists(ctx, contract.PlanKey(abort.ImportID))
	if err != nil {
		return abort, err
	}
	began, stopped := aws.ToTime(execution.StartDate), aws.ToTime(execution.StopDate)
	atWork, last, err := s.stopParts(ctx, abort.ImportID, began)
	if err != nil {
		return abort, err
	}
	applying, err := s.stopChanges(ctx, abort.ImportID, began, planned && !published)
	if err != nil {
		return abort, err
	}
	running, err := s.stopJobs(ctx, abort.Drop, began)
	if err != nil {
		return abort, err
	}
	quiet := latest(stopped, last).Add(imports.StartGrace)
	switch {
	case atWork || applying || running:
		abort.Next, abort.WaitSeconds = contract.Wait, int64(stopPoll/time.Second)
	case published:
		// Its publisher may have ended between the result and the message: publish-result goes on where it left off.
		abort.Next = contract.Proceed
	case time.Now().Before(quiet):
		abort.Next, abort.WaitSeconds = contract.Wait, int64(time.Until(quiet)/time.Second)+1
	case !planned && time.Since(stopped) < prepareGrace:
		abort.Next, abort.WaitSeconds = contract.Wait, int64(stopPoll/time.Second)
	default:
		abort.Next, abort.Quiet = contract.Proceed, true
	}
	return abort, nil
}

// stopParts stops the running import-job executions of an import that began then, which Step Functions does by best
// effort only, and answers when the last of the others ended.
func (s *step) stopParts(
	ctx context.Context, importID string, began time.Time,
) (atWork bool, last time.Time, err error) {
	pages := sfn.NewListExecutionsPaginator(s.machine, &sfn.ListExecutionsInput{
		StateMachineArn: &s.config.ImportJobARN, MaxResults: 1000,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return false, last, fmt.Errorf("list the parts: %w", err)
		}
		for _, e := range page.Executions {
			if aws.ToTime(e.StartDate).Before(began) { // the newest come first
				return atWork, last, nil
			}
			if name, ok := contract.ParseExecutionName(aws.ToString(e.Name)); !ok || name.ImportID != importID {
				continue
			}
			if e.Status != sfntypes.ExecutionStatusRunning {
				last = latest(last, aws.ToTime(e.StopDate))
				continue
			}
			atWork = true
			_, err := s.machine.StopExecution(ctx, &sfn.StopExecutionInput{
				ExecutionArn: e.ExecutionArn, Error: aws.String("ImportAborted"),
				Cause: aws.String("The import-users execution that started this part is over."),
			})
			if err != nil {
				return atWork, last, fmt.Errorf("stop a running part: %w", err)
			}
		}
	}
	return atWork, last, nil
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// stopJobs stops the import's active Cognito jobs, and reports whether any is left.
func (s *step) stopJobs(ctx context.Context, drop contract.Drop, since time.Time) (running bool, err error) {
	if drop.Mode == contract.ModeCheck || !slices.Contains(s.config.UserPools, drop.UserPoolID) {
		return false, nil // no job was made for it, and we may not look for one
	}
	var toStop []string
	err = importjobs.List(ctx, s.cognito, drop.UserPoolID, since, func(j contract.Job) bool {
		if _, _, ours := contract.PartOfJob(drop.ImportID, j.Name); ours && j.Active() {
			toStop = append(toStop, j.ID)
		}
		return true
	})
	if awserror.Name(err) == contract.Gone { // the pool was deleted, and its jobs with it
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for _, id := range toStop {
		_, err := s.cognito.StopUserImportJob(ctx, &cognito.StopUserImportJobInput{UserPoolId: &drop.UserPoolID, JobId: &id})
		if err != nil {
			// It may have ended in between, or be stopping: the next look tells.
			slog.WarnContext(ctx, "Cognito refused to stop a job.", "importId", drop.ImportID, "jobId", id, "error", err)
		}
	}
	return len(toStop) > 0, nil
}
