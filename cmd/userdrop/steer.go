package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/spf13/cobra"

	"userdrop/internal/contract"
)

// steering is a command that changes what a stack does and prints a text about it.
func steering(use, short, long, example string, args cobra.PositionalArgs,
	do func(ctx context.Context, s *stack, args []string) (string, error),
) *cobra.Command {
	var o stackOptions
	cmd := &cobra.Command{
		Use: use, Short: short, Example: example, Args: args,
		Long: long + "\n\nExit codes: 0 done, 64 usage, 69 AWS refused or could not be reached.",
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := o.open(cmd.Context())
			if err != nil {
				return err
			}
			text, err := do(cmd.Context(), s, args)
			if err != nil {
				return explain(err)
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), text)
			return err
		},
	}
	if strings.Contains(use, "IMPORT-ID") {
		cmd.ValidArgsFunction = o.completeImport
	}
	o.define(cmd.Flags())
	cmd.Flags().SortFlags = false
	return cmd
}

func newCancelCommand() *cobra.Command {
	return steering("cancel IMPORT-ID", "Stop an import",
		`Cancel stops an import, its Cognito job too. Users that are in the pool by then stay there. A result
follows in about two minutes, with every row that was not imported in failed.csv. If none was imported, the source stays
where it was dropped.`,
		`  userdrop cancel users-1f0c6d8be5a94ac4d1c3a6f2 --stack userdrop-prod`, cobra.ExactArgs(1), cancel)
}

func cancel(ctx context.Context, s *stack, args []string) (string, error) {
	arn := contract.ExecutionARN(s.importUsers, args[0])
	execution, err := s.machines.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn})
	if _, none := errors.AsType[*sfntypes.ExecutionDoesNotExist](err); none {
		return "", s.noImport(args[0])
	}
	if err != nil {
		return "", err
	}
	if execution.Status != sfntypes.ExecutionStatusRunning {
		return fmt.Sprintf("%s is over already: see \"userdrop watch %s\".", args[0], args[0]), nil
	}
	_, err = s.machines.StopExecution(ctx, &sfn.StopExecutionInput{
		ExecutionArn: &arn, Error: aws.String("Cancelled"), Cause: aws.String("Somebody called userdrop cancel."),
	})
	return fmt.Sprintf(`%s is stopped.
Its Cognito job is being stopped too; users that are in the pool by now stay there.
The result follows in about two minutes, with the rows that were not imported in failed.csv:
  userdrop watch %s`, args[0], args[0]), err
}

func newPauseCommand() *cobra.Command {
	return steering("pause", "Start nothing new until resume",
		`Pause holds the queue: a part that is being imported is finished, and nothing new is started. While an import job
runs, nobody can change its user pool; pause gives you the time to. Drops are taken as ever, and wait.`,
		`  userdrop pause --stack userdrop-prod`, cobra.NoArgs, pause)
}

func pause(ctx context.Context, s *stack, _ []string) (string, error) {
	if err := s.work.Write(ctx, contract.HoldKey, "text/plain", []byte("userdrop pause\n")); err != nil {
		return "", err
	}
	return fmt.Sprintf("Paused: a part that is being imported is finished, and nothing new is started until\n"+
		"\"userdrop resume --stack %s\".", s.name), nil
}

func newResumeCommand() *cobra.Command {
	return steering("resume", "Go on after pause", `Resume lets the queue go on, within a minute or so.`,
		`  userdrop resume --stack userdrop-prod`, cobra.NoArgs, resume)
}

func resume(ctx context.Context, s *stack, _ []string) (string, error) {
	held, err := s.held(ctx)
	if err != nil {
		return "", err
	}
	if held.IsZero() {
		return "It is not paused.", nil
	}
	hold := s3.DeleteObjectInput{Bucket: &s.work.Bucket, Key: aws.String(contract.HoldKey)}
	if _, err := s.s3.DeleteObject(ctx, &hold); err != nil {
		return "", err
	}
	return "Resumed: the queue goes on within a minute or so.", nil
}
