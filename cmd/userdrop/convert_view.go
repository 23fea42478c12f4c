package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"userdrop/internal/client"
	"userdrop/internal/contract"
	"userdrop/internal/convert"
	"userdrop/internal/mapping"
)

// convertView writes the account of a conversion for people.
type convertView struct{ *checkView }

func newConvertView(w io.Writer) *convertView { return &convertView{newCheckView(w, nil)} }

func (v *convertView) write(a *convert.Account, m *mapping.Mapping) error {
	name := v.paint(bold, printable(a.Export, 200))
	switch {
	case a.Refused:
		v.printf("%s %s is refused as a whole: nothing was converted.\n", v.paint(red, "✖"), name)
	case a.Rows.Rejected == 0:
		v.printf("%s %s: %s converted; none of them would be rejected.\n", v.paint(green, "✔"), name,
			client.Rows(int64(a.Rows.Passing)))
	default:
		v.printf("%s %s: %s converted; %s of them would be rejected.\n", v.paint(yellow, "!"), name,
			client.Rows(int64(a.Rows.Read-a.Rows.Excluded)), client.Grouped(int64(a.Rows.Rejected)))
	}
	v.showHint(a.Problems)
	for _, p := range a.Problems {
		v.problem(p)
	}
	v.columns(a)
	if !a.Refused {
		v.rest(a, m)
		v.files(a)
	}
	_, err := v.w.Write(v.b.Bytes())
	return err
}

// columns lists what became of every column of the export.
func (v *convertView) columns(a *convert.Account) {
	if len(a.Columns) == 0 {
		return
	}
	v.printf("\n%s\n", v.paint(bold, "Columns of the export"))
	width := 0
	for _, c := range a.Columns {
		width = min(max(width, len([]rune(printable(c.Column, 40)))), 40)
	}
	for _, c := range a.Columns {
		what := v.paint(dim, "left out: "+c.LeftOut)
		switch {
		case len(c.As) > 0:
			what = "taken as " + strings.Join(c.As, ", ")
		case isRefused(a.Problems, c.Column):
			what = v.paint(yellow, "refused: the mapping neither takes it nor ignores it by name")
		}
		name := printable(c.Column, 40)
		v.printf("  %s%s  %s\n", name, strings.Repeat(" ", max(width-len([]rune(name)), 0)), what)
	}
	for _, missing := range a.Missing {
		safety := slices.ContainsFunc(missing.Without, func(what string) bool {
			return strings.HasPrefix(what, "exclusion ") || strings.HasSuffix(what, "_verified")
		})
		if !safety {
			continue // account.json has the others
		}
		v.printf("  %s\n", v.paint(yellow, fmt.Sprintf("the export has no column %s: without it there is no %s",
			printable(missing.Column, 40), strings.Join(missing.Without, ", "))))
	}
}

// isRefused reports whether a file is refused because the mapping does not mention a column.
func isRefused(problems []contract.Problem, column string) bool {
	return slices.ContainsFunc(problems, func(p contract.Problem) bool {
		return p.Code == contract.UnknownColumn && slices.Contains(p.Columns, column)
	})
}

// rest shows rows that were left out, password hashes, the second file and notes.
func (v *convertView) rest(a *convert.Account, m *mapping.Mapping) {
	if a.Rows.Excluded > 0 {
		v.printf("\n%s  %s\n", v.paint(bold, "Left out"), client.Rows(int64(a.Rows.Excluded)))
		for _, e := range a.Excluded {
			v.printf("  %s  %s\n", e.Because, client.Rows(e.Count))
		}
	}
	if h := a.Hashes; h.Kept+h.Rewritten+h.Dropped > 0 {
		v.printf("\n%s\n  %s kept as they are, %s rewritten, %s dropped\n", v.paint(bold, "Password hashes"),
			client.Grouped(int64(h.Kept)), client.Grouped(int64(h.Rewritten)), client.Grouped(int64(h.Dropped)))
		if h.Dropped > 0 {
			v.paragraph("  ", contract.HashDropped.Message())
		}
	}
	v.usernames(a, m)
	if j := a.Join; j != nil {
		v.printf("\n%s\n  %s read, %s used, %s of users who are left out, %s of nobody in the export\n",
			v.paint(bold, "Second file"), client.Grouped(int64(j.Read)), client.Grouped(int64(j.Used)),
			client.Grouped(int64(j.Excluded)), client.Grouped(int64(j.Unmatched)))
		for _, more := range []struct {
			n    int
			what string
		}{
			{j.Doubled, "have a key that an earlier record has: the first was taken"},
			{j.NoKey, "have no key"},
			{j.Unread, "cannot be read"},
		} {
			if more.n > 0 {
				v.printf("  %s %s\n", client.Grouped(int64(more.n)), more.what)
			}
		}
	}
	for _, n := range a.Notes {
		if n.Code != contract.HashDropped {
			v.printf("\n%s  %s\n", v.paint(bold, n.Code.String()), client.Rows(int64(n.Count)))
			v.paragraph("  ", contract.NameFlags(n.Message))
		}
	}
	v.uncertain(m)
}

// usernames says that usernames are left out, or that users would have to sign in with the product's id.
func (v *convertView) usernames(a *convert.Account, m *mapping.Mapping) {
	var text string
	switch {
	case a.Usernames > 0:
		text = fmt.Sprintf("Left out in %s: it is not the row's email address or phone number, with which the users of "+
			"this pool sign in. To keep it, map it to preferred_username.", client.Rows(int64(a.Usernames)))
	case a.UsernamesFromID > 0:
		text = fmt.Sprintf("%s have the product's id as the username, which users may not know, and users of this pool "+
			"sign in with their username alone. To use another column, edit a copy of the mapping %s. To let users sign in "+
			"with their email address, create a pool with that sign-in option: an existing pool cannot change it.",
			client.Rows(int64(a.UsernamesFromID)), m.Name)
	default:
		return
	}
	v.printf("\n%s\n", v.paint(bold, "Usernames"))
	v.paragraph("  ", text)
}

// uncertain lists what the mapping relies on without proof.
func (v *convertView) uncertain(m *mapping.Mapping) {
	title := v.paint(bold, "Not certain")
	for _, f := range m.Facts {
		if f.Uncertain == "" {
			continue
		}
		if title != "" {
			v.printf("\n%s\n", title)
			title = ""
		}
		v.paragraph("  ", "• "+f.Fact+" "+f.Uncertain)
	}
}

func (v *convertView) files(a *convert.Account) {
	v.printf("\n")
	if a.Files.Converted != "" {
		v.printf("Ready to check and to drop: %s\n", v.paint(bold, printable(a.Files.Converted, 200)))
	}
	if a.Files.Excluded != "" {
		v.printf("Left out, with the reasons: %s\n", v.paint(bold, printable(a.Files.Excluded, 200)))
	}
	if a.Files.Failed != "" {
		v.printf("Not converted, since they cannot be read: %s\n", v.paint(bold, printable(a.Files.Failed, 200)))
	}
	v.printf("What became of each column, row and hash: %s\n", v.paint(bold, printable(a.Files.Account, 200)))
}
