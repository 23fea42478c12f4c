package prepareimport_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"userdrop/internal/contract"
	"userdrop/localaws"
	"userdrop/localaws/cognito"
	"userdrop/test/simulation"
)

const pool = "us-east-1_Example1"

// logged is what all functions of all tests log.
var logged lockedBuffer

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.NewJSONHandler(&logged, nil)))
	os.Exit(m.Run())
}

// world is a deployed stack with one pool, under virtual time.
type world struct {
	*simulation.World
	t *testing.T
}

// stack says how a world differs from the template's defaults.
type stack struct {
	parameters  map[string]string
	environment map[string]string // of all functions
	pool        func(description []byte) []byte
	options     func(*localaws.Options)
}

func inWorld(t *testing.T, s stack, test func(*testing.T, world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		description, err := os.ReadFile("../../../examples/pool.json")
		if err != nil {
			t.Fatal(err)
		}
		if s.pool != nil {
			description = s.pool(description)
		}
		o := localaws.Options{
			Pools:   []localaws.Pool{{Description: description}},
			Cognito: cognito.Defaults(), Parameters: s.parameters,
		}
		if s.options != nil {
			s.options(&o)
		}
		w, err := simulation.Tuned(o, simulation.Tuning{Environment: s.environment})
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		test(t, world{w, t})
	})
}

// put leaves an object in the inbox.
func (w world) put(key, text string) (version string) {
	w.t.Helper()
	version, err := w.S3.Put(w.Inbox(), key, []byte(text))
	if err != nil {
		w.t.Fatal(err)
	}
	return version
}

// results waits until all is done, and answers the results in the order of the imports' starts.
func (w world) results() []*contract.Result {
	w.t.Helper()
	if !w.Settle(context.Background(), 48*time.Hour) {
		w.t.Fatal("the imports do not end")
	}
	var all []*contract.Result
	for _, e := range w.Imports() {
		r, err := w.Result(e.Name)
		if err != nil || r == nil {
			w.t.Fatalf("%s ended %s (%s: %s) without a result: %v", e.Name, e.Status, e.Error, e.Cause, err)
		}
		if err := r.Reconcile(); err != nil {
			w.t.Error(err)
		}
		all = append(all, r)
	}
	return all
}

// drop puts a file and answers its result.
func (w world) drop(key, text string) *contract.Result {
	w.t.Helper()
	before := len(w.Imports())
	w.put(key, text)
	all := w.results()
	if len(all) != before+1 {
		w.t.Fatalf("%d imports of one drop", len(all)-before)
	}
	return all[before]
}

// sweep imports what waits for the schedule, and answers the one result.
func (w world) sweep() *contract.Result {
	w.t.Helper()
	before := len(w.Imports())
	for _, s := range w.Stack.Schedules {
		if s.LogicalID == "ScheduledSweep" {
			if err := w.Scheduler.RunNow(s.Name); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	all := w.results()
	if len(all) != before+1 {
		w.t.Fatalf("%d imports of one sweep", len(all)-before)
	}
	return all[before]
}

// codes are the codes of a result's problems.
func codes(problems []contract.Problem) []string {
	var names []string
	for _, p := range problems {
		names = append(names, p.Code.String())
	}
	return names
}

// keys are the keys of the inbox: those that wait, and the base names of those that were moved.
func (w world) keys() (waiting, moved []string) {
	w.t.Helper()
	all, err := w.S3.Keys(w.Inbox(), "")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, key := range all {
		if rest, ok := strings.CutPrefix(key, "processed/"); ok {
			moved = append(moved, rest[strings.LastIndex(rest, "/")+1:])
		} else {
			waiting = append(waiting, key)
		}
	}
	slices.Sort(moved)
	return waiting, moved
}

// failed are the lines of a failed.csv, without its header.
func (w world) failed(url string) []string {
	w.t.Helper()
	text, err := w.S3.Get(w.Results(), strings.TrimPrefix(url, "s3://"+w.Results()+"/"))
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")[1:]
}

// users is a file of good rows for the names; a name that ends in ! has no address that could be one.
func users(names ...string) string {
	var b strings.Builder
	b.WriteString("username,email,email_verified\n")
	for _, name := range names {
		name, bad := strings.CutSuffix(name, "!")
		b.WriteString(name + "," + name)
		if !bad {
			b.WriteString("@example.com")
		}
		b.WriteString(",true\n")
	}
	return b.String()
}

func encoded(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
