package sweeps_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"userdrop/internal/contract"
	"userdrop/localaws"
	"userdrop/localaws/cognito"
	"userdrop/test/simulation"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

// The pools of the worlds below.
const (
	red   = "us-east-1_Red"
	green = "us-east-1_Green"
	blue  = "us-east-1_Blue"
)

// world is a deployed stack under virtual time, which begins at midnight of 1 January 2000, UTC.
type world struct {
	*simulation.World
	t *testing.T
}

// inWorld runs a test with a stack of three pools.
func inWorld(t *testing.T, change func(*localaws.Options), test func(*testing.T, world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		example, err := os.ReadFile("../../examples/pool.json")
		if err != nil {
			t.Fatal(err)
		}
		o := localaws.Options{Cognito: cognito.Defaults()}
		for _, id := range []string{red, green, blue} {
			o.Pools = append(o.Pools, localaws.Pool{
				Description: bytes.ReplaceAll(example, []byte("us-east-1_Example1"), []byte(id)),
			})
		}
		if change != nil {
			change(&o)
		}
		w, err := simulation.New(o)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		test(t, world{w, t})
	})
}

// put drops an object and answers its version.
func (w world) put(key, text string) string {
	w.t.Helper()
	version, err := w.S3.Put(w.Inbox(), key, []byte(text))
	if err != nil {
		w.t.Fatal(err)
	}
	return version
}

// users is a file of rows for the named users; a name that ends in ! has no email address that could be one.
func users(names ...string) string {
	var b strings.Builder
	b.WriteString("username,email,email_verified\n")
	for _, name := range names {
		at := "@example.com"
		if strings.HasSuffix(name, "!") {
			at = ""
		}
		name = strings.TrimSuffix(name, "!")
		b.WriteString(name + "," + name + at + ",true\n")
	}
	return b.String()
}

// settle lets all imports end.
func (w world) settle() {
	w.t.Helper()
	if !w.Settle(context.Background(), 24*time.Hour) {
		w.t.Fatal("the imports do not end")
	}
}

// until sleeps until a time of the first days.
func until(day, hour int) {
	time.Sleep(time.Until(time.Date(2000, 1, day, hour, 0, 0, 0, time.UTC)))
}

// schedule is the name of the schedule of a resource of the template.
func (w world) schedule(logicalID string) string {
	w.t.Helper()
	for _, s := range w.Stack.Schedules {
		if s.LogicalID == logicalID {
			return s.Name
		}
	}
	w.t.Fatalf("the template has no schedule %s", logicalID)
	return ""
}

// sweep runs a schedule's target once, beside the schedule.
func (w world) sweep(logicalID string) {
	w.t.Helper()
	if err := w.Scheduler.RunNow(w.schedule(logicalID)); err != nil {
		w.t.Fatal(err)
	}
	time.Sleep(time.Minute)
	w.settle()
}

// results are the published results, in the order of the imports' starts.
func (w world) results() []*contract.Result {
	w.t.Helper()
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

// waiting are the keys of the inbox that were not moved.
func (w world) waiting() []string {
	w.t.Helper()
	keys, err := w.S3.Keys(w.Inbox(), "")
	if err != nil {
		w.t.Fatal(err)
	}
	return slices.DeleteFunc(keys, func(key string) bool { return strings.HasPrefix(key, "processed/") })
}

// names are the users of a pool.
func (w world) names(pool string) []string {
	var names []string
	for _, u := range w.Cognito.Users(pool) {
		names = append(names, u.Name)
	}
	slices.Sort(names)
	return names
}

func encoded(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
