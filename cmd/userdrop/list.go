package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"userdrop/internal/contract"
)

// listed is one import, as far as its execution and its result tell.
type listed struct {
	ImportID   string           `json:"importId"`
	Execution  string           `json:"execution,omitempty"` // its status; Step Functions forgets it after 90 days
	Verdict    contract.Verdict `json:"verdict,omitempty"`
	UserPoolID string           `json:"userPoolId,omitempty"`
	Rows       *contract.Rows   `json:"rows,omitempty"`
	StartedAt  time.Time        `json:"startedAt,omitzero"`
	FinishedAt time.Time        `json:"finishedAt,omitzero"`

	expired bool // the result, if there is none
}

func newListCommand() *cobra.Command {
	var o stackOptions
	var limit int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List imports, the latest first",
		Long: `List shows the imports of a stack, the latest first: those under way, and those with a result. Results
expire after the stack's KeepProcessedDays, and Step Functions remembers an import for 90.

Exit codes: 0 done, 64 usage, 69 AWS refused or could not be reached.`,
		Example: `  userdrop list --stack userdrop-prod --limit 50
  userdrop list --json | jq -r '.[] | select(.verdict == "PARTIAL") | .importId'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 {
				return fmt.Errorf("--limit %d is not above 0", limit)
			}
			s, err := o.open(cmd.Context())
			if err != nil {
				return err
			}
			imports, err := s.imports(cmd.Context(), limit)
			if err != nil {
				return explain(err)
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), imports)
			}
			return s.list(cmd, imports)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	o.define(flags)
	flags.IntVar(&limit, "limit", 20, "at most `N` imports")
	flags.BoolVar(&asJSON, "json", false, "print JSON and nothing else")
	return cmd
}

// completeImport offers a shell the ids of the latest imports.
func (o *stackOptions) completeImport(cmd *cobra.Command, args []string, _ string,
) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	s, err := o.open(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	latest, err := s.machines.ListExecutions(cmd.Context(), &sfn.ListExecutionsInput{
		StateMachineArn: &s.importUsers, MaxResults: 20,
	})
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var ids []cobra.Completion
	for _, e := range latest.Executions {
		ids = append(ids, cobra.CompletionWithDesc(aws.ToString(e.Name), strings.ToLower(string(e.Status))))
	}
	return ids, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// imports are the latest imports of the stack: the executions that Step Functions remembers, then older results.
func (s *stack) imports(ctx context.Context, limit int) ([]listed, error) {
	all := []listed{}
	pages := sfn.NewListExecutionsPaginator(s.machines, &sfn.ListExecutionsInput{
		StateMachineArn: &s.importUsers, MaxResults: int32(min(limit, 1000)),
	})
	for pages.HasMorePages() && len(all) < limit {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, e := range page.Executions {
			all = append(all, listed{
				ImportID: aws.ToString(e.Name), Execution: string(e.Status), StartedAt: aws.ToTime(e.StartDate),
				expired: expired(e.Status, e.StopDate),
			})
		}
	}
	if len(all) < limit {
		older, err := s.forgotten(ctx, all)
		if err != nil {
			return nil, err
		}
		all = append(all, older...)
	}
	all = all[:min(len(all), limit)]
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for i := range all {
		group.Go(func() error { return s.describe(ctx, &all[i]) })
	}
	return all, group.Wait()
}

// forgotten are the imports with a result whose execution Step Functions does not remember.
func (s *stack) forgotten(ctx context.Context, known []listed) ([]listed, error) {
	var older []listed
	pages := s3.NewListObjectsV2Paginator(s.s3, &s3.ListObjectsV2Input{Bucket: &s.results.Bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, o := range page.Contents {
			id, ok := strings.CutSuffix(aws.ToString(o.Key), "/"+path.Base(contract.ResultKey("")))
			if ok && !slices.ContainsFunc(known, func(k listed) bool { return k.ImportID == id }) {
				older = append(older, listed{ImportID: id, StartedAt: aws.ToTime(o.LastModified)})
			}
		}
	}
	slices.SortFunc(older, func(a, b listed) int {
		return cmp.Or(b.StartedAt.Compare(a.StartedAt), cmp.Compare(a.ImportID, b.ImportID))
	})
	return older, nil
}

// describe adds what the result tells, if there is one.
func (s *stack) describe(ctx context.Context, l *listed) error {
	r, _, err := s.result(ctx, l.ImportID)
	if err != nil || r == nil {
		return err
	}
	l.Verdict, l.UserPoolID, l.Rows = r.Verdict, r.UserPoolID, &r.Rows
	l.StartedAt, l.FinishedAt = r.StartedAt, r.FinishedAt
	return nil
}

// list prints a table.
func (s *stack) list(cmd *cobra.Command, imports []listed) error {
	held, err := s.held(cmd.Context())
	if err != nil {
		return err
	}
	var b strings.Builder
	m := meter{colour: coloured(cmd.OutOrStdout())}
	if !held.IsZero() {
		notice := `Paused since 2006-01-02 15:04 UTC: nothing new is started until "userdrop resume".`
		fmt.Fprintf(&b, "%s\n\n", m.paint(yellow, held.UTC().Format(notice)))
	}
	if len(imports) == 0 {
		fmt.Fprintf(&b, "No imports yet: \"userdrop drop FILE --stack %s\".\n", s.name)
	} else {
		table := [][]string{{"VERDICT", "ROWS", "IN POOL", "STARTED", "IMPORT"}}
		for _, l := range imports {
			table = append(table, l.row())
		}
		b.WriteString(m.table(table))
	}
	_, err = fmt.Fprint(cmd.OutOrStdout(), b.String())
	return err
}

func (l *listed) row() []string {
	verdict, read, arrived := string(l.Verdict), "", ""
	if l.Rows != nil {
		read, arrived = grouped(l.Rows.Read), grouped(l.Rows.Arrived())
	}
	switch {
	case verdict != "":
	case l.Execution == "RUNNING":
		verdict = "under way"
	case l.expired:
		verdict = "result gone"
	default:
		verdict = "winding up"
	}
	return []string{verdict, read, arrived, about(time.Since(l.StartedAt)) + " ago", l.ImportID}
}

// table aligns columns: numbers to the right, and verdicts in their colours.
func (m *meter) table(rows [][]string) string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	colours := map[string]int{
		"SUCCEEDED": green, "CHECKED": green, "PARTIAL": yellow, "REJECTED": red, "FAILED": red, "ERROR": red,
		"EXPIRED": red, "VERDICT": dim,
	}
	var b strings.Builder
	for _, row := range rows {
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			colour, ok := colours[row[0]]
			switch {
			case row[0] == "VERDICT", i == 0 && ok:
				cell = m.paint(colour, cell)
			}
			switch {
			case i == 1 || i == 2:
				b.WriteString(pad + cell)
			case i == len(row)-1:
				b.WriteString(cell)
			default:
				b.WriteString(cell + pad)
			}
			if i < len(row)-1 {
				b.WriteString("  ")
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// latest is the import that was started last.
func (s *stack) latest(ctx context.Context) (string, error) {
	out, err := s.machines.ListExecutions(ctx, &sfn.ListExecutionsInput{StateMachineArn: &s.importUsers, MaxResults: 1})
	if err != nil {
		return "", explain(err)
	}
	if len(out.Executions) == 0 {
		return "", unavailable{errors.New("the stack has no imports yet: userdrop drop FILE")}
	}
	return aws.ToString(out.Executions[0].Name), nil
}

// held is when the stack was paused; zero if it is not.
func (s *stack) held(ctx context.Context) (time.Time, error) {
	page, err := s.s3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{
		Bucket: &s.work.Bucket, Prefix: aws.String(contract.HoldKey), MaxKeys: aws.Int32(1),
	})
	if err != nil {
		return time.Time{}, explain(err)
	}
	i := slices.IndexFunc(page.Contents, func(o types.Object) bool { return aws.ToString(o.Key) == contract.HoldKey })
	if i < 0 {
		return time.Time{}, nil
	}
	return aws.ToTime(page.Contents[i].LastModified), nil
}
