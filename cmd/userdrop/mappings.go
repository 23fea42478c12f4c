package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"userdrop/internal/mapping"
)

func newMappingsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "mappings [show NAME | schema]",
		Short: "List the products whose exports are understood",
		Long: `Mappings lists the built-in mappings, one for each product. "mappings show NAME" prints one, to start your own
from; "mappings schema" prints the JSON schema that editors check it with.

Exit codes: 0 done, 64 usage.`,
		Example: `  userdrop mappings
  userdrop mappings show okta > mine.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			width := 0
			for _, name := range mapping.BuiltinNames() {
				width = max(width, len(name))
			}
			for _, name := range mapping.BuiltinNames() {
				m, _ := mapping.Builtin(name)
				fmt.Fprintf(cmd.OutOrStdout(), "%s%s  %s\n", name, strings.Repeat(" ", width-len(name)), m.Title)
			}
			return nil
		},
	}
	show := &cobra.Command{
		Use:   "show NAME",
		Short: "Print a built-in mapping",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, ok := mapping.BuiltinText(args[0])
			if !ok {
				return fmt.Errorf("there is no built-in mapping %q; there are %s", args[0],
					strings.Join(mapping.BuiltinNames(), ", "))
			}
			_, err := cmd.OutOrStdout().Write(text)
			return err
		},
		ValidArgsFunction: cobra.FixedCompletions(mapping.BuiltinNames(), cobra.ShellCompDirectiveNoFileComp),
	}
	schema := &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON schema of mappings",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(mapping.Schema)
			return err
		},
	}
	cmd.AddCommand(show, schema)
	return cmd
}
