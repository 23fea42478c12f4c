// Package lambdahandler is the boundary between a handler and AWS Lambda: what every function's main has in common.
package lambdahandler

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/caarlos0/env/v11"

	"userdrop/internal/aws/awserror"
)

// Builder makes a function's handler out of AWS clients and the function's environment. Lambda's main and the
// simulation build the same handlers with it.
type Builder func(cfg aws.Config, environ map[string]string) (lambda.Handler, error)

// Start serves the function's invocations until Lambda ends the process.
func Start(build Builder) {
	slog.SetDefault(lambdacontext.NewLogger())
	handler, err := load(build)
	if err != nil {
		slog.Error("The function can't start.", "error", err)
		os.Exit(1)
	}
	lambda.Start(handler)
}

func load(build Builder) (lambda.Handler, error) {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		return nil, fmt.Errorf("load AWS configuration: %w", err)
	}
	return build(cfg, env.ToMap(os.Environ()))
}

// Environment reads environ into a struct with env tags, and reports everything missing or malformed at once.
func Environment[Config any](environ map[string]string) (Config, error) {
	c, err := env.ParseAsWithOptions[Config](env.Options{Environment: environ, RequiredIfNoDef: true})
	if err != nil {
		return c, fmt.Errorf("the function's environment (see template.yaml): %w", err)
	}
	return c, nil
}

// Handler makes a Lambda handler of a typed function. Errors get the names that the state machines know, and are
// logged once, here.
func Handler[In, Out any](handle func(context.Context, In) (Out, error)) lambda.Handler {
	return lambda.NewHandler(func(ctx context.Context, in In) (Out, error) {
		out, err := handle(ctx, in)
		if err != nil {
			slog.ErrorContext(ctx, "The function failed.", "name", awserror.Name(err), "error", err)
		}
		return out, atBoundary(err)
	})
}

// atBoundary gives an error its name for the Lambda runtime, which looks only at the outermost type: it must be an
// InvokeResponse_Error, by value.
func atBoundary(err error) error {
	if err == nil {
		return nil
	}
	return messages.InvokeResponse_Error{Type: string(awserror.Name(err)), Message: err.Error()}
}

// UserPools are the ids of the pools that a stack may import into, out of the parameter UserPoolArns.
type UserPools []string

// UnmarshalText reads a comma-separated list of user pool ARNs.
func (p *UserPools) UnmarshalText(text []byte) error {
	for pool := range strings.SplitSeq(string(text), ",") {
		_, id, ok := strings.Cut(strings.TrimSpace(pool), ":userpool/")
		if !ok {
			return fmt.Errorf("%q is not the ARN of a user pool", pool)
		}
		*p = append(*p, id)
	}
	return nil
}
