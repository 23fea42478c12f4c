package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"userdrop/internal/convert"
	"userdrop/internal/mapping"
)

type convertOptions struct {
	mapping, passwords, pool, header, out string
	settings                              ruleFlags
}

func newConvertCommand() *cobra.Command {
	var o convertOptions
	cmd := &cobra.Command{
		Use:   "convert EXPORT --mapping NAME|FILE --pool POOL.json --out DIR",
		Short: "Turn another product's export into a CSV file that is ready to drop",
		Long: `Convert reads an export of another product (CSV, JSON or NDJSON) and writes converted.csv, ready to check and
to drop, excluded.csv with the users who are left out and why, and account.json: what became of every column, row and
password hash. "userdrop mappings" lists the products that it knows. The file never leaves this machine.

Exit codes: 0 all rows pass the rules of an import, 1 some or all would be rejected, 2 the export is refused as a whole,
64 usage, 130 interrupted.`,
		Example: `  userdrop convert export.csv --mapping okta --pool pool.json --out converted
  userdrop convert users.ndjson --mapping auth0 --passwords hashes.ndjson \
    --pool pool.json --out converted
  userdrop convert export.csv --mapping mine.json --pool pool.json --out new`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return runConvert(cmd, args[0], o) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	defineMapping(cmd, &o.mapping)
	flags.StringVar(&o.passwords, "passwords", "", "a second `FILE` with password hashes, which the mapping joins")
	flags.StringVar(&o.pool, "pool", "", "the user pool, a `FILE` as describe-user-pool prints it")
	flags.StringVar(&o.header, "header", "", "the pool's CSV header, a `FILE` as get-csv-header prints it")
	flags.StringVar(&o.out, "out", "", "write converted.csv, excluded.csv and account.json into `DIR`")
	o.settings.define(cmd)
	return cmd
}

// missing returns what to say about a flag that convert needs and does not have; "" if it has all.
func (o convertOptions) missing() string {
	switch {
	case o.mapping == "":
		return "--mapping NAME|FILE: see \"userdrop mappings\" for the products it knows"
	case o.pool == "":
		return "a user pool, --pool POOL.json: " + howToGetPool
	case o.out == "":
		return "--out DIR, the directory for what it writes"
	}
	return ""
}

func runConvert(cmd *cobra.Command, export string, o convertOptions) error {
	if missing := o.missing(); missing != "" {
		return errors.New("convert needs " + missing)
	}
	settings, err := parseSettings(o.settings.SettingTexts)
	if err != nil {
		return err
	}
	pool, err := readPool(o.pool, o.header)
	if err != nil {
		return err
	}
	file, err := openInput(export, cmd.InOrStdin())
	if err != nil {
		return err
	}
	defer file.Close()
	if o.passwords != "" {
		second, err := openInput(o.passwords, nil)
		if err != nil {
			return err
		}
		second.Close()
	}
	m, _, err := findMapping(o.mapping)
	if invalid, ok := errors.AsType[*mapping.Invalid](err); ok {
		fmt.Fprintf(cmd.ErrOrStderr(), "userdrop: the mapping %s is not usable (BadMapping):\n", printable(o.mapping, 200))
		for _, mistake := range invalid.For(mapping.TargetOf(pool, settings)).Mistakes {
			fmt.Fprintf(cmd.ErrOrStderr(), "  %s\n", printable(mistake.String(), 500))
		}
		return exitRefused
	}
	if err != nil {
		return err
	}
	account, err := convert.Job{
		Export: file.Name(), Name: export, Passwords: o.passwords, Mapping: m, Pool: pool, Settings: settings, Out: o.out,
	}.Run(cmd.Context())
	if err != nil {
		return err
	}
	view := newConvertView(cmd.OutOrStdout())
	if account.Refused {
		account.Problems, view.hint = file.hint(account.Problems, m.Name)
	}
	if err := view.write(account, m); err != nil {
		return err
	}
	switch {
	case account.Refused:
		return exitRefused
	case account.Rows.Rejected > 0:
		return exitRejected
	}
	return nil
}
