package startimportjob

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/contract"
)

func TestDecide(t *testing.T) {
	now := time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
	const patience = 14 * 24 * time.Hour
	type answer struct {
		Next    contract.Next
		Wait    int64
		Attempt int
		Lapses  int
	}
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	for name, c := range map[string]struct {
		state contract.AttemptState
		want  answer
	}{
		"the response to a start was lost": {
			contract.AttemptState{Job: contract.Job{Status: "Pending"}, RefusedSince: ago(time.Hour)},
			answer{Next: contract.Proceed, Wait: 3},
		},
		"it ended meanwhile": {contract.AttemptState{Job: contract.Job{Status: "Succeeded"}}, answer{Next: contract.Done}},
		"refused just now": {
			contract.AttemptState{Job: contract.Job{Status: "Created"}, RefusedSince: now}, answer{Next: contract.Wait, Wait: 10},
		},
		"refused for a minute": {
			contract.AttemptState{Job: contract.Job{Status: "Created"}, RefusedSince: ago(time.Minute)},
			answer{Next: contract.Wait, Wait: 30},
		},
		"refused for five hours": {
			contract.AttemptState{Job: contract.Job{Status: "Created"}, RefusedSince: ago(5 * time.Hour)},
			answer{Next: contract.Wait, Wait: 300},
		},
		"refused for six hours: the next part may try": {
			contract.AttemptState{Job: contract.Job{Status: "Created"}, RefusedSince: ago(6 * time.Hour)},
			answer{Next: contract.HandOver},
		},
		"refused for good": {
			contract.AttemptState{Job: contract.Job{Status: "Created"}, RefusedSince: ago(patience)},
			answer{Next: contract.Done},
		},
		"expired unstarted": {
			contract.AttemptState{Job: contract.Job{Status: "Expired"}, RefusedSince: ago(25 * time.Hour)},
			answer{Next: contract.Attempt, Attempt: 1},
		},
		"expired unstarted, never refused": {
			contract.AttemptState{Job: contract.Job{Status: "Expired"}}, answer{Next: contract.Attempt, Attempt: 1},
		},
		"expired unstarted, the patience is over": {
			contract.AttemptState{Job: contract.Job{Status: "Expired"}, RefusedSince: ago(patience)},
			answer{Next: contract.Done},
		},
		"expired at work": {
			contract.AttemptState{Job: contract.Job{Status: "Expired", Imported: 1}}, answer{Next: contract.Done},
		},
		"the URL lapsed": {
			contract.AttemptState{Job: contract.Job{Status: "Created"}, Lapsed: true, RefusedSince: now},
			answer{Next: contract.Attempt, Attempt: 1, Lapses: 1},
		},
		"the URLs lapse": {
			contract.AttemptState{Job: contract.Job{Status: "Created"}, Lapsed: true, Lapses: maxLapses, RefusedSince: now},
			answer{Next: contract.Done, Lapses: maxLapses},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := decide(contract.ImportJob{AttemptState: c.state}, now, patience)
			if diff := cmp.Diff(c.want, answer{got.Next, got.WaitSeconds, got.Attempt, got.Lapses}); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

// TestYield lets the next part pass every six hours, until the patience is over.
func TestYield(t *testing.T) {
	began := time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
	var job contract.ImportJob
	job.ImportID, job.Part, job.Rows, job.Execution = "users-0a1b", 1, 7, "users-0a1b-p1-r7"
	job.Job.Status, job.Uploaded, job.RefusedSince, job.Ticket = "Created", true, began, began
	var yields []time.Duration
	for now := began; job.Next != contract.Done; now = now.Add(5 * time.Minute) {
		job = decide(job, now, 24*time.Hour)
		if job.Next == contract.HandOver {
			yields = append(yields, now.Sub(began))
			name, ok := contract.ParseExecutionName(job.Execution)
			if !ok || !name.Ticket.Equal(now) || !job.Uploaded {
				t.Errorf("after %v: %s, uploaded %t", now.Sub(began), job.Execution, job.Uploaded)
			}
		}
	}
	want := []time.Duration{6 * time.Hour, 12 * time.Hour, 18 * time.Hour}
	if diff := cmp.Diff(want, yields); diff != "" {
		t.Errorf("yields (-want +got):\n%s", diff)
	}
}
