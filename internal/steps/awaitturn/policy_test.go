package awaitturn

import (
	"testing"
	"time"

	"userdrop/internal/contract"
)

func TestWait(t *testing.T) {
	const hours4 = 4 * time.Hour
	for name, c := range map[string]struct {
		view view
		want time.Duration
	}{
		"next, behind a small part": {view{place: 1, ahead: 10 * time.Second, first: time.Second}, 2 * time.Second},
		"next, not looked":          {view{place: 1, ahead: 30 * time.Second, first: 20 * time.Second}, 10 * time.Second},
		"next, far from its turn":   {view{place: 1, ahead: hours4, first: hours4, looked: 1}, time.Hour},
		"next, the last look": {
			view{place: 1, ahead: 50 * time.Second, first: hours4, looked: 1}, 40 * time.Second,
		},
		"next, nearly its turn": {view{place: 1, ahead: 11 * time.Second, first: hours4, looked: 1}, 14400 * time.Millisecond},
		"next, after 40 pools":  {view{place: 1, ahead: 12 * time.Second, first: time.Minute, looked: 40}, 8 * time.Second},
		"next, the first overdue by an hour": {
			view{place: 1, ahead: 10 * time.Second, first: time.Minute, sinceMoved: time.Hour}, 5 * time.Minute,
		},
		"next, the first a little overdue": {
			view{place: 1, ahead: 10 * time.Second, first: time.Minute, sinceMoved: 270 * time.Second}, 20 * time.Second,
		},
		"first, behind a job of unknown length": {view{sinceMoved: 50 * time.Second}, 30 * time.Second},
		"first, behind it for four hours":       {view{sinceMoved: hours4}, 5 * time.Minute},
		"third, behind small parts":             {view{place: 2, ahead: 20 * time.Second}, 10 * time.Second},
		"tenth":                                 {view{place: 10, ahead: 10 * time.Minute}, 5 * time.Minute},
		"third, behind days":                    {view{place: 2, ahead: 9 * 24 * time.Hour}, 2 * time.Hour},
		"behind the largest estimate": {
			view{place: 1, ahead: contract.MaxEstimate, first: hours4, looked: 1}, time.Hour,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := defaultPolicy.wait(c.view); got != c.want {
				t.Errorf("waits %v, want %v", got, c.want)
			}
		})
	}
}

func TestLooksAtFirst(t *testing.T) {
	for name, c := range map[string]struct {
		view view
		want bool
	}{
		"next, behind a short job":  {view{place: 1, first: 20 * time.Second}, false},
		"next, behind a longer one": {view{place: 1, first: 21 * time.Second}, true},
		"soon after a long one":     {view{place: 3, first: time.Hour, ahead: time.Hour + 5*time.Minute}, true},
		"long after a long one":     {view{place: 3, first: time.Hour, ahead: time.Hour + 6*time.Minute}, false},
		"behind a middling one":     {view{place: 2, first: 5 * time.Minute, ahead: 6 * time.Minute}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := defaultPolicy.looksAtFirst(c.view); got != c.want {
				t.Errorf("looks: %t, want %t", got, c.want)
			}
		})
	}
}

// TestJitter bounds the jitter by a quarter, and finds the same for the same execution and turn.
func TestJitter(t *testing.T) {
	seen := map[time.Duration]bool{}
	for turn := range 100 {
		job := contract.ImportJob{Turns: turn, PartPlan: contract.PartPlan{Execution: "users-p1-r10"}}
		got := withJitter(job, time.Minute)
		if got < time.Minute || got > 75*time.Second || got != withJitter(job, time.Minute) {
			t.Errorf("turn %d: %v", turn, got)
		}
		seen[got] = true
	}
	if len(seen) < 50 {
		t.Errorf("only %d different waits", len(seen))
	}
}
