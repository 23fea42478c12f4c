package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"userdrop/internal/contract"
	"userdrop/internal/mapping"
	"userdrop/internal/report"
	"userdrop/internal/usercsv"
)

// Exit codes of userdrop check.
const (
	exitRejected exitCode = 1 // some or all rows
	exitRefused  exitCode = 2 // the file as a whole
)

type checkOptions struct {
	stackOptions
	pool, header string
	poolID       string
	out          string
	json         bool
	applyGroups  bool
	settings     ruleFlags
	existing     existingFlag
	mapping      string
	ofPool       []byte // the mapping that the inbox has for the pool
}

func newCheckCommand() *cobra.Command {
	var o checkOptions
	cmd := &cobra.Command{
		Use:   "check FILE... (--pool FILE | --pool-id ID | --stack NAME)",
		Short: "Check a CSV file of users by the rules of an import",
		Long: `Check reads CSV files of users as imports would and reports which rows would be rejected, and why. FILE may be
a pattern such as "*.csv", and - is standard input.

The file for --pool is what "aws cognito-idp describe-user-pool" prints, that for --header what "aws cognito-idp
get-csv-header" prints. With --pool-id or --stack it asks AWS for them; --stack takes the stack's settings, too. The
files never leave this machine.

Exit codes: 0 all rows pass, 1 some or all rows are rejected, 2 a file is refused as a whole, 64 usage, 66
there is no such stack or user pool, 68 AWS could not be reached, 69 AWS refused, 130 interrupted.`,
		Example: `  aws cognito-idp describe-user-pool --user-pool-id POOL-ID > pool.json
  userdrop check users.csv --pool pool.json --out checked
  userdrop check users.csv --stack userdrop-prod`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return check(cmd, args, o) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&o.pool, "pool", "", "the user pool, a `FILE` as describe-user-pool prints it")
	flags.StringVar(&o.poolID, "pool-id", "", "the user pool, by its `ID` in AWS")
	flags.StringVar(&o.name, "stack", "", "take the pool and settings of the stack `NAME`")
	o.defineAccount(flags)
	flags.StringVar(&o.header, "header", "", "the pool's CSV header, a `FILE` as get-csv-header prints it")
	flags.StringVar(&o.out, "out", "", "write part-0001.csv…, failed.csv and result.json into `DIR`")
	flags.BoolVar(&o.json, "json", false, "print the text of result.json and nothing else")
	o.settings.define(cmd)
	o.existing.define(cmd, "the stack's, or skip")
	flags.BoolVar(&o.applyGroups, "apply-groups", false,
		"take the columns groups and enabled, as a stack with ApplyGroups does")
	defineMapping(cmd, &o.mapping)
	cmd.MarkFlagsMutuallyExclusive("pool", "pool-id")
	cmd.MarkFlagsMutuallyExclusive("pool", "stack")
	return cmd
}

// check checks files one after the other. Its error says what the exit code is to be: that of the worst file.
func check(cmd *cobra.Command, args []string, o checkOptions) error {
	names, err := expand(args)
	switch {
	case err != nil:
		return err
	case len(names) > 1 && o.out != "":
		return errors.New("--out takes the files of one check: name one FILE, or leave --out away")
	case len(names) > 1 && o.json:
		return errors.New("--json prints one result: name one FILE, or leave --json away")
	}
	pool, settings, err := o.rules(cmd)
	if err != nil {
		return err
	}
	worst := exitCode(0)
	for i, name := range names {
		if i > 0 {
			fmt.Fprintln(cmd.OutOrStdout())
		}
		code, err := o.checkFile(cmd, name, pool, settings)
		if err != nil {
			return err
		}
		worst = max(worst, code)
	}
	if worst < exitRefused {
		o.existing.hintUnchecked(cmd)
	}
	if worst != 0 {
		return worst
	}
	return nil
}

// checkFile checks one file and writes what was asked for.
func (o *checkOptions) checkFile(
	cmd *cobra.Command, name string, pool *usercsv.Pool, settings usercsv.Settings,
) (exitCode, error) {
	started := time.Now()
	file, err := openInput(name, cmd.InOrStdin())
	if err != nil {
		return 0, err
	}
	defer file.Close()
	sink, err := newCheckSink(o.out, file.File)
	if err != nil {
		return 0, err
	}
	engine, err := o.mapFile(&settings, pool)
	var summary usercsv.Summary
	if err == nil {
		source, done := watched(file, file.size, cmd.ErrOrStderr())
		summary, err = applyRules(cmd.Context(), source, pool, settings, sink)
		done()
	}
	res := &contract.Result{
		Mode:       contract.ModeCheck,
		UserPoolID: pool.ID,
		Sources:    []contract.Source{{Key: name, Bytes: file.size}},
		StartedAt:  started,
	}
	code := exitCode(0)
	refusal, refused := errors.AsType[*usercsv.Refusal](err)
	switch {
	case refused:
		code, res.Problems, err = exitRefused, refusal.Problems, sink.discard()
		used := ""
		if engine != nil {
			used = engine.Name()
		}
		res.Problems, sink.hint = file.hint(refusal.Problems, used)
	case err != nil:
		err = errors.Join(err, sink.discard())
	default:
		if summary.Rejected > 0 {
			code = exitRejected
		}
		fillIn(res, summary, sink, engine)
	}
	if err != nil {
		return 0, err
	}
	return code, o.write(cmd, res, sink, summary.Parts)
}

// fillIn puts what was found in a file that is not refused into its result.
func fillIn(res *contract.Result, summary usercsv.Summary, sink *checkSink, engine *mapping.Engine) {
	res.Rows = contract.Rows{
		Read:      int64(summary.Read),
		Excluded:  int64(summary.Excluded),
		Rejected:  int64(summary.Rejected),
		Submitted: int64(summary.Read - summary.Excluded - summary.Rejected),
	}
	if engine != nil {
		account := engine.Account()
		res.Mapping, res.Excluded = account.Result(), account.Excluded()
	}
	res.Sources[0].Rows = res.Rows
	res.Problems, res.Notes = summary.Problems, summary.Notes
	res.Files = sink.files
	res.Changes = sink.changes
}

// write finishes a result, and writes it as result.json and to standard output.
func (o *checkOptions) write(
	cmd *cobra.Command, res *contract.Result, sink *checkSink, parts []usercsv.PartSummary,
) error {
	nameFlags(res)
	res.FinishedAt = time.Now()
	if err := report.Finish(res, report.Ended); err != nil {
		return err
	}
	text, err := contract.MarshalResult(res)
	if err != nil {
		return err
	}
	if o.out != "" {
		if err := os.WriteFile(filepath.Join(o.out, "result.json"), text, 0o600); err != nil {
			return err
		}
	}
	if o.json {
		_, err = cmd.OutOrStdout().Write(text)
		return err
	}
	view := newCheckView(cmd.OutOrStdout(), sink.samples)
	view.hint = sink.hint
	return view.write(res, parts)
}

// nameFlags names settings as flags in all messages.
func nameFlags(res *contract.Result) {
	for i := range res.Problems {
		p := &res.Problems[i]
		p.Message = contract.NameFlags(p.Message)
		for j := range p.Details {
			p.Details[j].Advice = contract.NameFlags(p.Details[j].Advice)
		}
	}
	for i := range res.Notes {
		res.Notes[i].Message = contract.NameFlags(res.Notes[i].Message)
	}
}

// applyRules runs the rules over one file.
func applyRules(
	ctx context.Context, r io.Reader, pool *usercsv.Pool, settings usercsv.Settings, sink *checkSink,
) (usercsv.Summary, error) {
	p, err := usercsv.NewPreparer(pool, settings, sink)
	if err != nil {
		return usercsv.Summary{}, err
	}
	if _, err := p.Add(ctx, r); err != nil {
		return usercsv.Summary{}, err
	}
	summary, err := p.Close()
	return summary, errors.Join(err, sink.finish())
}

// readPool reads what the AWS CLI printed of the pool and, if there is one, of its header.
func readPool(poolFile, headerFile string) (*usercsv.Pool, error) {
	text, err := os.ReadFile(poolFile)
	if err != nil {
		return nil, err
	}
	pool, err := usercsv.ParsePool(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", printable(poolFile, 200), err)
	}
	if headerFile == "" {
		return pool, nil
	}
	if text, err = os.ReadFile(headerFile); err != nil {
		return nil, err
	}
	if pool.Header, err = usercsv.ParseHeader(text); err != nil {
		return nil, fmt.Errorf("%s: %w", printable(headerFile, 200), err)
	}
	return pool, nil
}

// longFile is the size from which a progress bar is worth showing: about a tenth of a second.
const longFile = 16 << 20

// watched shows a progress bar while a long file is read, if stderr is a terminal.
func watched(r io.Reader, size int64, stderr io.Writer) (io.Reader, func()) {
	if size < longFile || !isTerminal(stderr) {
		return r, func() {}
	}
	bar := progressbar.NewOptions64(size,
		progressbar.OptionSetWriter(stderr),
		progressbar.OptionSetDescription("checking"),
		progressbar.OptionShowBytes(true),
		progressbar.OptionFullWidth(),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	)
	reader := progressbar.NewReader(r, bar)
	return &reader, func() { _ = bar.Clear() }
}
