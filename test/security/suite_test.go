// Package security_test holds what is demanded of the whole: no permission that nobody needs, nothing lost, executed or
// told to others by hostile input, and SECURITY.md's table of threats with a test for each row.
package security_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"userdrop/localaws"
	"userdrop/localaws/cognito"
	"userdrop/localaws/events"
	"userdrop/localaws/iam"
	"userdrop/localaws/lambda"
	"userdrop/localaws/s3"
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
}

// scenario is a run of the whole stack, behind a customer key, so that every statement of the template is there.
type scenario struct {
	name        string
	settings    func(*cognito.Settings)
	environment map[string]string
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
	synctest.Test(t, func(t *testing.T) {
		w, err := simulation.Tuned(o, simulation.Tuning{Environment: s.environment})
		if err != nil {
			t.Fatal(err)
		}
		defer asked.add(w)
		defer w.Close()
		s.run(t, w)
	})
}

// scenarios reach every permission that the template grants.
var scenarios = []scenario{
	{
		name: "several parts, some rows rejected", environment: map[string]string{"PART_ROWS": "2"},
		run: func(t *testing.T, w *simulation.World) {
			drop(t, w, "incoming/"+pool+"/users.csv", string(read(t, "../../examples/users.csv")))
			drop(t, w, "incoming/"+pool+"/again.csv", string(read(t, "../../examples/users.csv")))
			settle(t, w, 2)
		},
	},
	{
		name: "refused, with a sidecar",
		run: func(t *testing.T, w *simulation.World) {
			drop(t, w, "incoming/us-east-1_Foreign/users.csv.manifest.json", `{"rows": 1}`)
			drop(t, w, "incoming/us-east-1_Foreign/users.csv", "username,email\na,a@example.com\n")
			settle(t, w, 1)
		},
	},
	{
		name: "a dry run with rejected rows",
		run: func(t *testing.T, w *simulation.World) {
			drop(t, w, "check/"+pool+"/users.csv.manifest.json", `{"rows": 14}`)
			drop(t, w, "check/"+pool+"/users.csv", string(read(t, "../../examples/users.csv")))
			settle(t, w, 1)
		},
	},
	{
		name: "the schedule takes several files",
		run: func(t *testing.T, w *simulation.World) {
			drop(t, w, "scheduled/"+pool+"/a.csv.manifest.json", `{"rows": 14}`)
			drop(t, w, "scheduled/"+pool+"/a.csv", string(read(t, "../../examples/users.csv")))
			drop(t, w, "scheduled/"+pool+"/b.csv", "username,email\nb,b@example.com\nc,none\n")
			time.Sleep(2*time.Hour + time.Minute)
			settle(t, w, 1)
		},
	},
	{
		name: "claims that others left", run: leftClaims,
		options: func(o *localaws.Options) {
			o.Parameters["ScheduleExpression"] = "cron(30 2 * * ? *)"
			o.Deliveries = func(rule, _ string, _ events.Envelope, usual time.Duration) []time.Duration {
				if strings.Contains(rule, "import-broken-off") {
					return nil
				}
				return []time.Duration{usual}
			}
		},
	},
	{
		name: "events that never come",
		options: func(o *localaws.Options) {
			o.Deliveries = func(string, string, events.Envelope, time.Duration) []time.Duration { return nil }
		},
		run: func(t *testing.T, w *simulation.World) {
			drop(t, w, "incoming/"+pool+"/lost.csv", people(2000))
			drop(t, w, "check/"+pool+"/lost.csv", people(2))
			await(t, "the lost drop's import job", func() bool { return w.Cognito.ActiveJobs() > 0 })
			stop(t, w)
			time.Sleep(3 * time.Hour) // the sweep finds the execution without a result
			settle(t, w, 2)
		},
	},
	{
		name: "broken off in the middle of a job, its part's execution goes on",
		options: func(o *localaws.Options) {
			o.StepFunctions.StopChild = func(string) bool { return false }
		},
		run: func(t *testing.T, w *simulation.World) {
			drop(t, w, "incoming/"+pool+"/users.csv", people(2000))
			await(t, "an import job", func() bool { return w.Cognito.ActiveJobs() > 0 })
			time.Sleep(30 * time.Second) // some rows have their outcome in the log
			stop(t, w)
			time.Sleep(time.Hour)
			settle(t, w, 1)
		},
	},
	{
		name:    "broken off with so many rows left that their outcomes go up in pieces, one of which fails",
		options: func(o *localaws.Options) { o.Calls = failPieces() },
		run: func(t *testing.T, w *simulation.World) {
			drop(t, w, "incoming/"+pool+"/users.csv", people(150_000))
			await(t, "an import job", func() bool { return w.Cognito.ActiveJobs() > 0 })
			stop(t, w)
			time.Sleep(time.Hour)
			settle(t, w, 1)
		},
	},
	{
		name: "broken off, for a pool that is not allowed",
		options: func(o *localaws.Options) {
			o.Around = func(_ context.Context, f lambda.Function, _ []byte, next func() lambda.Result) lambda.Result {
				if strings.Contains(f.Name, "prepare-import") {
					time.Sleep(5 * time.Minute)
				}
				return next()
			}
		},
		run: func(t *testing.T, w *simulation.World) {
			drop(t, w, "incoming/us-east-1_Foreign/users.csv", people(1))
			await(t, "an import", func() bool { return len(w.Imports()) > 0 })
			stop(t, w)
			time.Sleep(time.Hour)
			settle(t, w, 1)
		},
	},
	{
		name: "somebody deletes the source for good while it is imported",
		run: func(t *testing.T, w *simulation.World) {
			key := "incoming/" + pool + "/users.csv"
			version := drop(t, w, key, people(2000)+"nobody,none\n")
			await(t, "an import job", func() bool { return w.Cognito.ActiveJobs() > 0 })
			bucket := w.Inbox()
			if _, err := awss3.NewFromConfig(w.Config("")).DeleteObject(t.Context(), &awss3.DeleteObjectInput{
				Bucket: &bucket, Key: &key, VersionId: &version,
			}); err != nil {
				t.Fatal(err)
			}
			settle(t, w, 1)
		},
	},
	{
		name:    "Cognito refuses to start a job",
		options: func(o *localaws.Options) { o.Calls = refuseStart() },
		run: func(t *testing.T, w *simulation.World) {
			drop(t, w, "incoming/"+pool+"/users.csv", people(2))
			settle(t, w, 1)
		},
	},
	{
		name: "the upload URL is told to Create alone", settings: func(s *cognito.Settings) { s.DescribeURL = "absent" },
		run: func(t *testing.T, w *simulation.World) {
			drop(t, w, "incoming/"+pool+"/users.csv", people(2))
			settle(t, w, 1)
		},
	},
	{
		name: "the pool has no jobs left", settings: func(s *cognito.Settings) { s.JobLimit = 1 },
		run: func(t *testing.T, w *simulation.World) {
			drop(t, w, "incoming/"+pool+"/first.csv", people(2))
			settle(t, w, 1)
			drop(t, w, "incoming/"+pool+"/second.csv", people(2))
			settle(t, w, 2)
		},
	},
	{name: "the source itself is the part, and goes on in another job", settings: haltAtOnce, run: sourceIsPart},
	{
		name: "pieces of large uploads fail", settings: haltAtOnce,
		options: func(o *localaws.Options) { o.Calls = failPieces() },
		run: func(t *testing.T, w *simulation.World) {
			drop(t, w, "incoming/"+pool+"/first.csv", people(1))
			settle(t, w, 1)
			drop(t, w, "incoming/"+pool+"/large.csv", long(3200, 2000, 600, 12_000))
			settle(t, w, 2)
		},
	},
	{
		name:    "a source too large to copy at once, and a piece that fails",
		options: func(o *localaws.Options) { o.Calls = failPieces() },
		run: func(t *testing.T, w *simulation.World) {
			// Refused for its pool, so that nobody reads it.
			if _, err := w.S3.PutSource(w.Inbox(), "incoming/us-east-1_Foreign/huge.csv", huge()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
			if r, err := w.Result(w.Imports()[0].Name); r == nil {
				t.Errorf("no result: %v", err)
			}
		},
	},
	{
		name: "functions that fail",
		options: func(o *localaws.Options) {
			o.Around = func(_ context.Context, f lambda.Function, _ []byte, next func() lambda.Result) lambda.Result {
				if strings.Contains(f.Name, "start-import") || strings.Contains(f.Name, "sweep") {
					return lambda.Result{FunctionError: "Unhandled", Payload: []byte(`{"errorType": "Unexpected"}`)}
				}
				return next()
			}
		},
		run: func(t *testing.T, w *simulation.World) {
			drop(t, w, "incoming/"+pool+"/users.csv", people(1))
			time.Sleep(3 * time.Hour)
			if n := len(w.SQS.Messages(w.Stack.Queues[0].Name)); n < 3 {
				t.Errorf("%d messages in the failure queue, want those of three functions", n)
			}
		},
	},
	{
		name: "a schedule whose function refuses",
		run: func(t *testing.T, w *simulation.World) {
			sweep := w.Stack.Schedules[0]
			err := w.Scheduler.Put(events.Schedule{
				Name: "refused", ScheduleExpression: "rate(1 hour)", State: "ENABLED",
				FlexibleTimeWindow: events.FlexibleTimeWindow{Mode: "OFF"},
				Target: events.ScheduleTarget{
					ARN: sweep.Target.ARN, RoleARN: sweep.Target.RoleARN, Input: "no JSON",
					RetryPolicy:      &events.RetryPolicy{MaximumRetryAttempts: aws.Int(0)},
					DeadLetterConfig: sweep.Target.DeadLetterConfig,
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Hour)
			if n := len(w.SQS.Messages(w.Stack.Queues[0].Name)); n == 0 {
				t.Error("no dead letter")
			}
		},
	},
}

// haltAtOnce makes a job end as failed with the first row that was there already.
func haltAtOnce(s *cognito.Settings) { s.FailFraction, s.FailMinimum, s.FailEarly = 0, 1, true }

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

// people is a file of n users.
func people(n int) string {
	var b strings.Builder
	b.WriteString("username,email,email_verified\n")
	for i := range n {
		fmt.Fprintf(&b, "user%d,user%d@example.com,true\n", i, i)
	}
	return b.String()
}

// long is a file of good rows and of rows with a field too many, with values of the given lengths.
func long(good, goodLength, bad, badLength int) string {
	var b strings.Builder
	b.WriteString("username,email,email_verified,name\n")
	for i := range good {
		fmt.Fprintf(&b, "user%d,user%[1]d@example.com,true,%s\n", i, strings.Repeat("n", goodLength))
	}
	for i := range bad {
		fmt.Fprintf(&b, "bad%d,,,%s,,\n", i, strings.Repeat("b", badLength))
	}
	return b.String()
}

// leftClaims sweeps files that sweeps before claimed: one that died, one that did not take the file, and one that took
// it and came to nothing.
func leftClaims(t *testing.T, w *simulation.World) {
	drop(t, w, "incoming/"+pool+"/first.csv", people(1))
	settle(t, w, 1)
	time.Sleep(70 * time.Minute)
	drop(t, w, "incoming/"+pool+"/users.csv", people(2000))
	for len(w.Imports()) < 2 {
		time.Sleep(time.Millisecond)
	}
	// Before it has a job. No event tells abort-import, and the hourly sweep does so an hour from now, when the schedule
	// was here.
	stop(t, w)
	done, broken := w.Imports()[0].Name, w.Imports()[1].Name
	var list []string
	for _, claim := range []struct{ name, holder string }{{"a", "died"}, {"b", done}, {"c", broken}, {"d", broken}} {
		key := "scheduled/" + pool + "/" + claim.name + ".csv"
		text := fmt.Sprintf("username,email\n%s,%[1]s@example.com\n", claim.name)
		version := drop(t, w, key, text)
		hash := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s", w.Inbox(), key, version))
		if _, err := w.S3.Put(w.Work(), "claims/"+hex.EncodeToString(hash[:]), []byte(claim.holder)); err != nil {
			t.Fatal(err)
		}
		if claim.holder == broken {
			list = append(list, fmt.Sprintf(`{"bucket": %q, "key": %q, "versionId": %q, "etag": %q, "bytes": %d}`,
				w.Inbox(), key, version, etag(t, w, key), len(text)))
		}
	}
	if _, err := w.S3.Put(w.Work(), "sweeps/"+broken+".json", []byte("["+strings.Join(list, ",")+"]")); err != nil {
		t.Fatal(err)
	}
	time.Sleep(3 * time.Hour) // the hourly sweep takes the first claim over, the nightly one the others
	settle(t, w, 4, broken)
}

// sourceIsPart drops files that need no change, one beside the schedule and one for it. The first row of each is there
// already, so that the job halts and the rest goes on.
func sourceIsPart(t *testing.T, w *simulation.World) {
	drop(t, w, "incoming/"+pool+"/first.csv", people(1))
	settle(t, w, 1)
	out, err := cognitoidentityprovider.NewFromConfig(w.Config("")).GetCSVHeader(t.Context(),
		&cognitoidentityprovider.GetCSVHeaderInput{UserPoolId: aws.String(pool)})
	if err != nil {
		t.Fatal(err)
	}
	native := func(users ...string) string {
		lines := []string{strings.Join(out.CSVHeader, ",")}
		for _, user := range users {
			values := map[string]string{
				"cognito:username": user, "email": user + "@example.com", "email_verified": "true",
				"phone_number_verified": "false", "cognito:mfa_enabled": "false",
			}
			var row []string
			for _, column := range out.CSVHeader {
				row = append(row, values[column])
			}
			lines = append(lines, strings.Join(row, ","))
		}
		return strings.Join(lines, "\n") + "\n"
	}
	drop(t, w, "incoming/"+pool+"/native.csv", native("user0", "ada", "grace"))
	drop(t, w, "scheduled/"+pool+"/native.csv", native("user0", "alan", "edsger"))
	time.Sleep(3 * time.Hour)
	settle(t, w, 3)
}

// failPieces makes S3 fail the second piece, or the first piece of a copy, of each upload as often as the SDK tries.
func failPieces() func(localaws.Call, http.Handler) http.Handler {
	var mu sync.Mutex
	failed := map[string]int{}
	return func(call localaws.Call, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			part := r.URL.Query().Get("partNumber")
			copied := r.Header.Get("X-Amz-Copy-Source") != ""
			if call.Service == "s3" && r.Method == http.MethodPut && (part == "2" || part != "" && copied) {
				mu.Lock()
				failed[r.URL.Path]++
				fail := failed[r.URL.Path] <= 3 || copied
				mu.Unlock()
				if fail {
					http.Error(w, "<Error><Code>InternalError</Code></Error>", http.StatusInternalServerError)
					return
				}
			}
			next.ServeHTTP(w, r)
		})
	}
}

// refuseStart answers the first start of a job as Cognito does while another one runs.
func refuseStart() func(localaws.Call, http.Handler) http.Handler {
	var once sync.Once
	return func(call localaws.Call, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			refused := false
			if call.Operation == "StartUserImportJob" {
				once.Do(func() { refused = true })
			}
			if !refused {
				next.ServeHTTP(w, r)
				return
			}
			w.Header().Set("X-Amzn-ErrorType", "PreconditionNotMetException")
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"__type": "PreconditionNotMetException", "message": "Another job is active."}`)
		})
	}
}

func etag(t *testing.T, w *simulation.World, key string) string {
	t.Helper()
	etag, err := w.S3.ETag(w.Inbox(), key)
	if err != nil {
		t.Fatal(err)
	}
	return etag
}

// huge is an object of 6 GB that nobody reads.
func huge() s3.Source {
	return s3.Source{Size: 6 << 30, Open: func() io.Reader { return strings.NewReader("") }}
}
