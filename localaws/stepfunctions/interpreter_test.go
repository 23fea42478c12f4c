package stepfunctions_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"userdrop/localaws/stepfunctions"
	"userdrop/localaws/wire"
)

// inX begins the cause of an error that the interpreter found in the first state.
const inX = "An error occurred while executing the state 'X' (entered at the event id #2). "

func TestInterpreter(t *testing.T) {
	big := strings.Repeat("x", 262_144)
	tests := map[string]struct {
		definition string
		functions  functions
		input      string
		want       outcome
		anyCause   bool
	}{
		"pass passes its input on": {
			definition: one(`{"Type":"Pass","End":true}`),
			input:      `{"b":1,"a":[null,true,1.50]}`,
			want:       outcome{Status: "SUCCEEDED", Output: `{"a":[null,true,1.50],"b":1}`, States: "X"},
		},
		"large integers keep their digits": {
			definition: one(`{"Type":"Pass","End":true}`),
			input:      `9007199254740993`,
			want:       outcome{Status: "SUCCEEDED", Output: `9007199254740993`, States: "X"},
		},
		"input path, result, result path and output path": {
			definition: one(`{"Type":"Pass","InputPath":"$.in","Result":{"n":1},"ResultPath":"$.new.place",
				"OutputPath":"$.new","End":true}`),
			input: `{"in":7}`,
			want:  outcome{Status: "SUCCEEDED", Output: `{"place":{"n":1}}`, States: "X"},
		},
		"a null result path drops the result": {
			definition: one(`{"Type":"Pass","Result":1,"ResultPath":null,"End":true}`),
			input:      `{"a":1}`,
			want:       outcome{Status: "SUCCEEDED", Output: `{"a":1}`, States: "X"},
		},
		"null input and output paths are empty objects": {
			definition: one(`{"Type":"Pass","InputPath":null,"ResultPath":"$.r","OutputPath":"$.r","End":true}`),
			input:      `{"a":1}`,
			want:       outcome{Status: "SUCCEEDED", Output: `{}`, States: "X"},
		},
		"a result path into a list": {
			definition: one(`{"Type":"Pass","Result":1,"ResultPath":"$.a[1].b","End":true}`),
			input:      `{"a":[0,{},2]}`,
			want:       outcome{Status: "SUCCEEDED", Output: `{"a":[0,{"b":1},2]}`, States: "X"},
		},
		"a result path behind the end of a list": {
			definition: one(`{"Type":"Pass","Result":1,"ResultPath":"$.a[3]","End":true}`),
			input:      `{"a":[0,{},2]}`,
			want:       outcome{Status: "FAILED", Error: "States.ResultPathMatchFailure", States: "X"},
			anyCause:   true,
		},
		"a result path cannot go through a string": {
			definition: one(`{"Type":"Pass","Result":1,"ResultPath":"$.a.b","End":true}`),
			input:      `{"a":"text"}`,
			want:       outcome{Status: "FAILED", Error: "States.ResultPathMatchFailure", States: "X"},
			anyCause:   true,
		},
		"parameters with paths and intrinsic functions": {
			definition: one(`{"Type":"Pass","End":true,"Parameters":{"fixed":[1,{"x.$":"$.a['odd name'][1]"}],
				"format.$":"States.Format('{}/{} \\{\\} \\'{}', $.s, $.n, States.Array(1, 'two', null))",
				"sum.$":"States.MathAdd($.n, -3)","json.$":"States.StringToJson($.text)",
				"text.$":"States.JsonToString($.a)","merge.$":"States.JsonMerge($.a, States.StringToJson('{\"z\":1}'), false)"}}`),
			input: `{"a":{"odd name":[1,2]},"s":"S","n":5,"text":"[1]"}`,
			want: outcome{
				Status: "SUCCEEDED", States: "X",
				Output: `{"fixed":[1,{"x":2}],"format":"S/5 {} '[1,\"two\",null]","json":[1],` +
					`"merge":{"odd name":[1,2],"z":1},"sum":2,"text":"{\"odd name\":[1,2]}"}`,
			},
		},
		"the context object": {
			definition: one(`{"Type":"Pass","End":true,"Parameters":{"id.$":"$$.Execution.Id","name.$":"$$.Execution.Name",
				"start.$":"$$.Execution.StartTime","in.$":"$$.Execution.Input.a","redrives.$":"$$.Execution.RedriveCount",
				"role.$":"$$.Execution.RoleArn","state.$":"$$.State.Name","entered.$":"$$.State.EnteredTime",
				"machine.$":"$$.StateMachine.Id","called.$":"$$.StateMachine.Name"}}`),
			input: `{"a":1}`,
			want: outcome{
				Status: "SUCCEEDED", States: "X",
				Output: `{"called":"m","entered":"2000-01-01T00:00:00.000Z",` +
					`"id":"arn:aws:states:eu-central-1:111122223333:execution:m:e","in":1,` +
					`"machine":"arn:aws:states:eu-central-1:111122223333:stateMachine:m","name":"e","redrives":0,` +
					`"role":"` + role + `","start":"2000-01-01T00:00:00.000Z","state":"X"}`,
			},
		},
		"a path that leads nowhere cannot be caught": {
			definition: `{"StartAt":"X","States":{"X":{"Type":"Task","Resource":"fn:f","Parameters":{"a.$":"$.none"},"End":true,
				"Catch":[{"ErrorEquals":["States.ALL"],"Next":"Y"}]},"Y":{"Type":"Succeed"}}}`,
			input: `{}`,
			want: outcome{
				Status: "FAILED", Error: "States.Runtime", States: "X",
				Cause: inX + "The JSONPath '$.none' specified for the field 'a.$' could not be found in the input '{}'",
			},
		},
		"an intrinsic function that fails can be caught": {
			definition: `{"StartAt":"X","States":{"X":{"Type":"Task","Resource":"fn:f",
				"Parameters":{"a.$":"States.StringToJson('{')"},"End":true,
				"Catch":[{"ErrorEquals":["States.IntrinsicFailure"],"ResultPath":"$.e","Next":"Y"}]},
				"Y":{"Type":"Pass","OutputPath":"$.e.Error","End":true}}}`,
			want: outcome{Status: "SUCCEEDED", Output: `"States.IntrinsicFailure"`, States: "X Y"},
		},
		"task: parameters, result selector, result path": {
			definition: one(`{"Type":"Task","Resource":"fn:f","Parameters":{"p.$":"$.a"},"ResultSelector":{"r.$":"$.got"},
				"ResultPath":"$.res","End":true}`),
			functions: functions{"f": func(_ int, p string) stepfunctions.Invocation {
				return answer(`{"got":` + p + `,"rest":1}`)
			}},
			input: `{"a":1}`,
			want:  outcome{Status: "SUCCEEDED", Output: `{"a":1,"res":{"r":{"p":1}}}`, States: "X"},
		},
		"lambda:invoke wraps the answer": {
			definition: one(`{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","End":true,
				"Parameters":{"FunctionName":"f","Payload.$":"$"}}`),
			functions: functions{"f": func(_ int, p string) stepfunctions.Invocation { return answer(p) }},
			input:     `{"a":1}`,
			want: outcome{
				Status: "SUCCEEDED", Output: `{"ExecutedVersion":"$LATEST","Payload":{"a":1},"StatusCode":200}`, States: "X",
			},
		},
		"a function error has its name and its payload": {
			definition: one(`{"Type":"Task","Resource":"fn:f","End":true}`),
			functions:  functions{"f": func(int, string) stepfunctions.Invocation { return fails("TooLarge") }},
			want: outcome{
				Status: "FAILED", Error: "TooLarge", Cause: `{"errorType":"TooLarge","errorMessage":"no"}`, States: "X",
			},
		},
		"a function that does not say what went wrong": {
			definition: one(`{"Type":"Task","Resource":"fn:f","End":true}`),
			functions: functions{"f": func(int, string) stepfunctions.Invocation {
				return stepfunctions.Invocation{FunctionError: "Unhandled", Payload: []byte(`{"errorMessage":"gone"}`)}
			}},
			want: outcome{
				Status: "FAILED", Error: "Lambda.Unknown", States: "X", Cause: "The cause could not be determined because " +
					`Lambda did not return an error type. Returned payload: {"errorMessage":"gone"}`,
			},
		},
		"a throttled invocation": {
			definition: one(`{"Type":"Task","Resource":"fn:f","End":true}`),
			functions: functions{"f": func(int, string) stepfunctions.Invocation {
				return stepfunctions.Invocation{
					Err: &wire.Error{Code: "TooManyRequestsException", Message: "Rate Exceeded.", Status: 429},
				}
			}},
			want: outcome{
				Status: "FAILED", Error: "Lambda.TooManyRequestsException", States: "X",
				Cause: "Rate Exceeded. (Service: Lambda, Status Code: 429)",
			},
		},
		"retries, each retrier with its own count, then the catcher": {
			definition: `{"StartAt":"X","States":{"X":{"Type":"Task","Resource":"fn:f","Next":"Y",
				"Retry":[{"ErrorEquals":["A"],"MaxAttempts":1},{"ErrorEquals":["States.TaskFailed"],"MaxAttempts":2}],
				"Catch":[{"ErrorEquals":["C"],"Next":"Y"},{"ErrorEquals":["States.ALL"],"ResultPath":"$.e","Next":"Z"}]},
				"Y":{"Type":"Fail"},"Z":{"Type":"Pass","OutputPath":"$.e.Error","End":true}}}`,
			functions: functions{"f": func(call int, _ string) stepfunctions.Invocation {
				return fails([]string{"A", "B", "B", "A", "never"}[call-1])
			}},
			want: outcome{Status: "SUCCEEDED", Output: `"A"`, States: "X Z"},
		},
		"the number of the retry is in the context object": {
			definition: one(`{"Type":"Task","Resource":"fn:f","Parameters":{"n.$":"$$.State.RetryCount"},"End":true,
				"Retry":[{"ErrorEquals":["States.ALL"]}]}`),
			functions: functions{"f": func(call int, p string) stepfunctions.Invocation {
				if call < 3 {
					return fails("A")
				}
				return answer(p)
			}},
			want: outcome{Status: "SUCCEEDED", Output: `{"n":2}`, States: "X"},
		},
		"a catcher without result path replaces the input": {
			definition: `{"StartAt":"X","States":{"X":{"Type":"Task","Resource":"fn:f","End":true,
				"Catch":[{"ErrorEquals":["A"],"Next":"Y"}]},"Y":{"Type":"Succeed"}}}`,
			functions: functions{"f": func(int, string) stepfunctions.Invocation { return fails("A") }},
			want: outcome{
				Status: "SUCCEEDED", States: "X Y",
				Output: `{"Cause":"{\"errorType\":\"A\",\"errorMessage\":\"no\"}","Error":"A"}`,
			},
		},
		"a result over 256 KiB passes States.ALL by": {
			definition: `{"StartAt":"X","States":{"X":{"Type":"Task","Resource":"fn:f","End":true,
				"Retry":[{"ErrorEquals":["States.ALL"]}],
				"Catch":[{"ErrorEquals":["States.ALL"],"Next":"Y"}]},"Y":{"Type":"Succeed"}}}`,
			functions: functions{"f": func(int, string) stepfunctions.Invocation { return answer(`"` + big + `"`) }},
			want: outcome{
				Status: "FAILED", Error: "States.DataLimitExceeded", States: "X", Cause: "The state/task 'X' returned a " +
					"result with a size exceeding the maximum number of bytes service limit.",
			},
		},
		"a result of just 256 KiB": {
			definition: `{"StartAt":"X","States":{"X":{"Type":"Task","Resource":"fn:f","ResultPath":null,"End":true}}}`,
			functions:  functions{"f": func(int, string) stepfunctions.Invocation { return answer(`"` + big[2:] + `"`) }},
			want:       outcome{Status: "SUCCEEDED", Output: `{}`, States: "X"},
		},
		"a state's output over 256 KiB": {
			definition: one(`{"Type":"Pass","Parameters":{"a.$":"$","b.$":"$"},"End":true}`),
			input:      `"` + big[:200_000] + `"`,
			want:       outcome{Status: "FAILED", Error: "States.DataLimitExceeded", States: "X"},
			anyCause:   true,
		},
		"choice without a match or default": {
			definition: `{"StartAt":"X","States":{"X":{"Type":"Choice",
				"Choices":[{"Variable":"$.a","StringEquals":"b","Next":"Y"}]},
				"Y":{"Type":"Succeed"}}}`,
			input:    `{"a":1}`,
			want:     outcome{Status: "FAILED", Error: "States.NoChoiceMatched", States: "X"},
			anyCause: true,
		},
		"choice on a variable that is not there": {
			definition: `{"StartAt":"X","States":{"X":{"Type":"Choice","Default":"Y",
				"Choices":[{"Variable":"$.a","StringEquals":"b","Next":"Y"}]},"Y":{"Type":"Succeed"}}}`,
			want: outcome{
				Status: "FAILED", Error: "States.Runtime", States: "X",
				Cause: inX + "Invalid path '$.a': The choice state's condition path references an invalid value.",
			},
		},
		"fail with fixed words": {
			definition: one(`{"Type":"Fail","Error":"E","Cause":"C"}`),
			want:       outcome{Status: "FAILED", Error: "E", Cause: "C", States: "X"},
		},
		"fail with words from the input": {
			definition: one(`{"Type":"Fail","ErrorPath":"$.e","CausePath":"States.Format('because {}', $.c)"}`),
			input:      `{"e":"E","c":1}`,
			want:       outcome{Status: "FAILED", Error: "E", Cause: "because 1", States: "X"},
		},
		"map with selector": {
			definition: one(`{"Type":"Map","ItemsPath":"$.list","MaxConcurrency":1,"ResultPath":"$.out","End":true,
				"ItemSelector":{"v.$":"$$.Map.Item.Value","i.$":"$$.Map.Item.Index","all.$":"$.k"},
				"ItemProcessor":{"ProcessorConfig":{"Mode":"INLINE"},"StartAt":"I","States":{"I":{"Type":"Pass","End":true}}}}`),
			input: `{"list":["a","b"],"k":1}`,
			want: outcome{
				Status: "SUCCEEDED", States: "X I I",
				Output: `{"k":1,"list":["a","b"],"out":[{"all":1,"i":0,"v":"a"},{"all":1,"i":1,"v":"b"}]}`,
			},
		},
		"a map of nothing": {
			definition: one(`{"Type":"Map","End":true,"Iterator":{"StartAt":"I","States":{"I":{"Type":"Pass","End":true}}}}`),
			input:      `[]`,
			want:       outcome{Status: "SUCCEEDED", Output: `[]`, States: "X"},
		},
		"a map of no list": {
			definition: one(`{"Type":"Map","End":true,"Iterator":{"StartAt":"I","States":{"I":{"Type":"Pass","End":true}}}}`),
			input:      `{}`,
			want: outcome{
				Status: "FAILED", Error: "States.Runtime", States: "X",
				Cause: inX + `Reference path "$" must point to array.`,
			},
		},
		"an iteration that fails fails the map, which is retried from its start and caught": {
			definition: `{"StartAt":"X","States":{"X":{"Type":"Map","End":true,"MaxConcurrency":1,
				"Retry":[{"ErrorEquals":["A"],"MaxAttempts":1}],"Catch":[{"ErrorEquals":["A"],"ResultPath":null,"Next":"Y"}],
				"ItemProcessor":{"StartAt":"I","States":{"I":{"Type":"Task","Resource":"fn:f","End":true}}}},
				"Y":{"Type":"Succeed"}}}`,
			functions: functions{"f": func(_ int, p string) stepfunctions.Invocation {
				if p == "2" {
					return fails("A")
				}
				return answer(p)
			}},
			input: `[1,2,3]`,
			want:  outcome{Status: "SUCCEEDED", Output: `[1,2,3]`, States: "X I I I I Y"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := stepfunctions.New(account(), stepfunctions.Options{Invoke: test.functions.invoke()})
				defer s.Close()
				x := start(t, s, create(t, s, "m", test.definition), "e", test.input)
				x = wait(t, s, x.ARN)
				got := outcome{x.Status, x.Output, x.Error, x.Cause, strings.Join(x.States, " ")}
				if test.anyCause {
					got.Cause = ""
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestChoiceRules(t *testing.T) {
	tests := map[string]struct {
		rule, input string
		want        bool
	}{
		"string equal":                  {`"Variable":"$.a","StringEquals":"b"`, `{"a":"b"}`, true},
		"string of another type":        {`"Variable":"$.a","StringEquals":"1"`, `{"a":1}`, false},
		"string path":                   {`"Variable":"$.a","StringEqualsPath":"$.b"`, `{"a":"x","b":"x"}`, true},
		"string less":                   {`"Variable":"$.a","StringLessThan":"b"`, `{"a":"a"}`, true},
		"numbers compare by value":      {`"Variable":"$.a","NumericEquals":1`, `{"a":1.0}`, true},
		"numeric less, not":             {`"Variable":"$.a","NumericLessThan":1`, `{"a":1}`, false},
		"numeric less or equal":         {`"Variable":"$.a","NumericLessThanEquals":1`, `{"a":1}`, true},
		"numeric greater path":          {`"Variable":"$.a","NumericGreaterThanPath":"$.b"`, `{"a":10,"b":9}`, true},
		"numeric greater or equal path": {`"Variable":"$.a","NumericGreaterThanEqualsPath":"$.b"`, `{"a":8,"b":9}`, false},
		"boolean":                       {`"Variable":"$.a","BooleanEquals":false`, `{"a":false}`, true},
		"boolean, not":                  {`"Variable":"$.a","BooleanEquals":false`, `{"a":true}`, false},
		"present":                       {`"Variable":"$.a","IsPresent":true`, `{"a":null}`, true},
		"absent":                        {`"Variable":"$.a.b","IsPresent":false`, `{"a":1}`, true},
		"null":                          {`"Variable":"$.a","IsNull":true`, `{"a":null}`, true},
		"not null":                      {`"Variable":"$.a","IsNull":false`, `{"a":0}`, true},
		"and stops at the first that fails": {
			`"And":[{"Variable":"$.a","IsPresent":true},{"Variable":"$.a","StringEquals":"b"}]`, `{}`, false,
		},
		"or":  {`"Or":[{"Variable":"$.a","NumericEquals":1},{"Variable":"$.a","NumericEquals":2}]`, `{"a":2}`, true},
		"not": {`"Not":{"Variable":"$.a","NumericEquals":1}`, `{"a":2}`, true},
		"the context object": {
			`"Variable":"$$.Execution.Name","StringEquals":"e"`, `{}`, true,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := stepfunctions.New(account(), stepfunctions.Options{})
				defer s.Close()
				machine := create(t, s, "m", `{"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[{`+test.rule+
					`,"Next":"Y"}],"Default":"N"},"Y":{"Type":"Succeed"},"N":{"Type":"Succeed"}}}`)
				x := wait(t, s, start(t, s, machine, "e", test.input).ARN)
				want := map[bool]string{true: "C Y", false: "C N"}[test.want]
				if got := strings.Join(x.States, " "); got != want {
					t.Errorf("%s went %s, want %s (%s %s)", x.Status, got, want, x.Error, x.Cause)
				}
			})
		})
	}
}
