package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/google/go-cmp/cmp"

	"userdrop/internal/contract"
)

// TestUndo imports users, of whom one existed before and one is changed afterwards, plans to remove them, removes them,
// and does so again.
func TestUndo(t *testing.T) {
	d := deploy(t, doubleOptions{speed: 100, set: []string{"UserMap=true", "ApplyGroups=true"}})
	client := cognito.NewFromConfig(d.Config(""))
	imports := func(text string) string {
		t.Helper()
		if err := os.WriteFile("file.csv", []byte("username,email,email_verified,enabled\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
		code, stdout, stderr := userdrop("drop", "file.csv", "--watch", "--json")
		if code != 0 {
			t.Fatalf("drop: exit %d: %s%s", code, stdout, stderr)
		}
		var r contract.Result
		if err := json.Unmarshal([]byte(stdout), &r); err != nil {
			t.Fatalf("%v: %s", err, stdout)
		}
		return r.ImportID
	}
	imports("old,old@example.com,true,\n")
	id := imports("old,old@example.com,true,\nann,ann@example.com,true,no\nbob,bob@example.com,true,\n")
	names := func() string {
		var names []string
		for _, u := range d.Cognito.Users(examplePool) {
			names = append(names, u.Name)
		}
		return strings.Join(names, " ")
	}
	listed := func(file string) (rows []string) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			cells := strings.Split(strings.TrimSpace(line), ",")
			rows = append(rows, cells[0]+": "+cells[2]+" "+cells[3])
		}
		return rows[1:]
	}
	pool, bob := examplePool, "bob"
	for _, step := range []struct {
		before func()
		args   []string
		file   string // which an earlier run never loses to a later one
		listed []string
		users  string
	}{
		{func() {}, nil, "undo.csv", []string{
			"old: kept existed before the import", "ann: would be removed ", "bob: would be removed ",
		}, "old ann bob"},
		{func() {
			if _, err := client.AdminDisableUser(t.Context(), &cognito.AdminDisableUserInput{
				UserPoolId: &pool, Username: &bob,
			}); err != nil {
				t.Fatal(err)
			}
		}, []string{"--yes"}, "undo-2.csv", []string{
			"old: kept existed before the import", "ann: removed ", "bob: kept was changed after the import",
		}, "old bob"},
		{func() {}, []string{"--yes"}, "undo-3.csv", []string{
			"old: kept existed before the import", "ann: gone is not in the pool any more",
			"bob: kept was changed after the import",
		}, "old bob"},
	} {
		step.before()
		code, stdout, stderr := userdrop(append([]string{"undo", id}, step.args...)...)
		if code != 0 || !strings.Contains(stdout, step.file+" lists each") {
			t.Fatalf("undo: exit %d: %s%s", code, stdout, stderr)
		}
		if diff := cmp.Diff(step.listed, listed(step.file)); diff != "" {
			t.Errorf("%s: %s", step.file, diff)
		}
		if got := names(); got != step.users {
			t.Errorf("the pool has %s, want %s", got, step.users)
		}
	}
}

// TestUndoWithoutUsers refuses an import without users.csv.
func TestUndoWithoutUsers(t *testing.T) {
	deploy(t, doubleOptions{speed: 100})
	code, _, stderr := userdrop("drop", "good.csv", "--watch", "--json")
	if code != 0 {
		t.Fatal(stderr)
	}
	code, stdout, _ := userdrop("list", "--json")
	if code != 0 {
		t.Fatal(stdout)
	}
	var imports []struct{ ImportID string }
	if err := json.Unmarshal([]byte(stdout), &imports); err != nil || len(imports) == 0 {
		t.Fatalf("%v: %s", err, stdout)
	}
	code, _, stderr = userdrop("undo", imports[0].ImportID)
	if code != 69 || !strings.Contains(stderr, "UserMap=true") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}
