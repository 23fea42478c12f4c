package applychanges_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/contract"
	"userdrop/localaws"
	"userdrop/test/simulation"
)

// dropFile imports a file as it is.
func dropFile(t *testing.T, w *simulation.World, key, text string) *contract.Result {
	t.Helper()
	before := len(w.Imports())
	if _, err := w.S3.Put(w.Inbox(), key, []byte(text)); err != nil {
		t.Fatal(err)
	}
	if !w.Settle(t.Context(), 48*time.Hour) {
		t.Fatal("the import does not end")
	}
	r, err := w.Result(w.Imports()[before].Name)
	if err != nil || r == nil {
		t.Fatalf("no result: %v", err)
	}
	return r
}

func existing(mode string) func(*localaws.Options) {
	return func(o *localaws.Options) { o.Parameters = map[string]string{"Existing": mode} }
}

const header = "username,email,email_verified,name,birthdate\n"

func TestExistingUsersAreUpdated(t *testing.T) {
	world(t, existing("update"), func(t *testing.T, w *simulation.World) {
		incoming := "incoming/" + pool + "/users.csv"
		dropFile(t, w, incoming, header+
			"ann,ann@example.com,true,Ann,1990-12-31\nbob,bob@example.com,true,Bob,\ncid,cid@example.com,true,Cid,\ndee,dee@example.com,true,Dee,\n")
		const again = header +
			"ann,ann@example.com,true,Anna,1990-12-31\n" + // one attribute
			"bob,bob2@example.com,true,,\n" + // an address with its flag; a blank name
			"cid,cid@example.com,true,Cid,\n" + // nothing
			"dee,dee2@example.com,false,Dee,\n" + // rejected: not verified
			"eve,eve@example.com,true,Eve,\n" // new
		check := dropFile(t, w, "check/"+pool+"/users.csv", again)
		if diff := cmp.Diff(contract.ChangeCounts{Wanted: 2}, check.Changes.Attributes); diff != "" {
			t.Errorf("the dry run: %s", diff)
		}
		if !strings.Contains(check.Message, "active user") {
			t.Errorf("the dry run does not say what updates may cost: %s", check.Message)
		}
		r := dropFile(t, w, incoming, again)
		if diff := cmp.Diff(contract.ChangeCounts{Wanted: 2, Applied: 2}, r.Changes.Attributes); diff != "" {
			t.Errorf("changes: %s", diff)
		}
		want := contract.RowOutcomes{Imported: 1, Skipped: 3}
		if diff := cmp.Diff(want, r.Rows.Counts()); diff != "" {
			t.Errorf("rows: %s", diff)
		}
		got := map[string]string{}
		for _, u := range w.Cognito.Users(pool) {
			got[u.Name] = strings.Join([]string{
				u.Attributes["email"], u.Attributes["email_verified"], u.Attributes["name"], u.Attributes["birthdate"],
			}, " ")
		}
		if diff := cmp.Diff(map[string]string{
			"ann": "ann@example.com true Anna 12/31/1990", "bob": "bob2@example.com true Bob ",
			"cid": "cid@example.com true Cid ", "dee": "dee@example.com true Dee ", "eve": "eve@example.com true Eve ",
		}, got); diff != "" {
			t.Errorf("users: %s", diff)
		}
		if n := w.Cognito.CodesSent(pool); n != 0 {
			t.Errorf("%d codes were sent", n)
		}
	})
}

func TestExistingUsersAreRejected(t *testing.T) {
	world(t, existing("fail"), func(t *testing.T, w *simulation.World) {
		incoming := "incoming/" + pool + "/users.csv"
		dropFile(t, w, incoming, header+"ann,ann@example.com,true,Ann,\n")
		r := dropFile(t, w, incoming, header+"ann,ann@example.com,true,Anna,\nbob,bob@example.com,true,Bob,\n")
		if r.Rows.Rejected != 1 || len(r.Problems) != 1 || r.Problems[0].Code != contract.UserExists {
			t.Errorf("%d rows are rejected: %+v", r.Rows.Rejected, r.Problems)
		}
	})
}

// TestManifestAsksForExisting: a manifest may ask only for what the stack allows.
func TestManifestAsksForExisting(t *testing.T) {
	for _, test := range []struct {
		stack, asked string
		refused      bool
	}{{"skip", "skip", false}, {"skip", "update", true}, {"skip", "fail", true}, {"fail", "update", true}, {"update", "fail", false}} {
		t.Run(test.stack+" "+test.asked, func(t *testing.T) {
			world(t, existing(test.stack), func(t *testing.T, w *simulation.World) {
				key := "incoming/" + pool + "/users.csv"
				manifest := fmt.Sprintf(`{"existing": %q}`, test.asked)
				if _, err := w.S3.Put(w.Inbox(), key+".manifest.json", []byte(manifest)); err != nil {
					t.Fatal(err)
				}
				r := dropFile(t, w, key, header+"ann,ann@example.com,true,Ann,\n")
				if refused := r.Verdict == contract.VerdictRejected; refused != test.refused {
					t.Errorf("verdict %s: %+v", r.Verdict, r.Problems)
				}
			})
		})
	}
}

// TestNightlyList drops a full list of which one in a hundred users changed and some are new: one small job, and as many
// updates as users changed.
func TestNightlyList(t *testing.T) {
	const users, changed, fresh = 3000, 30, 5
	calls := map[string]int{}
	change := func(o *localaws.Options) {
		existing("update")(o)
		o.Calls = func(c localaws.Call, next http.Handler) http.Handler {
			calls[c.Operation]++
			return next
		}
	}
	world(t, change, func(t *testing.T, w *simulation.World) {
		list := func(users, changed int) string {
			var b strings.Builder
			b.WriteString(header)
			for i := range users {
				name := "Sam"
				if i < changed {
					name = "Samuel"
				}
				fmt.Fprintf(&b, "u%d,u%d@example.com,true,%s,\n", i, i, name)
			}
			return b.String()
		}
		dropFile(t, w, "incoming/"+pool+"/a.csv", list(users, 0))
		clear(calls)
		r := dropFile(t, w, "incoming/"+pool+"/b.csv", list(users+fresh, changed))
		if len(r.Jobs) != 1 || r.Jobs[0].Rows.Submitted != fresh || r.Verdict != contract.VerdictSucceeded {
			t.Errorf("jobs %+v, verdict %s", r.Jobs, r.Verdict)
		}
		got := map[string]int{}
		for _, name := range []string{"ListUsers", "AdminUpdateUserAttributes", "AdminGetUser", "CreateUserImportJob"} {
			got[name] = calls[name]
		}
		if diff := cmp.Diff(map[string]int{
			"ListUsers": users / 60, "AdminUpdateUserAttributes": changed, "AdminGetUser": 0, "CreateUserImportJob": 1,
		}, got); diff != "" {
			t.Errorf("calls: %s", diff)
		}
	})
}

// TestUpdatesRunBesideTheImport changes existing users while the job of the new ones runs, and not again after it.
func TestUpdatesRunBesideTheImport(t *testing.T) {
	const old, fresh = 30, 600
	var updates []time.Time
	change := func(o *localaws.Options) {
		existing("update")(o)
		o.Cognito.UsersPerSecond = 1
		o.Calls = func(c localaws.Call, next http.Handler) http.Handler {
			if c.Operation == "AdminUpdateUserAttributes" {
				updates = append(updates, time.Now())
			}
			return next
		}
	}
	world(t, change, func(t *testing.T, w *simulation.World) {
		list := func(users int, name string) string {
			var b strings.Builder
			b.WriteString(header)
			for i := range users {
				fmt.Fprintf(&b, "u%d,u%d@example.com,true,%s,\n", i, i, name)
			}
			return b.String()
		}
		dropFile(t, w, "incoming/"+pool+"/a.csv", list(old, "Sam"))
		r := dropFile(t, w, "incoming/"+pool+"/b.csv", list(old+fresh, "Samuel"))
		if diff := cmp.Diff(contract.ChangeCounts{Wanted: old, Applied: old}, r.Changes.Attributes); diff != "" {
			t.Errorf("changes: %s", diff)
		}
		if len(updates) != old || len(r.Jobs) != 1 {
			t.Fatalf("%d updates, %d jobs", len(updates), len(r.Jobs))
		}
		if last, middle := updates[old-1], r.Jobs[0].CompletedAt.Add(-fresh/2*time.Second); last.After(middle) {
			t.Errorf("the last update was at %s, and the job ended at %s", last, r.Jobs[0].CompletedAt)
		}
		if n := len(w.StepFunctions.Executions(w.Machine("apply-changes"))); n != 1 {
			t.Errorf("%d executions apply changes", n)
		}
	})
}
