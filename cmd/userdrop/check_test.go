package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const testPool = `{"UserPool": {"Id": "us-east-1_Example", "MfaConfiguration": "OFF",
	"AutoVerifiedAttributes": ["email"], "UsernameConfiguration": {"CaseSensitive": false},
	"SchemaAttributes": [
		{"Name": "custom:tier", "AttributeDataType": "String", "StringAttributeConstraints": {"MaxLength": "5"}},
		{"Name": "sub", "AttributeDataType": "String", "Required": true},
		{"Name": "email", "AttributeDataType": "String", "Required": true}]}}`

const testHeader = `{"UserPoolId": "us-east-1_Example",
	"CSVHeader": ["email", "email_verified", "cognito:mfa_enabled", "cognito:username"]}`

// desk is a directory with a pool, a header and files to check.
func desk(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	files["pool.json"], files["header.json"] = testPool, testHeader
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	return dir
}

func userdrop(args ...string) (code int, stdout, stderr string) {
	var out, errs strings.Builder
	code = run(args, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

func TestCheckExitCodes(t *testing.T) {
	desk(t, map[string]string{
		"good.csv": "email,username\na@example.com,ann\n", "bad.csv": "email,username\nbad,ann\n",
		"mixed.csv": "email,username\na@example.com,ann\nbad,bob\n", "refused.csv": "nonsense\n1\n", "empty.csv": "",
		// As Windows PowerShell redirects: UTF-16, or UTF-8 with a byte order mark.
		"pool16.json":  "\xFF\xFE" + strings.Join(strings.SplitAfter(testPool, ""), "\x00") + "\x00",
		"header8.json": "\uFEFF" + testHeader,
	})
	for _, tc := range []struct {
		args   string
		code   int
		stderr string
	}{
		{"good.csv --pool pool.json --assume-verified email", 0, ""},
		{"good.csv --pool pool.json --header header.json --assume-verified both", 0, ""},
		{"good.csv --pool pool16.json --header header8.json --assume-verified email", 0, ""},
		{"mixed.csv --pool pool.json --assume-verified email", 1, ""},
		{"bad.csv --pool pool.json", 1, ""},
		{"refused.csv --pool pool.json", 2, ""},
		{"empty.csv --pool pool.json", 2, ""},
		{"good.csv", 64, "userdrop: check needs a user pool: --pool POOL.json, --pool-id ID or --stack NAME"},
		{
			"--pool pool.json", 64,
			"userdrop: usage: userdrop check FILE... (--pool FILE | --pool-id ID | --stack NAME) [flags] " +
				`(see "userdrop check --help")`,
		},
		{"none.csv --pool pool.json", 64, "userdrop: open none.csv: no such file or directory"},
		{". --pool pool.json", 64, "userdrop: . is a directory: name the files in it, such as *.csv"},
		{"good.csv --pool none.json", 64, "userdrop: open none.json: no such file or directory"},
		{
			"good.csv --pool header.json", 64,
			"userdrop: header.json: not the JSON of describe-user-pool: it has no UserPool",
		},
		{
			"good.csv --pool pool.json --header pool.json", 64,
			"userdrop: pool.json: not the JSON of get-csv-header: it has no CSVHeader",
		},
		{
			"good.csv --pool pool.json --assume-verified all", 64,
			`userdrop: assume-verified "all" is none of none, email, phone_number, both`,
		},
		{
			"good.csv --pool pool.json --default-phone-country Atlantis", 64,
			`userdrop: default-phone-country "ATLANTIS" is no ISO country code such as US or DE`,
		},
		{"good.csv --pool pool.json --colour", 64, `userdrop: unknown flag: --colour (see "userdrop check --help")`},
	} {
		t.Run(tc.args, func(t *testing.T) {
			code, _, stderr := userdrop(append([]string{"check"}, strings.Fields(tc.args)...)...)
			if code != tc.code || strings.TrimSpace(stderr) != tc.stderr {
				t.Errorf("exit %d, want %d: %s", code, tc.code, stderr)
			}
		})
	}
}

// TestCheckInterrupted: nothing half done stays behind.
func TestCheckInterrupted(t *testing.T) {
	desk(t, map[string]string{"users.csv": "email,username\n" + strings.Repeat("a@example.com,ann\nbad,bob\n", 1<<18)})
	ctx := &interrupted{Context: t.Context(), left: 3}
	var stdout, stderr strings.Builder
	code := execute(ctx, strings.Fields("check users.csv --pool pool.json --assume-verified email --out out"), nil,
		&stdout, &stderr)
	if code != int(exitInterrupted) || stdout.String() != "" || stderr.String() != "userdrop: interrupted\n" {
		t.Errorf("exit %d\n%s%s", code, stdout.String(), stderr.String())
	}
	if left, err := os.ReadDir("out"); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// interrupted is a context that is over when it was asked so often.
type interrupted struct {
	context.Context
	left int
}

func (c *interrupted) Err() error {
	if c.left--; c.left >= 0 {
		return nil
	}
	return context.Canceled
}

func TestCheckOutput(t *testing.T) {
	desk(t, map[string]string{
		"users.csv": "email;username;tier;email_verified\na@example.com;ann;gold;yes\nbad\x1b[31m;bob;platinum;no\n",
	})
	code, stdout, stderr := userdrop("check", "users.csv", "--pool", "pool.json", "--out", "out")
	want := `! users.csv: 1 of 2 rows pass, 1 rejected.

  1 row rejected for 3 reasons: a row can have several reasons.

NotVerified  1 row, line 3
  None of the attributes that the pool verifies automatically is marked as
  verified. If the address or number was verified, set email_verified or
  phone_number_verified to true.

BadCharacter  1 row, line 3
  A value holds a character that cannot be seen, or that shows that a program
  has damaged the text. Type the value anew.
    line 3  email  bad\x1b[31m
      It holds the character U+001B.

TooLong  1 row, line 3
  A value has more characters than the pool's schema allows, or more than 2,048.
  Shorten it.
    line 3  tier  platinum

Import jobs it would take
  part 1  1 row, 305 bytes  out/part-0001.csv

The rejected rows are in out/failed.csv: fix them there and drop that file.
`
	if diff := cmp.Diff(want, stdout); code != 1 || stderr != "" || diff != "" {
		t.Errorf("exit %d, stderr %q, -want +got\n%s", code, stderr, diff)
	}
}

// summary is what of result.json is a contract.
type summary struct {
	Schema, UserPoolID, Verdict string
	ImportID                    *string
	Sources                     []struct {
		Key   string
		Bytes int
		Rows  map[string]int
	}
	Rows     map[string]int
	Jobs     []any
	Problems []struct {
		Code    string
		Count   int
		Lines   []int
		Columns []string
	}
	Files struct {
		Failed string
		Parts  []string
	}
}

// A header of somebody's whole database does not scroll everything else away.
func TestCheckManyColumns(t *testing.T) {
	names := []string{"email", "username"}
	for i := range 3000 {
		names = append(names, fmt.Sprintf("unknown%d", i))
	}
	desk(t, map[string]string{"users.csv": strings.Join(names, ",") + "\n"})
	code, stdout, _ := userdrop("check", "users.csv", "--pool", "pool.json")
	text := strings.Join(strings.Fields(stdout), " ")
	if code != 2 || !strings.Contains(text, "unknown199: not an attribute") || !strings.Contains(text, "and 2800 more columns") ||
		strings.Contains(text, "unknown200") {
		t.Errorf("exit code %d\n%s", code, stdout)
	}
}

func TestCheckJSON(t *testing.T) {
	desk(t, map[string]string{"users.csv": "email,username\na@example.com,ann\nbad,bob\na@example.com,ANN\n"})
	code, stdout, _ := userdrop(strings.Fields(
		"check users.csv --pool pool.json --assume-verified email --json --out o")...)
	var got summary
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != 1 {
		t.Fatalf("exit %d, %v: %s", code, err, stdout)
	}
	if text, err := os.ReadFile("o/result.json"); err != nil || string(text) != stdout {
		t.Errorf("result.json is not what --json prints: %v", err)
	}
	rows := map[string]int{"read": 3, "rejected": 2, "submitted": 1}
	if diff := cmp.Diff(rows, got.Rows); diff != "" {
		t.Error(diff)
	}
	if got.Verdict != "CHECKED" || got.ImportID != nil || got.Jobs == nil || len(got.Jobs) != 0 ||
		got.Schema != "userdrop.result/v1" || got.UserPoolID != "us-east-1_Example" ||
		got.Sources[0].Key != "users.csv" || got.Sources[0].Bytes != 59 || got.Sources[0].Rows["read"] != 3 {
		t.Errorf("got %+v", got)
	}
	parts := []string{"o/part-0001.csv"}
	if diff := cmp.Diff(parts, got.Files.Parts); diff != "" || got.Files.Failed != "o/failed.csv" {
		t.Errorf("files %+v", got.Files)
	}
	if len(got.Problems) != 2 || got.Problems[0].Code != "DuplicateUsername" ||
		!slices.Equal(got.Problems[1].Lines, []int{3}) {
		t.Errorf("problems %+v", got.Problems)
	}
}

// A refused file leaves result.json alone, whatever an earlier run left, and other files are not touched.
func TestCheckRefusedLeavesOnlyResult(t *testing.T) {
	desk(t, map[string]string{
		"good.csv": "email,username\na@example.com,ann\nbad,bob\n",
		// Bad below rows that were already written.
		"late.csv": "email,username\na@example.com,ann\nbad,bob\n" + strings.Repeat("\n", 300_000) +
			"a@example.com,\xff\n",
	})
	list := func() (names []string) {
		entries, err := os.ReadDir("out")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names
	}
	check := func(file string) int {
		code, _, _ := userdrop("check", file, "--pool", "pool.json", "--assume-verified", "email", "--out", "out")
		return code
	}
	if code := check("good.csv"); code != 1 {
		t.Fatalf("exit %d", code)
	}
	for _, name := range []string{"notes.txt", "part-time.csv", "part-0042.csv"} {
		if err := os.WriteFile("out/"+name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	written := []string{"failed.csv", "notes.txt", "part-0001.csv", "part-0042.csv", "part-time.csv", "result.json"}
	if diff := cmp.Diff(written, list()); diff != "" {
		t.Error(diff)
	}
	if code := check("late.csv"); code != 2 {
		t.Fatalf("exit %d", code)
	}
	if diff := cmp.Diff([]string{"notes.txt", "part-time.csv", "result.json"}, list()); diff != "" {
		t.Error(diff)
	}
	var got summary
	text, err := os.ReadFile("out/result.json")
	if err != nil || json.Unmarshal(text, &got) != nil {
		t.Fatal(err)
	}
	if got.Verdict != "REJECTED" || got.Rows["read"] != 0 || !slices.Equal(got.Problems[0].Lines, []int{300_004}) {
		t.Errorf("got %+v", got)
	}
}

// A repaired failed.csv can be checked, but not with its own directory as --out: it would be gone.
func TestCheckKeepsItsSource(t *testing.T) {
	desk(t, map[string]string{"users.csv": "email,username\nbad,ann\n"})
	userdrop("check", "users.csv", "--pool", "pool.json", "--out", "out")
	code, _, stderr := userdrop("check", "out/failed.csv", "--pool", "pool.json", "--out", "./out")
	if _, err := os.Stat("out/failed.csv"); code != 64 || err != nil {
		t.Errorf("exit %d, %v: %s", code, err, stderr)
	}
	if code, _, _ := userdrop("check", "out/failed.csv", "--pool", "pool.json", "--out", "next"); code != 1 {
		t.Errorf("exit %d", code)
	}
}
