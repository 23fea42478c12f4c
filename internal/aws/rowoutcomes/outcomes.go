// Package rowoutcomes finds out what became of each row of a Cognito job, out of its counters and its log. collect-rows
// does so when a job has ended, publish-result where an execution broke before that.
package rowoutcomes

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"userdrop/internal/aws/awserror"
	"userdrop/internal/aws/objects"
	"userdrop/internal/contract"
	"userdrop/internal/usercsv/linemap"
)

// Collector finds out what became of each row of an attempt.
type Collector struct {
	logs logReader
	s3   *s3.Client
	work *objects.Store
	// users lists the users of a pool. publish-result, which goes on with nothing, never asks.
	users *cognito.Client
}

// New returns a collector.
func New(cfg aws.Config, workBucket string) *Collector {
	client := s3.NewFromConfig(cfg)
	return &Collector{
		logs: cloudwatchlogs.NewFromConfig(cfg), s3: client, work: objects.New(client, workBucket),
		users: cognito.NewFromConfig(cfg),
	}
}

const (
	// logPatience is how long after a job's end its log lines are waited for.
	logPatience = 5 * time.Minute
	logPoll     = 15 * time.Second
	// maxContinued bounds the jobs that a failing part may cost, the first one included.
	maxContinued = 5
)

// WindUp marks an attempt whose execution is over, so that Collect does not answer Attempt for it.
func WindUp(job contract.ImportJob) contract.ImportJob {
	job.Continued = maxContinued // which no execution reaches
	return job
}

func windsUp(job contract.ImportJob) bool { return job.Continued == maxContinued }

// Collect answers Wait while log lines are missing, Attempt when the rows without an outcome go on in another job, and
// Done. What it found out is the attempt's Summary in the work bucket; a second run finds it there and changes nothing.
func (c *Collector) Collect(ctx context.Context, job contract.ImportJob) (contract.ImportJob, error) {
	key := contract.SummaryKey(job.ImportID, job.Part, job.Attempt)
	var summary contract.Summary
	found, err := c.work.ReadJSON(ctx, key, &summary)
	if err != nil {
		return job, err
	}
	if found {
		return next(job, summary), nil
	}
	log, complete, err := c.read(ctx, job)
	if err != nil {
		return job, err
	}
	if !complete && time.Since(job.Job.CompletedAt) < logPatience {
		return job.Pause(logPoll), nil
	}
	if summary, err = c.summarise(ctx, job, log, complete); awserror.Name(err) == contract.Gone {
		// A run that comes late finds the part counted, and what was kept of it erased.
		if notified, again := c.work.Exists(ctx, contract.NotifiedKey(job.ImportID)); again == nil && notified {
			job.Next = contract.Done
			return job, nil
		}
	}
	if err != nil {
		return job, err
	}
	if summary, err = objects.WriteJSONIfAbsent(ctx, c.work, key, summary); err != nil {
		return job, err
	}
	return next(job, summary), nil
}

// next answers by a summary.
func next(job contract.ImportJob, summary contract.Summary) contract.ImportJob {
	if rest := summary.Rest; rest != nil {
		job.Rows, job.Object, job.Lines = rest.Rows, rest.Object, rest.Lines
		job.Continued++
		return job.NextAttempt()
	}
	job.Next = contract.Done
	return job
}

// need is what the counters ask of the log.
type need struct {
	filter string    // empty where the counters say everything
	kinds  []outcome // whose lines must all be there
}

// needOf returns what the log must say beside the counters: nothing where they decide every row, the problems where
// each row has an outcome, every line where some have none.
func needOf(job contract.ImportJob) need {
	j, rows := job.Job, int64(job.Rows)
	switch {
	case j.Processed() == 0, j.Imported == rows, j.Skipped == rows:
		return need{}
	case j.Processed() < rows:
		return need{allOutcomes, []outcome{imported, skipped, failed}}
	case job.Sources > 1, job.NeedsExisting() && j.Skipped > 0:
		return need{onlyProblems, []outcome{skipped, failed}}
	case j.Failed == 0:
		return need{}
	default:
		return need{onlyFailed, []outcome{failed}}
	}
}

// read reads as much of the log as the counters ask for. complete reports whether no line of the kinds read is missing.
func (c *Collector) read(ctx context.Context, job contract.ImportJob) (log *jobLog, complete bool, err error) {
	n := needOf(job)
	if n.filter == "" {
		return newJobLog(job.Rows), true, nil
	}
	if log, err = readLog(ctx, c.logs, job, n.filter); err != nil {
		return nil, false, err
	}
	counters := counters(job.Job)
	complete = true
	for _, kind := range n.kinds {
		complete = complete && log.count(kind) == counters[kind]
	}
	if complete && n.filter == allOutcomes {
		log.assumeComplete()
	}
	complete = complete && log.base != 0
	if !complete && n.filter != allOutcomes && time.Since(job.Job.CompletedAt) >= logPatience {
		// Every line narrows down the rows that have none.
		if log, err = readLog(ctx, c.logs, job, allOutcomes); err != nil {
			return nil, false, err
		}
	}
	return log, complete, nil
}

func counters(j contract.Job) map[outcome]int64 {
	return map[outcome]int64{imported: j.Imported, skipped: j.Skipped, failed: j.Failed}
}

// summarise decides every row, and writes the outcomes of those that did not make it and the rest that goes on.
func (c *Collector) summarise(
	ctx context.Context, job contract.ImportJob, log *jobLog, complete bool,
) (contract.Summary, error) {
	t := newTally(job, log, complete)
	summary := contract.Summary{
		Part: job.Part, Attempt: job.Attempt, Job: job.Job, Submitted: job.Rows,
		Refusal: job.Refusal, JobLimit: job.JobLimit, QueuedAt: job.Ticket, Algorithm: job.Algorithm,
		WoundUp: windsUp(job),
	}
	// The look takes minutes, and S3 ends the connection of a slow reader: nothing may be open yet.
	existing, err := c.existing(ctx, job, t)
	if err != nil {
		return summary, err
	}
	body, err := objects.OpenVersion(ctx, c.s3, job.Lines)
	if err != nil {
		return summary, err
	}
	defer body.Close()
	lines := linemap.NewReader(body)
	decided := decidedRows{
		outcomes: c.work.JSONLines(contract.OutcomesKey(job.ImportID, job.Part, job.Attempt)),
		existed:  c.work.JSONLines(contract.SkippedKey(job.ImportID, job.Part, job.Attempt)),
	}
	defer decided.outcomes.Discard() // what an error leaves half written; nothing after Close
	defer decided.existed.Discard()
	rest, err := c.openRest(ctx, job, t.goesOn)
	if err != nil {
		return summary, err
	}
	defer rest.discard()
	for i := range job.Rows {
		place, err := lines.Next()
		if err != nil {
			return summary, fmt.Errorf("read the line map of part %d: %w", job.Part, err)
		}
		d := t.row(i, existing[i])
		if err := rest.row(d.goesOn, place); err != nil {
			return summary, err
		}
		if d.goesOn {
			continue // counted in the next attempt
		}
		at := contract.Place{Source: place.Source, Line: place.Line}
		if err := decided.add(ctx, at, d, job.NeedsExisting()); err != nil {
			return summary, err
		}
	}
	summary.Rows = decided.counts.all
	if summary.Outcomes, err = decided.outcomes.Close(); err != nil {
		return summary, err
	}
	if summary.Skipped, err = decided.existed.Close(); err != nil {
		return summary, err
	}
	summary.Rest, err = rest.close()
	return summary, err
}

// decidedRows are the rows of an attempt that do not go on in the next one.
type decidedRows struct {
	counts   sourceCounts
	outcomes *objects.JSONLines // of those that did not make it
	existed  *objects.JSONLines // the places of those whose users existed
}

// add counts a row, and writes what is to be known of it later.
func (r *decidedRows) add(ctx context.Context, at contract.Place, d decision, needsExisting bool) error {
	r.counts.add(at.Source, d.outcome)
	if d.outcome == skipped && needsExisting { // an existing user may be disabled
		if err := r.existed.Encode(ctx, at); err != nil {
			return err
		}
	}
	if d.code == 0 {
		return nil
	}
	return r.outcomes.Encode(ctx, contract.Outcome{
		Source: at.Source, Line: at.Line, Codes: []contract.Code{d.code}, Message: d.message,
		CountedAs: countedAs[d.outcome],
	})
}
