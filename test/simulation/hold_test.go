package simulation_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"userdrop/internal/contract"
	"userdrop/localaws"
	"userdrop/localaws/cognito"
	"userdrop/test/simulation"
)

// TestHeld lets a part wait for the job of a pool that is none of the stack's, with its own job created and uploaded.
// Whoever holds the queue meanwhile may change the pool until the hold is over: the job does not start before.
func TestHeld(t *testing.T) {
	const ends = time.Hour // of the hold; the other job ends after half of it
	for _, c := range []struct {
		name   string
		window string
		pause  time.Duration
	}{
		{name: "paused", pause: 5 * time.Minute},
		{name: "paused before the part's turn", pause: time.Second},
		{name: "out of the import window", window: "01:00-00:05"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const pool, other = "us-east-1_Example1", "us-east-1_Other"
				w := boot(t, localaws.Options{Cognito: cognito.Defaults(), Parameters: map[string]string{
					"UserPoolArns": "arn:aws:cognito-idp:us-east-1:123456789012:userpool/" + pool, "ImportWindow": c.window,
				}}, other)
				defer w.Close()
				begin := time.Now()
				if err := w.Foreign(t.Context(), other, 60_000); err != nil { // for 29 minutes
					t.Fatal(err)
				}
				time.Sleep(30 * time.Second)
				if _, err := w.S3.Put(w.Inbox(), "incoming/"+pool+"/users.csv", list(0, 10)); err != nil {
					t.Fatal(err)
				}
				if c.pause > 0 {
					time.Sleep(c.pause)
					if _, err := w.S3.Put(w.Work(), contract.HoldKey, nil); err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Until(begin.Add(ends)))
					if _, err := s3.NewFromConfig(w.Config("")).DeleteObject(t.Context(), &s3.DeleteObjectInput{
						Bucket: aws.String(w.Work()), Key: aws.String(contract.HoldKey),
					}); err != nil {
						t.Fatal(err)
					}
				}
				if !w.Settle(t.Context(), 24*time.Hour) {
					t.Fatal("the import does not end")
				}
				got, err := w.Result(w.Imports()[0].Name)
				if err != nil || got == nil || got.Verdict != contract.VerdictSucceeded {
					t.Fatalf("result %+v, %v", got, err)
				}
				if started := got.Jobs[0].StartedAt.Sub(begin); started < ends || started > ends+3*time.Minute {
					t.Errorf("the job started after %s, and the hold ended after %s", started, ends)
				}
			})
		})
	}
}

// TestHeldQueue lets six drops wait through a night for the import window: each looks now and then, not all the time.
func TestHeldQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := boot(t, localaws.Options{
			Cognito: cognito.Defaults(), Parameters: map[string]string{"ImportWindow": "12:00-23:00"},
		})
		defer w.Close()
		waitSix(t, w, 12*time.Hour+10*time.Minute, 600)
	})
}

// TestBehindAnother lets six drops wait for four hours, which no estimate knows of: the first one's job is refused.
func TestBehindAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const pool, other = "us-east-1_Example1", "us-east-1_Other"
		settings := cognito.Defaults()
		settings.UsersPerSecond = 2
		w := boot(t, localaws.Options{Cognito: settings, Parameters: map[string]string{
			"UserPoolArns": "arn:aws:cognito-idp:us-east-1:123456789012:userpool/" + pool,
		}}, other)
		defer w.Close()
		if err := w.Foreign(t.Context(), other, 30_000); err != nil {
			t.Fatal(err)
		}
		waitSix(t, w, 4*time.Hour+30*time.Minute, 1500)
	})
}

// waitSix drops six files at once and wants them imported in time, by parts with few events.
func waitSix(t *testing.T, w *simulation.World, most time.Duration, events int) {
	t.Helper()
	begin := time.Now()
	for i := range 6 {
		key := fmt.Sprintf("incoming/us-east-1_Example1/users-%d.csv", i)
		if _, err := w.S3.Put(w.Inbox(), key, list(10*i, 10*i+10)); err != nil {
			t.Fatal(err)
		}
	}
	if !w.Settle(t.Context(), 24*time.Hour) {
		t.Fatal("the imports do not end")
	}
	if took := time.Since(begin); took > most {
		t.Errorf("the last import ended after %s", took)
	}
	for _, part := range w.StepFunctions.Executions(w.Machine("import-job")) {
		if part.Events > events {
			t.Errorf("%s: %d events", part.Name, part.Events)
		}
	}
	if n := w.Cognito.UserCount("us-east-1_Example1"); n != 60 {
		t.Errorf("%d users, want 60", n)
	}
}
