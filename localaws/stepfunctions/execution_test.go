package stepfunctions_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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

// nest is a machine that runs the machine called inner, under the name child.
const nest = `{"StartAt":"N","States":{"N":{"Type":"Task","Resource":"arn:aws:states:::states:startExecution.sync:2",
	"Parameters":{"StateMachineArn":"arn:aws:states:eu-central-1:111122223333:stateMachine:inner","Name":"child",
	"Input.$":"$"},"TimeoutSeconds":50,"End":true}}}`

func TestNestedExecutions(t *testing.T) {
	inner := `{"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[{"Variable":"$.fail","IsPresent":true,"Next":"F"},
		{"Variable":"$.wait","IsPresent":true,"Next":"W"}],"Default":"P"},
		"F":{"Type":"Fail","Error":"E","Cause":"C"},"W":{"Type":"Wait","Seconds":100,"End":true},
		"P":{"Type":"Pass","Result":{"out":1},"End":true}}}`

	run := func(
		t *testing.T, options stepfunctions.Options, input string, do func(s *stepfunctions.Service, parent string),
	) (parent, child stepfunctions.Execution) {
		s := stepfunctions.New(account(), options)
		defer s.Close()
		create(t, s, "inner", inner)
		parent = start(t, s, create(t, s, "m", nest), "e", input)
		if do != nil {
			do(s, parent.ARN)
		}
		parent = wait(t, s, parent.ARN)
		synctest.Wait()
		child, err := s.DescribeExecution(t.Context(), machineExecution("inner", "child"))
		if err != nil {
			t.Fatal(err)
		}
		return parent, child
	}

	t.Run("the output is JSON", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			parent, _ := run(t, stepfunctions.Options{}, `{"a":1}`, nil)
			want := `{"ExecutionArn":"arn:aws:states:eu-central-1:111122223333:execution:inner:child","Input":{"a":1},` +
				`"InputDetails":{"Included":true},"Name":"child","Output":{"out":1},"OutputDetails":{"Included":true},` +
				`"RedriveCount":0,"RedriveStatus":"NOT_REDRIVABLE",` +
				`"RedriveStatusReason":"Execution is SUCCEEDED and cannot be redriven","StartDate":946684800000,` +
				`"StateMachineArn":"arn:aws:states:eu-central-1:111122223333:stateMachine:inner","Status":"SUCCEEDED",` +
				`"StopDate":946684800000}`
			if diff := cmp.Diff(want, parent.Output); diff != "" {
				t.Error(diff)
			}
		})
	})
	t.Run("its failure is the task's", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			parent, _ := run(t, stepfunctions.Options{}, `{"fail":1}`, nil)
			var cause struct{ Status, Error, Cause, Input string }
			if err := json.Unmarshal([]byte(parent.Cause), &cause); err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(parent.Error, cause); got != `States.TaskFailed{FAILED E C {"fail":1}}` {
				t.Error(got)
			}
		})
	})
	t.Run("stopping the parent stops it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			parent, child := run(t, stepfunctions.Options{}, `{"wait":1}`, func(s *stepfunctions.Service, parent string) {
				time.Sleep(time.Second)
				if _, err := s.StopExecution(t.Context(), parent, "Err", "cause"); err != nil {
					t.Error(err)
				}
			})
			if parent.Status != "ABORTED" || parent.Error != "Err" || parent.Cause != "cause" || child.Status != "ABORTED" {
				t.Errorf("%+v\n%+v", parent, child)
			}
		})
	})
	t.Run("stopping the parent may leave it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			options := stepfunctions.Options{StopChild: func(string) bool { return false }}
			parent, child := run(t, options, `{"wait":1}`, func(s *stepfunctions.Service, parent string) {
				time.Sleep(time.Second)
				_, _ = s.StopExecution(t.Context(), parent, "", "")
			})
			if parent.Status != "ABORTED" || child.Status != "RUNNING" {
				t.Errorf("parent is %s, child %s", parent.Status, child.Status)
			}
		})
	})
	t.Run("the task's deadline stops it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			parent, child := run(t, stepfunctions.Options{}, `{"wait":1}`, nil)
			if parent.Status != "FAILED" || parent.Error != "States.Timeout" || child.Status != "ABORTED" ||
				child.Stopped.Sub(child.Started) != 50*time.Second {
				t.Errorf("%+v\n%+v", parent, child)
			}
		})
	})
	t.Run("its name is taken", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := stepfunctions.New(account(), stepfunctions.Options{})
			defer s.Close()
			wait(t, s, start(t, s, create(t, s, "inner", inner), "child", "").ARN)
			parent := wait(t, s, start(t, s, create(t, s, "m", nest), "e", "").ARN)
			if parent.Error != "StepFunctions.ExecutionAlreadyExistsException" {
				t.Errorf("%+v", parent)
			}
		})
	})
}

func TestStopLeavesTheFunctionRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := false
		s := stepfunctions.New(account(), stepfunctions.Options{
			Invoke: func(ctx context.Context, _ string, _ []byte) stepfunctions.Invocation {
				time.Sleep(time.Minute)
				ended = ctx.Err() == nil
				return answer(`{}`)
			},
		})
		x := start(t, s, create(t, s, "m", one(`{"Type":"Task","Resource":"fn:f","End":true}`)), "e", "")
		time.Sleep(time.Second)
		stopped, err := s.StopExecution(t.Context(), x.ARN, "", "")
		if err != nil || stopped.Sub(x.Started) != time.Second {
			t.Errorf("stopped at %s: %v", stopped, err)
		}
		want := "ExecutionStarted TaskStateEntered LambdaFunctionScheduled LambdaFunctionStarted TaskStateAborted " +
			"ExecutionAborted"
		time.Sleep(time.Hour)
		if got := eventTypes(t, s, x.ARN); got != want {
			t.Errorf("history is %s", got)
		}
		again, err := s.StopExecution(t.Context(), x.ARN, "E", "C")
		if err != nil || !again.Equal(stopped) {
			t.Errorf("stopped again at %s: %v", again, err)
		}
		s.Close()
		if !ended {
			t.Error("the function did not run to its end")
		}
	})
}

func TestRedrive(t *testing.T) {
	t.Run("goes on in the state that failed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := stepfunctions.New(account(), stepfunctions.Options{Invoke: functions{
				"f": func(call int, p string) stepfunctions.Invocation {
					if call <= 2 {
						return fails("A")
					}
					return answer(p)
				},
			}.invoke()})
			defer s.Close()
			x := start(t, s, create(t, s, "m", `{"StartAt":"P","States":{
				"P":{"Type":"Pass","Result":1,"ResultPath":"$.p","Next":"T"},
				"T":{"Type":"Task","Resource":"fn:f","Parameters":{"p.$":"$.p","n.$":"$$.Execution.RedriveCount"},"End":true,
				"Retry":[{"ErrorEquals":["A"],"MaxAttempts":1}]}}}`), "e", "")
			wait(t, s, x.ARN)
			time.Sleep(14 * 24 * time.Hour)
			if _, err := s.RedriveExecution(t.Context(), x.ARN); err != nil {
				t.Fatal(err)
			}
			got := wait(t, s, x.ARN)
			if got.Output != `{"n":1,"p":1}` || strings.Join(got.States, " ") != "P T" || got.Error != "" {
				t.Errorf("%+v", got)
			}
			want := "ExecutionStarted PassStateEntered PassStateExited TaskStateEntered LambdaFunctionScheduled " +
				"LambdaFunctionStarted LambdaFunctionFailed LambdaFunctionScheduled LambdaFunctionStarted " +
				"LambdaFunctionFailed ExecutionFailed ExecutionRedriven LambdaFunctionScheduled LambdaFunctionStarted " +
				"LambdaFunctionSucceeded TaskStateExited ExecutionSucceeded"
			if diff := cmp.Diff(want, eventTypes(t, s, x.ARN)); diff != "" {
				t.Error(diff)
			}
		})
	})
	t.Run("runs the iterations that did not succeed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			var calls []string
			s := stepfunctions.New(account(), stepfunctions.Options{
				Invoke: func(_ context.Context, _ string, p []byte) stepfunctions.Invocation {
					mu.Lock()
					defer mu.Unlock()
					calls = append(calls, string(p))
					if string(p) == "2" && len(calls) == 2 {
						return fails("A")
					}
					return answer(string(p) + "0")
				},
			})
			defer s.Close()
			x := start(t, s, create(t, s, "m", one(`{"Type":"Map","End":true,"MaxConcurrency":1,"ItemProcessor":{"StartAt":"I",
				"States":{"I":{"Type":"Task","Resource":"fn:f","End":true}}}}`)), "e", "[1,2,3]")
			wait(t, s, x.ARN)
			if _, err := s.RedriveExecution(t.Context(), x.ARN); err != nil {
				t.Fatal(err)
			}
			got := wait(t, s, x.ARN)
			if fmt.Sprint(calls) != "[1 2 2 3]" || got.Output != "[10,20,30]" {
				t.Errorf("called %v: %s %s", calls, got.Status, got.Output)
			}
		})
	})
	t.Run("a Fail state fails again", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := stepfunctions.New(account(), stepfunctions.Options{})
			defer s.Close()
			x := start(t, s, create(t, s, "m", one(`{"Type":"Fail","Error":"E"}`)), "e", "")
			wait(t, s, x.ARN)
			if _, err := s.RedriveExecution(t.Context(), x.ARN); err != nil {
				t.Fatal(err)
			}
			got := wait(t, s, x.ARN)
			if got.Status != "FAILED" || strings.Join(got.States, " ") != "X X" || got.RedriveCount != 1 {
				t.Errorf("%+v", got)
			}
		})
	})
	t.Run("an aborted wait", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := stepfunctions.New(account(), stepfunctions.Options{})
			defer s.Close()
			x := start(t, s, create(t, s, "m", one(`{"Type":"Wait","Seconds":60,"End":true}`)), "e", "")
			if _, err := s.RedriveExecution(t.Context(), x.ARN); code(err) != "ExecutionNotRedrivable" {
				t.Errorf("while it runs: %v", err)
			}
			if _, err := s.StopExecution(t.Context(), x.ARN, "", ""); err != nil {
				t.Fatal(err)
			}
			if _, err := s.RedriveExecution(t.Context(), x.ARN); err != nil { // at the same instant
				t.Fatal(err)
			}
			if got := wait(t, s, x.ARN); got.Status != "SUCCEEDED" || time.Since(x.Started) != time.Minute {
				t.Errorf("%s after %s", got.Status, time.Since(x.Started))
			}
			if _, err := s.RedriveExecution(t.Context(), x.ARN); code(err) != "ExecutionNotRedrivable" {
				t.Errorf("after it succeeded: %v", err)
			}
		})
	})
	t.Run("only for 14 days", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := stepfunctions.New(account(), stepfunctions.Options{})
			defer s.Close()
			x := wait(t, s, start(t, s, create(t, s, "m", one(`{"Type":"Fail"}`)), "e", "").ARN)
			time.Sleep(14*24*time.Hour + time.Second)
			if _, err := s.RedriveExecution(t.Context(), x.ARN); code(err) != "ExecutionNotRedrivable" {
				t.Error(err)
			}
		})
	})
}

// only is a principal that may do what is listed: an action, a space and a resource each.
type only []string

func (only) ARN() string { return "arn:aws:sts::111122223333:assumed-role/machine/session" }

func (o only) Allows(action, resource string, _ map[string]string) bool {
	for _, allowed := range o {
		if allowed == action+" "+resource {
			return true
		}
	}
	return false
}

func TestTheMachineActsAsItsRole(t *testing.T) {
	const states, events = "arn:aws:states:eu-central-1:111122223333:", "arn:aws:events:eu-central-1:111122223333:"
	nested := only{
		"states:StartExecution " + states + "stateMachine:inner",
		"states:DescribeExecution " + states + "execution:inner:child",
		"states:StopExecution " + states + "execution:inner:child",
		"events:PutTargets " + events + "rule/StepFunctionsGetEventsForStepFunctionsExecutionRule",
		"events:PutRule " + events + "rule/StepFunctionsGetEventsForStepFunctionsExecutionRule",
		"events:DescribeRule " + events + "rule/StepFunctionsGetEventsForStepFunctionsExecutionRule",
	}
	tests := map[string]struct {
		definition string
		allowed    only
		want       string // the status and error of the execution, or the error of creating the machine
	}{
		"may call the function": {
			one(`{"Type":"Task","Resource":"fn:f","End":true}`),
			only{"lambda:InvokeFunction " + functionPrefix + "f"},
			"SUCCEEDED ",
		},
		"may call another": {
			one(`{"Type":"Task","Resource":"fn:f","End":true}`),
			only{"lambda:InvokeFunction " + functionPrefix + "g"},
			"FAILED Lambda.AWSLambdaException",
		},
		"may nest":      {nest, nested, "SUCCEEDED "},
		"may not start": {nest, nested[1:], "FAILED StepFunctions.AWSStepFunctionsException"},
		"may not stop": {
			nest, slices.Concat(nested[:2], nested[3:]), "FAILED StepFunctions.AWSStepFunctionsException",
		},
		"may not use the rule": {nest, nested[:5], "AccessDeniedException"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := stepfunctions.New(account(), stepfunctions.Options{
					Invoke: functions{"f": func(int, string) stepfunctions.Invocation { return answer(`{}`) }}.invoke(),
					Role:   func(string) wire.Principal { return test.allowed },
				})
				defer s.Close()
				create(t, s, "inner", succeeds)
				arn, err := s.CreateStateMachine(t.Context(), stepfunctions.Machine{
					Name: "m", RoleARN: role,
					Definition: []byte(strings.ReplaceAll(test.definition, "fn:", functionPrefix)),
				})
				got := code(err)
				if err == nil {
					x := wait(t, s, start(t, s, arn, "e", "").ARN)
					got = x.Status + " " + x.Error
				}
				if got != test.want {
					t.Errorf("got %s, want %s", got, test.want)
				}
			})
		})
	}
}

func TestCallersAreAuthorized(t *testing.T) {
	const states = "arn:aws:states:eu-central-1:111122223333:"
	calls := map[string]func(ctx context.Context, s *stepfunctions.Service) error{
		"states:StartExecution " + states + "stateMachine:m": func(ctx context.Context, s *stepfunctions.Service) error {
			_, err := s.StartExecution(ctx, stepfunctions.StartInput{MachineARN: states + "stateMachine:m"})
			return err
		},
		"states:DescribeExecution " + states + "execution:m:e": func(ctx context.Context, s *stepfunctions.Service) error {
			_, err := s.DescribeExecution(ctx, states+"execution:m:e")
			return err
		},
		"states:StopExecution " + states + "execution:m:e": func(ctx context.Context, s *stepfunctions.Service) error {
			_, err := s.StopExecution(ctx, states+"execution:m:e", "", "")
			return err
		},
		"states:GetExecutionHistory " + states + "execution:m:e": func(ctx context.Context, s *stepfunctions.Service) error {
			_, err := s.History(ctx, states+"execution:m:e")
			return err
		},
		"states:RedriveExecution " + states + "execution:m:e": func(ctx context.Context, s *stepfunctions.Service) error {
			_, err := s.RedriveExecution(ctx, states+"execution:m:e")
			return err
		},
	}
	for permission, call := range calls {
		t.Run(permission, func(t *testing.T) {
			s := stepfunctions.New(account(), stepfunctions.Options{})
			defer s.Close()
			wait(t, s, start(t, s, create(t, s, "m", one(`{"Type":"Fail"}`)), "e", "").ARN)
			if err := call(wire.WithPrincipal(t.Context(), only{permission}), s); err != nil {
				t.Errorf("allowed: %v", err)
			}
			if err := call(wire.WithPrincipal(t.Context(), only{}), s); code(err) != "AccessDeniedException" {
				t.Errorf("not allowed: %v", err)
			}
		})
	}
}

func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		s := stepfunctions.New(account(), stepfunctions.Options{
			Events: func(e wire.Event) {
				detail, err := json.Marshal(e.Detail)
				if err != nil {
					t.Error(err)
				}
				got = append(got, fmt.Sprint(e.Source, " ", e.DetailType, " ", e.Resources, " ", string(detail)))
			},
		})
		defer s.Close()
		x := start(t, s, create(t, s, "m", `{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":1,"Next":"F"},
			"F":{"Type":"Fail","Error":"E","Cause":"C"}}}`), "e", `{"a":1}`)
		wait(t, s, x.ARN)
		synctest.Wait()
		head := "aws.states Step Functions Execution Status Change [" + x.ARN + "] "
		want := []string{
			head + `{"cause":null,"error":null,"executionArn":"arn:aws:states:eu-central-1:111122223333:execution:m:e",` +
				`"input":"{\"a\":1}","inputDetails":{"included":true},"name":"e","output":null,"outputDetails":null,` +
				`"redriveCount":0,"redriveDate":null,"redriveStatus":"NOT_REDRIVABLE",` +
				`"redriveStatusReason":"Execution is RUNNING and cannot be redriven","startDate":946684800000,` +
				`"stateMachineAliasArn":null,"stateMachineArn":"arn:aws:states:eu-central-1:111122223333:stateMachine:m",` +
				`"stateMachineVersionArn":null,"status":"RUNNING","stopDate":null}`,
			head + `{"cause":"C","error":"E","executionArn":"arn:aws:states:eu-central-1:111122223333:execution:m:e",` +
				`"input":"{\"a\":1}","inputDetails":{"included":true},"name":"e","output":null,"outputDetails":null,` +
				`"redriveCount":0,"redriveDate":null,"redriveStatus":"REDRIVABLE","redriveStatusReason":null,` +
				`"startDate":946684800000,"stateMachineAliasArn":null,` +
				`"stateMachineArn":"arn:aws:states:eu-central-1:111122223333:stateMachine:m",` +
				`"stateMachineVersionArn":null,"status":"FAILED","stopDate":946684801000}`,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// TestEventsLeaveOutLargePayloads has input and output that do not fit into one event together, then each too large.
func TestEventsLeaveOutLargePayloads(t *testing.T) {
	for size, want := range map[int]string{1000: "true true", 130_000: "false true", 255_000: "false false"} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var last map[string]any
				s := stepfunctions.New(account(), stepfunctions.Options{
					Events: func(e wire.Event) { last = e.Detail.(map[string]any) },
				})
				defer s.Close()
				start(t, s, create(t, s, "m", succeeds), "e", `"`+strings.Repeat("x", size)+`"`)
				synctest.Wait()
				included := func(member string) any { return last[member+"Details"].(map[string]any)["included"] }
				if got := fmt.Sprint(included("input"), " ", included("output")); got != want {
					t.Errorf("included are input and output: %s, want %s", got, want)
				}
				if (last["input"] != nil) != included("input") || (last["output"] != nil) != included("output") {
					t.Error("the details do not tell what is there")
				}
			})
		})
	}
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

// TestSpeedChangesNoOutcome runs a parent whose child waits, with a time-out that is longer or shorter than the wait.
func TestSpeedChangesNoOutcome(t *testing.T) {
	for _, speed := range []float64{1, 60, 10_000} {
		for seconds, want := range map[int]string{60: "FAILED States.Timeout ABORTED", 120: "SUCCEEDED  SUCCEEDED"} {
			t.Run(fmt.Sprint(seconds, " at speed ", speed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					a := account()
					a.Speed = speed
					s := stepfunctions.New(a, stepfunctions.Options{})
					defer s.Close()
					child := create(t, s, "child", one(`{"Type":"Wait","Seconds":90,"End":true}`))
					parent := create(t, s, "parent", one(fmt.Sprintf(`{"Type":"Task","End":true,"TimeoutSeconds":%d,
						"Resource":"arn:aws:states:::states:startExecution.sync:2",
						"Parameters":{"StateMachineArn":%q,"Name":"c","Input":{}}}`, seconds, child)))
					x := wait(t, s, start(t, s, parent, "p", `{}`).ARN)
					got := fmt.Sprint(x.Status, " ", x.Error, " ", s.Executions(child)[0].Status)
					if got != want {
						t.Errorf("%s, want %s", got, want)
					}
				})
			})
		}
	}
}
