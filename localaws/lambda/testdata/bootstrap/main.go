// Command bootstrap is a function that does what its event asks for.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing/iotest"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	Do    string
	Sleep time.Duration
	Size  int
	Dir   string
}

type answer struct {
	PID       int
	RequestID string
	ARN       string
	Left      time.Duration
	Env       map[string]string
	Pad       []byte
	Client    map[string]string
}

type customError struct{}

func (*customError) Error() string { return "custom" }

func handle(ctx context.Context, e event) (any, error) {
	fmt.Println("handling", e.Do)
	switch e.Do {
	case "error":
		return nil, &customError{}
	case "wrapped":
		return nil, fmt.Errorf("wrapped: %w", &customError{})
	case "named":
		return nil, messages.InvokeResponse_Error{Type: "Busy", Message: "come again"}
	case "panic":
		panic(errors.New("oops"))
	case "exit":
		os.Exit(3)
	case "sleep":
		time.Sleep(e.Sleep)
	case "meet":
		if err := meet(ctx, e.Dir); err != nil {
			return nil, err
		}
	case "broken stream":
		return io.MultiReader(strings.NewReader(`{"half":`), iotest.ErrReader(&customError{})), nil
	case "stream":
		return bytes.NewReader([]byte(`{"streamed":true}`)), nil
	}
	lc, _ := lambdacontext.FromContext(ctx)
	deadline, _ := ctx.Deadline()
	env := map[string]string{}
	for _, name := range []string{
		"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL",
		"AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_LOG_GROUP_NAME", "BUCKET",
	} {
		env[name] = os.Getenv(name)
	}
	return answer{
		PID: os.Getpid(), RequestID: lc.AwsRequestID, ARN: lc.InvokedFunctionArn, Left: time.Until(deadline),
		Env: env, Pad: make([]byte, e.Size), Client: lc.ClientContext.Custom,
	}, nil
}

// meet waits until a second process is here too.
func meet(ctx context.Context, dir string) error {
	if err := os.WriteFile(fmt.Sprintf("%s/%d", dir, os.Getpid()), nil, 0o600); err != nil {
		return err
	}
	for ctx.Err() == nil {
		if here, err := os.ReadDir(dir); err != nil || len(here) > 1 {
			return err
		}
		time.Sleep(time.Millisecond)
	}
	return ctx.Err()
}

func main() {
	if os.Getenv("FAIL_INIT") != "" {
		os.Exit(7)
	}
	lambda.Start(func(ctx context.Context, raw json.RawMessage) (any, error) {
		var e event
		if err := json.Unmarshal(raw, &e); err != nil {
			return nil, err
		}
		return handle(ctx, e)
	})
}
