package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"userdrop/internal/function"
	"userdrop/internal/objects"
	"userdrop/internal/result"
	"userdrop/internal/workflow"
)

// inbox lists what lies in the inbox.
type inbox struct {
	client *s3.Client
	bucket string
}

// waiting is an object of the inbox, and since when it is there.
type waiting struct {
	workflow.Object
	since time.Time
}

// list answers the current versions under a prefix, the oldest first.
func (b inbox) list(ctx context.Context, prefix string) ([]waiting, error) {
	var found []waiting
	pages := s3.NewListObjectVersionsPaginator(b.client, &s3.ListObjectVersionsInput{Bucket: &b.bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list s3://%s/%s: %w", b.bucket, prefix, err)
		}
		for _, v := range page.Versions {
			key := aws.ToString(v.Key)
			if !aws.ToBool(v.IsLatest) || strings.HasSuffix(key, "/") || strings.HasSuffix(key, ManifestSuffix) {
				continue
			}
			found = append(found, waiting{workflow.Object{
				Bucket: b.bucket, Key: key, VersionID: aws.ToString(v.VersionId),
				ETag: strings.Trim(aws.ToString(v.ETag), `"`), Bytes: aws.ToInt64(v.Size),
			}, aws.ToTime(v.LastModified)})
		}
	}
	slices.SortStableFunc(found, func(a, b waiting) int {
		if c := a.since.Compare(b.since); c != 0 {
			return c
		}
		return strings.Compare(a.Key, b.Key)
	})
	return found, nil
}

type describeMachine interface {
	DescribeExecution(context.Context, *sfn.DescribeExecutionInput, ...func(*sfn.Options)) (*sfn.DescribeExecutionOutput, error)
}

// executionARN is the ARN of an import's execution, out of the machine's.
func executionARN(machineARN, importID string) string {
	return strings.Replace(machineARN, ":stateMachine:", ":execution:", 1) + ":" + importID
}

// execution describes an import's execution; nil if there never was one.
func execution(ctx context.Context, m describeMachine, machineARN, importID string) (*sfn.DescribeExecutionOutput, error) {
	out, err := m.DescribeExecution(ctx, &sfn.DescribeExecutionInput{
		ExecutionArn: aws.String(executionARN(machineARN, importID)),
	})
	if _, none := errors.AsType[*sfntypes.ExecutionDoesNotExist](err); none {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for the execution of %s: %w", importID, err)
	}
	return out, nil
}

// SweepScheduled imports what waits under scheduled/<user pool id>/, all files of a pool in one import.
//
// A file is claimed before it is taken: an object in the work bucket, written only if there is none, that holds the
// import id. So a sweep that overlaps another, is killed or comes twice takes no file twice and leaves none lying.
type SweepScheduled struct {
	Machine interface {
		startMachine
		describeMachine
	}
	Inbox   inbox
	Work    *objects.Store
	Results *objects.Store
	Config  SweepScheduledConfig
}

// SweepScheduledConfig is the environment of sweep-scheduled.
type SweepScheduledConfig struct {
	InboxBucket    string `env:"INBOX_BUCKET"`
	WorkBucket     string `env:"WORK_BUCKET"`
	ResultsBucket  string `env:"RESULTS_BUCKET"`
	ImportUsersARN string `env:"IMPORT_USERS_ARN"`
}

// NewSweepScheduled builds the handler of functions/sweep-scheduled.
func NewSweepScheduled(cfg aws.Config, environ map[string]string) (lambda.Handler, error) {
	config, err := function.Environment[SweepScheduledConfig](environ)
	if err != nil {
		return nil, err
	}
	client := s3.NewFromConfig(cfg)
	return function.Handler((&SweepScheduled{
		Machine: sfn.NewFromConfig(cfg),
		Inbox:   inbox{client, config.InboxBucket},
		Work:    objects.New(client, config.WorkBucket),
		Results: objects.New(client, config.ResultsBucket),
		Config:  config,
	}).Handle), nil
}

// Schedule is the schedule's event; nothing of it matters.
type Schedule struct{}

// staleClaim is longer than a sweep may run: a claim of that age whose import never started was left by a dead one.
const staleClaim = 15 * time.Minute

// Handle starts an import for each pool that has files.
func (s *SweepScheduled) Handle(ctx context.Context, _ Schedule) (Started, error) {
	started := Started{Imports: []string{}}
	files, err := s.Inbox.list(ctx, "scheduled/")
	if err != nil {
		return started, err
	}
	pools := map[string][]workflow.Object{}
	var order []string
	for _, f := range files {
		pool, _, inFolder := strings.Cut(strings.TrimPrefix(f.Key, "scheduled/"), "/")
		if !inFolder || len(pool) > 55 || !userPoolID.MatchString(pool) {
			pool = "" // refused by prepare-import, with a result that says so
		}
		if pools[pool] == nil {
			order = append(order, pool)
		}
		pools[pool] = append(pools[pool], f.Object)
	}
	var errs []error
	for _, pool := range order {
		id, err := s.sweep(ctx, pool, pools[pool])
		if err != nil {
			errs = append(errs, err)
		} else if id != "" {
			started.Imports = append(started.Imports, id)
		}
	}
	return started, errors.Join(errs...)
}

// sweep claims a pool's files and starts an import with those it got; the id is empty where others have them all.
func (s *SweepScheduled) sweep(ctx context.Context, pool string, files []workflow.Object) (string, error) {
	id := workflow.SweepID(pool, files)
	mine := []workflow.Object{}
	for _, file := range files {
		got, err := s.claim(ctx, id, file)
		if err != nil {
			return "", err
		}
		if got {
			mine = append(mine, file)
		}
	}
	if len(mine) == 0 {
		return "", nil
	}
	manifest, err := json.Marshal(mine)
	if err != nil {
		return "", fmt.Errorf("encode manifest: %w", err)
	}
	key := manifestKey(id)
	if _, err := s.Work.WriteOnce(ctx, key, "application/json", manifest); err != nil {
		return "", err
	}
	return id, startExecution(ctx, s.Machine, s.Config.ImportUsersARN, workflow.Drop{
		Schema: workflow.Schema, ImportID: id, UserPoolID: pool, Mode: result.Import, Manifest: key,
	})
}

func manifestKey(importID string) string { return "sweeps/" + importID + ".json" }

// claim tells whether the file is this import's to take.
func (s *SweepScheduled) claim(ctx context.Context, id string, file workflow.Object) (bool, error) {
	hash := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s", file.Bucket, file.Key, file.VersionID))
	key := "claims/" + hex.EncodeToString(hash[:])
	won, err := s.Work.WriteOnce(ctx, key, "text/plain", []byte(id))
	if won || err != nil {
		return won, err
	}
	holder, tag, since, err := s.Work.Tagged(ctx, key)
	if err != nil {
		return false, err
	}
	if holder == id {
		return true, nil // an earlier try of this sweep
	}
	free, err := s.abandoned(ctx, holder, since, file)
	if !free || err != nil {
		return false, err
	}
	slog.WarnContext(ctx, "Taking over a file whose import came to nothing.", "importId", id, "from", holder)
	return s.Work.Replace(ctx, key, "text/plain", []byte(id), tag)
}

// abandoned tells whether an import that claimed a file will never take it: it was not started, does not list the
// file, or is over without a result.
func (s *SweepScheduled) abandoned(ctx context.Context, holder string, since time.Time, file workflow.Object) (bool, error) {
	of, err := execution(ctx, s.Machine, s.Config.ImportUsersARN, holder)
	if err != nil {
		return false, err
	}
	if of == nil {
		return time.Since(since) > staleClaim, nil
	}
	var manifest []workflow.Object
	if _, err := s.Work.ReadJSON(ctx, manifestKey(holder), &manifest); err != nil {
		return false, err
	}
	if !slices.Contains(manifest, file) {
		return true, nil
	}
	if of.Status == sfntypes.ExecutionStatusRunning || of.Status == sfntypes.ExecutionStatusSucceeded ||
		time.Since(aws.ToTime(of.StopDate)) < staleAbort {
		return false, nil
	}
	published, err := s.Results.Exists(ctx, workflow.ResultKey(holder))
	return !published, err
}

// SweepLost finds by looking what events, which come by best effort, did not tell.
type SweepLost struct {
	Machine interface {
		startMachine
		describeMachine
		ListExecutions(context.Context, *sfn.ListExecutionsInput, ...func(*sfn.Options)) (*sfn.ListExecutionsOutput, error)
	}
	Inbox   inbox
	Results *objects.Store
	Start   *StartImport
	Config  SweepLostConfig
}

// SweepLostConfig is the environment of sweep-lost.
type SweepLostConfig struct {
	StartConfig
	ResultsBucket  string `env:"RESULTS_BUCKET"`
	AbortImportARN string `env:"ABORT_IMPORT_ARN"`
}

// NewSweepLost builds the handler of functions/sweep-lost.
func NewSweepLost(cfg aws.Config, environ map[string]string) (lambda.Handler, error) {
	config, err := function.Environment[SweepLostConfig](environ)
	if err != nil {
		return nil, err
	}
	client, machine := s3.NewFromConfig(cfg), sfn.NewFromConfig(cfg)
	return function.Handler((&SweepLost{
		Machine: machine,
		Inbox:   inbox{client, config.InboxBucket},
		Results: objects.New(client, config.ResultsBucket),
		Start:   &StartImport{Machine: machine, Config: config.StartConfig},
		Config:  config,
	}).Handle), nil
}

const (
	// lostAfter is how old an object is whose event will not come any more, and lostBefore how old one is that was
	// looked at long ago: executions are forgotten after 90 days, and its file must not be imported again then.
	lostAfter  = time.Hour
	lostBefore = 7 * 24 * time.Hour
	// staleAbort is how long an execution must be over, for its status-change event to have had its chance.
	staleAbort = time.Hour
)

// Handle starts an import for each object that no execution owns, and abort-import for each execution that ended
// without a result.
func (s *SweepLost) Handle(ctx context.Context, _ Schedule) (Started, error) {
	started := Started{Imports: []string{}}
	errs := []error{s.lostObjects(ctx, &started), s.lostResults(ctx, &started)}
	return started, errors.Join(errs...)
}

func (s *SweepLost) lostObjects(ctx context.Context, started *Started) error {
	for _, prefix := range []string{"incoming/", "check/"} {
		files, err := s.Inbox.list(ctx, prefix)
		if err != nil {
			return err
		}
		for _, f := range files {
			age := time.Since(f.since)
			drop, ok := s.Start.drop(f.Object)
			if !ok || age < lostAfter || age > lostBefore {
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
		pages := sfn.NewListExecutionsPaginator(s.Machine, &sfn.ListExecutionsInput{
			StateMachineArn: &s.Config.ImportUsersARN, StatusFilter: status, MaxResults: 1000,
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return fmt.Errorf("list the executions that ended %s: %w", status, err)
			}
			for _, e := range page.Executions {
				age := time.Since(aws.ToTime(e.StopDate))
				if age < staleAbort || age > lostBefore {
					continue
				}
				if err := s.abort(ctx, e, started); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (s *SweepLost) abort(ctx context.Context, e sfntypes.ExecutionListItem, started *Started) error {
	id := aws.ToString(e.Name)
	published, err := s.Results.Exists(ctx, workflow.ResultKey(id))
	if published || err != nil {
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
