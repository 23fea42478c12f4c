package report_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/contract"
)

// TestCodesPage compares docs/codes.md, to which the report links, with the codes. With -update it writes the page.
func TestCodesPage(t *testing.T) {
	const name = "../../docs/codes.md"
	page := codesPage()
	if *update {
		if err := os.WriteFile(name, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(page, string(text)); diff != "" {
		t.Error("write it with go test ./internal/report -update:", diff)
	}
}

func codesPage() string {
	var b strings.Builder
	b.WriteString(`# Codes of problems and notes

` + "`result.json`, `failed.csv`, the report and the terminal name a problem by its code. This page lists every code.\n" +
		"[csv.md](csv.md) has the rules with examples.\n")
	entry := func(code, title, message string) {
		fmt.Fprintf(&b, "\n### %s\n\n*%s.* %s\n", code, title, message)
	}
	b.WriteString("\n## Problems of a file\n\nNo row of the file is imported. Fix the problem and drop the file again.\n")
	rows := false
	for _, c := range contract.AllCodes() {
		if !rows && !c.OfFile() {
			rows = true
			b.WriteString("\n## Problems of a row\n\nThe other rows are imported. `failed.csv` has the row with its reason.\n")
		}
		entry(c.String(), c.Title(), c.Message())
	}
	b.WriteString("\n## Notes\n\nA note says how a value was read. It rejects no row.\n")
	for _, c := range contract.AllNoteCodes() {
		entry(c.String(), c.Title(), c.Message())
	}
	return b.String()
}
