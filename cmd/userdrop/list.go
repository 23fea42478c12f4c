package main

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"userdrop/internal/client"
	"userdrop/internal/contract"

	"github.com/spf13/cobra"
)

func newListCommand() *cobra.Command {
	var o stackOptions
	var limit int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List imports, the latest first",
		Long: `List shows the imports of a stack, the latest first: those under way, and those with a result. Results
expire after the stack's KeepProcessedDays; Step Functions keeps the history of an import for 90 days.

Exit codes: 0 done, 64 usage, 66 there is no such stack, 68 AWS could not be reached, 69 AWS refused.`,
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
			imports, err := s.Imports(cmd.Context(), limit)
			if err != nil {
				return client.Explain(err)
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), imports)
			}
			return printList(cmd, s, imports)
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
	latest, err := s.Recent(cmd.Context(), 20)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var ids []cobra.Completion
	for _, e := range latest {
		ids = append(ids, cobra.CompletionWithDesc(e.ImportID, strings.ToLower(e.Execution)))
	}
	return ids, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// printList prints a table.
func printList(cmd *cobra.Command, s *client.Stack, imports []client.Listed) error {
	held, err := s.Held(cmd.Context())
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
		fmt.Fprintf(&b, "No imports yet: \"userdrop drop FILE%s\". A file that was dropped just now is listed in some seconds.\n",
			stackFlag(s))
	} else {
		table := [][]string{{"VERDICT", "ROWS", "IN POOL", "STARTED", "IMPORT"}}
		notes := []string{""}
		for _, l := range imports {
			table = append(table, listRow(l))
			note := ""
			if l.Progress != nil {
				note = l.Progress.Text
			}
			notes = append(notes, note)
		}
		b.WriteString(m.table(table, notes, columns(cmd.OutOrStdout())))
	}
	_, err = fmt.Fprint(cmd.OutOrStdout(), b.String())
	return err
}

func listRow(l client.Listed) []string {
	verdict, read, arrived := string(l.Verdict), "", ""
	if l.Rows != nil {
		read, arrived = client.Grouped(l.Rows.Read), client.Grouped(l.Rows.Arrived())
	}
	switch {
	case l.Verdict == contract.VerdictTakenOver:
		verdict = "taken over"
	case verdict != "":
	case l.Progress != nil && l.Progress.Percent >= 0:
		verdict = fmt.Sprintf("%s %d%%", strings.ToLower(l.Progress.Step), l.Progress.Percent)
	case l.Progress != nil:
		verdict = strings.ToLower(l.Progress.Step)
	case l.Execution == "RUNNING":
		verdict = "under way"
	case l.Expired:
		verdict = "result gone"
	default:
		verdict = "winding up"
	}
	return []string{verdict, read, arrived, client.About(time.Since(l.StartedAt)) + " ago", l.ImportID}
}

// verdictColours are the colours of verdicts, and of the line of headings.
var verdictColours = map[string]int{
	"SUCCEEDED": green, "CHECKED": green, "PARTIAL": yellow, "REJECTED": red, "FAILED": red, "ERROR": red,
	"EXPIRED": red, "VERDICT": dim,
}

// table aligns columns, numbers to the right, with a note below each row that has one. Where a row does not fit the
// width, its cells go below each other.
func (m *meter) table(rows [][]string, notes []string, width int) string {
	widths := make([]int, len(rows[0]))
	total := 0
	for i := range widths {
		for _, row := range rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
		total += widths[i] + 2
	}
	var b strings.Builder
	for i, row := range rows {
		switch {
		case total-2 <= width:
			b.WriteString(m.row(row, widths))
		case i > 0:
			b.WriteString(m.stacked(rows[0], row))
		}
		if notes[i] != "" {
			b.WriteString(m.paint(dim, hang("  ", notes[i], 2, width)) + "\n")
		}
	}
	return b.String()
}

func (m *meter) row(row []string, widths []int) string {
	var b strings.Builder
	for i, cell := range row {
		pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
		if colour, ok := verdictColours[row[0]]; ok && (i == 0 || row[0] == "VERDICT") {
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
	return b.String() + "\n"
}

// stacked writes a row with a line for each cell.
func (m *meter) stacked(headings, row []string) string {
	verdict := row[0]
	if colour, ok := verdictColours[verdict]; ok {
		verdict = m.paint(colour, verdict)
	}
	text := verdict + "\n"
	for i, cell := range row[1:] {
		if cell != "" {
			text += "  " + m.paint(dim, strings.ToLower(headings[i+1])) + " " + cell + "\n"
		}
	}
	return text
}
