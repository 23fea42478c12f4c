package sqs_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"userdrop/localaws/sqs"
	"userdrop/localaws/wire"
)

const arn = "arn:aws:sqs:eu-central-1:123456789012:dead"

func service() *sqs.Service {
	s := sqs.New(&wire.Account{ID: "123456789012", Region: "eu-central-1", IDs: wire.NewIDs(1)})
	s.Create(sqs.Queue{Name: "dead"})
	return s
}

// direct hands requests to a handler without a network, so that the SDK runs under virtual time.
type direct struct {
	http.Handler
	principal wire.Principal
}

func (d direct) Do(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	if d.principal != nil {
		ctx = wire.WithPrincipal(ctx, d.principal)
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r.Clone(ctx))
	return w.Result(), nil
}

func client(s *sqs.Service, p wire.Principal) *sdk.Client {
	return sdk.New(sdk.Options{
		Region: "eu-central-1", BaseEndpoint: aws.String("http://aws.test"), RetryMaxAttempts: 1, HTTPClient: direct{s, p},
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
	})
}

func TestSDK(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := service()
		c, ctx := client(s, nil), t.Context()
		found, err := c.GetQueueUrl(ctx, &sdk.GetQueueUrlInput{QueueName: aws.String("dead")})
		if err != nil || *found.QueueUrl != "http://aws.test/123456789012/dead" {
			t.Fatal(found, err)
		}
		_, err = c.SendMessage(ctx, &sdk.SendMessageInput{
			QueueUrl: found.QueueUrl, MessageBody: aws.String("from the SDK"),
			MessageAttributes: map[string]types.MessageAttributeValue{
				"N": {DataType: aws.String("Number"), StringValue: aws.String("1")},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		code := map[string]sqs.Attribute{"ERROR_CODE": sqs.String("NO_RESOURCE")}
		if _, err := s.Send(ctx, arn, "in process", code); err != nil {
			t.Fatal(err)
		}
		receive := func(wait int32) []string {
			t.Helper()
			out, err := c.ReceiveMessage(ctx, &sdk.ReceiveMessageInput{
				QueueUrl: found.QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: wait, MessageAttributeNames: []string{"All"},
			})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, m := range out.Messages {
				text := *m.Body
				for name, a := range m.MessageAttributes {
					text += " " + name + "=" + *a.StringValue
				}
				got = append(got, text)
				if text == "from the SDK N=1" {
					_, err := c.DeleteMessage(ctx, &sdk.DeleteMessageInput{
						QueueUrl: found.QueueUrl, ReceiptHandle: m.ReceiptHandle,
					})
					if err != nil {
						t.Fatal(err)
					}
				}
			}
			return got
		}
		if diff := cmp.Diff([]string{"from the SDK N=1", "in process ERROR_CODE=NO_RESOURCE"}, receive(0)); diff != "" {
			t.Error("first (-want +got):\n" + diff)
		}
		if got := receive(0); got != nil {
			t.Errorf("received what is hidden: %v", got)
		}
		attributes, err := c.GetQueueAttributes(
			ctx, &sdk.GetQueueAttributesInput{QueueUrl: found.QueueUrl, AttributeNames: []types.QueueAttributeName{"All"}},
		)
		if err != nil || attributes.Attributes["QueueArn"] != arn ||
			attributes.Attributes["ApproximateNumberOfMessagesNotVisible"] != "1" {
			t.Errorf("%+v, %v", attributes, err)
		}
		// What was not deleted comes back when its visibility time-out is over, to a long poll too.
		began := time.Now()
		time.Sleep(15 * time.Second)
		if diff := cmp.Diff([]string{"in process ERROR_CODE=NO_RESOURCE"}, receive(20)); diff != "" ||
			time.Since(began) != 30*time.Second {
			t.Errorf("after %v (-want +got):\n%s", time.Since(began), diff)
		}
		// A long poll ends when a message arrives.
		time.AfterFunc(5*time.Second, func() { _, _ = s.Send(context.Background(), "dead", "later", nil) })
		began = time.Now()
		if diff := cmp.Diff([]string{"later"}, receive(20)); diff != "" || time.Since(began) != 5*time.Second {
			t.Errorf("after %v (-want +got):\n%s", time.Since(began), diff)
		}
		began = time.Now()
		if got := receive(3); got != nil || time.Since(began) != 3*time.Second {
			t.Errorf("after %v: %v", time.Since(began), got)
		}
		list, err := c.ListQueues(ctx, &sdk.ListQueuesInput{})
		if err != nil || len(list.QueueUrls) != 1 {
			t.Errorf("%+v, %v", list, err)
		}
		if all := s.Messages(arn); len(all) != 3 || all[2].Body != "later" {
			t.Errorf("archive %+v", all)
		}
	})
}

type only struct{ action, resource string }

func (only) ARN() string { return "arn:aws:iam::123456789012:role/only" }

func (o only) Allows(action, resource string, _ map[string]string) bool {
	return action == o.action && resource == o.resource
}

func TestRefusals(t *testing.T) {
	url := aws.String("http://aws.test/123456789012/dead")
	body := aws.String("x")
	for _, c := range []struct {
		name string
		by   wire.Principal
		call func(context.Context, *sdk.Client) error
		code string
	}{
		{"no such queue", nil, func(ctx context.Context, c *sdk.Client) error {
			_, err := c.GetQueueUrl(ctx, &sdk.GetQueueUrlInput{QueueName: aws.String("other")})
			return err
		}, "AWS.SimpleQueueService.NonExistentQueue"},
		{"an unknown attribute", nil, func(ctx context.Context, c *sdk.Client) error {
			_, err := c.GetQueueAttributes(ctx, &sdk.GetQueueAttributesInput{
				QueueUrl: url, AttributeNames: []types.QueueAttributeName{"Colour"},
			})
			return err
		}, "InvalidAttributeName"},
		{"too long", nil, func(ctx context.Context, c *sdk.Client) error {
			_, err := c.SendMessage(
				ctx, &sdk.SendMessageInput{QueueUrl: url, MessageBody: aws.String(strings.Repeat("x", 1<<20+1))},
			)
			return err
		}, "InvalidParameterValue"},
		{"an unknown parameter", nil, func(ctx context.Context, c *sdk.Client) error {
			_, err := c.SendMessage(
				ctx, &sdk.SendMessageInput{QueueUrl: url, MessageBody: body, MessageGroupId: aws.String("g")},
			)
			return err
		}, "SerializationException"},
		{"an unknown operation", nil, func(ctx context.Context, c *sdk.Client) error {
			_, err := c.PurgeQueue(ctx, &sdk.PurgeQueueInput{QueueUrl: url})
			return err
		}, "UnknownOperationException"},
		{"a bad receipt", nil, func(ctx context.Context, c *sdk.Client) error {
			_, err := c.DeleteMessage(ctx, &sdk.DeleteMessageInput{QueueUrl: url, ReceiptHandle: aws.String("?")})
			return err
		}, "ReceiptHandleIsInvalid"},
		{"a caller who may send", only{"sqs:SendMessage", arn}, func(ctx context.Context, c *sdk.Client) error {
			_, err := c.SendMessage(ctx, &sdk.SendMessageInput{QueueUrl: url, MessageBody: body})
			return err
		}, ""},
		{"a caller who may only send", only{"sqs:SendMessage", arn}, func(ctx context.Context, c *sdk.Client) error {
			_, err := c.ReceiveMessage(ctx, &sdk.ReceiveMessageInput{QueueUrl: url})
			return err
		}, "AccessDenied"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.call(t.Context(), client(service(), c.by))
			code := ""
			if api, ok := errors.AsType[smithy.APIError](err); ok {
				code = api.ErrorCode()
			}
			if code != c.code || (err == nil) != (c.code == "") {
				t.Errorf("got %v, want %q", err, c.code)
			}
		})
	}
}

// TestQueryError: clients that were made for the Query protocol read its codes from a header.
func TestQueryError(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "http://aws.test/", strings.NewReader(`{"QueueName":"other"}`))
	r.Header.Set("X-Amz-Target", "AmazonSQS.GetQueueUrl")
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	w := httptest.NewRecorder()
	service().ServeHTTP(w, r)
	const want = "AWS.SimpleQueueService.NonExistentQueue;Sender"
	if got := w.Header().Get("X-Amzn-Query-Error"); got != want || w.Code != http.StatusBadRequest {
		t.Errorf("%d, x-amzn-query-error %q, want %q", w.Code, got, want)
	}
}

func TestAttributes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := service()
		s.Create(sqs.Queue{Name: "dead", KMSKey: "alias/own"})
		c, ctx := client(s, nil), t.Context()
		url := aws.String("http://aws.test/123456789012/dead")
		out, err := c.GetQueueAttributes(ctx, &sdk.GetQueueAttributesInput{
			QueueUrl: url, AttributeNames: []types.QueueAttributeName{"All"},
		})
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{
			"QueueArn": arn, "ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesNotVisible": "0",
			"ApproximateNumberOfMessagesDelayed": "0", "CreatedTimestamp": "946684800", "LastModifiedTimestamp": "946684800",
			"VisibilityTimeout": "30", "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600",
			"DelaySeconds": "0", "ReceiveMessageWaitTimeSeconds": "0", "SqsManagedSseEnabled": "false",
			"KmsMasterKeyId": "alias/own", "KmsDataKeyReusePeriodSeconds": "300",
		}
		if diff := cmp.Diff(want, out.Attributes); diff != "" {
			t.Error("queue (-want +got):\n" + diff)
		}
		if _, err := s.Send(ctx, "dead", "x", nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		received, err := c.ReceiveMessage(ctx, &sdk.ReceiveMessageInput{
			QueueUrl: url, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"},
		})
		if err != nil {
			t.Fatal(err)
		}
		want = map[string]string{
			"SenderId": "123456789012", "SentTimestamp": "946684800000", "ApproximateReceiveCount": "1",
			"ApproximateFirstReceiveTimestamp": "946684801000",
		}
		if diff := cmp.Diff(want, received.Messages[0].Attributes); diff != "" {
			t.Error("message (-want +got):\n" + diff)
		}
	})
}
