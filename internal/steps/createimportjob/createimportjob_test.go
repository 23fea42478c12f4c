package createimportjob

import (
	"fmt"
	"testing"

	"userdrop/internal/contract"
)

// TestPick lists jobs, the newest first, and asks for attempt 2 of part 1.
func TestPick(t *testing.T) {
	const id = "users-0123456789abcdef01234567"
	name := func(part, attempt int) string { return contract.JobName(id, part, attempt) }
	for title, c := range map[string]struct {
		jobs []contract.Job
		want string // job and attempt
	}{
		"none": {nil, " 2"},
		"foreign jobs and other parts": {
			[]contract.Job{{ID: "1", Name: "nightly"}, {ID: "2", Name: name(2, 2)}, {ID: "3", Name: "x" + name(1, 2)}}, " 2",
		},
		"an earlier attempt":      {[]contract.Job{{ID: "1", Name: name(1, 1), Status: "Failed"}}, " 2"},
		"the newest, none ran":    {[]contract.Job{{ID: "3", Name: name(1, 3), Status: "Created"}, {ID: "2", Name: name(1, 2), Status: "Created"}}, "3 3"},
		"one that ran":            {[]contract.Job{{ID: "3", Name: name(1, 3), Status: "Created"}, {ID: "2", Name: name(1, 2), Status: "Succeeded"}}, "2 2"},
		"the first of those":      {[]contract.Job{{ID: "3", Name: name(1, 3), Status: "InProgress"}, {ID: "2", Name: name(1, 2), Status: "Failed"}}, "2 2"},
		"a job without a status":  {[]contract.Job{{ID: "2", Name: name(1, 2)}}, "2 2"},
		"attempts of two figures": {[]contract.Job{{ID: "12", Name: name(1, 12), Status: "Created"}}, "12 12"},
	} {
		t.Run(title, func(t *testing.T) {
			var asked contract.ImportJob
			asked.ImportID, asked.Part, asked.Attempt = id, 1, 2
			picked := asked
			for _, job := range c.jobs {
				picked = pick(asked, picked, job)
			}
			if got := fmt.Sprint(picked.Job.ID, " ", picked.Attempt); got != c.want {
				t.Errorf("picked %q, want %q", got, c.want)
			}
		})
	}
}
