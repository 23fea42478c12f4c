package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	repository "userdrop"
	"userdrop/internal/client"
	"userdrop/internal/contract"
	"userdrop/internal/local"
	"userdrop/internal/report"
	"userdrop/localaws/tempdir"
)

type demoOptions struct {
	doubleOptions
	rules    ruleFlags
	existing existingFlag
	out      string
	json     bool
	mapping  string
}

func newDemoCommand() *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use:   "demo [FILE]",
		Short: "Import a file on a local double of AWS, without an account",
		Long: `Demo starts a local double of AWS from the same template and state machines that are deployed, drops FILE
into its inbox, and shows the import up to its result. The result's files are left in a directory: result.json,
failed.csv if there are rows to fix, and report.html.

Without FILE it imports a built-in example with good and bad rows; without --pool, it imports FILE into the example's user pool.

Exit codes: 0 the verdict is SUCCEEDED (without FILE: a result is published), 1 any other verdict, 64 usage.`,
		Example: `  userdrop demo
  userdrop demo users.csv --pool pool.json --out result`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return demo(cmd, args, o) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringArrayVar(&o.pools, "pool", nil,
		"the user pool, a `FILE` as describe-user-pool prints it (default: the example's)")
	flags.StringVar(&o.out, "out", filepath.Join("out", "demo"), "leave the result's files in `DIR`")
	flags.BoolVar(&o.json, "json", false, "print the text of result.json and nothing else")
	defineMapping(cmd, &o.mapping)
	o.define(flags, 20)
	o.rules.define(cmd)
	o.existing.define(cmd, "skip")
	return cmd
}

func demo(cmd *cobra.Command, args []string, o demoOptions) error {
	if len(args) == 0 && len(o.pools) > 0 {
		return errors.New("--pool needs a FILE to import")
	}
	if len(o.pools) > 1 {
		return fmt.Errorf("demo needs one --pool POOL.json: %s", howToGetPool)
	}
	o.set = slices.Concat(o.rules.given(cmd.Flags()), o.existing.parameters(), o.set)
	examples, remove, err := copyExamples()
	if err != nil {
		return err
	}
	defer remove()
	builtIn := len(args) == 0
	name := filepath.Join(examples, "users.csv")
	if !builtIn {
		name = args[0]
	}
	givenPool := len(o.pools) > 0
	if !givenPool {
		o.pools = []string{filepath.Join(examples, "pool.json")}
	}
	pool, err := readPool(o.pools[0], "")
	if err != nil {
		return err
	}
	file, err := openInput(name, cmd.InOrStdin())
	if err != nil {
		return err
	}
	defer file.Close()
	if err := errors.Join(file.refuseWorkbook(), client.Spares(o.out, name)); err != nil {
		return err
	}
	if err := client.ClearResult(o.out); err != nil {
		return err
	}
	if !builtIn && !givenPool {
		hint(cmd, "No --pool is given: the built-in user pool of the example takes the file.")
	}
	r, text, err := o.run(cmd, file, pool.ID)
	if err != nil {
		return err
	}
	if err := o.print(cmd, r, text); err != nil || builtIn {
		return err
	}
	return verdictCode(r)
}

// copyExamples writes the built-in examples into a temporary directory, which remove removes.
func copyExamples() (dir string, remove func(), err error) {
	if dir, err = tempdir.Make("", "userdrop-demo"); err != nil {
		return "", nil, err
	}
	remove = func() { _ = os.RemoveAll(dir) }
	if err := os.CopyFS(dir, repository.Examples); err != nil {
		remove()
		return "", nil, err
	}
	return filepath.Join(dir, "examples"), remove, nil
}

// run imports a file on a double of its own, and copies the files of the result.
func (o *demoOptions) run(cmd *cobra.Command, file *input, pool string) (*contract.Result, []byte, error) {
	ctx := cmd.Context()
	m := newMeter(cmd)
	d, endpoint, stop, err := o.boot("127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer stop()
	s, err := client.Open(ctx, localConfig(d, endpoint), local.StackName)
	if err != nil {
		return nil, nil, err
	}
	manifest, err := newManifest(o.mapping, "", nil)
	if err != nil {
		return nil, nil, err
	}
	source := client.Source{Name: file.base(), Body: file.File, Size: file.size, Manifest: manifest}
	drop, err := s.Upload(ctx, source, pool, contract.ModeImport, m)
	if err != nil {
		return nil, nil, err
	}
	f := client.Follower{
		Stack: s, Progress: m, ImportID: drop.ImportID, Interval: 100 * time.Millisecond, Dropped: true,
	}
	r, text, err := f.Follow(ctx)
	if errors.Is(err, context.Canceled) {
		return nil, nil, exitInterrupted
	}
	if err != nil {
		return nil, nil, err
	}
	r.Files, err = s.Fetch(ctx, drop.ImportID, o.out, docs(o.out))
	return r, text, err
}

// print prints a result.
func (o *demoOptions) print(cmd *cobra.Command, r *contract.Result, text []byte) error {
	out := cmd.OutOrStdout()
	if o.json {
		_, err := out.Write(text)
		return err
	}
	return report.WriteText(out, r, style(out))
}

// howToGetPool ends the messages of commands that need a pool's description.
const howToGetPool = `get it by "aws cognito-idp describe-user-pool --user-pool-id ID > pool.json", or try with ` +
	"examples/pool.json of the repository"
