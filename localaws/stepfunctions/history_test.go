package stepfunctions_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"userdrop/localaws/stepfunctions"
)

func TestHistory(t *testing.T) {
	ok := functions{"f": func(_ int, p string) stepfunctions.Invocation { return answer(p) }}
	const succeeds = `{"StartAt":"S","States":{"S":{"Type":"Succeed"}}}`
	tests := map[string]struct {
		definition string
		functions  functions
		input      string
		want       string
	}{
		"pass, choice, wait, succeed": {
			definition: `{"StartAt":"P","States":{"P":{"Type":"Pass","Next":"C"},"W":{"Type":"Wait","Seconds":1,"Next":"S"},
				"C":{"Type":"Choice","Choices":[{"Variable":"$.a","IsPresent":false,"Next":"W"}]},"S":{"Type":"Succeed"}}}`,
			want: "ExecutionStarted PassStateEntered PassStateExited ChoiceStateEntered ChoiceStateExited " +
				"WaitStateEntered WaitStateExited SucceedStateEntered SucceedStateExited ExecutionSucceeded",
		},
		"function": {
			definition: one(`{"Type":"Task","Resource":"fn:f","End":true}`), functions: ok,
			want: "ExecutionStarted TaskStateEntered LambdaFunctionScheduled LambdaFunctionStarted " +
				"LambdaFunctionSucceeded TaskStateExited ExecutionSucceeded",
		},
		"function retried and caught": {
			definition: `{"StartAt":"X","States":{"X":{"Type":"Task","Resource":"fn:f","End":true,
				"Retry":[{"ErrorEquals":["States.ALL"],"MaxAttempts":1}],
				"Catch":[{"ErrorEquals":["States.ALL"],"Next":"F"}]},"F":{"Type":"Fail"}}}`,
			functions: functions{"f": func(int, string) stepfunctions.Invocation { return fails("A") }},
			want: "ExecutionStarted TaskStateEntered LambdaFunctionScheduled LambdaFunctionStarted LambdaFunctionFailed " +
				"LambdaFunctionScheduled LambdaFunctionStarted LambdaFunctionFailed TaskStateExited FailStateEntered " +
				"ExecutionFailed",
		},
		"lambda:invoke": {
			definition: one(`{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","End":true,
				"Parameters":{"FunctionName":"fn:f"}}`),
			functions: ok,
			want: "ExecutionStarted TaskStateEntered TaskScheduled TaskStarted TaskSucceeded TaskStateExited " +
				"ExecutionSucceeded",
		},
		"nested": {
			definition: one(`{"Type":"Task","Resource":"arn:aws:states:::states:startExecution.sync:2","End":true,
				"Parameters":{"StateMachineArn":"arn:aws:states:eu-central-1:111122223333:stateMachine:inner"}}`),
			want: "ExecutionStarted TaskStateEntered TaskScheduled TaskStarted TaskSubmitted TaskSucceeded " +
				"TaskStateExited ExecutionSucceeded",
		},
		"map": {
			definition: one(`{"Type":"Map","End":true,"MaxConcurrency":1,
				"ItemProcessor":{"StartAt":"I","States":{"I":{"Type":"Pass","End":true}}}}`),
			input: `[1,2]`,
			want: "ExecutionStarted MapStateEntered MapStateStarted MapIterationStarted PassStateEntered PassStateExited " +
				"MapIterationSucceeded MapIterationStarted PassStateEntered PassStateExited MapIterationSucceeded " +
				"MapStateSucceeded MapStateExited ExecutionSucceeded",
		},
		"map that fails while another iteration waits": {
			definition: one(`{"Type":"Map","End":true,"ItemProcessor":{"StartAt":"C","States":{
				"C":{"Type":"Choice","Choices":[{"Variable":"$","NumericEquals":0,"Next":"W"}],"Default":"V"},
				"W":{"Type":"Wait","Seconds":100,"End":true},"V":{"Type":"Wait","Seconds":1,"Next":"F"},"F":{"Type":"Fail"}}}}`),
			input: `[0,1]`,
			want: "ExecutionStarted MapStateEntered MapStateStarted MapIterationStarted ChoiceStateEntered ChoiceStateExited " +
				"WaitStateEntered MapIterationStarted ChoiceStateEntered ChoiceStateExited WaitStateEntered WaitStateExited " +
				"FailStateEntered MapIterationFailed WaitStateAborted MapIterationAborted MapStateFailed ExecutionFailed",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := stepfunctions.New(account(), stepfunctions.Options{
					Invoke: test.functions.invoke(),
					// The first iteration is ahead of the second.
					Latency: func(key string, n int) time.Duration {
						return time.Duration(n+100*strings.Count(key, "#1")) * time.Millisecond
					},
				})
				defer s.Close()
				create(t, s, "inner", succeeds)
				x := wait(t, s, start(t, s, create(t, s, "m", test.definition), "e", test.input).ARN)
				want := strings.Split(test.want, " ")
				got := strings.Split(eventTypes(t, s, x.ARN), " ")
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}
