package stepfunctions_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"userdrop/localaws/stepfunctions"
)

func TestParse(t *testing.T) {
	d, err := stepfunctions.Parse([]byte(`{
		"Comment": "c", "StartAt": "A", "TimeoutSeconds": 9,
		"States": {
			"A": {"Type": "Task", "Resource": "${Function}", "TimeoutSeconds": 5, "Next": "M",
				"Retry": [{"ErrorEquals": ["E", "F"], "JitterStrategy": "FULL"}],
				"Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "F"}]},
			"M": {"Type": "Map", "Next": "C", "ItemProcessor": {"StartAt": "I", "States": {"I": {"Type": "Pass", "End": true}}}},
			"C": {"Type": "Choice", "Default": "F", "Choices": [
				{"And": [{"Variable": "$.a", "IsPresent": true}, {"Not": {"Variable": "$.a", "NumericLessThanPath": "$.b"}}],
				"Next": "S"}, {"Variable": "$.a", "StringEquals": "x", "Next": "S"}]},
			"S": {"Type": "Succeed"},
			"F": {"Type": "Fail", "Error": "E"}
		}
	}`))
	if err != nil {
		t.Fatal(err)
	}
	type brief struct {
		Name, Type string
		Successors []string
		Terminal   bool
	}
	var got []brief
	for s := range d.All() {
		got = append(got, brief{s.Name, s.Type, s.Successors(), s.Terminal()})
	}
	want := []brief{
		{"A", "Task", []string{"M", "F"}, false},
		{"M", "Map", []string{"C"}, false},
		{"I", "Pass", nil, true},
		{"C", "Choice", []string{"S", "F"}, false},
		{"S", "Succeed", nil, true},
		{"F", "Fail", nil, true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	retry := []stepfunctions.Retrier{{
		ErrorEquals: []string{"E", "F"}, IntervalSeconds: 1, MaxAttempts: 3, BackoffRate: 2, JitterStrategy: "FULL",
	}}
	if diff := cmp.Diff(retry, d.State("A").Retry); diff != "" {
		t.Error(diff)
	}
	if got := d.State("A").Catch[0].ResultPath.String(); got != "$.error" {
		t.Errorf("the catcher's result path is %s", got)
	}
	rule := `($.a IsPresent true and not $.a NumericLessThanPath $.b)`
	if got := d.State("C").Choices[0].String(); got != rule {
		t.Errorf("the rule is %s", got)
	}
}

func TestParseRefuses(t *testing.T) {
	task := func(fields string) string { return one(`{"Type":"Task","Resource":"${F}","End":true,` + fields + `}`) }
	choice := func(rule string) string {
		return `{"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[` + rule + `]},"S":{"Type":"Succeed"}}}`
	}
	tests := map[string]struct{ definition, want string }{
		"no JSON": {"{\n\n\"a\" 1}", `line 3: invalid character '1' after object key`},
		"a member twice": {
			"{\"StartAt\":\"X\",\n\"StartAt\":\"Y\"}", ` (line 2): the member "StartAt" is there twice`,
		},
		"an unknown field of the machine": {
			"{\"StartAt\":\"X\",\n\"Stats\":1,\"States\":{\"X\":{\"Type\":\"Succeed\"}}}",
			`/Stats (line 2): the field "Stats" is not implemented for a state machine`,
		},
		"JSONata": {
			`{"QueryLanguage":"JSONata","StartAt":"X","States":{"X":{"Type":"Succeed"}}}`,
			`/QueryLanguage (line 1): "JSONata" is not implemented; it must be JSONPath`,
		},
		"no states": {`{"StartAt":"X","States":{}}`, `/ (line 1): lacks States, an object of at least one state`},
		"an unknown start": {
			`{"StartAt":"Y","States":{"X":{"Type":"Succeed"}}}`, `/States (line 1): StartAt names "Y", which is no state here`,
		},
		"Parallel": {
			one(`{"Type":"Parallel","End":true}`), `/States/X (line 1): the state type "Parallel" is not implemented`,
		},
		"heartbeat": {
			task("\n" + `"HeartbeatSeconds":1`),
			`/States/X/HeartbeatSeconds (line 2): the field "HeartbeatSeconds" is not implemented for Task`,
		},
		"a name that needs escaping": {
			`{"StartAt":"a/b~c","States":{"a/b~c":{"Type":"Succeed","Next":"a/b~c"}}}`,
			`/States/a~1b~0c/Next (line 1): the field "Next" is not implemented for Succeed`,
		},
		"neither next nor end": {one(`{"Type":"Pass"}`), `/States/X (line 1): needs exactly one of Next, End`},
		"an unknown next": {
			one(`{"Type":"Pass","Next":"Y"}`), `/States/X (line 1): goes on to "Y", which is no state here`,
		},
		"an unknown catch": {
			task(`"Catch":[{"ErrorEquals":["E"],"Next":"Y"}]`), `/States/X (line 1): goes on to "Y", which is no state here`,
		},
		"an unknown default": {
			`{"StartAt":"C","States":{"C":{"Type":"Choice","Default":"D","Choices":[` +
				`{"Variable":"$","IsNull":true,"Next":"S"}]},"S":{"Type":"Succeed"}}}`,
			`/States/C (line 1): goes on to "D", which is no state here`,
		},
		"a state that is not reached": {
			`{"StartAt":"X","States":{"X":{"Type":"Succeed"},"Y":{"Type":"Succeed"}}}`,
			`/States/Y (line 1): cannot be reached from "X"`,
		},
		"no end": {
			one(`{"Type":"Pass","Next":"X"}`), `/States (line 1): no state that ends the machine can be reached`,
		},
		"an inner state called like an outer one": {
			one(`{"Type":"Map","End":true,"ItemProcessor":{"StartAt":"X","States":{"X":{"Type":"Succeed"}}}}`),
			`/States/X/ItemProcessor/States/X (line 1): another state is called "X"`,
		},
		"a distributed Map": {
			one(`{"Type":"Map","End":true,"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED"},"StartAt":"I",` +
				`"States":{"I":{"Type":"Succeed"}}}}`),
			`/States/X/ItemProcessor/ProcessorConfig/Mode (line 1): "DISTRIBUTED" is not implemented; it must be INLINE`,
		},
		"tolerated failures": {
			one(`{"Type":"Map","End":true,"ToleratedFailureCount":1,` +
				`"Iterator":{"StartAt":"I","States":{"I":{"Type":"Succeed"}}}}`),
			`/States/X/ToleratedFailureCount (line 1): the field "ToleratedFailureCount" is not implemented for Map`,
		},
		"another resource": {
			one(`{"Type":"Task","Resource":"arn:aws:states:::sns:publish","End":true}`),
			`/States/X/Resource (line 1): the resource "arn:aws:states:::sns:publish" is not implemented`,
		},
		"a task token": {
			task(`"Parameters":{"t.$":"$$.Task.Token"}`),
			`/States/X/Parameters/t.$ (line 1): path "$$.Task.Token": the context object has no such field`,
		},
		"another parameter of an integration": {
			one(`{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","End":true,` +
				`"Parameters":{"FunctionName":"f","Qualifier":"1"}}`),
			`/States/X/Parameters (line 1): the parameter "Qualifier" is not implemented for arn:aws:states:::lambda:invoke`,
		},
		"a missing parameter of an integration": {
			one(`{"Type":"Task","Resource":"arn:aws:states:::states:startExecution.sync:2","End":true}`),
			`/States/X (line 1): the parameter "StateMachineArn" is required for arn:aws:states:::states:startExecution.sync:2`,
		},
		"a wildcard": {
			task(`"InputPath":"$.a[*]"`),
			`/States/X/InputPath (line 1): path "$.a[*]": "[*]" holds neither an index nor a quoted name`,
		},
		"a result path into the context object": {
			task(`"ResultPath":"$$.Execution"`),
			`/States/X/ResultPath (line 1): "$$.Execution" must not point into the context object`,
		},
		"an unknown intrinsic function": {
			task(`"Parameters":{"a.$":"States.UUID()"}`),
			`/States/X/Parameters/a.$ (line 1): the intrinsic function "States.UUID" is not implemented`,
		},
		"a literal where a path must be": {
			task(`"Parameters":{"a.$":"'b'"}`),
			`/States/X/Parameters/a.$ (line 1): "'b'" is neither a path nor an intrinsic function`,
		},
		"too few arguments": {
			task(`"Parameters":{"a.$":"States.MathAdd(1)"}`),
			`/States/X/Parameters/a.$ (line 1): States.MathAdd(1) has the wrong number of arguments`,
		},
		"an operator that is not implemented": {
			choice(`{"Variable":"$.a","StringMatches":"b*","Next":"S"}`),
			`/States/C/Choices/0 (line 1): has no comparison operator that is implemented` + "\n" +
				`/States/C/Choices/0/StringMatches (line 1): the field "StringMatches" is not implemented for a Choice rule`,
		},
		"two operators": {
			choice(`{"Variable":"$.a","StringEquals":"b","IsNull":true,"Next":"S"}`),
			`/States/C/Choices/0/IsNull (line 1): the field "IsNull" is not implemented for a Choice rule`,
		},
		"an operand of another type": {
			choice(`{"Variable":"$.a","NumericEquals":"1","Next":"S"}`),
			`/States/C/Choices/0/NumericEquals (line 1): is of the wrong type for NumericEquals`,
		},
		"a next inside a rule": {
			choice(`{"Not":{"Variable":"$.a","IsNull":true,"Next":"S"},"Next":"S"}`),
			`/States/C/Choices/0/Not/Next (line 1): the field "Next" is not implemented for a Choice rule`,
		},
		"an error name that Step Functions does not have": {
			task(`"Retry":[{"ErrorEquals":["States.All"]}]`),
			`/States/X/Retry/0/ErrorEquals/0 (line 1): "States.All" is no error of Step Functions`,
		},
		"States.ALL before the last": {
			task(`"Retry":[{"ErrorEquals":["States.ALL"]},{"ErrorEquals":["E"]}]`),
			`/States/X/Retry/0/ErrorEquals/0 (line 1): States.ALL must stand alone, and in the last element`,
		},
		"States.ALL among others": {
			task(`"Retry":[{"ErrorEquals":["E","States.ALL"]}]`),
			`/States/X/Retry/0/ErrorEquals/1 (line 1): States.ALL must stand alone, and in the last element`,
		},
		"a shrinking back-off": {
			task(`"Retry":[{"ErrorEquals":["E"],"BackoffRate":0.5}]`),
			`/States/X/Retry/0/BackoffRate (line 1): must be a number of at least 1`,
		},
		"a greatest delay below the first": {
			task(`"Retry":[{"ErrorEquals":["E"],"IntervalSeconds":5,"MaxDelaySeconds":5}]`),
			`/States/X/Retry/0 (line 1): MaxDelaySeconds must be more than IntervalSeconds`,
		},
		"a deadline as text": {
			task(`"TimeoutSeconds":"5"`), `/States/X/TimeoutSeconds (line 1): must be an integer from 1 to 99999999`,
		},
		"two waits": {
			one(`{"Type":"Wait","Seconds":1,"SecondsPath":"$","End":true}`),
			`/States/X (line 1): needs exactly one of Seconds, SecondsPath, Timestamp, TimestampPath`,
		},
		"a time stamp that is none": {
			one(`{"Type":"Wait","Timestamp":"tomorrow","End":true}`),
			`/States/X/Timestamp (line 1): must be a time stamp such as 2016-08-18T17:33:00Z`,
		},
		"two errors": {
			one(`{"Type":"Fail","Error":"E","ErrorPath":"$.e"}`), `/States/X (line 1): needs exactly one of Error, ErrorPath`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := stepfunctions.Parse([]byte(test.definition))
			if err == nil {
				t.Fatal("it was accepted")
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseTellsAllComplaints(t *testing.T) {
	_, err := stepfunctions.Parse([]byte(one(`{"Type":"Pass","End":false,"Parameters":1,"Foo":2}`)))
	want := `/States/X (line 1): needs a Next, or End to be true
/States/X/Parameters (line 1): must be an object
/States/X/Foo (line 1): the field "Foo" is not implemented for Pass`
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestSubstitutionsMustBeFilledIn(t *testing.T) {
	s := stepfunctions.New(account(), stepfunctions.Options{})
	defer s.Close()
	_, err := s.CreateStateMachine(t.Context(), stepfunctions.Machine{
		Name: "m", RoleARN: role, Definition: []byte(one(`{"Type":"Task","Resource":"${F}","End":true}`)),
	})
	if code(err) != "InvalidDefinition" || !strings.Contains(err.Error(), "${F}") {
		t.Error(err)
	}
}

func TestRetrierDelay(t *testing.T) {
	r := stepfunctions.Retrier{IntervalSeconds: 2, BackoffRate: 3, MaxDelaySeconds: 10, JitterStrategy: "NONE"}
	var got []time.Duration
	for n := range 4 {
		got = append(got, r.Delay(n+1, 0.25))
	}
	r.JitterStrategy = "FULL"
	got = append(got, r.Delay(2, 0.25))
	want := []time.Duration{2 * time.Second, 6 * time.Second, 10 * time.Second, 10 * time.Second, 1500 * time.Millisecond}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestParsePath(t *testing.T) {
	tests := map[string]string{ // the error, or "" when there is none
		"$": "", "$$": "", "$.a": "", "$.a.b-c_1": "", "$.é": "", "$['a b']": "", `$["a"][0].b`: "", `$['a\'b']`: "",
		"$$.Execution.Input.a.b": "", "$$.Map.Item.Value.x": "",
		"":           `path "" does not begin with $`,
		"a":          `path "a" does not begin with $`,
		"$a":         `path "$a": "a" is not part of a reference path`,
		"$.":         `path "$.": no name after the point at "."`,
		"$..a":       `path "$..a": no name after the point at "..a"`,
		"$.*":        `path "$.*": no name after the point at ".*"`,
		"$[-1]":      `path "$[-1]": "[-1]" holds neither an index nor a quoted name`,
		"$[0:2]":     `path "$[0:2]": "[0:2]" holds neither an index nor a quoted name`,
		"$[?(@.a)]":  `path "$[?(@.a)]": "[?(@.a)]" holds neither an index nor a quoted name`,
		"$[0":        `path "$[0": "[0" holds neither an index nor a quoted name`,
		"$['a":       `path "$['a": "'a" lacks its closing quote`,
		"$['a','b']": `path "$['a','b']": no ] after the name in "['a','b']"`,
		"$$.Nothing": `path "$$.Nothing": the context object has no such field`,
		"$$.State.X": `path "$$.State.X": the context object has no such field`,
	}
	for path, want := range tests {
		t.Run(path, func(t *testing.T) {
			p, err := stepfunctions.ParsePath(path)
			switch {
			case err != nil && err.Error() != want:
				t.Errorf("refused with %v, want %q", err, want)
			case err == nil && (want != "" || p.String() != path):
				t.Errorf("accepted as %s, want %q", p, want)
			}
		})
	}
}

// FuzzParse wants what Parse accepts to be whole: each successor a state, each Task with a resource.
func FuzzParse(f *testing.F) {
	f.Add([]byte(nest))
	f.Add([]byte(one(`{"Type":"Map","End":true,
		"Iterator":{"StartAt":"I","States":{"I":{"Type":"Wait","Seconds":1,"End":true}}}}`)))
	f.Add([]byte(one(`{"Type":"Task","Resource":"${F}","Parameters":{"a.$":"States.Format('{}', $$.State.Name)"},
		"End":true,"Retry":[{"ErrorEquals":["States.ALL"],"MaxDelaySeconds":9}],
		"Catch":[{"ErrorEquals":["E"],"Next":"X"}]}`)))
	f.Add([]byte(`{"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[{"Not":{"Or":[{"Variable":"$.a[0]['b']",
		"NumericLessThanEqualsPath":"$$.State.RetryCount"}]},"Next":"F"}]},"F":{"Type":"Fail","ErrorPath":"$.e"}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := stepfunctions.Parse(text)
		if err != nil {
			return
		}
		if !json.Valid(text) {
			t.Errorf("accepted what is no JSON: %q", text)
		}
		check(t, d)
	})
}

func check(t *testing.T, d *stepfunctions.Definition) {
	if d.State(d.StartAt) == nil {
		t.Errorf("no start state %q", d.StartAt)
	}
	for _, s := range d.States {
		if s.Type == "Task" && s.Resource == "" {
			t.Errorf("task %q has no resource", s.Name)
		}
		if !s.Terminal() && len(s.Successors()) == 0 {
			t.Errorf("state %q leads nowhere", s.Name)
		}
		if slices.ContainsFunc(s.Successors(), func(name string) bool { return d.State(name) == nil }) {
			t.Errorf("state %q leads to %q", s.Name, s.Successors())
		}
		if s.Type == "Map" {
			check(t, s.ItemProcessor)
		}
	}
}

// FuzzParsePath wants an accepted path to come out as it went in, and to begin as paths do.
func FuzzParsePath(f *testing.F) {
	for _, seed := range []string{"$", "$$.Execution.Id", "$.a['b c'][12].d", `$["\""]`, "$..a", "$[*]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := stepfunctions.ParsePath(text)
		if err == nil && (p.String() != text || !strings.HasPrefix(text, "$") || strings.Contains(text, "[*]") &&
			!strings.ContainsAny(text, `'"`)) {
			t.Errorf("%q was accepted as %q", text, p)
		}
	})
}
