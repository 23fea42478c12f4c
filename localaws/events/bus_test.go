package events_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"
	gocmp "github.com/google/go-cmp/cmp"

	"userdrop/localaws/events"
	"userdrop/localaws/wire"
)

func account() *wire.Account {
	return &wire.Account{ID: "123456789012", Region: "eu-central-1", IDs: wire.NewIDs(1)}
}

const (
	functionARN = "arn:aws:lambda:eu-central-1:123456789012:function:fn"
	machineARN  = "arn:aws:states:eu-central-1:123456789012:stateMachine:m"
	topicARN    = "arn:aws:sns:eu-central-1:123456789012:t"
	queueARN    = "arn:aws:sqs:eu-central-1:123456789012:q"
	deadARN     = "arn:aws:sqs:eu-central-1:123456789012:dead"
	groupARN    = "arn:aws:logs:eu-central-1:123456789012:log-group:/events:*"
	roleARN     = "arn:aws:iam::123456789012:role/events"
)

// recorder notes what reaches the targets, and by whose name.
type recorder struct {
	began time.Time
	mu    sync.Mutex
	seen  []received
	fail  func(n int) error // how the n-th call of a target, but for the dead-letter queue, ends
	calls int
}

type received struct {
	At         time.Duration
	ARN        string
	By         string
	Body       string
	Attributes map[string]string
}

type principal string

func (p principal) ARN() string                                 { return string(p) }
func (principal) Allows(string, string, map[string]string) bool { return true }

func (r *recorder) receive(ctx context.Context, arn string, body []byte, attributes map[string]string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if arn != deadARN {
		r.calls++
		if r.fail != nil {
			if err := r.fail(r.calls); err != nil {
				return err
			}
		}
	}
	r.seen = append(r.seen, received{time.Since(r.began), arn, wire.Caller(ctx).ARN(), string(body), attributes})
	return nil
}

// taken returns what arrived, by ARN.
func (r *recorder) taken() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.SortedStableFunc(slices.Values(r.seen), func(a, b received) int { return cmp.Compare(a.ARN, b.ARN) })
}

func (r *recorder) targets() events.Targets {
	r.began = time.Now()
	plain := func(ctx context.Context, arn string, body []byte) error { return r.receive(ctx, arn, body, nil) }
	return events.Targets{
		Lambda: plain, Topic: plain, Queue: r.receive,
		StateMachine: func(ctx context.Context, arn, name string, input []byte) error {
			if len(name) < 36 || len(name) > 80 {
				return wire.Errorf("InvalidName", "%q", name)
			}
			return plain(ctx, arn, input)
		},
		LogGroup: func(ctx context.Context, arn string, _ time.Time, message []byte) error {
			return plain(ctx, arn, message)
		},
		Principal: func(service, source, role string) wire.Principal {
			return principal(cmp.Or(role, service+" for "+source[strings.LastIndexByte(source, ':')+1:]))
		},
	}
}

func put(t *testing.T, bus *events.Bus, rules ...events.Rule) {
	t.Helper()
	for _, r := range rules {
		if err := bus.PutRule(r); err != nil {
			t.Fatal(err)
		}
	}
}

var created = wire.Event{
	Source: "aws.s3", DetailType: "Object Created", Resources: []string{"arn:aws:s3:::inbox"},
	Detail: map[string]any{
		"bucket": map[string]string{"name": "inbox"}, "object": map[string]any{"key": `a "b" <c>.csv`, "size": 7},
	},
}

const pattern = `{"source":["aws.s3"]}`

func TestEnvelope(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r recorder
		bus := events.NewBus(account(), events.Options{Targets: r.targets()})
		put(
			t, bus,
			events.Rule{
				Name: "r", EventPattern: json.RawMessage(pattern), Targets: []events.Target{{ID: "f", ARN: functionARN}},
			},
		)
		bus.Put(created)
		bus.Put(wire.Event{Source: "aws.ec2", DetailType: "Other", Detail: struct{}{}})
		time.Sleep(time.Second)
		bus.Close()
		all := bus.Events()
		if len(all) != 2 || all[1].Source != "aws.ec2" {
			t.Fatalf("archive %+v", all)
		}
		want := `{"version":"0","id":"` + all[0].ID + `","detail-type":"Object Created",` +
			`"source":"aws.s3","account":"123456789012",` +
			`"time":"2000-01-01T00:00:00Z","region":"eu-central-1","resources":["arn:aws:s3:::inbox"],` +
			`"detail":{"bucket":{"name":"inbox"},"object":{"key":"a \"b\" <c>.csv","size":7}}}`
		got := r.taken()
		if len(got) != 1 {
			t.Fatalf("got %+v", got)
		}
		if diff := gocmp.Diff(want, got[0].Body); diff != "" {
			t.Error("event (-want +got):\n" + diff)
		}
		if got[0].At <= 0 || got[0].At > 75*time.Millisecond || got[0].By != "events.amazonaws.com for rule/r" {
			t.Errorf("delivered after %v by %s", got[0].At, got[0].By)
		}
	})
}

func TestTargetsAndInputs(t *testing.T) {
	transform := func(template string, paths map[string]string) *events.InputTransformer {
		return &events.InputTransformer{InputPathsMap: paths, InputTemplate: template}
	}
	paths := map[string]string{
		"key": "$.detail.object.key", "size": "$.detail['object'].size", "type": "$.detail-type", "first": "$.resources[0]",
		"object": "$.detail.object", "no": "$.detail.no",
	}
	for _, c := range []struct {
		name   string
		target events.Target
		want   string
	}{
		{"state machine", events.Target{ARN: machineARN, RoleARN: roleARN, InputPath: "$.detail.bucket"}, `{"name":"inbox"}`},
		{"topic", events.Target{ARN: topicARN, Input: `{"fixed":1}`}, `{"fixed":1}`},
		{"queue", events.Target{ARN: queueARN, InputPath: "$.resources[0]"}, `"arn:aws:s3:::inbox"`},
		{"log group", events.Target{ARN: groupARN, InputPath: "$.account"}, `"123456789012"`},
		{
			"object template",
			events.Target{ARN: functionARN, InputTransformer: transform(`{"k": <key>, "s": <size>, "o": <object>}`, paths)},
			`{"k": "a \"b\" <c>.csv", "s": 7, "o": {"key":"a \"b\" <c>.csv","size":7}}`,
		},
		{
			"string template",
			events.Target{
				ARN: functionARN, InputTransformer: transform(`"<type> of <first>: <size> bytes <no>at <key>, 1 < 2"`, paths),
			},
			`"Object Created of arn:aws:s3:::inbox: 7 bytes at a \"b\" <c>.csv, 1 < 2"`,
		},
		{
			"value in a string",
			events.Target{ARN: functionARN, InputTransformer: transform(`{"k": "key \"<key>\"", "o": "<object>"}`, paths)},
			`{"k": "key \"a \"b\" <c>.csv\"", "o": "{\"key\":\"a \\\"b\\\" <c>.csv\",\"size\":7}"}`,
		},
		{
			"predefined",
			events.Target{
				ARN: functionARN,
				InputTransformer: transform(
					`{"r": <aws.events.rule-name>, "a": "<aws.events.rule-arn>", "t": <aws.events.event.ingestion-time>}`, nil,
				),
			},
			`{"r": "r", "a": "arn:aws:events:eu-central-1:123456789012:rule/r", "t": "2000-01-01T00:00:00Z"}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var r recorder
				bus := events.NewBus(account(), events.Options{Targets: r.targets()})
				c.target.ID = "t"
				put(t, bus, events.Rule{Name: "r", EventPattern: json.RawMessage(pattern), Targets: []events.Target{c.target}})
				bus.Put(created)
				time.Sleep(time.Second)
				bus.Close()
				got := r.taken()
				if len(got) != 1 || got[0].ARN != strings.TrimSuffix(c.target.ARN, ":*") {
					t.Fatalf("got %+v", got)
				}
				if diff := gocmp.Diff(c.want, got[0].Body); diff != "" {
					t.Error("input (-want +got):\n" + diff)
				}
				if c.target.RoleARN != "" && got[0].By != roleARN {
					t.Errorf("called by %s", got[0].By)
				}
			})
		})
	}
}

func TestRetriesAndDeadLetters(t *testing.T) {
	throttle := &wire.Error{Code: "ThrottlingException", Message: "slow down", Status: 400}
	broken := &wire.Error{Code: "InternalFailure", Message: "broken", Status: 500}
	two, minute := 2, 60
	for _, c := range []struct {
		name   string
		fail   func(n int) error
		retry  *events.RetryPolicy
		speed  float64
		calls  int
		within time.Duration
		want   map[string]string // of the dead letter, besides the ARNs
	}{
		{name: "accepted at the third try", fail: func(n int) error { return errorUntil(n, 3, throttle) }, calls: 3},
		{
			name: "no permission is not tried again", calls: 1,
			fail: func(int) error { return wire.Errorf("AccessDeniedException", "no") },
			want: map[string]string{
				"ERROR_CODE": "NO_PERMISSIONS", "ERROR_MESSAGE": "AccessDeniedException: no", "RETRY_ATTEMPTS": "0",
			},
		},
		{
			name: "a target that is gone", calls: 1,
			fail: func(int) error { return wire.Errorf("ResourceNotFoundException", "gone") },
			want: map[string]string{
				"ERROR_CODE": "NO_RESOURCE", "ERROR_MESSAGE": "ResourceNotFoundException: gone", "RETRY_ATTEMPTS": "0",
			},
		},
		{
			name: "attempts exhausted", calls: 3, retry: &events.RetryPolicy{MaximumRetryAttempts: &two},
			fail: func(int) error { return broken },
			want: map[string]string{
				"ERROR_CODE": "INTERNAL_ERROR", "ERROR_MESSAGE": "InternalFailure: broken", "RETRY_ATTEMPTS": "2",
				"EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
			},
		},
		{
			name: "too old", calls: 7, retry: &events.RetryPolicy{MaximumEventAgeInSeconds: &minute},
			fail: func(int) error { return throttle },
			want: map[string]string{
				"ERROR_CODE": "THROTTLING", "ERROR_MESSAGE": "ThrottlingException: slow down", "RETRY_ATTEMPTS": "6",
				"EXHAUSTED_RETRY_CONDITION": "MaximumEventAgeInSeconds",
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := recorder{fail: c.fail}
				bus := events.NewBus(account(), events.Options{Targets: r.targets()})
				put(t, bus, events.Rule{Name: "r", EventPattern: json.RawMessage(pattern), Targets: []events.Target{{
					ID: "f", ARN: functionARN, RetryPolicy: c.retry, DeadLetterConfig: &events.DeadLetterConfig{Arn: deadARN},
				}}})
				bus.Put(created)
				time.Sleep(25 * time.Hour)
				bus.Close()
				got := r.taken()
				if r.calls != c.calls || len(got) != 1 {
					t.Fatalf("%d calls instead of %d, %+v", r.calls, c.calls, got)
				}
				if c.want == nil {
					if got[0].ARN != functionARN {
						t.Errorf("got %+v", got)
					}
					return
				}
				c.want["RULE_ARN"], c.want["TARGET_ARN"] = "arn:aws:events:eu-central-1:123456789012:rule/r", functionARN
				if diff := gocmp.Diff(c.want, got[0].Attributes); diff != "" {
					t.Error("attributes (-want +got):\n" + diff)
				}
				if got[0].ARN != deadARN || !strings.Contains(got[0].Body, bus.Events()[0].ID) {
					t.Errorf("dead letter %+v", got[0])
				}
			})
		})
	}
}

func errorUntil(n, good int, err error) error {
	if n < good {
		return err
	}
	return nil
}

func TestFaultyDeliveries(t *testing.T) {
	for _, c := range []struct {
		name   string
		delays func(n int) []time.Duration // of the n-th event
		want   []string
	}{
		{"dropped", func(n int) []time.Duration { return [][]time.Duration{{}, {1}}[n] }, []string{"1"}},
		{
			"doubled", func(n int) []time.Duration { return []time.Duration{time.Duration(n + 1), 10 + time.Duration(n)} },
			[]string{"0", "1", "0", "1"},
		},
		{
			"reordered", func(n int) []time.Duration { return []time.Duration{time.Minute / time.Duration(n+1)} },
			[]string{"1", "0"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var r recorder
				n := 0
				bus := events.NewBus(account(), events.Options{
					Targets: r.targets(),
					Deliveries: func(rule, target string, e events.Envelope, usual time.Duration) []time.Duration {
						if rule != "r" || target != "f" || usual <= 0 || e.Source != "aws.s3" {
							t.Error(rule, target, e, usual)
						}
						n++
						return c.delays(n - 1)
					},
				})
				put(
					t, bus,
					events.Rule{
						Name: "r", EventPattern: json.RawMessage(pattern),
						Targets: []events.Target{{ID: "f", ARN: functionARN, InputPath: "$.detail.n"}},
					},
				)
				for i := range 2 {
					bus.Put(wire.Event{Source: "aws.s3", Detail: map[string]int{"n": i}})
				}
				time.Sleep(time.Hour)
				bus.Close()
				var got []string
				for _, s := range r.taken() {
					got = append(got, s.Body)
				}
				if diff := gocmp.Diff(c.want, got); diff != "" {
					t.Error("deliveries (-want +got):\n" + diff)
				}
			})
		})
	}
}

func TestScheduledRule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r recorder
		bus := events.NewBus(account(), events.Options{Targets: r.targets(), Latency: 1})
		put(
			t, bus,
			events.Rule{
				Name: "hourly", ScheduleExpression: "rate(1 hour)", Targets: []events.Target{{ID: "f", ARN: functionARN}},
			},
		)
		time.Sleep(2*time.Hour + time.Minute)
		bus.Close()
		got := r.taken()
		if len(got) != 2 || got[1].At.Truncate(time.Second) != 2*time.Hour {
			t.Fatalf("got %+v", got)
		}
		for _, part := range []string{
			`"detail-type":"Scheduled Event"`, `"source":"aws.events"`, `"time":"2000-01-01T02:00:00Z"`, `rule/hourly"]`,
			`"detail":{}`,
		} {
			if !strings.Contains(got[1].Body, part) {
				t.Errorf("%s is not in %s", part, got[1].Body)
			}
		}
	})
}

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

// only may do one action, on one resource, with the given source of events.
type only struct{ action, resource, source string }

func (only) ARN() string { return "arn:aws:iam::123456789012:role/only" }

func (o only) Allows(action, resource string, conditions map[string]string) bool {
	return action == o.action && resource == o.resource && (o.source == "" || conditions["events:source"] == o.source)
}

func serve(t *testing.T, h http.Handler, p wire.Principal) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		if p != nil {
			ctx = wire.WithPrincipal(ctx, p)
		}
		h.ServeHTTP(w, r.WithContext(ctx))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func client(t *testing.T, bus *events.Bus, p wire.Principal) *eventbridge.Client {
	return eventbridge.New(eventbridge.Options{
		Region: "eu-central-1", BaseEndpoint: aws.String(serve(t, bus, p)), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
	})
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

func wantError(t *testing.T, err error, code string) {
	t.Helper()
	if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorCode() != code {
		t.Errorf("got %v, want %s", err, code)
	}
}

func TestDeliveriesAreRepeatable(t *testing.T) {
	run := func() (trace string) {
		synctest.Test(t, func(t *testing.T) {
			var r recorder
			bus := events.NewBus(account(), events.Options{Targets: r.targets()})
			for i := range 3 {
				put(
					t, bus,
					events.Rule{
						Name: fmt.Sprint("r", i), EventPattern: json.RawMessage(pattern),
						Targets: []events.Target{{ID: "f", ARN: functionARN}},
					},
				)
			}
			for range 5 {
				bus.Put(created)
			}
			time.Sleep(time.Second)
			bus.Close()
			trace = fmt.Sprint(r.taken())
		})
		return trace
	}
	if diff := gocmp.Diff(run(), run()); diff != "" {
		t.Error("two runs differ:\n" + diff)
	}
}
