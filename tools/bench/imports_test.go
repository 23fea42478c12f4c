package main

import (
	"flag"
	"fmt"
	"log/slog"
	"math"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"userdrop/test/simulation"
)

var measure = flag.Bool("measure", false, "TestImports simulates all imports and prints their figures as benchmarks")

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	flag.Parse()
	os.Exit(m.Run())
}

func simulate(t *testing.T, c simulation.Crowd) (r *simulation.CrowdReport) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { r = simulation.Watch(t.Context(), c) })
	for _, violation := range r.Violations {
		t.Error(violation)
	}
	if want := c.Drops*c.Rows + c.Giant; r.Imported != want {
		t.Errorf("%d of %d users were imported", r.Imported, want)
	}
	return r
}

func one(users, scale int) simulation.Crowd {
	return simulation.Crowd{Pools: 1, Drops: 1, Rows: users, Scale: scale}
}

func many(drops, users, scale int) simulation.Crowd {
	return simulation.Crowd{Pools: 50, Drops: drops, Rows: users, Scale: scale, ListDelay: time.Second}
}

// TestImports compares figures that do not depend on the machine with the bars: transitions, calls, history events.
func TestImports(t *testing.T) {
	crowds := []simulation.Crowd{one(100, 1), one(500_000, 500), one(5_000_000, 1_000)}
	if *measure {
		giant := many(60, 20_000, 1_000)
		giant.Giant, giant.Every = 40_000_000, 5*time.Hour
		gathered := many(1_000, 100, 1)
		gathered.Within, gathered.GatherSeconds = time.Minute, 60
		crowds = []simulation.Crowd{
			one(100, 1), one(10_000, 1), one(20_000, 1), one(500_000, 10), one(5_000_000, 100), one(40_000_000, 1_000),
			many(1_000, 100, 1), many(100, 1_000, 1), many(100, 10_000, 10), many(20, 500_000, 1_000), giant,
			gathered,
		}
	}
	for _, c := range crowds {
		b := figures(simulate(t, c))
		for _, f := range b.Figures {
			if i := barFor(b.Name, f.Unit); i >= 0 && f.Value > bars[i].limit && !*measure {
				t.Errorf("%s: %s %s, at most %v", b.Name, f, f.Unit, bars[i].limit)
			}
		}
		if calls := 60 + 110*float64(c.Rows/500_000); !*measure && b.value("calls") > calls {
			t.Errorf("%s: %v calls, at most %v", b.Name, b.value("calls"), calls)
		}
		if *measure {
			fmt.Printf("Benchmark%s 1", b.Name)
			for _, f := range b.Figures {
				fmt.Printf(" %.4f %s", f.Value, f.Unit)
			}
			fmt.Println()
		}
	}
}

// figures returns what the simulation counted, as a benchmark.
func figures(r *simulation.CrowdReport) (b Benchmark) {
	b.Name = fmt.Sprintf("Imports/%d-users", r.Rows)
	if r.Drops > 1 {
		b.Name = fmt.Sprintf("Imports/%d-drops-of-%d-users", r.Drops, r.Rows)
	}
	if r.GatherSeconds > 0 {
		b.Name += "-gathered"
	}
	if r.Giant > 0 {
		b.Name = fmt.Sprintf("Imports/%d-users-and-%d-drops", r.Giant, r.Drops)
	}
	calls, busiest := 0, 0.0
	for name, c := range r.Calls {
		calls += c.Total
		if quota, ok := quotas[name]; ok {
			busiest = max(busiest, 100*float64(c.Steady)/60/quota)
		}
	}
	b.add("jobs", float64(r.Jobs))
	b.add("transitions", float64(r.Transitions))
	b.add("most-of-one", float64(r.MostOfOne))
	b.add("events", float64(r.HistoryEvents))
	b.add("invocations", float64(r.Invocations))
	b.add("GB-s", r.GBSeconds)
	b.add("calls", float64(calls))
	b.add("hours", r.TookSeconds/3600)
	b.add("s-beside-jobs", r.TookSeconds-r.JobSeconds)
	b.add("%-lost", 100*r.Lost())
	b.add("%-of-quota", busiest)
	b.add("displaced", float64(r.Displaced))
	results := r.Imports
	if r.GatherSeconds > 0 { // several files share an import
		results = len(r.Files)
	}
	b.add("violations", float64(len(r.Violations)+r.Drops+min(r.Giant, 1)-results))
	b.add("US$", dollars(r))
	return b
}

func (b *Benchmark) value(unit string) float64 {
	for _, f := range b.Figures {
		if f.Unit == unit {
			return f.Value
		}
	}
	return math.NaN()
}

// TestDollars compares a bill with one that was added up by hand: a million of each.
func TestDollars(t *testing.T) {
	million := &simulation.CallCount{Total: 1_000_000}
	r := &simulation.CrowdReport{
		Transitions: 1_000_000, Invocations: 1_000_000, GBSeconds: 1_000_000,
		Calls: map[string]*simulation.CallCount{
			"s3 PUT": million, "s3 POST": million, "s3 LIST": million, "s3 GET": million, "s3 HEAD": million,
			"s3 DELETE": million, "events PutEvents": million, "sns POST": million, "states ListExecutions": million,
		},
	}
	const want = 25 + 0.20 + 13.3334 + 3*5 + 2*0.40 + 1 + 0.50
	if got := dollars(r); math.Abs(got-want) > 1e-9 {
		t.Errorf("$%v, want $%v", got, want)
	}
}
