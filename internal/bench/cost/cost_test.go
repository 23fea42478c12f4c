package cost_test

import (
	"context"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"os"
	"testing"
	"testing/synctest"

	"userdrop/internal/bench/cost"
)

var table = flag.String("table", "", "play all drops, and write what they cost to this file as JSON")

func of(t *testing.T, d cost.Drop) cost.Cost {
	t.Helper()
	var c cost.Cost
	synctest.Test(t, func(t *testing.T) {
		var err error
		if c, err = cost.Of(context.Background(), d); err != nil {
			t.Fatal(err)
		}
	})
	if c.Imported != d.Users*max(d.Files, 1) {
		t.Errorf("%d of %d users imported", c.Imported, d.Users*max(d.Files, 1))
	}
	return c
}

// TestBars holds the counts that do not depend on the machine to the measures the project set itself.
func TestBars(t *testing.T) {
	quiet(t)
	for _, tt := range []struct {
		name        string
		drop        cost.Drop
		transitions int // at most
	}{
		{"a small drop", cost.Drop{Users: 100}, 30},
		{"one full part", cost.Drop{Users: 500_000, Scale: 500}, 500},
		{"forty million", cost.Drop{Users: 40_000_000, Scale: 10_000}, 80 * 600},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := of(t, tt.drop)
			if c.Transitions > tt.transitions {
				t.Errorf("%d transitions, at most %d", c.Transitions, tt.transitions)
			}
			if c.HistoryEvents > 20_000 {
				t.Errorf("a history of %d events; 25,000 end an execution", c.HistoryEvents)
			}
			for name, quota := range cost.Quotas {
				if c.Peak[name] > quota {
					t.Errorf("%s: %d in one second, the quota is %d", name, c.Peak[name], quota)
				}
			}
			if lost := c.WallSeconds - c.JobSeconds; tt.drop.Users >= 500_000 && lost > 0.09*c.WallSeconds {
				t.Errorf("%.0f s of %.0f s are lost to waiting", lost, c.WallSeconds)
			}
		})
	}
}

// TestTable plays the drops of docs/benchmarks.md, for make bench.
func TestTable(t *testing.T) {
	if *table == "" {
		return // not asked for
	}
	quiet(t)
	var all []cost.Cost
	for _, d := range []cost.Drop{
		{Users: 100},
		{Users: 10_000},
		{Users: 20_000},
		{Users: 500_000, Scale: 10},
		{Users: 1_000_000, Scale: 20},
		{Users: 5_000_000, Scale: 100},
		{Users: 40_000_000, Scale: 1_000},
		{Users: 100, Files: 1_000},
	} {
		all = append(all, of(t, d))
	}
	text, err := json.MarshalIndent(all, "", "  ")
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
