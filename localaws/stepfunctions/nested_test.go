package stepfunctions_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"userdrop/localaws/stepfunctions"
)

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
