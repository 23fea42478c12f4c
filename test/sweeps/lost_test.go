package sweeps_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/contract"
	"userdrop/internal/local"
	"userdrop/localaws"
	"userdrop/localaws/events"
)

// lose lets no event of a rule through.
func lose(name string) func(*localaws.Options) {
	return func(o *localaws.Options) {
		o.Deliveries = func(rule, _ string, _ events.Envelope, usual time.Duration) []time.Duration {
			if rule == local.StackName+"-"+name {
				return nil
			}
			return []time.Duration{usual}
		}
	}
}

// TestLostDrops finds the files that no event told of, each once, and none that may yet be told of.
func TestLostDrops(t *testing.T) {
	inWorld(t, lose("ObjectCreatedRule"), func(t *testing.T, w world) {
		w.put("incoming/"+red+"/a.csv", users("ada"))
		w.put("incoming/b.csv", users("grace")) // for the default pool, which is red
		w.put("check/"+green+"/c.csv", users("alan"))
		w.put("incoming/"+red+"/a.csv.manifest.json", `{"rows": 1}`)
		w.put("elsewhere/"+red+"/d.csv", users("edsger"))
		time.Sleep(58 * time.Minute)
		w.sweep("LostSweep")
		if n := len(w.Imports()); n != 0 {
			t.Fatalf("%d imports of files that are not an hour old", n)
		}
		until(1, 6)
		w.settle()
		var got []string
		for _, r := range w.results() {
			got = append(got, fmt.Sprintf("%s %s %s", r.Sources[0].Key, r.UserPoolID, r.Verdict))
		}
		want := []string{
			"incoming/" + red + "/a.csv " + red + " SUCCEEDED",
			"incoming/b.csv " + red + " SUCCEEDED",
			"check/" + green + "/c.csv " + green + " CHECKED",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("results (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"elsewhere/" + red + "/d.csv"}, w.waiting()); diff != "" {
			t.Errorf("inbox (-want +got):\n%s", diff)
		}
	})
}

// TestFilesForTheNight wait by the thousand: nobody asks after each of them, each hour.
func TestFilesForTheNight(t *testing.T) {
	var asked atomic.Int64
	count := func(o *localaws.Options) {
		o.Calls = func(call localaws.Call, next http.Handler) http.Handler {
			if call.Principal != nil && strings.Contains(call.Principal.ARN(), "SweepLostFunctionRole") {
				asked.Add(1)
			}
			return next
		}
	}
	inWorld(t, count, func(t *testing.T, w world) {
		w.sweep("LostSweep")
		alone := asked.Swap(0)
		for i := range 50 {
			w.put(fmt.Sprintf("scheduled/%s/%02d.csv", red, i), users(fmt.Sprintf("u%02d", i)))
		}
		w.sweep("LostSweep")
		if got := asked.Load(); got != alone {
			t.Errorf("%d calls, of which %d are needed without any file", got, alone)
		}
	})
}

// TestQueuedDrops does not take a file for lost whose import waits for its turn.
func TestQueuedDrops(t *testing.T) {
	inWorld(t, func(o *localaws.Options) { o.Cognito.UsersPerSecond = 0.001 }, func(t *testing.T, w world) {
		w.put("incoming/"+red+"/a.csv", users("a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9", "a10"))
		w.put("incoming/"+red+"/b.csv", users("b"))
		until(2, 0)
		w.settle()
		if n := len(w.results()); n != 2 {
			t.Errorf("%d imports, want 2", n)
		}
	})
}

// TestLostEndFirst publishes for such an import though the sweep does not get through its files in time.
func TestLostEndFirst(t *testing.T) {
	inWorld(t, func(o *localaws.Options) {
		lose("import-broken-off")(o)
		o.Cognito.UsersPerSecond = 0.0001
		o.Calls = func(call localaws.Call, next http.Handler) http.Handler {
			return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if call.Operation == "DescribeExecution" && call.Principal != nil &&
					strings.Contains(call.Principal.ARN(), "SweepLostFunctionRole") {
					time.Sleep(time.Hour)
				}
				next.ServeHTTP(rw, r)
			})
		}
	}, func(t *testing.T, w world) {
		w.put("incoming/"+red+"/a.csv", users("a1", "a2", "a3", "a4", "a5"))
		time.Sleep(time.Minute)
		if _, err := w.StepFunctions.StopExecution(t.Context(), w.Imports()[0].ARN, "", ""); err != nil {
			t.Fatal(err)
		}
		until(1, 5)
		if n := len(w.results()); n != 1 {
			t.Errorf("%d results, want 1", n)
		}
	})
}

// TestLostEnd publishes for an import that was aborted, and whose end no event told of.
func TestLostEnd(t *testing.T) {
	inWorld(t, func(o *localaws.Options) {
		lose("import-broken-off")(o)
		o.Cognito.UsersPerSecond = 0.0001 // none within the hours of the test
	}, func(t *testing.T, w world) {
		w.put("incoming/"+red+"/a.csv", users("a1", "a2", "a3", "a4", "a5"))
		time.Sleep(time.Minute)
		if _, err := w.StepFunctions.StopExecution(t.Context(), w.Imports()[0].ARN, "", ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Minute)
		if r, _ := w.Result(w.Imports()[0].Name); r != nil {
			t.Fatal("the event came after all")
		}
		until(1, 5)
		w.settle()
		results := w.results()
		if len(results) != 1 || results[0].Verdict != contract.VerdictStopped {
			t.Errorf("results: %s", encoded(t, results))
		}
		if n := w.Cognito.ActiveJobs(); n != 0 {
			t.Errorf("%d jobs still run", n)
		}
		if diff := cmp.Diff([]string{"incoming/" + red + "/a.csv"}, w.waiting()); diff != "" {
			t.Errorf("inbox (-want +got):\n%s", diff)
		}
		// And not again by the hour.
		events := len(w.Published())
		until(2, 5)
		if now := len(w.Published()); now != events || events != 1 {
			t.Errorf("%d events after a day, %d before, want 1", now, events)
		}
	})
}
