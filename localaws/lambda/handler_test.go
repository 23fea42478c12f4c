package lambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	awslambda "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"

	"userdrop/localaws/lambda"
	"userdrop/localaws/template"
	"userdrop/localaws/wire"
)

func handler(f any) lambda.Handler { return lambda.Handler{Handler: awslambda.NewHandler(f)} }

// start returns a service with one function, named fn.
func start(t *testing.T, options lambda.Options, f lambda.Function) *lambda.Service {
	t.Helper()
	service := lambda.New(account(), options)
	f.Name = "fn"
	if err := service.Register(f); err != nil {
		t.Fatal(err)
	}
	return service
}

type customError struct{}

func (customError) Error() string { return "custom" }

func TestHandlerAnswersAsAProcessWould(t *testing.T) {
	const timeout = 5 * time.Second
	for _, c := range []struct {
		name    string
		handle  func(context.Context, int) (any, error)
		want    string // payload; {id} is the request's id
		isError bool
		took    time.Duration
	}{
		{
			name:   "value",
			handle: func(_ context.Context, n int) (any, error) { return map[string]int{"n": n}, nil },
			want:   `{"n":7}`,
		},
		{
			name: "deadline and context",
			handle: func(ctx context.Context, _ int) (any, error) {
				deadline, _ := ctx.Deadline()
				lc, _ := lambdacontext.FromContext(ctx)
				return fmt.Sprint(time.Until(deadline), " ", lc.AwsRequestID, " ", lc.InvokedFunctionArn), nil
			},
			want: `"5s {id} arn:aws:lambda:eu-central-1:123456789012:function:fn"`,
		},
		{
			name:    "error",
			handle:  func(context.Context, int) (any, error) { return nil, customError{} },
			want:    `{"errorMessage":"custom","errorType":"customError"}`,
			isError: true,
		},
		{
			name: "wrapped error keeps only its outermost type",
			handle: func(context.Context, int) (any, error) {
				return nil, fmt.Errorf("wrapped: %w", messages.InvokeResponse_Error{Type: "Busy"})
			},
			want:    `"errorType":"wrapError"`,
			isError: true,
		},
		{
			name: "named error by value",
			handle: func(context.Context, int) (any, error) {
				return nil, messages.InvokeResponse_Error{Type: "Busy", Message: "later"}
			},
			want:    `{"errorMessage":"later","errorType":"Busy"}`,
			isError: true,
		},
		{
			name: "named error by pointer is an error like any other",
			handle: func(context.Context, int) (any, error) {
				return nil, &messages.InvokeResponse_Error{Type: "Busy", Message: "later"}
			},
			want:    `"errorType":"InvokeResponse_Error"`,
			isError: true,
		},
		{
			name:    "panic",
			handle:  func(context.Context, int) (any, error) { panic("oops") },
			want:    `{"errorMessage":"oops","errorType":"string"}`,
			isError: true,
		},
		{
			name:   "time-out heeded",
			handle: func(ctx context.Context, _ int) (any, error) { <-ctx.Done(); return nil, ctx.Err() },
			want: `{"errorMessage":"2000-01-01T00:00:05.000Z {id} Task timed out after 5.00 seconds",` +
				`"errorType":"Sandbox.Timedout"}`,
			isError: true, took: timeout,
		},
		{
			name:   "time-out not heeded",
			handle: func(context.Context, int) (any, error) { time.Sleep(time.Hour); return "late", nil },
			want: `{"errorMessage":"2000-01-01T00:00:05.000Z {id} Task timed out after 5.00 seconds",` +
				`"errorType":"Sandbox.Timedout"}`,
			isError: true, took: timeout,
		},
		{
			name:   "just in time",
			handle: func(context.Context, int) (any, error) { time.Sleep(timeout - 1); return 1, nil },
			want:   `1`, took: timeout - 1,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				service := start(t, lambda.Options{}, lambda.Function{
					Function: template.Function{Timeout: timeout}, Code: handler(c.handle),
				})
				defer service.Close()
				began := time.Now()
				result, err := service.Invoke(t.Context(), "fn", []byte("7"))
				if err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took != c.took {
					t.Errorf("answered after %v, want %v", took, c.took)
				}
				want := strings.ReplaceAll(c.want, "{id}", result.RequestID)
				if got := string(result.Payload); !strings.Contains(got, want) {
					t.Errorf("got %s, want %s", got, want)
				}
				if got := result.FunctionError != ""; got != c.isError {
					t.Errorf("function error %q", result.FunctionError)
				}
			})
		})
	}
}

func TestCallerWhoHangsUpDoesNotStopTheFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		finished := false
		service := start(t, lambda.Options{}, lambda.Function{
			Function: template.Function{Timeout: time.Minute},
			Code: handler(func(ctx context.Context) error {
				time.Sleep(30 * time.Second)
				finished = ctx.Err() == nil
				return nil
			}),
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := service.Invoke(ctx, "fn", nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		time.Sleep(time.Minute)
		service.Close()
		if !finished {
			t.Error("the function did not finish undisturbed")
		}
	})
}

func TestReservedConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := start(t, lambda.Options{}, lambda.Function{
			Function: template.Function{Concurrency: new(1)}, Code: handler(func() { time.Sleep(time.Second) }),
		})
		defer service.Close()
		go func() { _, _ = service.Invoke(t.Context(), "fn", nil) }()
		synctest.Wait()
		_, err := service.Invoke(t.Context(), "fn", nil)
		if e, ok := errors.AsType[*wire.Error](err); !ok || e.Code != "TooManyRequestsException" || e.Status != 429 {
			t.Errorf("the second of two at once got %v", err)
		}
		time.Sleep(2 * time.Second)
		if _, err := service.Invoke(t.Context(), "fn", nil); err != nil {
			t.Errorf("after the first: %v", err)
		}
	})
}

func TestAround(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		service := start(t, lambda.Options{
			Around: func(ctx context.Context, _ lambda.Function, _ []byte, next func() lambda.Result) lambda.Result {
				time.Sleep(time.Minute) // a cold start does not count against the time-out
				next()
				next()
				return lambda.Exited(wire.RequestID(ctx), "signal: killed")
			},
		}, lambda.Function{Code: handler(func(ctx context.Context) error { calls++; return ctx.Err() })})
		defer service.Close()
		result, err := service.Invoke(t.Context(), "fn", nil)
		if err != nil || calls != 2 || !strings.Contains(string(result.Payload), "Runtime.ExitError") {
			t.Errorf("%d calls, %v, %s", calls, err, result.Payload)
		}
	})
}

func TestPlatformLogLines(t *testing.T) {
	for _, c := range []struct{ format, want string }{
		{"Text", "START RequestId: {id} Version: $LATEST\n" +
			`{"errorMessage":"no","errorType":"errorString"}` + "\n" +
			"END RequestId: {id}\nREPORT RequestId: {id}\tDuration: 250.00 ms\tBilled Duration: 250 ms\tMemory Size: 128 MB\n"},
		{"JSON", `{"time":"2000-01-01T00:00:00.000Z","type":"platform.start",` +
			`"record":{"requestId":"{id}","version":"$LATEST"}}` + "\n" +
			`{"errorMessage":"no","errorType":"errorString"}` + "\n" +
			`{"time":"2000-01-01T00:00:00.250Z","type":"platform.report","record":{"metrics":{"billedDurationMs":250,` +
			`"durationMs":250,"memorySizeMB":128},"requestId":"{id}","status":"error"}}` + "\n"},
	} {
		t.Run(c.format, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				function := lambda.Function{Function: template.Function{LogFormat: c.format}}
				function.Code = handler(func() error {
					time.Sleep(250 * time.Millisecond)
					return errors.New("no")
				})
				service := start(t, lambda.Options{}, function)
				defer service.Close()
				result, err := service.Invoke(t.Context(), "fn", nil)
				if err != nil {
					t.Fatal(err)
				}
				want := strings.ReplaceAll(c.want, "{id}", result.RequestID)
				if diff := cmp.Diff(want, result.LogTail); diff != "" {
					t.Error("log (-want +got):\n" + diff)
				}
			})
		})
	}
}

func TestRegisterRefuses(t *testing.T) {
	three := 3
	code := handler(func() {})
	for name, f := range map[string]lambda.Function{
		"no name":        {Code: code},
		"no code":        {Function: template.Function{Name: "fn"}},
		"long time-out":  {Function: template.Function{Name: "fn", Timeout: 16 * time.Minute}, Code: code},
		"unknown format": {Function: template.Function{Name: "fn", LogFormat: "XML"}, Code: code},
		"three retries": {Code: code, Function: template.Function{
			Name: "fn", Asynchronous: template.AsyncInvoke{MaximumRetryAttempts: &three},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			service := lambda.New(account(), lambda.Options{})
			defer service.Close()
			if err := service.Register(f); err == nil {
				t.Error("accepted")
			}
		})
	}
}

func TestRecordIsJSONAsDocumented(t *testing.T) {
	record, err := json.Marshal(lambda.Record{
		Version: "1.0", Timestamp: "2000-01-01T00:00:00.000Z",
		RequestContext: lambda.RequestContext{
			RequestID: "id", FunctionARN: "arn", Condition: "RetriesExhausted", InvokeCount: 3,
		},
		RequestPayload:  json.RawMessage(`{}`),
		ResponseContext: &lambda.ResponseContext{StatusCode: 200, ExecutedVersion: "$LATEST", FunctionError: "Unhandled"},
		ResponsePayload: json.RawMessage(`null`),
	})
	want := `{"version":"1.0","timestamp":"2000-01-01T00:00:00.000Z",` +
		`"requestContext":{"requestId":"id","functionArn":"arn","condition":"RetriesExhausted","approximateInvokeCount":3},` +
		`"requestPayload":{},"responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},` +
		`"responsePayload":null}`
	if diff := cmp.Diff(want, string(record)); diff != "" || err != nil {
		t.Error(err, diff)
	}
}
