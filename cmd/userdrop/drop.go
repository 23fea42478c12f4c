package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"userdrop/internal/client"
	"userdrop/internal/contract"
	"userdrop/internal/report"
)

type dropOptions struct {
	stackOptions
	watchOptions
	pool  string
	name  string
	check bool
	watch bool
	// mapping is a name or a file; see findMapping.
	mapping  string
	rules    ruleFlags // those that a manifest may have
	existing existingFlag
}

func newDropCommand() *cobra.Command {
	var o dropOptions
	cmd := &cobra.Command{
		Use:   "drop FILE...",
		Short: "Drop files into the inbox of a stack",
		Long: `Drop puts each FILE into the inbox of a deployed stack, and prints the ids of the imports. FILE may be a
pattern such as "*.csv", and - is standard input. With --watch it waits until the results are published, and prints
them.

Exit codes: 0 dropped; with --watch 0 every verdict is SUCCEEDED (with --check: all rows pass), 1 any other; 64 usage,
66 there is no such stack, 68 AWS could not be reached, 69 AWS refused, 130 interrupted: what is dropped by then is
imported.`,
		Example: `  userdrop drop users.csv --watch
  userdrop drop users.csv --pool-id us-east-1_Example --watch --out result
  userdrop drop exports/*.csv
  make-users | userdrop drop - --name users.csv
  userdrop drop users.csv --check --watch   a dry run: everything but the jobs`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return drop(cmd, args, o) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	o.stackOptions.define(flags)
	flags.StringVar(&o.pool, "pool-id", "",
		"import into the user pool `ID` (default: the stack's default pool, or its only one)")
	flags.StringVar(&o.name, "name", "", "the `NAME` of the file in the inbox (default: its own; stdin.csv for -)")
	flags.BoolVar(&o.check, "check", false, "a dry run: everything but the jobs")
	defineMapping(cmd, &o.mapping)
	o.rules.defineOfFile(cmd)
	o.existing.define(cmd, "the stack's")
	flags.BoolVar(&o.watch, "watch", false, "stay until the result is published, and print it")
	o.watchOptions.define(flags)
	return cmd
}

// drop drops files one after the other, and then watches them.
func drop(cmd *cobra.Command, args []string, o dropOptions) error {
	names, err := expand(args)
	switch {
	case err != nil:
		return err
	case o.out != "" && !o.watch:
		return errors.New("--out needs --watch")
	case len(names) > 1 && o.out != "":
		return errors.New("--out takes the files of one result: drop one FILE, or leave --out away")
	case len(names) > 1 && o.name != "":
		return errors.New("--name is for one FILE")
	case o.out != "":
		if err := client.Spares(o.out, names[0]); err != nil {
			return err
		}
	}
	ctx := cmd.Context()
	s, err := o.open(ctx)
	if err != nil {
		return err
	}
	pool, err := s.Pool(o.pool)
	if err != nil {
		return err
	}
	m := newMeter(cmd)
	var dropped []contract.Drop
	for _, name := range names {
		d, err := o.upload(cmd, s, name, pool, m)
		if err != nil {
			return errors.Join(err, reportDropped(cmd, s, dropped, o))
		}
		dropped = append(dropped, d)
	}
	if !o.watch {
		return reportDropped(cmd, s, dropped, o)
	}
	var worst error
	for _, d := range dropped {
		err := o.follow(cmd, &client.Follower{Stack: s, Progress: m, ImportID: d.ImportID, Dropped: true})
		if code, isCode := errors.AsType[exitCode](err); err != nil && (!isCode || code == exitInterrupted) {
			return err
		}
		worst = cmp.Or(err, worst)
	}
	return worst
}

// upload puts one file into the inbox.
func (o *dropOptions) upload(cmd *cobra.Command, s *client.Stack, name, pool string, m *meter) (contract.Drop, error) {
	mode := contract.ModeImport
	if o.check {
		mode = contract.ModeCheck
	}
	base := cmp.Or(o.name, filepath.Base(name))
	if base == "-" {
		base = stdinName
	}
	if err := client.CheckName(base); err != nil {
		return contract.Drop{}, err
	}
	file, err := openInput(name, cmd.InOrStdin())
	if err != nil {
		return contract.Drop{}, err
	}
	defer file.Close()
	if err := file.refuseWorkbook(); err != nil {
		return contract.Drop{}, err
	}
	settings, err := o.rules.ofManifest(cmd.Flags())
	if err != nil {
		return contract.Drop{}, err
	}
	manifest, err := newManifest(o.mapping, o.existing.Existing, settings)
	if err != nil {
		return contract.Drop{}, err
	}
	source := client.Source{Name: base, Body: file.File, Size: file.size, Manifest: manifest}
	return s.Upload(cmd.Context(), source, pool, mode, m)
}

// reportDropped prints the ids of the imports, and how to watch them.
func reportDropped(cmd *cobra.Command, s *client.Stack, dropped []contract.Drop, o dropOptions) error {
	for _, d := range dropped {
		if o.json {
			if err := writeJSON(cmd.OutOrStdout(), d); err != nil {
				return err
			}
			continue
		}
		if _, err := fmt.Fprintln(cmd.OutOrStdout(), d.ImportID); err != nil {
			return err
		}
	}
	if !o.json && len(dropped) > 0 {
		hint(cmd, "Watch it: userdrop watch %s%s", dropped[len(dropped)-1].ImportID, stackFlag(s))
	}
	return nil
}

// stackFlag is the flag that names a stack in a command line to copy; none is needed for the default one.
func stackFlag(s *client.Stack) string {
	if s.Name == cmp.Or(os.Getenv("USERDROP_STACK"), "userdrop") {
		return ""
	}
	return " --stack " + s.Name
}

// watchOptions are the flags of the commands that wait for a result.
type watchOptions struct {
	out      string
	json     bool
	interval time.Duration
}

func newWatchCommand() *cobra.Command {
	var o stackOptions
	var w watchOptions
	cmd := &cobra.Command{
		Use:   "watch [IMPORT-ID]",
		Short: "Follow an import up to its result",
		Long: `Watch follows an import, by default the latest one, and shows its queue position, users per second and
estimated finish time until its result is published, and then the result.

Exit codes: 0 the verdict is SUCCEEDED (of a dry run: all rows pass), 1 any other, 64 usage, 66 there is no such stack
or import, 68 AWS could not be reached, 69 AWS refused, 130 interrupted: the import
continues.`,
		Example: `  userdrop watch
  userdrop watch users-1f0c6d8be5a94ac4d1c3a6f2 --stack prod --out result
  userdrop watch --json | jq .rows`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := o.open(cmd.Context())
			if err != nil {
				return err
			}
			f := &client.Follower{Stack: s, Progress: newMeter(cmd)}
			if len(args) > 0 {
				f.ImportID = args[0]
			} else if f.ImportID, err = s.Latest(cmd.Context()); err != nil {
				return err
			}
			return w.follow(cmd, f)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	o.define(flags)
	w.define(flags)
	cmd.ValidArgsFunction = o.completeImport
	return cmd
}

func (o *watchOptions) define(flags *pflag.FlagSet) {
	flags.StringVar(&o.out, "out", "", "copy the result's files into `DIR`")
	flags.BoolVar(&o.json, "json", false, "print JSON and nothing else: of a result, the text of result.json")
	flags.DurationVar(&o.interval, "interval", 2*time.Second, "the `TIME` between looks")
}

// follow waits for the result and prints it.
func (o *watchOptions) follow(cmd *cobra.Command, f *client.Follower) error {
	f.Interval = max(o.interval, 10*time.Millisecond)
	r, text, err := f.Follow(cmd.Context())
	if errors.Is(err, context.Canceled) {
		hint(cmd, "The import goes on: userdrop watch %s%s", f.ImportID, stackFlag(f.Stack))
		return exitInterrupted
	}
	if err != nil {
		return err
	}
	if o.out != "" {
		if r.Files, err = f.Fetch(cmd.Context(), f.ImportID, o.out, docs(o.out)); err != nil {
			return err
		}
	}
	if o.json {
		_, err = cmd.OutOrStdout().Write(text)
	} else {
		err = report.WriteText(cmd.OutOrStdout(), r, style(cmd.OutOrStdout()))
	}
	if err != nil {
		return err
	}
	return verdictCode(r)
}

// verdictCode is the exit code of a result: nil is 0.
func verdictCode(r *contract.Result) error {
	if r.Verdict == contract.VerdictSucceeded || r.Verdict == contract.VerdictChecked && r.Rows.Rejected == 0 {
		return nil
	}
	return exitRejected
}

// style is how a result is written to w: in the terminal's width, and with the names of columns, since it is the owner
// who looks.
func style(w io.Writer) report.Style {
	return report.Style{Color: coloured(w), Columns: true, Width: columns(w)}
}

func writeJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}
