package contract_test

import (
	"testing"
	"time"

	"userdrop/internal/contract"
)

func TestTimeLeft(t *testing.T) {
	const rate = contract.UsersPerSecond
	for name, c := range map[string]struct {
		progress contract.Progress
		want     time.Duration
	}{
		"not begun":        {contract.Progress{Rows: 3500, Rate: rate}, 100 * time.Second},
		"pending":          {contract.Progress{Rows: 3500, Took: time.Minute, Rate: rate}, 100 * time.Second},
		"by its own speed": {contract.Progress{Rows: 300, Processed: 100, Took: time.Minute, Rate: rate}, 2 * time.Minute},
		"done":             {contract.Progress{Rows: 300, Processed: 300, Took: time.Minute, Rate: rate}, 0},
		"counted too much": {contract.Progress{Rows: 300, Processed: 400, Took: time.Minute, Rate: rate}, 0},
		"started in the future, by another clock": {
			contract.Progress{Rows: 3500, Processed: 1, Took: -time.Minute, Rate: rate}, 3499 * time.Second / rate,
		},
		"one row in 5.2 hours": {
			contract.Progress{Rows: 500_000, Processed: 1, Took: 312 * time.Minute, Rate: rate}, contract.MaxEstimate,
		},
		"a rate of nearly nothing": {contract.Progress{Rows: 500_000, Rate: 1e-12}, contract.MaxEstimate},
		"no rate":                  {contract.Progress{Rows: 1}, contract.MaxEstimate},
		"nothing, no rate":         {contract.Progress{}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got := c.progress.TimeLeft()
			if got < c.want-time.Second || got > c.want+time.Second {
				t.Errorf("%v left, want %v", got, c.want)
			}
		})
	}
}
