package stepfunctions_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"userdrop/localaws/stepfunctions"
	"userdrop/localaws/wire"
)

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
