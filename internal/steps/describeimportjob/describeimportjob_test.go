package describeimportjob

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/contract"
)

func TestProgress(t *testing.T) {
	began := time.Date(2026, 1, 15, 0, 0, 0, 0, time.UTC)
	type answer struct {
		Next             contract.Next
		Percent          int
		EstimatedSeconds int64
		EstimatedEnd     time.Time
		Wait             int64
	}
	for name, c := range map[string]struct {
		rows int
		took time.Duration
		job  contract.Job
		want answer
	}{
		"a quarter in 100 s": {
			10_000, 100 * time.Second,
			contract.Job{Status: "InProgress", Imported: 2000, Skipped: 400, Failed: 100},
			answer{contract.Wait, 25, 301, began.Add(401 * time.Second), 150},
		},
		"pending": {
			350, 10 * time.Second,
			contract.Job{Status: "Pending"},
			answer{contract.Wait, 0, 11, began.Add(21 * time.Second), 11},
		},
		"nearly done": {
			1000, 100 * time.Second,
			contract.Job{Status: "InProgress", Imported: 990},
			answer{contract.Wait, 99, 2, began.Add(102 * time.Second), 2},
		},
		"stopped": {
			10_000, 100 * time.Second, contract.Job{Status: "Stopped", Imported: 2500}, answer{Next: contract.Done, Percent: 25},
		},
		// A job that stands still: what its speed promises is more than a Duration holds.
		"one row of 500,000 in 5.2 hours": {
			500_000, 312 * time.Minute,
			contract.Job{Status: "InProgress", Imported: 1},
			answer{
				contract.Wait, 0, int64((contract.MaxEstimate + time.Second) / time.Second),
				began.Add(312*time.Minute + contract.MaxEstimate + time.Second), 300,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var job contract.ImportJob
			job.Rows, job.Job = c.rows, c.job
			job.Job.StartedAt = began
			got := progress(job, began.Add(c.took))
			diff := cmp.Diff(c.want, answer{got.Next, got.Percent, got.EstimatedSeconds, got.EstimatedEnd, got.WaitSeconds})
			if diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}
