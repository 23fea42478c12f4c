package main

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"userdrop/test/simulation"
)

// budget is what the imports of a crowd may take at the most.
type budget struct {
	crowd simulation.Crowd
	most  map[string]int
}

// budgets hold counts, which do not depend on the machine. Most are what is taken now, or a little more: a change that
// takes more has to say so here. Calls are those of the functions, by service; "upload" is Cognito's upload URL.
var budgets = []budget{
	{one(100, 1), map[string]int{
		"jobs": 1, "transitions": 20, "transitions of one": 20, "history events": 45, "invocations": 9,
		"cognito-idp": 9, "s3": 38, "states": 2, "upload": 1, "events": 1, "sns": 1,
	}},
	{one(500_000, 500), map[string]int{
		"jobs": 1, "transitions": 180, "transitions of one": 180, "history events": 520, "invocations": 68,
		"cognito-idp": 64, "s3": 52, "states": 16, "upload": 1, "events": 1, "sns": 1,
	}},
	{one(5_000_000, 1_000), map[string]int{
		"jobs": 10, "transitions": 1_800, "transitions of one": 1_800, "history events": 550, "invocations": 670,
		"cognito-idp": 620, "s3": 350, "states": 180, "upload": 10, "events": 1, "sns": 1,
	}},
	// Each row is one call.
	{with(simulation.WithGroups, one(1_000, 1)), map[string]int{
		"jobs": 1, "transitions": 28, "transitions of one": 25, "history events": 50, "invocations": 12,
		"cognito-idp": 1_010, "s3": 90, "states": 4, "upload": 1, "events": 1, "sns": 1,
	}},
	// A page of ListUsers has 60 users.
	{with(simulation.WithUpdates, one(1_000, 1)), map[string]int{
		"jobs": 0, "transitions": 12, "transitions of one": 10, "history events": 35, "invocations": 6,
		"cognito-idp": 1_020, "s3": 80, "states": 3, "events": 1, "sns": 1,
	}},
	{with(simulation.WithMapping, one(100, 1)), map[string]int{
		"jobs": 1, "transitions": 20, "transitions of one": 20, "history events": 45, "invocations": 9,
		"cognito-idp": 9, "s3": 38, "states": 2, "upload": 1, "events": 1, "sns": 1,
	}},
	// Their turns cost a drop 15 transitions and 5 calls of Step Functions.
	{many(20, 100, 1), map[string]int{
		"jobs": 20, "transitions": 640, "transitions of one": 40, "history events": 100, "invocations": 260,
		"cognito-idp": 250, "s3": 960, "states": 110, "upload": 20, "events": 20, "sns": 20,
	}},
	{gathered(100, 5), map[string]int{
		"jobs": 5, "transitions": 160, "transitions of one": 40, "history events": 100, "invocations": 170,
		"cognito-idp": 70, "s3": 1_200, "scheduler": 100, "states": 26, "upload": 5, "events": 5, "sns": 5,
	}},
}

// TestBudgets simulates imports, and compares what they take with the budgets and the bars.
func TestBudgets(t *testing.T) {
	for _, c := range budgets {
		t.Run(name(c.crowd), func(t *testing.T) {
			r := simulate(t, c.crowd)
			got := map[string]int{
				"jobs": r.Jobs, "transitions": r.Transitions, "transitions of one": r.MostOfOne,
				"history events": r.HistoryEvents, "invocations": r.Invocations,
			}
			for operation, calls := range r.Calls {
				service, _, _ := strings.Cut(operation, " ")
				got[service] += calls.Total
			}
			for _, what := range slices.Sorted(maps.Keys(got)) {
				if got[what] > c.most[what] {
					t.Errorf("%s: %d, want at most %d", what, got[what], c.most[what])
				}
			}
			b := figures(r)
			for _, f := range b.Figures {
				if i := barFor(b.Name, f.Unit); i >= 0 && f.Value > bars[i].limit {
					t.Errorf("%s: %s %s, at most %v", bars[i].measure, f, f.Unit, bars[i].limit)
				}
			}
		})
	}
}

func one(users, scale int) simulation.Crowd {
	return simulation.Crowd{Pools: 1, Drops: 1, Rows: users, Scale: scale}
}

func many(drops, users, scale int) simulation.Crowd {
	return simulation.Crowd{Pools: 50, Drops: drops, Rows: users, Scale: scale, ListDelay: time.Second}
}

func gathered(drops, pools int) simulation.Crowd {
	c := many(drops, 100, 1)
	c.Pools, c.Within, c.GatherSeconds = pools, time.Minute, 60
	return c
}

func with(what string, c simulation.Crowd) simulation.Crowd {
	c.With = what
	return c
}
