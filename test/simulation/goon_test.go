package simulation_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"userdrop/internal/contract"
	"userdrop/localaws"
	"userdrop/localaws/cognito"
	"userdrop/test/simulation"
)

const onePool = `{"UserPool": {
	"Id": "us-east-1_Example1", "Name": "example", "MfaConfiguration": "OFF", "AutoVerifiedAttributes": ["email"],
	"UsernameConfiguration": {"CaseSensitive": false},
	"SchemaAttributes": [
		{"Name": "email", "AttributeDataType": "String", "Mutable": true},
		{"Name": "email_verified", "AttributeDataType": "Boolean", "Mutable": true}
	]
}}`

// list is a file with the users from..to.
func list(from, to int) []byte {
	var text strings.Builder
	text.WriteString("cognito:username,email,email_verified\n")
	for n := from; n < to; n++ {
		fmt.Fprintf(&text, "user%d,user%d@example.com,true\n", n, n)
	}
	return []byte(text.String())
}

// boot is a world with one pool, and others like it.
func boot(t *testing.T, o localaws.Options, others ...string) *simulation.World {
	t.Helper()
	o.Pools = []localaws.Pool{{Description: []byte(onePool)}}
	for _, id := range others {
		o.Pools = append(o.Pools, localaws.Pool{
			Description: []byte(strings.ReplaceAll(onePool, "us-east-1_Example1", id)),
		})
	}
	w, err := simulation.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// drop imports a file and returns its result.
func drop(t *testing.T, w *simulation.World, name string, text []byte) *contract.Result {
	t.Helper()
	if _, err := w.S3.Put(w.Inbox(), "incoming/us-east-1_Example1/"+name+".csv", text); err != nil {
		t.Fatal(err)
	}
	if !w.Settle(t.Context(), 48*time.Hour) {
		t.Fatal("the import does not end")
	}
	for _, e := range w.Imports() {
		if strings.HasPrefix(e.Name, name+"-") {
			got, err := w.Result(e.Name)
			if err != nil || got == nil {
				t.Fatalf("no result: %v; the execution ended %s: %s %s", err, e.Status, e.Error, e.Cause)
			}
			return got
		}
	}
	t.Fatal("no execution")
	return nil
}

// TestNightlyList drops 9,000 users who are there and 1,000 new ones behind them: whatever the threshold at which
// Cognito gives a job up, the new ones get in.
func TestNightlyList(t *testing.T) {
	for _, fraction := range []float64{0, 0.1, 0.5, 0.9, 2} {
		for _, minimum := range []int64{1, 100} {
			for _, early := range []bool{false, true} {
				t.Run(fmt.Sprintf("fraction %v minimum %d early %v", fraction, minimum, early), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						settings := cognito.Defaults()
						settings.FailFraction, settings.FailMinimum, settings.FailEarly = fraction, minimum, early
						w := boot(t, localaws.Options{Cognito: settings})
						defer w.Close()
						drop(t, w, "first", list(0, 9_000))
						got := drop(t, w, "nightly", list(0, 10_000))
						if n := w.Cognito.UserCount("us-east-1_Example1"); n != 10_000 {
							t.Errorf("%d users, want 10000; %+v", n, got.Rows.Counts())
						}
						want := contract.RowOutcomes{Imported: 1_000, Skipped: 9_000}
						if got.Rows.Counts() != want || got.Verdict != contract.VerdictSucceeded {
							t.Errorf("%s %+v, want SUCCEEDED %+v", got.Verdict, got.Rows.Counts(), want)
						}
					})
				})
			}
		}
	}
}
