package changes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"userdrop/internal/contract"
)

// Start starts an execution of apply-changes beside the import of the parts. An execution that exists already is success:
// this run is a second one.
func Start(ctx context.Context, machine *sfn.Client, machineARN string, apply contract.ApplyChanges) error {
	input, err := json.Marshal(apply)
	if err != nil {
		return fmt.Errorf("encode execution input: %w", err)
	}
	_, err = machine.StartExecution(ctx, &sfn.StartExecutionInput{
		StateMachineArn: &machineARN, Name: &apply.Execution, Input: aws.String(string(input)),
	})
	if _, exists := errors.AsType[*types.ExecutionAlreadyExists](err); exists {
		return nil
	}
	if err != nil {
		return fmt.Errorf("start the changes of part %d: %w", apply.Part, err)
	}
	slog.InfoContext(ctx, "Changes started.", "importId", apply.ImportID, "part", apply.Part)
	return nil
}
