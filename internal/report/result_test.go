package report_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"userdrop/internal/contract"
	"userdrop/internal/report"
	"userdrop/internal/report/sample"
)

func rows(read, rejected, submitted int64, outcome ...int64) contract.Rows {
	r := contract.Rows{Read: read, Rejected: rejected, Submitted: submitted}
	if len(outcome) == 4 {
		r.RowOutcomes = &contract.RowOutcomes{
			Imported: outcome[0], Skipped: outcome[1], Failed: outcome[2], Unprocessed: outcome[3],
		}
	}
	return r
}

// excluding returns rows of which a mapping left n out.
func excluding(n int64, r contract.Rows) contract.Rows {
	r.Excluded = n
	return r
}

func TestDecide(t *testing.T) {
	refusal := []contract.Problem{{Code: contract.EmptyFile, Count: 1}}
	job := func(part int, status string) contract.ResultJob {
		return contract.ResultJob{Part: part, Status: status}
	}
	tests := []struct {
		name     string
		mode     contract.Mode
		rows     contract.Rows
		jobs     []contract.ResultJob
		problems []contract.Problem
		changes  *contract.Changes
		end      report.Ending
		want     contract.Verdict
	}{
		{name: "all imported", rows: rows(2, 0, 2, 2, 0, 0, 0), want: contract.VerdictSucceeded},
		{
			name: "all there already, in a job that failed for it", rows: rows(2, 0, 2, 0, 2, 0, 0), want: contract.VerdictSucceeded,
			jobs: []contract.ResultJob{job(1, "Failed")},
		},
		{name: "all imported but those that a mapping left out", rows: excluding(3, rows(5, 0, 2, 2, 0, 0, 0)), want: contract.VerdictSucceeded},
		{name: "a failed change", rows: rows(2, 0, 2, 2, 0, 0, 0), changes: &contract.Changes{Groups: contract.ChangeCounts{Wanted: 1, Failed: 1}}, want: contract.VerdictPartial},
		{name: "every change applied", rows: rows(2, 0, 2, 2, 0, 0, 0), changes: &contract.Changes{Groups: contract.ChangeCounts{Wanted: 1, Applied: 1}}, want: contract.VerdictSucceeded},
		{name: "one rejected", rows: rows(2, 1, 1, 1, 0, 0, 0), want: contract.VerdictPartial},
		{name: "one failed in Cognito", rows: rows(2, 0, 2, 1, 0, 1, 0), want: contract.VerdictPartial},
		{name: "one skipped, the rest unprocessed", rows: rows(2, 0, 2, 0, 1, 0, 1), want: contract.VerdictPartial},
		{
			name: "stopped after the first user", rows: rows(2, 0, 2, 1, 0, 0, 1), want: contract.VerdictPartial, end: report.Aborted,
			jobs: []contract.ResultJob{job(1, "Stopped")},
		},
		{name: "file refused", rows: rows(0, 0, 0), problems: refusal, want: contract.VerdictRejected},
		{name: "every row rejected", rows: rows(3, 3, 0, 0, 0, 0, 0), want: contract.VerdictRejected},
		{name: "every row rejected, then stopped", rows: rows(3, 3, 0), end: report.Aborted, want: contract.VerdictRejected},
		{name: "dry run", mode: contract.ModeCheck, rows: rows(2, 0, 2), want: contract.VerdictChecked},
		{name: "dry run, every row rejected", mode: contract.ModeCheck, rows: rows(2, 2, 0), want: contract.VerdictChecked},
		{name: "dry run, file refused", mode: contract.ModeCheck, problems: refusal, want: contract.VerdictRejected},
		{name: "dry run that broke", mode: contract.ModeCheck, rows: rows(2, 0, 2), end: report.Broke, want: contract.VerdictErrored},
		{name: "broke with all imported", rows: rows(2, 0, 2, 2, 0, 0, 0), end: report.Broke, want: contract.VerdictErrored},
		{name: "broke before a row was read", end: report.Broke, want: contract.VerdictErrored},
		{name: "stopped before a row was read", end: report.Aborted, want: contract.VerdictStopped},
		{name: "stopped in the queue", rows: rows(2, 0, 2, 0, 0, 0, 2), end: report.Aborted, want: contract.VerdictStopped},
		{
			name: "job stopped by somebody", rows: rows(2, 0, 2, 0, 0, 0, 2), want: contract.VerdictStopped,
			jobs: []contract.ResultJob{job(1, "Stopped")},
		},
		{name: "job expired", rows: rows(2, 0, 2, 0, 0, 0, 2), want: contract.VerdictExpired, jobs: []contract.ResultJob{job(1, "Expired")}},
		{
			name: "stopped comes before expired", rows: rows(2, 0, 2, 0, 0, 0, 2), want: contract.VerdictStopped,
			jobs: []contract.ResultJob{job(1, "Expired"), job(2, "Stopped")},
		},
		{
			name: "expired comes before failed", rows: rows(2, 0, 2, 0, 0, 0, 2), want: contract.VerdictExpired,
			jobs: []contract.ResultJob{job(1, "Expired"), job(2, "Failed")},
		},
		{
			name: "expired, then failed at the next attempt", rows: rows(2, 0, 2, 0, 0, 2, 0), want: contract.VerdictFailed,
			jobs: []contract.ResultJob{job(1, "Expired"), job(1, "Failed")},
		},
		{
			name: "every row failed in a job that succeeded", rows: rows(2, 0, 2, 0, 0, 2, 0), want: contract.VerdictFailed,
			jobs: []contract.ResultJob{job(1, "Succeeded")},
		},
		{name: "given up waiting for others", rows: rows(2, 0, 2, 0, 0, 0, 2), want: contract.VerdictFailed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &contract.Result{Mode: tt.mode, Rows: tt.rows, Jobs: tt.jobs, Problems: tt.problems, Changes: tt.changes}
			if got := report.Decide(r, tt.end); got != tt.want {
				t.Errorf("Decide = %s, want %s", got, tt.want)
			}
		})
	}
}

func TestReconcile(t *testing.T) {
	tests := []struct {
		name   string
		result contract.Result
		want   string // in the error; empty if it reconciles
	}{
		{name: "nothing read"},
		{name: "all six counts", result: contract.Result{Rows: rows(10, 2, 8, 5, 1, 1, 1)}},
		{name: "dry run", result: contract.Result{Rows: rows(10, 2, 8)}},
		{
			name:   "a row neither rejected nor submitted",
			result: contract.Result{Rows: rows(10, 2, 7, 7, 0, 0, 0)}, want: "read 10 is not excluded 0 + rejected 2 + submitted 7",
		},
		{
			name:   "a submitted row without a fate",
			result: contract.Result{Rows: rows(10, 2, 8, 5, 1, 1, 0)},
			want:   "submitted 8 is not imported 5 + skipped 1 + failed 1 + unprocessed 0",
		},
		{name: "rows that a mapping left out", result: contract.Result{Rows: excluding(3, rows(13, 2, 8, 5, 1, 1, 1))}},
		{
			name:   "changes that do not add up",
			result: contract.Result{Changes: &contract.Changes{State: contract.ChangeCounts{Wanted: 3, Applied: 1, Failed: 1}}},
			want:   "Enabled or disabled: wanted 3 is not applied 1 + unchanged 0 + failed 1",
		},
		{
			name:   "changes of a dry run",
			result: contract.Result{Mode: contract.ModeCheck, Changes: &contract.Changes{State: contract.ChangeCounts{Wanted: 3}}},
		},
		{name: "a negative count", result: contract.Result{Rows: rows(1, 0, 1, 2, 0, -1, 0)}, want: "negative"},
		{
			name: "two sources", result: contract.Result{
				Rows:    rows(5, 1, 4, 3, 1, 0, 0),
				Sources: []contract.Source{{Rows: rows(3, 1, 2, 2, 0, 0, 0)}, {Rows: rows(2, 0, 2, 1, 1, 0, 0)}},
			},
		},
		{
			name: "a source that does not reconcile", result: contract.Result{
				Rows:    rows(5, 1, 4, 3, 1, 0, 0),
				Sources: []contract.Source{{Rows: rows(3, 1, 2, 2, 0, 0, 0)}, {Rows: rows(2, 0, 2, 1, 0, 0, 0)}},
			}, want: "rows of source 2: submitted 2 is not",
		},
		{
			name: "sources that do not add up", result: contract.Result{
				Rows: rows(5, 1, 4, 3, 1, 0, 0), Sources: []contract.Source{{Rows: rows(4, 0, 4, 3, 1, 0, 0)}},
			}, want: "do not add up to the result's",
		},
		{
			name: "a prediction of other rows",
			result: contract.Result{
				Rows: rows(5, 1, 4), Predicted: &contract.Predicted{Imported: 3, Skipped: 2},
			}, want: "predicted rows do not add up",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.result.Reconcile()
			if got := err != nil; got != (tt.want != "") || got && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Reconcile: %v, want %q", err, tt.want)
			}
		})
	}
}

func TestFinish(t *testing.T) {
	zone := time.FixedZone("", 3600)
	r := &contract.Result{
		UserPoolID: "us-east-1_Example", Rows: rows(2, 2, 0),
		Problems: []contract.Problem{
			{Code: contract.BadPhone, Count: 1}, {Code: contract.FieldCount, Count: 1, Lines: []int{3}},
		},
		JobsUsed:   &contract.JobsUsed{Used: 900, Limit: contract.JobsPerPool},
		FinishedAt: time.Date(2026, 11, 21, 11, 0, 0, 0, zone),
	}
	if err := report.Finish(r, report.Ended); err != nil {
		t.Fatal(err)
	}
	want := `{
  "schema": "userdrop.result/v1",
  "userPoolId": "us-east-1_Example",
  "mode": "import",
  "verdict": "REJECTED",
  "message": "Every row was rejected: nothing was imported. Fix the 2 rows in failed.csv and drop that file.",
  "sources": [],
  "rows": {
    "read": 2,
    "rejected": 2,
    "submitted": 0,
    "imported": 0,
    "skipped": 0,
    "failed": 0,
    "unprocessed": 0
  },
  "jobs": [],
  "jobsUsed": {
    "used": 900,
    "limit": 1000,
    "warning": "900 of the pool's 1,000 import jobs are used, and jobs cannot be deleted: ask AWS for more, ` +
		`or gather small files into fewer imports."
  },
  "problems": [
    {
      "code": "FieldCount",
      "count": 1,
      "lines": [
        3
      ],
      "message": ""
    },
    {
      "code": "BadPhone",
      "count": 1,
      "lines": [],
      "message": ""
    }
  ],
  "files": {},
  "finishedAt": "2026-11-21T10:00:00Z"
}
`
	got, err := contract.MarshalResult(r)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}

	t.Run("refuses counts that do not reconcile", func(t *testing.T) {
		if err := report.Finish(&contract.Result{Rows: rows(2, 0, 2)}, report.Ended); err == nil {
			t.Error("two submitted rows without a fate passed")
		}
	})
	t.Run("a dry run has no outcome", func(t *testing.T) {
		r := &contract.Result{Mode: contract.ModeCheck, Rows: rows(2, 0, 2, 0, 0, 0, 0)}
		if err := report.Finish(r, report.Ended); err != nil || r.Rows.RowOutcomes != nil {
			t.Errorf("outcome %v, error %v", r.Rows.RowOutcomes, err)
		}
	})
	t.Run("no warning at 899 jobs", func(t *testing.T) {
		r := &contract.Result{Rows: rows(0, 0, 0), JobsUsed: &contract.JobsUsed{Used: 899, Limit: contract.JobsPerPool}}
		if err := report.Finish(r, report.Ended); err != nil || r.JobsUsed.Warning != "" {
			t.Errorf("warning %q, error %v", r.JobsUsed.Warning, err)
		}
	})
}

func TestUnmarshal(t *testing.T) {
	for _, s := range sample.All() {
		text, err := contract.MarshalResult(s.Result)
		if err != nil {
			t.Fatal(err)
		}
		got, err := contract.UnmarshalResult(text)
		if err != nil {
			t.Fatal(err)
		}
		want := *s.Result
		for i := range want.Sources { // JSON is UTF-8
			want.Sources[i].Key = strings.ToValidUTF8(want.Sources[i].Key, "\ufffd")
		}
		if diff := cmp.Diff(&want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: %s", s.Name, diff)
		}
	}
	for name, text := range map[string]string{
		"another schema": `{"schema":"userdrop.result/v2"}`, "no JSON": "PK", "no schema": "{}",
	} {
		if _, err := contract.UnmarshalResult([]byte(text)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// resultExample is the example of the CSV rules, which other programs rely on.
const resultExample = `{
  "schema": "userdrop.result/v1",
  "importId": "users-3f9a", "userPoolId": "us-east-1_Example", "verdict": "PARTIAL",
  "sources": [{"bucket": "inbox", "key": "incoming/us-east-1_Example/users.csv", "versionId": "v1", "bytes": 1234,
    "rows": {"read": 10, "rejected": 2}}],
  "rows": {"read": 10, "rejected": 2, "submitted": 8, "imported": 5, "skipped": 2, "failed": 1, "unprocessed": 0},
  "jobs": [{"jobName": "users-3f9a-p1-a1", "jobId": "import-Example001", "status": "Succeeded",
            "completionMessage": "x", "rows": {"submitted": 8, "imported": 5, "skipped": 2, "failed": 1},
            "createdAt": "2026-11-21T10:00:00Z", "startedAt": "2026-11-21T10:00:01Z",
            "completedAt": "2026-11-21T10:00:02Z"}],
  "problems": [{"code": "BadPhone", "count": 2, "lines": [4, 9], "message": "x"}],
  "files": {"failed": "s3://r/failed.csv", "report": "s3://r/report.html"},
  "startedAt": "2026-11-21T10:00:00Z", "finishedAt": "2026-11-21T10:00:03Z"
}`

func TestResultSchema(t *testing.T) {
	schema := compile(t, report.ResultJSONSchema)
	if err := schema.Validate(decode(t, []byte(resultExample))); err != nil {
		t.Errorf("the contract's example: %v", err)
	}
	seen := map[contract.Verdict]bool{}
	for _, s := range sample.All() {
		text, err := contract.MarshalResult(s.Result)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(decode(t, text)); err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
		seen[s.Result.Verdict] = true
	}
	if len(seen) != 8 {
		t.Errorf("the samples have %d of 8 verdicts: %v", len(seen), seen)
	}

	for name, edit := range map[string]struct{ from, to string }{
		"another schema":              {`"userdrop.result/v1"`, `"userdrop.result/v2"`},
		"an unknown verdict":          {`"PARTIAL"`, `"PARTLY"`},
		"an unknown code":             {`"BadPhone"`, `"BadFax"`},
		"a negative count":            {`"read": 10, "rejected": 2, `, `"read": -10, "rejected": 2, `},
		"a count as text":             {`"bytes": 1234`, `"bytes": "1234"`},
		"an outcome cut short":        {`, "unprocessed": 0`, ``},
		"an import without outcome":   {`, "imported": 5, "skipped": 2, "failed": 1, "unprocessed": 0}`, `}`},
		"an import without an id":     {`"importId": "users-3f9a", `, ``},
		"a success with rejected":     {`"PARTIAL"`, `"SUCCEEDED"`},
		"a refusal with submitted":    {`"PARTIAL"`, `"REJECTED"`},
		"a dry run with jobs":         {`"PARTIAL"`, `"CHECKED"`},
		"a job without a status":      {`"status": "Succeeded",`, ``},
		"a job of an unknown status":  {`"Succeeded"`, `"Done"`},
		"a problem without its lines": {`"lines": [4, 9], `, ``},
		"a problem of no row":         {`"count": 2`, `"count": 0`},
		"a line 0":                    {`[4, 9]`, `[0, 9]`},
		"eleven lines":                {`[4, 9]`, `[1,2,3,4,5,6,7,8,9,10,11]`},
		"no list of sources":          {`"sources"`, `"source"`},
		"a time that is none":         {`"finishedAt": "2026-11-21T10:00:03Z"`, `"finishedAt": "yesterday"`},
	} {
		broken := strings.Replace(resultExample, edit.from, edit.to, 1)
		if broken == resultExample {
			t.Errorf("%s: nothing was broken", name)
		}
		if err := schema.Validate(decode(t, []byte(broken))); err == nil {
			t.Errorf("%s: valid", name)
		}
	}
}

func compile(t *testing.T, schema []byte) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("schema.json", decode(t, schema)); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func decode(t *testing.T, text []byte) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// marshal is how an event's detail goes on its way.
func marshal(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
