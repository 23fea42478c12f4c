package main

import "github.com/spf13/cobra"

func newCheckCommand() *cobra.Command {
	return &cobra.Command{Use: "check FILE --pool POOL.json", Args: cobra.ExactArgs(1)}
}
