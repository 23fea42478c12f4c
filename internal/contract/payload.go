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
	// Preparing is set by prepare-import where it needs another run: publish-result passes that on.
	Preparing bool `json:"preparing,omitempty"`
	// Generation counts the executions of apply-changes for all that the parts left.
	Generation int `json:"generation,omitempty"`
}

// Failure is what Step Functions puts into a Catch's ResultPath.
type Failure struct {
	Error string `json:"Error"`
	Cause string `json:"Cause"`
}

// Plan is what prepare-import found out, kept in the work bucket for publish-result.
type Plan struct {
	Import
	// Refused tells that no row may be submitted: a problem with the file, the pool, or a guard against accidents.
	Refused  bool            `json:"refused"`
	Sources  []PlannedSource `json:"sources"`
	Problems []Problem       `json:"problems"`
	Notes    []Note          `json:"notes,omitempty"`
	// Existing counts accepted rows of existing users; only a dry run that checks for them has it.
	Existing *Existing `json:"existing,omitempty"`
	// Users are the AcceptedRows, where the stack maps users, and PoolUsers about how many users the pool has.
	Users     Object `json:"users,omitzero"`
	PoolUsers int    `json:"poolUsers,omitempty"`
	// Wanted counts what accepted rows want after the import, Unchanged those of them that are so already; nil if nothing.
	Wanted    *Changes `json:"wanted,omitempty"`
	Unchanged *Changes `json:"unchanged,omitempty"`
	// Updates are the Changes of existing users, whose rows go into no part. They count as part 0.
	Updates Object `json:"updates,omitzero"`
	// TimeoutSeconds ends an execution that applies changes: MaxImportDays.
	TimeoutSeconds int64 `json:"timeoutSeconds,omitempty"`
	// Pool is what the rules knew of the pool: a usercsv.Pool in JSON, absent if the pool was refused.
	Pool json.RawMessage `json:"pool,omitempty"`
	// Settings are the settings that the rules were applied with: usercsv.Settings in JSON.
	Settings json.RawMessage `json:"settings,omitempty"`
	// Outcomes are the rows that the rules rejected, source by source in their order.
	Outcomes Object `json:"outcomes,omitzero"`
	// Exclusions are the rows that mappings left out, in the same order.
	Exclusions Object    `json:"exclusions,omitzero"`
	StartedAt  time.Time `json:"startedAt"`
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
	Excluded int       `json:"excluded,omitempty"`
	Rejected int       `json:"rejected"`
	Kept     int       `json:"kept,omitempty"` // rows of existing users, which go into no part
	Refused  bool      `json:"refused"`
	Problems []Problem `json:"problems,omitempty"`
	Notes    []Note    `json:"notes,omitempty"`
	// Settings are those of this source, where they differ from the drop's.
	Settings json.RawMessage `json:"settings,omitempty"`
	// Mapping is what was applied to the file, and ExcludedBy the rows that it left out. Delimiter and Positions are how
	// the file is read again.
	Mapping    *Mapping       `json:"mapping,omitempty"`
	ExcludedBy []ExcludedRows `json:"excludedBy,omitempty"`
	Delimiter  string         `json:"delimiter,omitempty"`
	Positions  []string       `json:"positions,omitempty"`
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
	// Skipped are the Places of the rows whose users existed, where that matters: see PartPlan.NeedsExisting.
	Skipped Object `json:"skipped,omitzero"`
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
	// CountedAs is the outcome under which a row of FateUnknown is counted, so that the sums are the job's counters.
	CountedAs CountedAs `json:"n,omitempty"`
}

// CountedAs is one of the counts of RowOutcomes.
type CountedAs byte

// The counts of RowOutcomes.
const (
	CountedUnprocessed CountedAs = iota
	CountedImported
	CountedSkipped
	CountedFailed
)

// Count returns the count of an outcome.
func (o *RowOutcomes) Count(c CountedAs) *int64 {
	switch c {
	case CountedImported:
		return &o.Imported
	case CountedSkipped:
		return &o.Skipped
	case CountedFailed:
		return &o.Failed
	default:
		return &o.Unprocessed
	}
}
