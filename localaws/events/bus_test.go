package events_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"userdrop/localaws/events"
	"userdrop/localaws/wire"
)

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
