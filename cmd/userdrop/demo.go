package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	repository "userdrop"
	"userdrop/internal/contract"
	"userdrop/internal/local"
	"userdrop/internal/report"
	"userdrop/internal/usercsv"
)

type demoOptions struct {
	doubleOptions
	out string
}

func newDemoCommand() *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use:   "demo [FILE --pool POOL.json]",
		Short: "Import a file on a local double of AWS, without an account",
		Long: `Demo boots a local double of AWS from the very template and state machines that are deployed, drops FILE
into its inbox, and shows the import up to its result. The result's files are left in a directory: result.json,
failed.csv if there are rows to repair, and report.html.

Without FILE it imports a built-in example with good and bad rows.

Exit codes: 0 the verdict is SUCCEEDED (without FILE: a result is published), 1 any other verdict, 64 usage.`,
		Example: `  userdrop demo
  userdrop demo users.csv --pool pool.json --out result`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return demo(cmd, args, o) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringArrayVar(&o.pools, "pool", nil, "the user pool, a `FILE` as describe-user-pool prints it")
	flags.StringVar(&o.out, "out", filepath.Join("out", "demo"), "leave the result's files in `DIR`")
	o.define(flags, 20)
	return cmd
}

func demo(cmd *cobra.Command, args []string, o demoOptions) error {
	builtIn := len(args) == 0
	switch {
	case builtIn && len(o.pools) > 0:
		return fmt.Errorf("--pool needs a FILE to import")
	case builtIn:
		dir, err := os.MkdirTemp("", "userdrop-demo-")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		if err := os.CopyFS(dir, repository.Examples); err != nil {
			return err
		}
		args = []string{filepath.Join(dir, "examples", "users.csv")}
		o.pools = []string{filepath.Join(dir, "examples", "pool.json")}
	case len(o.pools) != 1:
		return fmt.Errorf("demo needs one --pool POOL.json: %s", howToGetPool)
	}
	text, err := os.ReadFile(o.pools[0])
	if err != nil {
		return err
	}
	pool, err := usercsv.ParsePool(text)
	if err != nil {
		return fmt.Errorf("%s: %w", o.pools[0], err)
	}
	if err := spares(o.out, args[0]); err != nil {
		return err
	}
	if err := clearResult(o.out); err != nil {
		return err
	}

	ctx := cmd.Context()
	d, endpoint, stop, err := o.boot("127.0.0.1:0")
	if err != nil {
		return err
	}
	defer stop()
	s, err := openStack(ctx, localConfig(d, endpoint), local.StackName)
	if err != nil {
		return err
	}
	m := newMeter(cmd.ErrOrStderr())
	drop, err := s.upload(ctx, args[0], pool.ID, contract.ModeImport, m)
	if err != nil {
		return err
	}
	f := follower{stack: s, meter: m, importID: drop.ImportID, interval: 100 * time.Millisecond, dropped: true}
	r, _, err := f.follow(ctx)
	if err != nil {
		return err
	}
	if r.Files, err = s.fetch(ctx, drop.ImportID, o.out); err != nil {
		return err
	}
	if err := report.WriteText(cmd.OutOrStdout(), r, style(cmd.OutOrStdout())); err != nil {
		return err
	}
	if builtIn {
		return nil
	}
	return verdictCode(r)
}

// howToGetPool ends the messages of commands that need a pool's description.
const howToGetPool = `get it by "aws cognito-idp describe-user-pool --user-pool-id ID > pool.json", or try with ` +
	"examples/pool.json of the repository"
