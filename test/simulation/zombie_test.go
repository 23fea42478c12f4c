package simulation_test

import (
	"context"
	"encoding/json"
	"fmt"
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
	"userdrop/localaws/lambda"
	"userdrop/localaws/stepfunctions"
	"userdrop/test/simulation"
)

// TestZombie breaks an import off while start-import-job is about to start its job, and takes nearly all of its time:
// StopExecution does not stop a running Lambda, and the job that it starts is in the result.
func TestZombie(t *testing.T) {
	tests := []struct {
		name  string
		after time.Duration // from the end of import-users to that of its part
	}{
		{name: "with its part"},
		{name: "and its part later", after: 20 * time.Minute},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const pool, other = "us-east-1_Example1", "us-east-1_Other"
				var w *simulation.World
				var once sync.Once
				began := time.Now()
				o := localaws.Options{
					Cognito: cognito.Defaults(),
					Parameters: map[string]string{
						"UserPoolArns": "arn:aws:cognito-idp:us-east-1:123456789012:userpool/" + pool,
					},
					Calls: func(call localaws.Call, next http.Handler) http.Handler {
						return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
							if call.Operation == "StartUserImportJob" && call.Principal != nil && time.Since(began) > test.after {
								once.Do(func() {
									stop(t, w, test.after > 0)
									time.Sleep(timeout(w, "start-import-job") - 5*time.Second)
								})
							}
							next.ServeHTTP(rw, r)
						})
					},
				}
				if test.after > 0 {
					o.StepFunctions = stepfunctions.Options{StopChild: func(string) bool { return false }}
					o.Deliveries = func(_, _ string, e events.Envelope, usual time.Duration) []time.Duration {
						if e.Source == "aws.states" {
							return nil
						}
						return []time.Duration{usual}
					}
				}
				w = boot(t, o, other)
				defer w.Close()
				if test.after > 0 {
					if err := w.Foreign(t.Context(), other, int(35*test.after.Seconds())); err != nil {
						t.Fatal(err)
					}
				}
				if _, err := w.S3.Put(w.Inbox(), "incoming/"+pool+"/users.csv", list(0, 100)); err != nil {
					t.Fatal(err)
				}
				if test.after > 0 {
					time.Sleep(time.Minute)
					if _, err := w.StepFunctions.StopExecution(t.Context(), w.Imports()[0].ARN, "", ""); err != nil {
						t.Fatal(err)
					}
					time.Sleep(2 * test.after)
				}
				time.Sleep(time.Hour)
				got, err := w.Result(w.Imports()[0].Name)
				if err != nil || got == nil {
					t.Fatalf("no result: %v", err)
				}
				if n := int64(w.Cognito.UserCount(pool)); n != 100 || n != got.Rows.Counts().Imported {
					t.Errorf("%d users in the pool, the result says %+v", n, got.Rows.Counts())
				}
			})
		})
	}
}

func timeout(w *simulation.World, function string) time.Duration {
	for _, f := range w.Stack.Functions {
		if strings.HasSuffix(f.CodeURI, "/"+function) {
			return f.Timeout
		}
	}
	return 0
}

// stop ends an import: its execution, or the part that was left of it, by a late abort-import.
func stop(t *testing.T, w *simulation.World, late bool) {
	ctx := context.Background()
	arn := w.Imports()[0].ARN
	if !late {
		if _, err := w.StepFunctions.StopExecution(ctx, arn, "", ""); err != nil {
			t.Error(err)
		}
		return
	}
	if _, err := w.StepFunctions.StartExecution(ctx, stepfunctions.StartInput{
		MachineARN: w.Machine("abort-import"), Input: fmt.Sprintf(`{"executionArn":%q}`, arn),
	}); err != nil {
		t.Error(err)
	}
}

// TestAbortWhilePreparing aborts an import before its file is read: the result waits for prepare-import, which goes on,
// so that it has the rows, and nothing of them is left behind.
func TestAbortWhilePreparing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := boot(t, localaws.Options{
			Cognito: cognito.Defaults(),
			Around: func(_ context.Context, f lambda.Function, _ []byte, next func() lambda.Result) lambda.Result {
				if strings.HasSuffix(f.Name, "-prepare-import") {
					time.Sleep(5 * time.Minute)
				}
				return next()
			},
		})
		defer w.Close()
		if _, err := w.S3.Put(w.Inbox(), "incoming/us-east-1_Example1/users.csv", list(0, 100)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if _, err := w.StepFunctions.StopExecution(t.Context(), w.Imports()[0].ARN, "", ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		got, err := w.Result(w.Imports()[0].Name)
		if err != nil || got == nil {
			t.Fatalf("no result: %v", err)
		}
		if got.Verdict != contract.VerdictStopped || got.Rows.Counts().Unprocessed != 100 {
			t.Errorf("%s %+v, want STOPPED with 100 rows not processed", got.Verdict, got.Rows.Counts())
		}
		keys, err := w.S3.Keys(w.Work(), contract.WorkPrefix(got.ImportID))
		if err != nil {
			t.Fatal(err)
		}
		if text, _ := json.Marshal(keys); len(keys) != 2 {
			t.Errorf("the work bucket has %s, want the marks that it was told and is done", text)
		}
	})
}
