package simulation_test

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
	"testing"
	"testing/synctest"

	"userdrop/test/simulation"
)

var seeds = flag.Int("seeds", 200, "how many seeds TestSeeds plays")

var crowd = flag.Int("crowd", 150, "how many drops TestManyDrops drops at once")

func TestMain(m *testing.M) {
	flag.Parse()
	slog.SetDefault(simulation.Logger())
	debug.SetGCPercent(1600) // each seed is small, and leaves nothing
	os.Exit(m.Run())
}

func play(t *testing.T, seed uint64) (report *simulation.Report) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		report = simulation.Run(t.Context(), simulation.NewScenario(seed))
	})
	return report
}

// TestSeeds plays scenarios full of faults, and checks after each what must hold. It sees to -failfast itself, which
// package testing does not where all that run in parallel have begun.
func TestSeeds(t *testing.T) {
	failFast := flag.Lookup("test.failfast").Value.String() == "true"
	all := t
	for seed := range uint64(*seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			if failFast && all.Failed() {
				return
			}
			report := play(t, seed)
			for _, violation := range report.Violations {
				t.Error(violation)
			}
			if t.Failed() {
				t.Log("replay: " + report.Replay())
			}
		})
	}
}

// TestReplay proves that a seed repeats itself, call for call.
func TestReplay(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		a, b := play(t, seed), play(t, seed)
		if a.Digest() == b.Digest() {
			continue
		}
		at := 0
		for at < min(len(a.Trace), len(b.Trace)) && a.Trace[at] == b.Trace[at] {
			at++
		}
		t.Errorf("seed %d does not repeat itself: after %d of %d and %d steps\n%q\n%q", seed, at, len(a.Trace), len(b.Trace),
			slices.Concat(a.Trace, []string{""})[at], slices.Concat(b.Trace, []string{""})[at])
	}
}
