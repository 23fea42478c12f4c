package applychanges_test

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/contract"
	"userdrop/localaws"
	"userdrop/test/simulation"
)

// TestUserMap drops users with the ids of another system, twice: users.csv has each with the sub that Cognito gave.
func TestUserMap(t *testing.T) {
	change := func(o *localaws.Options) {
		o.Parameters = map[string]string{
			"UserMap": "true", "IdColumn": "old_id", "Existing": "update", "ApplyGroups": "true",
		}
	}
	world(t, change, func(t *testing.T, w *simulation.World) {
		key := "incoming/" + pool + "/users.csv"
		const first = "username,email,email_verified,name,old_id,groups,enabled\n"
		r := dropFile(t, w, key, first+
			"ann,ann@example.com,true,Ann,7,a;b,\nbob,bob@example.com,true,Bob,8,,no\nbad,bad,true,Bad,9,,\n")
		subs := map[string]string{}
		for _, u := range w.Cognito.Users(pool) {
			subs[u.Name] = u.Sub
		}
		if diff := cmp.Diff([]string{
			"userdrop:line,id,username,sub,status,enabled,outcome,groups",
			"2,7,ann," + subs["ann"] + ",RESET_REQUIRED,true,imported,a;b",
			"3,8,bob," + subs["bob"] + ",RESET_REQUIRED,false,imported,",
		}, usersFile(t, w, r)); diff != "" {
			t.Errorf("users.csv: %s", diff)
		}
		r = dropFile(t, w, key, first+
			"ann,ann@example.com,true,Anna,7,,\nbob,bob@example.com,true,Bob,8,,no\ncid,cid@example.com,true,Cid,10,,\n")
		subs["cid"] = w.Cognito.Users(pool)[2].Sub
		if diff := cmp.Diff([]string{
			"userdrop:line,id,username,sub,status,enabled,outcome,groups",
			"2,7,ann," + subs["ann"] + ",RESET_REQUIRED,true,updated,",
			"3,8,bob," + subs["bob"] + ",RESET_REQUIRED,false,existed,",
			"4,10,cid," + subs["cid"] + ",RESET_REQUIRED,true,imported,",
		}, usersFile(t, w, r)); diff != "" {
			t.Errorf("users.csv: %s", diff)
		}
	})
}

func usersFile(t *testing.T, w *simulation.World, r *contract.Result) []string {
	t.Helper()
	bucket, key, ok := strings.Cut(strings.TrimPrefix(r.Files.Users, "s3://"), "/")
	if !ok {
		t.Fatalf("there is no users.csv: %+v", r.Files)
	}
	text, err := w.S3.Get(bucket, key)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, row := range rows {
		lines = append(lines, strings.Join(row, ","))
	}
	return lines
}

// TestUnknownRowsSettled imports by a job without a log: rows whose users were created while it ran are imported, in the
// counts and in failed.csv, too. One that wants a group comes back, so that a second drop adds it.
func TestUnknownRowsSettled(t *testing.T) {
	change := func(o *localaws.Options) {
		o.Parameters = map[string]string{"UserMap": "true", "ApplyGroups": "true"}
		o.Cognito.NoLogGroup = true
		o.Pools[0].Description = bytes.Replace(o.Pools[0].Description, []byte(`"AutoVerifiedAttributes"`),
			[]byte(`"AliasAttributes": ["email"], "AutoVerifiedAttributes"`), 1) // nobody may have the address of another user
	}
	world(t, change, func(t *testing.T, w *simulation.World) {
		r := dropFile(t, w, "incoming/"+pool+"/users.csv", "username,email,email_verified,groups\n"+
			"ann,ann@example.com,true,\nbad,ann@example.com,true,\nbob,bob@example.com,true,\ncid,cid@example.com,true,a\n")
		want := contract.Rows{Read: 4, Submitted: 4, RowOutcomes: &contract.RowOutcomes{Imported: 3, Failed: 1}}
		if diff := cmp.Diff(want, r.Rows); diff != "" {
			t.Errorf("rows (-want +got):\n%s", diff)
		}
		var unknown []int
		for _, p := range r.Problems {
			if p.Code == contract.FateUnknown {
				unknown = p.Lines
			}
		}
		if diff := cmp.Diff([]int{3, 5}, unknown); diff != "" {
			t.Errorf("lines of FateUnknown (-want +got):\n%s", diff)
		}
		text, err := w.S3.Get(w.Results(), contract.FailedKey(r.ImportID, 0, 1))
		if lines := strings.Count(string(text), "\n"); err != nil || lines != 3 {
			t.Errorf("failed.csv, %v:\n%s", err, text)
		}
		if lines := usersFile(t, w, r); len(lines) != 4 {
			t.Errorf("users.csv: %q", lines)
		}
	})
}
