package lambda_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"userdrop/localaws/lambda"
	"userdrop/localaws/template"
	"userdrop/localaws/wire"
)

// only is a principal who may do one action on one resource.
type only struct{ action, resource string }

func (only) ARN() string { return "arn:aws:iam::123456789012:role/only" }

func (o only) Allows(action, resource string, _ map[string]string) bool {
	return action == o.action && resource == o.resource
}

func client(t *testing.T, h http.Handler, p wire.Principal) *sdk.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := wire.WithRequestID(r.Context(), "request")
		if p != nil {
			ctx = wire.WithPrincipal(ctx, p)
		}
		h.ServeHTTP(w, r.WithContext(ctx))
	}))
	t.Cleanup(server.Close)
	return sdk.New(sdk.Options{
		Region: "eu-central-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
	})
}

const arn = "arn:aws:lambda:eu-central-1:123456789012:function:fn"

func TestSDK(t *testing.T) {
	events := make(chan string, 1)
	service := start(t, lambda.Options{}, lambda.Function{
		Aliases:  []string{"live"},
		Function: template.Function{RoleARN: "role", Environment: map[string]string{"A": "b"}},
		Code: handler(func(ctx context.Context, in string) (string, error) {
			lc, _ := lambdacontext.FromContext(ctx)
			if in == "fail" {
				return "", errors.New("no")
			}
			if in == "async" {
				events <- lc.InvokedFunctionArn
			}
			return in + " " + lc.InvokedFunctionArn + " " + lc.ClientContext.Custom["k"], nil
		}),
	})
	t.Cleanup(service.Close)
	c := client(t, service, nil)
	ctx := t.Context()

	t.Run("invoke", func(t *testing.T) {
		out, err := c.Invoke(ctx, &sdk.InvokeInput{
			FunctionName: aws.String(arn), Qualifier: aws.String("live"), Payload: []byte(`"hi"`), LogType: types.LogTypeTail,
			ClientContext: aws.String(base64.StdEncoding.EncodeToString([]byte(`{"custom":{"k":"v"}}`))),
		})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := string(out.Payload), `"hi `+arn+`:live v"`; got != want || out.StatusCode != http.StatusOK ||
			*out.ExecutedVersion != "1" {
			t.Errorf("got %s, want %s", got, want)
		}
		if log, err := base64.StdEncoding.DecodeString(*out.LogResult); err != nil ||
			!strings.HasPrefix(string(log), "START RequestId: ") {
			t.Errorf("log %q, %v", log, err)
		}
	})
	t.Run("function error", func(t *testing.T) {
		out, err := c.Invoke(ctx, &sdk.InvokeInput{FunctionName: aws.String("fn"), Payload: []byte(`"fail"`)})
		if err != nil || aws.ToString(out.FunctionError) != "Unhandled" || out.LogResult != nil {
			t.Errorf("%+v, %v", out, err)
		}
	})
	t.Run("event", func(t *testing.T) {
		out, err := c.Invoke(ctx, &sdk.InvokeInput{
			FunctionName: aws.String(
				"123456789012:function:fn",
			), InvocationType: types.InvocationTypeEvent, Payload: []byte(`"async"`),
		})
		if err != nil || out.StatusCode != http.StatusAccepted {
			t.Fatalf("%+v, %v", out, err)
		}
		if got := <-events; got != arn {
			t.Error(got)
		}
	})
	t.Run("dry run", func(t *testing.T) {
		out, err := c.Invoke(
			ctx, &sdk.InvokeInput{FunctionName: aws.String("fn"), InvocationType: types.InvocationTypeDryRun},
		)
		if err != nil || out.StatusCode != http.StatusNoContent {
			t.Errorf("%+v, %v", out, err)
		}
	})
	t.Run("describe", func(t *testing.T) {
		list, err := c.ListFunctions(ctx, &sdk.ListFunctionsInput{})
		if err != nil || len(list.Functions) != 1 || *list.Functions[0].FunctionArn != arn {
			t.Errorf("%+v, %v", list, err)
		}
		one, err := c.GetFunction(ctx, &sdk.GetFunctionInput{FunctionName: aws.String("fn")})
		if err != nil || *one.Configuration.Timeout != 3 || *one.Configuration.Role != "role" {
			t.Errorf("%+v, %v", one, err)
		}
		configuration, err := c.GetFunctionConfiguration(
			ctx, &sdk.GetFunctionConfigurationInput{FunctionName: aws.String("fn")},
		)
		if err != nil || configuration.Environment.Variables["A"] != "b" {
			t.Errorf("%+v, %v", configuration, err)
		}
	})

	big := func(n int) []byte { return []byte(`"` + strings.Repeat("x", n) + `"`) }
	for _, c := range []struct {
		name   string
		in     sdk.InvokeInput
		code   string
		status int
	}{
		{"no such function", sdk.InvokeInput{FunctionName: aws.String("other")}, "ResourceNotFoundException", 404},
		{"no such alias", sdk.InvokeInput{FunctionName: aws.String("fn:dead")}, "ResourceNotFoundException", 404},
		{
			"another account",
			sdk.InvokeInput{FunctionName: aws.String("arn:aws:lambda:eu-central-1:999999999999:function:fn")},
			"ResourceNotFoundException", 404,
		},
		{
			"two qualifiers",
			sdk.InvokeInput{FunctionName: aws.String("fn:live"), Qualifier: aws.String("1")},
			"InvalidParameterValueException", 400,
		},
		{
			"no JSON",
			sdk.InvokeInput{FunctionName: aws.String("fn"), Payload: []byte("{")},
			"InvalidRequestContentException", 400,
		},
		{
			"too large",
			sdk.InvokeInput{FunctionName: aws.String("fn"), Payload: big(6 << 20)},
			"RequestTooLargeException", 413,
		},
		{
			"too large for an event",
			sdk.InvokeInput{FunctionName: aws.String("fn"), Payload: big(1 << 20), InvocationType: types.InvocationTypeEvent},
			"RequestTooLargeException", 413,
		},
		{
			"unknown tenant",
			sdk.InvokeInput{FunctionName: aws.String("fn"), TenantId: aws.String("t")},
			"InvalidParameterValueException", 400,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := client(t, service, nil).Invoke(ctx, &c.in)
			wantError(t, err, c.code, c.status)
		})
	}
	t.Run("authorisation", func(t *testing.T) {
		allowed := client(t, service, only{"lambda:InvokeFunction", arn})
		_, err := allowed.Invoke(ctx, &sdk.InvokeInput{FunctionName: aws.String("fn"), Payload: []byte(`"x"`)})
		if err != nil {
			t.Error(err)
		}
		_, err = allowed.Invoke(ctx, &sdk.InvokeInput{FunctionName: aws.String("fn:live")})
		wantError(t, err, "AccessDeniedException", 403)
		_, err = allowed.GetFunction(ctx, &sdk.GetFunctionInput{FunctionName: aws.String("fn")})
		wantError(t, err, "AccessDeniedException", 403)
		_, err = allowed.ListFunctions(ctx, &sdk.ListFunctionsInput{})
		wantError(t, err, "AccessDeniedException", 403)
	})
	t.Run("unknown operation", func(t *testing.T) {
		_, err := c.DeleteFunction(ctx, &sdk.DeleteFunctionInput{FunctionName: aws.String("fn")})
		wantError(t, err, "UnknownOperationException", 404)
	})
}

func wantError(t *testing.T, err error, code string, status int) {
	t.Helper()
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok || api.ErrorCode() != code {
		t.Fatalf("got %v, want %s", err, code)
	}
	if answer, ok := errors.AsType[interface {
		error
		HTTPStatusCode() int
	}](err); !ok || answer.HTTPStatusCode() != status {
		t.Errorf("got %v, want status %d", err, status)
	}
}
