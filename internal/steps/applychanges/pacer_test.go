package applychanges

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestPacer counts the calls of each period of ten seconds at a top of 12 a second. Some periods begin with throttling.
func TestPacer(t *testing.T) {
	const top = 12
	for name, test := range map[string]struct {
		rate      float64 // that the run before has come to; 0 is none
		throttled []int   // how often, at the beginning of each period
		calls     []int   // of each period
		end       float64 // the rate after it all
	}{
		"at the top":                  {0, []int{0, 0, 0}, []int{120, 120, 120}, 12},
		"a rate above the top":        {30, []int{0}, []int{120}, 12},
		"a checkpoint's rate rises":   {6, []int{0, 0, 0}, []int{60, 65, 70}, 7},
		"throttling halves":           {0, []int{1}, []int{60}, 6},
		"once for calls in flight":    {0, []int{8}, []int{60}, 6},
		"and the rate rises slowly":   {0, []int{1, 0, 0}, []int{60, 65, 70}, 7},
		"again and again":             {0, []int{1, 1, 1}, []int{60, 30, 15}, 1.5},
		"never below the lowest rate": {0, []int{1, 1, 1, 1, 1, 1}, []int{60, 30, 15, 8, 5, 5}, 0.5},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPacer(top, test.rate)
				calls := make([]int, len(test.throttled))
				var last time.Time
				for period, times := range test.throttled {
					ends := time.Now().Add(10 * time.Second)
					for range times {
						p.throttled()
					}
					for time.Now().Before(ends) {
						if err := p.wait(t.Context()); err != nil {
							t.Fatal(err)
						}
						if now := time.Now(); !last.IsZero() && now.Sub(last) < gap(top) {
							t.Errorf("two calls within %s", now.Sub(last))
						}
						last = time.Now()
						calls[period]++
					}
				}
				for i := range calls {
					if calls[i] < test.calls[i]-1 || calls[i] > test.calls[i]+1 {
						t.Errorf("calls: %s", cmp.Diff(test.calls, calls))
						break
					}
				}
				if got := p.current(); got != test.end {
					t.Errorf("the rate is %g, want %g", got, test.end)
				}
			})
		})
	}
}
