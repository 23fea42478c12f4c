package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"userdrop/internal/contract"
	"userdrop/internal/report"
)

type dropOptions struct {
	stackOptions
	watchOptions
	pool  string
	check bool
	watch bool
}

func newDropCommand() *cobra.Command {
	var o dropOptions
	cmd := &cobra.Command{
		Use:   "drop FILE",
		Short: "Drop a file into the inbox of a stack",
		Long: `Drop puts FILE into the inbox of a deployed stack, and prints the import's id. With --watch it stays
until the result is published, and prints it.

Exit codes: 0 dropped; with --watch 0 the verdict is SUCCEEDED (with --check: all rows pass), 1 any other; 64 usage,
69 AWS refused or could not be reached, 130 interrupted: what is dropped by then is imported.`,
		Example: `  userdrop drop users.csv --watch
  userdrop drop users.csv --stack userdrop-prod --pool-id us-east-1_Example --watch --out result
  userdrop drop users.csv --check --watch             a dry run: everything but the jobs`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return drop(cmd, args[0], o) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	o.stackOptions.define(flags)
	flags.StringVar(&o.pool, "pool-id", "",
		"import into the user pool `ID` (default: the stack's default pool, or its only one)")
	flags.BoolVar(&o.check, "check", false, "a dry run: everything but the jobs")
	flags.BoolVar(&o.watch, "watch", false, "stay until the result is published, and print it")
	o.watchOptions.define(flags)
	return cmd
}

func drop(cmd *cobra.Command, name string, o dropOptions) error {
	if o.out != "" && !o.watch {
		return fmt.Errorf("--out needs --watch")
	}
	if o.out != "" {
		if err := spares(o.out, name); err != nil {
			return err
		}
	}
	ctx := cmd.Context()
	s, err := o.open(ctx)
	if err != nil {
		return err
	}
	pool, err := s.pool(o.pool)
	if err != nil {
		return err
	}
	mode := contract.ModeImport
	if o.check {
		mode = contract.ModeCheck
	}
	m := newMeter(cmd.ErrOrStderr())
	dropped, err := s.upload(ctx, name, pool, mode, m)
	if err != nil {
		return err
	}
	if o.watch {
		return o.follow(cmd, &follower{stack: s, meter: m, importID: dropped.ImportID, dropped: true})
	}
	if o.json {
		return writeJSON(cmd.OutOrStdout(), dropped)
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", dropped.ImportID)
	return err
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
		Long: `Watch follows an import, the latest one if none is named: its place in the queue, users per second, the
estimated end. When its result is published it prints the result; of an import that is over it prints it at once.

Exit codes: 0 the verdict is SUCCEEDED (of a dry run: all rows pass), 1 any other, 64 usage, 69 AWS refused or could
not be reached, 130 interrupted: the import goes on.`,
		Example: `  userdrop watch
  userdrop watch users-1f0c6d8be5a94ac4d1c3a6f2 --stack userdrop-prod --out result
  userdrop watch --json | jq .rows`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := o.open(cmd.Context())
			if err != nil {
				return err
			}
			f := &follower{stack: s, meter: newMeter(cmd.ErrOrStderr())}
			if len(args) > 0 {
				f.importID = args[0]
			} else if f.importID, err = s.latest(cmd.Context()); err != nil {
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
	flags.DurationVar(&o.interval, "interval", 2*time.Second, "look each `TIME`")
}

// follow waits for the result and prints it.
func (o *watchOptions) follow(cmd *cobra.Command, f *follower) error {
	f.interval = max(o.interval, 10*time.Millisecond)
	r, text, err := f.follow(cmd.Context())
	if errors.Is(err, exitInterrupted) {
		fmt.Fprintf(cmd.ErrOrStderr(), "The import goes on: userdrop watch %s --stack %s\n", f.importID, f.name)
	}
	if err != nil {
		return err
	}
	if o.out != "" {
		if r.Files, err = f.fetch(cmd.Context(), f.importID, o.out); err != nil {
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

// style is how a result is to be written to w: on a terminal in its width, and with the names of columns, since it is
// the owner who looks.
func style(w io.Writer) report.Style {
	s := report.Style{Color: coloured(w), Columns: true}
	if f, ok := w.(*os.File); ok && isTerminal(w) {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			s.Width = width
		}
	}
	return s
}

func writeJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}
