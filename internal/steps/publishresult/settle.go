package publishresult

import (
	"context"
	"time"

	"userdrop/internal/contract"
)

// unknownRow is a row whose outcome no log line gives, and the outcome under which it is counted.
type unknownRow struct {
	contract.Place
	counted contract.CountedAs
}

// settle looks up the users of rows whose outcome no log line gives, and returns the rows whose user was created while a
// job of the import ran: they are imported, and do not belong into failed.csv. A row that wants changes is not settled,
// since its changes were not applied: dropped again, it gets them.
func (p *Publish) settle(ctx context.Context, r *contract.Result, plan contract.Plan, look *lookup) (
	settled map[contract.Place]bool, err error,
) {
	settled = map[contract.Place]bool{}
	if look == nil || len(look.facts.unknown) == 0 {
		return settled, nil
	}
	err = p.acceptedRows(ctx, plan, func(row contract.AcceptedRow) error {
		_, wantsChanges := look.facts.groups[row.Place]
		if look.facts.failed[row.Place] != contract.FateUnknown || wantsChanges {
			return nil
		}
		user, err := look.find(row.Username)
		if err == nil && user != nil && during(r.Jobs, user.Created) {
			settled[row.Place] = true
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	recount(r, look.facts.unknown, settled)
	for place := range settled {
		delete(look.facts.failed, place)
	}
	return settled, nil
}

// during reports whether a job of the import ran at that time.
func during(jobs []contract.ResultJob, at time.Time) bool {
	for _, j := range jobs {
		if !at.Before(j.StartedAt.Add(-time.Second)) && !at.After(j.CompletedAt.Add(time.Second)) {
			return true
		}
	}
	return false
}

// recount counts the settled ones of the unknown rows as imported. The others share what is then left of the jobs'
// counters, so that the sums do not change unless the counters have fewer imported rows than were found.
func recount(r *contract.Result, unknown []unknownRow, settled map[contract.Place]bool) {
	if len(settled) == 0 {
		return
	}
	left := map[contract.CountedAs]int{}
	for _, row := range unknown {
		left[row.counted]++
		*r.Sources[row.Source].Rows.Count(row.counted)--
	}
	take := func(n int, order ...contract.CountedAs) (last contract.CountedAs) {
		for _, counted := range order {
			taken := min(left[counted], n)
			if left[counted], n = left[counted]-taken, n-taken; taken > 0 {
				last = counted
			}
		}
		return last
	}
	take(len(settled), contract.CountedImported, contract.CountedUnprocessed, contract.CountedFailed, contract.CountedSkipped)
	for _, row := range unknown {
		counted := contract.CountedImported
		if !settled[row.Place] {
			counted = take(1, contract.CountedFailed, contract.CountedSkipped, contract.CountedImported, contract.CountedUnprocessed)
		}
		*r.Sources[row.Source].Rows.Count(counted)++
	}
	r.Rows = contract.Rows{}
	for _, s := range r.Sources {
		r.Rows = r.Rows.Add(s.Rows)
	}
}
