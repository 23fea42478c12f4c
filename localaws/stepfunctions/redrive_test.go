package stepfunctions_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"userdrop/localaws/stepfunctions"
)

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
