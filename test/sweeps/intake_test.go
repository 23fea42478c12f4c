package sweeps_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/contract"
	"userdrop/localaws"
	"userdrop/localaws/lambda"
)

// TestRoot drops a file in the root of the bucket: people learn of it, and it stays where it is.
func TestRoot(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w world) {
		w.put("users.csv", users("ada"))
		w.put("users.csv.manifest.json", `{"rows": 1}`)
		w.put("elsewhere/users.csv", users("grace"))
		time.Sleep(time.Minute)
		w.settle()
		var got []string
		for _, r := range w.results() {
			got = append(got, fmt.Sprintf("%s %s %s %s", r.Sources[0].Key, r.Verdict, r.Problems[0].Code, r.Problems[0].Message))
			if !strings.Contains(r.Problems[0].Message, "root of the inbox") {
				t.Errorf("message: %s", r.Problems[0].Message)
			}
		}
		if len(got) != 1 || !strings.HasPrefix(got[0], "users.csv REJECTED PoolNotAllowed ") {
			t.Errorf("results: %q", got)
		}
		want := []string{"elsewhere/users.csv", "users.csv", "users.csv.manifest.json"}
		if diff := cmp.Diff(want, w.waiting()); diff != "" {
			t.Errorf("inbox (-want +got):\n%s", diff)
		}
	})
}

// TestFlood drops 80 files within a second, with a reservation of 3: no more run at once, and each file has one result.
func TestFlood(t *testing.T) {
	const files, reserved = 80, 3
	running, most := map[string]*atomic.Int64{}, map[string]*atomic.Int64{}
	for _, name := range []string{"start-import", "prepare-import"} {
		running[name], most[name] = &atomic.Int64{}, &atomic.Int64{}
	}
	bound := func(o *localaws.Options) {
		o.Parameters = map[string]string{"ReservedConcurrency": fmt.Sprint(reserved)}
		o.Around = func(_ context.Context, f lambda.Function, _ []byte, next func() lambda.Result) lambda.Result {
			name := strings.TrimPrefix(f.Name, "userdrop-")
			if running[name] == nil {
				return next()
			}
			if n := running[name].Add(1); n > most[name].Load() {
				most[name].Store(n)
			}
			defer running[name].Add(-1)
			time.Sleep(2 * time.Second) // an invocation takes its time
			return next()
		}
	}
	inWorld(t, bound, func(t *testing.T, w world) {
		for i := range files {
			w.put(fmt.Sprintf("incoming/%s/%03d.csv", red, i), users(fmt.Sprintf("u%03d", i)))
		}
		time.Sleep(time.Minute)
		w.settle()
		for len(w.Imports()) < files {
			time.Sleep(time.Hour)
			w.settle()
		}
		for name, n := range most {
			if n.Load() > reserved {
				t.Errorf("%d of %s ran at once, want at most %d", n.Load(), name, reserved)
			}
		}
		seen := map[string]int{}
		for _, r := range w.results() {
			seen[r.Sources[0].Key]++
			if r.Verdict != contract.VerdictSucceeded {
				t.Errorf("%s: %s %s", r.Sources[0].Key, r.Verdict, r.Message)
			}
		}
		if len(seen) != files {
			t.Errorf("%d files have a result, want %d", len(seen), files)
		}
		if names := w.names(red); len(slices.Compact(names)) != files {
			t.Errorf("%d users, want %d", len(names), files)
		}
	})
}
