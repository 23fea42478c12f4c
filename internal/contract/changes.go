package contract

import (
	"fmt"
	"time"
)

// Change is what one row wants after the import. It is kept in the work bucket alone, since it names a user.
type Change struct {
	Place
	Username string   `json:"u"`
	Groups   []string `json:"g,omitempty"`
	// Enabled is nil where the row wants nothing.
	Enabled *bool `json:"e,omitempty"`
	// Attributes are those of an existing user that change.
	Attributes map[string]string `json:"a,omitempty"`
	// Refused is why an attribute is not changed, for failed.csv.
	Refused string `json:"r,omitempty"`
	// Existed says that the user was in the pool before the import.
	Existed bool `json:"x,omitempty"`
}

// AcceptedRow is a row that the rules accept, for users.csv. It is kept in the work bucket alone.
type AcceptedRow struct {
	Place
	Username string `json:"u"`
	ID       string `json:"i,omitempty"` // the cell of IdColumn
	Kept     bool   `json:"k,omitempty"` // the user existed, and the row went into no part
}

// AcceptedKey holds the AcceptedRows of a drop, one a line.
func AcceptedKey(importID string) string { return importID + "/accepted.jsonl" }

// UsersKey holds users.csv, in the results bucket; of the nth source (from 0) where an import has several.
func UsersKey(importID string, source, sources int) string {
	if sources > 1 {
		return fmt.Sprintf("%s/users-%04d.csv", importID, source+1)
	}
	return importID + "/users.csv"
}

// Place is where a row is: which of the drop's sources, from 0, and its first line, from 1.
type Place struct {
	Source int `json:"s"`
	Line   int `json:"l"`
}

// Add returns the sum.
func (c Changes) Add(d Changes) Changes {
	return Changes{
		Groups: c.Groups.add(d.Groups), State: c.State.add(d.State), Attributes: c.Attributes.add(d.Attributes),
	}
}

func (c ChangeCounts) add(d ChangeCounts) ChangeCounts {
	return ChangeCounts{
		Wanted: c.Wanted + d.Wanted, Applied: c.Applied + d.Applied, Unchanged: c.Unchanged + d.Unchanged,
		Failed: c.Failed + d.Failed,
	}
}

// ApplyChanges is the input, the output and every payload of an apply-changes execution.
type ApplyChanges struct {
	Schema     int    `json:"schema"`
	ImportID   string `json:"importId"`
	UserPoolID string `json:"userPoolId"`
	// Execution is the name, less the Redrive count, under which import-users starts it.
	Execution string `json:"execution"`
	// TimeoutSeconds ends the execution: MaxImportDays.
	TimeoutSeconds int64 `json:"timeoutSeconds"`
	// Part is the part whose changes are applied, beside the import of the next; 0 is all that are left.
	Part int `json:"part"`
	// Generation counts the executions for all that are left: one whose history gets long ends, and another takes over.
	Generation int `json:"generation"`

	Next        Next  `json:"next"`
	WaitSeconds int64 `json:"waitSeconds"`
	Turns       int   `json:"turns"`
	// Held is why nothing is applied, in words for people; Done and Of are how far the part in hand is.
	Held string `json:"held,omitempty"`
	Done int    `json:"done"`
	Of   int    `json:"of"`
}

// ApplyName is the name, less the Redrive count, of an apply-changes execution.
func ApplyName(importID string, part, generation int) string {
	if part > 0 {
		return fmt.Sprintf("%s-c%d", importID, part)
	}
	return fmt.Sprintf("%s-c0-g%d", importID, generation)
}

// ChangesDone is a checkpoint: how far the changes of a part are applied. Each is written once, and never replaced.
type ChangesDone struct {
	Number int `json:"number"` // from 1
	// Next is the place in the list of the part's changes where the loop goes on.
	Next   int     `json:"next"`
	Counts Changes `json:"counts"` // of all so far
	// Rate is the calls per second that the loop has come to.
	Rate float64 `json:"rate"`
	// Failed are the rows of this checkpoint that failed, and Failures the numbers of all checkpoints that have some.
	Failed   []ChangeFailure `json:"failed,omitempty"`
	Failures []int           `json:"failures,omitempty"`
}

// ChangeFailure is a row of which a change failed, and why.
type ChangeFailure struct {
	Place
	Message string `json:"m"`
}

// ChangesSummary is what became of the changes of a part.
type ChangesSummary struct {
	Part   int     `json:"part"`
	Counts Changes `json:"counts"`
	// Outcomes are the rows of which a change failed: one JSON Outcome a line, in the order of the part.
	Outcomes Object `json:"outcomes,omitzero"`
	// Abandoned is why not all were tried; empty if they were.
	Abandoned string `json:"abandoned,omitempty"`
}

// PoolUsersKey holds a checkpoint of prepare-import's look at the users of a pool.
func PoolUsersKey(importID string, number int) string {
	return fmt.Sprintf("%s%08d.json", PoolUsersPrefix(importID), number)
}

// PoolUsersPrefix begins the keys of these checkpoints.
func PoolUsersPrefix(importID string) string { return importID + "/pool/users-" }

// ChangesLease is an object of the work bucket that belongs to the loop that applies changes. There is one loop at a time.
type ChangesLease struct {
	Run   string    `json:"run"` // the run of the function that holds it
	Until time.Time `json:"until"`
	// How far the loop is, for those who wait.
	Execution string `json:"execution"`
	Left      int    `json:"left"` // rows of the part in hand
	Of        int    `json:"of"`   // all rows of that part
}

// ChangesLeaseKey holds the ChangesLease.
const ChangesLeaseKey = "changes-lease"

// ChangesPrefix begins the keys of what is applied after an import.
func ChangesPrefix(importID string) string { return importID + "/changes/" }

// WantedKey holds the Changes that the rows of a part want, one a line.
func WantedKey(importID string, part int) string {
	return fmt.Sprintf("%spart-%04d/wanted.jsonl", ChangesPrefix(importID), part)
}

// ChangesDoneKey holds a checkpoint.
func ChangesDoneKey(importID string, part, number int) string {
	return fmt.Sprintf("%s%08d.json", ChangesDonePrefix(importID, part), number)
}

// ChangesDonePrefix begins the keys of a part's checkpoints.
func ChangesDonePrefix(importID string, part int) string {
	return fmt.Sprintf("%spart-%04d/done-", ChangesPrefix(importID), part)
}

// ChangesSummaryKey holds a part's ChangesSummary.
func ChangesSummaryKey(importID string, part int) string {
	return fmt.Sprintf("%spart-%04d/summary.json", ChangesPrefix(importID), part)
}

// ChangesFailedKey holds the Outcomes of the rows of a part of which a change failed.
func ChangesFailedKey(importID string, part int) string {
	return fmt.Sprintf("%spart-%04d/failed.jsonl", ChangesPrefix(importID), part)
}

// StopChangesKey says that no more changes of an import are applied: its execution is over.
func StopChangesKey(importID string) string { return ChangesPrefix(importID) + "stop" }

// SkippedKey holds the Places of an attempt's rows whose users were in the pool before, one a line.
func SkippedKey(importID string, part, attempt int) string {
	return fmt.Sprintf("%s/part-%04d/attempt-%d.skipped.jsonl", importID, part, attempt)
}
