package events_test

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/smithy-go"

	"userdrop/localaws/events"
	"userdrop/localaws/wire"
)

func account() *wire.Account {
	return &wire.Account{ID: "123456789012", Region: "eu-central-1", IDs: wire.NewIDs(1)}
}

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

func (p principal) ARN() string { return string(p) }

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

func wantError(t *testing.T, err error, code string) {
	t.Helper()
	if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorCode() != code {
		t.Errorf("got %v, want %s", err, code)
	}
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
