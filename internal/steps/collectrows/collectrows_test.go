package collectrows_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"userdrop"
	"userdrop/internal/aws/rowoutcomes"
	"userdrop/internal/contract"
	"userdrop/internal/usercsv/linemap"
	"userdrop/localaws"
	"userdrop/localaws/cognito"
	"userdrop/test/simulation"
)

const poolID = "us-east-1_Example1"

// world boots a stack with a pool in which nobody may have somebody else's address, in a bubble of virtual time.
func world(t *testing.T, change func(*localaws.Options), run func(*testing.T, *simulation.World)) {
	t.Helper()
	description, err := userdrop.Examples.ReadFile("examples/pool.json")
	if err != nil {
		t.Fatal(err)
	}
	description = bytes.Replace(description,
		[]byte(`"AutoVerifiedAttributes"`), []byte(`"AliasAttributes": ["email"], "AutoVerifiedAttributes"`), 1)
	synctest.Test(t, func(t *testing.T) {
		options := localaws.Options{Pools: []localaws.Pool{{Description: description}}, Cognito: cognito.Defaults()}
		change(&options)
		w, err := simulation.New(options)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		run(t, w)
	})
}

// clashing rows have the address of the first row, so that Cognito refuses them. Lines count from 1, the header's.
func clashing(rows int, bad ...int) string {
	var b strings.Builder
	b.WriteString("username,email,email_verified\n")
	for line := 2; line < rows+2; line++ {
		owner := line
		if slices.Contains(bad, line) {
			owner = 2
		}
		fmt.Fprintf(&b, "u%d,u%d@example.com,true\n", line, owner)
	}
	return b.String()
}

// told are the lines of failed.csv by their code.
func told(t *testing.T, w *simulation.World, key string) map[string][]int {
	t.Helper()
	text, err := w.S3.Get(w.Results(), key)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at, code := slices.Index(rows[0], "userdrop:line"), slices.Index(rows[0], "userdrop:code")
	lines := map[string][]int{}
	for _, row := range rows[1:] {
		line, err := strconv.Atoi(row[at])
		if err != nil {
			t.Fatal(err)
		}
		lines[row[code]] = append(lines[row[code]], line)
	}
	return lines
}

// TestRowsJoined joins the log's lines to rows under every answer to what Cognito's log is like.
func TestRowsJoined(t *testing.T) {
	bad := []int{5, 40, 41, 99}
	for name, test := range map[string]struct {
		rows   int
		change func(*localaws.Options)
	}{
		"the header is line 1":     {rows: 100, change: func(*localaws.Options) {}},
		"the first user is line 1": {rows: 100, change: func(o *localaws.Options) { o.Cognito.LineBase = 1 }},
		"late": {rows: 100, change: func(o *localaws.Options) {
			o.Cognito.LogDelay = cognito.Duration(2 * time.Minute)
		}},
		"doubled": {rows: 100, change: func(o *localaws.Options) { o.Cognito.LogDoubled = 0.5 }},
		"the job halts early, and goes on in others": {rows: 100, change: func(o *localaws.Options) {
			o.Cognito.FailEarly, o.Cognito.FailFraction, o.Cognito.FailMinimum = true, 0.02, 1
		}},
		"early, and the first user is line 1": {rows: 100, change: func(o *localaws.Options) {
			o.Cognito.FailEarly, o.Cognito.FailFraction, o.Cognito.FailMinimum = true, 0.02, 1
			o.Cognito.LineBase = 1
		}},
	} {
		t.Run(name, func(t *testing.T) {
			world(t, test.change, func(t *testing.T, w *simulation.World) {
				r := drop(t, w, clashing(test.rows, bad...))
				want := contract.Rows{Read: 100, Submitted: 100, RowOutcomes: &contract.RowOutcomes{Imported: 96, Failed: 4}}
				if diff := cmp.Diff(want, r.Rows); diff != "" {
					t.Errorf("rows (-want +got):\n%s", diff)
				}
				lines := told(t, w, contract.FailedKey(r.ImportID, 0, 1))
				if diff := cmp.Diff(map[string][]int{"CognitoFailed": bad}, lines); diff != "" {
					t.Errorf("failed.csv (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestRowsUnknown leaves out log lines: what none tells is said to be unknown, and never guessed.
func TestRowsUnknown(t *testing.T) {
	bad := []int{5, 40, 41, 99}
	for name, change := range map[string]func(*localaws.Options){
		"gaps":                       func(o *localaws.Options) { o.Cognito.LogMissing = 0.3 },
		"gaps, first user is line 1": func(o *localaws.Options) { o.Cognito.LogMissing, o.Cognito.LineBase = 0.3, 1 },
		"gaps and doubles, a late log": func(o *localaws.Options) {
			o.Cognito.LogMissing, o.Cognito.LogDoubled, o.Cognito.LogDelay = 0.3, 0.3, cognito.Duration(time.Minute)
		},
		"no log at all": func(o *localaws.Options) { o.Cognito.NoLogGroup = true },
	} {
		for seed := range uint64(4) {
			t.Run(fmt.Sprint(name, ", seed ", seed), func(t *testing.T) {
				seeded := func(o *localaws.Options) {
					o.Seed = seed
					change(o)
				}
				world(t, seeded, func(t *testing.T, w *simulation.World) {
					r := drop(t, w, clashing(100, bad...))
					want := contract.Rows{Read: 100, Submitted: 100, RowOutcomes: &contract.RowOutcomes{Imported: 96, Failed: 4}}
					if diff := cmp.Diff(want, r.Rows); diff != "" {
						t.Errorf("rows (-want +got):\n%s", diff)
					}
					lines := told(t, w, contract.FailedKey(r.ImportID, 0, 1))
					for _, line := range lines["CognitoFailed"] {
						if !slices.Contains(bad, line) {
							t.Errorf("line %d did not fail", line)
						}
					}
					for _, line := range bad {
						if !slices.Contains(slices.Concat(lines["CognitoFailed"], lines["FateUnknown"]), line) {
							t.Errorf("line %d failed, and nobody says so", line)
						}
					}
					if extra := len(lines) - min(len(lines["CognitoFailed"]), 1) - min(len(lines["FateUnknown"]), 1); extra > 0 {
						t.Errorf("other codes: %v", lines)
					}
				})
			})
		}
	}
}

func drop(t *testing.T, w *simulation.World, text string) *contract.Result {
	t.Helper()
	if _, err := w.S3.Put(w.Inbox(), "incoming/"+poolID+"/users.csv", []byte(text)); err != nil {
		t.Fatal(err)
	}
	if !w.Settle(t.Context(), 24*time.Hour) {
		t.Fatal("the import does not end")
	}
	r, err := w.Result(w.Imports()[0].Name)
	if err != nil || r == nil {
		t.Fatalf("no result: %v", err)
	}
	return r
}

// TestLongLook looks for users, which may take ten minutes, before it opens what it reads row by row: S3 ends the
// connection of somebody who stops reading.
func TestLongLook(t *testing.T) {
	var calls []string
	early := func(o *localaws.Options) {
		o.Cognito.FailEarly, o.Cognito.FailFraction, o.Cognito.FailMinimum = true, 0.1, 1
		o.Calls = func(c localaws.Call, next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if c.Principal != nil && strings.Contains(c.Principal.ARN(), "CollectRowsFunctionRole") {
					calls = append(calls, c.Operation+" "+path.Base(r.URL.Path))
				}
				next.ServeHTTP(w, r)
			})
		}
	}
	world(t, early, func(t *testing.T, w *simulation.World) {
		drop(t, w, clashing(50))
		calls = nil
		drop(t, w, clashing(100)) // 50 of them are there
		look := slices.Index(calls, "ListUsers /")
		if look < 0 {
			t.Fatalf("nobody looked for users: %q", calls)
		}
		if opened := slices.Index(calls, "GET attempt-1.lines"); opened < look {
			t.Errorf("the line map was opened by call %d, users were looked for from call %d on", opened, look)
		}
	})
}

// TestLongLog reads 500,000 lines, and a search of CloudWatch Logs that looks at some lines a call and may answer an
// empty page, within FilterLogEvents' quota of 5 calls a second for the whole account.
func TestLongLog(t *testing.T) {
	var calls []time.Time
	count := func(o *localaws.Options) {
		o.Calls = func(c localaws.Call, next http.Handler) http.Handler {
			if c.Operation == "FilterLogEvents" {
				calls = append(calls, time.Now())
			}
			return next
		}
	}
	world(t, count, func(t *testing.T, w *simulation.World) {
		w.Logs.ScanLimit = 4000
		const rows, told, bad = 500_000, 499_000, 123_456 // the job halted early
		now := time.Now()
		for i := range told {
			fate := "SUCCEEDED"
			if i == bad {
				fate = "FAILED"
			}
			w.Logs.Append("/aws/cognito/userpools/"+poolID+"/example", "import-1/users-p1-a1", now,
				"["+fate+"] Line Number "+strconv.Itoa(i+2)+" - Why.")
		}
		var lines, part bytes.Buffer
		places := linemap.NewWriter(&lines)
		part.WriteString("header\n")
		for i := range rows {
			if err := places.Add(linemap.Place{Line: i + 2}); err != nil {
				t.Fatal(err)
			}
			part.WriteString("row\n")
		}
		if err := places.Flush(); err != nil {
			t.Fatal(err)
		}
		job := contract.ImportJob{
			PartPlan: contract.PartPlan{ImportID: "users-1", UserPoolID: poolID, Sources: 1, Part: 1},
			AttemptState: contract.AttemptState{
				Attempt: 1, Rows: rows,
				Object: contract.Object{Bucket: w.Work(), Key: "users-1/part"},
				Lines:  contract.Object{Bucket: w.Work(), Key: "users-1/lines"},
				Job: contract.Job{
					ID: "import-1", Name: "users-p1-a1", Status: "Failed", Imported: told - 1, Failed: 1, CompletedAt: now,
				},
			},
		}
		for key, text := range map[string][]byte{job.Object.Key: part.Bytes(), job.Lines.Key: lines.Bytes()} {
			if _, err := w.S3.Put(w.Work(), key, text); err != nil {
				t.Fatal(err)
			}
		}
		role := w.Stack.Function("userdrop-collect-rows").RoleARN
		collect := rowoutcomes.New(w.Config(role), w.Work())
		began := time.Now()
		after, err := collect.Collect(t.Context(), job)
		if err != nil {
			t.Fatal(err)
		}
		if after.Next != contract.Attempt || after.Rows != rows-told {
			t.Errorf("answered %s with %d rows, want the next attempt with the %d that no line tells",
				after.Next, after.Rows, rows-told)
		}
		if took := time.Since(began); took > 10*time.Minute {
			t.Errorf("took %v of the function's 15 minutes", took)
		}
		if len(calls) < told/4000 {
			t.Errorf("%d calls can't have read it all", len(calls))
		}
		for i := range max(0, len(calls)-5) {
			if calls[i+5].Sub(calls[i]) < time.Second {
				t.Fatalf("more than 5 calls in the second after %v", calls[i].Sub(began))
			}
		}
		var summary contract.Summary
		text, err := w.S3.Get(w.Work(), contract.SummaryKey("users-1", 1, 1))
		if err == nil {
			err = json.Unmarshal(text, &summary)
		}
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]contract.SourceRows{{Imported: told - 1, Failed: 1}}, summary.Rows); diff != "" {
			t.Errorf("rows (-want +got):\n%s", diff)
		}
	})
}

// TestRowsOfSeveralSources imports two files of the schedule in one import, whose rows go to two parts by turns, since
// a job takes one algorithm of password hashes. Each file is handed back its own rows.
func TestRowsOfSeveralSources(t *testing.T) {
	hashes := []string{"$2b$10$" + strings.Repeat("a", 53), "$pbkdf2-sha256$1000$c2FsdA$aGFzaA"}
	file := func(name string, bad ...int) []byte {
		var b strings.Builder
		b.WriteString("username,email,email_verified,password_hash\n")
		for line := 2; line < 42; line++ {
			owner := fmt.Sprint(name, line)
			if slices.Contains(bad, line) {
				owner = name + "2" // Cognito refuses a second user with that address
			}
			verified := "true"
			if line == 30 {
				verified = "no" // the rules reject it
			}
			fmt.Fprintf(&b, "%s%d,%s@example.com,%s,%s\n", name, line, owner, verified, hashes[line%2])
		}
		return []byte(b.String())
	}
	world(t, func(*localaws.Options) {}, func(t *testing.T, w *simulation.World) {
		for name, bad := range map[string][]int{"a": {4, 7, 8}, "b": {5, 6}} {
			if _, err := w.S3.Put(w.Inbox(), "scheduled/"+poolID+"/"+name+".csv", file(name, bad...)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(2*time.Hour + time.Minute) // the schedule is at two o'clock
		if !w.Settle(t.Context(), 24*time.Hour) {
			t.Fatal("the import does not end")
		}
		imports := w.Imports()
		if len(imports) != 1 {
			t.Fatalf("%d imports, want 1 of both files", len(imports))
		}
		r, err := w.Result(imports[0].Name)
		if err != nil || r == nil {
			t.Fatalf("no result: %v; %s %s", err, imports[0].Error, imports[0].Cause)
		}
		if len(r.Jobs) != 2 {
			t.Errorf("%d jobs, want one of each algorithm", len(r.Jobs))
		}
		for i, want := range []struct {
			rows  contract.Rows
			lines map[string][]int
		}{
			{
				contract.Rows{Read: 40, Rejected: 1, Submitted: 39, RowOutcomes: &contract.RowOutcomes{Imported: 36, Failed: 3}},
				map[string][]int{"CognitoFailed": {4, 7, 8}, "NotVerified": {30}},
			},
			{
				contract.Rows{Read: 40, Rejected: 1, Submitted: 39, RowOutcomes: &contract.RowOutcomes{Imported: 37, Failed: 2}},
				map[string][]int{"CognitoFailed": {5, 6}, "NotVerified": {30}},
			},
		} {
			if diff := cmp.Diff(want.rows, r.Sources[i].Rows); diff != "" {
				t.Errorf("%s: rows (-want +got):\n%s", r.Sources[i].Key, diff)
			}
			if diff := cmp.Diff(want.lines, told(t, w, contract.FailedKey(r.ImportID, i, 2))); diff != "" {
				t.Errorf("%s: failed.csv (-want +got):\n%s", r.Sources[i].Key, diff)
			}
		}
	})
}
