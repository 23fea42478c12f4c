package startimport

import (
	"strings"
	"testing"
	"time"
)

func TestNewWindow(t *testing.T) {
	day := time.Date(2026, 1, 15, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct{ now, window, want time.Duration }{
		"on the second":  {0, time.Minute, time.Minute},
		"within one":     {1999 * time.Millisecond, time.Minute, 61 * time.Second},
		"a short window": {0, time.Second, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			now := day.Add(c.now)
			got := newWindow(now, c.window)
			if want := day.Add(c.want); !got.Equal(want) {
				t.Errorf("ends at %v, want %v", got, want)
			}
			if got.Sub(now) > max(c.window, 2*time.Second) || !usable(got, now) {
				t.Errorf("a file waits %v of a window of %v", got.Sub(now), c.window)
			}
		})
	}
	if usable(day.Add(time.Second), day) || usable(day.Add(-time.Hour), day) {
		t.Error("a schedule can't be made for what is over or about to be")
	}
}

// TestScheduleName has one name for each pool and window, within Scheduler's 64 characters.
func TestScheduleName(t *testing.T) {
	end := time.Date(2026, 1, 15, 0, 1, 1, 0, time.UTC)
	stack := strings.Repeat("s", 40)
	name := scheduleName(stack, "us-east-1_Example1", end)
	if len(name) > 64 || name != scheduleName(stack, "us-east-1_Example1", end) {
		t.Errorf("name %s", name)
	}
	if name == scheduleName(stack, "us-east-1_Example2", end) || name == scheduleName(stack, "us-east-1_Example1", end.Add(time.Minute)) {
		t.Errorf("%s comes twice", name)
	}
}
