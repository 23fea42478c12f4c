package simulation_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"userdrop/localaws"
	"userdrop/localaws/cognito"
)

// TestCleanedUp lets publish-result lose what an attempt found out, as it does where another run has published and
// cleaned up: it writes no failed.csv that lacks those rows over the other's.
func TestCleanedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		written, lost := 0, false
		calls := func(c localaws.Call, next http.Handler) http.Handler {
			return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				ours := c.Principal != nil && strings.Contains(c.Principal.ARN(), "PublishResult")
				switch path := r.URL.Path; {
				case ours && r.Method == http.MethodPut && strings.HasSuffix(path, "/failed.csv"):
					written++
				case ours && r.Method == http.MethodPut && strings.HasSuffix(path, "/attempt-1.json"):
					lost = true // once it is written, it is not there to be read
				case ours && lost && r.Method == http.MethodGet && strings.HasSuffix(path, "/attempt-1.json"):
					lost = false
					r.URL.Path += ".gone"
				}
				next.ServeHTTP(rw, r)
			})
		}
		w := boot(t, localaws.Options{Cognito: cognito.Defaults(), Calls: calls})
		defer w.Close()
		text := append(list(0, 2000), "bad,no address,true\n"...)
		if _, err := w.S3.Put(w.Inbox(), "incoming/us-east-1_Example1/users.csv", text); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Second)
		part := w.StepFunctions.Executions(w.Machine("import-job"))[0].ARN
		if _, err := w.StepFunctions.StopExecution(t.Context(), part, "", ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(6 * time.Hour)
		got, err := w.Result(w.Imports()[0].Name)
		if err != nil || got == nil {
			t.Fatalf("no result: %v", err)
		}
		if err := got.Reconcile(); err != nil {
			t.Error(err)
		}
		if written != 1 {
			t.Errorf("failed.csv was written %d times", written)
		}
	})
}
