// Package executions starts and looks up the executions of import-users.
package executions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"userdrop/internal/contract"
)

// Imports are the executions of import-users.
type Imports struct {
	client     *sfn.Client
	machineARN string
}

// New returns the executions of a state machine.
func New(cfg aws.Config, machineARN string) Imports {
	return Imports{sfn.NewFromConfig(cfg), machineARN}
}

// Start starts the execution of a drop. One that exists already is success: the event came twice.
func (i Imports) Start(ctx context.Context, drop contract.Drop) error {
	drop.ExecutionARN = contract.ExecutionARN(i.machineARN, drop.ImportID)
	input, err := json.Marshal(drop)
	if err != nil {
		return fmt.Errorf("encode execution input: %w", err)
	}
	_, err = i.client.StartExecution(ctx, &sfn.StartExecutionInput{
		StateMachineArn: &i.machineARN, Name: &drop.ImportID, Input: aws.String(string(input)),
	})
	if _, exists := errors.AsType[*types.ExecutionAlreadyExists](err); exists {
		slog.InfoContext(ctx, "The drop has an execution already.", "importId", drop.ImportID)
		return nil
	}
	if err != nil {
		return fmt.Errorf("start import %s: %w", drop.ImportID, err)
	}
	slog.InfoContext(ctx, "Import started.", "importId", drop.ImportID, "userPoolId", drop.UserPoolID, "mode", drop.Mode)
	return nil
}

// Describe returns an import's execution; nil if Step Functions knows none.
func (i Imports) Describe(ctx context.Context, importID string) (*sfn.DescribeExecutionOutput, error) {
	out, err := i.client.DescribeExecution(ctx, &sfn.DescribeExecutionInput{
		ExecutionArn: aws.String(contract.ExecutionARN(i.machineARN, importID)),
	})
	if _, none := errors.AsType[*types.ExecutionDoesNotExist](err); none {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for the execution of %s: %w", importID, err)
	}
	return out, nil
}

const (
	// graceAfterEnd is how long an execution must be over for its status-change event to have had its chance.
	graceAfterEnd = time.Hour
	// LookBack is how far the sweeps look back. What is older was looked at long ago: results expire after
	// KeepProcessedDays, which is more, and executions after 90 days, and neither may make an old file or an old end look
	// new.
	LookBack = 7 * 24 * time.Hour
)

// BrokenOff reports whether an execution failed or was stopped long enough ago, and recently enough, that its lack of a
// result means something.
func BrokenOff(status types.ExecutionStatus, since time.Time) bool {
	age := time.Since(since)
	return status != types.ExecutionStatusRunning && status != types.ExecutionStatusSucceeded &&
		age >= graceAfterEnd && age <= LookBack
}
