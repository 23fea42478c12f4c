// Package cost measures what an import costs at AWS, in transitions, invocations, calls and dollars, by playing it in
// the simulation: counts come from the double, not from arithmetic on paper.
package cost

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"userdrop/internal/localaws"
	"userdrop/internal/localaws/cognito"
	"userdrop/internal/localaws/lambda"
	"userdrop/internal/localaws/stepfunctions"
	"userdrop/internal/simulation"
)

// Drop is what is dropped.
type Drop struct {
	Users int `json:"users"` // in each file
	Files int `json:"files"`
	// Scale divides rows, part limits and the job's speed, so that a drop of millions is played with thousands: the
	// waits, and so all counts, stay the same.
	Scale int `json:"scale"`
}

// Cost is what was counted, and what it costs.
type Cost struct {
	Drop
	Parts         int            `json:"parts"`
	Transitions   int            `json:"transitions"`
	HistoryEvents int            `json:"historyEvents"` // of the longest execution
	Invocations   int            `json:"invocations"`
	GBSeconds     float64        `json:"gbSeconds"`
	Calls         map[string]int `json:"calls"` // by service and operation
	Peak          map[string]int `json:"peak"`  // the most calls in one second, for operations with a quota
	WallSeconds   float64        `json:"wallSeconds"`
	JobSeconds    float64        `json:"jobSeconds"` // Cognito's own
	Dollars       float64        `json:"dollars"`
	Imported      int            `json:"imported"`
}

// Quotas are AWS's, in calls a second, for the operations that are polled.
// https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html (5 of an operation for a pool, 20 of all reads
// for the account) and https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
var Quotas = map[string]int{
	"cognito-idp DescribeUserImportJob": 5,
	"cognito-idp ListUserImportJobs":    5,
	"cognito-idp CreateUserImportJob":   5,
	"cognito-idp StartUserImportJob":    5,
	"states ListExecutions":             5,
}

// Prices are those of us-east-1 in US dollars as of 2026-11, without free tiers.
// https://aws.amazon.com/step-functions/pricing/ https://aws.amazon.com/lambda/pricing/
// https://aws.amazon.com/s3/pricing/ https://aws.amazon.com/eventbridge/pricing/ https://aws.amazon.com/sns/pricing/
var Prices = struct {
	Transition, Invocation, GBSecond, Put, Get, Event, Message float64
}{
	Transition: 0.025 / 1e3, Invocation: 0.20 / 1e6, GBSecond: 0.0000133334,
	Put: 0.005 / 1e3, Get: 0.0004 / 1e3, Event: 1.0 / 1e6, Message: 0.50 / 1e6,
}

// What the double does in no time at all, and AWS does not.
const (
	latency    = 30 * time.Millisecond // of an API call
	throughput = 80e6                  // bytes a second between a function and S3
)

// Of plays a drop. It must be called in a bubble of testing/synctest.
func Of(ctx context.Context, d Drop) (Cost, error) {
	d.Scale, d.Files = max(d.Scale, 1), max(d.Files, 1)
	c := Cost{Drop: d, Calls: map[string]int{}, Peak: map[string]int{}}
	settings := cognito.Defaults()
	settings.KeepAttributes = false
	settings.UsersPerSecond /= float64(d.Scale)
	var mu sync.Mutex
	second := map[string]int{}
	var world *simulation.World
	world, err := simulation.Tuned(localaws.Options{
		Pools: []localaws.Pool{{Description: []byte(pool)}}, Cognito: settings,
		Calls: func(call localaws.Call, next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				counted := &counter{ResponseWriter: w}
				mu.Lock()
				name := call.Service + " " + call.Operation
				c.Calls[name]++
				at := fmt.Sprintf("%s %d", name, time.Now().Unix())
				second[at]++
				c.Peak[name] = max(c.Peak[name], second[at])
				mu.Unlock()
				next.ServeHTTP(counted, r)
				bytes := float64(counted.bytes+r.ContentLength) * float64(d.Scale)
				time.Sleep(latency + time.Duration(bytes/throughput*float64(time.Second)))
			})
		},
		Around: func(_ context.Context, f lambda.Function, _ []byte, next func() lambda.Result) lambda.Result {
			start := time.Now()
			result := next()
			mu.Lock()
			defer mu.Unlock()
			c.Invocations++
			c.GBSeconds += time.Since(start).Seconds() * float64(f.MemoryMB) / 1024
			return result
		},
		StepFunctions: stepfunctions.Options{OnTransition: func(t stepfunctions.Transition) {
			mu.Lock()
			defer mu.Unlock()
			c.Transitions++
			c.HistoryEvents = max(c.HistoryEvents, t.Events)
		}},
	}, simulation.Tuning{Environment: map[string]string{
		"PART_ROWS": fmt.Sprint(500_000 / d.Scale), "USERS_PER_SECOND": fmt.Sprint(settings.UsersPerSecond),
	}})
	if err != nil {
		return c, err
	}
	defer world.Close()
	start := time.Now()
	for f := range d.Files {
		key := fmt.Sprintf("incoming/%s/file-%d.csv", poolID, f)
		if _, err := world.S3.Put(world.Inbox(), key, file(f, d.Users/d.Scale)); err != nil {
			return c, err
		}
	}
	if !world.Settle(ctx, 60*24*time.Hour) {
		return c, fmt.Errorf("the drop of %d users does not end", d.Users)
	}
	last := start
	for _, e := range world.Imports() {
		r, err := world.Result(e.Name)
		if err != nil || r == nil {
			return c, fmt.Errorf("no result of %s: %s %s", e.Name, e.Error, e.Cause)
		}
		c.Imported += int(r.Rows.Counts().Imported) * d.Scale
		c.Parts += len(r.Jobs)
		for _, j := range r.Jobs {
			c.JobSeconds += j.CompletedAt.Sub(j.CreatedAt).Seconds()
		}
		if r.FinishedAt.After(last) {
			last = r.FinishedAt
		}
	}
	c.WallSeconds = last.Sub(start).Seconds()
	c.Dollars = c.dollars()
	maps.DeleteFunc(c.Peak, func(name string, _ int) bool { return Quotas[name] == 0 })
	return c, nil
}

func (c Cost) dollars() float64 {
	d := float64(c.Transitions)*Prices.Transition + float64(c.Invocations)*Prices.Invocation + c.GBSeconds*Prices.GBSecond
	for _, name := range slices.Sorted(maps.Keys(c.Calls)) {
		n := float64(c.Calls[name])
		switch {
		case name == "s3 GET" || name == "s3 HEAD":
			d += n * Prices.Get
		case strings.HasPrefix(name, "s3 "):
			d += n * Prices.Put
		case name == "events PutEvents":
			d += n * Prices.Event
		case strings.HasPrefix(name, "sns "):
			d += n * Prices.Message
		}
	}
	return d
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

func file(n, users int) []byte {
	var b strings.Builder
	b.WriteString("username,email,email_verified\n")
	for i := range users {
		fmt.Fprintf(&b, "user%d-%d,user%d-%d@example.com,yes\n", n, i, n, i)
	}
	return []byte(b.String())
}

const (
	poolID = "us-east-1_Bench"
	pool   = `{"UserPool": {"Id": "` + poolID + `", "Name": "bench", "AutoVerifiedAttributes": ["email"],
		"SchemaAttributes": [{"Name": "email", "AttributeDataType": "String", "Mutable": true}]}}`
)

// Alternative is what the same work takes by another way.
type Alternative struct {
	Way     string  `json:"way"`
	Users   int     `json:"users"`
	Hours   float64 `json:"hours"`
	Dollars float64 `json:"dollars"` // of Step Functions and Lambda alone
	Note    string  `json:"note"`
}

// Alternatives are the other ways at their published or permitted speeds.
var Alternatives = []Alternative{
	{
		// https://docs.aws.amazon.com/solutions/latest/cognito-user-profiles-export-reference-architecture/design-considerations.html
		"AWS's reference architecture", 500_000, 247.63 / 60, 247.63 * 2 * 4 * 0.025 / 1e3,
		"published time; 4 transitions and 11 history events each 30 s",
	},
	{
		// UserCreation quota, 50 a second: https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html
		"a loop of AdminCreateUser", 500_000, 500_000.0 / 50 / 3600, 0,
		"at its whole quota, which sign-ups share; temporary passwords and mails",
	},
	{
		"a script that polls each second", 500_000, 500_000.0 / 35 / 3600, 0,
		"14,286 calls of DescribeUserImportJob; ours are about 50",
	},
}
