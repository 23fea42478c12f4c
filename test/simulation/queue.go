package simulation

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"userdrop/internal/contract"
	"userdrop/localaws"
	"userdrop/localaws/cognito"
	"userdrop/localaws/lambda"
	"userdrop/localaws/stepfunctions"
)

// Crowd is drops to watch: many at once, or one that is far too large and small ones meanwhile.
type Crowd struct {
	Pools int `json:"pools"`
	Drops int `json:"drops"` // in one second, or one by one after Every
	Rows  int `json:"rows"`  // of each
	// Within is the time in which all come; 0 is a second.
	Within time.Duration `json:"within,omitempty"` // in nanoseconds
	// GatherSeconds is the stack's parameter.
	GatherSeconds int `json:"gatherSeconds,omitempty"`
	// Giant is the number of rows of a drop that comes before the others; 0 is none.
	Giant int           `json:"giant,omitempty"`
	Every time.Duration `json:"every,omitempty"` // in nanoseconds
	// With is what the rows want beside a new user: WithGroups, WithUpdates or WithMapping.
	With string `json:"with,omitempty"`
	// PartRows is how many rows a part has at the most; 0 is as many as Cognito takes.
	PartRows int `json:"partRows,omitempty"`
	// Scale divides rows, the rows of a part, the speed of jobs and the rate of changes, so that millions are played with
	// thousands: the waits stay the same, and so do all counts but those of calls for a row.
	Scale     int           `json:"scale"`
	ListDelay time.Duration `json:"listDelay,omitempty"` // of ListExecutions, at the most; in nanoseconds
}

// CrowdReport is what was seen.
type CrowdReport struct {
	Crowd
	Imports        int                   `json:"imports"` // that ended
	Files          []string              `json:"-"`       // of all results
	Imported       int                   `json:"imported"`
	Changed        int                   `json:"changed"` // memberships of groups, and existing users
	Jobs           int                   `json:"jobs"`
	Transitions    int                   `json:"transitions"`
	MostOfOne      int                   `json:"mostTransitionsOfOne"` // of the small drop that had most
	HistoryEvents  int                   `json:"historyEvents"`        // of the longest execution
	Invocations    int                   `json:"invocations"`
	Concurrent     int                   `json:"concurrent"`           // invocations at once, at the most
	PerSecond      int                   `json:"transitionsPerSecond"` // at the most
	GBSeconds      float64               `json:"gbSeconds"`
	Calls          map[string]*CallCount `json:"calls"`          // by service and operation
	TookSeconds    float64               `json:"tookSeconds"`    // from the first drop to the last result
	JobSeconds     float64               `json:"jobSeconds"`     // of these, with a job pending or at work
	Displaced      int                   `json:"displaced"`      // the most jobs of later parts that started before one
	LongestSeconds float64               `json:"longestSeconds"` // that a small drop took
	Violations     []string              `json:"violations,omitempty"`
}

// Lost is the share of the time in which no job was pending or at work.
func (r *CrowdReport) Lost() float64 { return 1 - r.JobSeconds/r.TookSeconds }

// CallCount counts the calls of an operation.
type CallCount struct {
	Total     int `json:"total"`
	PerSecond int `json:"perSecond"` // at the most
	PerMinute int `json:"perMinute"` // at the most
	// Steady is the most in a minute from ten minutes after the last drop on.
	Steady             int `json:"steady"`
	second, minute     int64
	inSecond, inMinute int
}

func (c *CallCount) add(now time.Time, steady bool) {
	if s := now.Unix(); s != c.second {
		c.second, c.inSecond = s, 0
	}
	if m := now.Unix() / 60; m != c.minute {
		c.minute, c.inMinute = m, 0
	}
	c.Total++
	c.inSecond++
	c.inMinute++
	c.PerSecond, c.PerMinute = max(c.PerSecond, c.inSecond), max(c.PerMinute, c.inMinute)
	if steady {
		c.Steady = max(c.Steady, c.inMinute)
	}
}

// What the double does in no time at all, and AWS does not.
const (
	latency    = 30 * time.Millisecond // of an API call
	throughput = 80e6                  // bytes a second between a function and S3
)

// crowd is a world with a crowd in it.
type crowd struct {
	*World
	Crowd
	settings cognito.Settings
	started  time.Time

	mu     sync.Mutex
	report *CrowdReport
	steady time.Time
	active int // invocations
}

// Watch plays a crowd. It must be called in a bubble of testing/synctest.
func Watch(ctx context.Context, c Crowd) *CrowdReport {
	c.Scale = max(c.Scale, 1)
	w := &crowd{
		Crowd: c, settings: cognito.Defaults(), started: time.Now(),
		report: &CrowdReport{Crowd: c, Calls: map[string]*CallCount{}},
	}
	w.settings.UsersPerSecond /= float64(c.Scale)
	w.settings.KeepAttributes = false
	var pools []localaws.Pool
	for i := range c.Pools {
		pools = append(pools, localaws.Pool{Description: (&Pool{ID: poolName(i)}).describe()})
	}
	chaos := newChaos(1, faults{listed: c.ListDelay})
	var err error
	w.World, err = Tuned(localaws.Options{
		Pools: pools, Cognito: w.settings, Seed: 1, Parameters: c.parameters(), Calls: w.call, Around: w.invoke,
		StepFunctions: stepfunctions.Options{ListDelay: chaos.listDelay},
	}, Tuning{Retryer: chaos.retryer, Context: newJournal().context, Environment: map[string]string{
		"PART_ROWS":        fmt.Sprint(cmp.Or(c.PartRows, 500_000) / c.Scale),
		"USERS_PER_SECOND": fmt.Sprint(w.settings.UsersPerSecond),
		"APPLY_RATE":       fmt.Sprint(ApplyRate / float64(c.Scale)),
	}})
	if err != nil {
		w.fail("%v", err)
		return w.report
	}
	defer w.Close()
	w.prepare(ctx)
	if c.Giant > 0 {
		w.put("giant", 0, c.Giant)
		sleep(ctx, time.Minute)
	}
	if c.GatherSeconds > 0 {
		sleep(ctx, 37*time.Second) // no window begins with the hour
	}
	for i := range c.Drops {
		if i > 0 {
			sleep(ctx, max(c.Every, cmp.Or(c.Within, time.Second)/time.Duration(c.Drops)))
		}
		w.put(fmt.Sprintf("small-%d-", i), i%c.Pools, c.Rows)
	}
	w.mu.Lock()
	w.steady = time.Now().Add(10 * time.Minute)
	w.mu.Unlock()
	if !w.Settle(ctx, 60*24*time.Hour) {
		w.fail("it does not end")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.imports()
	w.jobs()
	return w.report
}

func poolName(i int) string { return fmt.Sprintf("us-east-1_Pool%02d", i) }

func (w *crowd) fail(format string, args ...any) {
	w.report.Violations = append(w.report.Violations, fmt.Sprintf(format, args...))
}

// call counts a call, and lets it take its time.
func (w *crowd) call(call localaws.Call, next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		name := call.Service + " " + call.Operation
		if query := r.URL.Query(); call.Service == "s3" && (query.Has("list-type") || query.Has("versions")) {
			name = "s3 LIST" // which costs more than another GET
		}
		w.mu.Lock()
		if w.report.Calls[name] == nil {
			w.report.Calls[name] = &CallCount{}
		}
		now := time.Now()
		w.report.Calls[name].add(now, !w.steady.IsZero() && now.After(w.steady))
		w.mu.Unlock()
		counted := &counter{ResponseWriter: rw}
		next.ServeHTTP(counted, r)
		bytes := float64(counted.bytes+r.ContentLength) * float64(w.Scale)
		time.Sleep(latency + time.Duration(bytes/throughput*float64(time.Second)))
	})
}

// counter counts what a call answers.
type counter struct {
	http.ResponseWriter
	bytes int64
}

func (c *counter) Write(p []byte) (int, error) {
	c.bytes += int64(len(p))
	return c.ResponseWriter.Write(p)
}

// invoke counts an invocation.
func (w *crowd) invoke(_ context.Context, f lambda.Function, _ []byte, next func() lambda.Result) lambda.Result {
	start := time.Now()
	w.mu.Lock()
	w.active++
	w.report.Concurrent = max(w.report.Concurrent, w.active)
	w.mu.Unlock()
	result := next()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.active--
	w.report.Invocations++
	w.report.GBSeconds += time.Since(start).Seconds() * float64(f.MemoryMB) / 1024
	return result
}

// imports looks at what became of the drops.
func (w *crowd) imports() {
	r := w.report
	transitions, perSecond := map[string]int{}, map[int64]int{} // by import, by second
	for _, machine := range w.Stack.StateMachines {
		for _, e := range w.StepFunctions.Executions(machine.ARN) {
			r.Transitions += e.Transitions
			r.HistoryEvents = max(r.HistoryEvents, e.Events)
			id := e.Name
			if q, ok := contract.ParseExecutionName(e.Name); ok {
				id = q.ImportID
			}
			transitions[id] += e.Transitions
			events, err := w.StepFunctions.History(context.Background(), e.ARN)
			if err != nil {
				w.fail("%v", err)
			}
			for _, event := range events {
				if strings.HasSuffix(event.Type, "StateEntered") {
					perSecond[event.Time.Unix()]++
				}
			}
		}
	}
	for _, n := range perSecond {
		r.PerSecond = max(r.PerSecond, n)
	}
	for _, e := range w.Imports() {
		r.Imports++
		got, err := w.Result(e.Name)
		if err != nil || got == nil || got.Verdict != contract.VerdictSucceeded {
			w.fail("%s ended %s %s: %+v", e.Name, e.Status, e.Error, got)
			continue
		}
		for _, source := range got.Sources {
			r.Files = append(r.Files, source.Key)
		}
		r.Imported += int(got.Rows.Counts().Imported) * w.Scale
		if got.Changes != nil {
			r.Changed += int(got.Changes.Groups.Applied+got.Changes.Attributes.Applied) * w.Scale
		}
		r.TookSeconds = max(r.TookSeconds, got.FinishedAt.Sub(w.started).Seconds())
		if !strings.HasPrefix(e.Name, "giant") {
			r.LongestSeconds = max(r.LongestSeconds, got.FinishedAt.Sub(e.Started).Seconds())
			r.MostOfOne = max(r.MostOfOne, transitions[e.Name])
		}
	}
}

// jobs compares the order of the jobs' start with that of their parts' entry.
func (w *crowd) jobs() {
	entered := map[string]time.Time{}
	for _, e := range w.StepFunctions.Executions(w.Machine("import-job")) {
		q, ok := contract.ParseExecutionName(e.Name)
		if name := fmt.Sprintf("%s-p%d", q.ImportID, q.Part); ok && entered[name].IsZero() {
			// ListExecutions tells milliseconds: within one, nobody came first.
			entered[name] = e.Started.Truncate(time.Millisecond)
		}
	}
	type started struct{ at, entered time.Time }
	var all []started
	for i := range w.Pools {
		for _, j := range w.Cognito.Jobs(poolName(i)) {
			at := time.Time(j.StartDate)
			w.report.JobSeconds += time.Time(j.CompletionDate).Sub(at).Seconds() + time.Duration(w.settings.Pending).Seconds()
			all = append(all, started{at, entered[j.JobName[:strings.LastIndex(j.JobName, "-a")]]})
		}
	}
	slices.SortFunc(all, func(a, b started) int { return a.at.Compare(b.at) })
	w.report.Jobs = len(all)
	for i, j := range all {
		overtaken := 0
		for _, before := range all[:i] {
			if before.entered.After(j.entered) {
				overtaken++
			}
		}
		w.report.Displaced = max(w.report.Displaced, overtaken)
	}
	if w.Cognito.MaxActive() > 1 {
		w.fail("%d jobs were active at once", w.Cognito.MaxActive())
	}
}
