package lambda_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"

	"userdrop/localaws/lambda"
	"userdrop/localaws/template"
)

func TestInvokeAsync(t *testing.T) {
	const (
		onFailure = "arn:aws:sqs:eu-central-1:123456789012:failed"
		onSuccess = "arn:aws:sqs:eu-central-1:123456789012:done"
	)
	one := 1
	for _, c := range []struct {
		name     string
		function lambda.Function
		speed    float64
		failures int // attempts that fail
		want     []time.Duration
		where    string
		record   string // of the record, without its ids
	}{
		{
			name: "success", want: []time.Duration{0}, where: onSuccess,
			record: `Success 1 200 "" "ok"`,
		},
		{
			name: "two retries", failures: 2, where: onSuccess,
			want:   []time.Duration{0, time.Minute, 3 * time.Minute},
			record: `Success 3 200 "" "ok"`,
		},
		{
			name: "exhausted", failures: 9, where: onFailure,
			want:   []time.Duration{0, time.Minute, 3 * time.Minute},
			record: `RetriesExhausted 3 200 "Unhandled" {"errorMessage":"no","errorType":"errorString"}`,
		},
		{
			name: "one retry", failures: 9, function: async(template.AsyncInvoke{MaximumRetryAttempts: &one}), where: onFailure,
			want:   []time.Duration{0, time.Minute},
			record: `RetriesExhausted 2 200 "Unhandled" {"errorMessage":"no","errorType":"errorString"}`,
		},
		{
			name: "too old", failures: 9, where: onFailure,
			function: async(template.AsyncInvoke{MaximumEventAge: 2 * time.Minute}),
			want:     []time.Duration{0, time.Minute},
			record:   `EventAgeExceeded 2 200 "Unhandled" {"errorMessage":"no","errorType":"errorString"}`,
		},
		{
			name: "hurried", failures: 9, speed: 60, where: onFailure,
			want:   []time.Duration{0, time.Second, 3 * time.Second},
			record: `RetriesExhausted 3 200 "Unhandled" {"errorMessage":"no","errorType":"errorString"}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				var attempts []time.Duration
				ids := map[string]bool{}
				var where, record string
				acc := account()
				acc.Speed = c.speed
				service := lambda.New(acc, lambda.Options{
					Deliver: func(_ context.Context, destination string, r lambda.Record) error {
						where = destination
						record = fmt.Sprintf("%s %d %d %q %s", r.RequestContext.Condition, r.RequestContext.InvokeCount,
							r.ResponseContext.StatusCode, r.ResponseContext.FunctionError, r.ResponsePayload)
						if string(r.RequestPayload) != `{"a":1}` || !ids[r.RequestContext.RequestID] ||
							r.RequestContext.FunctionARN != "arn:aws:lambda:eu-central-1:123456789012:function:fn:$LATEST" {
							t.Errorf("record %+v", r)
						}
						return nil
					},
				})
				c.function.Name = "fn"
				c.function.Asynchronous.OnFailure, c.function.Asynchronous.OnSuccess = onFailure, onSuccess
				c.function.Code = handler(func(ctx context.Context) (string, error) {
					lc, _ := lambdacontext.FromContext(ctx)
					ids[lc.AwsRequestID] = true
					attempts = append(attempts, time.Since(began))
					if len(attempts) <= c.failures {
						return "", errors.New("no")
					}
					return "ok", nil
				})
				if err := service.Register(c.function); err != nil {
					t.Fatal(err)
				}
				result, err := service.InvokeAsync(t.Context(), "fn", []byte(`{"a":1}`))
				if err != nil || result.StatusCode != http.StatusAccepted {
					t.Fatal(result, err)
				}
				time.Sleep(time.Hour)
				service.Close()
				if diff := cmp.Diff(c.want, attempts); diff != "" {
					t.Error("attempts (-want +got):\n" + diff)
				}
				if where != c.where || record != c.record {
					t.Errorf("%s\n got %s\nwant %s", where, record, c.record)
				}
				if len(ids) != 1 {
					t.Errorf("%d request ids over the attempts", len(ids))
				}
			})
		})
	}
}

func TestAsyncWaitsOutThrottles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		service := start(t, lambda.Options{}, lambda.Function{
			Function: template.Function{Concurrency: new(1), Timeout: time.Minute},
			Code:     handler(func() { runs++; time.Sleep(20 * time.Second) }),
		})
		for range 3 {
			if _, err := service.InvokeAsync(t.Context(), "fn", nil); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Hour)
		service.Close()
		if runs != 3 {
			t.Errorf("%d of 3 events ran", runs)
		}
	})
}

func async(a template.AsyncInvoke) lambda.Function {
	return lambda.Function{Function: template.Function{Asynchronous: a}}
}
