package publishresult

import (
	"context"
	"fmt"

	"userdrop/internal/aws/changes"
	"userdrop/internal/contract"
)

// Input is the input of publish-result: an import, or what publish-result itself answered before, where the machine
// apply-changes or another run of prepare-import broke.
type Input struct {
	contract.Import
	Again *contract.Import `json:"again"`
}

// whole returns the import of an input.
func (in Input) whole() contract.Import {
	if in.Again == nil {
		return in.Import
	}
	again := *in.Again
	again.Error = in.Error
	return again
}

// prepareAgain answers import-users that prepare-import needs another run.
func prepareAgain(in contract.Import) contract.Published {
	in.Preparing = false
	return contract.Published{
		ImportID: in.ImportID, Verdict: contract.VerdictPreparing, Message: "The users of the pool are being read.", Again: &in,
	}
}

// notApplied is the error of an import whose changes are to be applied before its result can be published.
type notApplied struct{ changes contract.ApplyChanges }

func (*notApplied) Error() string { return "changes are not applied yet" }

// ask answers import-users that it is to apply what is left, and then to publish.
func (p *Publish) ask(ctx context.Context, in contract.Import, open *notApplied) (contract.Published, error) {
	// An execution that was stopped and redriven goes on.
	if err := p.Work.Erase(ctx, contract.StopChangesKey(in.ImportID)); err != nil {
		return contract.Published{}, err
	}
	in.Generation++
	in.Parts = nil // the plan has them
	apply := open.changes
	apply.Generation = in.Generation
	apply.Execution = contract.ApplyName(in.ImportID, 0, in.Generation)
	return contract.Published{
		ImportID: in.ImportID, Verdict: contract.VerdictApplying, Message: "Changes are applied before the result is published.",
		Changes: &apply, Again: &in,
	}, nil
}

// changes adds up what became of the rows' changes, and returns the objects with the rows of which one failed. Where
// some are open, the error is a *notApplied, unless the import is over: then they have failed.
func (p *Publish) changes(
	ctx context.Context, in contract.Import, plan contract.Plan,
) (counts *contract.Changes, failed []contract.Object, err error) {
	if plan.Wanted == nil || plan.Mode == contract.ModeCheck {
		return plan.Wanted, nil, nil
	}
	counts = &contract.Changes{}
	if plan.Unchanged != nil {
		*counts = *plan.Unchanged
	}
	for _, part := range changes.Parts(p.Work, &plan) {
		summary, found, err := part.Summary(ctx)
		if err == nil && !found {
			if in.Error == nil && !in.Quiet {
				return nil, nil, &notApplied{contract.ApplyChanges{
					Schema: contract.Schema, ImportID: in.ImportID, UserPoolID: in.UserPoolID, TimeoutSeconds: plan.TimeoutSeconds,
				}}
			}
			summary, err = p.abandon(ctx, in, part)
		}
		if err != nil {
			return nil, nil, err
		}
		sum := counts.Add(summary.Counts)
		counts, failed = &sum, append(failed, summary.Outcomes)
	}
	return counts, failed, nil
}

// abandon settles the changes of a part that nobody will apply any more.
func (p *Publish) abandon(
	ctx context.Context, in contract.Import, part changes.Part,
) (contract.ChangesSummary, error) {
	if err := p.Work.Write(ctx, contract.StopChangesKey(part.ImportID), "text/plain", nil); err != nil {
		return contract.ChangesSummary{}, err
	}
	wanted, imported, err := part.Load(ctx)
	if err == nil && !imported {
		err = fmt.Errorf("the outcome of part %d is not known", part.Number)
	}
	if err != nil {
		return contract.ChangesSummary{}, err
	}
	done, err := part.Last(ctx)
	if err != nil {
		return contract.ChangesSummary{}, err
	}
	why := "broke"
	if in.Error != nil && in.Error.Error == "ABORTED" {
		why = "was stopped"
	}
	return part.Finish(ctx, wanted, done, "The user is in the pool, but the import "+why+
		" before the changes of this row were applied. Drop the row again.")
}
