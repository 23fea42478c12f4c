package main

import (
	"context"

	"github.com/spf13/cobra"

	"userdrop/internal/contract"
	"userdrop/internal/usercsv"
)

// takeChanges lets the pool's files have the columns groups and enabled, by the flag or by the stack's parameter.
func (o *checkOptions) takeChanges(cmd *cobra.Command, pool *usercsv.Pool, parameters map[string]string) {
	pool.ApplyGroups = o.applyGroups
	if !cmd.Flags().Changed("apply-groups") && parameters["ApplyGroups"] == "true" {
		pool.ApplyGroups = true
	}
}

// Want counts what rows want after the import.
func (s *checkSink) Want(
	_ context.Context, _ usercsv.Part, _ usercsv.Place, _ []byte, wanted usercsv.Wanted,
) error { //nolint:unparam // the interface's: other sinks write
	if s.changes == nil {
		s.changes = &contract.Changes{}
	}
	s.changes.Groups.Wanted += int64(len(wanted.Groups))
	if wanted.Enabled != nil {
		s.changes.State.Wanted++
	}
	return nil
}
