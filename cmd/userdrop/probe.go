package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"userdrop/internal/client"
	"userdrop/tools/probe"
)

type probeOptions struct {
	stackOptions
	logsRole   string
	keep, json bool
}

func newProbeCommand() *cobra.Command {
	var o probeOptions
	cmd := &cobra.Command{
		Use:   "probe (--stack NAME | --logs-role-arn ARN)",
		Short: "Find out on a scratch pool what AWS does not document about import jobs",
		Long: `Probe creates two scratch user pools, runs one small import for each unknown of docs/limits.md, and prints the
answers, the evidence for each, and the settings that make the local double behave the same way. It takes up to
20 minutes, during which other imports of the account wait.

Then it removes the pools, their made-up users and their logs, also when it is interrupted; --keep leaves them.

Cognito writes the logs of import jobs with a role: the one of a stack, or any other that it may assume. The user needs
cognito-idp:*, logs:DescribeLogGroups, logs:FilterLogEvents, logs:DeleteLogGroup, and iam:PassRole for that role.

Exit codes: 0 done, 64 usage, 66 there is no such stack, 68 AWS could not be reached, 69 AWS refused, 130 interrupted.`,
		Example: `  userdrop probe --stack userdrop
  userdrop probe --logs-role-arn arn:aws:iam::123456789012:role/import-logs \
    --json > settings.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runProbe(cmd, o) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&o.name, "stack", "", "the `NAME` of the stack that has the role which writes the logs")
	flags.StringVar(&o.logsRole, "logs-role-arn", "", "the role that writes the logs, by its `ARN`")
	o.defineAccount(flags)
	flags.BoolVar(&o.keep, "keep", false, "keep the pools, users and logs that the probe created")
	flags.BoolVar(&o.json, "json", false, "print JSON and nothing else")
	cmd.MarkFlagsOneRequired("stack", "logs-role-arn")
	cmd.MarkFlagsMutuallyExclusive("stack", "logs-role-arn")
	return cmd
}

func runProbe(cmd *cobra.Command, o probeOptions) error {
	ctx := cmd.Context()
	cfg, err := o.config(ctx)
	if err != nil {
		return err
	}
	if o.logsRole == "" {
		s, err := client.Open(ctx, cfg, o.name)
		if err != nil {
			return err
		}
		if s.LogsRole == "" {
			return client.Refusedf("the stack %q does not output its role for logs: deploy this release, or use --logs-role-arn",
				o.name)
		}
		o.logsRole = s.LogsRole
	}
	p := probe.New(cfg, o.logsRole)
	p.Keep = o.keep
	if !o.json {
		p.Progress = func(step string) { fmt.Fprintln(cmd.ErrOrStderr(), step) }
	}
	report, err := p.Run(ctx)
	// What was settled before an error is worth its time.
	if len(report.Findings) > 0 || err == nil {
		if printed := printProbe(cmd, report, o.json); printed != nil {
			return printed
		}
	}
	for _, pool := range report.Pools {
		fmt.Fprintf(cmd.ErrOrStderr(), "Left: user pool %s, log groups /aws/cognito/userpools/%s/\n", pool, pool)
	}
	switch err := client.Explain(err); {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return exitInterrupted
	default:
		return err
	}
}

func printProbe(cmd *cobra.Command, report probe.Report, asJSON bool) error {
	out := cmd.OutOrStdout()
	if asJSON {
		return writeJSON(out, report)
	}
	if _, err := fmt.Fprintf(out, "\n%s\nAs the double's settings:\n", report); err != nil {
		return err
	}
	return writeJSON(out, report.Settings)
}
