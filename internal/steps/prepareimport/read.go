package prepareimport

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"userdrop/internal/aws/awserror"
	"userdrop/internal/aws/objects"
	"userdrop/internal/contract"
	"userdrop/internal/mapping"
	"userdrop/internal/usercsv"
)

// read hands the rows of the sources to the preparer. Of is nil where any group will do.
func (p *Prepare) read(
	ctx context.Context, plan *contract.Plan, pool *usercsv.Pool, of *poolGroups, groups *usercsv.Groups,
	preparer *usercsv.Preparer,
) error {
	several := len(plan.Sources) > 1
	taken := 0
	var found mappings
	for i := range plan.Sources {
		source := &plan.Sources[i]
		expected, err := p.sidecar(ctx, source)
		var asked terms
		if err == nil {
			asked, err = p.terms(ctx, plan, expected, &found)
		}
		if err == nil && several { // one bad file must not spoil the others: look before
			err = p.stream(ctx, source.Object, expected, func(r io.Reader) (int, error) {
				return p.examine(ctx, r, plan, pool, of.rules(), asked)
			})
			expected = nil // a version does not change: once is enough
		}
		if refusal, refused := errors.AsType[*usercsv.Refusal](err); refused && several {
			source.Refused, source.Problems = true, refusal.Problems
			plan.Problems = contract.MergeProblems(plan.Problems, refusal.Problems)
			preparer.Skip()
			continue
		}
		if err != nil {
			return err
		}
		err = p.stream(ctx, source.Object, expected, func(r io.Reader) (int, error) {
			return p.add(ctx, r, plan, pool, preparer, groups, source, asked)
		})
		if refusal, refused := errors.AsType[*usercsv.Refusal](err); refused && several && !refusal.Has(contract.TooLarge) {
			// It was deleted between the two looks. The next try passes over it.
			return &contract.Error{Name: contract.Unavailable, Err: fmt.Errorf("source %d went between two looks", i+1)}
		}
		if err != nil {
			return err
		}
		taken++
	}
	if taken == 0 {
		return &usercsv.Refusal{Problems: plan.Problems}
	}
	return nil
}

// finish ends the parts and fills in the rest of the plan.
func (p *Prepare) finish(
	ctx context.Context, plan *contract.Plan, pool *usercsv.Pool, preparer *usercsv.Preparer, sink *sink,
	groups *usercsv.Groups,
) error {
	summary, err := preparer.Close()
	if err != nil {
		return err
	}
	plan.Problems = contract.MergeProblems(plan.Problems, summary.Problems)
	plan.Notes = summary.Notes
	if refusal := p.tooManyRejected(summary.Read-summary.Excluded, summary.Rejected); refusal != nil && len(plan.Sources) == 1 {
		if plan.Mode != contract.ModeCheck {
			return refusal
		}
		plan.Problems = contract.MergeProblems(plan.Problems, refusal.Problems) // and the rows that make them too many
	}
	if plan.Outcomes, err = sink.outcomes.Close(); err != nil {
		return err
	}
	if plan.Exclusions, err = sink.exclusions.Close(); err != nil {
		return err
	}
	if err := sink.closeUpdates(plan); err != nil {
		return err
	}
	if plan.Mode == contract.ModeCheck {
		return nil
	}
	if groups != nil {
		if err := p.createGroups(ctx, pool.ID, groups.Missing); err != nil {
			return err
		}
	}
	for _, part := range summary.Parts {
		plan.Parts = append(plan.Parts, p.importJob(plan, part, sink.parts[part.Number]))
	}
	return sink.closeChanges(plan.Parts)
}

// add prepares one source and notes in the plan what was found out.
func (p *Prepare) add(
	ctx context.Context, r io.Reader, plan *contract.Plan, pool *usercsv.Pool, preparer *usercsv.Preparer,
	groups *usercsv.Groups, source *contract.PlannedSource, asked terms,
) (rows int, err error) {
	settings, engine, err := p.mapped(plan, pool, groups, asked)
	if err == nil {
		err = preparer.Use(settings)
	}
	if err != nil {
		return 0, err
	}
	if asked.settings != nil {
		if source.Settings, err = json.Marshal(settings); err != nil {
			return 0, err
		}
	}
	text := &beginning{Reader: r}
	summary, err := preparer.Add(ctx, text)
	if refusal, refused := errors.AsType[*usercsv.Refusal](err); refused {
		refusal.Problems, _ = mapping.Hint(refusal.Problems, text.kept, asked.name())
	}
	source.Read, source.Rejected, source.Problems = summary.Read, summary.Rejected, summary.Problems
	source.Notes = summary.Notes
	if engine != nil && err == nil {
		account := engine.Account()
		source.Excluded, source.Mapping, source.ExcludedBy = summary.Excluded, account.Result(), account.Excluded()
		source.Delimiter, source.Positions = string(summary.Header.Delimiter), asked.mapping.Positions
	}
	return summary.Read, err
}

// rules are the settings of the CSV rules for a drop.
func (p *Prepare) rules(plan *contract.Plan, groups *usercsv.Groups) usercsv.Settings {
	settings := p.Settings
	settings.Began, settings.Groups = plan.StartedAt, groups
	return settings
}

func (p *Prepare) preparer(
	plan *contract.Plan, pool *usercsv.Pool, groups *usercsv.Groups, sink usercsv.Sink,
) (*usercsv.Preparer, error) {
	preparer, err := usercsv.NewPreparer(pool, p.rules(plan, groups), sink)
	if err == nil {
		preparer.Limits.Rows, preparer.Limits.Bytes = p.Config.PartRows, p.Config.PartBytes
	}
	return preparer, err
}

// examine reads one file of several to its end, counts its rows, and refuses it if it alone would be refused.
func (p *Prepare) examine(
	ctx context.Context, r io.Reader, plan *contract.Plan, pool *usercsv.Pool, groups *usercsv.Groups, asked terms,
) (rows int, err error) {
	settings, _, err := p.mapped(plan, pool, groups, asked)
	if err != nil {
		return 0, err
	}
	text := &beginning{Reader: r}
	defer func() {
		if refusal, refused := errors.AsType[*usercsv.Refusal](err); refused {
			refusal.Problems, _ = mapping.Hint(refusal.Problems, text.kept, asked.name())
		}
	}()
	if p.Config.MaxRejectedPercent >= 100 {
		return usercsv.Verify(ctx, text, pool, settings)
	}
	preparer, err := p.preparer(plan, pool, groups, nowhere{})
	if err == nil {
		err = preparer.Use(settings)
	}
	if err != nil {
		return 0, err
	}
	summary, err := preparer.Add(ctx, text)
	if err != nil {
		return 0, err
	}
	if refusal := p.tooManyRejected(summary.Read-summary.Excluded, summary.Rejected); refusal != nil {
		return 0, refusal
	}
	return summary.Read, nil
}

// tooManyRejected refuses a file of which more rows are rejected than the stack allows; nil lets it pass.
func (p *Prepare) tooManyRejected(read, rejected int) *usercsv.Refusal {
	if float64(rejected*100) <= float64(read)*p.Config.MaxRejectedPercent {
		return nil
	}
	return usercsv.Refuse(contract.TooManyRejected, fmt.Sprintf(
		"%d of %d rows are rejected, more than the %g%% that this stack allows, so none is submitted. Put the file under "+
			"check/ to see which, fix them, and drop it again.", rejected, read, p.Config.MaxRejectedPercent))
}

// timeout ends an execution, in seconds.
func (p *Prepare) timeout() int64 { return int64(p.Config.MaxImportDays * (24 * time.Hour).Seconds()) }

// importJob is the input of a part's import-job execution.
func (p *Prepare) importJob(plan *contract.Plan, part usercsv.PartSummary, written *partWriter) contract.ImportJob {
	name := contract.ExecutionName{ImportID: plan.ImportID, Part: part.Number, Rows: part.Rows}
	job := contract.ImportJob{
		PartPlan: contract.PartPlan{
			Schema: contract.Schema, ImportID: plan.ImportID, UserPoolID: plan.UserPoolID, Execution: name.String(),
			TimeoutSeconds: p.timeout(),
			Scheduled:      plan.Manifest != "", Sources: len(plan.Sources), Part: part.Number,
			Algorithm: string(part.Algorithm), PreparedAt: plan.StartedAt, MaxTurns: p.Config.MaxTurns,
			MapsUsers: p.Config.UserMap,
		},
		AttemptState: contract.AttemptState{
			Attempt: 1, Rows: part.Rows,
			Object: contract.Object{
				Bucket: p.Work.Bucket, Key: contract.PartKey(plan.ImportID, part.Number, 1),
				VersionID: written.text.VersionID(), Bytes: part.Bytes,
			},
			Lines: contract.Object{
				Bucket: p.Work.Bucket, Key: contract.LinesKey(plan.ImportID, part.Number, 1),
				VersionID: written.lines.VersionID(),
			},
		},
	}
	if part.SourceIsPart {
		job.Object = plan.Sources[0].Object
	}
	return job
}

// stream opens a source for read, which answers the number of rows. A source that is not there any more is refused,
// and one that is not what its sidecar says.
func (p *Prepare) stream(
	ctx context.Context, source contract.Object, expected *Sidecar, read func(io.Reader) (rows int, err error),
) error {
	body, err := objects.OpenVersion(ctx, p.S3, source)
	if awserror.Name(err) == contract.Gone {
		return usercsv.Refuse(contract.SourceGone, "")
	}
	if err != nil {
		return err
	}
	defer body.Close()
	if expected == nil {
		_, err := read(body)
		return err
	}
	hash := sha256.New()
	rows, err := read(io.TeeReader(body, hash))
	if err != nil {
		return err
	}
	switch {
	case expected.Rows != nil && *expected.Rows != rows:
		return usercsv.Refuse(contract.ManifestMismatch, fmt.Sprintf(
			"The file has %d rows, its manifest says %d. Upload both again, the manifest first.", rows, *expected.Rows))
	case expected.SHA256 != "" && !strings.EqualFold(expected.SHA256, hex.EncodeToString(hash.Sum(nil))):
		return usercsv.Refuse(contract.ManifestMismatch,
			"The file's SHA-256 is not the one in its manifest. Upload both again, the manifest first.")
	}
	return nil
}
