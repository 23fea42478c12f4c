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
