package rowoutcomes

import (
	"userdrop/internal/contract"
)

// tally gives every row an outcome, so that their sums are the job's counters.
type tally struct {
	job      contract.ImportJob
	log      *jobLog
	complete bool
	// missing counts the outcomes that the counters have and the log lacks.
	missing map[outcome]int64
	// goesOn reports whether the rows without an outcome go on in the next attempt.
	goesOn bool
}

func newTally(job contract.ImportJob, log *jobLog, complete bool) *tally {
	t := &tally{job: job, log: log, complete: complete, missing: counters(job.Job)}
	logged := 0
	for i := range job.Rows {
		if o, _ := log.row(i); o != noLogLine {
			t.missing[o]--
			logged++
		}
	}
	// Another job is worth its price only after some progress.
	t.goesOn = job.Job.HasFailed() && logged > 0 && logged < job.Rows && job.Job.Processed() < int64(job.Rows) &&
		job.Continued+1 < maxContinued
	return t
}

// decision is what becomes of a row.
type decision struct {
	goesOn  bool          // in the next attempt; the rest is not decided then
	outcome outcome       // its place in the counts; noLogLine for a row that was not processed
	code    contract.Code // what to tell people of it; 0 for a row that made it
	message string
}

// row decides one row. exists reports that the row has no outcome, but that its user exists.
func (t *tally) row(i int, exists bool) decision {
	logged, reason := t.log.row(i)
	switch {
	case logged == failed:
		return decision{outcome: failed, code: contract.CognitoFailed, message: reason}
	case logged != noLogLine:
		return decision{outcome: logged}
	case exists:
		return decision{outcome: skipped}
	case t.goesOn:
		return decision{goesOn: true}
	}
	assumed := t.takeMissing()
	allProcessed := t.job.Job.Processed() >= int64(t.job.Rows)
	switch {
	case allProcessed && t.complete: // every problem has its line: this row is imported, or its user existed
		return decision{outcome: assumed}
	case !allProcessed && (t.complete || t.job.Job.Processed() == 0):
		return decision{outcome: noLogLine, code: contract.NotProcessed}
	default:
		return decision{outcome: assumed, code: contract.FateUnknown}
	}
}

// takeMissing takes one of the outcomes that the counters have and the log lacks; noLogLine if none is left.
func (t *tally) takeMissing() outcome {
	for _, o := range []outcome{failed, skipped, imported} {
		if t.missing[o] > 0 {
			t.missing[o]--
			return o
		}
	}
	return noLogLine
}

// countedAs are the counts of outcomes.
var countedAs = map[outcome]contract.CountedAs{
	noLogLine: contract.CountedUnprocessed, imported: contract.CountedImported, skipped: contract.CountedSkipped,
	failed: contract.CountedFailed,
}

// sourceCounts counts outcomes by source, in the order in which the sources came.
type sourceCounts struct{ all []contract.SourceRows }

func (c *sourceCounts) add(source int, o outcome) {
	if n := len(c.all); n == 0 || c.all[n-1].Source != source { // a part's rows come source by source
		c.all = append(c.all, contract.SourceRows{Source: source})
	}
	switch rows := &c.all[len(c.all)-1]; o {
	case imported:
		rows.Imported++
	case skipped:
		rows.Skipped++
	case failed:
		rows.Failed++
	default:
		rows.Unprocessed++
	}
}
