package simulation_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"userdrop/internal/contract"
	"userdrop/localaws"
	"userdrop/localaws/cognito"
	"userdrop/localaws/stepfunctions"
	"userdrop/test/simulation"
)

// expire removes the files of a result, as the life cycle of the results bucket does after KeepProcessedDays.
func expire(t *testing.T, w *simulation.World, importID string) {
	t.Helper()
	keys, err := w.S3.Keys(w.Results(), importID+"/")
	if err != nil {
		t.Fatal(err)
	}
	client := s3.NewFromConfig(w.Config(""))
	for _, key := range keys {
		_, err := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(w.Results()), Key: &key})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestLateRedrive cancels an import, lets its result expire after eight days, and redrives first its part, then the
// import as a whole: nobody is imported, and no second result appears.
func TestLateRedrive(t *testing.T) {
	const pool, other = "us-east-1_Example1", "us-east-1_Other"
	for name, after := range map[string]time.Duration{
		"while it waits":    5 * time.Minute,
		"while it prepares": 100 * time.Millisecond,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := boot(t, localaws.Options{Cognito: cognito.Defaults(), Parameters: map[string]string{
					"UserPoolArns": "arn:aws:cognito-idp:us-east-1:123456789012:userpool/" + pool,
				}}, other)
				defer w.Close()
				if err := w.Foreign(t.Context(), other, 60_000); err != nil { // for 29 minutes
					t.Fatal(err)
				}
				if _, err := w.S3.Put(w.Inbox(), "incoming/"+pool+"/new-guests.csv", list(0, 10)); err != nil {
					t.Fatal(err)
				}
				time.Sleep(after + 2*time.Second)
				run := w.Imports()[0]
				if _, err := w.StepFunctions.StopExecution(t.Context(), run.ARN, "", ""); err != nil {
					t.Fatal(err)
				}
				w.Settle(t.Context(), 3*time.Hour)
				got, err := w.Result(run.Name)
				if err != nil || got == nil || got.Verdict != contract.VerdictStopped {
					t.Fatalf("result %+v, %v", got, err)
				}
				time.Sleep(9 * 24 * time.Hour)
				expire(t, w, run.Name)
				messages, jobs := len(w.SNS.Messages()), len(w.Cognito.Jobs(pool))
				for _, part := range w.StepFunctions.Executions(w.Machine("import-job")) {
					if _, err := w.StepFunctions.RedriveExecution(t.Context(), part.ARN); err != nil {
						t.Fatal(err)
					}
				}
				w.Settle(t.Context(), 3*time.Hour)
				if _, err := w.StepFunctions.RedriveExecution(t.Context(), run.ARN); err != nil {
					t.Fatal(err)
				}
				w.Settle(t.Context(), 3*time.Hour)
				time.Sleep(3 * time.Hour) // and the sweep leaves it alone
				if n := w.Cognito.UserCount(pool); n != 0 {
					t.Errorf("%d users of a cancelled file were imported", n)
				}
				if again, _ := w.Result(run.Name); again != nil {
					t.Errorf("a second result: %s %+v", again.Verdict, again.Rows)
				}
				if n := len(w.SNS.Messages()); n != messages {
					t.Errorf("%d messages more", n-messages)
				}
				if n := len(w.Cognito.Jobs(pool)); n != jobs {
					t.Errorf("%d jobs more", n-jobs)
				}
				if end := w.Imports()[0]; end.Status != stepfunctions.Failed || end.Error != "ImportStopped" {
					t.Errorf("the redriven import ended %s %s, want Failed ImportStopped as before", end.Status, end.Error)
				}
			})
		})
	}
}
