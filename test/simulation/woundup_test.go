package simulation_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"userdrop/localaws"
	"userdrop/localaws/cognito"
	"userdrop/test/simulation"
)

// TestRedriveWhileWoundUp redrives an import that was aborted before its job began, at each call by which
// publish-result winds it up: there is one result, it adds up, and it counts each user who is in the pool.
func TestRedriveWhileWoundUp(t *testing.T) {
	t.Run("the redriven part has time", func(t *testing.T) { redriveWhileWoundUp(t, 10*time.Minute, 0) })
	// Between the look whether the import is over and the start of its job, publish-result goes on.
	t.Run("the start is slow", func(t *testing.T) { redriveWhileWoundUp(t, 30*time.Second, 50*time.Second) })
}

func redriveWhileWoundUp(t *testing.T, pause, slowStart time.Duration) {
	const pool, other = "us-east-1_Example1", "us-east-1_Other"
	for at, redriven := 0, true; redriven; at++ {
		synctest.Test(t, func(t *testing.T) {
			var w *simulation.World
			var mu sync.Mutex
			var seen int
			redriven = false
			w = boot(t, localaws.Options{
				Cognito: cognito.Defaults(),
				Parameters: map[string]string{
					"UserPoolArns": "arn:aws:cognito-idp:us-east-1:123456789012:userpool/" + pool,
				},
				Calls: func(call localaws.Call, next http.Handler) http.Handler {
					return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
						if call.Operation == "StartUserImportJob" {
							time.Sleep(slowStart)
						}
						if call.Principal != nil && strings.Contains(call.Principal.ARN(), "PublishResult") {
							mu.Lock()
							now := seen == at
							seen++
							mu.Unlock()
							if now {
								redriven = true
								if _, err := w.StepFunctions.RedriveExecution(t.Context(), w.Imports()[0].ARN); err != nil {
									t.Error(err)
								}
								time.Sleep(pause)
							}
						}
						next.ServeHTTP(rw, r)
					})
				},
			}, other)
			defer w.Close()
			if err := w.Foreign(t.Context(), other, 35*150); err != nil {
				t.Fatal(err)
			}
			if _, err := w.S3.Put(w.Inbox(), "incoming/"+pool+"/users.csv", list(0, 100)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			if _, err := w.StepFunctions.StopExecution(t.Context(), w.Imports()[0].ARN, "", ""); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
			got, err := w.Result(w.Imports()[0].Name)
			if err != nil || got == nil {
				t.Fatalf("redriven at call %d: no result: %v", at, err)
			}
			if n := int64(w.Cognito.UserCount(pool)); n != got.Rows.Counts().Imported {
				t.Errorf("redriven at call %d: %d users in the pool, the result says %+v", at, n, got.Rows.Counts())
			}
		})
	}
}
