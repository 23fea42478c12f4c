// Package changes keeps, in the work bucket, what the rows of a drop want after the import, and how far it is applied.
package changes

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"userdrop/internal/aws/objects"
	"userdrop/internal/contract"
)

// Part is the changes of one part of a drop.
type Part struct {
	Work     *objects.Store
	ImportID string
	Number   int
	Wanted   contract.Object // of contract.Change
}

// Parts returns the parts of a plan whose rows want changes; part 0 is that of users who existed.
func Parts(work *objects.Store, plan *contract.Plan) (parts []Part) {
	if plan.Updates.Key != "" {
		parts = append(parts, Part{Work: work, ImportID: plan.ImportID, Wanted: plan.Updates})
	}
	for _, job := range plan.Parts {
		if job.Changes.Key != "" {
			parts = append(parts, Part{Work: work, ImportID: plan.ImportID, Number: job.Part, Wanted: job.Changes})
		}
	}
	return parts
}

// Load returns what the rows of the part want whose users are in the pool, in the order of the part. Over is false while
// the part is being imported.
func (p Part) Load(ctx context.Context) (wanted []contract.Change, over bool, err error) {
	var summaries []contract.Summary
	if p.Number > 0 {
		summaries, err = p.summaries(ctx)
		if err != nil || len(summaries) == 0 || summaries[len(summaries)-1].Rest != nil {
			return nil, false, err
		}
	}
	missing, existed := map[contract.Place]bool{}, map[contract.Place]bool{}
	for _, s := range summaries {
		err := Read(ctx, p.Work, s.Outcomes, func(o contract.Outcome) {
			missing[contract.Place{Source: o.Source, Line: o.Line}] = true
		})
		if err == nil {
			err = Read(ctx, p.Work, s.Skipped, func(place contract.Place) { existed[place] = true })
		}
		if err != nil {
			return nil, false, err
		}
	}
	err = Read(ctx, p.Work, p.Wanted, func(c contract.Change) {
		if c.Existed = c.Existed || existed[c.Place]; !missing[c.Place] {
			wanted = append(wanted, c)
		}
	})
	return wanted, true, err
}

// summaries returns what the attempts of the part found out, in their order.
func (p Part) summaries(ctx context.Context) ([]contract.Summary, error) {
	keys, err := p.Work.Keys(ctx, strings.TrimSuffix(contract.SummaryKey(p.ImportID, p.Number, 0), "0.json"))
	if err != nil {
		return nil, err
	}
	var all []contract.Summary
	for _, key := range keys {
		if !strings.HasSuffix(key, ".json") {
			continue
		}
		var s contract.Summary
		if found, err := p.Work.ReadJSON(ctx, key, &s); err != nil || !found {
			return nil, errors.Join(err, gone(found, p.Work.URL(key)))
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b contract.Summary) int { return a.Attempt - b.Attempt })
	return all, nil
}

func gone(found bool, url string) error {
	if found {
		return nil
	}
	return &contract.Error{Name: contract.Gone, Err: fmt.Errorf("%s is gone", url)}
}

// Read calls yield for each value of an object with one in each line. An object without a key has none.
func Read[T any](ctx context.Context, store *objects.Store, o contract.Object, yield func(T)) error {
	if o.Key == "" {
		return nil
	}
	body, err := objects.OpenVersion(ctx, store.Client, o)
	if err != nil {
		return err
	}
	defer body.Close()
	decoder := json.NewDecoder(bufio.NewReaderSize(body, 64<<10))
	for {
		var value T
		if err := decoder.Decode(&value); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read %s: %w", store.URL(o.Key), err)
		}
		yield(value)
	}
}

// Last returns the newest checkpoint; its Number is 0 where there is none.
func (p Part) Last(ctx context.Context) (done contract.ChangesDone, err error) {
	keys, err := p.Work.Keys(ctx, contract.ChangesDonePrefix(p.ImportID, p.Number))
	if err != nil || len(keys) == 0 {
		return done, err
	}
	_, err = p.Work.ReadJSON(ctx, keys[len(keys)-1], &done)
	return done, err
}

// Save writes a checkpoint, or reports that another run has written one of that number.
func (p Part) Save(ctx context.Context, done contract.ChangesDone) (won bool, err error) {
	text, err := json.Marshal(done)
	if err != nil {
		return false, fmt.Errorf("encode a checkpoint: %w", err)
	}
	return p.Work.WriteOnce(ctx, contract.ChangesDoneKey(p.ImportID, p.Number, done.Number), "application/json", text)
}

// Summary returns what became of the part's changes; found is false while that is open.
func (p Part) Summary(ctx context.Context) (s contract.ChangesSummary, found bool, err error) {
	found, err = p.Work.ReadJSON(ctx, contract.ChangesSummaryKey(p.ImportID, p.Number), &s)
	return s, found, err
}

// Finish writes what became of the part's changes: those before done.Next as the checkpoints have them, and those after
// it, if any, as failed because they were abandoned. The first of several runs wins.
func (p Part) Finish(
	ctx context.Context, wanted []contract.Change, done contract.ChangesDone, abandoned string,
) (contract.ChangesSummary, error) {
	summary := contract.ChangesSummary{Part: p.Number, Counts: done.Counts}
	out := p.Work.JSONLines(contract.ChangesFailedKey(p.ImportID, p.Number))
	defer out.Discard()
	add := func(f contract.ChangeFailure) error {
		return out.Encode(ctx, contract.Outcome{
			Source: f.Source, Line: f.Line, Codes: []contract.Code{contract.ChangeFailed}, Message: f.Message,
		})
	}
	for _, number := range done.Failures {
		var checkpoint contract.ChangesDone
		key := contract.ChangesDoneKey(p.ImportID, p.Number, number)
		if found, err := p.Work.ReadJSON(ctx, key, &checkpoint); err != nil || !found {
			return summary, errors.Join(err, gone(found, p.Work.URL(key)))
		}
		for _, failure := range checkpoint.Failed {
			if err := add(failure); err != nil {
				return summary, err
			}
		}
	}
	for _, change := range wanted[min(done.Next, len(wanted)):] {
		summary.Abandoned = abandoned
		n := int64(len(change.Groups))
		summary.Counts.Groups.Wanted += n
		summary.Counts.Groups.Failed += n
		if change.Enabled != nil {
			summary.Counts.State.Wanted++
			summary.Counts.State.Failed++
		}
		for _, wants := range []bool{len(change.Attributes) > 0, change.Refused != ""} {
			if wants {
				summary.Counts.Attributes.Wanted++
				summary.Counts.Attributes.Failed++
			}
		}
		if err := add(contract.ChangeFailure{Place: change.Place, Message: abandoned}); err != nil {
			return summary, err
		}
	}
	var err error
	if summary.Outcomes, err = out.Close(); err != nil {
		return summary, err
	}
	return objects.WriteJSONIfAbsent(ctx, p.Work, contract.ChangesSummaryKey(p.ImportID, p.Number), summary)
}
