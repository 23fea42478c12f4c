package simulation_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"userdrop/internal/contract"
	"userdrop/localaws"
	"userdrop/localaws/cognito"
	"userdrop/localaws/events"
	"userdrop/localaws/stepfunctions"
)

// TestAbort stops an import whose job runs: the job stops, one result is published, and the source stays.
func TestAbort(t *testing.T) {
	never := func(string, string, events.Envelope, time.Duration) []time.Duration { return nil }
	noStatus := func(rule, target string, e events.Envelope, usual time.Duration) []time.Duration {
		if e.Source == "aws.states" {
			return never(rule, target, e, usual)
		}
		return []time.Duration{usual}
	}
	tests := []struct {
		name    string
		options localaws.Options
		rate    float64       // of the job, where it must last until a sweep
		after   time.Duration // from the drop to the abort
		again   time.Duration // to another one
		redrive time.Duration
		verdict contract.Verdict
	}{
		{name: "while the job runs", after: 10 * time.Minute, verdict: contract.VerdictPartial},
		{name: "before the job was made", after: 500 * time.Millisecond, verdict: contract.VerdictStopped},
		{name: "the child is left running", after: 10 * time.Minute, verdict: contract.VerdictPartial, options: localaws.Options{
			StepFunctions: stepfunctions.Options{StopChild: func(string) bool { return false }},
		}},
		{
			name: "the event never comes", after: 10 * time.Minute, rate: 3, verdict: contract.VerdictPartial,
			options: localaws.Options{Deliveries: noStatus},
		},
		{name: "two aborts race", after: 10 * time.Minute, again: time.Second, verdict: contract.VerdictPartial},
		{name: "a redrive follows", after: 10 * time.Minute, redrive: time.Minute, verdict: contract.VerdictPartial},
		{name: "a redrive follows the result", after: 10 * time.Minute, redrive: 3 * time.Hour, verdict: contract.VerdictPartial},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				test.options.Cognito = cognito.Defaults()
				test.options.Cognito.Stopping = cognito.Duration(30 * time.Second)
				if test.rate > 0 {
					test.options.Cognito.UsersPerSecond = test.rate
				}
				w := boot(t, test.options)
				defer w.Close()
				const key = "incoming/us-east-1_Example1/users.csv"
				if _, err := w.S3.Put(w.Inbox(), key, list(0, 40_000)); err != nil {
					t.Fatal(err)
				}
				time.Sleep(test.after)
				if len(w.Imports()) != 1 {
					t.Fatal("the import has not begun")
				}
				arn := w.Imports()[0].ARN
				aborted := time.Now()
				stop := func() {
					if _, err := w.StepFunctions.StopExecution(t.Context(), arn, "", ""); err != nil {
						t.Error(err)
					}
				}
				stop()
				if test.again > 0 {
					time.Sleep(test.again)
					stop()
				}
				if test.redrive > 0 {
					time.Sleep(test.redrive)
					if _, err := w.StepFunctions.RedriveExecution(t.Context(), arn); err != nil {
						t.Error(err)
					}
				}
				time.Sleep(4 * time.Hour)
				w.Settle(t.Context(), 48*time.Hour)
				got, err := w.Result(w.Imports()[0].Name)
				if err != nil || got == nil {
					t.Fatalf("no result: %v", err)
				}
				if got.Verdict != test.verdict {
					t.Errorf("verdict %s, want %s (%+v)", got.Verdict, test.verdict, got.Rows.Counts())
				}
				if took := got.FinishedAt.Sub(aborted); test.rate == 0 && took > 3*time.Minute {
					t.Errorf("the result came after %v", took)
				}
				if n := int64(w.Cognito.UserCount("us-east-1_Example1")); n != got.Rows.Counts().Imported {
					t.Errorf("%d users in the pool, the result says %d", n, got.Rows.Counts().Imported)
				}
				if n := w.Cognito.ActiveJobs(); n != 0 {
					t.Errorf("%d jobs are active", n)
				}
				keys, err := w.S3.Keys(w.Inbox(), "incoming/")
				if err != nil {
					t.Fatal(err)
				}
				if stays := got.Verdict == contract.VerdictStopped; stays != (len(keys) == 1) {
					t.Errorf("verdict %s, and %d files in the inbox", got.Verdict, len(keys))
				}
				if n := len(w.Published()); n != 1 {
					t.Errorf("%d events", n)
				}
			})
		})
	}
}

// TestStoppedByHand stops the job itself, as somebody does in the console: its last counters are the outcome, and the
// workflow waits for them calmly.
func TestStoppedByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		settings := cognito.Defaults()
		settings.Stopping = cognito.Duration(time.Minute)
		w := boot(t, localaws.Options{Cognito: settings})
		defer w.Close()
		if _, err := w.S3.Put(w.Inbox(), "incoming/us-east-1_Example1/users.csv", list(0, 40_000)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		const pool = "us-east-1_Example1"
		id := w.Cognito.Jobs(pool)[0].JobID
		client := cognitoidentityprovider.NewFromConfig(w.Config(""))
		if _, err := client.StopUserImportJob(t.Context(), &cognitoidentityprovider.StopUserImportJobInput{
			UserPoolId: aws.String(pool), JobId: &id,
		}); err != nil {
			t.Fatal(err)
		}
		w.Settle(t.Context(), 4*time.Hour)
		got, err := w.Result(w.Imports()[0].Name)
		if err != nil || got == nil {
			t.Fatalf("no result: %v", err)
		}
		if n := int64(w.Cognito.UserCount(pool)); got.Verdict != contract.VerdictPartial || n != got.Rows.Counts().Imported {
			t.Errorf("verdict %s, %d users in the pool, the result says %+v", got.Verdict, n, got.Rows.Counts())
		}
		for _, part := range w.StepFunctions.Executions(w.Machine("import-job")) {
			if part.Events > 200 {
				t.Errorf("%d events in the history of a job of ten minutes", part.Events)
			}
		}
	})
}
