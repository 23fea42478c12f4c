package main

import (
	"os"
	"strings"
	"testing"

	"userdrop/internal/contract"
)

// TestExistingFlag drops the same user again, with another name, by the ways that --existing asks for.
func TestExistingFlag(t *testing.T) {
	d := deploy(t, doubleOptions{speed: 100, set: []string{"Existing=update"}})
	drop := func(name string, want int, flags string) *contract.Result {
		t.Helper()
		text := "username,email,email_verified,name\nann,ann@example.com,true," + name + "\n"
		if err := os.WriteFile("ann.csv", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		args := append([]string{"drop", "ann.csv", "--watch", "--json", "--interval", "50ms"}, strings.Fields(flags)...)
		code, stdout, stderr := userdrop(args...)
		r, err := contract.UnmarshalResult([]byte(stdout))
		if err != nil || code != want {
			t.Fatalf("%s: exit %d, %v\n%s%s", flags, code, err, stdout, stderr)
		}
		return r
	}
	name := func() string { return d.Cognito.Users(examplePool)[0].Attributes["name"] }
	drop("Ann", 0, "--existing fail") // there is no such user yet
	if r := drop("Anna", 1, "--existing fail"); r.Problems[0].Code != contract.UserExists {
		t.Errorf("fail: %+v", r.Problems)
	}
	if r := drop("Anna", 0, "--existing skip"); r.Rows.Counts().Skipped != 1 || r.Changes != nil || name() != "Ann" {
		t.Errorf("skip: %+v, the user is %s", r.Rows, name())
	}
	if r := drop("Anna", 0, "--existing update --check"); r.Changes.Attributes.Wanted != 1 || name() != "Ann" {
		t.Errorf("dry run: %+v, the user is %s", r.Changes, name())
	}
	if r := drop("Anna", 0, "--existing update"); r.Changes.Attributes.Applied != 1 || name() != "Anna" {
		t.Errorf("update: %+v, the user is %s", r.Changes, name())
	}
}

// TestExistingNotAllowed asks a stack for what its parameter Existing does not allow.
func TestExistingNotAllowed(t *testing.T) {
	deploy(t, doubleOptions{speed: 100})
	code, stdout, _ := userdrop("drop", "good.csv", "--existing", "update", "--watch", "--interval", "50ms")
	for _, want := range []string{"ManifestMismatch", "its parameter Existing is skip", "Existing=update"} {
		if words := strings.Join(strings.Fields(stdout), " "); code != 1 || !strings.Contains(words, want) {
			t.Errorf("exit %d, no %q in %s", code, want, stdout)
		}
	}
	code, _, stderr := userdrop("check", "good.csv", "--stack", "userdrop", "--existing", "fail")
	if code != exitUsage || !strings.Contains(stderr, "does not allow --existing fail: its parameter Existing is skip") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

// TestExistingOffline: a check says what it can't know, and a demo takes the flag as the stack's parameter.
func TestExistingOffline(t *testing.T) {
	workplace(t)
	for _, c := range []struct{ flags, stderr string }{
		{"", ""},
		{"--existing skip", ""},
		{"--existing update", "what would change is not checked here"},
		{"--existing fail", "would be rejected, which is not checked here"},
		{"--existing fail --quiet", ""},
	} {
		code, stdout, stderr := userdrop(append(strings.Fields("check good.csv --pool pool.json"), strings.Fields(c.flags)...)...)
		if code != 0 || !strings.Contains(stderr, c.stderr) || c.stderr == "" && stderr != "" {
			t.Errorf("%s: exit %d\n%s%s", c.flags, code, stdout, stderr)
		}
	}
	code, stdout, stderr := userdrop(strings.Fields("demo good.csv --existing update --speed 100 --json")...)
	if code != 0 {
		t.Errorf("demo: exit %d\n%s%s", code, stdout, stderr)
	}
	for _, command := range []string{"check good.csv", "demo good.csv", "drop good.csv"} {
		code, _, stderr := userdrop(strings.Fields(command + " --existing replace")...)
		if code != exitUsage || !strings.Contains(stderr, "choose skip, update or fail") {
			t.Errorf("%s: exit %d: %s", command, code, stderr)
		}
	}
}
