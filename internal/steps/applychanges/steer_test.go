package applychanges_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"userdrop/internal/contract"
	"userdrop/localaws"
	"userdrop/localaws/lambda"
	"userdrop/test/simulation"
)

// members are n rows that want the group a.
func members(n int) []string {
	rows := make([]string, n)
	for i := range rows {
		rows[i] = fmt.Sprintf("u%d,a,", i)
	}
	return rows
}

// meanwhile runs something once some memberships exist.
func meanwhile(w *simulation.World, do func()) {
	go func() {
		for {
			time.Sleep(time.Second)
			for _, u := range w.Cognito.Users(pool) {
				if len(u.Groups) > 0 {
					do()
					return
				}
			}
		}
	}()
}

func inGroup(w *simulation.World) (n int) {
	for _, u := range w.Cognito.Users(pool) {
		n += len(u.Groups)
	}
	return n
}

// TestAbortStopsChanges: what is applied stays, the rest is in failed.csv, and the counts add up.
func TestAbortStopsChanges(t *testing.T) {
	world(t, nil, func(t *testing.T, w *simulation.World) {
		meanwhile(w, func() {
			time.Sleep(40 * time.Second)
			if _, err := w.StepFunctions.StopExecution(context.Background(), w.Imports()[0].ARN, "", ""); err != nil {
				t.Error(err)
			}
		})
		r := drop(t, w, members(2000)...)
		time.Sleep(time.Hour)
		applied := inGroup(w)
		c := r.Changes.Groups
		if c.Wanted != 2000 || c.Failed == 0 || c.Applied == 0 || c.Applied > int64(applied) || applied == 2000 {
			t.Errorf("%+v, and %d users are in the group", c, applied)
		}
		if r.Rows.Counts().Imported != 2000 || r.Verdict != contract.VerdictPartial {
			t.Errorf("%+v, verdict %s", r.Rows.Counts(), r.Verdict)
		}
	})
}

// TestPause: nothing is applied while the queue is paused, and everything after.
func TestPause(t *testing.T) {
	world(t, nil, func(t *testing.T, w *simulation.World) {
		meanwhile(w, func() {
			if _, err := w.S3.Put(w.Work(), contract.HoldKey, nil); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Minute) // the batch in hand
			before := inGroup(w)
			time.Sleep(10 * time.Hour)
			if after := inGroup(w); after != before {
				t.Errorf("%d changes were applied while the queue was paused", after-before)
			}
			_, err := s3.NewFromConfig(w.Config("")).DeleteObject(context.Background(), &s3.DeleteObjectInput{
				Bucket: aws.String(w.Work()), Key: aws.String(contract.HoldKey),
			})
			if err != nil {
				t.Error(err)
			}
		})
		r := drop(t, w, members(1500)...)
		if diff := cmp.Diff(contract.ChangeCounts{Wanted: 1500, Applied: 1500}, r.Changes.Groups); diff != "" {
			t.Error(diff)
		}
	})
}

// TestKilledAtAnyCall kills the function at many of its calls, and throttles others: every membership exists at the end.
func TestKilledAtAnyCall(t *testing.T) {
	for _, every := range []int{17, 90, 150} {
		t.Run(fmt.Sprint(every), func(t *testing.T) {
			calls, kills := 0, 0
			var stop context.CancelFunc
			change := func(o *localaws.Options) {
				o.Around = func(_ context.Context, f lambda.Function, _ []byte, next func() lambda.Result) lambda.Result {
					if !strings.HasSuffix(f.Name, "apply-changes") {
						return next()
					}
					killed, cancel := context.WithCancel(context.Background())
					defer cancel()
					stop = cancel
					result := make(chan lambda.Result, 1)
					go func() { result <- next() }()
					select {
					case r := <-result:
						return r
					case <-killed.Done():
						return lambda.Result{FunctionError: "Unhandled", Payload: []byte(`{"errorType": "Runtime.ExitError"}`)}
					}
				}
				o.Calls = func(c localaws.Call, next http.Handler) http.Handler {
					if c.Principal != nil && strings.Contains(c.Principal.ARN(), "ApplyChangesFunction") {
						if calls++; calls%every == 0 && kills < 20 {
							kills++
							stop() // the zombie goes on, as it may at AWS for a moment
						}
					}
					return next
				}
			}
			world(t, change, func(t *testing.T, w *simulation.World) {
				r := drop(t, w, members(300)...)
				if diff := cmp.Diff(contract.ChangeCounts{Wanted: 300, Applied: 300}, r.Changes.Groups); diff != "" {
					t.Error(diff)
				}
				if n := inGroup(w); n != 300 || kills == 0 {
					t.Errorf("%d users are in the group after %d kills", n, kills)
				}
			})
		})
	}
}

// TestGroupDeletedMeanwhile: each row is in failed.csv with its reason.
func TestGroupDeletedMeanwhile(t *testing.T) {
	change := func(o *localaws.Options) {
		o.Calls = func(c localaws.Call, next http.Handler) http.Handler {
			if c.Operation != "AdminAddUserToGroup" {
				return next
			}
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Amzn-ErrorType", "ResourceNotFoundException")
				w.WriteHeader(http.StatusBadRequest)
				_, _ = w.Write([]byte(`{"__type":"ResourceNotFoundException","message":"Group not found."}`))
			})
		}
	}
	world(t, change, func(t *testing.T, w *simulation.World) {
		r := drop(t, w, "u1,a,no", "u2,,")
		if r.Changes.Groups.Failed != 1 || r.Changes.State.Applied != 1 || r.Verdict != contract.VerdictPartial {
			t.Errorf("%+v, verdict %s", r.Changes, r.Verdict)
		}
		text, err := w.S3.Get(w.Results(), contract.FailedKey(r.ImportID, 0, 1))
		if err != nil || !strings.Contains(string(text), "ChangeFailed") || !strings.Contains(string(text), "Group not found") {
			t.Errorf("%v: %s", err, text)
		}
	})
}

// TestPoolDeletedMeanwhile: nothing can succeed, and the loop ends at once.
func TestPoolDeletedMeanwhile(t *testing.T) {
	calls := 0
	change := func(o *localaws.Options) {
		o.Parameters["UserMap"] = "true"
		o.Calls = func(c localaws.Call, next http.Handler) http.Handler {
			if c.Operation == "AdminAddUserToGroup" {
				calls++
			}
			return next
		}
	}
	world(t, change, func(t *testing.T, w *simulation.World) {
		meanwhile(w, func() { w.Cognito.RemovePool(pool) })
		r := drop(t, w, members(600)...)
		c := r.Changes.Groups
		if c.Wanted != 600 || c.Applied == 0 || c.Failed == 0 || c.Applied+c.Failed != 600 {
			t.Errorf("%+v", c)
		}
		if calls > int(c.Applied)+20 {
			t.Errorf("%d calls for %d memberships", calls, c.Applied)
		}
	})
}
