package sweeps_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/contract"
	"userdrop/localaws"
	"userdrop/localaws/events"
	"userdrop/localaws/lambda"
)

func gatherFor(seconds int, more ...func(*localaws.Options)) func(*localaws.Options) {
	return func(o *localaws.Options) {
		o.Parameters = map[string]string{"GatherSeconds": fmt.Sprint(seconds)}
		for _, change := range more {
			change(o)
		}
	}
}

// gathered drops files of two pools and in two windows, and what is never gathered beside them.
func (w world) dropToGather() (want map[string][]string) {
	w.put("incoming/"+red+"/a.csv", users("a"))
	w.put("incoming/"+green+"/b.csv", users("b"))
	time.Sleep(10 * time.Second)
	w.put("incoming/"+red+"/c.csv", users("c"))
	time.Sleep(time.Second)                      // events tell times in whole seconds
	w.put("incoming/"+red+"/c.csv", users("c2")) // another version: another drop
	time.Sleep(time.Second)
	w.put("incoming/d.csv", users("d")) // for the default pool, which is red
	time.Sleep(time.Minute)
	w.put("incoming/"+red+"/e.csv", users("e"))
	return map[string][]string{red: {"a", "c", "c2", "d", "e"}, green: {"b"}}
}

func TestGather(t *testing.T) {
	inWorld(t, gatherFor(60), func(t *testing.T, w world) {
		want := w.dropToGather()
		time.Sleep(2 * time.Minute)
		w.settle()
		var got []string
		for _, r := range w.results() {
			var keys []string
			for _, s := range r.Sources {
				keys = append(keys, s.Key[strings.LastIndex(s.Key, "/")+1:])
			}
			got = append(got, fmt.Sprintf("%s %s %v", r.UserPoolID, r.Verdict, keys))
		}
		wantImports := []string{
			red + " SUCCEEDED [a.csv c.csv c.csv d.csv]", green + " SUCCEEDED [b.csv]", red + " SUCCEEDED [e.csv]",
		}
		if diff := cmp.Diff(wantImports[0], got[0]); diff != "" && got[0] != wantImports[1] {
			t.Errorf("first import (-want +got):\n%s", diff)
		}
		if len(got) != 3 || got[2] != wantImports[2] {
			t.Errorf("imports %q, want %q", got, wantImports)
		}
		for pool, names := range want {
			if diff := cmp.Diff(names, w.names(pool)); diff != "" {
				t.Errorf("users of %s (-want +got):\n%s", pool, diff)
			}
		}
		w.nothingGathered()
		if left := w.waiting(); len(left) > 0 {
			t.Errorf("left in the inbox: %q", left)
		}
	})
}

// nothingGathered fails if a record is left.
func (w world) nothingGathered() {
	w.t.Helper()
	keys, err := w.S3.Keys(w.Work(), contract.GatheredPrefix)
	if err != nil || len(keys) > 0 {
		w.t.Errorf("records are left: %q, %v", keys, err)
	}
}

// TestGatherOnce imports each file once, whatever happens to events, functions and schedules.
func TestGatherOnce(t *testing.T) {
	doubled := func(o *localaws.Options) {
		o.Deliveries = func(_, _ string, _ events.Envelope, usual time.Duration) []time.Duration {
			return []time.Duration{usual, usual + 7*time.Second, usual + 3*time.Minute}
		}
	}
	twice := func(o *localaws.Options) {
		o.Around = func(_ context.Context, f lambda.Function, _ []byte, next func() lambda.Result) lambda.Result {
			if strings.HasSuffix(f.Name, "-sweep-scheduled") || strings.HasSuffix(f.Name, "-start-import") {
				next()
				time.Sleep(50 * time.Millisecond)
			}
			return next()
		}
	}
	noSchedule := func(o *localaws.Options) {
		o.Calls = func(call localaws.Call, next http.Handler) http.Handler {
			if call.Operation != "CreateSchedule" {
				return next
			}
			return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		}
	}
	for name, change := range map[string]func(*localaws.Options){
		"doubled and late events": doubled, "functions that run twice": twice, "events lost": lose("ObjectCreatedRule"),
		"no schedule can be made": noSchedule,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, gatherFor(60, change), func(t *testing.T, w world) {
				want := w.dropToGather()
				time.Sleep(6 * time.Hour)
				w.settle()
				sources := map[string]int{}
				for _, r := range w.results() {
					if r.Rows.RowOutcomes == nil || r.Rows.Skipped > 0 || r.Verdict != contract.VerdictSucceeded {
						t.Errorf("%s: verdict %s, rows %s", r.ImportID, r.Verdict, encoded(t, r.Rows))
					}
					for _, s := range r.Sources {
						sources[s.VersionID]++
					}
				}
				for version, n := range sources {
					if n != 1 {
						t.Errorf("version %s was imported %d times", version, n)
					}
				}
				for pool, names := range want {
					if diff := cmp.Diff(names, w.names(pool)); diff != "" {
						t.Errorf("users of %s (-want +got):\n%s", pool, diff)
					}
				}
			})
		})
	}
}

// TestGatherKilled kills the run that takes what was gathered at every call, before and after it takes effect: its retry
// goes on.
func TestGatherKilled(t *testing.T) {
	var most atomic.Int64
	most.Store(1)
	for call := int64(1); call <= most.Load(); call++ {
		for _, after := range []bool{false, true} {
			k := &killer{after: after}
			k.at.Store(call)
			inWorld(t, gatherFor(60, k.options), func(_ *testing.T, w world) {
				for _, name := range []string{"a", "b", "c"} {
					w.put("incoming/"+red+"/"+name+".csv", users(name))
				}
				time.Sleep(20 * time.Minute)
				w.settle()
				w.onceEach(map[string][]string{red: {"a", "b", "c"}})
				if most.Load() < k.calls.Load() && call < 30 {
					most.Store(k.calls.Load())
				}
			})
		}
	}
	if most.Load() < 8 {
		t.Errorf("only %d calls were met", most.Load())
	}
}
