package main

import (
	"context"
	"fmt"
	"strings"

	"userdrop/internal/client"

	"github.com/spf13/cobra"
)

// steered is what a command changed, for people and as JSON.
type steered struct {
	text     string
	Stack    string `json:"stack"`
	ImportID string `json:"importId,omitempty"`
	Changed  bool   `json:"changed"` // false: it was so already
}

// steering is a command that changes what a stack does and prints a text about it.
func steering(use, short, long, example string, args cobra.PositionalArgs,
	do func(ctx context.Context, s *client.Stack, args []string) (steered, error),
) *cobra.Command {
	var o stackOptions
	asJSON := false
	cmd := &cobra.Command{
		Use: use, Short: short, Example: example, Args: args,
		Long: long + "\n\nExit codes: 0 done, 64 usage, 66 there is no such stack or import, 68 AWS could not be reached, " +
			"69 AWS refused.",
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := o.open(cmd.Context())
			if err != nil {
				return err
			}
			done, err := do(cmd.Context(), s, args)
			if err != nil {
				return client.Explain(err)
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), done)
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), done.text)
			return err
		},
	}
	if strings.Contains(use, "IMPORT-ID") {
		cmd.ValidArgsFunction = o.completeImport
	}
	o.define(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON and nothing else")
	cmd.Flags().SortFlags = false
	return cmd
}

func newCancelCommand() *cobra.Command {
	return steering("cancel IMPORT-ID", "Stop an import",
		`Cancel stops an import and its Cognito job. Users who are already in the pool stay there. A result
follows in about two minutes, with every row that was not imported in failed.csv. If none was imported, the source stays
where it was dropped.`,
		`  userdrop cancel users-1f0c6d8be5a94ac4d1c3a6f2 --stack userdrop-prod`, cobra.ExactArgs(1), cancel)
}

func cancel(ctx context.Context, s *client.Stack, args []string) (steered, error) {
	running, err := s.Cancel(ctx, args[0])
	if err != nil {
		return steered{}, err
	}
	if !running {
		text := fmt.Sprintf("%s is over already: see \"userdrop watch %s\".", args[0], args[0])
		return steered{text: text, Stack: s.Name, ImportID: args[0]}, nil
	}
	text := fmt.Sprintf(`%s is stopped.
Its Cognito job is being stopped too; users that are in the pool by now stay there.
The result follows in about two minutes, with the rows that were not imported in failed.csv:
  userdrop watch %s%s`, args[0], args[0], stackFlag(s))
	return steered{text, s.Name, args[0], true}, nil
}

func newPauseCommand() *cobra.Command {
	return steering("pause", "Hold the queue until resume",
		`Pause holds the queue: a running import job is finished, and no other is started. Use it to change a user pool,
which Cognito does not allow while an import job runs. New drops are accepted, and wait.`,
		`  userdrop pause --stack userdrop-prod`, cobra.NoArgs, pause)
}

func pause(ctx context.Context, s *client.Stack, _ []string) (steered, error) {
	if err := s.Pause(ctx); err != nil {
		return steered{}, err
	}
	text := fmt.Sprintf("Paused: a part that is being imported is finished, and nothing new is started until\n"+
		"\"userdrop resume --stack %s\".", s.Name)
	return steered{text: text, Stack: s.Name, Changed: true}, nil
}

func newResumeCommand() *cobra.Command {
	return steering("resume", "Continue after pause", `Resume continues the queue, within about a minute.`,
		`  userdrop resume --stack userdrop-prod`, cobra.NoArgs, resume)
}

func resume(ctx context.Context, s *client.Stack, _ []string) (steered, error) {
	paused, err := s.Resume(ctx)
	if err != nil {
		return steered{}, err
	}
	if !paused {
		return steered{text: "It is not paused.", Stack: s.Name}, nil
	}
	return steered{text: "Resumed: the queue goes on within a minute or so.", Stack: s.Name, Changed: true}, nil
}
