package cost_test

import (
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"math"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"userdrop/test/simulation"
	"userdrop/tools/bench/cost"
)

var table = flag.String("table", "", "play all drops, and write what they cost to this file as JSON")

func watch(t *testing.T, c simulation.Crowd) (report *simulation.CrowdReport) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { report = simulation.Watch(t.Context(), c) })
	for _, violation := range report.Violations {
		t.Error(violation)
	}
	if want := c.Drops*c.Rows + c.Giant; report.Imported != want {
		t.Errorf("%d of %d users imported", report.Imported, want)
	}
	return report
}

func one(users, scale int) simulation.Crowd {
	return simulation.Crowd{Pools: 1, Drops: 1, Rows: users, Scale: scale}
}

// TestBars holds counts, which do not depend on the machine, to the measures that the project set itself.
func TestBars(t *testing.T) {
	quiet(t)
	for _, tt := range []struct {
		name               string
		crowd              simulation.Crowd
		transitions, calls int // at the most
	}{
		{"a small drop", one(100, 1), 30, 46},
		{"one full part", one(500_000, 500), 200, 130}, // the bar is 500 transitions
		{"ten parts", one(5_000_000, 1_000), 10 * 200, 10 * 110},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := watch(t, tt.crowd)
			if r.Transitions > tt.transitions {
				t.Errorf("%d transitions, at most %d", r.Transitions, tt.transitions)
			}
			if n := calls(r); n > tt.calls {
				t.Errorf("%d calls, at most %d", n, tt.calls)
			}
			if r.HistoryEvents > 20_000 {
				t.Errorf("a history of %d events; 25,000 end an execution", r.HistoryEvents)
			}
			for name, quota := range cost.Quotas {
				if c := r.Calls[name]; c == nil || float64(c.PerSecond) > quota.Rate {
					t.Errorf("%s: %+v, the quota is %v a second", name, c, quota.Rate)
				}
			}
			if tt.crowd.Rows >= 500_000 && r.Lost() > 0.09 {
				t.Errorf("%.1f %% of %.0f s are lost to waiting", 100*r.Lost(), r.TookSeconds)
			}
		})
	}
}

func calls(r *simulation.CrowdReport) (n int) {
	for _, c := range r.Calls {
		n += c.Total
	}
	return n
}

// TestDollars adds up a bill by hand.
func TestDollars(t *testing.T) {
	million := &simulation.CallCount{Total: 1_000_000}
	r := &simulation.CrowdReport{
		Transitions: 1_000_000, Invocations: 1_000_000, GBSeconds: 1_000_000,
		Calls: map[string]*simulation.CallCount{
			"s3 PUT": million, "s3 POST": million, "s3 LIST": million, "s3 GET": million, "s3 HEAD": million,
			"s3 DELETE": million, "events PutEvents": million, "sns POST": million,
			"states ListExecutions": million, "cognito-idp DescribeUserImportJob": million, "upload PUT": million,
		},
	}
	const want = 25 + 0.20 + 13.3334 + 3*5 + 2*0.40 + 1 + 0.50 // a million of each, by AWS's price lists
	if got := cost.Dollars(r); math.Abs(got-want) > 1e-9 {
		t.Errorf("$%v, want $%v", got, want)
	}
}

// TestAlternatives compares the other ways with figures worked out by hand.
func TestAlternatives(t *testing.T) {
	want := []struct {
		took    time.Duration
		polls   int
		dollars float64
	}{
		{4*time.Hour + 7*time.Minute + 38*time.Second, 495, 0.0495},
		{2*time.Hour + 46*time.Minute + 40*time.Second, 0, 0},
		{3*time.Hour + 58*time.Minute + 5*time.Second, 14_285, 0},
	}
	for i, a := range cost.Alternatives() {
		if a.Took != want[i].took || a.Polls != want[i].polls || math.Abs(a.Dollars-want[i].dollars) > 1e-9 {
			t.Errorf("%s: %v, %d polls, $%v, want %+v", a.Way, a.Took, a.Polls, a.Dollars, want[i])
		}
	}
}

// TestTable plays the drops of docs/benchmarks.md, for make bench.
func TestTable(t *testing.T) {
	if *table == "" {
		return // not asked for
	}
	quiet(t)
	many := func(drops, users, scale int) simulation.Crowd {
		return simulation.Crowd{Pools: 50, Drops: drops, Rows: users, Scale: scale, ListDelay: time.Second}
	}
	crowds := []simulation.Crowd{
		one(100, 1), one(10_000, 1), one(20_000, 1), one(500_000, 10), one(1_000_000, 20), one(5_000_000, 100),
		one(20_000_000, 1_000), one(40_000_000, 1_000),
		many(1_000, 100, 1), many(100, 1_000, 1), many(100, 10_000, 10), many(20, 500_000, 1_000),
		{
			Pools: 50, Drops: 60, Rows: 20_000, Every: 5 * time.Hour, Giant: 40_000_000, Scale: 1_000,
			ListDelay: time.Second,
		},
	}
	reports := make([]*simulation.CrowdReport, len(crowds))
	t.Run("all", func(t *testing.T) {
		for i, c := range crowds {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				reports[i] = watch(t, c)
			})
		}
	})
	text, err := json.MarshalIndent(reports, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(*table, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

func quiet(t *testing.T) {
	t.Helper()
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
}
