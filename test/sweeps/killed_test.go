package sweeps_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"userdrop/internal/contract"
	"userdrop/localaws"
	"userdrop/localaws/lambda"
)

// killer ends a sweep at one of its calls to AWS: from that call on nothing that it asks for happens.
type killer struct {
	at     atomic.Int64 // the call, from 1; 0 kills none
	after  bool         // the call still happens, but its answer is lost
	always bool         // the tries after the first are killed as well
	tries  atomic.Int64
	calls  atomic.Int64
}

func (k *killer) options(o *localaws.Options) {
	o.Around = func(_ context.Context, f lambda.Function, _ []byte, next func() lambda.Result) lambda.Result {
		if strings.HasSuffix(f.Name, "-sweep-scheduled") {
			k.tries.Add(1)
			k.calls.Store(0)
		}
		return next()
	}
	o.Calls = func(call localaws.Call, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if call.Principal == nil || !strings.Contains(call.Principal.ARN(), "SweepScheduledFunctionRole") {
				next.ServeHTTP(w, r)
				return
			}
			n := k.calls.Add(1)
			at := k.at.Load()
			if at == 0 || n < at || !k.always && k.tries.Load() > 1 {
				next.ServeHTTP(w, r)
				return
			}
			if n == at && k.after {
				next.ServeHTTP(w, r)
			}
			panic(http.ErrAbortHandler)
		})
	}
}

// onceEach fails unless each waiting file was imported by exactly one import, and nobody twice.
func (w world) onceEach(want map[string][]string) {
	w.t.Helper()
	sources := map[string]int{}
	for _, r := range w.results() {
		if r.Rows.RowOutcomes == nil || r.Rows.Skipped > 0 || r.Verdict != contract.VerdictSucceeded {
			w.t.Errorf("%s: verdict %s, rows %s", r.ImportID, r.Verdict, encoded(w.t, r.Rows))
		}
		for _, s := range r.Sources {
			sources[s.Key]++
		}
	}
	for key, n := range sources {
		if n != 1 {
			w.t.Errorf("%s was imported %d times", key, n)
		}
	}
	for pool, names := range want {
		if diff := cmp.Diff(names, w.names(pool)); diff != "" {
			w.t.Errorf("users of %s (-want +got):\n%s", pool, diff)
		}
	}
	if left := w.waiting(); len(left) > 0 {
		w.t.Errorf("left in the inbox: %q", left)
	}
}

// TestKilledSweep kills a sweep at every call that it makes, before and after the call takes effect: once, so that its
// retry goes on, or with all its retries, so that the next night's does, which finds one more file.
func TestKilledSweep(t *testing.T) {
	const calls = 1 + 3 + 2 + 2 // the list, the claims, the manifests, the executions
	for call := int64(1); call <= calls; call++ {
		for _, after := range []bool{false, true} {
			for _, always := range []bool{false, true} {
				t.Run(fmt.Sprintf("call %d after=%t always=%t", call, after, always), func(t *testing.T) {
					t.Parallel()
					k := &killer{after: after, always: always}
					k.at.Store(call)
					inWorld(t, k.options, func(t *testing.T, w world) {
						want := map[string][]string{red: {"a", "b"}, green: {"c"}}
						for _, pool := range []string{red, green} {
							for _, name := range want[pool] {
								w.put("scheduled/"+pool+"/"+name+".csv", users(name))
							}
						}
						until(1, 3)
						w.settle()
						if k.tries.Load() < 2 {
							t.Fatalf("nothing was killed: %d calls", k.calls.Load())
						}
						if k.at.Store(0); always {
							w.put("scheduled/"+red+"/d.csv", users("d"))
							want[red] = append(want[red], "d")
							until(2, 3)
							w.settle()
						}
						w.onceEach(want)
					})
				})
			}
		}
	}
}

// TestOrphans kills a sweep and all its tries behind its claims, before it starts the imports. The hourly sweep takes
// over what was claimed; a file that came later waits for the night.
func TestOrphans(t *testing.T) {
	for call := int64(5); call <= 9; call++ { // the manifests and the executions, behind the list and three claims
		t.Run(fmt.Sprint("call ", call), func(t *testing.T) {
			t.Parallel()
			k := &killer{always: true}
			k.at.Store(call)
			inWorld(t, k.options, func(t *testing.T, w world) {
				w.put("scheduled/"+red+"/a.csv", users("a"))
				w.put("scheduled/"+red+"/b.csv", users("b"))
				w.put("scheduled/"+green+"/c.csv", users("c"))
				until(1, 2)
				time.Sleep(30 * time.Minute)
				late := "scheduled/" + red + "/d.csv"
				w.put(late, users("d"))
				until(1, 4)
				w.settle()
				if diff := cmp.Diff([]string{late}, w.waiting()); diff != "" {
					t.Errorf("left in the inbox (-want +got):\n%s", diff)
				}
				k.at.Store(0)
				until(2, 3)
				w.settle()
				w.onceEach(map[string][]string{red: {"a", "b", "d"}, green: {"c"}})
			})
		})
	}
}

// TestOverlappingSweeps lets sweeps run beside each other, each at a pace of its own.
func TestOverlappingSweeps(t *testing.T) {
	for _, c := range []struct {
		name   string
		starts []time.Duration
		paces  []time.Duration // of each call, by the second of the world
	}{
		{"twice at once", []time.Duration{0, 0}, []time.Duration{100 * time.Millisecond}},
		{
			"the second overtakes",
			[]time.Duration{0, 3 * time.Second},
			[]time.Duration{2 * time.Second, 100 * time.Millisecond},
		},
		{
			"three in turn",
			[]time.Duration{0, time.Second, 2 * time.Second},
			[]time.Duration{time.Second, 700 * time.Millisecond},
		},
		{"a late delivery", []time.Duration{0, 20 * time.Minute}, []time.Duration{50 * time.Millisecond}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var calls atomic.Int64
			pace := func(o *localaws.Options) {
				o.Calls = func(call localaws.Call, next http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if call.Principal != nil && strings.Contains(call.Principal.ARN(), "SweepScheduledFunctionRole") {
							time.Sleep(c.paces[int(calls.Add(1))%len(c.paces)])
						}
						next.ServeHTTP(w, r)
					})
				}
			}
			inWorld(t, pace, func(t *testing.T, w world) {
				want := map[string][]string{}
				for i := range 12 {
					pool := []string{red, green}[i%2]
					name := fmt.Sprintf("u%02d", i)
					w.put("scheduled/"+pool+"/"+name+".csv", users(name))
					want[pool] = append(want[pool], name)
				}
				begin := time.Now()
				for _, start := range c.starts {
					time.Sleep(time.Until(begin.Add(start)))
					if err := w.Scheduler.RunNow(w.schedule("ScheduledSweep")); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(10 * time.Minute)
				w.settle()
				until(2, 3)
				w.settle()
				w.onceEach(want)
			})
		})
	}
}

// TestTakenOver lets an import that claimed a file end without a result, and with nobody there to publish one, until a
// sweep and abort-import come at the same time: the file has one result, of whoever closes the import.
func TestTakenOver(t *testing.T) {
	for name, closed := range map[string]string{
		"whoever comes first":         "",
		"the result is about to come": contract.Publishing,
		"the files are about to go":   contract.TakenOver,
	} {
		t.Run(name, func(t *testing.T) {
			var repaired atomic.Bool
			inWorld(t, func(o *localaws.Options) {
				o.Around = func(_ context.Context, f lambda.Function, _ []byte, next func() lambda.Result) lambda.Result {
					for _, name := range []string{"-prepare-import", "-publish-result", "-stop-import-jobs", "-sweep-lost"} {
						if !repaired.Load() && strings.HasSuffix(f.Name, name) {
							return lambda.Result{FunctionError: "Unhandled", Payload: []byte(`{"errorType":"Denied","errorMessage":"No."}`)}
						}
					}
					return next()
				}
			}, func(t *testing.T, w world) {
				w.put("scheduled/"+red+"/a.csv", users("ada"))
				until(1, 4)
				imports := w.Imports()
				if len(imports) != 1 || imports[0].Status != "FAILED" {
					t.Fatalf("imports: %s", encoded(t, imports))
				}
				if closed != "" {
					if _, err := w.S3.Put(w.Work(), contract.ClosedKey(imports[0].Name), []byte(closed)); err != nil {
						t.Fatal(err)
					}
				}
				repaired.Store(true)
				w.sweep("ScheduledSweep")
				until(1, 8) // the hourly sweep winds up what has no result
				w.settle()
				var verdicts []contract.Verdict
				for _, e := range w.Imports() {
					r, err := w.Result(e.Name)
					if err != nil {
						t.Fatal(err)
					}
					if r != nil {
						verdicts = append(verdicts, r.Verdict)
					}
				}
				want, left := contract.VerdictSucceeded, 0
				if closed == contract.Publishing || closed == "" && len(w.Imports()) == 1 {
					want, left = contract.VerdictErrored, 1
				}
				if diff := cmp.Diff([]contract.Verdict{want}, verdicts); diff != "" {
					t.Errorf("verdicts (-want +got):\n%s", diff)
				}
				if waiting := w.waiting(); len(waiting) != left {
					t.Errorf("left in the inbox: %q", waiting)
				}
			})
		})
	}
}

// TestBrokenImport leaves the files of an import that broke where they are, and does not come back to them every night.
func TestBrokenImport(t *testing.T) {
	inWorld(t, func(o *localaws.Options) {
		o.Around = func(_ context.Context, f lambda.Function, _ []byte, next func() lambda.Result) lambda.Result {
			if strings.HasSuffix(f.Name, "-prepare-import") {
				return lambda.Result{FunctionError: "Unhandled", Payload: []byte(`{"errorType":"Denied","errorMessage":"No."}`)}
			}
			return next()
		}
	}, func(t *testing.T, w world) {
		key := "scheduled/" + red + "/a.csv"
		w.put(key, users("ada"))
		until(5, 3)
		w.settle()
		results := w.results()
		if len(results) != 1 || results[0].Verdict != contract.VerdictErrored {
			t.Fatalf("results: %s", encoded(t, results))
		}
		if diff := cmp.Diff([]string{key}, w.waiting()); diff != "" {
			t.Errorf("inbox (-want +got):\n%s", diff)
		}
		if sources := results[0].Sources; len(sources) != 1 || sources[0].Key != key {
			t.Errorf("sources: %s", encoded(t, sources))
		}
	})
}

// TestDeadClaim finds claims that sweeps left which nobody knows any more.
func TestDeadClaim(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w world) {
		key := "scheduled/" + red + "/a.csv"
		w.claim(key, w.put(key, users("a")), "scheduled-000000000000000000000000")
		w.put("scheduled/"+red+"/b.csv", users("b"))
		time.Sleep(14 * time.Minute)
		w.sweep("ScheduledSweep") // whoever holds a may still be at work
		if diff := cmp.Diff([]string{"b"}, w.names(red)); diff != "" {
			t.Errorf("users while a claim is fresh (-want +got):\n%s", diff)
		}
		w.sweep("ScheduledSweep")
		if diff := cmp.Diff([]string{"a", "b"}, w.names(red)); diff != "" {
			t.Errorf("users once it is stale (-want +got):\n%s", diff)
		}
		if n := len(w.results()); n != 2 {
			t.Errorf("%d imports, want 2", n)
		}
	})
}

// claim writes a file's claim as another sweep would.
func (w world) claim(key, version, importID string) {
	w.t.Helper()
	head, err := s3.NewFromConfig(w.Config("")).HeadObject(w.t.Context(), &s3.HeadObjectInput{
		Bucket: aws.String(w.Inbox()), Key: &key, VersionId: &version,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	claim := contract.ClaimKey(contract.ImportID(contract.Object{
		Bucket: w.Inbox(), Key: key, VersionID: version, ETag: strings.Trim(*head.ETag, `"`),
	}))
	if _, err := w.S3.Put(w.Work(), claim, []byte(importID+" 2000-01-01T00:00:00Z")); err != nil {
		w.t.Fatal(err)
	}
}

// TestLeftOutClaim takes a file whose claim names an import that ran without it.
func TestLeftOutClaim(t *testing.T) {
	inWorld(t, nil, func(_ *testing.T, w world) {
		w.put("scheduled/"+red+"/a.csv", users("a"))
		w.sweep("ScheduledSweep")
		key := "scheduled/" + red + "/b.csv"
		w.claim(key, w.put(key, users("b")), w.Imports()[0].Name)
		w.sweep("ScheduledSweep")
		w.onceEach(map[string][]string{red: {"a", "b"}})
	})
}

// TestLateRetry lets a sweep be tried again after another one took over a file that it had listed already.
func TestLateRetry(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w world) {
		taken, key := "scheduled/"+red+"/a.csv", "scheduled/"+red+"/b.csv"
		version := w.put(taken, users("a"))
		w.put(key, users("b"))
		id := contract.SweepID(red, time.Now(), 0)
		w.claim(taken, version, "scheduled-000000000000000000000000")
		list := encoded(t, []contract.Object{{Bucket: w.Inbox(), Key: taken, VersionID: version}})
		if _, err := w.S3.Put(w.Work(), "sweeps/"+id+".json", []byte(list)); err != nil {
			t.Fatal(err)
		}
		w.sweep("ScheduledSweep")
		if imports := w.Imports(); len(imports) != 0 {
			t.Errorf("imports: %s", encoded(t, imports))
		}
		until(1, 3)
		w.settle()
		w.onceEach(map[string][]string{red: {"a", "b"}})
	})
}
