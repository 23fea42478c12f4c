package probe_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognitoidp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/google/go-cmp/cmp"

	"userdrop/localaws"
	"userdrop/localaws/cognito"
	"userdrop/localaws/wire"
	"userdrop/test/simulation"
	"userdrop/tools/probe"
)

// world is a double with some answers to the unknowns, and a probe of it.
func world(t *testing.T, settings cognito.Settings, seed uint64) (*simulation.World, *probe.Probe) {
	t.Helper()
	pool, err := os.ReadFile("../../examples/pool.json")
	if err != nil {
		t.Fatal(err)
	}
	w, err := simulation.New(localaws.Options{
		Pools: []localaws.Pool{{Description: pool}}, Cognito: settings, Seed: seed,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w, probe.New(w.Config(""), logsRole(w))
}

func logsRole(w *simulation.World) string {
	for _, r := range w.Stack.Roles {
		if strings.HasSuffix(r.ARN, "ImportLogsRole") {
			return r.ARN
		}
	}
	return ""
}

// fields are settings by their names in JSON.
func fields(t *testing.T, s cognito.Settings) map[string]any {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// unsettled lists what no probe can tell under some settings.
func unsettled(s cognito.Settings) []string {
	var names []string
	if s.NoLogGroup {
		names = append(names, "logDelay", "lineBase", "logMissing", "logDoubled", "oddPoolNameLogged", "blankLinesCounted")
	}
	if !s.HashColumn || s.FewerColumnsAccepted {
		names = append(names, "hashColumnOptional")
	}
	if s.FailFraction >= 1 {
		names = append(names, "failMinimum", "failEarly", "skippedCountAsFailures")
	}
	return names
}

// given are the settings that are no unknowns, or take a day to find out.
var given = []string{
	"rowLimit", "byteLimit", "jobLimit", "keepAttributes", "startWithin",
	"usersListedLate", "updatesShareQuota", "groupsModifyUsers", "noRateQuotas",
}

// TestProbe gives the double random answers to everything that AWS does not document. The probe must find them again.
func TestProbe(t *testing.T) {
	const seeds = 20
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			settings := cognito.Random(wire.NewIDs(seed))
			synctest.Test(t, func(t *testing.T) {
				w, p := world(t, settings, seed)
				report, err := p.Run(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				want := fields(t, settings)
				for _, name := range append(unsettled(settings), given...) {
					delete(want, name)
				}
				text, err := json.Marshal(report.Settings)
				if err != nil {
					t.Fatal(err)
				}
				var got map[string]any
				if err := json.Unmarshal(text, &got); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got, cmp.FilterPath(measured, cmp.Comparer(near))); diff != "" {
					t.Errorf("settings (-double +probe):\n%s\n%s", diff, report)
				}
				clean(t, w)
			})
		})
	}
}

// measured are the settings of which a sample tells about how large they are.
func measured(path cmp.Path) bool {
	index, ok := path.Last().(cmp.MapIndex)
	return ok && slices.Contains([]string{"logMissing", "logDoubled", "failFraction"}, index.Key().String())
}

func near(a, b any) bool {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	return x.CanFloat() && y.CanFloat() && math.Abs(x.Float()-y.Float()) <= 0.05
}

// clean says whether nothing is left of the probe.
func clean(t *testing.T, w *simulation.World) {
	t.Helper()
	if active := w.Cognito.ActiveJobs(); active != 0 {
		t.Errorf("%d jobs are still active", active)
	}
	for _, group := range w.Logs.Groups() {
		if strings.HasPrefix(group, "/aws/cognito/") {
			t.Errorf("the log group %s is left", group)
		}
	}
	if pools := scratch(t, w); len(pools) != 0 {
		t.Errorf("pools are left: %q", pools)
	}
}

// scratch are the pools but the world's own.
func scratch(t *testing.T, w *simulation.World) (ids []string) {
	t.Helper()
	out, err := cognitoidp.NewFromConfig(w.Config("")).ListUserPools(t.Context(), &cognitoidp.ListUserPoolsInput{
		MaxResults: aws.Int32(60),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, pool := range out.UserPools {
		if *pool.Id != "us-east-1_Example1" {
			ids = append(ids, *pool.Id)
		}
	}
	return ids
}

// TestInterrupted ends the probe at many moments, as Ctrl-C does: nothing is left behind.
func TestInterrupted(t *testing.T) {
	for _, after := range []time.Duration{
		0, time.Second, 5 * time.Second, 20 * time.Second, 40 * time.Second, time.Minute, 3 * time.Minute,
	} {
		t.Run(after.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				settings := cognito.Defaults()
				settings.Stopping = cognito.Duration(time.Minute)
				w, p := world(t, settings, 1)
				ctx, cancel := context.WithTimeout(t.Context(), after)
				defer cancel()
				report, err := p.Run(ctx)
				if err == nil || ctx.Err() == nil {
					t.Fatalf("it ended by itself: %v", err)
				}
				if len(report.Pools) != 0 {
					t.Errorf("it reports pools %q", report.Pools)
				}
				clean(t, w)
			})
		})
	}
}

func TestKeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, p := world(t, cognito.Defaults(), 1)
		p.Keep = true
		report, err := p.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(report.Pools)
		if diff := cmp.Diff(scratch(t, w), report.Pools); diff != "" {
			t.Errorf("pools (-there +told):\n%s", diff)
		}
	})
}

// TestUnusableRole: a job fails outright where Cognito can't write its log, and then nothing can be found out.
func TestUnusableRole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := world(t, cognito.Defaults(), 1)
		role := "arn:aws:iam::123456789012:role/userdrop-StartImportFunctionRole"
		_, err := probe.New(w.Config(""), role).Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), role) {
			t.Errorf("the error does not name the role: %v", err)
		}
		clean(t, w)
	})
}

// TestForeignJob: somebody else's job is waited for, and its refusal is not taken for an answer.
func TestForeignJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		settings := cognito.Defaults()
		w, p := world(t, settings, 1)
		users := "username,email,email_verified\n"
		for i := range 2000 {
			users += fmt.Sprintf("user%d,user%d@example.com,yes\n", i, i)
		}
		if _, err := w.S3.Put(w.Inbox(), "incoming/us-east-1_Example1/users.csv", []byte(users)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(15 * time.Second)
		if w.Cognito.ActiveJobs() != 1 {
			t.Fatal("no job is active")
		}
		report, err := p.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]any{"busyError": settings.BusyError, "lockScope": "account", "usersPerSecond": 35.0}
		for name, value := range want {
			if report.Settings[name] != value {
				t.Errorf("%s is %v, want %v", name, report.Settings[name], value)
			}
		}
	})
}
