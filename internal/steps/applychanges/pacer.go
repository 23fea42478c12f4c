package applychanges

import (
	"context"
	"sync"
	"time"
)

const (
	// lowestRate is where throttling ends to slow the loop down.
	lowestRate = 0.5
	// raiseAfter is how long without throttling raises the rate, by a step of a raiseSteps-th of the top.
	raiseAfter = 10 * time.Second
	raiseSteps = 24
)

// pacer spaces calls evenly: never more than top a second. Throttling halves the rate, and it rises slowly again.
type pacer struct {
	top float64

	mu      sync.Mutex
	rate    float64
	next    time.Time // when the next call may begin
	changed time.Time // when the rate changed last
}

func newPacer(top, rate float64) *pacer {
	if rate <= 0 || rate > top {
		rate = top
	}
	now := time.Now()
	// The run before may have made its last call just now.
	return &pacer{top: top, rate: rate, changed: now, next: now.Add(gap(rate))}
}

// gap is the time between two calls.
func gap(rate float64) time.Duration { return time.Duration(float64(time.Second) / rate) }

// wait returns when a call may begin.
func (p *pacer) wait(ctx context.Context) error {
	p.mu.Lock()
	now := time.Now()
	if p.rate < p.top && now.Sub(p.changed) >= raiseAfter {
		p.rate, p.changed = min(p.rate+p.top/raiseSteps, p.top), now
	}
	at := p.next
	if at.Before(now) {
		at = now
	}
	p.next = at.Add(gap(p.rate))
	p.mu.Unlock()
	return sleep(ctx, time.Until(at))
}

// throttled halves the rate, once for all calls that are refused within a second.
func (p *pacer) throttled() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); now.Sub(p.changed) >= time.Second || p.rate == p.top {
		p.rate, p.changed = max(p.rate/2, lowestRate), now
	}
}

func (p *pacer) current() float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rate
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
