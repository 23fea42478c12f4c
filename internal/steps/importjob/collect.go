package importjob

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"userdrop/internal/aws/awserror"
	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/aws/objects"
	"userdrop/internal/aws/userpool"
	"userdrop/internal/contract"
	"userdrop/internal/steps/awaitturn"
	"userdrop/internal/usercsv"
)

// Collect finds out what became of each row of an attempt.
type Collect struct {
	Logs logReader
	S3   *s3.Client
	Work *objects.Store
	// Users tells which users a pool has. publish-result, which goes on with nothing, never asks.
	Users userpool.API
}

// CollectConfig is the environment of collect-rows.
type CollectConfig struct {
	WorkBucket string `env:"WORK_BUCKET"`
}

// NewCollect builds the handler of functions/collect-rows.
func NewCollect(cfg aws.Config, environ map[string]string) (lambda.Handler, error) {
	config, err := lambdahandler.Environment[CollectConfig](environ)
	if err != nil {
		return nil, err
	}
	return lambdahandler.Handler(NewCollector(cfg, config).Handle), nil
}

// NewCollector is also publish-result's, which winds up what an execution left undone.
func NewCollector(cfg aws.Config, config CollectConfig) *Collect {
	client := s3.NewFromConfig(cfg)
	return &Collect{
		Logs: cloudwatchlogs.NewFromConfig(cfg), S3: client, Work: objects.New(client, config.WorkBucket),
		Users: cognito.NewFromConfig(cfg),
	}
}

const (
	// logPatience is how long after a job's end its log lines are waited for.
	logPatience = 5 * time.Minute
	logWait     = 15 * time.Second
	// MaxContinued bounds the jobs that a failing part may cost, the first one included.
	MaxContinued = 5
)

// Handle answers Wait while log lines are missing, Attempt when the rows without an outcome go on in another job, and
// Done. What it found out is the attempt's Summary in the work bucket; a second run finds it there and changes nothing.
func (c *Collect) Handle(ctx context.Context, job contract.ImportJob) (contract.ImportJob, error) {
	key := contract.SummaryKey(job.ImportID, job.Part, job.Attempt)
	var summary contract.Summary
	found, err := c.Work.ReadJSON(ctx, key, &summary)
	if err != nil {
		return job, err
	}
	if found {
		return next(job, summary), nil
	}
	read, complete, err := c.read(ctx, job)
	if err != nil {
		return job, err
	}
	if !complete && time.Since(job.Job.CompletedAt) < logPatience {
		return awaitturn.Pause(job, logWait), nil
	}
	if summary, err = c.summarise(ctx, job, read, complete); awserror.Name(err) == contract.Gone {
		// A run that comes late finds the part counted, and what was kept of it erased.
		if told, again := c.Work.Exists(ctx, contract.ToldKey(job.ImportID)); again == nil && told {
			job.Next = contract.Done
			return job, nil
		}
	}
	if err != nil {
		return job, err
	}
	if summary, err = objects.SettleJSON(ctx, c.Work, key, summary); err != nil {
		return job, err
	}
	return next(job, summary), nil
}

// next answers by a summary.
func next(job contract.ImportJob, summary contract.Summary) contract.ImportJob {
	if rest := summary.Rest; rest != nil {
		job.Rows, job.Object, job.Lines = rest.Rows, rest.Object, rest.Lines
		job.Continued++
		return again(job)
	}
	job.Next = contract.Done
	return job
}

// read reads as much of the log as the counters ask for: nothing where they tell all, the problems where each row has
// an outcome, every line where some have none. Complete tells that no line of the kinds read is missing.
func (c *Collect) read(ctx context.Context, job contract.ImportJob) (read *jobLog, complete bool, err error) {
	j, rows := job.Job, int64(job.Rows)
	read = newJobLog(job.Rows)
	if j.Processed() == 0 || j.Imported == rows || j.Skipped == rows {
		return read, true, nil
	}
	filter, kinds := allOutcomes, []fate{imported, skipped, failed}
	switch {
	case j.Processed() < rows:
	case job.Sources == 1 && j.Failed == 0:
		return read, true, nil
	case job.Sources == 1:
		filter, kinds = onlyFailed, []fate{failed}
	default:
		filter, kinds = onlyProblems, []fate{skipped, failed}
	}
	if read, err = readLog(ctx, c.Logs, job, filter); err != nil {
		return nil, false, err
	}
	counters := map[fate]int64{imported: j.Imported, skipped: j.Skipped, failed: j.Failed}
	complete = true
	for _, kind := range kinds {
		complete = complete && read.count(kind) == counters[kind]
	}
	if complete && filter == allOutcomes {
		read.settle()
	}
	complete = complete && read.base != 0
	if !complete && filter != allOutcomes && time.Since(j.CompletedAt) >= logPatience {
		// Every line narrows down the rows that none tells of.
		if read, err = readLog(ctx, c.Logs, job, allOutcomes); err != nil {
			return nil, false, err
		}
	}
	return read, complete, nil
}

// tally hands out outcomes to the rows, so that their sums are the job's counters.
type tally struct {
	job      contract.ImportJob
	log      *jobLog
	complete bool
	// missing counts the outcomes that the counters have and no line tells.
	missing map[fate]int64
	goOn    bool
}

func newTally(job contract.ImportJob, log *jobLog, complete bool) *tally {
	j := job.Job
	t := &tally{job: job, log: log, complete: complete, missing: map[fate]int64{
		imported: j.Imported, skipped: j.Skipped, failed: j.Failed,
	}}
	told := int64(0)
	for i := range job.Rows {
		if f, _ := log.row(i); f != untold {
			t.missing[f]--
			told++
		}
	}
	t.goOn = j.Status == string(types.UserImportJobStatusTypeFailed) &&
		told > 0 && told < int64(job.Rows) && j.Processed() < int64(job.Rows) && job.Continued+1 < MaxContinued
	return t
}

// row decides one row: its place in the counts, and what to tell of it. Unprocessed is the fate of a row that has none.
func (t *tally) row(i int) (count fate, code contract.Code, message string) {
	told, reason := t.log.row(i)
	switch {
	case told == failed:
		return failed, contract.CognitoFailed, reason
	case told != untold:
		return told, 0, ""
	}
	// No line tells. The counters say how many there are of each.
	open := int64(0)
	for _, f := range []fate{failed, skipped, imported} {
		open += max(t.missing[f], 0)
	}
	processedAll := t.job.Job.Processed() >= int64(t.job.Rows)
	for _, f := range []fate{failed, skipped, imported} {
		if t.missing[f] > 0 && (processedAll || open > 0) {
			t.missing[f]--
			count = f
			break
		}
	}
	switch {
	case processedAll && t.complete:
		return count, 0, "" // every problem has its line: this one is imported or was there
	case !processedAll && (t.complete || t.job.Job.Processed() == 0):
		return untold, contract.NotProcessed, ""
	default:
		return count, contract.FateUnknown, ""
	}
}

// summarise decides every row, and writes the outcomes of those that did not make it and the rest that goes on.
func (c *Collect) summarise(
	ctx context.Context, job contract.ImportJob, log *jobLog, complete bool,
) (contract.Summary, error) {
	t := newTally(job, log, complete)
	summary := contract.Summary{
		Part: job.Part, Attempt: job.Attempt, Job: job.Job, Submitted: job.Rows,
		Refusal: job.Refusal, JobLimit: job.JobLimit, QueuedAt: job.Ticket, Algorithm: job.Algorithm,
		WoundUp: job.Continued == MaxContinued, // which no execution comes to
	}
	// The look takes minutes, and S3 ends the connection of who does not read on: nothing may be open yet.
	known, err := c.known(ctx, job, t)
	if err != nil {
		return summary, err
	}
	body, err := objects.OpenVersion(ctx, c.S3, job.Lines)
	if err != nil {
		return summary, err
	}
	defer body.Close()
	lines := usercsv.NewLineReader(body)

	outcomes := c.Work.JSONLines(contract.OutcomesKey(job.ImportID, job.Part, job.Attempt))
	defer outcomes.Discard() // what an error leaves half written; nothing after Close
	var rest *restWriter
	if t.goOn {
		if rest, err = c.openRest(ctx, job); err != nil {
			return summary, err
		}
		defer rest.discard()
	}
	counts := map[int]*contract.SourceRows{}
	var order []int
	for i := range job.Rows {
		place, err := lines.Next()
		if err != nil {
			return summary, fmt.Errorf("read the line map of part %d: %w", job.Part, err)
		}
		if t.goOn {
			told, _ := t.log.row(i)
			goesOn := told == untold && !known[i]
			if err := rest.row(goesOn, place); err != nil {
				return summary, err
			}
			if goesOn {
				continue // counted in the next attempt
			}
		}
		count, code, message := skipped, contract.Code(0), ""
		if !known[i] {
			count, code, message = t.row(i)
		}
		rows := counts[place.Source]
		if rows == nil {
			rows = &contract.SourceRows{Source: place.Source}
			counts[place.Source] = rows
			order = append(order, place.Source)
		}
		switch count {
		case imported:
			rows.Imported++
		case skipped:
			rows.Skipped++
		case failed:
			rows.Failed++
		default:
			rows.Unprocessed++
		}
		if code != 0 {
			if err := outcomes.Encode(ctx, contract.Outcome{
				Source: place.Source, Line: place.Line, Codes: []contract.Code{code}, Message: message,
			}); err != nil {
				return summary, err
			}
		}
	}
	for _, source := range order {
		summary.Rows = append(summary.Rows, *counts[source])
	}
	if summary.Outcomes, err = outcomes.Close(); err != nil {
		return summary, err
	}
	if t.goOn && rest.rest.Rows > 0 {
		if summary.Rest, err = rest.close(); err != nil {
			return summary, err
		}
	}
	return summary, nil
}

// restWriter copies the rows without an outcome out of an attempt's object into the next one's.
type restWriter struct {
	from        io.Closer
	in          *bufio.Reader
	part, lines *objects.Upload
	out         *bufio.Writer
	mapped      *usercsv.LineWriter
	rest        contract.Rest
	closed      bool
}

func (c *Collect) openRest(ctx context.Context, job contract.ImportJob) (*restWriter, error) {
	body, err := objects.OpenVersion(ctx, c.S3, job.Object)
	if err != nil {
		return nil, err
	}
	partKey := contract.PartKey(job.ImportID, job.Part, job.Attempt+1)
	linesKey := contract.LinesKey(job.ImportID, job.Part, job.Attempt+1)
	w := &restWriter{
		from: body, in: bufio.NewReaderSize(body, 64<<10),
		part:  c.Work.Upload(ctx, partKey, "text/csv"),
		lines: c.Work.Upload(ctx, linesKey, "application/octet-stream"),
	}
	w.out = bufio.NewWriterSize(w.part, 64<<10)
	w.mapped = usercsv.NewLineWriter(w.lines)
	w.rest.Object = contract.Object{Bucket: c.Work.Bucket, Key: partKey}
	w.rest.Lines = contract.Object{Bucket: c.Work.Bucket, Key: linesKey}
	if err := w.copyLine(true); err != nil { // the header
		w.discard()
		return nil, err
	}
	return w, nil
}

// copyLine takes one line of Cognito's dialect, in which no value holds a line break.
func (w *restWriter) copyLine(keep bool) error {
	for {
		piece, err := w.in.ReadSlice('\n')
		if keep {
			w.rest.Object.Bytes += int64(len(piece))
			if _, err := w.out.Write(piece); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(piece) > 0:
			return nil
		default:
			return err
		}
	}
}

func (w *restWriter) row(keep bool, place usercsv.Place) error {
	if err := w.copyLine(keep); err != nil {
		return fmt.Errorf("read the rows of the attempt: %w", err)
	}
	if !keep {
		return nil
	}
	w.rest.Rows++
	return w.mapped.Add(place)
}

func (w *restWriter) close() (*contract.Rest, error) {
	w.closed = true
	err := errors.Join(w.out.Flush(), w.mapped.Flush(), w.part.Close(), w.lines.Close(), w.from.Close())
	w.rest.Object.VersionID, w.rest.Lines.VersionID = w.part.VersionID(), w.lines.VersionID()
	return &w.rest, err
}

func (w *restWriter) discard() {
	if !w.closed {
		w.closed = true
		w.part.Discard()
		w.lines.Discard()
		_ = w.from.Close()
	}
}
