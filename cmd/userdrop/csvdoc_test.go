package main

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	csvBlock  = regexp.MustCompile("(?ms)^```csv *([^\n]*)\n(.*?)^```$")
	inTicks   = regexp.MustCompile("`([^`]+)`")
	valueRows = regexp.MustCompile("(?m)^\\| (`.*`.*) \\| (`.*`) \\| `(.*)` \\|$")
)

// csvDocument is docs/csv.md, in a directory with the pool that it names.
func csvDocument(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/csv.md")
	if err != nil {
		t.Fatal(err)
	}
	pool, err := os.ReadFile("../../examples/pool.json")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("pool.json", pool, 0o600); err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestCSVExamples checks every example file of docs/csv.md, with the flags behind its fence: all rows pass.
func TestCSVExamples(t *testing.T) {
	blocks := csvBlock.FindAllStringSubmatch(csvDocument(t), -1)
	if len(blocks) < 5 {
		t.Fatalf("only %d examples", len(blocks))
	}
	for _, block := range blocks {
		if err := os.WriteFile("users.csv", []byte(block[2]), 0o600); err != nil {
			t.Fatal(err)
		}
		args := append([]string{"check", "users.csv", "--pool", "pool.json"}, strings.Fields(block[1])...)
		if code, stdout, stderr := userdrop(args...); code != 0 {
			t.Errorf("%q: exit %d\n%s\n%s%s", args, code, block[2], stdout, stderr)
		}
	}
}

// TestCSVValues checks what the table of values says of each column: what may be written, and what Cognito gets.
func TestCSVValues(t *testing.T) {
	text := csvDocument(t)
	_, table, _ := strings.Cut(text, "## Values")
	table, _, _ = strings.Cut(table, "\n- ")
	rows := valueRows.FindAllStringSubmatch(table, -1)
	if len(rows) < 8 {
		t.Fatalf("only %d rows of values", len(rows))
	}
	for _, row := range rows {
		for _, column := range inTicks.FindAllStringSubmatch(row[1], -1) {
			for _, written := range inTicks.FindAllStringSubmatch(row[2], -1) {
				if got := imported(t, column[1], written[1]); got != row[3] {
					t.Errorf("%s: %s becomes %q, the document says %q", column[1], written[1], got, row[3])
				}
			}
		}
	}
}

// imported is what Cognito gets of one cell.
func imported(t *testing.T, column, cell string) string {
	t.Helper()
	names, cells := []string{"username", "email"}, []string{"ann", "ann@example.com"}
	if column != "email_verified" {
		names, cells = append(names, "email_verified"), append(cells, "true")
	}
	var file strings.Builder
	w := csv.NewWriter(&file)
	if err := w.WriteAll([][]string{append(names, column), append(cells, cell)}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("users.csv", []byte(file.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := userdrop("check", "users.csv", "--pool", "pool.json", "--out", "out")
	if code != 0 {
		t.Errorf("%s %q: exit %d\n%s%s", column, cell, code, stdout, stderr)
		return ""
	}
	part, err := os.ReadFile(filepath.Join("out", "part-0001.csv"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(part), "\n")
	header, values := strings.Split(lines[0], ","), strings.Split(lines[1], ",")
	for i, name := range header {
		if name == column {
			return values[i]
		}
	}
	t.Errorf("the part has no column %s: %s", column, cmp.Diff(nil, header))
	return ""
}

// TestCSVSettings compares the settings that docs/csv.md lists with the flags of check and the template's parameters.
func TestCSVSettings(t *testing.T) {
	template, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := csvDocument(t)
	var rules ruleFlags
	for flag, place := range rules.byFlag() {
		if !strings.Contains(text, "| `"+place.parameter+"` | `--"+flag+"` |") {
			t.Errorf("docs/csv.md does not list %s and --%s together", place.parameter, flag)
		}
		if !strings.Contains(string(template), "\n  "+place.parameter+":\n    Type: String\n") {
			t.Errorf("the template has no parameter %s", place.parameter)
		}
	}
}
