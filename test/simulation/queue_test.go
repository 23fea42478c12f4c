package simulation_test

import (
	"testing"
	"testing/synctest"
	"time"

	"userdrop/test/simulation"
)

func watch(t *testing.T, c simulation.Crowd) (report *simulation.CrowdReport) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { report = simulation.Watch(t.Context(), c) })
	for _, violation := range report.Violations {
		t.Error(violation)
	}
	t.Logf("%d drops, %d jobs in %.0f s, with one in hand for %.0f s: %.1f %% lost",
		report.Imports, report.Jobs, report.TookSeconds, report.JobSeconds, 100*report.Lost())
	t.Logf("displaced by %d at the most, longest way of a small drop %.0f s with %d transitions, most events %d",
		report.Displaced, report.LongestSeconds, report.MostOfOne, report.HistoryEvents)
	// Looks at jobs, of which an account has 20 a second, and reads of the queue are held to a quarter of their quotas.
	// https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html
	// https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
	for name, quota := range map[string]int{
		"states ListExecutions": 5, "cognito-idp ListUserImportJobs": 20, "cognito-idp DescribeUserImportJob": 20,
	} {
		calls := report.Calls[name]
		t.Logf("%s: %d, in a minute %d and later %d at the most", name, calls.Total, calls.PerMinute, calls.Steady)
		if calls.Steady > quota*60/4 {
			t.Errorf("%s is called %d times in a minute, want at most %d", name, calls.Steady, quota*60/4)
		}
	}
	own := 30
	if c.Rows > 20_000 {
		own = 500
	}
	if report.MostOfOne > own+100 {
		t.Errorf("a drop took %d transitions, want %d and 100 for its wait at the most", report.MostOfOne, own)
	}
	return report
}

// TestManyDrops lets many drops come at once.
func TestManyDrops(t *testing.T) {
	report := watch(t, simulation.Crowd{Pools: 50, Drops: *crowd, Rows: 100, ListDelay: time.Second})
	if report.Imports != *crowd {
		t.Errorf("%d drops ended, want %d", report.Imports, *crowd)
	}
	// The list shows a start up to a second late: of the parts that meet an idle account within it, any may be first.
	if report.Displaced > 2 {
		t.Errorf("a job started %d places out of turn", report.Displaced)
	}
}

// TestOvertaken lets a later drop of 500,000 users, scaled down, get in before an earlier one, since the list of
// executions is late: the earlier one waits for four hours, as the next in line would.
func TestOvertaken(t *testing.T) {
	t.Parallel()
	report := watch(t, simulation.Crowd{Pools: 50, Drops: 4, Rows: 500_000, Scale: 1_000, ListDelay: time.Second})
	if report.Displaced == 0 {
		t.Error("no drop was overtaken")
	}
}

// TestGather drops 1,000 files of 100 users for 50 pools within a minute, or as many as -crowd says for each of them:
// with a window of a minute they take one job for each pool and window, and each file has one result.
func TestGather(t *testing.T) {
	t.Parallel()
	drops := max(*crowd, 100)
	report := watch(t, simulation.Crowd{
		Pools: 50, Drops: drops, Rows: 100, Within: time.Minute, GatherSeconds: 60, ListDelay: time.Second,
	})
	seen := map[string]int{}
	for _, key := range report.Files {
		if seen[key]++; seen[key] > 1 {
			t.Errorf("%s has two results", key)
		}
	}
	if len(seen) != drops {
		t.Errorf("%d files have a result, want %d", len(seen), drops)
	}
	if report.Jobs > 60 {
		t.Errorf("%d jobs, want at most 60", report.Jobs)
	}
}

// TestGiantDrop drops 40 million users, scaled down by 1,000, and small drops meanwhile.
func TestGiantDrop(t *testing.T) {
	t.Parallel()
	report := watch(t, simulation.Crowd{
		Pools: 50, Drops: 60, Rows: 20_000, Every: 5 * time.Hour, Giant: 40_000_000, Scale: 1_000, ListDelay: time.Second,
	})
	if report.Lost() > 0.01 {
		t.Errorf("%.2f %% of the time was lost between jobs", 100*report.Lost())
	}
	if job := 500_000.0 / 35; report.LongestSeconds > 1.5*job {
		t.Errorf("a small drop took %.0f s, want no more than the job in hand", report.LongestSeconds)
	}
	if report.HistoryEvents > 20_000 {
		t.Errorf("a history has %d events", report.HistoryEvents)
	}
}
