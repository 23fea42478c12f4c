// Package events_test records the inputs in this folder and runs them. They are what the functions get in a simulation
// of four drops: one that goes through, one that is aborted, one with a user to be disabled, and one that waits for
// the schedule. "go test ./events
// -update" writes them anew.
package events_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"userdrop/functions"
	"userdrop/internal/local"
	"userdrop/localaws"
	"userdrop/localaws/cognito"
	"userdrop/localaws/lambda"
	"userdrop/test/simulation"
)

var update = flag.Bool("update", false, "write what was recorded")

const pool = "us-east-1_Example1"

// triggers are the files of inputs that come from outside of a state machine; the others are named after functions.
var triggers = map[string]string{
	"start-import":    "start-import.object-created.json",
	"sweep-scheduled": "sweep-scheduled.schedule.json",
	"sweep-lost":      "sweep-lost.schedule.json",
}

// notification is the one input that no simulation records: the template wires EventBridge, and a stack may be fed by
// a classic notification all the same. Written by hand after
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
const notification = "start-import.notification.json"

// recording is the first input of each function.
type recording struct {
	mu     sync.Mutex
	inputs map[string][]byte // by file
}

func (r *recording) around(
	_ context.Context, f lambda.Function, payload []byte, next func() lambda.Result,
) lambda.Result {
	folder := strings.TrimPrefix(f.Name, local.StackName+"-")
	file, ok := triggers[folder]
	if !ok {
		file = folder + ".json"
	}
	r.keep(file, payload)
	return next()
}

func (r *recording) keep(file string, input []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.inputs[file] == nil {
		var indented bytes.Buffer
		if err := json.Indent(&indented, input, "", "  "); err != nil {
			panic(fmt.Errorf("%s: %w", file, err)) // it came over the wire as JSON
		}
		indented.WriteByte('\n')
		r.inputs[file] = indented.Bytes()
	}
}

// simulate brings four drops to their results and returns what went into the functions.
func simulate(t *testing.T, then func(*testing.T, *simulation.World, *recording)) {
	synctest.Test(t, func(t *testing.T) {
		r := &recording{inputs: map[string][]byte{}}
		settings := cognito.Defaults()
		settings.Stopping = cognito.Duration(10 * time.Second)
		w, err := simulation.New(localaws.Options{
			Pools: []localaws.Pool{{Description: read(t, "../examples/pool.json")}}, Cognito: settings, Seed: 1,
			Around: r.around, Parameters: map[string]string{"ApplyGroups": "true"},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		users := read(t, "../examples/users.csv")
		put := func(key string) {
			if _, err := w.S3.Put(w.Inbox(), key, users); err != nil {
				t.Fatal(err)
			}
		}
		settle := func() {
			if !w.Settle(t.Context(), 6*time.Hour) {
				t.Fatal("an execution does not end")
			}
		}

		put("incoming/" + pool + "/users one+two.csv")
		settle()

		put("incoming/" + pool + "/stopped.csv")
		for len(w.Cognito.Jobs(pool)) < 2 {
			time.Sleep(time.Second)
		}
		if _, err := w.StepFunctions.StopExecution(t.Context(), w.Imports()[1].ARN, "", ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute) // the event is on its way
		settle()
		aborts := w.StepFunctions.Executions(w.Machine("abort-import"))
		if len(aborts) != 1 {
			t.Fatalf("%d executions of abort-import", len(aborts))
		}
		r.keep("abort-import.status-change.json", []byte(aborts[0].Input))

		users = []byte("username,email,email_verified,enabled\nlee,lee@example.com,true,no\n")
		put("incoming/" + pool + "/disabled.csv")
		settle()

		users = read(t, "../examples/users.csv")
		put("scheduled/" + pool + "/nightly.csv")
		time.Sleep(3 * time.Hour)
		settle()
		then(t, w, r)
	})
}

func TestRecorded(t *testing.T) {
	simulate(t, func(t *testing.T, _ *simulation.World, r *recording) {
		for file, input := range r.inputs {
			if *update {
				if err := os.WriteFile(file, input, 0o644); err != nil {
					t.Fatal(err)
				}
				continue
			}
			if diff := cmp.Diff(masked(read(t, file)), masked(input)); diff != "" {
				t.Errorf("%s (-file +recorded); go test ./events -update writes it anew:\n%s", file, diff)
			}
		}
		got := slices.Sorted(maps.Keys(r.inputs))
		got = append(got, notification)
		slices.Sort(got)
		files, err := filepath.Glob("*.json")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(files, got); diff != "" {
			t.Errorf("inputs (-files +recorded):\n%s", diff)
		}
	})
}

// drawn is what another number of calls before makes different: ids, times, and waits that are spread by ids.
var drawn = regexp.MustCompile(`"(waitSeconds|estimatedSeconds)": \d+` + // whole, since a number alone says nothing
	`|\b[0-9a-f]{24}\b` + // of an import id
	`|\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b` + // of an event
	`|"[A-Za-z0-9._]{32}"` + // of a version
	`|\bimport-[A-Za-z0-9]{10}\b` + // of a job
	`|"[0-9A-Z]{16}"` + // of a request
	`|\d{4}-\d\d-\d\dT[0-9:.]+Z`)

func masked(input []byte) string { return drawn.ReplaceAllString(string(input), "…") }

// rename puts what this run has drawn into the text of a file, in place of what the recorded run had.
func (r *recording) rename(t *testing.T, file string) []byte {
	t.Helper()
	var pairs []string
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(r.inputs)) {
		before, now := drawn.FindAllString(string(read(t, name)), -1), drawn.FindAllString(string(r.inputs[name]), -1)
		if len(before) != len(now) {
			t.Fatalf("%s: %d ids, times and waits in the file, %d now", name, len(before), len(now))
		}
		for i, old := range before {
			if !seen[old] && old != now[i] {
				seen[old] = true
				pairs = append(pairs, old, now[i])
			}
		}
	}
	return []byte(strings.NewReplacer(pairs...).Replace(string(read(t, file))))
}

// TestOnceMore invokes each function with its file when all is over, as Lambda may. None fails, and nothing changes.
func TestOnceMore(t *testing.T) {
	simulate(t, func(t *testing.T, w *simulation.World, r *recording) {
		before := state(t, w)
		for _, folder := range slices.Sorted(maps.Keys(functions.All)) {
			files, err := filepath.Glob(folder + ".*json")
			if err != nil || len(files) == 0 {
				t.Errorf("%s has no input: %v", folder, err)
			}
			for _, file := range files {
				answer, err := w.Lambda.Invoke(t.Context(), local.StackName+"-"+folder, r.rename(t, file))
				if err != nil || answer.FunctionError != "" {
					t.Errorf("%s: %v %s", file, err, answer.Payload)
				}
			}
		}
		w.Settle(t.Context(), 6*time.Hour)
		if diff := cmp.Diff(before, state(t, w)); diff != "" {
			t.Errorf("the second invocations changed what was (-before +after):\n%s", diff)
		}
	})
}

// TestBothRoutesNameOneImport: S3's classic notification URL-encodes the key, EventBridge's event does not.
func TestBothRoutesNameOneImport(t *testing.T) {
	simulate(t, func(t *testing.T, w *simulation.World, r *recording) {
		var answers []string
		for _, file := range []string{triggers["start-import"], notification} {
			answer, err := w.Lambda.Invoke(t.Context(), local.StackName+"-start-import", r.rename(t, file))
			if err != nil {
				t.Fatal(err)
			}
			answers = append(answers, string(answer.Payload))
		}
		if want := `{"imports":["` + w.Imports()[0].Name + `"],"ignored":0}`; answers[0] != want || answers[1] != want {
			t.Errorf("start-import answers %s by EventBridge and %s by notification, want %s", answers[0], answers[1], want)
		}
	})
}

// state is what an import leaves behind.
func state(t *testing.T, w *simulation.World) map[string]any {
	t.Helper()
	found := map[string]any{
		"executions": len(w.Imports()), "jobs": len(w.Cognito.Jobs(pool)), "users": w.Cognito.UserCount(pool),
		"events": len(w.Published()), "messages": len(w.SNS.Messages()),
	}
	for _, bucket := range []string{w.Inbox(), w.Results()} {
		keys, err := w.S3.Keys(bucket, "")
		if err != nil {
			t.Fatal(err)
		}
		found[bucket] = keys
	}
	return found
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
