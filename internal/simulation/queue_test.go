package simulation_test

import (
	"testing"
	"testing/synctest"
	"time"

	"userdrop/internal/simulation"
)

func watch(t *testing.T, c simulation.Crowd) (report *simulation.CrowdReport) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { report = simulation.Watch(t.Context(), c) })
	for _, violation := range report.Violations {
		t.Error(violation)
	}
	t.Logf("%d drops, %d jobs in %s, busy %s, lost %.1f %%",
		report.Drops, report.Jobs, report.Took, report.Busy, 100*report.Lost)
	t.Logf("displaced by %d at the most, longest wait of a small drop %s, most events %d",
		report.Displaced, report.LongestWait, report.MostEvents)
	for _, call := range []string{
		"states ListExecutions", "cognito-idp ListUserImportJobs", "cognito-idp DescribeUserImportJob",
	} {
		t.Logf("%s: %.1f a minute, %d at the most", call, report.PerMinute[call], report.MostPerMinute[call])
	}
	return report
}

// TestManyDrops lets many drops come at once.
func TestManyDrops(t *testing.T) {
	report := watch(t, simulation.Crowd{
		Pools: 50, Drops: *crowd, Rows: 100, UsersPerSecond: 35, PartRows: 500_000, ListDelay: time.Second,
	})
	if report.Drops != *crowd {
		t.Errorf("%d drops ended, want %d", report.Drops, *crowd)
	}
	if report.Displaced > 0 {
		t.Errorf("a job started %d places out of turn", report.Displaced)
	}
	if quota := 5.0 * 60 / 4; report.PerMinute["states ListExecutions"] > quota {
		t.Errorf("ListExecutions is called %.0f times a minute, want at most %.0f",
			report.PerMinute["states ListExecutions"], quota)
	}
	looksSeldom(t, report)
}

// looksSeldom holds looks at jobs to a quarter of the account's 20 a second.
// https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html
func looksSeldom(t *testing.T, report *simulation.CrowdReport) {
	t.Helper()
	if most := report.MostPerMinute["cognito-idp ListUserImportJobs"]; most > 20*60/4 {
		t.Errorf("ListUserImportJobs is called %d times in a minute", most)
	}
}

// TestGiantDrop drops 40 million users, scaled down by 1,000, and small drops meanwhile.
func TestGiantDrop(t *testing.T) {
	report := watch(t, simulation.Crowd{
		Pools: 50, Drops: 60, Rows: 1, Every: 5 * time.Hour, Giant: 40_000, PartRows: 500, UsersPerSecond: 0.035,
		ListDelay: time.Second,
	})
	if report.Lost > 0.09 {
		t.Errorf("%.1f %% of the time was lost between jobs, want 9 at the most", 100*report.Lost)
	}
	if job := 500 / 0.035 * float64(time.Second); report.LongestWait > time.Duration(1.5*job) {
		t.Errorf("a small drop waited for %s, want no more than the job in hand", report.LongestWait)
	}
	if report.MostEvents > 20_000 {
		t.Errorf("a history has %d events", report.MostEvents)
	}
	looksSeldom(t, report)
}
