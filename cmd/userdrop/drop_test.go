package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// TestDropInputs drops what is not one file of its own name.
func TestDropInputs(t *testing.T) {
	deploy(t, doubleOptions{speed: 100})
	for _, name := range []string{"a.csv", "b.csv"} {
		if err := os.WriteFile(name, []byte(good), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(t *testing.T, want int, stdin, args string) (stdout, stderr string) {
		t.Helper()
		var out, errs strings.Builder
		code := execute(t.Context(), strings.Fields(args), strings.NewReader(stdin), &out, &errs)
		if code != want {
			t.Fatalf("%s: exit %d, want %d\n%s%s", args, code, want, out.String(), errs.String())
		}
		return out.String(), errs.String()
	}
	t.Run("several files", func(t *testing.T) {
		stdout, stderr := run(t, 0, "", "drop ?.csv --json --quiet")
		if got := strings.Count(stdout, `"importId"`); got != 2 || stderr != "" {
			t.Errorf("%d imports\n%s%s", got, stdout, stderr)
		}
		run(t, 64, "", "drop a.csv b.csv --watch --out result")
		run(t, 64, "", "drop a.csv b.csv --name c.csv")
	})
	t.Run("settings of the file", func(t *testing.T) {
		file := "username,email,email_verified,office,birthdate\nkim,kim@example.com,true,x,25/12/1990\nlee," +
			"lee@example.com,true,x,3.4.1985\n"
		if err := os.WriteFile("own.csv", []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		stdout, _ := run(t, 0, "", "drop own.csv --date-order day-first --ignore-columns office --watch --interval "+
			"50ms --json")
		for _, want := range []string{`"verdict": "SUCCEEDED"`, `"ColumnIgnored"`} {
			if !strings.Contains(stdout, want) {
				t.Errorf("no %s in %s", want, stdout)
			}
		}
		run(t, 64, "", "drop own.csv --date-order backwards")
	})
	t.Run("standard input", func(t *testing.T) {
		stdin := "username,email,email_verified\nzoe,zoe@example.com,true\n"
		stdout, _ := run(t, 0, stdin, "drop - --name zoe.csv --watch --interval 50ms")
		if !strings.Contains(stdout, "incoming/us-east-1_Example1/zoe.csv") {
			t.Error(stdout)
		}
	})
	t.Run("calls are logged", func(t *testing.T) {
		_, stderr := run(t, 0, "", "list --verbose")
		for _, want := range []string{"aws: CloudFormation DescribeStacks, ", "aws: SFN ListExecutions, "} {
			if !strings.Contains(stderr, want) {
				t.Errorf("no %q in %s", want, stderr)
			}
		}
		if _, stderr := run(t, 64, "", "list --verbose --quiet"); !strings.Contains(stderr, "exclude each other") {
			t.Error(stderr)
		}
	})
	t.Run("JSON", func(t *testing.T) {
		for _, args := range []string{"pause --json", "resume --json", "version --json", "list --json"} {
			if stdout, _ := run(t, 0, "", args); !json.Valid([]byte(stdout)) {
				t.Errorf("%s: %s", args, stdout)
			}
		}
	})
	t.Run("the stack of the environment", func(t *testing.T) {
		t.Setenv("USERDROP_STACK", "other")
		if _, stderr := run(t, 66, "", "list"); !strings.Contains(stderr, `there is no stack "other"`) {
			t.Error(stderr)
		}
	})
}
