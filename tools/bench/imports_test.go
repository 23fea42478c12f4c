package main

import (
	"flag"
	"fmt"
	"log/slog"
	"math"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"userdrop/test/simulation"
)

var measure = flag.Bool("measure", false, "TestImports simulates imports and prints their figures as benchmarks")

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
	want := c.Drops*c.Rows + c.Giant
	if c.With != simulation.WithUpdates && r.Imported != want {
		t.Errorf("%d of %d users were imported", r.Imported, want)
	}
	if (c.With == simulation.WithGroups || c.With == simulation.WithUpdates) && r.Changed != want {
		t.Errorf("%d of %d users were changed", r.Changed, want)
	}
	return r
}

// measured are the crowds of `make bench`.
func measured() []simulation.Crowd {
	giant := many(60, 20_000, 1_000)
	giant.Giant, giant.Every = 40_000_000, 5*time.Hour
	// In five parts.
	groups := with(simulation.WithGroups, one(500_000, 50))
	groups.PartRows = 100_000
	return []simulation.Crowd{
		one(1, 1), one(100, 1), one(10_000, 1), one(500_000, 10), one(5_000_000, 100), one(40_000_000, 1_000),
		with(simulation.WithMapping, one(10_000, 1)), with(simulation.WithGroups, one(10_000, 1)),
		with(simulation.WithUpdates, one(10_000, 1)), groups,
		many(1_000, 100, 1), gathered(1_000, 50), many(100, 1_000, 1), many(100, 10_000, 10), many(20, 500_000, 1_000), giant,
	}
}

// TestImports prints the figures of imports as benchmarks. They are simulated, which takes a test's bubble.
func TestImports(t *testing.T) {
	if !*measure {
		t.Skip("for `make bench`; TestBudgets has smaller imports")
	}
	took := map[int]float64{} // the seconds that so many drops take
	for _, c := range measured() {
		r := simulate(t, c)
		found := []Benchmark{figures(r), shares(r)}
		if c.GatherSeconds > 0 {
			b := Benchmark{Name: "Gathering"}
			b.add("%-of-time", 100*r.TookSeconds/took[c.Drops])
			found = append(found, b)
		}
		took[c.Drops] = r.TookSeconds
		if r.Changed > 0 {
			found = append(found, changes(r))
		}
		for _, b := range found {
			fmt.Printf("Benchmark%s 1", b.Name)
			for _, f := range b.Figures {
				fmt.Printf(" %.4f %s", f.Value, f.Unit)
			}
			fmt.Println()
		}
	}
}

// name names a crowd.
func name(c simulation.Crowd) string {
	name := fmt.Sprintf("%d-users", c.Rows)
	if c.Drops > 1 {
		name = fmt.Sprintf("%d-drops-of-%d-users", c.Drops, c.Rows)
	}
	if c.Giant > 0 {
		name = fmt.Sprintf("%d-users-and-%d-drops", c.Giant, c.Drops)
	}
	if c.With != "" {
		name += "-" + c.With
	}
	if c.GatherSeconds > 0 {
		name += "-gathered"
	}
	return name
}

// figures returns what the simulation counted, as a benchmark.
func figures(r *simulation.CrowdReport) (b Benchmark) {
	b.Name = "Imports/" + name(r.Crowd)
	calls, busiest := 0, 0.0
	for _, c := range r.Calls {
		calls += c.Total
	}
	for _, q := range quotas {
		if _, later := q.share(r); q.name != "UserUpdate" {
			busiest = max(busiest, later)
		}
	}
	b.add("jobs", float64(r.Jobs))
	b.add("transitions", float64(r.Transitions))
	b.add("most-of-one", float64(r.MostOfOne))
	b.add("events", float64(r.HistoryEvents))
	b.add("invocations", float64(r.Invocations))
	b.add("GB-s", r.GBSeconds)
	b.add("calls", float64(calls+r.Changed*(r.Scale-1)/r.Scale))
	b.add("s", r.TookSeconds)
	b.add("s-of-jobs", r.JobSeconds)
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

// changes returns at what rate the changes after the import were made, and how much later the import ended than the
// longer of jobs and changes alone, in percent.
func changes(r *simulation.CrowdReport) (b Benchmark) {
	b.Name = "Changes/" + name(r.Crowd)
	most := 0
	for operation, c := range r.Calls {
		if strings.HasPrefix(operation, "cognito-idp Admin") {
			most = c.PerMinute - 1 // a minute has both ends
		}
	}
	b.add("%-of-rate", 100*float64(most*r.Scale)/60/simulation.ApplyRate)
	b.add("%-late", 100*(r.TookSeconds/max(r.JobSeconds, float64(r.Changed)/simulation.ApplyRate)-1))
	b.add("events", float64(r.HistoryEvents))
	return b
}

// shares returns how much of each quota a crowd took, in percent.
func shares(r *simulation.CrowdReport) (b Benchmark) {
	b.Name = "Shares/" + name(r.Crowd)
	b.add("jobs", 100*float64(r.Jobs)/float64(r.Pools)/jobsOfPool)
	for _, q := range quotas {
		busiest, later := q.share(r)
		b.add(q.name, busiest)
		b.add(q.name+"-later", later)
	}
	b.add("transitions", 100*float64(r.PerSecond)/transitionsPerSecond)
	b.add("concurrency", 100*float64(r.Concurrent)/concurrentFunctions)
	return b
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
