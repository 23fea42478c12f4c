package applychanges_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	api "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/google/go-cmp/cmp"

	"userdrop"
	"userdrop/internal/contract"
	"userdrop/localaws"
	"userdrop/localaws/cognito"
	"userdrop/test/simulation"
)

const pool = "us-east-1_Example1"

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

// world boots a stack that applies groups, in a bubble of virtual time, and makes the groups a and b.
func world(t *testing.T, change func(*localaws.Options), run func(*testing.T, *simulation.World)) {
	t.Helper()
	tuned(t, change, nil, run)
}

// tuned is world with other environments of functions.
func tuned(
	t *testing.T, change func(*localaws.Options), environment map[string]string, run func(*testing.T, *simulation.World),
) {
	t.Helper()
	description, err := userdrop.Examples.ReadFile("examples/pool.json")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		options := localaws.Options{
			Pools: []localaws.Pool{{Description: description}}, Cognito: cognito.Defaults(),
			Parameters: map[string]string{"ApplyGroups": "true"},
		}
		if change != nil {
			change(&options)
		}
		w, err := simulation.Tuned(options, simulation.Tuning{Environment: environment})
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		for _, name := range []string{"a", "b"} {
			_, err := client(w).CreateGroup(t.Context(), &api.CreateGroupInput{UserPoolId: aws.String(pool), GroupName: &name})
			if err != nil {
				t.Fatal(err)
			}
		}
		run(t, w)
	})
}

func client(w *simulation.World) *api.Client { return api.NewFromConfig(w.Config("")) }

// drop imports a file with the columns groups and enabled; each row is username,groups,enabled.
func drop(t *testing.T, w *simulation.World, rows ...string) *contract.Result {
	t.Helper()
	var text strings.Builder
	text.WriteString("username,groups,enabled,email,email_verified\n")
	for _, row := range rows {
		name, _, _ := strings.Cut(row, ",")
		fmt.Fprintf(&text, "%s,%s@example.com,true\n", row, name)
	}
	before := len(w.Imports())
	if _, err := w.S3.Put(w.Inbox(), "incoming/"+pool+"/users.csv", []byte(text.String())); err != nil {
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

// states shows each user's groups, and whether the user is disabled.
func states(w *simulation.World) map[string]string {
	all := map[string]string{}
	for _, u := range w.Cognito.Users(pool) {
		all[u.Name] = strings.Join(u.Groups, " ")
		if !u.Enabled {
			all[u.Name] += " disabled"
		}
	}
	return all
}

func TestGroupsAndStates(t *testing.T) {
	world(t, nil, func(t *testing.T, w *simulation.World) {
		r := drop(t, w, "u1,a;b,", "u2,,no", "u3,a,yes", "u4,,", "u5,c,", "u6,b,perhaps")
		want := &contract.Changes{
			Groups: contract.ChangeCounts{Wanted: 3, Applied: 3},
			State:  contract.ChangeCounts{Wanted: 2, Applied: 1, Unchanged: 1},
		}
		if diff := cmp.Diff(want, r.Changes); diff != "" {
			t.Errorf("changes (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[string]string{"u1": "a b", "u2": " disabled", "u3": "a", "u4": ""}, states(w)); diff != "" {
			t.Errorf("users (-want +got):\n%s", diff)
		}
		if r.Rows.Rejected != 2 || r.Verdict != contract.VerdictPartial {
			t.Errorf("%d rows are rejected, the verdict is %s", r.Rows.Rejected, r.Verdict)
		}
		// Again: the users exist. A blank cell changes nothing, nobody leaves a group, and who is to be enabled is.
		r = drop(t, w, "u1,,", "u2,b,true", "u3,b,false", "u4,,no")
		if r.Verdict != contract.VerdictSucceeded {
			t.Errorf("the verdict is %s: %s", r.Verdict, r.Message)
		}
		if diff := cmp.Diff(map[string]string{"u1": "a b", "u2": "b", "u3": "a b disabled", "u4": " disabled"}, states(w)); diff != "" {
			t.Errorf("users (-want +got):\n%s", diff)
		}
	})
}

// TestSeveralParts imports five parts, whose changes are applied beside the import of the next. The rate is that of the
// parameter, the loop loses no time, and no execution's history gets long.
func TestSeveralParts(t *testing.T) {
	const users, parts, rate = 10_000, 5, 12
	var calls []time.Time
	change := func(o *localaws.Options) {
		o.Cognito.UsersPerSecond = 35
		o.Calls = func(c localaws.Call, next http.Handler) http.Handler {
			if c.Operation == "AdminAddUserToGroup" {
				calls = append(calls, time.Now())
			}
			return next
		}
	}
	partRows := map[string]string{"PART_ROWS": fmt.Sprint(users / parts)}
	tuned(t, change, partRows, func(t *testing.T, w *simulation.World) {
		rows := make([]string, users)
		for i := range rows {
			rows[i] = fmt.Sprintf("u%d,a,", i)
		}
		began := time.Now()
		r := drop(t, w, rows...)
		took := time.Since(began)
		if diff := cmp.Diff(&contract.Changes{Groups: contract.ChangeCounts{Wanted: users, Applied: users}}, r.Changes); diff != "" {
			t.Errorf("changes (-want +got):\n%s", diff)
		}
		if len(r.Jobs) != parts || r.Verdict != contract.VerdictSucceeded {
			t.Errorf("%d jobs, verdict %s", len(r.Jobs), r.Verdict)
		}
		for i := rate; i < len(calls); i++ {
			if gap := calls[i].Sub(calls[i-rate]); gap < time.Second-time.Millisecond {
				t.Fatalf("%d calls within %v", rate+1, gap)
			}
		}
		const bound = time.Second * users / rate
		t.Logf("%d changes took %v, %v alone", users, took, bound)
		// The polls at the end of each part do not shrink with the number of users.
		if took > bound*110/100+parts*10*time.Second {
			t.Errorf("it took %v, more than a tenth longer than %v", took, bound)
		}
		for _, e := range w.StepFunctions.Executions(w.Machine("apply-changes")) {
			if e.Events > 200 {
				t.Errorf("%s has %d events", e.Name, e.Events)
			}
		}
	})
}
