package client

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"userdrop/internal/contract"
)

// Cancel stops an import. It reports whether the import was running; one that is over stays as it is.
func (s *Stack) Cancel(ctx context.Context, importID string) (running bool, err error) {
	arn := contract.ExecutionARN(s.importUsers, importID)
	execution, err := s.machines.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn})
	if _, none := errors.AsType[*sfntypes.ExecutionDoesNotExist](err); none {
		return false, s.noImport(importID)
	}
	if err != nil {
		return false, Explain(err)
	}
	if execution.Status != sfntypes.ExecutionStatusRunning {
		return false, nil
	}
	_, err = s.machines.StopExecution(ctx, &sfn.StopExecutionInput{
		ExecutionArn: &arn, Error: aws.String("Cancelled"), Cause: aws.String("Somebody called userdrop cancel."),
	})
	return true, Explain(err)
}

// Pause holds the queue: nothing new is started until Resume.
func (s *Stack) Pause(ctx context.Context) error {
	return Explain(s.work.Write(ctx, contract.HoldKey, "text/plain", []byte("userdrop pause\n")))
}

// Resume ends a pause. It reports whether the stack was paused.
func (s *Stack) Resume(ctx context.Context) (paused bool, err error) {
	held, err := s.Held(ctx)
	if err != nil || held.IsZero() {
		return false, err
	}
	hold := s3.DeleteObjectInput{Bucket: &s.work.Bucket, Key: aws.String(contract.HoldKey)}
	_, err = s.s3.DeleteObject(ctx, &hold)
	return true, Explain(err)
}
