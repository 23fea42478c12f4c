package publish

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"userdrop/internal/importjob"
	"userdrop/internal/objects"
	"userdrop/internal/queue"
	"userdrop/internal/result"
	"userdrop/internal/usercsv"
	"userdrop/internal/workflow"
)

// build puts the result together out of the plan and the summaries of the attempts, and writes failed.csv.
func (p *Publish) build(ctx context.Context, in workflow.Import) (*result.Result, error) {
	plan, err := p.plan(ctx, in)
	if err != nil {
		return nil, err
	}
	summaries, unfinished, err := p.summaries(ctx, in, plan)
	if err != nil {
		return nil, err
	}
	r := &result.Result{
		ImportID: in.ImportID, UserPoolID: in.UserPoolID, Mode: in.Mode, Problems: plan.Problems,
		StartedAt: plan.StartedAt, FinishedAt: time.Now().UTC().Truncate(time.Millisecond),
		Files: result.Files{
			Result: p.Results.URL(workflow.ResultKey(in.ImportID)),
			Report: p.Results.URL(workflow.ReportKey(in.ImportID)),
		},
	}
	p.count(r, plan, summaries)
	ending := result.Ended
	switch {
	case in.Error != nil && in.Error.Error == "ABORTED":
		ending = result.Aborted
	case len(unfinished) > 0:
		ending, r.Error = result.Broke, &result.Cause{
			Name: "ImportJobBroke",
			Message: "The execution of a part broke: " + strings.Join(unfinished, ", ") +
				". Its history in Step Functions says why.",
		}
	case in.Error != nil:
		ending, r.Error = result.Broke, cause(in.Error)
	}
	for _, s := range summaries {
		if s.Refusal != "" && r.Error == nil {
			r.Error = &result.Cause{Name: "Refused", Message: s.Refusal}
		}
		if s.JobLimit {
			r.Problems = usercsv.MergeProblems(r.Problems, usercsv.Refuse(usercsv.JobLimit, "").Problems)
		}
	}
	if err := p.failures(ctx, r, plan, summaries); err != nil {
		return nil, err
	}
	if len(plan.Parts) > 0 {
		if r.JobsUsed, err = p.jobsUsed(ctx, in.UserPoolID); err != nil {
			return nil, err
		}
	}
	return r, r.Finish(ending)
}

// plan reads the drop's plan. Where prepare-import did not get that far, all that is known is what was dropped.
func (p *Publish) plan(ctx context.Context, in workflow.Import) (workflow.Plan, error) {
	plan := workflow.Plan{}
	found, err := p.Work.ReadJSON(ctx, workflow.PlanKey(in.ImportID), &plan)
	if err != nil || found {
		return plan, err
	}
	plan.Import = in
	plan.StartedAt = time.Now().UTC().Truncate(time.Millisecond)
	plan.Refused = true
	sources := []workflow.Object{in.Source}
	if in.Manifest != "" {
		if _, err := p.Work.ReadJSON(ctx, in.Manifest, &sources); err != nil {
			return plan, err
		}
	}
	for _, source := range sources {
		plan.Sources = append(plan.Sources, workflow.PlannedSource{Object: source, Refused: true})
	}
	return plan, nil
}

// summaries reads what the attempts found out, by part and attempt. A part whose execution did not get to its end is
// wound up here, once abort-import has seen to it that no job of it runs or can be started any more; unfinished names
// its execution.
func (p *Publish) summaries(
	ctx context.Context, in workflow.Import, plan workflow.Plan,
) (all []workflow.Summary, unfinished []string, err error) {
	if len(plan.Parts) == 0 {
		return nil, nil, nil
	}
	keys, err := p.Work.Keys(ctx, workflow.WorkPrefix(plan.ImportID)+"part-")
	if err != nil {
		return nil, nil, err
	}
	byPart := map[int][]workflow.Summary{}
	for _, key := range keys {
		if !strings.HasSuffix(key, ".json") {
			continue
		}
		var s workflow.Summary
		if _, err := p.Work.ReadJSON(ctx, key, &s); err != nil {
			return nil, nil, err
		}
		byPart[s.Part] = append(byPart[s.Part], s)
	}
	for _, part := range plan.Parts {
		attempts := byPart[part.Part]
		slices.SortFunc(attempts, func(a, b workflow.Summary) int { return a.Attempt - b.Attempt })
		if len(attempts) == 0 || attempts[len(attempts)-1].Rest != nil {
			if !in.Quiet {
				return nil, nil, &workflow.Error{
					Name: workflow.JobStillActive,
					Err:  fmt.Errorf("the execution %s broke, and a job of it may run or be about to", part.Execution),
				}
			}
			last, err := p.windUp(ctx, part, attempts)
			if err != nil {
				return nil, nil, err
			}
			attempts = append(attempts, last)
			unfinished = append(unfinished, part.Execution)
		}
		all = append(all, attempts...)
	}
	return all, unfinished, nil
}

// windUp finds out what became of a part whose execution is over, as collect-rows does.
func (p *Publish) windUp(
	ctx context.Context, job workflow.ImportJob, attempts []workflow.Summary,
) (workflow.Summary, error) {
	for _, s := range attempts { // each has a rest
		job.Attempt = s.Attempt + 1
		job.Rows, job.Object, job.Lines = s.Rest.Rows, s.Rest.Object, s.Rest.Lines
	}
	first := job.Attempt
	err := importjob.Jobs(ctx, p.Cognito, job.UserPoolID, job.PreparedAt, func(j types.UserImportJobType) bool {
		part, attempt, ours := workflow.PartOfJob(job.ImportID, aws.ToString(j.JobName))
		started := j.Status != types.UserImportJobStatusTypeCreated
		if ours && part == job.Part && attempt >= first && started && (job.Job.ID == "" || attempt > job.Attempt) {
			job.Attempt, job.Job = attempt, importjob.State(&j)
		}
		return true
	})
	if err != nil && workflow.Classify(err) != workflow.Gone { // with the pool, its jobs are gone
		return workflow.Summary{}, err
	}
	if queue.Active(types.UserImportJobStatusType(job.Job.Status)) {
		return workflow.Summary{}, &workflow.Error{
			Name: workflow.JobStillActive, Err: fmt.Errorf("import job %s is still %s", job.Job.ID, job.Job.Status),
		}
	}
	job.Continued = importjob.MaxContinued // nobody would go on with a rest
	for {
		if job, err = p.Collect.Handle(ctx, job); err != nil {
			return workflow.Summary{}, err
		}
		if job.Next == workflow.Done {
			break
		}
		if err := importjob.Sleep(ctx, time.Duration(job.WaitSeconds)*time.Second); err != nil {
			return workflow.Summary{}, err
		}
	}
	var s workflow.Summary
	_, err = p.Work.ReadJSON(ctx, workflow.SummaryKey(job.ImportID, job.Part, job.Attempt), &s)
	return s, err
}

// count fills in the rows, by source and in all, and the jobs.
func (p *Publish) count(r *result.Result, plan workflow.Plan, summaries []workflow.Summary) {
	for _, s := range plan.Sources {
		source := result.Source{Bucket: s.Bucket, Key: s.Key, VersionID: s.VersionID, Bytes: s.Bytes}
		source.Rows = result.Rows{
			Read: int64(s.Read), Rejected: int64(s.Rejected), Submitted: int64(s.Read - s.Rejected),
		}
		if plan.Mode != result.Check {
			source.Rows.Outcome = &result.Outcome{}
		}
		if len(plan.Sources) > 1 {
			source.Problems = s.Problems
		}
		r.Sources = append(r.Sources, source)
	}
	for _, s := range summaries {
		for _, rows := range s.Rows {
			o := r.Sources[rows.Source].Rows.Outcome
			o.Imported += int64(rows.Imported)
			o.Skipped += int64(rows.Skipped)
			o.Failed += int64(rows.Failed)
			o.Unprocessed += int64(rows.Unprocessed)
		}
		if s.Job.ID == "" {
			continue
		}
		r.Jobs = append(r.Jobs, result.Job{
			JobName: s.Job.Name, JobID: s.Job.ID, Part: s.Part, Attempt: s.Attempt,
			Status: s.Job.Status, CompletionMessage: s.Job.Message, PasswordHashingAlgorithm: s.Algorithm,
			Rows: result.JobRows{
				Submitted: int64(s.Submitted), Imported: s.Job.Imported, Skipped: s.Job.Skipped, Failed: s.Job.Failed,
			},
			QueuedAt: s.QueuedAt, CreatedAt: s.Job.CreatedAt, StartedAt: s.Job.StartedAt, CompletedAt: s.Job.CompletedAt,
		})
		if r.Waits == nil {
			r.Waits = &result.Waits{}
		}
		r.Waits.QueueSeconds += seconds(s.QueuedAt, s.Job.StartedAt)
	}
	for _, s := range r.Sources {
		r.Rows = r.Rows.Add(s.Rows)
	}
	if e := plan.Existing; e != nil {
		there, unknown := int64(e.Found), int64(e.Unchecked)
		r.Predicted = &result.Predicted{Imported: r.Rows.Submitted - there - unknown, Skipped: there, Unchecked: unknown}
	}
}

func (p *Publish) jobsUsed(ctx context.Context, userPoolID string) (*result.JobsUsed, error) {
	used := result.JobsUsed{Limit: result.JobLimit}
	err := importjob.Jobs(ctx, p.Cognito, userPoolID, time.Time{}, func(types.UserImportJobType) bool {
		used.Used++
		return true
	})
	if workflow.Classify(err) == workflow.Gone {
		return nil, nil
	}
	return &used, err
}

// failures writes failed.csv, one for each source that needs one, and counts what is in it as problems.
func (p *Publish) failures(
	ctx context.Context, r *result.Result, plan workflow.Plan, summaries []workflow.Summary,
) error {
	rows := &merge{}
	defer rows.close()
	for _, o := range append([]workflow.Object{plan.Outcomes}, outcomes(summaries)...) {
		if err := rows.open(ctx, p, o); err != nil {
			return err
		}
	}
	for i, source := range plan.Sources {
		told, written, err := p.failedCSV(ctx, plan, i, rows)
		if err != nil {
			return err
		}
		// The rules' own problems are in the plan already.
		r.Problems = usercsv.MergeProblems(r.Problems, told)
		if len(plan.Sources) > 1 {
			r.Sources[i].Problems = usercsv.MergeProblems(source.Problems, told)
		}
		if !written {
			continue
		}
		url := p.Results.URL(workflow.FailedKey(plan.ImportID, i, len(plan.Sources)))
		if len(plan.Sources) > 1 {
			r.Sources[i].Files = &result.Files{Failed: url}
		} else {
			r.Files.Failed = url
		}
	}
	return nil
}

func outcomes(summaries []workflow.Summary) (objects []workflow.Object) {
	for _, s := range summaries {
		objects = append(objects, s.Outcomes)
	}
	return objects
}

// failedCSV writes the rows of one source that did not make it, with their cells read again from the source.
func (p *Publish) failedCSV(
	ctx context.Context, plan workflow.Plan, source int, rows *merge,
) (told []usercsv.Problem, written bool, err error) {
	if _, ok := rows.peek(source); !ok {
		return nil, false, nil
	}
	body, err := objects.OpenVersion(ctx, p.S3, plan.Sources[source].Object)
	gone := workflow.Classify(err) == workflow.Gone
	if gone {
		// Somebody deleted the version for good: what is left of its rows is their lines.
		slog.WarnContext(ctx, "The source is gone; failed.csv can't be written.", "importId", plan.ImportID)
		body, err = io.NopCloser(strings.NewReader("")), nil
	}
	if err != nil {
		return nil, false, err
	}
	defer body.Close()
	var write func(workflow.Outcome) error
	finish := func() error { return nil }
	if !gone {
		cells, err := usercsv.NewRows(body, plan.Pool, source)
		if err != nil {
			return nil, false, fmt.Errorf("read the source again: %w", err)
		}
		key := workflow.FailedKey(plan.ImportID, source, len(plan.Sources))
		upload := p.Results.Upload(ctx, key, "text/csv; charset=utf-8")
		out := usercsv.NewFailedWriter(upload, cells.Header)
		write = func(o workflow.Outcome) error {
			row, err := cells.Seek(o.Line)
			if err != nil {
				return fmt.Errorf("read line %d of the source again: %w", o.Line, err)
			}
			codes := usercsv.CodesOf(o.Codes...)
			message := o.Message
			if message == "" {
				message = codes.Messages()
			}
			return out.Write(&row, codes, message)
		}
		finish = func() error { return errors.Join(out.Flush(), upload.Close()) }
		defer func() {
			if err != nil {
				upload.Discard()
			}
		}()
	}
	var tally usercsv.Tally
	var reasons reasons
	for {
		o, ok := rows.peek(source)
		if !ok {
			break
		}
		if err := rows.next(); err != nil {
			return nil, false, err
		}
		if o.Codes[0] >= usercsv.CognitoFailed {
			tally.Add(o.Line, usercsv.CodesOf(o.Codes...))
			reasons.add(o.Message)
		}
		if write != nil {
			if err := write(o); err != nil {
				return nil, false, err
			}
		}
	}
	told = tally.Problems()
	for i := range told {
		if told[i].Code == usercsv.CognitoFailed {
			told[i].Message = reasons.message()
		}
	}
	return told, !gone, finish()
}

// reasons counts what Cognito's log says of failed rows.
type reasons struct{ counts map[string]int }

func (r *reasons) add(reason string) {
	if reason == "" {
		return
	}
	if r.counts == nil {
		r.counts = map[string]int{}
	}
	if len(r.counts) < 1000 || r.counts[reason] > 0 {
		r.counts[reason]++
	}
}

// message words the three most frequent reasons.
func (r *reasons) message() string {
	texts := make([]string, 0, len(r.counts))
	for text := range r.counts {
		texts = append(texts, text)
	}
	slices.SortFunc(texts, func(a, b string) int {
		if d := r.counts[b] - r.counts[a]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	if len(texts) == 0 {
		return usercsv.CognitoFailed.Message()
	}
	for i, text := range texts[:min(len(texts), 3)] {
		texts[i] = text[:min(len(text), 200)] + " (" + strconv.Itoa(r.counts[text]) + ")"
	}
	message := "Cognito refused these rows: " + strings.Join(texts[:min(len(texts), 3)], " ")
	if more := len(texts) - 3; more > 0 {
		message += fmt.Sprintf(" And %d more reasons; failed.csv has each row's.", more)
	}
	return message
}

// merge reads outcomes of several objects, each ordered by source and line, in that order.
type merge struct {
	streams []*stream
	bodies  []io.Closer
}

type stream struct {
	decoder *json.Decoder
	head    workflow.Outcome
}

func (m *merge) open(ctx context.Context, p *Publish, o workflow.Object) error {
	if o.Key == "" {
		return nil
	}
	body, err := objects.OpenVersion(ctx, p.S3, o)
	if err != nil {
		return err
	}
	m.bodies = append(m.bodies, body)
	s := &stream{decoder: json.NewDecoder(bufio.NewReader(body))}
	m.streams = append(m.streams, s)
	return m.advance(s)
}

func (m *merge) advance(s *stream) error {
	s.head = workflow.Outcome{}
	err := s.decoder.Decode(&s.head)
	if errors.Is(err, io.EOF) {
		m.streams = slices.DeleteFunc(m.streams, func(t *stream) bool { return t == s })
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the outcomes of rows: %w", err)
	}
	return nil
}

func (m *merge) least() *stream {
	if len(m.streams) == 0 {
		return nil
	}
	return slices.MinFunc(m.streams, func(a, b *stream) int {
		if d := a.head.Source - b.head.Source; d != 0 {
			return d
		}
		return a.head.Line - b.head.Line
	})
}

// peek answers the next outcome; ok is false if it is not of that source.
func (m *merge) peek(source int) (o workflow.Outcome, ok bool) {
	s := m.least()
	if s == nil || s.head.Source != source {
		return workflow.Outcome{}, false
	}
	return s.head, true
}

func (m *merge) next() error { return m.advance(m.least()) }

func (m *merge) close() {
	for _, b := range m.bodies {
		_ = b.Close()
	}
}
