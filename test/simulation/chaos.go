package simulation

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"userdrop/localaws"
	"userdrop/localaws/events"
)

// chaos breaks things as a seed says: calls of services, functions, and the delivery of events. What it draws for the
// nth time for one purpose depends on the seed, the purpose and n alone, so that a seed repeats itself even where two
// things happen at one instant of virtual time.
type chaos struct {
	start time.Time
	plan  faults

	mu       sync.Mutex
	seed     uint64
	drawn    map[string]int
	counts   map[string]int
	crashes  map[string]int   // of a function over one payload
	doomed   map[string]*doom // by the id of a request for a function
	entered  map[string]int   // invocations by function
	strike   func(context.Context, strike, string)
	trace    []string
	commits  map[string]int    // successful writes of a result.json, by key
	uploads  map[string][]byte // the file of each job
	quotas   map[string]*window
	breaches []string
}

// faults are how often what goes wrong.
type faults struct {
	call    float64 // of the calls of AWS by functions
	crash   float64 // of the invocations
	sweep   float64 // of the invocations of the sweeps, all tries of which may break
	refused float64 // of the invocations, by Lambda
	event   float64 // of the deliveries of events
	dropped float64 // of those, the ones that never come
	listed  time.Duration
	stop    float64 // probability that stopping a nested execution with its parent fails
	storms  []storm
	strikes []strike
}

// storm is a time in which a service refuses every call.
type storm struct {
	service  string // or "lambda" and the name of a function, which Lambda refuses to invoke
	from, to time.Duration
	kind     string
}

// strike breaks an execution off while a function is at work for it, so that every state has its turn.
type strike struct {
	function string
	nth      int           // invocation of it
	after    time.Duration // from its begin
	machine  string        // whose execution is stopped
	redrive  time.Duration // from then to a Redrive, if it is not 0
}

func newChaos(seed uint64, plan faults) *chaos {
	return &chaos{
		start: time.Now(), plan: plan, seed: seed, drawn: map[string]int{},
		counts: map[string]int{}, crashes: map[string]int{}, commits: map[string]int{}, uploads: map[string][]byte{},
		quotas: map[string]*window{}, doomed: map[string]*doom{}, entered: map[string]int{},
	}
}

// The ways in which a call goes wrong.
const (
	throttle = "throttle"
	fault500 = "500"
	fault503 = "503"
	lost     = "lost answer"
	reset    = "connection reset"
	slow     = "slow answer"
	broken   = "answer cut short"
	cut      = "upload cut short"
)

// draws are the random numbers for the next thing of a purpose. The caller holds the lock.
func (c *chaos) draws(purpose ...string) draw {
	key := strings.Join(purpose, " ")
	c.drawn[key]++
	h := fnv.New64a()
	fmt.Fprintf(h, "%s#%d", key, c.drawn[key])
	return draw{rand.New(rand.NewPCG(c.seed, h.Sum64()))}
}

func (c *chaos) count(what string) { c.counts[what]++ }

func (c *chaos) log(format string, args ...any) {
	c.trace = append(c.trace, fmt.Sprintf("%016d ", time.Since(c.start))+fmt.Sprintf(format, args...))
}

// draw decides a call's latency and fault.
func (c *chaos) draw(call localaws.Call, role string, eligible bool) (latency time.Duration, kind string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.draws(call.Service, call.Operation, role)
	latency = d.between(time.Millisecond, 30*time.Millisecond)
	if !eligible {
		return latency, ""
	}
	if kind = c.storm(call.Service); kind == "" && d.chance(c.plan.call) {
		kind = []string{throttle, throttle, fault500, fault503, lost, reset, slow, broken}[d.IntN(8)]
		if call.Service == "upload" && d.chance(0.5) {
			kind = cut
		}
	}
	if kind == slow {
		latency = d.between(time.Second, 25*time.Second)
	}
	if kind != "" {
		c.count(call.Service + ": " + kind)
	}
	return latency, kind
}

// storm is how a service refuses every call at this time; empty if it does not. The caller holds the lock.
func (c *chaos) storm(service string) (kind string) {
	since := time.Since(c.start)
	for _, s := range c.plan.storms {
		if s.service == service && since >= s.from && since < s.to {
			kind = s.kind
		}
	}
	return kind
}

// call stands before each call of a service.
func (c *chaos) call(call localaws.Call, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		role := ""
		if call.Principal != nil {
			role = call.Principal.ARN()
		}
		latency, kind := c.draw(call, role, role != "" || call.Service == "upload")
		if !sleep(r.Context(), latency) {
			panic(http.ErrAbortHandler)
		}
		c.observe(call, r)
		if c.dies(r.Context(), func() { next.ServeHTTP(httptest.NewRecorder(), r) }) {
			panic(http.ErrAbortHandler)
		}
		status := &statusWriter{ResponseWriter: w}
		done := func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.log("%s %s by %s: %d %s", call.Service, call.Operation, role, status.code, kind)
			if call.Service == "s3" && r.Method == http.MethodPut && status.code == http.StatusOK &&
				strings.HasSuffix(r.URL.Path, "/result.json") {
				c.commits[r.URL.Path]++
			}
		}
		defer done()
		switch kind {
		case throttle:
			refuse(status, call.Service, throttleCode(call.Service), http.StatusBadRequest)
		case fault500:
			refuse(status, call.Service, "InternalError", http.StatusInternalServerError)
		case fault503:
			refuse(status, call.Service, "ServiceUnavailable", http.StatusServiceUnavailable)
		case reset:
			panic(http.ErrAbortHandler)
		case cut:
			r.Body = io.NopCloser(io.LimitReader(r.Body, r.ContentLength/2))
			next.ServeHTTP(status, r)
		case lost:
			status.ResponseWriter = httptest.NewRecorder()
			next.ServeHTTP(status, r)
			panic(http.ErrAbortHandler)
		case broken:
			whole := httptest.NewRecorder()
			status.ResponseWriter = whole
			next.ServeHTTP(status, r)
			maps.Copy(w.Header(), whole.Header())
			w.WriteHeader(whole.Code)
			_, _ = w.Write(whole.Body.Bytes()[:whole.Body.Len()/2])
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		default:
			next.ServeHTTP(status, r)
		}
	})
}

// observe keeps the bodies of uploads, and counts calls against their quotas.
func (c *chaos) observe(call localaws.Call, r *http.Request) {
	if call.Service == "upload" {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		c.mu.Lock()
		c.uploads[r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]] = body
		c.mu.Unlock()
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	key := call.Service + " " + call.Operation
	if c.quotas[key] == nil {
		c.quotas[key] = &window{}
	}
	c.quotas[key].add(time.Now())
	switch call.Operation {
	case "AdminAddUserToGroup", "AdminDisableUser", "AdminEnableUser", "AdminUpdateUserAttributes":
		if call.Principal != nil && strings.Contains(call.Principal.ARN(), "ApplyChanges") {
			if c.quotas["changes"] == nil {
				c.quotas["changes"] = &window{}
			}
			c.quotas["changes"].add(time.Now())
		}
	}
}

// window counts calls by the minute.
type window struct {
	minute int64
	n      int
	most   int // in a minute
	total  int
}

func (w *window) add(now time.Time) {
	if m := now.Unix() / 60; m != w.minute {
		w.minute, w.n = m, 0
	}
	w.n++
	w.total++
	w.most = max(w.most, w.n)
}

type statusWriter struct {
	http.ResponseWriter
	code int
}

func (w *statusWriter) WriteHeader(code int) {
	w.code = code
	w.ResponseWriter.WriteHeader(code)
}

func (w *statusWriter) Write(p []byte) (int, error) {
	if w.code == 0 {
		w.code = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

func throttleCode(service string) string {
	switch service {
	case "cognito-idp":
		return "TooManyRequestsException"
	case "s3", "upload":
		return "SlowDown"
	case "sns":
		return "Throttled"
	default:
		return "ThrottlingException"
	}
}

// refuse answers as the service's protocol does.
func refuse(w http.ResponseWriter, service, code string, status int) {
	switch service {
	case "s3", "upload":
		if code == "SlowDown" {
			status = http.StatusServiceUnavailable
		}
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		fmt.Fprintf(w, xml.Header+`<Error><Code>%s</Code><Message>A fault.</Message></Error>`, code)
	case "sns":
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(status)
		fmt.Fprintf(w, `<ErrorResponse><Error><Type>Receiver</Type><Code>%s</Code>`+
			`<Message>A fault.</Message></Error></ErrorResponse>`, code)
	default:
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.Header().Set("X-Amzn-ErrorType", code)
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"__type":%q,"message":"A fault."}`, code)
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// deliveries delays, doubles and drops events.
func (c *chaos) deliveries(rule, _ string, event events.Envelope, usual time.Duration) []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.draws("event", rule, string(event.Detail))
	if !d.chance(c.plan.event) {
		return []time.Duration{usual}
	}
	name := "event of " + strings.TrimPrefix(event.Source, "aws.")
	switch {
	case d.chance(c.plan.dropped):
		c.count(name + ": dropped")
		c.log("event of rule %s dropped", rule)
		return nil
	case d.chance(0.5):
		c.count(name + ": doubled")
		return []time.Duration{usual, usual + d.between(time.Millisecond, 10*time.Minute)}
	default:
		c.count(name + ": delayed")
		return []time.Duration{usual + d.between(time.Second, 30*time.Minute)}
	}
}

// listDelay hides changes from ListExecutions.
func (c *chaos) listDelay(execution string, _ int) time.Duration {
	if c.plan.listed == 0 {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.draws("list", execution)
	if !d.chance(0.5) {
		return 0
	}
	c.count("list: executions late")
	return d.between(time.Millisecond, c.plan.listed)
}

func (c *chaos) stopChild(execution string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.draws("stop", execution).chance(c.plan.stop) {
		c.count("stop: child left running")
		return false
	}
	return true
}

// retryer is the SDK's standard one with a jitter that a seed repeats.
func (c *chaos) retryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			most := min(time.Second<<attempt, retry.DefaultMaxBackoff)
			return c.draws("retry").between(time.Millisecond, most), nil
		})
	})
}
