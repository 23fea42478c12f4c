package client

import (
	"context"
	"fmt"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
)

// logCalls returns an option by which each attempt of a call of AWS writes a line: service, operation, time taken and
// what went wrong. It logs no parameters, which may hold data of users.
func logCalls(log func(string)) func(*middleware.Stack) error {
	return func(stack *middleware.Stack) error {
		return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("LogCalls", func(
			ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
		) (middleware.DeserializeOutput, middleware.Metadata, error) {
			started := time.Now()
			out, metadata, err := next.HandleDeserialize(ctx, in)
			line := fmt.Sprintf("%s %s, %d ms", awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx),
				time.Since(started).Milliseconds())
			if err != nil {
				line += ": " + Explain(err).Error()
			}
			log(line)
			return out, metadata, err
		}), middleware.Before)
	}
}
