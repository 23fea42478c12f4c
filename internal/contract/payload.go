// Package contract holds what the functions and state machines of an import agree on: the payloads that go from state
// to state, the names of executions, jobs and objects, and the names under which errors reach Step Functions.
//
// A payload never carries a cell of a row, a name out of a source's header or an upload URL: execution histories are
// kept for 90 days and read by many.
package contract

import (
	"encoding/json"
	"time"
)

// Schema is the version of the payloads. An import can outlive a deployment, so a release accepts the last version too.
const Schema = 1

// Object is one version of one object in S3.
type Object struct {
	Bucket    string `json:"bucket"`
	Key       string `json:"key"`
	VersionID string `json:"versionId,omitempty"`
	ETag      string `json:"etag,omitempty"`
	Bytes     int64  `json:"bytes"`
}

// Drop is the input of an import-users execution: what was dropped, and for which pool.
type Drop struct {
	Schema     int    `json:"schema"`
	ImportID   string `json:"importId"` // also the execution's name
	UserPoolID string `json:"userPoolId"`
	Mode       Mode   `json:"mode"`
	Source     Object `json:"source,omitzero"`
	// ExecutionARN is the import-users execution itself, for the report.
	ExecutionARN string `json:"executionArn,omitempty"`
	// Manifest is the key, in the work bucket, of a JSON list of Objects: a scheduled sweep takes many files at once.
	Manifest string `json:"manifest,omitempty"`
}

// Import is what prepare-import answers and publish-result takes.
type Import struct {
	Drop
	// Parts are the inputs of the import-job executions, in order. Empty for a refused file and for a dry run.
	Parts []ImportJob `json:"parts"`
	// Error is set by a Catch of the state machine: our own workflow broke.
	Error *Failure `json:"error,omitempty"`
	// Quiet is set by abort-import: no job of the import runs, nor can one be started any more.
	Quiet bool `json:"quiet,omitempty"`
}

// Failure is what Step Functions puts into a Catch's ResultPath.
type Failure struct {
	Error string `json:"Error"`
	Cause string `json:"Cause"`
}

// Next names what a function wants to happen after it; the Choice states of import-job branch on it.
type Next string

// The answers of import-job's functions. Each Choice knows the ones that its function can give.
const (
	Go       Next = "Go"       // on to the next state
	Wait     Next = "Wait"     // again after WaitSeconds
	Attempt  Next = "Attempt"  // the part needs another Cognito job
	HandOver Next = "HandOver" // this execution's history gets long: a successor goes on in its place
	Done     Next = "Done"     // nothing (more) to do for this part
)

// ImportJob is the input, the output and every payload of an import-job execution: one part of a drop on its way
// through one Cognito job, or several where one attempt is not enough.
type ImportJob struct {
	Schema     int    `json:"schema"`
	ImportID   string `json:"importId"`
	UserPoolID string `json:"userPoolId"`
	// Execution is the name, less the Redrive count, under which import-users starts this part.
	Execution string `json:"execution"`
	// TimeoutSeconds ends the execution: MaxImportDays.
	TimeoutSeconds int64 `json:"timeoutSeconds"`
	// Scheduled tells that a sweep took the drop's files, which another one may take over.
	Scheduled bool `json:"scheduled,omitempty"`

	Sources int    `json:"sources"` // of the whole drop
	Part    int    `json:"part"`    // from 1
	Attempt int    `json:"attempt"` // from 1; each attempt is a Cognito job of its own
	Rows    int    `json:"rows"`    // data rows in Object
	Object  Object `json:"object"`  // in Cognito's dialect
	// Algorithm is the PasswordHashingAlgorithmType of the rows' hashes; empty where they have none.
	Algorithm string `json:"algorithm,omitempty"`
	// Lines is the map from the object's rows to the sources' lines (usercsv.LineReader).
	Lines Object `json:"lines"`
	// PreparedAt is before the creation of any Cognito job of the part.
	PreparedAt time.Time `json:"preparedAt"`

	Next        Next  `json:"next"`
	WaitSeconds int64 `json:"waitSeconds"`
	// Turns counts the times round a Wait, over all of the execution's loops. A successor takes over after MaxTurns;
	// without it, where the history comes near its limit.
	Turns    int `json:"turns"`
	MaxTurns int `json:"maxTurns,omitempty"`

	// Ticket is when the part entered the queue. A successor keeps it.
	Ticket time.Time `json:"ticket,omitzero"`
	// MovedAt is when its place in the queue last changed.
	MovedAt time.Time `json:"movedAt,omitzero"`
	// Ahead and EstimatedSeconds are await-turn's answer for people: parts before this one, and how long they may take.
	Ahead            int   `json:"ahead"`
	EstimatedSeconds int64 `json:"estimatedSeconds"`
	// First is where the job of the first in line was found, so that the next look goes there alone.
	First First `json:"first,omitzero"`
	// Held is why the queue as a whole stands still, in words for people: a pause, or the import window.
	Held string `json:"held,omitempty"`
	// Percent of the attempt's rows have an outcome, and EstimatedEnd is when all will: describe-import-job's answer.
	Percent      int       `json:"percent"`
	EstimatedEnd time.Time `json:"estimatedEnd,omitzero"`

	// Job is the Cognito import job of the current attempt.
	Job Job `json:"job,omitzero"`
	// Uploaded tells that this execution saw S3 accept the part for Job.
	Uploaded bool `json:"uploaded"`
	// Lapsed tells that Job's upload URL can't be used any more.
	Lapsed bool `json:"lapsed"`
	// RefusedSince is when Cognito first refused to start a job of this part, with Refusal its words.
	// JobLimit tells that the pool's jobs are used up.
	RefusedSince time.Time `json:"refusedSince,omitzero"`
	Refusal      string    `json:"refusal,omitempty"`
	JobLimit     bool      `json:"jobLimit"`
	// Lapses counts the attempts in a row that could not be uploaded.
	Lapses int `json:"lapses"`
	// Continued counts the attempts that went on with the rows that the one before left without an outcome.
	Continued int `json:"continued"`
}

// First is an execution at work, and the pool of its job.
type First struct {
	Execution  string `json:"execution"`
	UserPoolID string `json:"userPoolId"`
}

// Job is what is known of a Cognito import job, less its upload URL.
type Job struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Status      string    `json:"status"` // a UserImportJobStatusType, or "" while there is no job
	Message     string    `json:"message,omitempty"`
	Imported    int64     `json:"imported"`
	Skipped     int64     `json:"skipped"`
	Failed      int64     `json:"failed"`
	CreatedAt   time.Time `json:"createdAt,omitzero"`
	StartedAt   time.Time `json:"startedAt,omitzero"`
	CompletedAt time.Time `json:"completedAt,omitzero"`
}

// Processed is the number of rows that the job has an outcome for.
func (j Job) Processed() int64 { return j.Imported + j.Skipped + j.Failed }

// Plan is what prepare-import found out, kept in the work bucket for publish-result.
type Plan struct {
	Import
	// Refused tells that no row may be submitted: a problem with the file, the pool, or a guard against accidents.
	Refused  bool            `json:"refused"`
	Sources  []PlannedSource `json:"sources"`
	Problems []Problem       `json:"problems"`
	Notes    []Note          `json:"notes,omitempty"`
	// Existing tells of accepted rows whose user is in the pool already; only a dry run that was asked for it knows.
	Existing *Existing `json:"existing,omitempty"`
	// Pool is what the rules knew of the pool: a usercsv.Pool in JSON, absent if the pool was refused.
	Pool json.RawMessage `json:"pool,omitempty"`
	// Settings are the settings that the rules were applied with: usercsv.Settings in JSON.
	Settings json.RawMessage `json:"settings,omitempty"`
	// Outcomes are the rows that the rules rejected, source by source in their order.
	Outcomes  Object    `json:"outcomes,omitzero"`
	StartedAt time.Time `json:"startedAt"`
}

// Existing counts the rows of a dry run whose users are there, and those that nobody looked for.
type Existing struct {
	Found     int `json:"found"`
	Unchecked int `json:"unchecked"`
}

// PlannedSource is one dropped file after preparation.
type PlannedSource struct {
	Object
	// Sidecar is the manifest that was found beside the file. It moves with it.
	Sidecar  Object    `json:"sidecar,omitzero"`
	Read     int       `json:"read"`
	Rejected int       `json:"rejected"`
	Refused  bool      `json:"refused"`
	Problems []Problem `json:"problems,omitempty"`
	Notes    []Note    `json:"notes,omitempty"`
}

// Summary is the outcome of one attempt of a part, which collect-rows leaves in the work bucket.
type Summary struct {
	Part      int       `json:"part"`
	Attempt   int       `json:"attempt"`
	Algorithm string    `json:"algorithm,omitempty"`
	QueuedAt  time.Time `json:"queuedAt,omitzero"`
	Job       Job       `json:"job,omitzero"`
	// Submitted is the number of rows in the attempt's object.
	Submitted int `json:"submitted"`
	// Rest is what goes on in the next attempt, and is counted there; without it the summary is the part's last.
	Rest *Rest `json:"rest,omitempty"`
	// WoundUp says that publish-result found it out. An execution that was redriven just before may know better: this
	// summary counts only if it is the part's last.
	WoundUp bool `json:"woundUp,omitempty"`
	// Refusal has Cognito's words where no job could be created or started.
	Refusal  string `json:"refusal,omitempty"`
	JobLimit bool   `json:"jobLimit,omitempty"`
	// Rows counts by source what this attempt decided.
	Rows []SourceRows `json:"rows"`
	// Outcomes are the rows that did not make it: one JSON Outcome a line, in the order of the part.
	Outcomes Object `json:"outcomes,omitzero"`
}

// Rest is the rows of an attempt without an outcome.
type Rest struct {
	Rows   int    `json:"rows"`
	Object Object `json:"object"`
	Lines  Object `json:"lines"`
}

// SourceRows counts one attempt's rows that came from one source.
type SourceRows struct {
	Source      int `json:"source"`
	Imported    int `json:"imported"`
	Skipped     int `json:"skipped"`
	Failed      int `json:"failed"`
	Unprocessed int `json:"unprocessed"`
}

// Outcome is one row that is not in the pool, as far as anybody can tell: rejected by the rules, or submitted in vain.
type Outcome struct {
	Source int    `json:"s"`
	Line   int    `json:"l"`
	Codes  []Code `json:"c"`
	// Attributes are those at fault for each code, as the pool names them; see [usercsv.Words].
	Attributes []string `json:"a,omitempty"`
	Message    string   `json:"m,omitempty"`
}
