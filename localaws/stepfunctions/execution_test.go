package stepfunctions_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"userdrop/localaws/stepfunctions"
	"userdrop/localaws/wire"
)

const succeeds = `{"StartAt":"S","States":{"S":{"Type":"Succeed"}}}`

// slowly answers after d.
func slowly(d time.Duration, payload string) stepfunctions.Invocation {
	time.Sleep(d)
	return answer(payload)
}

func TestDurations(t *testing.T) {
	failing := functions{"f": func(int, string) stepfunctions.Invocation { return fails("A") }}
	slow := functions{"f": func(int, string) stepfunctions.Invocation { return slowly(time.Hour, `{}`) }}
	waits := func(concurrency int) string {
		return one(fmt.Sprintf(`{"Type":"Map","MaxConcurrency":%d,"End":true,
			"ItemProcessor":{"StartAt":"I","States":{"I":{"Type":"Wait","Seconds":10,"End":true}}}}`, concurrency))
	}
	tests := map[string]struct {
		definition string
		functions  functions
		input      string
		speed      float64
		want       time.Duration
		status     string // Status, and Error after a space
		events     string // the last ones
	}{
		"wait": {
			definition: one(`{"Type":"Wait","Seconds":90,"End":true}`), want: 90 * time.Second,
			status: "SUCCEEDED ", events: "WaitStateEntered WaitStateExited ExecutionSucceeded",
		},
		"wait, hurried": {
			definition: one(`{"Type":"Wait","Seconds":90,"End":true}`), speed: 9, want: 10 * time.Second,
			status: "SUCCEEDED ", events: "ExecutionSucceeded",
		},
		"wait for the seconds of the input": {
			definition: one(`{"Type":"Wait","SecondsPath":"$.s","End":true}`), input: `{"s":7}`, want: 7 * time.Second,
			status: "SUCCEEDED ", events: "ExecutionSucceeded",
		},
		"wait for no number of seconds": {
			definition: one(`{"Type":"Wait","SecondsPath":"$.s","End":true}`), input: `{"s":"7"}`,
			status: "FAILED States.Runtime", events: "WaitStateEntered ExecutionFailed",
		},
		"wait until": {
			definition: one(`{"Type":"Wait","Timestamp":"2000-01-01T00:01:00Z","End":true}`), want: time.Minute,
			status: "SUCCEEDED ", events: "ExecutionSucceeded",
		},
		"wait until the past": {
			definition: one(`{"Type":"Wait","TimestampPath":"$.t","End":true}`), input: `{"t":"1999-12-31T00:00:00Z"}`,
			status: "SUCCEEDED ", events: "ExecutionSucceeded",
		},
		"three items, two at a time": {
			definition: waits(2), input: `[1,2,3]`, want: 20 * time.Second, status: "SUCCEEDED ", events: "ExecutionSucceeded",
		},
		"forty items at a time": {
			definition: waits(0), input: `[1` + strings.Repeat(",1", 40) + `]`, want: 20 * time.Second,
			status: "SUCCEEDED ", events: "ExecutionSucceeded",
		},
		"retry backs off": { // 1 + 2 + 4
			definition: one(`{"Type":"Task","Resource":"fn:f","End":true,"Retry":[{"ErrorEquals":["A"]}]}`),
			functions:  failing, want: 7 * time.Second,
			status: "FAILED A", events: "LambdaFunctionFailed ExecutionFailed",
		},
		"retry with all its fields": { // 10 + 15 + 22.5 + 30 + 30
			definition: one(`{"Type":"Task","Resource":"fn:f","End":true,"Retry":[{"ErrorEquals":["A"],"MaxAttempts":5,
				"IntervalSeconds":10,"BackoffRate":1.5,"MaxDelaySeconds":30}]}`),
			functions: failing, speed: 2, want: 107500 * time.Millisecond / 2,
			status: "FAILED A", events: "LambdaFunctionFailed ExecutionFailed",
		},
		"a function's time-out, whose work takes its real time at any speed": {
			definition: one(`{"Type":"Task","Resource":"fn:f","End":true,"TimeoutSeconds":5}`),
			functions:  slow, speed: 10, want: 5 * time.Second,
			status: "FAILED States.Timeout", events: "LambdaFunctionTimedOut ExecutionFailed",
		},
		"a task's deadline in the input": {
			definition: one(`{"Type":"Task","Resource":"fn:f","End":true,"TimeoutSecondsPath":"$.t"}`),
			functions:  slow, input: `{"t":6}`, want: 6 * time.Second,
			status: "FAILED States.Timeout", events: "LambdaFunctionTimedOut ExecutionFailed",
		},
		"States.TaskFailed is not States.Timeout": {
			definition: `{"StartAt":"X","States":{"X":{"Type":"Task","Resource":"fn:f","End":true,"TimeoutSeconds":5,
				"Catch":[{"ErrorEquals":["States.TaskFailed"],"Next":"Y"}]},"Y":{"Type":"Succeed"}}}`,
			functions: slow, want: 5 * time.Second,
			status: "FAILED States.Timeout", events: "LambdaFunctionTimedOut ExecutionFailed",
		},
		"the machine's deadline passes Catch by": {
			definition: `{"TimeoutSeconds":5,"StartAt":"X","States":{"X":{"Type":"Task","Resource":"fn:f","End":true,
				"Catch":[{"ErrorEquals":["States.ALL"],"Next":"Y"}]},"Y":{"Type":"Succeed"}}}`,
			functions: slow, want: 5 * time.Second,
			status: "TIMED_OUT States.Timeout", events: "LambdaFunctionStarted TaskStateAborted ExecutionTimedOut",
		},
		"the machine's time-out, hurried": {
			definition: `{"TimeoutSeconds":60,"StartAt":"X","States":{"X":{"Type":"Wait","Seconds":90,"End":true}}}`,
			speed:      60, want: time.Second, status: "TIMED_OUT States.Timeout", events: "WaitStateAborted ExecutionTimedOut",
		},
		"an execution lives a year": {
			definition: one(`{"Type":"Wait","Seconds":99999999,"End":true}`), want: 365 * 24 * time.Hour,
			status: "TIMED_OUT States.Timeout", events: "WaitStateAborted ExecutionTimedOut",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := account()
				a.Speed = test.speed
				s := stepfunctions.New(a, stepfunctions.Options{Invoke: test.functions.invoke()})
				defer s.Close()
				x := wait(t, s, start(t, s, create(t, s, "m", test.definition), "e", test.input).ARN)
				if got := x.Stopped.Sub(x.Started); got != test.want {
					t.Errorf("took %s, want %s", got, test.want)
				}
				if got := x.Status + " " + x.Error; got != test.status {
					t.Errorf("ended %s, want %s", got, test.status)
				}
				if got := eventTypes(t, s, x.ARN); !strings.HasSuffix(got, test.events) {
					t.Errorf("history is %s, want it to end with %s", got, test.events)
				}
			})
		})
	}
}

func TestJitter(t *testing.T) {
	took := func(seed uint64) (d time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			a := account()
			a.IDs = wire.NewIDs(seed)
			s := stepfunctions.New(a, stepfunctions.Options{
				Invoke: functions{"f": func(int, string) stepfunctions.Invocation { return fails("A") }}.invoke(),
			})
			defer s.Close()
			x := wait(t, s, start(t, s, create(t, s, "m", one(`{"Type":"Task","Resource":"fn:f","End":true,
				"Retry":[{"ErrorEquals":["A"],"IntervalSeconds":100,"MaxAttempts":1,"JitterStrategy":"FULL"}]}`)), "e", "").ARN)
			d = x.Stopped.Sub(x.Started)
		})
		return d
	}
	first, again, other := took(1), took(1), took(2)
	if first != again || first == other || max(first, other) >= 100*time.Second {
		t.Errorf("seed 1 waited %s and %s, seed 2 %s", first, again, other)
	}
}

func TestHistoryLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stepfunctions.New(account(), stepfunctions.Options{})
		defer s.Close()
		x := wait(t, s, start(t, s, create(t, s, "m", `{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"},
			"B":{"Type":"Choice","Choices":[{"Variable":"$","IsPresent":true,"Next":"A"}],"Default":"C"},
			"C":{"Type":"Succeed"}}}`), "e", "").ARN)
		if x.Status != "FAILED" || x.Error != "States.Runtime" || x.Events != 25_000 {
			t.Errorf("%s after %d events: %s %s", x.Status, x.Events, x.Error, x.Cause)
		}
		_, err := s.RedriveExecution(t.Context(), x.ARN)
		if code(err) != "ExecutionNotRedrivable" {
			t.Errorf("redrive: %v", err)
		}
	})
}

// code is the AWS error code of err.
func code(err error) string {
	if e, ok := errors.AsType[*wire.Error](err); ok {
		return e.Code
	}
	return fmt.Sprint(err)
}

func TestStartExecution(t *testing.T) {
	const machine = "arn:aws:states:eu-central-1:111122223333:stateMachine:m"
	text := func(bytes int) string { return `"` + strings.Repeat("x", bytes-2) + `"` }
	tests := map[string]struct {
		in   stepfunctions.StartInput
		want string
	}{
		"a new name":              {stepfunctions.StartInput{machine, "other", ""}, "<nil>"},
		"80 characters":           {stepfunctions.StartInput{machine, strings.Repeat("n", 80), ""}, "<nil>"},
		"81 characters":           {stepfunctions.StartInput{machine, strings.Repeat("n", 81), ""}, "InvalidName"},
		"a space":                 {stepfunctions.StartInput{machine, "a b", ""}, "InvalidName"},
		"a colon":                 {stepfunctions.StartInput{machine, "a:b", ""}, "InvalidName"},
		"running, same input":     {stepfunctions.StartInput{machine, "running", `{"s":60}`}, "<nil>"},
		"running, other input":    {stepfunctions.StartInput{machine, "running", `{"s":61}`}, "ExecutionAlreadyExists"},
		"ended, same input":       {stepfunctions.StartInput{machine, "ended", `{"s":0}`}, "ExecutionAlreadyExists"},
		"no JSON":                 {stepfunctions.StartInput{machine, "x", `{`}, "InvalidExecutionInput"},
		"input of 256 KiB":        {stepfunctions.StartInput{machine, "x", text(262_144)}, "<nil>"},
		"input of over 256 KiB":   {stepfunctions.StartInput{machine, "x", text(262_145)}, "ValidationException"},
		"no such machine":         {stepfunctions.StartInput{machine + "m", "x", ""}, "StateMachineDoesNotExist"},
		"the ARN of another kind": {stepfunctions.StartInput{role, "x", ""}, "InvalidArn"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := stepfunctions.New(account(), stepfunctions.Options{})
				defer s.Close()
				create(t, s, "m", one(`{"Type":"Wait","SecondsPath":"$.s","End":true}`))
				wait(t, s, start(t, s, machine, "ended", `{"s":0}`).ARN)
				running := start(t, s, machine, "running", `{"s":60}`)
				time.Sleep(time.Second)
				x, err := s.StartExecution(t.Context(), test.in)
				if got := code(err); got != test.want {
					t.Fatalf("got %s, want %s", got, test.want)
				}
				if test.in.Name == "running" && err == nil && !x.Started.Equal(running.Started) {
					t.Errorf("started at %s again", x.Started)
				}
			})
		})
	}
}

func TestNamesAreFreeAfter90Days(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stepfunctions.New(account(), stepfunctions.Options{})
		defer s.Close()
		machine := create(t, s, "m", succeeds)
		wait(t, s, start(t, s, machine, "e", "").ARN)
		in := stepfunctions.StartInput{MachineARN: machine, Name: "e"}
		time.Sleep(90 * 24 * time.Hour)
		if _, err := s.StartExecution(t.Context(), in); code(err) != "ExecutionAlreadyExists" {
			t.Errorf("on day 90: %v", err)
		}
		time.Sleep(time.Second)
		if _, err := s.DescribeExecution(t.Context(), machineExecution("m", "e")); code(err) != "ExecutionDoesNotExist" {
			t.Errorf("describe after day 90: %v", err)
		}
		if _, err := s.StartExecution(t.Context(), in); err != nil {
			t.Errorf("after day 90: %v", err)
		}
		if n := len(s.Executions(machine)); n != 1 {
			t.Errorf("%d executions", n)
		}
	})
}

func machineExecution(machine, name string) string {
	return "arn:aws:states:eu-central-1:111122223333:execution:" + machine + ":" + name
}

// TestDeterminism runs a hundred executions that compete for one list, twice, and compares what they saw.
func TestDeterminism(t *testing.T) {
	trace := func() (seen []string) {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			s := stepfunctions.New(account(), stepfunctions.Options{
				Latency: stepfunctions.HashedLatency,
				Invoke: func(_ context.Context, _ string, p []byte) stepfunctions.Invocation {
					mu.Lock()
					defer mu.Unlock()
					seen = append(seen, time.Now().Format("05.000000000 ")+string(p))
					return answer(string(p))
				},
				OnTransition: func(n stepfunctions.Transition) {
					mu.Lock()
					defer mu.Unlock()
					seen = append(seen, fmt.Sprint(n))
				},
			})
			defer s.Close()
			machine := create(t, s, "m", one(`{"Type":"Map","End":true,"ItemProcessor":{"StartAt":"I",
				"States":{"I":{"Type":"Task","Resource":"fn:f","End":true}}}}`))
			for i := range 100 {
				start(t, s, machine, fmt.Sprint("e", i), fmt.Sprintf("[%d,%d]", i, i+1000))
			}
			for _, x := range s.Executions(machine) {
				wait(t, s, x.ARN)
			}
		})
		return seen
	}
	first, second := trace(), trace()
	if len(first) != 500 { // 100 Maps with 2 states each, and 200 calls
		t.Fatalf("saw %d things", len(first))
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Error(diff)
	}
}

func TestCloseEndsWhatRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stepfunctions.New(account(), stepfunctions.Options{})
		machine := create(t, s, "m", one(`{"Type":"Wait","Seconds":60,"End":true}`))
		x := start(t, s, machine, "e", "")
		synctest.Wait()
		s.Close()
		_, err := s.StartExecution(t.Context(), stepfunctions.StartInput{MachineARN: machine})
		if code(err) != "ServiceUnavailable" {
			t.Errorf("start: %v", err)
		}
		if got, err := s.DescribeExecution(t.Context(), x.ARN); err != nil || got.Status != "RUNNING" {
			t.Errorf("%+v, %v", got, err)
		}
	})
}
