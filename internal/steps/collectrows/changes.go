package collectrows

import (
	"context"

	"userdrop/internal/aws/changes"
	"userdrop/internal/contract"
)

// applyBeside starts to apply what the rows of a part want, while the next part is imported.
func (s *step) applyBeside(ctx context.Context, job contract.ImportJob) error {
	if !job.ApplyBeside || job.Next != contract.Done {
		return nil
	}
	return changes.Start(ctx, s.machine, s.config.ApplyChangesARN, contract.ApplyChanges{
		Schema: contract.Schema, ImportID: job.ImportID, UserPoolID: job.UserPoolID, Part: job.Part,
		Execution: contract.ApplyName(job.ImportID, job.Part, 0), TimeoutSeconds: job.TimeoutSeconds,
	})
}
