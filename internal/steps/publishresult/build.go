package publishresult

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"userdrop/internal/aws/awserror"
	"userdrop/internal/aws/importjobs"
	"userdrop/internal/aws/objects"
	"userdrop/internal/aws/rowoutcomes"
	"userdrop/internal/contract"
	"userdrop/internal/report"
	"userdrop/internal/usercsv"
)

// build puts the result together out of the plan and the summaries of the attempts, and writes failed.csv.
func (p *Publish) build(ctx context.Context, in contract.Import) (*contract.Result, error) {
	plan, err := p.plan(ctx, in)
	if err != nil {
		return nil, err
	}
	summaries, unfinished, err := p.summaries(ctx, in, plan)
	if err != nil {
		return nil, err
	}
	r := &contract.Result{
		ImportID: in.ImportID, ExecutionARN: in.ExecutionARN, UserPoolID: in.UserPoolID, Mode: in.Mode,
		Problems: plan.Problems, Notes: plan.Notes,
		StartedAt: plan.StartedAt, FinishedAt: time.Now().UTC().Truncate(time.Millisecond),
		Files: contract.Files{
			Result: p.Results.URL(contract.ResultKey(in.ImportID)),
			Report: p.Results.URL(contract.ReportKey(in.ImportID)),
		},
	}
	p.count(r, plan, summaries)
	var ending report.Ending
	ending, r.Error = ended(in, unfinished)
	for _, s := range summaries {
		if s.Refusal != "" && r.Error == nil {
			r.Error = &contract.Cause{Name: "Refused", Message: s.Refusal}
		}
		if s.JobLimit {
			r.Problems = contract.MergeProblems(r.Problems, usercsv.Refuse(contract.JobLimit, "").Problems)
		}
	}
	var changed []contract.Object
	if r.Changes, changed, err = p.changes(ctx, in, plan); err != nil {
		return nil, err
	}
	failed := append(outcomes(summaries), changed...)
	if err := p.files(ctx, r, plan, summaries, failed); err != nil {
		return nil, err
	}
	if err := p.excluded(ctx, r, plan); err != nil {
		return nil, err
	}
	if len(plan.Parts) > 0 {
		if r.JobsUsed, err = p.jobsUsed(ctx, in.UserPoolID); err != nil {
			return nil, err
		}
	}
	if err := report.Finish(r, ending); err != nil {
		return nil, err
	}
	if r.Mode == contract.ModeCheck && r.Changes != nil && r.Changes.Attributes.Wanted > 0 {
		r.Message += fmt.Sprintf(" %d existing users would be changed; Cognito counts each as an active user of the month.",
			r.Changes.Attributes.Wanted)
	}
	if r.UsersMissing {
		r.Message += " users.csv is not written: neither the pool nor the file is small enough to look up its users."
	}
	return r, nil
}

// ended returns how an import ended, and what broke if something did.
func ended(in contract.Import, unfinished []string) (report.Ending, *contract.Cause) {
	switch {
	case in.Error != nil && in.Error.Error == "ABORTED":
		return report.Aborted, nil
	case len(unfinished) > 0:
		return report.Broke, &contract.Cause{
			Name: "ImportJobBroke",
			Message: "The execution of a part broke: " + strings.Join(unfinished, ", ") +
				". Its history in Step Functions says why.",
		}
	case in.Error != nil:
		return report.Broke, cause(in.Error)
	default:
		return report.Ended, nil
	}
}

// files writes failed.csv and users.csv.
func (p *Publish) files(
	ctx context.Context, r *contract.Result, plan contract.Plan, summaries []contract.Summary, failed []contract.Object,
) error {
	look, err := p.lookUp(ctx, r, plan, summaries, failed)
	if err != nil {
		return err
	}
	settled, err := p.settle(ctx, r, plan, look)
	if err != nil {
		return err
	}
	if err := p.failures(ctx, r, plan, failed, settled); err != nil {
		return err
	}
	return p.users(ctx, r, plan, look)
}

// plan reads the drop's plan. Where prepare-import did not get that far, all that is known is what was dropped.
func (p *Publish) plan(ctx context.Context, in contract.Import) (contract.Plan, error) {
	plan := contract.Plan{}
	found, err := p.Work.ReadJSON(ctx, contract.PlanKey(in.ImportID), &plan)
	if err != nil || found {
		return plan, err
	}
	plan.Import = in
	plan.StartedAt = time.Now().UTC().Truncate(time.Millisecond)
	plan.Refused = true
	sources := []contract.Object{in.Source}
	if in.Manifest != "" {
		if _, err := p.Work.ReadJSON(ctx, in.Manifest, &sources); err != nil {
			return plan, err
		}
	}
	for _, source := range sources {
		plan.Sources = append(plan.Sources, contract.PlannedSource{Object: source, Refused: true})
	}
	return plan, nil
}

// summaries reads what the attempts found out, by part and attempt. A part whose execution did not get to its end is
// wound up here, once abort-import has seen to it that no job of it runs or can be started any more; unfinished names
// its execution.
func (p *Publish) summaries(
	ctx context.Context, in contract.Import, plan contract.Plan,
) (all []contract.Summary, unfinished []string, err error) {
	if len(plan.Parts) == 0 {
		return nil, nil, nil
	}
	keys, err := p.Work.Keys(ctx, contract.WorkPrefix(plan.ImportID)+"part-")
	if err != nil {
		return nil, nil, err
	}
	byPart := map[int][]contract.Summary{}
	for _, key := range keys {
		if !strings.HasSuffix(key, ".json") {
			continue
		}
		s, err := p.summary(ctx, key)
		if err != nil {
			return nil, nil, err
		}
		byPart[s.Part] = append(byPart[s.Part], s)
	}
	for _, part := range plan.Parts {
		attempts := byPart[part.Part]
		slices.SortFunc(attempts, func(a, b contract.Summary) int { return a.Attempt - b.Attempt })
		if n := len(attempts); n > 0 {
			newest := attempts[n-1].Attempt
			attempts = slices.DeleteFunc(attempts, func(s contract.Summary) bool { return s.WoundUp && s.Attempt < newest })
		}
		if len(attempts) == 0 || attempts[len(attempts)-1].Rest != nil {
			if !in.Quiet {
				return nil, nil, &contract.Error{
					Name: contract.JobStillActive,
					Err:  fmt.Errorf("the execution %s broke, and a job of it may run or be about to", part.Execution),
				}
			}
			last, err := p.windUp(ctx, part, attempts)
			if err != nil {
				return nil, nil, err
			}
			attempts = append(attempts, last)
		}
		if attempts[len(attempts)-1].WoundUp {
			unfinished = append(unfinished, part.Execution)
		}
		all = append(all, attempts...)
	}
	return all, unfinished, nil
}

// windUp finds out what became of a part whose execution is over, as collect-rows does.
func (p *Publish) windUp(
	ctx context.Context, job contract.ImportJob, attempts []contract.Summary,
) (contract.Summary, error) {
	if err := p.Imports.WindUp(ctx, job.ImportID); err != nil {
		return contract.Summary{}, err
	}
	for _, s := range attempts { // each has a rest
		job.Attempt = s.Attempt + 1
		job.Rows, job.Object, job.Lines = s.Rest.Rows, s.Rest.Object, s.Rest.Lines
	}
	first := job.Attempt
	err := importjobs.List(ctx, p.Cognito, job.UserPoolID, job.PreparedAt, func(j contract.Job) bool {
		part, attempt, ours := contract.PartOfJob(job.ImportID, j.Name)
		if ours && part == job.Part && attempt >= first && !j.Created() && (job.Job.ID == "" || attempt > job.Attempt) {
			job.Attempt, job.Job = attempt, j
		}
		return true
	})
	if err != nil && awserror.Name(err) != contract.Gone { // with the pool, its jobs are gone
		return contract.Summary{}, err
	}
	if job.Job.Active() {
		return contract.Summary{}, &contract.Error{
			Name: contract.JobStillActive, Err: fmt.Errorf("import job %s is still %s", job.Job.ID, job.Job.Status),
		}
	}
	job = rowoutcomes.WindUp(job)
	for {
		if job, err = p.Collect.Collect(ctx, job); err != nil {
			return contract.Summary{}, err
		}
		if job.Next == contract.Done {
			break
		}
		if err := objects.Sleep(ctx, time.Duration(job.WaitSeconds)*time.Second); err != nil {
			return contract.Summary{}, err
		}
	}
	return p.summary(ctx, contract.SummaryKey(job.ImportID, job.Part, job.Attempt))
}

// summary reads what an attempt found out. Where it is gone again, another run has published and cleaned up: without
// it, this one's failed.csv would lack rows, and take the place of the other's.
func (p *Publish) summary(ctx context.Context, key string) (s contract.Summary, err error) {
	found, err := p.Work.ReadJSON(ctx, key, &s)
	if err == nil && !found {
		err = &contract.Error{Name: contract.Gone, Err: fmt.Errorf("%s is gone", p.Work.URL(key))}
	}
	return s, err
}

// count fills in the rows, by source and in all, and the jobs.
func (p *Publish) count(r *contract.Result, plan contract.Plan, summaries []contract.Summary) {
	for _, s := range plan.Sources {
		source := contract.Source{Bucket: s.Bucket, Key: s.Key, VersionID: s.VersionID, Bytes: s.Bytes}
		source.Rows = contract.Rows{
			Read: int64(s.Read), Excluded: int64(s.Excluded), Rejected: int64(s.Rejected),
			Submitted: int64(s.Read - s.Excluded - s.Rejected),
		}
		r.Excluded = contract.AddExcluded(r.Excluded, s.ExcludedBy)
		if plan.Mode != contract.ModeCheck {
			source.Rows.RowOutcomes = &contract.RowOutcomes{Skipped: int64(s.Kept)}
		}
		if len(plan.Sources) > 1 {
			source.Problems, source.Notes, source.Mapping = s.Problems, s.Notes, s.Mapping
		} else {
			r.Mapping = s.Mapping
		}
		r.Sources = append(r.Sources, source)
	}
	for _, s := range summaries {
		for _, rows := range s.Rows {
			o := r.Sources[rows.Source].Rows.RowOutcomes
			o.Imported += int64(rows.Imported)
			o.Skipped += int64(rows.Skipped)
			o.Failed += int64(rows.Failed)
			o.Unprocessed += int64(rows.Unprocessed)
		}
		if s.Job.ID == "" {
			continue
		}
		r.Jobs = append(r.Jobs, contract.ResultJob{
			JobName: s.Job.Name, JobID: s.Job.ID, Part: s.Part, Attempt: s.Attempt,
			Status: s.Job.Status, CompletionMessage: s.Job.Message, PasswordHashingAlgorithm: s.Algorithm,
			Rows: contract.JobRows{
				Submitted: int64(s.Submitted), Imported: s.Job.Imported, Skipped: s.Job.Skipped, Failed: s.Job.Failed,
			},
			QueuedAt: s.QueuedAt, CreatedAt: s.Job.CreatedAt, StartedAt: s.Job.StartedAt, CompletedAt: s.Job.CompletedAt,
		})
		if r.Waits == nil {
			r.Waits = &contract.Waits{}
		}
		r.Waits.QueueSeconds += seconds(s.QueuedAt, s.Job.StartedAt)
	}
	for _, s := range r.Sources {
		r.Rows = r.Rows.Add(s.Rows)
	}
	kept := 0
	for _, s := range plan.Sources {
		kept += s.Kept
	}
	if plan.Mode == contract.ModeCheck && kept > 0 {
		r.Predicted = &contract.Predicted{Imported: r.Rows.Submitted - int64(kept), Skipped: int64(kept)}
		return
	}
	if e := plan.Existing; e != nil {
		there, unknown := int64(e.Found), int64(e.Unchecked)
		r.Predicted = &contract.Predicted{Imported: r.Rows.Submitted - there - unknown, Skipped: there, Unchecked: unknown}
	}
}

func (p *Publish) jobsUsed(ctx context.Context, userPoolID string) (*contract.JobsUsed, error) {
	used := contract.JobsUsed{Limit: contract.JobsPerPool}
	err := importjobs.List(ctx, p.Cognito, userPoolID, time.Time{}, func(contract.Job) bool {
		used.Used++
		return true
	})
	if awserror.Name(err) == contract.Gone {
		return nil, nil
	}
	return &used, err
}
