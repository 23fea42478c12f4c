package contract

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ResultSchema names the format of result.json. Field names are a contract: fields may be added, never renamed or removed.
const ResultSchema = "userdrop.result/v1"

// JobsPerPool is how many import jobs a user pool may have. Cognito offers no way to delete one, so it is a budget for
// life (https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html).
const JobsPerPool = 1000

// Mode says whether users were to be created.
type Mode string

const (
	ModeImport Mode = "import" // the rows go to Cognito
	ModeCheck  Mode = "check"  // a dry run: everything but the jobs
)

// Result is the content of result.json.
type Result struct {
	Schema   string `json:"schema"`
	ImportID string `json:"importId,omitzero"` // absent from userdrop check
	// ExecutionARN is the import-users execution; absent from userdrop check and where it is not known.
	ExecutionARN string         `json:"executionArn,omitzero"`
	UserPoolID   string         `json:"userPoolId"`
	Mode         Mode           `json:"mode"`
	Verdict      Verdict        `json:"verdict"`
	Message      string         `json:"message"` // one sentence or two: the verdict in words, and what to do
	Error        *Cause         `json:"error,omitzero"`
	Sources      []Source       `json:"sources"`
	Rows         Rows           `json:"rows"`
	Predicted    *Predicted     `json:"predicted,omitzero"` // a dry run that looked for existing users
	Jobs         []ResultJob    `json:"jobs"`
	JobsUsed     *JobsUsed      `json:"jobsUsed,omitzero"`
	Waits        *Waits         `json:"waits,omitzero"`
	Problems     []Problem      `json:"problems"`
	Notes        []Note         `json:"notes,omitempty"`    // what was taken otherwise than written; in no verdict
	Excluded     []ExcludedRows `json:"excluded,omitempty"` // rows that a mapping left out, by reason
	Mapping      *Mapping       `json:"mapping,omitzero"`   // of the source; where there are several, in each
	Changes      *Changes       `json:"changes,omitzero"`   // what was done after the import
	Files        Files          `json:"files"`
	StartedAt    time.Time      `json:"startedAt,omitzero"`
	FinishedAt   time.Time      `json:"finishedAt,omitzero"`
	// UsersMissing says that users.csv was asked for, and that the pool and the file are too large for it.
	UsersMissing bool `json:"usersMissing,omitzero"`
}

// Source is one dropped file. A scheduled import has many, and each has counts, problems and a failed.csv of its own.
type Source struct {
	Bucket    string    `json:"bucket,omitzero"`
	Key       string    `json:"key"` // for userdrop check, the file as given
	VersionID string    `json:"versionId,omitzero"`
	Bytes     int64     `json:"bytes"`
	Rows      Rows      `json:"rows"`
	Problems  []Problem `json:"problems,omitempty"` // where there are several sources
	Notes     []Note    `json:"notes,omitempty"`    // where there are several sources
	Mapping   *Mapping  `json:"mapping,omitzero"`   // where there are several sources
	Files     *Files    `json:"files,omitzero"`     // where there are several sources
}

// Rows counts rows. Always read = excluded + rejected + submitted, and
// submitted = imported + skipped + failed + unprocessed.
type Rows struct {
	Read      int64 `json:"read"`
	Excluded  int64 `json:"excluded,omitzero"` // by a mapping
	Rejected  int64 `json:"rejected"`          // by the CSV rules
	Submitted int64 `json:"submitted"`         // meant for Cognito
	*RowOutcomes
}

// RowOutcomes counts what became of the submitted rows. A dry run has none.
type RowOutcomes struct {
	Imported    int64 `json:"imported"`
	Skipped     int64 `json:"skipped"` // the user was there already
	Failed      int64 `json:"failed"`  // refused by Cognito
	Unprocessed int64 `json:"unprocessed"`
}

// Counts returns the outcome, zero where there is none.
func (r Rows) Counts() RowOutcomes {
	if r.RowOutcomes == nil {
		return RowOutcomes{}
	}
	return *r.RowOutcomes
}

// Arrived returns the number of rows whose users are in the pool.
func (r Rows) Arrived() int64 { return r.Counts().Imported + r.Counts().Skipped }

// Add returns the sum, with an outcome if either has one.
func (r Rows) Add(o Rows) Rows {
	sum := Rows{
		Read: r.Read + o.Read, Excluded: r.Excluded + o.Excluded, Rejected: r.Rejected + o.Rejected,
		Submitted: r.Submitted + o.Submitted,
	}
	if r.RowOutcomes != nil || o.RowOutcomes != nil {
		a, b := r.Counts(), o.Counts()
		sum.RowOutcomes = &RowOutcomes{
			Imported: a.Imported + b.Imported, Skipped: a.Skipped + b.Skipped,
			Failed: a.Failed + b.Failed, Unprocessed: a.Unprocessed + b.Unprocessed,
		}
	}
	return sum
}

// ResultJob is one Cognito import job: one attempt at one part.
type ResultJob struct {
	JobName                  string    `json:"jobName"`
	JobID                    string    `json:"jobId"`
	Part                     int       `json:"part,omitzero"`
	Attempt                  int       `json:"attempt,omitzero"`
	Status                   string    `json:"status"` // Cognito's word
	CompletionMessage        string    `json:"completionMessage,omitzero"`
	PasswordHashingAlgorithm string    `json:"passwordHashingAlgorithm,omitzero"`
	Rows                     JobRows   `json:"rows"`
	QueuedAt                 time.Time `json:"queuedAt,omitzero"` // when the part began to await its turn
	CreatedAt                time.Time `json:"createdAt,omitzero"`
	StartedAt                time.Time `json:"startedAt,omitzero"`
	CompletedAt              time.Time `json:"completedAt,omitzero"`
}

// JobRows are a job's own counters.
type JobRows struct {
	Submitted int64 `json:"submitted"`
	Imported  int64 `json:"imported"`
	Skipped   int64 `json:"skipped"`
	Failed    int64 `json:"failed"`
}

// AddExcluded adds up rows that were left out, by reason, in the order of the reasons.
func AddExcluded(lists ...[]ExcludedRows) []ExcludedRows {
	var sum []ExcludedRows
	for _, rows := range slices.Concat(lists...) {
		i, found := slices.BinarySearchFunc(sum, rows, func(a, b ExcludedRows) int {
			return cmp.Compare(a.Because, b.Because)
		})
		if !found {
			sum = slices.Insert(sum, i, rows)
			continue
		}
		sum[i].Count += rows.Count
	}
	return sum
}

// ExcludedRows counts the rows that a mapping left out for one reason, one of the fixed words of mappings.
type ExcludedRows struct {
	Because string `json:"because"`
	Count   int64  `json:"count"`
}

// Changes counts what was done after the import: memberships of groups, users enabled or disabled, and changes to the
// attributes of existing users.
type Changes struct {
	Groups     ChangeCounts `json:"groups"`
	State      ChangeCounts `json:"state"`
	Attributes ChangeCounts `json:"attributes"`
}

// ChangeCounts counts changes of one kind. Always wanted = applied + unchanged + failed, but for a dry run, which
// applies nothing: there, applied and failed are 0.
type ChangeCounts struct {
	Wanted    int64 `json:"wanted"`
	Applied   int64 `json:"applied"`
	Unchanged int64 `json:"unchanged"` // it was so already
	Failed    int64 `json:"failed"`
}

// Kinds returns the counts of each kind with its name for people.
func (c *Changes) Kinds() []ChangeKind {
	if c == nil {
		return nil
	}
	return []ChangeKind{
		{"Group memberships", c.Groups}, {"Enabled or disabled", c.State}, {"Attributes of existing users", c.Attributes},
	}
}

// ChangeKind is one kind of change with its counts.
type ChangeKind struct {
	Name string
	ChangeCounts
}

// FailedChanges returns how many changes failed.
func (c *Changes) FailedChanges() (n int64) {
	for _, k := range c.Kinds() {
		n += k.Failed
	}
	return n
}

// Cause is why the verdict is ERROR or FAILED: an error's name and the words of the refusal.
type Cause struct {
	Name    string `json:"name"`
	Message string `json:"message"`
}

// Predicted is what an import would do with the submitted rows of a dry run.
type Predicted struct {
	Imported  int64 `json:"imported"`
	Skipped   int64 `json:"skipped"`   // the user exists
	Unchecked int64 `json:"unchecked"` // nobody looked: looking is bounded by the API's rate
}

// JobsUsed is the pool's budget of import jobs.
type JobsUsed struct {
	Used    int    `json:"used"`
	Limit   int    `json:"limit"`
	Warning string `json:"warning,omitzero"` // set by Finish
}

// Waits sums the time in which nothing could be done.
type Waits struct {
	QueueSeconds int64 `json:"queueSeconds"` // for other jobs of the account
}

// Files says where the files are.
type Files struct {
	Result   string   `json:"result,omitzero"`
	Failed   string   `json:"failed,omitzero"`   // only if a row did not make it
	Excluded string   `json:"excluded,omitzero"` // excluded.csv: only if a mapping left rows out
	Users    string   `json:"users,omitzero"`    // users.csv: only if UserMap is true
	Report   string   `json:"report,omitzero"`
	Parts    []string `json:"parts,omitempty"` // userdrop check --out
}

// Verdict is the outcome of a drop in one word.
type Verdict string

const (
	VerdictChecked   Verdict = "CHECKED"   // a dry run
	VerdictErrored   Verdict = "ERROR"     // userdrop's own workflow broke
	VerdictRejected  Verdict = "REJECTED"  // nothing was submitted
	VerdictSucceeded Verdict = "SUCCEEDED" // every row read is imported or was there already
	VerdictPartial   Verdict = "PARTIAL"   // any row is
	VerdictStopped   Verdict = "STOPPED"   // as the Cognito jobs ended
	VerdictExpired   Verdict = "EXPIRED"
	VerdictFailed    Verdict = "FAILED"
)

// Reconcile proves that every row is accounted for once: in the whole, in every source, and in their sum.
func (r *Result) Reconcile() error {
	errs := []error{r.Rows.reconcile("the result")}
	var sum Rows
	for i, s := range r.Sources {
		errs = append(errs, s.Rows.reconcile(fmt.Sprintf("source %d", i+1)))
		sum = sum.Add(s.Rows)
	}
	if len(r.Sources) > 0 && (sum.Read != r.Rows.Read || sum.Excluded != r.Rows.Excluded || sum.Rejected != r.Rows.Rejected ||
		sum.Submitted != r.Rows.Submitted || sum.Counts() != r.Rows.Counts()) {
		errs = append(errs, errors.New("the sources' rows do not add up to the result's"))
	}
	if p := r.Predicted; p != nil && p.Imported+p.Skipped+p.Unchecked != r.Rows.Submitted {
		errs = append(errs, errors.New("the predicted rows do not add up to the submitted"))
	}
	for _, k := range r.Changes.Kinds() {
		if r.Mode != ModeCheck && k.Wanted != k.Applied+k.Unchanged+k.Failed {
			errs = append(errs, fmt.Errorf("changes, %s: wanted %d is not applied %d + unchanged %d + failed %d",
				k.Name, k.Wanted, k.Applied, k.Unchanged, k.Failed))
		}
	}
	return errors.Join(errs...)
}

func (r Rows) reconcile(whose string) error {
	o := r.Counts()
	if min(r.Read, r.Excluded, r.Rejected, r.Submitted, o.Imported, o.Skipped, o.Failed, o.Unprocessed) < 0 {
		return fmt.Errorf("rows of %s: a negative count", whose)
	}
	var errs []error
	if r.Read != r.Excluded+r.Rejected+r.Submitted {
		errs = append(errs, fmt.Errorf("rows of %s: read %d is not excluded %d + rejected %d + submitted %d",
			whose, r.Read, r.Excluded, r.Rejected, r.Submitted))
	}
	if r.RowOutcomes != nil && r.Submitted != o.Imported+o.Skipped+o.Failed+o.Unprocessed {
		errs = append(errs, fmt.Errorf(
			"rows of %s: submitted %d is not imported %d + skipped %d + failed %d + unprocessed %d",
			whose, r.Submitted, o.Imported, o.Skipped, o.Failed, o.Unprocessed))
	}
	return errors.Join(errs...)
}

// MarshalResult returns the text of result.json: the same result always gives the same bytes.
func MarshalResult(r *Result) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(r); err != nil {
		return nil, fmt.Errorf("encode result: %w", err)
	}
	return b.Bytes(), nil
}

// UnmarshalResult reads the text of result.json, and refuses any other schema.
func UnmarshalResult(text []byte) (*Result, error) {
	var r Result
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("decode result: %w", err)
	}
	if r.Schema != ResultSchema {
		return nil, fmt.Errorf("decode result: schema is %q, not %q", r.Schema, ResultSchema)
	}
	return &r, nil
}
