package events_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"
	gocmp "github.com/google/go-cmp/cmp"

	"userdrop/localaws/events"
	"userdrop/localaws/wire"
)

// TestTextTemplates compares with the examples of the EventBridge User Guide, "Amazon EventBridge input
// transformation".
func TestTextTemplates(t *testing.T) {
	paths := map[string]string{
		"name": "$.detail.name", "count": "$.detail.count", "all": "$.detail.items[*].id", "each": "$.detail.by.*",
		"none": "$.detail.items[*].no",
	}
	event := wire.Event{Source: "shop", DetailType: "Sold", Detail: map[string]any{
		"name": `a "b"`, "count": 2, "items": []any{map[string]any{"id": 1}, map[string]any{"id": "x"}},
		"by": map[string]any{"z": 1, "a": 2},
	}}
	for _, c := range []struct{ name, target, template, want string }{
		{"unquoted", queueARN, `<name> was sold <count> times`, `a "b" was sold 2 times`},
		{"quoted lines", topicARN, "\"<name>\"\n\"sold <count> times\"", "\"a \\\"b\\\"\"\n\"sold 2 times\""},
		{"wildcard of a list", functionARN, `{"ids": <all>}`, `{"ids": [1,"x"]}`},
		{"wildcard of an object", functionARN, `{"by": <each>}`, `{"by": [2,1]}`},
		{"wildcard without a match", functionARN, `{"none": <none>}`, `{"none": []}`},
		{"a function takes JSON alone", functionARN, `<name> was sold`, ""},
		{"a state machine takes JSON alone", machineARN, "\"one\"\n\"two\"", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var r recorder
				bus := events.NewBus(account(), events.Options{Targets: r.targets()})
				put(t, bus, events.Rule{
					Name: "r", EventPattern: json.RawMessage(`{"source":["shop"]}`), Targets: []events.Target{{
						ID: "t", ARN: c.target, RoleARN: roleARN, DeadLetterConfig: &events.DeadLetterConfig{Arn: deadARN},
						InputTransformer: &events.InputTransformer{InputPathsMap: paths, InputTemplate: c.template},
					}},
				})
				bus.Put(event)
				time.Sleep(time.Second)
				bus.Close()
				got := r.taken()
				switch {
				case len(got) != 1:
					t.Fatalf("got %+v", got)
				case c.want == "" && got[0].Attributes["ERROR_CODE"] != "INVALID_JSON":
					t.Errorf("delivered %+v", got[0])
				case c.want != "":
					if diff := gocmp.Diff(c.want, got[0].Body); diff != "" {
						t.Error("(-want +got):\n" + diff)
					}
				}
			})
		})
	}
}

func TestEventVariables(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r recorder
		bus := events.NewBus(account(), events.Options{Targets: r.targets()})
		put(t, bus, events.Rule{Name: "r", EventPattern: json.RawMessage(pattern), Targets: []events.Target{{
			ID: "t", ARN: functionARN, InputTransformer: &events.InputTransformer{
				InputTemplate: `{"without": <aws.events.event>, "whole": <aws.events.event.json>}`,
			},
		}}})
		bus.Put(created)
		time.Sleep(time.Second)
		bus.Close()
		var got struct{ Without, Whole map[string]any }
		if err := json.Unmarshal([]byte(r.taken()[0].Body), &got); err != nil {
			t.Fatal(err)
		}
		if got.Whole["detail"] == nil || got.Without["detail"] != nil || got.Without["source"] != "aws.s3" {
			t.Errorf("got %+v", got)
		}
	})
}

// TestLimits asks by the SDK for what AWS refuses.
func TestLimits(t *testing.T) {
	bus := events.NewBus(account(), events.Options{Targets: (&recorder{}).targets()})
	t.Cleanup(bus.Close)
	c := client(t, bus, nil)
	rule := func(pattern string) error {
		_, err := c.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: aws.String("r"), EventPattern: aws.String(pattern)})
		return err
	}
	targets := func(n int, change func(*types.Target)) error {
		var list []types.Target
		for i := range n {
			target := types.Target{Id: aws.String(fmt.Sprint(i)), Arn: aws.String(functionARN)}
			if change != nil {
				change(&target)
			}
			list = append(list, target)
		}
		_, err := c.PutTargets(t.Context(), &eventbridge.PutTargetsInput{Rule: aws.String("r"), Targets: list})
		return err
	}
	variables := func(n int) func(*types.Target) {
		return func(t *types.Target) {
			paths := map[string]string{}
			for i := range n {
				paths[fmt.Sprintf("v%d", i)] = "$.detail"
			}
			t.InputTransformer = &types.InputTransformer{InputPathsMap: paths, InputTemplate: aws.String(`{"a": <v0>}`)}
		}
	}
	long := func(n int) string { // of n characters
		const frame = `{"source":[""]}`
		return `{"source":["` + strings.Repeat("x", n-len(frame)) + `"]}`
	}
	if err := rule(pattern); err != nil {
		t.Fatal(err)
	}
	for _, r := range []struct {
		name string
		err  error
		want string // "" is accepted
	}{
		{"a range", rule(`{"a":[{"numeric":[">",1,"<=",5]}]}`), ""},
		{"a range, upper bound first", rule(`{"a":[{"numeric":["<",5,">",1]}]}`), ""},
		{"an empty range", rule(`{"a":[{"numeric":[">",5,"<",1]}]}`), "InvalidEventPatternException"},
		{"a range without a number", rule(`{"a":[{"numeric":[">",5,"<=",5]}]}`), "InvalidEventPatternException"},
		{"two lower bounds", rule(`{"a":[{"numeric":[">",1,">=",5]}]}`), "InvalidEventPatternException"},
		{"an equality with a bound", rule(`{"a":[{"numeric":["=",1,"<",5]}]}`), "InvalidEventPatternException"},
		{"anything but numbers", rule(`{"a":[{"anything-but":[1,2]}]}`), ""},
		{"anything but a mixture", rule(`{"a":[{"anything-but":[1,"2"]}]}`), "InvalidEventPatternException"},
		{"4,096 characters", rule(long(4096)), ""},
		{"4,097 characters", rule(long(4097)), "ValidationException"},
		{"five targets", targets(5, nil), ""},
		{"six targets", targets(6, nil), "LimitExceededException"},
		{"a sixth target", targets(1, func(t *types.Target) { t.Id = aws.String("sixth") }), "LimitExceededException"},
		{"100 variables", targets(1, variables(100)), ""},
		{"101 variables", targets(1, variables(101)), "ValidationException"},
	} {
		code := ""
		if e, ok := errors.AsType[smithy.APIError](r.err); ok {
			code = e.ErrorCode()
		}
		if code != r.want {
			t.Errorf("%s: %v, want %q", r.name, r.err, r.want)
		}
	}
}
