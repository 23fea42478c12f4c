package simulation

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"userdrop/internal/localaws"
	"userdrop/internal/localaws/cognito"
	"userdrop/internal/localaws/stepfunctions"
	"userdrop/internal/result"
	"userdrop/internal/workflow"
)

// Crowd is a queue to watch: many drops at once, and one that is far too large.
type Crowd struct {
	Pools int
	Drops int // dropped in one second
	Rows  int // of each
	// Giant is the number of rows of a drop that comes before the others, in parts of PartRows; 0 is none.
	Giant, PartRows int
	// Every is the time between two of the others where there is a giant.
	Every time.Duration
	// UsersPerSecond is the speed of jobs, and what estimates start from.
	UsersPerSecond float64
	ListDelay      time.Duration // of ListExecutions, at the most
}

// CrowdReport is what was seen.
type CrowdReport struct {
	Drops, Jobs   int
	Took          time.Duration
	Busy          time.Duration // with a job in hand, pending or at work
	Lost          float64       // of the time from the first job's start to the last one's end
	Displaced     int           // the most jobs of parts that came later which started before one
	LongestWait   time.Duration // of a small drop, from its drop to its result
	MostEvents    int           // in one history
	Transitions   int           // of the small drop that had most
	PerMinute     map[string]float64
	MostPerMinute map[string]int
	Violations    []string
}

// Watch plays a crowd. It must be called in a bubble of testing/synctest.
func Watch(ctx context.Context, c Crowd) *CrowdReport {
	report := &CrowdReport{PerMinute: map[string]float64{}, MostPerMinute: map[string]int{}}
	settings := cognito.Defaults()
	settings.UsersPerSecond, settings.KeepAttributes = c.UsersPerSecond, false
	var pools []localaws.Pool
	for i := range c.Pools {
		pools = append(pools, localaws.Pool{Description: (&Pool{ID: fmt.Sprintf("us-east-1_Pool%02d", i)}).describe()})
	}
	start := time.Now()
	var mu sync.Mutex
	calls := map[string]*window{}
	chaos := newChaos(1, faults{listed: c.ListDelay})
	w, err := Tuned(localaws.Options{
		Pools: pools, Cognito: settings, Seed: 1,
		Calls: func(call localaws.Call, next http.Handler) http.Handler {
			return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				mu.Lock()
				key := call.Service + " " + call.Operation
				if calls[key] == nil {
					calls[key] = &window{}
				}
				calls[key].add(time.Now())
				mu.Unlock()
				chaos.call(call, next).ServeHTTP(rw, r)
			})
		},
		StepFunctions: stepfunctions.Options{ListDelay: chaos.listDelay},
	}, Tuning{Retryer: chaos.retryer, Context: newJournal().context, Environment: map[string]string{
		"PART_ROWS": fmt.Sprint(max(c.PartRows, 1)), "USERS_PER_SECOND": fmt.Sprint(c.UsersPerSecond),
	}})
	if err != nil {
		report.Violations = append(report.Violations, err.Error())
		return report
	}
	defer w.Close()
	file := func(name string, rows int) []byte {
		var text strings.Builder
		text.WriteString("cognito:username,email,email_verified\n")
		for n := range rows {
			fmt.Fprintf(&text, "%s%d,%s%d@example.com,true\n", name, n, name, n)
		}
		return []byte(text.String())
	}
	put := func(name string, pool, rows int) {
		_, err := w.S3.Put(w.Inbox(), fmt.Sprintf("incoming/us-east-1_Pool%02d/%s.csv", pool, name), file(name, rows))
		if err != nil {
			report.Violations = append(report.Violations, err.Error())
		}
	}
	if c.Giant > 0 {
		put("giant", 0, c.Giant)
		sleep(ctx, time.Minute)
	}
	for i := range c.Drops {
		put(fmt.Sprintf("small-%d-", i), i%c.Pools, c.Rows)
		sleep(ctx, max(c.Every, time.Second/time.Duration(c.Drops)))
	}
	for w.running() && time.Since(start) < 60*24*time.Hour {
		sleep(ctx, 10*time.Minute)
	}
	w.examine(c, report)
	minutes := report.Took.Minutes()
	for key, window := range calls {
		report.PerMinute[key], report.MostPerMinute[key] = float64(window.total)/minutes, window.most
	}
	return report
}

// examine looks at a crowd's traces.
func (w *World) examine(c Crowd, report *CrowdReport) {
	fail := func(format string, args ...any) {
		report.Violations = append(report.Violations, fmt.Sprintf(format, args...))
	}
	// The jobs in the order of their start, and the parts in the order of their entry.
	type started struct {
		name     string
		from, to time.Time
	}
	var jobs []started
	pending := time.Duration(cognito.Defaults().Pending)
	for i := range c.Pools {
		for _, j := range w.Cognito.Jobs(fmt.Sprintf("us-east-1_Pool%02d", i)) {
			part := j.JobName[:strings.LastIndex(j.JobName, "-a")]
			jobs = append(jobs, started{part, time.Time(j.StartDate), time.Time(j.CompletionDate)})
		}
	}
	slices.SortFunc(jobs, func(a, b started) int { return a.from.Compare(b.from) })
	entered := map[string]time.Time{}
	for _, e := range w.StepFunctions.Executions(w.Machine("import-job")) {
		report.MostEvents = max(report.MostEvents, e.Events)
		q, ok := workflow.ParseExecutionName(e.Name)
		if name := fmt.Sprintf("%s-p%d", q.ImportID, q.Part); ok && entered[name].IsZero() {
			// ListExecutions tells milliseconds: within one, nobody came first.
			entered[name] = e.Started.Truncate(time.Millisecond)
		}
	}
	for i, j := range jobs {
		overtook := 0 // by jobs that came later
		for _, before := range jobs[:i] {
			if entered[before.name].After(entered[j.name]) {
				overtook++
			}
		}
		report.Displaced = max(report.Displaced, overtook)
		report.Busy += j.to.Sub(j.from) + pending
	}
	if len(jobs) == 0 {
		fail("no job ran")
		return
	}
	report.Jobs = len(jobs)
	report.Took = jobs[len(jobs)-1].to.Sub(jobs[0].from) + pending
	report.Lost = 1 - report.Busy.Seconds()/report.Took.Seconds()
	for _, e := range w.Imports() {
		report.Drops++
		report.MostEvents = max(report.MostEvents, e.Events)
		got, err := w.Result(e.Name)
		if err != nil || got == nil || got.Verdict != result.Succeeded {
			fail("%s ended %s %s: %+v", e.Name, e.Status, e.Error, got)
			continue
		}
		if !strings.HasPrefix(e.Name, "giant") {
			report.LongestWait = max(report.LongestWait, got.FinishedAt.Sub(e.Started))
		}
	}
	if w.Cognito.MaxActive() > 1 {
		fail("%d jobs were active at once", w.Cognito.MaxActive())
	}
}
