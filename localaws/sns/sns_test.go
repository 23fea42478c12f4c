package sns_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"userdrop/localaws/sns"
	"userdrop/localaws/wire"
)

const topic = "arn:aws:sns:eu-central-1:123456789012:finished"

func service(options sns.Options) *sns.Service {
	s := sns.New(&wire.Account{ID: "123456789012", Region: "eu-central-1", IDs: wire.NewIDs(1)}, options)
	s.CreateTopic("finished")
	return s
}

func client(t *testing.T, s *sns.Service, p wire.Principal) *sdk.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := wire.WithRequestID(r.Context(), "request")
		if p != nil {
			ctx = wire.WithPrincipal(ctx, p)
		}
		s.ServeHTTP(w, r.WithContext(ctx))
	}))
	t.Cleanup(server.Close)
	return sdk.New(sdk.Options{
		Region: "eu-central-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
	})
}

type principal string

func (p principal) ARN() string                                 { return string(p) }
func (principal) Allows(string, string, map[string]string) bool { return true }

func TestSDK(t *testing.T) {
	type sent struct{ To, By, Body string }
	var got []sent
	take := func(ctx context.Context, arn string, body []byte) error {
		got = append(got, sent{arn, wire.Caller(ctx).ARN(), string(body)})
		return nil
	}
	s := service(sns.Options{
		Queue: take, Lambda: take,
		Principal: func(service, source string) wire.Principal { return principal(service + " for " + source) },
	})
	c, ctx := client(t, s, nil), t.Context()
	for _, in := range []sdk.SubscribeInput{
		{Protocol: aws.String("sqs"), Endpoint: aws.String("queue")},
		{
			Protocol: aws.String("sqs"), Endpoint: aws.String("raw"),
			Attributes: map[string]string{"RawMessageDelivery": "true"},
		},
		{Protocol: aws.String("lambda"), Endpoint: aws.String("function")},
		{Protocol: aws.String("email"), Endpoint: aws.String("ops@example.com")},
		{Protocol: aws.String("email"), Endpoint: aws.String("ops@example.com")}, // twice is once
	} {
		in.TopicArn = aws.String(topic)
		out, err := c.Subscribe(ctx, &in)
		mail := *in.Protocol == "email"
		if err != nil || !mail && !strings.HasPrefix(*out.SubscriptionArn, topic+":") ||
			mail && *out.SubscriptionArn != "pending confirmation" {
			t.Fatal(*out.SubscriptionArn, err)
		}
	}
	pending := s.Subscriptions()[3]
	listed, err := c.ListSubscriptionsByTopic(ctx, &sdk.ListSubscriptionsByTopicInput{TopicArn: aws.String(topic)})
	if err != nil || *listed.Subscriptions[3].SubscriptionArn != "PendingConfirmation" {
		t.Errorf("%v, listed %+v", err, listed)
	}
	if _, err := c.Publish(ctx, &sdk.PublishInput{TopicArn: aws.String(topic), Message: aws.String("early")}); err != nil {
		t.Fatal(err)
	}
	if d := s.Deliveries(); len(d) != 3 {
		t.Errorf("deliveries before the confirmation %+v", d)
	}
	if _, err := c.ConfirmSubscription(ctx, &sdk.ConfirmSubscriptionInput{
		TopicArn: aws.String(topic), Token: aws.String("wrong"),
	}); err == nil {
		t.Error("a wrong token confirmed a subscription")
	}
	confirmed, err := c.ConfirmSubscription(ctx, &sdk.ConfirmSubscriptionInput{
		TopicArn: aws.String(topic), Token: &pending.Token,
	})
	if err != nil || *confirmed.SubscriptionArn != pending.ARN {
		t.Errorf("%v, confirmed %+v", err, confirmed)
	}
	got = nil
	published, err := c.Publish(ctx, &sdk.PublishInput{
		TopicArn: aws.String(topic), Subject: aws.String("userdrop: PARTIAL"), Message: aws.String("1 < 2 & ü"),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"verdict": {DataType: aws.String("String"), StringValue: aws.String("PARTIAL")},
		},
	})
	if err != nil {
		t.Fatal(err)
	}

	m := s.Messages()[1:]
	if len(m) != 1 || m[0].ID != *published.MessageId || m[0].Subject != "userdrop: PARTIAL" || m[0].Body != "1 < 2 & ü" ||
		m[0].Attributes["verdict"] != (sns.Attribute{Type: "String", Value: "PARTIAL"}) {
		t.Errorf("archive %+v", m)
	}
	if d := s.Deliveries()[3:]; len(d) != 4 || d[3].Subscription.Endpoint != "ops@example.com" || d[3].Err != nil {
		t.Errorf("deliveries %+v", d)
	}
	if len(got) != 3 || got[0].To != "queue" ||
		got[1] != (sent{"raw", "sns.amazonaws.com for " + topic, "1 < 2 & ü"}) || got[2].To != "function" {
		t.Fatalf("sent %+v", got)
	}
	type notification struct{ Type, MessageId, TopicArn, Subject, Message string }
	want := notification{"Notification", m[0].ID, topic, "userdrop: PARTIAL", "1 < 2 & ü"}
	var n notification
	var event struct {
		Records []struct {
			EventSource string
			Sns         notification
		}
	}
	err = errors.Join(json.Unmarshal([]byte(got[0].Body), &n), json.Unmarshal([]byte(got[2].Body), &event))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]notification{want, want}, []notification{n, event.Records[0].Sns}); diff != "" ||
		event.Records[0].EventSource != "aws:sns" {
		t.Error("notification (-want +got):\n" + diff)
	}

	topics, err := c.ListTopics(ctx, &sdk.ListTopicsInput{})
	if err != nil || len(topics.Topics) != 1 || *topics.Topics[0].TopicArn != topic {
		t.Errorf("%+v, %v", topics, err)
	}
	all, err := c.ListSubscriptions(ctx, &sdk.ListSubscriptionsInput{})
	if err != nil || len(all.Subscriptions) != 4 || *all.Subscriptions[2].Protocol != "lambda" {
		t.Errorf("%+v, %v", all, err)
	}
	of, err := c.ListSubscriptionsByTopic(ctx, &sdk.ListSubscriptionsByTopicInput{TopicArn: aws.String(topic)})
	if err != nil || len(of.Subscriptions) != 4 {
		t.Errorf("%+v, %v", of, err)
	}
}

type only struct{ action, resource string }

func (only) ARN() string { return "arn:aws:iam::123456789012:role/only" }

func (o only) Allows(action, resource string, _ map[string]string) bool {
	return action == o.action && resource == o.resource
}

func TestPublishRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		by   wire.Principal
		in   sdk.PublishInput
		code string
	}{
		{"nothing", nil, sdk.PublishInput{}, ""},
		{"no such topic", nil, sdk.PublishInput{TopicArn: aws.String(topic + "x")}, "NotFound"},
		{"no message", nil, sdk.PublishInput{Message: aws.String("")}, "InvalidParameter"},
		{"the longest message", nil, sdk.PublishInput{Message: aws.String(strings.Repeat("x", 256<<10))}, ""},
		{
			"a message too long", nil,
			sdk.PublishInput{Message: aws.String(strings.Repeat("x", 256<<10+1))},
			"InvalidParameter",
		},
		{"the longest subject", nil, sdk.PublishInput{Subject: aws.String(strings.Repeat("x", 100))}, ""},
		{"a subject too long", nil, sdk.PublishInput{Subject: aws.String(strings.Repeat("x", 101))}, "InvalidParameter"},
		{"a subject that is not ASCII", nil, sdk.PublishInput{Subject: aws.String("ü")}, "InvalidParameter"},
		{"a subject of two lines", nil, sdk.PublishInput{Subject: aws.String("a\nb")}, "InvalidParameter"},
		{"an unknown parameter", nil, sdk.PublishInput{MessageStructure: aws.String("json")}, "InvalidParameterValue"},
		{"a caller who may", only{"sns:Publish", topic}, sdk.PublishInput{}, ""},
		{"a caller who may not", only{"sns:Publish", "other"}, sdk.PublishInput{}, "AuthorizationError"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := service(sns.Options{})
			if c.in.TopicArn == nil {
				c.in.TopicArn = aws.String(topic)
			}
			if c.in.Message == nil {
				c.in.Message = aws.String("message")
			}
			_, err := client(t, s, c.by).Publish(t.Context(), &c.in)
			code := ""
			if api, ok := errors.AsType[smithy.APIError](err); ok {
				code = api.ErrorCode()
			}
			if code != c.code || (err == nil) != (c.code == "") || len(s.Messages()) == 1 != (err == nil) {
				t.Errorf("got %v, want %q; %d messages", err, c.code, len(s.Messages()))
			}
		})
	}
}

func TestSubscribeRefusesWhatItCannotDeliverTo(t *testing.T) {
	c := client(t, service(sns.Options{}), nil)
	for _, protocol := range []string{"https", "sqs", "lambda", "sms"} {
		_, err := c.Subscribe(
			t.Context(),
			&sdk.SubscribeInput{TopicArn: aws.String(topic), Protocol: aws.String(protocol), Endpoint: aws.String("x")},
		)
		if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorCode() != "InvalidParameter" {
			t.Errorf("%s: %v", protocol, err)
		}
	}
	_, err := c.Unsubscribe(t.Context(), &sdk.UnsubscribeInput{SubscriptionArn: aws.String("x")})
	if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorCode() != "InvalidAction" {
		t.Error(err)
	}
}
