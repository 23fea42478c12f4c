package contract

import (
	"cmp"
	"time"
)

// Next names what a function wants to happen after it; the Choice states of import-job branch on it.
type Next string

// The answers of import-job's functions. Each Choice knows the ones that its function can give.
const (
	Proceed  Next = "Go"       // on to the next state
	Wait     Next = "Wait"     // again after WaitSeconds
	Attempt  Next = "Attempt"  // the part needs another Cognito job
	HandOver Next = "HandOver" // this execution's history gets long: a successor goes on in its place
	Done     Next = "Done"     // nothing (more) to do for this part
)

// ImportJob is the input, the output and every payload of an import-job execution: one part of a drop on its way
// through one Cognito job, or several where one attempt is not enough. Its JSON is one flat object.
type ImportJob struct {
	PartPlan
	AttemptState
	QueueState

	Next        Next  `json:"next"`
	WaitSeconds int64 `json:"waitSeconds"`
	// Turns counts the times round a Wait, over all of the execution's loops. A successor takes over after MaxTurns.
	Turns int `json:"turns"`
}

// PartPlan is what prepare-import decided about a part. Only Execution changes, at each hand-over.
type PartPlan struct {
	Schema     int    `json:"schema"`
	ImportID   string `json:"importId"`
	UserPoolID string `json:"userPoolId"`
	// Execution is the name, without the Redrive count, under which import-users starts this part.
	Execution string `json:"execution"`
	// TimeoutSeconds ends the execution: MaxImportDays.
	TimeoutSeconds int64 `json:"timeoutSeconds"`
	// Scheduled reports whether a sweep took the drop's files, which another sweep may take over.
	Scheduled bool `json:"scheduled,omitempty"`
	Sources   int  `json:"sources"` // of the whole drop
	Part      int  `json:"part"`    // from 1
	// Algorithm is the PasswordHashingAlgorithmType of the rows' hashes; empty where they have none.
	Algorithm string `json:"algorithm,omitempty"`
	// Changes is what the part's rows want after the import, one Change a line; without a key they want nothing.
	Changes Object `json:"changes,omitzero"`
	// ApplyBeside reports whether they are applied beside the import of the next part.
	ApplyBeside bool `json:"applyBeside,omitempty"`
	// MapsUsers reports whether the result has a users.csv.
	MapsUsers bool `json:"mapsUsers,omitempty"`
	// PreparedAt is before the creation of any Cognito job of the part.
	PreparedAt time.Time `json:"preparedAt"`
	// MaxTurns overrides DefaultMaxTurns; simulations lower it.
	MaxTurns int `json:"maxTurns,omitempty"`
}

// NeedsExisting reports whether it matters which rows were skipped because their users existed.
func (p PartPlan) NeedsExisting() bool { return p.Changes.Key != "" || p.MapsUsers }

// AttemptState is what belongs to the part's current attempt, or counts its attempts.
type AttemptState struct {
	Attempt int    `json:"attempt"` // from 1; each attempt is a Cognito job of its own
	Rows    int    `json:"rows"`    // data rows in Object
	Object  Object `json:"object"`  // in Cognito's dialect
	// Lines is the map from the object's rows to the sources' lines (linemap.Reader).
	Lines Object `json:"lines"`

	// Job is the Cognito import job of the current attempt.
	Job Job `json:"job,omitzero"`
	// Uploaded reports whether S3 accepted the part for Job.
	Uploaded bool `json:"uploaded"`
	// Lapsed reports whether Job's upload URL can't be used any more.
	Lapsed bool `json:"lapsed"`
	// Percent of the attempt's rows have an outcome, and EstimatedEnd is when all will: describe-import-job's answer.
	Percent      int       `json:"percent"`
	EstimatedEnd time.Time `json:"estimatedEnd,omitzero"`

	// RefusedSince is when Cognito first refused to start a job of this part, with Refusal as its latest message.
	RefusedSince time.Time `json:"refusedSince,omitzero"`
	Refusal      string    `json:"refusal,omitempty"`
	// JobLimit reports whether the pool's jobs are used up.
	JobLimit bool `json:"jobLimit"`
	// Lapses counts the attempts in a row that could not be uploaded.
	Lapses int `json:"lapses"`
	// Continued counts the attempts that went on with the rows that the one before left without an outcome.
	Continued int `json:"continued"`
}

// QueueState is the part's place in the queue.
type QueueState struct {
	// Ticket is when the part entered the queue. A successor keeps it.
	Ticket time.Time `json:"ticket,omitzero"`
	// MovedAt is when its place in the queue last changed.
	MovedAt time.Time `json:"movedAt,omitzero"`
	// Ahead and EstimatedSeconds are await-turn's answer for people: parts before this one, and how long they may take.
	Ahead            int   `json:"ahead"`
	EstimatedSeconds int64 `json:"estimatedSeconds"`
	// First is where the job of the first in line was found, so that the next look goes there alone.
	First First `json:"first,omitzero"`
	// YieldedAt is when the part last went back to the end of the queue, because Cognito kept refusing its job.
	YieldedAt time.Time `json:"yieldedAt,omitzero"`
	// Held is why the queue stands still, in words for people: a pause, the import window, or a part ahead whose job
	// does not start.
	Held string `json:"held,omitempty"`
}

// First is the execution at the head of the queue, and the pool of its job.
type First struct {
	Execution  string `json:"execution"`
	UserPoolID string `json:"userPoolId"`
}

// DefaultMaxTurns ends an execution's loops: nine events a turn, three more for each time that a function is retried,
// and 25,000 events end an execution for good.
const DefaultMaxTurns = 1200

// Pause returns the answer Wait, or HandOver once the execution has been round its loops often enough.
func (j ImportJob) Pause(wait time.Duration) ImportJob {
	j.Next = Wait
	j.WaitSeconds = int64(wait / time.Second)
	if j.Turns++; j.Turns >= cmp.Or(j.MaxTurns, DefaultMaxTurns) {
		return j.handOver()
	}
	return j
}

// Yield returns the answer HandOver, with the part at the end of the queue.
func (j ImportJob) Yield(now time.Time) ImportJob {
	j.Ticket, j.YieldedAt, j.MovedAt = now.UTC(), now.UTC(), time.Time{}
	return j.handOver()
}

func (j ImportJob) handOver() ImportJob {
	j.Turns = 0
	j.Execution = j.Successor()
	j.Next = HandOver
	return j
}

// Successor returns the name of the execution that takes over from this one.
func (j ImportJob) Successor() string {
	name := ExecutionName{ImportID: j.ImportID, Part: j.Part, Rows: j.Rows, Ticket: j.Ticket, Generation: 2}
	if current, ok := ParseExecutionName(j.Execution); ok {
		name.Generation = current.Generation + 1
	}
	return name.String()
}

// NextAttempt returns the answer Attempt: the same rows in another job.
func (j ImportJob) NextAttempt() ImportJob {
	j.Attempt++
	j.Job, j.Uploaded, j.Lapsed = Job{}, false, false
	j.Percent, j.EstimatedEnd = 0, time.Time{}
	j.Next = Attempt
	return j
}
