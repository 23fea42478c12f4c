package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/aws/metrics"
	"userdrop/internal/aws/objects"
	"userdrop/internal/contract"
)

// SweepLost finds by looking what events, which come by best effort, did not tell.
type SweepLost struct {
	Machine interface {
		startMachine
		describeMachine
		ListExecutions(context.Context, *sfn.ListExecutionsInput, ...func(*sfn.Options)) (*sfn.ListExecutionsOutput, error)
	}
	Inbox     inbox
	Work      *objects.Store
	Start     *StartImport
	Scheduled *SweepScheduled
	Config    SweepLostConfig
}

// SweepLostConfig is the environment of sweep-lost.
type SweepLostConfig struct {
	StartConfig
	metrics.Stack
	WorkBucket     string `env:"WORK_BUCKET"`
	AbortImportARN string `env:"ABORT_IMPORT_ARN"`
}

// NewSweepLost builds the handler of functions/sweep-lost.
func NewSweepLost(cfg aws.Config, environ map[string]string) (lambda.Handler, error) {
	config, err := lambdahandler.Environment[SweepLostConfig](environ)
	if err != nil {
		return nil, err
	}
	client, machine := s3.NewFromConfig(cfg), sfn.NewFromConfig(cfg)
	inbox, work := inbox{client, config.InboxBucket}, objects.New(client, config.WorkBucket)
	return lambdahandler.Handler((&SweepLost{
		Machine: machine, Inbox: inbox, Work: work,
		Start: &StartImport{Machine: machine, Config: config.StartConfig},
		Scheduled: &SweepScheduled{
			Machine: machine, Inbox: inbox, Work: work, Config: SweepScheduledConfig{ImportUsersARN: config.ImportUsersARN},
		},
		Config: config,
	}).Handle), nil
}

const (
	// lostAfter is how old an object is whose event will not come any more. What is older than lostBefore was looked at
	// long ago: results expire after KeepProcessedDays, which is more, and executions after 90 days, and neither may
	// make an old file or an old end look new.
	lostAfter  = time.Hour
	lostBefore = 7 * 24 * time.Hour
	// staleAbort is how long an execution must be over, for its status-change event to have had its chance.
	staleAbort = time.Hour
)

// Handle starts abort-import for each execution that ended with something left to do, then an import for each object
// that no execution owns, and takes over the scheduled files that a dead sweep claimed. Who waits for a result comes
// first: to ask after each of many files takes long.
func (s *SweepLost) Handle(ctx context.Context, _ Schedule) (Started, error) {
	started := Started{Imports: []string{}}
	running, oldest, err := s.running(ctx)
	if err != nil {
		return started, err
	}
	errAbort := s.lostResults(ctx, &started)
	aborts := len(started.Imports)
	s.Config.Put(ctx, "", metrics.LostResults.Of(float64(aborts)), metrics.OldestImportSeconds.Of(oldest.Seconds()))
	errLost := s.lostObjects(ctx, running, &started)
	claimed, errClaimed := s.Scheduled.takeOver(ctx)
	started.Imports = append(started.Imports, claimed.Imports...)
	s.Config.Put(ctx, "", metrics.LostDrops.Of(float64(len(started.Imports)-aborts)))
	return started, errors.Join(errAbort, errLost, errClaimed)
}

// running is the imports under way, and the age of the oldest.
func (s *SweepLost) running(ctx context.Context) (ids map[string]bool, oldest time.Duration, err error) {
	ids = map[string]bool{}
	for e, err := range s.executions(ctx, sfntypes.ExecutionStatusRunning) {
		if err != nil {
			return nil, 0, err
		}
		ids[aws.ToString(e.Name)] = true
		oldest = max(oldest, time.Since(aws.ToTime(e.StartDate)))
	}
	return ids, oldest, nil
}

func (s *SweepLost) lostObjects(ctx context.Context, running map[string]bool, started *Started) error {
	for _, prefix := range []string{"incoming/", "check/"} {
		files, err := s.Inbox.list(ctx, prefix)
		if err != nil {
			return err
		}
		for _, f := range files {
			age := time.Since(f.since)
			drop, ok := s.Start.drop(f.Object)
			if !ok || age < lostAfter || age > lostBefore || running[drop.ImportID] {
				continue
			}
			of, err := execution(ctx, s.Machine, s.Config.ImportUsersARN, drop.ImportID)
			if err != nil {
				return err
			}
			if of != nil {
				continue // it has had its turn: an ERROR or STOPPED leaves the source in place
			}
			if err := startExecution(ctx, s.Machine, s.Config.ImportUsersARN, drop); err != nil {
				return err
			}
			started.Imports = append(started.Imports, drop.ImportID)
		}
	}
	return nil
}

func (s *SweepLost) lostResults(ctx context.Context, started *Started) error {
	for _, status := range []sfntypes.ExecutionStatus{
		sfntypes.ExecutionStatusAborted, sfntypes.ExecutionStatusTimedOut, sfntypes.ExecutionStatusFailed,
	} {
		for e, err := range s.executions(ctx, status) {
			if err != nil {
				return err
			}
			if !over(e.Status, aws.ToTime(e.StopDate)) {
				continue
			}
			if err := s.abort(ctx, e, started); err != nil {
				return err
			}
		}
	}
	return nil
}

// executions yields the executions of import-users with a status.
func (s *SweepLost) executions(
	ctx context.Context, status sfntypes.ExecutionStatus,
) iter.Seq2[sfntypes.ExecutionListItem, error] {
	return func(yield func(sfntypes.ExecutionListItem, error) bool) {
		pages := sfn.NewListExecutionsPaginator(s.Machine, &sfn.ListExecutionsInput{
			StateMachineArn: &s.Config.ImportUsersARN, StatusFilter: status, MaxResults: 1000,
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(sfntypes.ExecutionListItem{}, fmt.Errorf("list the executions that are %s: %w", status, err))
				return
			}
			for _, e := range page.Executions {
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}

// over tells whether an execution has been broken off for long enough, and not for too long, that its lack of a result
// means something.
func over(status sfntypes.ExecutionStatus, since time.Time) bool {
	age := time.Since(since)
	return status != sfntypes.ExecutionStatusRunning && status != sfntypes.ExecutionStatusSucceeded &&
		age >= staleAbort && age <= lostBefore
}

func (s *SweepLost) abort(ctx context.Context, e sfntypes.ExecutionListItem, started *Started) error {
	id := aws.ToString(e.Name)
	// The result alone does not tell: its publisher may have ended before the message went out.
	done, err := s.Work.Exists(ctx, contract.DoneKey(id))
	if done || err != nil {
		return err
	}
	input, err := json.Marshal(map[string]string{"executionArn": aws.ToString(e.ExecutionArn)})
	if err != nil {
		return fmt.Errorf("encode execution input: %w", err)
	}
	_, err = s.Machine.StartExecution(ctx, &sfn.StartExecutionInput{
		StateMachineArn: &s.Config.AbortImportARN, Input: aws.String(string(input)),
		// One try an hour, however often this sweep is delivered.
		Name: aws.String(id + "-" + time.Now().UTC().Format("2006010215")),
	})
	if _, exists := errors.AsType[*sfntypes.ExecutionAlreadyExists](err); exists {
		return nil
	}
	if err != nil {
		return fmt.Errorf("start abort-import for %s: %w", id, err)
	}
	started.Imports = append(started.Imports, id)
	return nil
}
