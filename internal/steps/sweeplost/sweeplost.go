// Package sweeplost finds by looking what events, which AWS delivers by best effort, did not report: files without an
// import, and imports that ended without a result.
package sweeplost

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

	"userdrop/internal/aws/batches"
	"userdrop/internal/aws/executions"
	"userdrop/internal/aws/inbox"
	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/aws/metrics"
	"userdrop/internal/aws/objects"
	"userdrop/internal/contract"
)

// Config is the environment of sweep-lost.
type Config struct {
	metrics.Stack
	InboxBucket       string `env:"INBOX_BUCKET"`
	WorkBucket        string `env:"WORK_BUCKET"`
	ImportUsersARN    string `env:"IMPORT_USERS_ARN"`
	AbortImportARN    string `env:"ABORT_IMPORT_ARN"`
	DefaultUserPoolID string `env:"DEFAULT_USER_POOL_ID" envDefault:""`
}

type step struct {
	machine *sfn.Client
	imports executions.Imports
	inbox   inbox.Inbox
	work    *objects.Store
	batches *batches.Batches
	config  Config
}

// New builds the handler of functions/sweep-lost.
func New(cfg aws.Config, environ map[string]string) (lambda.Handler, error) {
	config, err := lambdahandler.Environment[Config](environ)
	if err != nil {
		return nil, err
	}
	client := s3.NewFromConfig(cfg)
	return lambdahandler.Handler((&step{
		machine: sfn.NewFromConfig(cfg), imports: executions.New(cfg, config.ImportUsersARN),
		inbox: inbox.New(client, config.InboxBucket), work: objects.New(client, config.WorkBucket),
		batches: batches.New(cfg, batches.Config{
			InboxBucket: config.InboxBucket, WorkBucket: config.WorkBucket, ImportUsersARN: config.ImportUsersARN,
		}),
		config: config,
	}).handle), nil
}

// lostAfter is how old an object is whose event will not come any more.
const lostAfter = time.Hour

// handle starts abort-import for each execution that ended with something left to do, then an import for each object
// that no execution owns, and takes over the scheduled files that a dead sweep claimed. Who waits for a result comes
// first: to ask after each of many files takes long.
func (s *step) handle(ctx context.Context, _ struct{}) (contract.Started, error) {
	started := contract.Started{Imports: []string{}}
	running, oldest, err := s.running(ctx)
	if err != nil {
		return started, err
	}
	errAbort := s.lostResults(ctx, &started)
	aborts := len(started.Imports)
	s.config.Put(ctx, "", metrics.LostResults.Of(float64(aborts)), metrics.OldestImportSeconds.Of(oldest.Seconds()))
	errLost := s.lostObjects(ctx, running, &started)
	claimed, errClaimed := s.batches.TakeOver(ctx)
	started.Imports = append(started.Imports, claimed.Imports...)
	s.config.Put(ctx, "", metrics.LostDrops.Of(float64(len(started.Imports)-aborts)))
	return started, errors.Join(errAbort, errLost, errClaimed)
}

// running is the imports under way, and the age of the oldest.
func (s *step) running(ctx context.Context) (ids map[string]bool, oldest time.Duration, err error) {
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

func (s *step) lostObjects(ctx context.Context, running map[string]bool, started *contract.Started) error {
	for _, prefix := range []string{"incoming/", "check/"} {
		files, err := s.inbox.List(ctx, prefix)
		if err != nil {
			return err
		}
		for _, f := range files {
			age := time.Since(f.Since)
			drop, ok := contract.DropOf(f.Object, s.config.DefaultUserPoolID)
			if !ok || age < lostAfter || age > executions.LookBack || running[drop.ImportID] {
				continue
			}
			of, err := s.imports.Describe(ctx, drop.ImportID)
			if err != nil {
				return err
			}
			if of != nil {
				continue // it has had its turn: an ERROR or STOPPED leaves the source in place
			}
			mine, err := s.batches.ClaimAlone(ctx, drop)
			if err != nil {
				return err
			}
			if !mine {
				continue // it was gathered, and goes into an import with others
			}
			if err := s.imports.Start(ctx, drop); err != nil {
				return err
			}
			started.Imports = append(started.Imports, drop.ImportID)
		}
	}
	return nil
}

func (s *step) lostResults(ctx context.Context, started *contract.Started) error {
	for _, status := range []sfntypes.ExecutionStatus{
		sfntypes.ExecutionStatusAborted, sfntypes.ExecutionStatusTimedOut, sfntypes.ExecutionStatusFailed,
	} {
		for e, err := range s.executions(ctx, status) {
			if err != nil {
				return err
			}
			if !executions.BrokenOff(e.Status, aws.ToTime(e.StopDate)) {
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
func (s *step) executions(
	ctx context.Context, status sfntypes.ExecutionStatus,
) iter.Seq2[sfntypes.ExecutionListItem, error] {
	return func(yield func(sfntypes.ExecutionListItem, error) bool) {
		pages := sfn.NewListExecutionsPaginator(s.machine, &sfn.ListExecutionsInput{
			StateMachineArn: &s.config.ImportUsersARN, StatusFilter: status, MaxResults: 1000,
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

func (s *step) abort(ctx context.Context, e sfntypes.ExecutionListItem, started *contract.Started) error {
	id := aws.ToString(e.Name)
	// The result alone does not tell: its publisher may have ended before the message went out.
	done, err := s.work.Exists(ctx, contract.DoneKey(id))
	if done || err != nil {
		return err
	}
	input, err := json.Marshal(map[string]string{"executionArn": aws.ToString(e.ExecutionArn)})
	if err != nil {
		return fmt.Errorf("encode execution input: %w", err)
	}
	_, err = s.machine.StartExecution(ctx, &sfn.StartExecutionInput{
		StateMachineArn: &s.config.AbortImportARN, Input: aws.String(string(input)),
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
