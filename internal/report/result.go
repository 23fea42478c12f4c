// Package report holds what comes back to people from a drop: result.json and everything that is told from it, the
// report, the notification, the event and the terminal's text.
//
// A [contract.Result] is plain data. The workflow fills in what happened, [Finish] decides the verdict and proves that
// the counts reconcile, and the renderers only read. None of them shows a cell of a row, and only result.json itself
// holds names from a source's header.
package report

import (
	"fmt"
	"time"

	"userdrop/internal/contract"
)

// jobWarning is the number of jobs used from which people are warned.
const jobWarning = 900

// lossy reports whether rows of the source did not make it, or the source was refused.
func lossy(s contract.Source) bool { return lost(s.Rows) > 0 || s.Rows.Read == 0 }

// Finish completes a result: it decides the verdict, words the message, puts the problems in the rules' order and
// times into UTC. It fails if the counts do not reconcile.
func Finish(r *contract.Result, end Ending) error {
	r.Schema = contract.ResultSchema
	if r.Mode == "" {
		r.Mode = contract.ModeImport
	}
	settle(r, &r.Rows)
	for i := range r.Sources {
		settle(r, &r.Sources[i].Rows)
		tidy(r.Sources[i].Problems)
		tidyNotes(r.Sources[i].Notes)
	}
	tidy(r.Problems)
	tidyNotes(r.Notes)
	if err := r.Reconcile(); err != nil {
		return err
	}
	// In JSON, none is an empty list.
	if r.Sources == nil {
		r.Sources = []contract.Source{}
	}
	if r.Jobs == nil {
		r.Jobs = []contract.ResultJob{}
	}
	if r.Problems == nil {
		r.Problems = []contract.Problem{}
	}
	for i := range r.Jobs {
		j := &r.Jobs[i]
		utc(&j.QueuedAt, &j.CreatedAt, &j.StartedAt, &j.CompletedAt)
	}
	utc(&r.StartedAt, &r.FinishedAt)
	if u := r.JobsUsed; u != nil && u.Used >= jobWarning {
		u.Warning = fmt.Sprintf("%s of the pool's %s import jobs are used, and jobs cannot be deleted: ask AWS for more, "+
			"or gather small files into fewer imports.", group(int64(u.Used)), group(int64(u.Limit)))
	}
	r.Verdict = Decide(r, end)
	r.Message = sentence(r)
	return nil
}

// settle gives an import an outcome, and a dry run none.
func settle(r *contract.Result, rows *contract.Rows) {
	switch {
	case r.Mode == contract.ModeCheck:
		rows.RowOutcomes = nil
	case rows.RowOutcomes == nil:
		rows.RowOutcomes = &contract.RowOutcomes{}
	}
}

func utc(times ...*time.Time) {
	for _, t := range times {
		*t = t.UTC()
	}
}
