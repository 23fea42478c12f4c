package copytoimportjob_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"userdrop"
	"userdrop/internal/contract"
	"userdrop/localaws"
	"userdrop/localaws/cognito"
	"userdrop/test/simulation"
)

// world boots a stack with the pool of the examples in a bubble of virtual time.
func world(t *testing.T, change func(*localaws.Options), run func(*testing.T, *simulation.World)) {
	t.Helper()
	description, err := userdrop.Examples.ReadFile("examples/pool.json")
	if err != nil {
		t.Fatal(err)
	}
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

// drop drops three users and returns the result of their import.
func drop(t *testing.T, w *simulation.World) *contract.Result {
	t.Helper()
	const text = "username,email,email_verified\na,a@example.com,true\nb,b@example.com,true\nc,c@example.com,true\n"
	if _, err := w.S3.Put(w.Inbox(), "incoming/us-east-1_Example1/users.csv", []byte(text)); err != nil {
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

// TestStartDenied breaks a part off whose start IAM forbids. That is no other job's doing, and no waiting ends it.
func TestStartDenied(t *testing.T) {
	deny := func(o *localaws.Options) {
		o.Calls = func(c localaws.Call, next http.Handler) http.Handler {
			if c.Operation != "StartUserImportJob" {
				return next
			}
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/x-amz-json-1.1")
				w.WriteHeader(http.StatusBadRequest)
				fmt.Fprint(w, `{"__type": "AccessDeniedException", "Message": "not authorized"}`)
			})
		}
	}
	world(t, deny, func(t *testing.T, w *simulation.World) {
		if r := drop(t, w); r.Verdict != contract.VerdictErrored {
			t.Errorf("%s: %s", r.Verdict, r.Message)
		}
	})
}

// TestUploadsFail counts what uploads that never succeed cost of the pool's 1,000 jobs, where an upload URL is known to
// the one who makes the job and to nobody else.
func TestUploadsFail(t *testing.T) {
	for _, url := range []string{"original", "absent"} {
		t.Run(url, func(t *testing.T) {
			var made int
			refuse := func(o *localaws.Options) {
				o.Cognito.DescribeURL = url
				o.Calls = func(c localaws.Call, next http.Handler) http.Handler {
					switch {
					case c.Operation == "CreateUserImportJob":
						made++
					case c.Service == "upload":
						return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
							w.WriteHeader(http.StatusServiceUnavailable)
						})
					}
					return next
				}
			}
			world(t, refuse, func(t *testing.T, w *simulation.World) {
				r := drop(t, w)
				if r.Rows.Unprocessed != 3 {
					t.Errorf("%s: %s", r.Verdict, r.Message)
				}
				if made > 12 {
					t.Errorf("%d jobs were made", made)
				}
				if r.Error == nil || !strings.Contains(r.Error.Message, "upload URL") {
					t.Errorf("error: %+v", r.Error)
				}
			})
		})
	}
}

// TestUploadsCutShort breaks the first uploads off more often than a state tries what it does not know.
func TestUploadsCutShort(t *testing.T) {
	uploads := 0
	cut := func(o *localaws.Options) {
		o.Calls = func(c localaws.Call, next http.Handler) http.Handler {
			if c.Service != "upload" {
				return next
			}
			if uploads++; uploads > 5 {
				return next
			}
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusBadRequest)
				fmt.Fprint(w, `<Error><Code>IncompleteBody</Code></Error>`)
			})
		}
	}
	world(t, cut, func(t *testing.T, w *simulation.World) {
		if r := drop(t, w); r.Verdict == contract.VerdictErrored {
			t.Errorf("%s: %s", r.Verdict, r.Message)
		}
	})
}
