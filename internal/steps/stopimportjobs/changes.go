package stopimportjobs

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"userdrop/internal/contract"
)

// stopChanges ends what applies the changes of an import that began then, and reports whether an execution of it was
// still running. StopExecution does not stop a running function: that one stops at an object in the work bucket, which
// is written where mark is true, before its next checkpoint, and so within imports.StartGrace.
func (s *step) stopChanges(ctx context.Context, importID string, began time.Time, mark bool) (running bool, err error) {
	if s.config.ApplyChangesARN == "" {
		return false, nil
	}
	if mark {
		if err := s.work.Write(ctx, contract.StopChangesKey(importID), "text/plain", nil); err != nil {
			return false, err
		}
	}
	pages := sfn.NewListExecutionsPaginator(s.machine, &sfn.ListExecutionsInput{
		StateMachineArn: &s.config.ApplyChangesARN, StatusFilter: sfntypes.ExecutionStatusRunning, MaxResults: 1000,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return running, fmt.Errorf("list what applies changes: %w", err)
		}
		for _, e := range page.Executions {
			if aws.ToTime(e.StartDate).Before(began) || !strings.HasPrefix(aws.ToString(e.Name), importID+"-c") {
				continue
			}
			running = true
			_, err := s.machine.StopExecution(ctx, &sfn.StopExecutionInput{
				ExecutionArn: e.ExecutionArn, Error: aws.String("ImportAborted"),
				Cause: aws.String("The import-users execution whose changes these are is over."),
			})
			if err != nil {
				return running, fmt.Errorf("stop what applies changes: %w", err)
			}
		}
	}
	return running, nil
}
