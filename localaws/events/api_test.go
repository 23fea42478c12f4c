package events_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	gocmp "github.com/google/go-cmp/cmp"

	"userdrop/localaws/events"
	"userdrop/localaws/wire"
)

func TestRuleRefuses(t *testing.T) {
	raw := json.RawMessage(pattern)
	target := func(target events.Target) events.Rule {
		target.ID = "t"
		return events.Rule{Name: "r", EventPattern: raw, Targets: []events.Target{target}}
	}
	for _, c := range []struct {
		name string
		rule events.Rule
		want string
	}{
		{"no name", events.Rule{EventPattern: raw}, "name"},
		{"neither pattern nor schedule", events.Rule{Name: "r"}, "must be specified"},
		{"bad pattern", events.Rule{Name: "r", EventPattern: json.RawMessage(`{"a":1}`)}, "InvalidEventPatternException"},
		{"bad schedule", events.Rule{Name: "r", ScheduleExpression: "at(2000-01-01T00:00:00)"}, "ScheduleExpression"},
		{"another bus", events.Rule{Name: "r", EventPattern: raw, EventBus: "own"}, "event bus own"},
		{"unknown state", events.Rule{Name: "r", EventPattern: raw, State: "SLEEPING"}, "SLEEPING"},
		{
			"API destination", target(events.Target{ARN: "arn:aws:events:eu-central-1:123456789012:api-destination/x/y"}),
			"api-destination",
		},
		{"unknown service", target(events.Target{ARN: "arn:aws:kinesis:eu-central-1:123456789012:stream/x"}), "kinesis"},
		{"state machine without role", target(events.Target{ARN: machineARN}), "RoleArn"},
		{"two inputs", target(events.Target{ARN: functionARN, Input: "1", InputPath: "$.a"}), "Only one"},
		{"input that is no JSON", target(events.Target{ARN: functionARN, Input: "{"}), "JSON"},
		{"bad path", target(events.Target{ARN: functionARN, InputPath: "$.a[?(@.b)]"}), "[?(@.b)]"},
		{
			"undefined variable",
			target(events.Target{ARN: functionARN, InputTransformer: &events.InputTransformer{InputTemplate: `"<x>"`}}), "<x>",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r recorder
			bus := events.NewBus(account(), events.Options{Targets: r.targets()})
			defer bus.Close()
			if err := bus.PutRule(c.rule); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestEventBridgeSDK(t *testing.T) {
	got := make(chan string, 10)
	bus := events.NewBus(account(), events.Options{Latency: 1, Targets: events.Targets{
		Lambda: func(_ context.Context, _ string, event []byte) error { got <- string(event); return nil },
	}})
	t.Cleanup(bus.Close)
	c := client(t, bus, nil)
	ctx := t.Context()

	_, err := c.PutRule(ctx, &eventbridge.PutRuleInput{
		Name: aws.String("r"), EventPattern: aws.String(`{"source":["userdrop"]}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: aws.String("r"), Targets: []types.Target{{
		Id: aws.String("f"), Arn: aws.String(functionARN), InputPath: aws.String("$.detail"),
		RetryPolicy: &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(1)},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	entry := types.PutEventsRequestEntry{
		Source: aws.String("userdrop"), DetailType: aws.String("User Import Finished"), Detail: aws.String(`{"n": 1}`),
		Time: aws.Time(time.Unix(1e9, 0)),
	}
	with := func(change func(*types.PutEventsRequestEntry)) types.PutEventsRequestEntry {
		e := entry
		change(&e)
		return e
	}

	t.Run("PutEvents", func(t *testing.T) {
		out, err := c.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{
			entry,
			with(func(e *types.PutEventsRequestEntry) { e.Source = aws.String("aws.s3") }),
			with(func(e *types.PutEventsRequestEntry) { e.Detail = aws.String("[]") }),
			with(func(e *types.PutEventsRequestEntry) { e.DetailType = nil }),
		}})
		if err != nil {
			t.Fatal(err)
		}
		var codes []string
		for _, e := range out.Entries {
			codes = append(codes, aws.ToString(e.ErrorCode))
		}
		want := []string{"", "NotAuthorizedForSourceException", "MalformedDetail", "InvalidArgument"}
		if diff := gocmp.Diff(want, codes); diff != "" || out.FailedEntryCount != 3 {
			t.Errorf("%d failed; codes (-want +got):\n%s", out.FailedEntryCount, diff)
		}
		if event := <-got; event != `{"n":1}` {
			t.Errorf("the target got %s", event)
		}
		if all := bus.Events(); len(all) != 1 || all[0].ID != *out.Entries[0].EventId ||
			all[0].Time != "2001-09-09T01:46:40Z" {
			t.Errorf("archive %+v", all)
		}
	})
	t.Run("disable and enable", func(t *testing.T) {
		if _, err := c.DisableRule(ctx, &eventbridge.DisableRuleInput{Name: aws.String("r")}); err != nil {
			t.Fatal(err)
		}
		out, err := c.DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: aws.String("r")})
		if err != nil || out.State != types.RuleStateDisabled || *out.EventPattern != `{"source":["userdrop"]}` {
			t.Errorf("%+v, %v", out, err)
		}
		bus.Put(wire.Event{Source: "userdrop", Detail: "while disabled"})
		if _, err := c.EnableRule(ctx, &eventbridge.EnableRuleInput{Name: aws.String("r")}); err != nil {
			t.Fatal(err)
		}
		bus.Put(wire.Event{Source: "userdrop", Detail: "while enabled"})
		if event := <-got; event != `"while enabled"` {
			t.Errorf("the target got %s", event)
		}
	})
	t.Run("lists", func(t *testing.T) {
		rules, err := c.ListRules(ctx, &eventbridge.ListRulesInput{NamePrefix: aws.String("r")})
		if err != nil || len(rules.Rules) != 1 || *rules.Rules[0].Arn != "arn:aws:events:eu-central-1:123456789012:rule/r" {
			t.Errorf("%+v, %v", rules, err)
		}
		targets, err := c.ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: aws.String("r")})
		if err != nil || len(targets.Targets) != 1 || *targets.Targets[0].InputPath != "$.detail" {
			t.Errorf("%+v, %v", targets, err)
		}
	})
	t.Run("TestEventPattern", func(t *testing.T) {
		out, err := c.TestEventPattern(
			ctx, &eventbridge.TestEventPatternInput{EventPattern: aws.String(pattern), Event: aws.String(s3Event)},
		)
		if err != nil || !out.Result {
			t.Errorf("%+v, %v", out, err)
		}
	})
	t.Run("refusals", func(t *testing.T) {
		_, err := c.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: make([]types.PutEventsRequestEntry, 11)})
		wantError(t, err, "ValidationException")
		_, err = c.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{
			with(func(e *types.PutEventsRequestEntry) { e.Detail = aws.String(`"` + strings.Repeat("x", 256<<10) + `"`) }),
		}})
		wantError(t, err, "ValidationException")
		_, err = c.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{
			with(func(e *types.PutEventsRequestEntry) { e.EventBusName = aws.String("other") }),
		}})
		wantError(t, err, "ResourceNotFoundException")
		_, err = c.DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: aws.String("none")})
		wantError(t, err, "ResourceNotFoundException")
		_, err = c.PutRule(
			ctx,
			&eventbridge.PutRuleInput{Name: aws.String("x"), EventPattern: aws.String(pattern), RoleArn: aws.String(roleARN)},
		)
		wantError(t, err, "SerializationException")
		_, err = c.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: aws.String("r")})
		wantError(t, err, "UnknownOperationException")
	})
	t.Run("authorisation", func(t *testing.T) {
		allowed := client(
			t, bus, only{"events:PutEvents", "arn:aws:events:eu-central-1:123456789012:event-bus/default", "userdrop"},
		)
		_, err := allowed.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{entry}})
		if err != nil {
			t.Error(err)
		}
		_, err = allowed.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{
			with(func(e *types.PutEventsRequestEntry) { e.Source = aws.String("other") }),
		}})
		wantError(t, err, "AccessDeniedException")
		_, err = allowed.DisableRule(ctx, &eventbridge.DisableRuleInput{Name: aws.String("r")})
		wantError(t, err, "AccessDeniedException")
	})
}
