package simulation

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"userdrop/internal/contract"
	"userdrop/internal/local"
	"userdrop/localaws/lambda"
	"userdrop/localaws/wire"
)

// The ways in which an invocation goes wrong.
const (
	crashBefore = "crash before the effect"
	crashAfter  = "crash after the effect"
	killed      = "killed at a call"
	timeOut     = "time-out"
	unanswered  = "answer after the task's time-out"
	outOfMemory = "out of memory"
	coldStart   = "cold start"
	twice       = "double invocation"
)

// around stands around each invocation. A function breaks over one payload twice at the most, so that the state
// machines' three retries get through; what no retry heals is told by other tests. The sweeps alone may break as often
// as they are tried: there is another one.
func (c *chaos) around(
	ctx context.Context, f lambda.Function, payload []byte, next func() lambda.Result,
) lambda.Result {
	m := c.mishap(ctx, f, payload)
	sleep(ctx, m.wait)
	switch m.kind {
	case crashBefore:
		return lambda.Exited(m.id, "exit status 2")
	case crashAfter:
		next()
		return lambda.Exited(m.id, "exit status 2")
	case killed:
		result := next()
		c.mu.Lock()
		defer c.mu.Unlock()
		if m.doom.calls > 0 { // it did not make so many
			return result
		}
		return lambda.Exited(m.id, "signal: killed")
	case outOfMemory:
		next()
		return lambda.Exited(m.id, "signal: killed")
	case timeOut:
		if m.doom.after {
			next()
		}
		sleep(ctx, f.Timeout)
		return lambda.TimedOut(m.id, f.Timeout)
	case unanswered:
		result := next()
		sleep(ctx, f.Timeout+time.Minute)
		return result
	case twice:
		done := make(chan struct{})
		go func() {
			defer close(done)
			sleep(ctx, m.gap)
			next()
		}()
		result := next()
		<-done
		return result
	default:
		return next()
	}
}

// mishap is what goes wrong with an invocation.
type mishap struct {
	id, kind  string        // kind is empty if nothing does
	wait, gap time.Duration // before it runs, and before it runs a second time
	doom      *doom
}

// mishap draws what goes wrong with an invocation, and counts it.
func (c *chaos) mishap(ctx context.Context, f lambda.Function, payload []byte) mishap {
	name := strings.TrimPrefix(f.Name, local.StackName+"-")
	sweep := strings.HasPrefix(name, "sweep-")
	what := "function: "
	if sweep {
		what = "sweep: "
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.draws("invoke", f.Name)
	m := mishap{id: wire.RequestID(ctx)}
	if d.chance(c.plan.crash) || sweep && d.chance(c.plan.sweep) {
		m.kind = []string{
			crashBefore, crashAfter, killed, killed, timeOut, unanswered, outOfMemory, coldStart, twice,
		}[d.IntN(9)]
		key := f.Name + string(payload)
		if m.kind != coldStart && m.kind != twice && !sweep {
			if c.crashes[key]++; c.crashes[key] > 2 {
				m.kind = ""
			}
		}
	}
	m.wait = d.between(time.Millisecond, 20*time.Millisecond)
	if m.kind == coldStart {
		m.wait = d.between(100*time.Millisecond, 5*time.Second)
	}
	m.gap = d.between(time.Millisecond, 2*time.Second)
	most := 9
	if name == "apply-changes" || name == "prepare-import" { // which make more
		most = 60
	}
	m.doom = &doom{what: what + killed, calls: 1 + d.IntN(most), after: d.chance(0.5)}
	if m.kind == killed {
		c.doomed[m.id] = m.doom
	} else if m.kind != "" {
		c.count(what + m.kind)
	}
	c.log("invoke %s %s", f.Name, m.kind)
	c.entered[name]++
	for _, s := range c.plan.strikes {
		if s.function == name && s.nth == c.entered[name] {
			go c.strike(ctx, s, importOf(payload))
		}
	}
	return m
}

// importOf is the import of a function's payload; empty where it has none.
func importOf(payload []byte) string {
	var in struct {
		contract.Drop
		ImportJob contract.Drop `json:"importJob"`
	}
	_ = json.Unmarshal(payload, &in) // an event or a schedule
	return cmp.Or(in.ImportID, in.ImportJob.ImportID)
}

// doom kills an invocation at one of its calls of AWS, before the call takes effect or after it.
type doom struct {
	what   string
	calls  int // until then
	after  bool
	cancel context.CancelFunc
}

// context wraps an invocation's context, so that it ends when the invocation is killed.
func (c *chaos) context(ctx context.Context) context.Context {
	lc, _ := lambdacontext.FromContext(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	if d := c.doomed[lc.AwsRequestID]; d != nil {
		ctx, d.cancel = context.WithCancel(ctx)
	}
	return ctx
}

// dies reports whether a killed invocation gets no answer to this call; effect is what the call asks for.
func (c *chaos) dies(ctx context.Context, effect func()) bool {
	lc, ok := lambdacontext.FromContext(ctx)
	if !ok {
		return false
	}
	c.mu.Lock()
	d := c.doomed[lc.AwsRequestID]
	if d == nil {
		c.mu.Unlock()
		return false
	}
	d.calls--
	left := d.calls
	if left == 0 {
		c.count(d.what)
		c.log("%s", d.what)
	}
	c.mu.Unlock()
	if left > 0 {
		return false
	}
	if left == 0 && d.after {
		effect()
	}
	d.cancel()
	return true
}

// admit refuses invocations, as Lambda does where too many run at once, or where it has a fault of its own.
func (c *chaos) admit(f lambda.Function) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.draws("admit", f.Name)
	if c.storm("lambda "+strings.TrimPrefix(f.Name, local.StackName+"-")) == "" && !d.chance(c.plan.refused) {
		return nil
	}
	refusal := &wire.Error{Code: "TooManyRequestsException", Message: "Rate Exceeded.", Status: http.StatusTooManyRequests}
	if d.chance(0.2) {
		refusal = &wire.Error{Code: "ServiceException", Message: "A fault.", Status: http.StatusInternalServerError}
	}
	c.count("lambda: " + refusal.Code)
	c.log("%s refused: %s", f.Name, refusal.Code)
	return refusal
}
