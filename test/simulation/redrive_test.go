package simulation_test

import (
	"testing"
	"testing/synctest"
	"time"

	"userdrop/internal/contract"
	"userdrop/localaws"
	"userdrop/localaws/cognito"
	"userdrop/localaws/events"
	"userdrop/localaws/stepfunctions"
)

// TestRedriveFromTheBegin redrives an import whose part went on without it: its job is found again, though the first
// attempt's, which never had a URL, comes before it.
func TestRedriveFromTheBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		settings := cognito.Defaults()
		settings.DescribeURL = "absent"
		w := boot(t, localaws.Options{
			Cognito:       settings,
			StepFunctions: stepfunctions.Options{StopChild: func(string) bool { return false }},
			Deliveries: func(_, _ string, e events.Envelope, usual time.Duration) []time.Duration {
				if e.Source == "aws.states" {
					return nil
				}
				return []time.Duration{usual}
			},
		})
		defer w.Close()
		if _, err := w.S3.Put(w.Inbox(), "incoming/us-east-1_Example1/users.csv", list(0, 1000)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(15 * time.Second) // the job takes 29
		arn := w.Imports()[0].ARN
		if _, err := w.StepFunctions.StopExecution(t.Context(), arn, "", ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		if _, err := w.StepFunctions.RedriveExecution(t.Context(), arn); err != nil {
			t.Fatal(err)
		}
		w.Settle(t.Context(), time.Hour)
		got, err := w.Result(w.Imports()[0].Name)
		if err != nil || got == nil {
			t.Fatalf("no result: %v", err)
		}
		want := contract.RowOutcomes{Imported: 1000}
		if got.Verdict != contract.VerdictSucceeded || got.Rows.Counts() != want {
			t.Errorf("%s %+v, want SUCCEEDED %+v", got.Verdict, got.Rows.Counts(), want)
		}
		started := 0
		for _, j := range w.Cognito.Jobs("us-east-1_Example1") {
			if j.Status != "Created" {
				started++
			}
		}
		if started != 1 {
			t.Errorf("%d jobs were started, want 1", started)
		}
	})
}

// TestRedrivenPart redrives a part by itself after its import's result was published: it starts no job any more.
func TestRedrivenPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const pool, other = "us-east-1_Example1", "us-east-1_Other"
		w := boot(t, localaws.Options{Cognito: cognito.Defaults(), Parameters: map[string]string{
			"UserPoolArns": "arn:aws:cognito-idp:us-east-1:123456789012:userpool/" + pool,
		}}, other)
		defer w.Close()
		if err := w.Foreign(t.Context(), other, 60_000); err != nil { // for 29 minutes
			t.Fatal(err)
		}
		if _, err := w.S3.Put(w.Inbox(), "incoming/"+pool+"/users.csv", list(0, 10)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		part := w.StepFunctions.Executions(w.Machine("import-job"))[0].ARN
		if _, err := w.StepFunctions.StopExecution(t.Context(), part, "", ""); err != nil {
			t.Fatal(err)
		}
		w.Settle(t.Context(), time.Hour)
		got, err := w.Result(w.Imports()[0].Name)
		if err != nil || got == nil || got.Verdict != contract.VerdictErrored {
			t.Fatalf("result %+v, %v", got, err)
		}
		time.Sleep(time.Hour)
		if _, err := w.StepFunctions.RedriveExecution(t.Context(), part); err != nil {
			t.Fatal(err)
		}
		w.Settle(t.Context(), time.Hour)
		if n := w.Cognito.UserCount(pool); n != 0 {
			t.Errorf("%d users in the pool, whom the result does not know", n)
		}
	})
}
