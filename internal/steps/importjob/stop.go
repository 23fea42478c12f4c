package importjob

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"userdrop/internal/aws/awserror"
	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/aws/objects"
	"userdrop/internal/contract"
)

// Stop ends what an import-users execution that is over left at work.
type Stop struct {
	Cognito interface {
		lister
		stopper
	}
	Machine interface {
		DescribeExecution(
			context.Context, *sfn.DescribeExecutionInput, ...func(*sfn.Options),
		) (*sfn.DescribeExecutionOutput, error)
		ListExecutions(context.Context, *sfn.ListExecutionsInput, ...func(*sfn.Options)) (*sfn.ListExecutionsOutput, error)
		StopExecution(context.Context, *sfn.StopExecutionInput, ...func(*sfn.Options)) (*sfn.StopExecutionOutput, error)
	}
	Results *objects.Store
	Work    *objects.Store
	Config  StopConfig
}

// StopConfig is the environment of stop-import-jobs.
type StopConfig struct {
	ResultsBucket string                  `env:"RESULTS_BUCKET"`
	WorkBucket    string                  `env:"WORK_BUCKET"`
	ImportJobARN  string                  `env:"IMPORT_JOB_ARN"`
	UserPools     lambdahandler.UserPools `env:"USER_POOL_ARNS"`
}

// NewStop builds the handler of functions/stop-import-jobs.
func NewStop(cfg aws.Config, environ map[string]string) (lambda.Handler, error) {
	config, err := lambdahandler.Environment[StopConfig](environ)
	if err != nil {
		return nil, err
	}
	client := s3.NewFromConfig(cfg)
	return lambdahandler.Handler((&Stop{
		Cognito: cognito.NewFromConfig(cfg), Machine: sfn.NewFromConfig(cfg),
		Results: objects.New(client, config.ResultsBucket), Work: objects.New(client, config.WorkBucket), Config: config,
	}).Handle), nil
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
	// starting is longer than a start-import-job at work may still start a job, and leaves lists time to tell of it.
	starting = 2 * time.Minute
	// preparing is longer than a prepare-import at work may still write a plan.
	preparing = 16 * time.Minute
	stopWait  = 20 * time.Second
)

// Handle answers Wait until no job of the import runs or can be started, and its rows are known if they ever will be;
// then Go, or Done if it was redriven meanwhile.
func (s *Stop) Handle(ctx context.Context, abort Abort) (Abort, error) {
	execution, err := s.Machine.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &abort.ExecutionARN})
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
	published, err := s.Results.Exists(ctx, contract.ResultKey(abort.ImportID))
	if err != nil {
		return abort, err
	}
	planned, err := s.Work.Exists(ctx, contract.PlanKey(abort.ImportID))
	if err != nil {
		return abort, err
	}
	began, stopped := aws.ToTime(execution.StartDate), aws.ToTime(execution.StopDate)
	atWork, last, err := s.stopParts(ctx, abort.ImportID, began)
	if err != nil {
		return abort, err
	}
	running, err := s.stopJobs(ctx, abort.Drop, began)
	if err != nil {
		return abort, err
	}
	quiet := latest(stopped, last).Add(starting)
	switch {
	case atWork || running:
		abort.Next, abort.WaitSeconds = contract.Wait, int64(stopWait/time.Second)
	case published:
		// Its publisher may have ended between the result and the message: publish-result goes on where it left off.
		abort.Next = contract.Go
	case time.Now().Before(quiet):
		abort.Next, abort.WaitSeconds = contract.Wait, int64(time.Until(quiet)/time.Second)+1
	case !planned && time.Since(stopped) < preparing:
		abort.Next, abort.WaitSeconds = contract.Wait, int64(stopWait/time.Second)
	default:
		abort.Next, abort.Quiet = contract.Go, true
	}
	return abort, nil
}

// stopParts stops the running import-job executions of an import that began then, which Step Functions does by best
// effort only, and answers when the last of the others ended.
func (s *Stop) stopParts(
	ctx context.Context, importID string, began time.Time,
) (atWork bool, last time.Time, err error) {
	pages := sfn.NewListExecutionsPaginator(s.Machine, &sfn.ListExecutionsInput{
		StateMachineArn: &s.Config.ImportJobARN, MaxResults: 1000,
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
			if !strings.HasPrefix(aws.ToString(e.Name), importID+"-p") {
				continue
			}
			if e.Status != sfntypes.ExecutionStatusRunning {
				last = latest(last, aws.ToTime(e.StopDate))
				continue
			}
			atWork = true
			_, err := s.Machine.StopExecution(ctx, &sfn.StopExecutionInput{
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

// stopJobs stops the import's active Cognito jobs, and tells whether any still is.
func (s *Stop) stopJobs(ctx context.Context, drop contract.Drop, since time.Time) (running bool, err error) {
	if drop.Mode == contract.ModeCheck || !slices.Contains(s.Config.UserPools, drop.UserPoolID) {
		return false, nil // no job was made for it, and we may not look for one
	}
	var toStop []string
	err = Jobs(ctx, s.Cognito, drop.UserPoolID, since, func(j types.UserImportJobType) bool {
		if _, _, ours := contract.PartOfJob(drop.ImportID, aws.ToString(j.JobName)); ours && active(State(&j)) {
			toStop = append(toStop, aws.ToString(j.JobId))
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
		_, err := s.Cognito.StopUserImportJob(ctx, &cognito.StopUserImportJobInput{UserPoolId: &drop.UserPoolID, JobId: &id})
		if err != nil {
			// It may have ended in between, or be stopping: the next look tells.
			slog.WarnContext(ctx, "Cognito refused to stop a job.", "importId", drop.ImportID, "jobId", id, "error", err)
		}
	}
	return len(toStop) > 0, nil
}
