package security_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"userdrop/localaws"
	"userdrop/localaws/cognito"
	"userdrop/localaws/events"
	"userdrop/localaws/lambda"
	"userdrop/test/simulation"
)

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
		name: "a mapping of the pool, which leaves rows out",
		run: func(t *testing.T, w *simulation.World) {
			drop(t, w, "mappings/"+pool+".json", `{"schema": "userdrop.mapping/v1", "name": "mine", "columns": {"email": "mail",
				"cognito:username": "id", "email_verified": "mail != nil"}, "exclude": [{"if": "mail == nil",
				"because": "no-address"}]}`)
			drop(t, w, "incoming/"+pool+"/users.csv", "id,mail\na,a@example.com\nb,\n")
			drop(t, w, "check/"+pool+"/users.csv", "id,mail\na,a@example.com\nb,\n")
			settle(t, w, 2)
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
