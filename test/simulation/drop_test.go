package simulation_test

import (
	"context"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/contract"
	"userdrop/localaws"
	"userdrop/localaws/cognito"
	"userdrop/test/simulation"
)

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestDrop brings the example from the inbox to the published result.
func TestDrop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, err := simulation.New(localaws.Options{
			Pools: []localaws.Pool{{Description: read(t, "../../examples/pool.json")}}, Cognito: cognito.Defaults(),
		})
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		users := read(t, "../../examples/users.csv")
		if _, err := w.S3.Put(w.Inbox(), "incoming/us-east-1_Example1/users one+two.csv", users); err != nil {
			t.Fatal(err)
		}
		if !w.Settle(context.Background(), time.Hour) {
			t.Fatal("the import does not end")
		}
		imports := w.Imports()
		if len(imports) != 1 {
			t.Fatalf("%d executions of import-users", len(imports))
		}
		r, err := w.Result(imports[0].Name)
		if err != nil || r == nil {
			t.Fatalf("no result: %v; the execution ended %s: %s %s", err, imports[0].Status, imports[0].Error, imports[0].Cause)
		}
		want := contract.Rows{Read: 14, Rejected: 8, Submitted: 6, RowOutcomes: &contract.RowOutcomes{Imported: 6}}
		if diff := cmp.Diff(want, r.Rows); diff != "" {
			t.Errorf("rows (-want +got):\n%s", diff)
		}
		if imports[0].Status != "SUCCEEDED" || r.Verdict != contract.VerdictPartial {
			t.Errorf("execution %s (%s %s), verdict %s", imports[0].Status, imports[0].Error, imports[0].Cause, r.Verdict)
		}
		if n := w.Cognito.UserCount("us-east-1_Example1"); n != 6 {
			t.Errorf("%d users in the pool, want 6", n)
		}
		if events, messages := len(w.Published()), len(w.SNS.Messages()); events != 1 || messages != 1 {
			t.Errorf("%d events and %d messages, want one of each", events, messages)
		}
		keys, err := w.S3.Keys(w.Inbox(), "")
		if err != nil {
			t.Fatal(err)
		}
		moved := "processed/2000-01-01/" + imports[0].Name + "/users one+two.csv"
		if diff := cmp.Diff([]string{moved}, keys); diff != "" {
			t.Errorf("inbox (-want +got):\n%s", diff)
		}
	})
}
