// Package batches imports many files together: Cognito has 1,000 import jobs for a pool and no way to delete one.
//
// A sweep that makes batches may overlap another, be killed, or come twice. So a file is claimed before it is taken: an
// object in the work bucket, written only if there is none, names the import. The import's list of files, written once,
// is what the execution's input points to. A claim whose import never started, leaves the file out of its list or ended
// without a job or a result is taken over, if nobody else changed it meanwhile. Nothing is imported twice, and no file is
// left behind.
package batches

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"userdrop/internal/aws/executions"
	"userdrop/internal/aws/inbox"
	"userdrop/internal/aws/objects"
	"userdrop/internal/contract"
)

// Batches starts imports of many files.
type Batches struct {
	imports executions.Imports
	inbox   inbox.Inbox
	work    *objects.Store
	results *objects.Store
}

// Config is a part of the environment of the functions that make batches.
type Config struct {
	InboxBucket    string `env:"INBOX_BUCKET"`
	WorkBucket     string `env:"WORK_BUCKET"`
	ResultsBucket  string `env:"RESULTS_BUCKET"`
	ImportUsersARN string `env:"IMPORT_USERS_ARN"`
}

// New returns the batches of a stack.
func New(cfg aws.Config, config Config) *Batches {
	client := s3.NewFromConfig(cfg)
	return &Batches{
		imports: executions.New(cfg, config.ImportUsersARN),
		inbox:   inbox.New(client, config.InboxBucket),
		work:    objects.New(client, config.WorkBucket),
		results: objects.New(client, config.ResultsBucket),
	}
}

const (
	// sweepTime bounds how long a sweep runs: the functions' timeout.
	sweepTime = 5 * time.Minute
	// staleClaim is the age of a claim whose sweep is certainly dead: an import that is not there now will never be.
	staleClaim = 3 * sweepTime
	// forgotten is when Step Functions forgets an execution that is over. An older claim's import has been.
	forgotten = 90 * 24 * time.Hour
	// maxFiles and maxBytes bound an import, so that prepare-import, which reads each file twice where there are
	// several, finishes in one run.
	maxFiles = 2000
	maxBytes = 2 << 30
)

// TakeScheduled starts an import for each pool that has files under scheduled/, or several where one would be too large.
// at, the time of the schedule, names the imports, so that a sweep that comes twice starts the same ones. An error with
// one pool's files does not keep the others'.
func (b *Batches) TakeScheduled(ctx context.Context, at time.Time) (contract.Started, error) {
	return b.take(ctx, at, b.claim)
}

// TakeOver imports what a sweep claimed and never started, because it died with all its retries: that need not wait for
// the next night. Files that nobody claimed do, and are not looked up one by one: thousands may wait for the night.
func (b *Batches) TakeOver(ctx context.Context) (contract.Started, error) {
	claims, err := b.work.Keys(ctx, contract.ClaimPrefix)
	if err != nil {
		return contract.Started{}, err
	}
	return b.take(ctx, time.Now(), func(
		ctx context.Context, id string, file contract.Object, others map[string]owner,
	) (bool, error) {
		if _, claimed := slices.BinarySearch(claims, claimKey(file)); !claimed {
			return false, nil
		}
		return b.takeOrphan(ctx, id, file, others)
	})
}

// claim is how a sweep gets a file for an import; others caches the imports that it met.
type claim func(ctx context.Context, id string, file contract.Object, others map[string]owner) (bool, error)

// take starts imports, named after a time, of the files that it can claim.
func (b *Batches) take(ctx context.Context, at time.Time, claim claim) (contract.Started, error) {
	started := contract.Started{Imports: []string{}}
	files, err := b.inbox.List(ctx, "scheduled/")
	if err != nil {
		return started, err
	}
	var errs []error
	others := map[string]owner{}
	var gs groups
	for _, f := range files {
		gs.add(poolOf(f.Key), f.Object)
	}
	for _, g := range gs.all {
		id := contract.SweepID(g.pool, at, g.number)
		listed, err := b.start(ctx, id, g, claim, others)
		if err != nil {
			errs = append(errs, err)
		} else if len(listed) > 0 {
			started.Imports = append(started.Imports, id)
		}
	}
	return started, errors.Join(errs...)
}

// group is what one import takes: files of one pool, the oldest first.
type group struct {
	pool   string
	number int // of the pool's groups, from 0
	files  []contract.Object
	bytes  int64
}

// groups collects files into groups, in the order of their oldest files.
type groups struct {
	all  []*group
	last map[string]*group // by pool
}

func (gs *groups) add(pool string, file contract.Object) {
	g := gs.last[pool]
	if g == nil || len(g.files) == maxFiles || g.bytes+file.Bytes > maxBytes {
		number := 0
		if g != nil {
			number = g.number + 1
		}
		g = &group{pool: pool, number: number}
		if gs.last == nil {
			gs.last = map[string]*group{}
		}
		gs.last[pool] = g
		gs.all = append(gs.all, g)
	}
	g.files = append(g.files, file)
	g.bytes += file.Bytes
}

// poolOf returns the pool of a file under scheduled/; empty where no folder names one.
func poolOf(key string) string {
	pool, _, inFolder := strings.Cut(strings.TrimPrefix(key, "scheduled/"), "/")
	if !inFolder {
		return ""
	}
	return contract.PoolOfFolder(pool)
}

// start claims files, starts an import with those it got, and returns them; none where others have them all.
func (b *Batches) start(
	ctx context.Context, id string, g *group, claim claim, others map[string]owner,
) (listed []contract.Object, err error) {
	mine := []contract.Object{}
	for _, file := range g.files {
		got, err := claim(ctx, id, file, others)
		if err != nil {
			return nil, err
		}
		if got {
			mine = append(mine, file)
		}
	}
	if len(mine) == 0 {
		return nil, nil
	}
	key := manifestKey(id)
	listed, err = objects.WriteJSONIfAbsent(ctx, b.work, key, mine) // maybe by an earlier try of this sweep
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(listed, func(o contract.Object) bool { return !slices.Contains(mine, o) }) {
		slog.WarnContext(ctx, "Others took files that this sweep had listed; the next one takes the rest.", "importId", id)
		return nil, nil
	}
	return listed, b.imports.Start(ctx, contract.Drop{
		Schema: contract.Schema, ImportID: id, UserPoolID: g.pool, Mode: contract.ModeImport, Manifest: key,
	})
}

func manifestKey(importID string) string { return "sweeps/" + importID + ".json" }

// claim reports whether the file is this import's to take.
func (b *Batches) claim(
	ctx context.Context, id string, file contract.Object, others map[string]owner,
) (bool, error) {
	won, err := b.work.WriteOnce(ctx, claimKey(file), "text/plain", claimText(id))
	if won || err != nil {
		return won, err
	}
	by, tag, since, err := b.claimant(ctx, file)
	if err != nil {
		return false, err
	}
	switch age := time.Since(since); {
	case by == id && age < staleClaim-2*sweepTime:
		return true, nil // an earlier try of this sweep, and nobody takes the file over before this one ends
	case by == id: // so old that others may take it over: renew it first
	default:
		free, err := b.abandoned(ctx, by, age, file, others)
		if !free || err != nil {
			return false, err
		}
		slog.WarnContext(ctx, "Taking over a file whose import came to nothing.", "importId", id, "from", by)
	}
	return b.work.Replace(ctx, claimKey(file), "text/plain", claimText(id), tag)
}

// takeOrphan takes over the file of an import that never was.
func (b *Batches) takeOrphan(
	ctx context.Context, id string, file contract.Object, others map[string]owner,
) (bool, error) {
	by, tag, since, err := b.claimant(ctx, file)
	if err != nil {
		return false, err
	}
	h, err := b.owner(ctx, by, others)
	if err != nil || !h.neverStarted(time.Since(since)) {
		return false, err
	}
	slog.WarnContext(ctx, "Taking over a file whose import was never started.", "importId", id, "from", by)
	return b.work.Replace(ctx, claimKey(file), "text/plain", claimText(id), tag)
}

// claimText returns a claim. With the time in it, no two claims have the same entity tag.
func claimText(importID string) []byte {
	return fmt.Appendf(nil, "%s %s", importID, time.Now().UTC().Format(time.RFC3339Nano))
}

func claimKey(file contract.Object) string { return contract.ClaimKey(contract.ImportID(file)) }

// claimant returns the import that claims a file, the claim's entity tag, and since when.
func (b *Batches) claimant(
	ctx context.Context, file contract.Object,
) (importID, tag string, since time.Time, err error) {
	claim, tag, since, err := b.work.Tagged(ctx, claimKey(file))
	importID, _, _ = strings.Cut(claim, " ")
	return importID, tag, since, err
}

// owner is an import that claimed files, as one sweep saw it. An import may own thousands of files for days, and Step
// Functions allows few calls a second.
type owner struct {
	execution *sfn.DescribeExecutionOutput // nil if there never was one
	files     []contract.Object            // on its list
}

// neverStarted reports whether an import was not started, and never will be, by the age of its claim.
func (h owner) neverStarted(age time.Duration) bool {
	return h.execution == nil && age > staleClaim && age < forgotten
}

// owner looks up an import, once a sweep.
func (b *Batches) owner(ctx context.Context, importID string, others map[string]owner) (owner, error) {
	h, seen := others[importID]
	if seen {
		return h, nil
	}
	var err error
	if h.execution, err = b.imports.Describe(ctx, importID); err != nil {
		return h, err
	}
	if h.execution != nil {
		listed, err := b.work.ReadJSON(ctx, manifestKey(importID), &h.files)
		if err != nil {
			return h, err
		}
		var drop contract.Drop
		if !listed && json.Unmarshal([]byte(aws.ToString(h.execution.Input)), &drop) == nil {
			h.files = []contract.Object{drop.Source} // an import of one file
		}
	}
	others[importID] = h
	return h, nil
}

// abandoned reports whether an import that claimed a file will never take it: it was not started, does not list the
// file, or is over without a result.
func (b *Batches) abandoned(
	ctx context.Context, importID string, age time.Duration, file contract.Object, others map[string]owner,
) (bool, error) {
	h, err := b.owner(ctx, importID, others)
	switch {
	case err != nil:
		return false, err
	case h.execution == nil:
		return h.neverStarted(age), nil
	case !slices.Contains(h.files, file):
		return true, nil
	case !executions.BrokenOff(h.execution.Status, aws.ToTime(h.execution.StopDate)):
		return false, nil
	}
	published, err := b.results.Exists(ctx, contract.ResultKey(importID))
	if published || err != nil {
		return false, err
	}
	// Each of its files has one result: its own, if a job of it was started or that is about to be published, or that of
	// whoever takes the file.
	closed, err := b.work.WriteIfAbsent(ctx, contract.ClosedKey(importID), contract.TakenOver)
	if err != nil || closed != contract.TakenOver {
		return false, err
	}
	if published, err = b.results.Exists(ctx, contract.ResultKey(importID)); published || err != nil {
		return false, err // since the first look: publishing erases what says so
	}
	return true, b.work.WriteJSON(ctx, contract.DoneKey(importID), contract.FilesTakenOver(importID))
}
