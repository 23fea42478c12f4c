//go:build interpreters

package interpreters_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognitoidp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/google/go-cmp/cmp"

	"userdrop/internal/contract"
	"userdrop/localaws"
	"userdrop/localaws/cognito"
	"userdrop/localaws/stepfunctions"
)

// scenario is the conditions under which an import runs.
type scenario struct {
	name     string
	machines []string // as in statemachine/
	users    string   // the dropped file
	settings func(*cognito.Settings)
	before   func(*world)
	// fault, when not nil, answers the nth call of an operation instead of its service.
	fault func(call localaws.Call, n int) http.Handler
	// answered sees each answer of a function.
	answered func(w *world, folder string, next contract.Next, job contract.Job)

	status  string           // of the execution
	verdict contract.Verdict // published by import-users and abort-import
}

const (
	header = "username,email,email_verified\n"
	six    = header + "ada,ada@example.com,yes\ngrace,grace@example.com,yes\nalan,alan@example.com,yes\n" +
		"edsger,edsger@example.com,yes\nbarbara,barbara@example.com,yes\nradia,radia@example.com,yes\n"
)

var both = []string{"import-job", "import-users"}

var scenarios = []scenario{{
	name: "success", machines: both, users: six,
	status: stepfunctions.Succeeded, verdict: contract.VerdictSucceeded,
}, {
	name: "partial", machines: both, users: six + "no address,,\n",
	status: stepfunctions.Succeeded, verdict: contract.VerdictPartial,
}, {
	name: "rejected", machines: []string{"import-users"}, users: header + "no address,,\n",
	status: stepfunctions.Succeeded, verdict: contract.VerdictRejected,
}, {
	name: "busy", machines: both, users: six, // a job of a pool that the stack does not know
	before: (*world).startForeignJob,
	answered: func(w *world, folder string, next contract.Next, _ contract.Job) {
		if folder == "start-import-job" && next == contract.Wait {
			w.stopJobs(other)
		}
	},
	status: stepfunctions.Succeeded, verdict: contract.VerdictSucceeded,
}, {
	name: "expired URL", machines: both, users: six,
	fault: func(call localaws.Call, n int) http.Handler {
		if call.Service == "upload" && n == 1 {
			return lapsed()
		}
		return nil
	},
	status: stepfunctions.Succeeded, verdict: contract.VerdictSucceeded,
}, {
	name: "failed", machines: both, users: six, // as a whole: its log can't be written
	settings: func(s *cognito.Settings) { s.Pending = cognito.Duration(time.Minute) },
	before: func(w *world) {
		w.Cognito.LogsRole = func(string) error { return errors.New("the role was deleted") }
	},
	status: stepfunctions.Failed, verdict: contract.VerdictFailed,
}, {
	name: "failed part-way", machines: both, users: six, // goes on with the rest in another job
	settings: func(s *cognito.Settings) { s.FailEarly, s.FailFraction = true, 0 },
	before: func(w *world) {
		_, err := w.cognito.AdminCreateUser(w.t.Context(), &cognitoidp.AdminCreateUserInput{
			UserPoolId: aws.String(pool), Username: aws.String("alan"),
		})
		if err != nil {
			w.t.Fatal(err)
		}
	},
	status: stepfunctions.Succeeded, verdict: contract.VerdictSucceeded,
}, {
	name: "stopped", machines: both, users: six,
	settings: func(s *cognito.Settings) { s.UsersPerSecond = 0.001 },
	answered: func(w *world, _ string, _ contract.Next, job contract.Job) {
		if job.Status == "InProgress" {
			w.stopJobs(pool)
		}
	},
	status: stepfunctions.Failed, verdict: contract.VerdictStopped,
}, {
	name: "aborted", machines: []string{"abort-import"}, users: six,
	settings: func(s *cognito.Settings) { s.UsersPerSecond = 0.001 },
	status:   stepfunctions.Succeeded, verdict: contract.VerdictStopped,
}, {
	name: "throttled", machines: both, users: six, // for longer than the SDK tries, and than the job takes
	settings: func(s *cognito.Settings) { s.Pending, s.UsersPerSecond = 0, 1000 },
	fault: func(call localaws.Call, n int) http.Handler {
		if call.Operation == "DescribeUserImportJob" && n > 1 && n <= 4 {
			return refusal("TooManyRequestsException")
		}
		return nil
	},
	status: stepfunctions.Succeeded, verdict: contract.VerdictSucceeded,
}, {
	name: "denied", machines: both, users: six, // our own workflow breaks, and abort-import is to publish
	fault: func(call localaws.Call, _ int) http.Handler {
		if call.Operation == "CreateUserImportJob" {
			return refusal("AccessDeniedException")
		}
		return nil
	},
	status: stepfunctions.Failed,
}}

// outcome is what interpreters must agree on.
type outcome struct {
	Status  string
	Error   string
	States  string   // loops with a Wait state collapsed
	Nested  []string // the same for nested executions
	Calls   []string // functions in the order of their answers, errors included, repetitions collapsed
	Part    *part    // what import-job answers
	Verdict contract.Verdict
	Rows    contract.Rows
	Users   int // in the pool
}

type part struct {
	Next                             contract.Next
	Attempt, Rows, Lapses, Continued int
	Status                           string
	Imported, Skipped, Failed        int64
}

func observe(w *world, machine, importID string, e execution) outcome {
	w.t.Helper()
	if e.Status != stepfunctions.Succeeded {
		w.t.Logf("%s: %s", e.Error, e.Cause)
	}
	o := outcome{
		Status: e.Status, Error: e.Error, States: collapse(e.States), Calls: w.calls, Users: w.Cognito.UserCount(pool),
	}
	for _, child := range e.Children {
		o.Nested = append(o.Nested, collapse(child))
	}
	if machine == "import-job" && e.Status == stepfunctions.Succeeded {
		var job contract.ImportJob
		if err := json.Unmarshal(encode(w.t, e.Output), &job); err != nil {
			w.t.Fatal(err)
		}
		o.Part = &part{
			Next: job.Next, Attempt: job.Attempt, Rows: job.Rows, Lapses: job.Lapses, Continued: job.Continued,
			Status: job.Job.Status, Imported: job.Job.Imported, Skipped: job.Job.Skipped, Failed: job.Job.Failed,
		}
	}
	if machine == "abort-import" { // a function of the aborted execution may still be at work
		o.Calls = slices.DeleteFunc(slices.Clone(o.Calls), func(call string) bool {
			return !strings.HasPrefix(call, "stop-import-jobs") && !strings.HasPrefix(call, "publish-result")
		})
	}
	published, err := w.Result(importID)
	if err != nil {
		w.t.Fatal(err)
	}
	if published != nil {
		o.Verdict, o.Rows = published.Verdict, published.Rows
	}
	return o
}

// try runs a scenario on an interpreter.
func try(t *testing.T, s scenario, machine string, on engine, f *front) outcome {
	t.Helper()
	_, own := on.(ours)
	w := newWorld(t, s, f.url(), !own && machine != "abort-import")
	f.serve(w)
	var name, importID string
	var input []byte
	switch machine {
	case "abort-import":
		arn := w.abort()
		importID = arn[strings.LastIndex(arn, ":")+1:]
		name, input = "abort", encode(t, map[string]string{"executionArn": arn})
	case "import-job":
		p := w.part(w.drop())
		name, importID, input = p.Execution+"-0", p.ImportID, encode(t, p)
		w.calls = nil
	default:
		drop := w.drop()
		name, importID, input = drop.ImportID, drop.ImportID, encode(t, drop)
	}
	return observe(w, machine, importID, on.run(w, machine, name, input))
}

func TestInterpretersAgree(t *testing.T) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // the table is what there is to read
	f := newFront(t)
	engines := []struct {
		name     string
		machines string
		engine
	}{
		{"moto", "import-job abort-import", newMoto(t, f)},
		{"aws-local-stepfunctions", "import-users import-job abort-import", als{f}},
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "scenario\tmachine\tstates\tends\tverdict\tmoto\taws-local-stepfunctions")
	for _, s := range scenarios {
		for _, machine := range s.machines {
			t.Run(s.name+"/"+machine, func(t *testing.T) {
				want := try(t, s, machine, ours{}, f)
				t.Logf("%+v", want)
				if machine != "import-job" && (want.Status != s.status || want.Verdict != s.verdict) {
					t.Errorf("our own interpreter ends %s with verdict %s; want %s, %s",
						want.Status, want.Verdict, s.status, s.verdict)
				}
				line := fmt.Sprintf("%s\t%s\t%d\t%s\t%s", s.name, machine, len(strings.Fields(want.States)),
					strings.TrimSpace(want.Status+" "+want.Error), want.Verdict)
				for _, e := range engines {
					if !strings.Contains(e.machines, machine) {
						line += "\t–"
						continue
					}
					got := try(t, s, machine, e.engine, f)
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("%s differs (-ours +theirs):\n%s", e.name, diff)
						line += "\tdiffers"
						continue
					}
					line += "\tsame"
				}
				fmt.Fprintln(table, line)
			})
		}
	}
	_ = table.Flush()
}
