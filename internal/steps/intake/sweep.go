package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/aws/objects"
	"userdrop/internal/contract"
)

// inbox lists what lies in the inbox.
type inbox struct {
	client *s3.Client
	bucket string
}

// waiting is an object of the inbox, and since when it is there.
type waiting struct {
	contract.Object
	since time.Time
}

// list answers the current versions under a prefix, the oldest first. Keys come encoded: S3 puts a control character of
// a key into its XML as it is, which then nobody can read, and no file would be found any more.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
func (b inbox) list(ctx context.Context, prefix string) ([]waiting, error) {
	var found []waiting
	input := s3.ListObjectVersionsInput{Bucket: &b.bucket, Prefix: &prefix, EncodingType: s3types.EncodingTypeUrl}
	for more := true; more; { // the SDK's paginator takes the next page's marker for a key that is not encoded
		page, err := b.client.ListObjectVersions(ctx, &input)
		if err != nil {
			return nil, fmt.Errorf("list s3://%s/%s: %w", b.bucket, prefix, err)
		}
		for _, v := range page.Versions {
			key, err := url.QueryUnescape(aws.ToString(v.Key))
			if err != nil {
				return nil, fmt.Errorf("list s3://%s/%s: %w", b.bucket, prefix, err)
			}
			if !aws.ToBool(v.IsLatest) || strings.HasSuffix(key, "/") || strings.HasSuffix(key, ManifestSuffix) {
				continue
			}
			found = append(found, waiting{contract.Object{
				Bucket: b.bucket, Key: key, VersionID: aws.ToString(v.VersionId),
				ETag: strings.Trim(aws.ToString(v.ETag), `"`), Bytes: aws.ToInt64(v.Size),
			}, aws.ToTime(v.LastModified)})
		}
		next, err := url.QueryUnescape(aws.ToString(page.NextKeyMarker))
		if err != nil {
			return nil, fmt.Errorf("list s3://%s/%s: %w", b.bucket, prefix, err)
		}
		input.KeyMarker, input.VersionIdMarker, more = &next, page.NextVersionIdMarker, aws.ToBool(page.IsTruncated)
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
	DescribeExecution(
		context.Context, *sfn.DescribeExecutionInput, ...func(*sfn.Options),
	) (*sfn.DescribeExecutionOutput, error)
}

// executionARN is the ARN of an import's execution, out of the machine's.
func executionARN(machineARN, importID string) string {
	return strings.Replace(machineARN, ":stateMachine:", ":execution:", 1) + ":" + importID
}

// execution describes an import's execution; nil if there never was one.
func execution(
	ctx context.Context, m describeMachine, machineARN, importID string,
) (*sfn.DescribeExecutionOutput, error) {
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

// SweepScheduled imports what waits under scheduled/<user pool id>/, the files of a pool together: Cognito has 1,000
// import jobs for a pool and no way to delete one.
//
// A sweep may overlap another, be killed, or come twice. So a file is claimed before it is taken: an object in the work
// bucket, written only if there is none, that names the import. The import's list of files, written once, is what
// execution's input points to; a claim whose import never started, leaves the file out of its list or ended without a
// job or a result is taken over, if nobody else changed it meanwhile. Nothing is imported twice, and nothing is left
// lying.
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
	config, err := lambdahandler.Environment[SweepScheduledConfig](environ)
	if err != nil {
		return nil, err
	}
	client := s3.NewFromConfig(cfg)
	return lambdahandler.Handler((&SweepScheduled{
		Machine: sfn.NewFromConfig(cfg),
		Inbox:   inbox{client, config.InboxBucket},
		Work:    objects.New(client, config.WorkBucket),
		Results: objects.New(client, config.ResultsBucket),
		Config:  config,
	}).Handle), nil
}

// Schedule is the event of the schedule. Its time names the imports, so that a sweep that comes twice starts the same
// ones; a run by hand need not have it.
type Schedule struct {
	ScheduledTime time.Time `json:"scheduledTime"`
}

const (
	// sweepTime is how long a sweep may run at the most: the function's timeout.
	sweepTime = 5 * time.Minute
	// staleClaim is the age of a claim whose sweep is dead for sure: if its import is not there now, it will never be.
	staleClaim = 3 * sweepTime
	// forgotten is when Step Functions forgets an execution that is over. An older claim's import has been.
	forgotten = 90 * 24 * time.Hour
	// maxFiles and maxBytes bound an import, so that prepare-import, which reads each file twice where there are
	// several, comes to its end in one run.
	maxFiles = 2000
	maxBytes = 2 << 30
)

// Handle starts an import for each pool that has files, or several where one would be too large. What one pool's files
// run into does not keep the others'.
func (s *SweepScheduled) Handle(ctx context.Context, schedule Schedule) (Started, error) {
	at := schedule.ScheduledTime
	if at.IsZero() {
		at = time.Now()
	}
	return s.take(ctx, at, s.claim)
}

// takeOver imports what a sweep claimed and never started, since it died with all its tries: that need not wait for the
// next night. What nobody claimed does, and is not asked after one by one: thousands of files may wait for the night.
func (s *SweepScheduled) takeOver(ctx context.Context) (Started, error) {
	claims, err := s.Work.Keys(ctx, claimPrefix)
	if err != nil {
		return Started{}, err
	}
	return s.take(ctx, time.Now(), func(
		ctx context.Context, id string, file contract.Object, others map[string]holder,
	) (bool, error) {
		if _, claimed := slices.BinarySearch(claims, claimKey(file)); !claimed {
			return false, nil
		}
		return s.orphan(ctx, id, file, others)
	})
}

// claim is how a sweep gets a file for an import; others are the imports that it met.
type claim func(ctx context.Context, id string, file contract.Object, others map[string]holder) (bool, error)

// take starts imports, whose names tell of a time, of the files that it can claim.
func (s *SweepScheduled) take(ctx context.Context, at time.Time, claim claim) (Started, error) {
	started := Started{Imports: []string{}}
	files, err := s.Inbox.list(ctx, "scheduled/")
	if err != nil {
		return started, err
	}
	var errs []error
	others := map[string]holder{}
	for _, g := range gather(files) {
		id := contract.SweepID(g.pool, at, g.number)
		ok, err := s.sweep(ctx, id, g, claim, others)
		if err != nil {
			errs = append(errs, err)
		} else if ok {
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

// gather puts files into groups, in the order of their oldest files.
func gather(files []waiting) []*group {
	var groups []*group
	last := map[string]*group{}
	for _, f := range files {
		pool, _, inFolder := strings.Cut(strings.TrimPrefix(f.Key, "scheduled/"), "/")
		if !inFolder {
			pool = ""
		}
		pool = poolID(pool)
		g := last[pool]
		if g == nil || len(g.files) == maxFiles || g.bytes+f.Bytes > maxBytes {
			number := 0
			if g != nil {
				number = g.number + 1
			}
			g = &group{pool: pool, number: number}
			last[pool] = g
			groups = append(groups, g)
		}
		g.files = append(g.files, f.Object)
		g.bytes += f.Bytes
	}
	return groups
}

// sweep claims files and starts an import with those it got; false where others have them all.
func (s *SweepScheduled) sweep(
	ctx context.Context, id string, g *group, claim claim, others map[string]holder,
) (started bool, err error) {
	mine := []contract.Object{}
	for _, file := range g.files {
		got, err := claim(ctx, id, file, others)
		if err != nil {
			return false, err
		}
		if got {
			mine = append(mine, file)
		}
	}
	if len(mine) == 0 {
		return false, nil
	}
	key := manifestKey(id)
	listed, err := objects.SettleJSON(ctx, s.Work, key, mine) // maybe by an earlier try of this sweep
	if err != nil {
		return false, err
	}
	if slices.ContainsFunc(listed, func(o contract.Object) bool { return !slices.Contains(mine, o) }) {
		slog.WarnContext(ctx, "Others took files that this sweep had listed; the next one takes the rest.", "importId", id)
		return false, nil
	}
	return true, startExecution(ctx, s.Machine, s.Config.ImportUsersARN, contract.Drop{
		Schema: contract.Schema, ImportID: id, UserPoolID: g.pool, Mode: contract.ModeImport, Manifest: key,
	})
}

func manifestKey(importID string) string { return "sweeps/" + importID + ".json" }

// claim tells whether the file is this import's to take.
func (s *SweepScheduled) claim(
	ctx context.Context, id string, file contract.Object, others map[string]holder,
) (bool, error) {
	won, err := s.Work.WriteOnce(ctx, claimKey(file), "text/plain", claimText(id))
	if won || err != nil {
		return won, err
	}
	by, tag, since, err := s.claimant(ctx, file)
	if err != nil {
		return false, err
	}
	switch age := time.Since(since); {
	case by == id && age < staleClaim-2*sweepTime:
		return true, nil // an earlier try of this sweep, and nobody takes the file over before this one ends
	case by == id: // so old that others may take it over: renew it first
	default:
		free, err := s.abandoned(ctx, by, age, file, others)
		if !free || err != nil {
			return false, err
		}
		slog.WarnContext(ctx, "Taking over a file whose import came to nothing.", "importId", id, "from", by)
	}
	return s.Work.Replace(ctx, claimKey(file), "text/plain", claimText(id), tag)
}

// orphan takes over the file of an import that never was.
func (s *SweepScheduled) orphan(
	ctx context.Context, id string, file contract.Object, others map[string]holder,
) (bool, error) {
	by, tag, since, err := s.claimant(ctx, file)
	if err != nil {
		return false, err
	}
	h, err := s.holder(ctx, by, others)
	if err != nil || !h.neverWas(time.Since(since)) {
		return false, err
	}
	slog.WarnContext(ctx, "Taking over a file whose import was never started.", "importId", id, "from", by)
	return s.Work.Replace(ctx, claimKey(file), "text/plain", claimText(id), tag)
}

// claimText is a claim. With the time, no two are the same text, and have the same entity tag.
func claimText(importID string) []byte {
	return fmt.Appendf(nil, "%s %s", importID, time.Now().UTC().Format(time.RFC3339Nano))
}

const claimPrefix = "claims/"

func claimKey(file contract.Object) string {
	hash := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s", file.Bucket, file.Key, file.VersionID))
	return claimPrefix + hex.EncodeToString(hash[:])
}

// claimant is the import that claims a file, with the claim's entity tag, and since when.
func (s *SweepScheduled) claimant(
	ctx context.Context, file contract.Object,
) (importID, tag string, since time.Time, err error) {
	claim, tag, since, err := s.Work.Tagged(ctx, claimKey(file))
	importID, _, _ = strings.Cut(claim, " ")
	return importID, tag, since, err
}

// holder is an import that claimed files, as one sweep saw it. An import may hold thousands of files for days, and
// Step Functions bears few calls a second.
type holder struct {
	execution *sfn.DescribeExecutionOutput // nil if there never was one
	files     []contract.Object            // on its list
}

// neverWas tells of an import that was not started, and will never be, by the age of its claim.
func (h holder) neverWas(age time.Duration) bool {
	return h.execution == nil && age > staleClaim && age < forgotten
}

// holder looks at an import, once a sweep.
func (s *SweepScheduled) holder(ctx context.Context, importID string, others map[string]holder) (holder, error) {
	h, seen := others[importID]
	if seen {
		return h, nil
	}
	var err error
	if h.execution, err = execution(ctx, s.Machine, s.Config.ImportUsersARN, importID); err != nil {
		return h, err
	}
	if h.execution != nil {
		if _, err := s.Work.ReadJSON(ctx, manifestKey(importID), &h.files); err != nil {
			return h, err
		}
	}
	others[importID] = h
	return h, nil
}

// abandoned tells whether an import that claimed a file will never take it: it was not started, does not list the
// file, or is over without a result.
func (s *SweepScheduled) abandoned(
	ctx context.Context, importID string, age time.Duration, file contract.Object, others map[string]holder,
) (bool, error) {
	h, err := s.holder(ctx, importID, others)
	switch {
	case err != nil:
		return false, err
	case h.execution == nil:
		return h.neverWas(age), nil
	case !slices.Contains(h.files, file):
		return true, nil
	case !over(h.execution.Status, aws.ToTime(h.execution.StopDate)):
		return false, nil
	}
	published, err := s.Results.Exists(ctx, contract.ResultKey(importID))
	if published || err != nil {
		return false, err
	}
	// Each of its files has one result: its own, if a job of it was started or that is about to be published, or that of
	// whoever takes the file.
	closed, err := s.Work.Settle(ctx, contract.ClosedKey(importID), contract.TakenOver)
	if err != nil || closed != contract.TakenOver {
		return false, err
	}
	if published, err = s.Results.Exists(ctx, contract.ResultKey(importID)); published || err != nil {
		return false, err // since the first look: publishing erases what says so
	}
	return true, s.Work.Write(ctx, contract.DoneKey(importID), "text/plain", nil)
}
