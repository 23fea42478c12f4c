package simulation_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"userdrop/internal/contract"
	"userdrop/localaws"
	"userdrop/localaws/cognito"
	"userdrop/localaws/events"
	"userdrop/test/simulation"
)

// TestRedriveAfterTakeOver stops an import of a scheduled file while it waits, without an event: the next
// sweep takes the file over, and somebody redrives the import. One of the two imports the file.
func TestRedriveAfterTakeOver(t *testing.T) {
	tests := []struct {
		name  string
		after time.Duration // from the drop to the end of its import
		while bool          // the sweep is at work, else after it
	}{
		{name: "after it", after: 5 * time.Minute},
		{name: "after it, from the begin", after: 100 * time.Millisecond},
		{name: "while it looks", after: 5 * time.Minute, while: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const pool, other = "us-east-1_Example1", "us-east-1_Other"
				var w *simulation.World
				var once sync.Once
				redrive := func() {
					if _, err := w.StepFunctions.RedriveExecution(t.Context(), w.Imports()[0].ARN); err != nil {
						t.Error(err)
					}
				}
				w = boot(t, localaws.Options{
					Cognito: cognito.Defaults(),
					Parameters: map[string]string{
						"UserPoolArns": "arn:aws:cognito-idp:us-east-1:123456789012:userpool/" + pool,
					},
					Deliveries: func(_, _ string, e events.Envelope, usual time.Duration) []time.Duration {
						if e.Source == "aws.states" {
							return nil
						}
						return []time.Duration{usual}
					},
					Calls: func(call localaws.Call, next http.Handler) http.Handler {
						return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
							if test.while && r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/closed") &&
								strings.Contains(call.Principal.ARN(), "Sweep") {
								once.Do(func() {
									redrive()
									time.Sleep(time.Minute)
								})
							}
							next.ServeHTTP(rw, r)
						})
					},
				}, other)
				defer w.Close()
				if err := w.Foreign(t.Context(), other, 60_000); err != nil { // for 29 minutes
					t.Fatal(err)
				}
				if _, err := w.S3.Put(w.Inbox(), "scheduled/"+pool+"/users.csv", list(0, 5000)); err != nil {
					t.Fatal(err)
				}
				sweep(t, w)
				time.Sleep(test.after)
				if _, err := w.StepFunctions.StopExecution(t.Context(), w.Imports()[0].ARN, "", ""); err != nil {
					t.Fatal(err)
				}
				time.Sleep(61 * time.Minute)
				sweep(t, w)
				time.Sleep(10 * time.Second)
				if !test.while {
					redrive()
				}
				w.Settle(t.Context(), 4*time.Hour)
				var results []*contract.Result
				for _, e := range w.Imports() {
					got, err := w.Result(e.Name)
					if err != nil {
						t.Fatal(err)
					}
					if got != nil {
						results = append(results, got)
					}
				}
				want := contract.RowOutcomes{Imported: 5000}
				if len(results) != 1 || results[0].Rows.Counts() != want {
					t.Errorf("%d results, want one with %+v: %+v", len(results), want, results)
				}
				started := 0
				for _, j := range w.Cognito.Jobs(pool) {
					if j.Status != "Created" {
						started++
					}
				}
				if started != 1 {
					t.Errorf("%d jobs were started, want 1", started)
				}
			})
		})
	}
}

// sweep runs the sweep for scheduled files.
func sweep(t *testing.T, w *simulation.World) {
	t.Helper()
	for _, s := range w.Stack.Schedules {
		if s.LogicalID == "ScheduledSweep" {
			if err := w.Scheduler.RunNow(s.Name); err != nil {
				t.Fatal(err)
			}
		}
	}
}
