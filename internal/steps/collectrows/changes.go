package collectrows

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

// applyBeside starts to apply what the rows of a part want, while the next part is imported. An execution that exists
// already is success: this run is a second one.
func (s *step) applyBeside(ctx context.Context, job contract.ImportJob) error {
	if !job.ApplyBeside || job.Next != contract.Done {
		return nil
	}
	name := contract.ApplyName(job.ImportID, job.Part, 0)
	input, err := json.Marshal(contract.ApplyChanges{
		Schema: contract.Schema, ImportID: job.ImportID, UserPoolID: job.UserPoolID, Part: job.Part,
		Execution: name, TimeoutSeconds: job.TimeoutSeconds,
	})
	if err != nil {
		return fmt.Errorf("encode execution input: %w", err)
	}
	_, err = s.machine.StartExecution(ctx, &sfn.StartExecutionInput{
		StateMachineArn: &s.config.ApplyChangesARN, Name: &name, Input: aws.String(string(input)),
	})
	if _, exists := errors.AsType[*types.ExecutionAlreadyExists](err); exists {
		return nil
	}
	if err != nil {
		return fmt.Errorf("start the changes of part %d: %w", job.Part, err)
	}
	slog.InfoContext(ctx, "Changes started.", "importId", job.ImportID, "part", job.Part)
	return nil
}
