package mapping

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write docs/from anew")

// TestPages compares the page of each product with its mapping. `go test ./internal/mapping -run Pages -update` writes
// them anew.
func TestPages(t *testing.T) {
	folder := "../../docs/from"
	pages := map[string]string{"README.md": contents()}
	for _, name := range BuiltinNames() {
		m, _ := Builtin(name)
		pages[name+".md"] = page(m)
	}
	if *update {
		for name, text := range pages {
			if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(pages) {
		t.Errorf("%d pages of %d mappings", len(entries), len(pages)-1)
	}
	for name, want := range pages {
		got, err := os.ReadFile(filepath.Join(folder, name))
		if diff := cmp.Diff(want, string(got)); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got)\n%s", name, err, diff)
		}
	}
}

// contents lists the pages.
func contents() string {
	var b strings.Builder
	b.WriteString("# I come from …\n\nA page for each product whose exports userdrop takes as they are. For any other, see " +
		"[Write a mapping of your own](../mappings.md).\n\n| Product | Mapping |\n| --- | --- |\n")
	for _, name := range BuiltinNames() {
		m, _ := Builtin(name)
		fmt.Fprintf(&b, "| [%s](%s.md) | `%s` |\n", m.Title, name, name)
	}
	return b.String()
}

// page is what people who come from a product need to know.
func page(m *Mapping) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# I come from %s\n\n## Get the export\n\n", m.Title)
	for _, step := range m.Export {
		fmt.Fprintf(&b, "- %s\n", step)
	}
	json := m.Records != "" || hasKeys(m)
	passwords := ""
	if m.Join != nil {
		passwords = " [--passwords SECOND-FILE]"
	}
	fmt.Fprintf(&b, "\n## Import it\n\n```\nuserdrop convert EXPORT --mapping %s%s --pool pool.json --out converted\n"+
		"userdrop check converted/converted.csv --pool pool.json\n"+
		"userdrop drop converted/converted.csv --stack userdrop --watch\n```\n\n",
		m.Name, passwords)
	fmt.Fprintf(&b, "A CSV export can also be dropped as it is: `userdrop drop export.csv --mapping %s`, or, for every "+
		"drop of a stack, the parameter `Mapping` with the value `%s`.", m.Name, m.Name)
	if json {
		b.WriteString(" JSON exports")
		if m.Join != nil {
			b.WriteString(", and a second file,")
		}
		b.WriteString(" are for `userdrop convert` alone.")
	}
	b.WriteString(" `pool.json` is what `aws cognito-idp describe-user-pool` prints.\n")
	b.WriteString("\n## What comes along\n\n| Attribute | From |\n| --- | --- |\n")
	for _, attribute := range slices.Sorted(maps.Keys(m.Columns)) {
		fmt.Fprintf(&b, "| `%s` | `%s` |\n", attribute, cell(m.Columns[attribute]))
	}
	if m.ID != "" {
		fmt.Fprintf(&b, "| `userdrop:id`, the old id | `%s` |\n", cell(m.ID))
	}
	b.WriteString("\nA column that is named exactly as an attribute of the pool is taken as well.")
	if _, ok := m.Columns["email_verified"]; !ok {
		b.WriteString(" Nothing in the export says whether an address was verified: decide by the setting `AssumeVerified`.")
	}
	b.WriteString("\n\n## Who is left out\n\nThe first line that fits; the rows are in `excluded.csv` with the word.\n\n" +
		"| Word | When | |\n| --- | --- | --- |\n")
	for _, x := range m.Exclude {
		fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", x.Because, cell(x.If), x.Text)
	}
	b.WriteString("\n## What does not come along\n\n")
	if hash, ok := m.Columns["password_hash"]; !ok {
		b.WriteString("- Passwords: the export has no hashes. Users set a new password at their first sign-in.\n")
	} else if strings.HasPrefix(hash, "drop(") {
		b.WriteString("- Passwords: Cognito cannot use the hashes of the export. Users set a new password at their first " +
			"sign-in.\n")
	} else {
		b.WriteString("- Password hashes that Cognito cannot use: they are dropped, and counted as `HashDropped`. These users " +
			"set a new password at their first sign-in.\n")
	}
	for _, column := range slices.Sorted(maps.Keys(m.Reasons)) {
		fmt.Fprintf(&b, "- `%s`: %s.\n", column, m.Reasons[column])
	}
	if slices.Contains(m.Ignore, "*") {
		b.WriteString("- All other columns, but for those that say who may sign in (such as `status` or `is_banned`): with " +
			"one of these that the mapping does not know, the file is refused, so that nobody who was shut out comes back.\n")
	}
	b.WriteString("\n## What this relies on\n\n")
	for _, f := range m.Facts {
		fmt.Fprintf(&b, "- %s", f.Fact)
		if f.Source != "" {
			fmt.Fprintf(&b, " ([source](%s))", f.Source)
		}
		if f.Uncertain != "" {
			fmt.Fprintf(&b, " *Not certain: %s*", f.Uncertain)
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "\nTo change any of it, print the mapping with `userdrop mappings show %s > mine.json`, edit it, and "+
		"use `--mapping mine.json`: see [Write a mapping of your own](../mappings.md).\n", m.Name)
	return b.String()
}

func hasKeys(m *Mapping) bool {
	return slices.ContainsFunc(m.Recognise, func(s Signature) bool { return s.Keys != nil })
}

// cell is an expression in a table.
func cell(expression string) string { return strings.ReplaceAll(expression, "|", `\|`) }
