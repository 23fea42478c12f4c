// Package security_test holds what is demanded of the whole: no permission that nobody needs, nothing lost, executed or
// told to others by hostile input, and SECURITY.md's table of threats with a test for each row.
package security_test

import (
	"log/slog"
	"maps"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"userdrop/localaws"
	"userdrop/localaws/cognito"
	"userdrop/localaws/iam"
	"userdrop/test/simulation"
)

const (
	pool = "us-east-1_Example1"
	key  = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-4333-a444-555555555555"
)

func TestMain(m *testing.M) {
	slog.SetDefault(simulation.Logger())
	os.Exit(m.Run())
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// asks are what roles were asked, by the roles' ARNs.
type asks map[string]*iam.Role

func (a asks) add(w *simulation.World) {
	for arn, role := range w.Roles {
		if a[arn] == nil {
			a[arn] = iam.NewRole(arn)
		}
		a[arn].Merge(role)
	}
}

// everything are the parameters with which every statement of the template exists.
var everything = map[string]string{
	"KmsKeyArn": key, "CheckExistingUsers": "true", "ApplyGroups": "true", "CreateGroups": "true",
	"Existing": "update", "UserMap": "true",
}

// scenario is a run of the whole stack, behind a customer key, so that every statement of the template is there.
type scenario struct {
	name        string
	settings    func(*cognito.Settings)
	environment map[string]string
	updates     bool // existing users are updated, and users mapped; otherwise not, though the stack may
	options     func(*localaws.Options)
	run         func(t *testing.T, w *simulation.World)
}

func (s scenario) play(t *testing.T, asked asks) {
	settings := cognito.Defaults()
	if s.settings != nil {
		s.settings(&settings)
	}
	o := localaws.Options{
		Pools:      []localaws.Pool{{Description: read(t, "../../examples/pool.json")}},
		Cognito:    settings,
		Parameters: maps.Clone(everything),
	}
	if s.options != nil {
		s.options(&o)
	}
	environment := map[string]string{}
	if !s.updates {
		environment["EXISTING"], environment["USER_MAP"] = "skip", "false"
	}
	maps.Copy(environment, s.environment)
	synctest.Test(t, func(t *testing.T) {
		w, err := simulation.Tuned(o, simulation.Tuning{Environment: environment})
		if err != nil {
			t.Fatal(err)
		}
		defer asked.add(w)
		defer w.Close()
		s.run(t, w)
	})
}

func drop(t *testing.T, w *simulation.World, key, text string) string {
	t.Helper()
	version, err := w.S3.Put(w.Inbox(), key, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return version
}

// settle waits for the end of all executions and wants that many imports, each with a result but for those that others
// took the files of.
func settle(t *testing.T, w *simulation.World, imports int, without ...string) {
	t.Helper()
	if !w.Settle(t.Context(), 48*time.Hour) {
		t.Fatal("an execution does not end")
	}
	all := w.Imports()
	if len(all) != imports {
		t.Errorf("%d imports, want %d", len(all), imports)
	}
	for _, e := range all {
		if r, err := w.Result(e.Name); (r == nil) != slices.Contains(without, e.Name) || err != nil {
			t.Errorf("%s has a result: %t (%v); it ended %s: %s: %s", e.Name, r != nil, err, e.Status, e.Error, e.Cause)
		}
	}
}

func await(t *testing.T, what string, there func() bool) {
	t.Helper()
	for range 24 * 3600 {
		if there() {
			return
		}
		time.Sleep(time.Second)
	}
	t.Fatalf("%s does not come", what)
}

// stop breaks off all imports that run.
func stop(t *testing.T, w *simulation.World) {
	t.Helper()
	for _, e := range w.Imports() {
		if e.Status == "RUNNING" {
			if _, err := w.StepFunctions.StopExecution(t.Context(), e.ARN, "", ""); err != nil {
				t.Fatal(err)
			}
		}
	}
}
