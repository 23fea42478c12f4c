package cognito_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"

	"userdrop/localaws/cognito"
	"userdrop/localaws/wire"
)

func TestJobTakesItsTimeAndCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := setUp(t, nil)
		id, url := f.create(t, "")
		describe := func() types.UserImportJobType {
			t.Helper()
			out, err := f.client.DescribeUserImportJob(t.Context(), &cognitoidentityprovider.DescribeUserImportJobInput{
				UserPoolId: aws.String(poolID), JobId: &id,
			})
			if err != nil {
				t.Fatal(err)
			}
			return *out.UserImportJob
		}
		created := describe()
		if created.StartDate != nil || created.CompletionDate != nil || created.CompletionMessage != nil {
			t.Errorf("a created job has dates or a message: %+v", created)
		}
		if got := aws.ToString(created.PreSignedUrl); got != url {
			t.Errorf("Describe's URL is another one than Create's")
		}
		if got := f.put(t, url, file(people(700)...)); got != "200" {
			t.Fatal(got)
		}
		time.Sleep(time.Hour) // starting is not bound to the URL's life
		if err := f.start(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		pending := describe()
		if pending.Status != types.UserImportJobStatusTypePending || pending.StartDate == nil {
			t.Errorf("after Start: %v", pending.Status)
		}
		time.Sleep(2*time.Second + 10*time.Second)
		synctest.Wait()
		midway := describe()
		if midway.Status != types.UserImportJobStatusTypeInProgress || midway.ImportedUsers != 350 {
			t.Errorf("after 10 s in progress: %v, %d imported", midway.Status, midway.ImportedUsers)
		}
		if moved := midway.StartDate.Sub(*pending.StartDate); moved != 2*time.Second {
			t.Errorf("StartDate moved by %v", moved)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		done := describe()
		if took := done.CompletionDate.Sub(*done.StartDate); took != 20*time.Second {
			t.Errorf("700 users took %v", took)
		}
		got := []any{done.Status, done.ImportedUsers, done.SkippedUsers, done.FailedUsers, *done.CompletionMessage}
		want := []any{
			types.UserImportJobStatusTypeSucceeded, int64(700), int64(0), int64(0), "Import Job Completed Successfully.",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"Created", "Pending", "InProgress", "Succeeded"}, *f.trace); diff != "" {
			t.Error(diff)
		}
		lines := f.logs.Messages(logGroup, id+"/job")
		wantLines := []string{
			"Cognito User Pools Import - Test Log", "Cognito User Pools Import - Test Log",
			"[SUCCEEDED] Line Number 2 - The import succeeded.",
		}
		if diff := cmp.Diff(wantLines, lines[:3]); diff != "" || len(lines) != 702 {
			t.Errorf("%d lines: %s", len(lines), diff)
		}
		if got := f.UserCount(poolID); got != 700 {
			t.Errorf("%d users", got)
		}
	})
}

func TestThreshold(t *testing.T) {
	bad := func(n int) []string { return strings.Split(strings.Repeat("x\n", n)[:2*n-1], "\n") }
	rows := append(append(people(10), bad(6)...), people(20)[10:]...) // 10 good, 6 bad, 10 good
	tests := []struct {
		name   string
		change func(*cognito.Settings)
		again  bool // import the same file a second time
		want   string
	}{
		{"less than half", nil, false, "Succeeded 20/0/6"},
		{"the second time all are skipped", nil, true, "Failed 0/20/6"},
		{
			"the second time, skipped do not count", func(s *cognito.Settings) { s.SkippedCountAsFailures = false }, true,
			"Succeeded 0/20/6",
		},
		{"at the end", func(s *cognito.Settings) { s.FailFraction = 0.1 }, false, "Failed 20/0/6"},
		{
			"early", func(s *cognito.Settings) { s.FailFraction, s.FailEarly = 0.1, true }, false,
			"Failed 10/0/3",
		},
		{
			"a minimum", func(s *cognito.Settings) { s.FailFraction, s.FailMinimum = 0, 7 }, false,
			"Succeeded 20/0/6",
		},
		{"never", func(s *cognito.Settings) { s.FailFraction = 2 }, true, "Succeeded 0/20/6"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := setUp(t, test.change)
				j := f.run(t, "", file(rows...))
				if test.again {
					j = f.run(t, "", file(rows...))
				}
				got := fmt.Sprintf("%s %d/%d/%d", j.Status, j.ImportedUsers, j.SkippedUsers, j.FailedUsers)
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Error(diff)
				}
				tooMany := j.CompletionMessage == "Too many users have failed or been skipped during the import."
				if tooMany != (j.Status == "Failed") {
					t.Errorf("message %q", j.CompletionMessage)
				}
			})
		})
	}
}

func TestStartRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(*cognito.Settings)
		pool   []string
		upload bool
		busy   bool
		want   string
	}{
		{"nothing uploaded", nil, nil, false, false, "PreconditionNotMetException: No csv file was uploaded for ID"},
		{
			"no auto-verified attribute", nil,
			[]string{`["email"]`, `[]`},
			true, false,
			"PreconditionNotMetException: The user pool has no auto verified attributes",
		},
		{"busy", nil, nil, true, true, "PreconditionNotMetException: Another user import job is already active"},
		{
			"busy by another code", func(s *cognito.Settings) { s.BusyError = "LimitExceededException" }, nil, true, true,
			"LimitExceededException: Another user import job is already active",
		},
		{"another pool is busy", func(s *cognito.Settings) { s.LockScope = "pool" }, nil, true, true, "no API error"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := setUp(t, test.change, test.pool...)
				if test.busy {
					other := strings.Replace(poolJSON, poolID, "us-east-1_Other", 1)
					if _, err := f.AddPool([]byte(other), nil); err != nil {
						t.Fatal(err)
					}
					foreign, err := f.client.CreateUserImportJob(t.Context(), &cognitoidentityprovider.CreateUserImportJobInput{
						JobName: aws.String("foreign"), UserPoolId: aws.String("us-east-1_Other"),
						CloudWatchLogsRoleArn: aws.String(roleARN),
					})
					if err != nil {
						t.Fatal(err)
					}
					f.put(t, *foreign.UserImportJob.PreSignedUrl, file(people(9)...))
					if _, err := f.client.StartUserImportJob(t.Context(), &cognitoidentityprovider.StartUserImportJobInput{
						UserPoolId: aws.String("us-east-1_Other"), JobId: foreign.UserImportJob.JobId,
					}); err != nil {
						t.Fatal(err)
					}
				}
				id, url := f.create(t, "")
				if test.upload {
					f.put(t, url, file(people(9)...))
				}
				got := strings.ReplaceAll(code(f.start(t.Context(), id)), id, "ID")
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Error(diff)
				}
				wantMost := 0
				if test.busy {
					wantMost = 1
				}
				if got == "no API error" {
					wantMost++
				}
				if got := f.MaxActive(); got != wantMost {
					t.Errorf("%d active at once", got)
				}
				time.Sleep(time.Hour)
				if test.busy && test.want != "no API error" { // the lock is free again
					if err := f.start(t.Context(), id); err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
}

func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := setUp(t, func(s *cognito.Settings) { s.Stopping = cognito.Duration(5 * time.Second) })
		id, url := f.create(t, "")
		f.put(t, url, file(people(700)...))
		if err := f.start(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		time.Sleep(12 * time.Second)
		synctest.Wait()
		if err := f.stop(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		j := f.job(t, id)
		if j.ImportedUsers != 350 || j.CompletionMessage != "The Import Job was stopped by the developer." {
			t.Errorf("%d imported, %q", j.ImportedUsers, j.CompletionMessage)
		}
		if diff := cmp.Diff([]string{"Created", "Pending", "InProgress", "Stopping", "Stopped"}, *f.trace); diff != "" {
			t.Error(diff)
		}
		want := "PreconditionNotMetException: The user import job " + id + " can't be started: its status is Stopped"
		if diff := cmp.Diff(want, code(f.start(t.Context(), id))); diff != "" {
			t.Error(diff)
		}
		if got := code(f.stop(t.Context(), id)); !strings.HasPrefix(got, "PreconditionNotMetException") {
			t.Errorf("a second stop: %s", got)
		}
	})
}

func TestStopOfACreatedJob(t *testing.T) {
	for _, allowed := range []bool{true, false} {
		t.Run(fmt.Sprintf("allowed=%v", allowed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := setUp(t, func(s *cognito.Settings) { s.StopCreated = allowed })
				id, _ := f.create(t, "")
				err := f.stop(t.Context(), id)
				status := f.job(t, id).Status
				if allowed && (err != nil || status != "Stopped") || !allowed && (err == nil || status != "Created") {
					t.Errorf("%s, %v", status, err)
				}
			})
		})
	}
}

func TestUnstartedJobExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := setUp(t, nil)
		id, url := f.create(t, "")
		f.put(t, url, file(person("ann")))
		time.Sleep(24*time.Hour + 31*time.Minute)
		j := f.job(t, id)
		if diff := cmp.Diff("Expired: The user import job has expired.", j.Status+": "+j.CompletionMessage); diff != "" {
			t.Error(diff)
		}
		if got := code(f.start(t.Context(), id)); !strings.HasPrefix(got, "PreconditionNotMetException") {
			t.Error(got)
		}
	})
}

func TestJobFailsWithItsRoleOrPool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := setUp(t, nil)
		f.LogsRole = func(arn string) error { return errors.New("no such role: " + arn) }
		j := f.run(t, "", file(people(9)...))
		if j.Status != "Failed" || j.ImportedUsers != 0 {
			t.Errorf("without a role: %s, %d imported", j.Status, j.ImportedUsers)
		}
		f.LogsRole = nil
		id, url := f.create(t, "")
		f.put(t, url, file(people(700)...))
		if err := f.start(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		time.Sleep(12 * time.Second)
		synctest.Wait()
		f.RemovePool(poolID)
		if f.ActiveJobs() != 0 || (*f.trace)[len(*f.trace)-1] != "Failed" {
			t.Errorf("after the pool is gone: %v", *f.trace)
		}
	})
}

func TestOnJobMayCallTheService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := setUp(t, nil)
		var active []int
		f.OnJob = func(cognito.Job) { active = append(active, f.ActiveJobs()) }
		f.run(t, "", file(people(9)...))
		if diff := cmp.Diff([]int{0, 1, 1, 0}, active); diff != "" {
			t.Error(diff)
		}
	})
}

func TestLogIsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := setUp(t, func(s *cognito.Settings) { s.LogDelay = cognito.Duration(5 * time.Minute) })
		j := f.run(t, "", file(people(9)...)) // waits a minute
		if got := f.logs.Groups(); len(got) != 0 {
			t.Errorf("the log is there: %v", got)
		}
		time.Sleep(5 * time.Minute)
		if got := len(f.rowLines(j)); got != 9 {
			t.Errorf("%d lines", got)
		}
	})
}

func TestSpeedShortensJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := setUp(t, nil)
		f.account.Speed = 10
		j := f.run(t, "", file(people(700)...))
		if took := time.Time(j.CompletionDate).Sub(time.Time(j.StartDate)); took != 2*time.Second {
			t.Errorf("700 users at ten times the speed took %v", took)
		}
	})
}

// Whatever is uploaded, and whatever AWS may do, a job ends, and no row is counted twice.
func FuzzJob(f *testing.F) {
	f.Add(uint64(1), []byte(person("ann")+"\n"+person("ann")+"\n\nx\n"))
	f.Add(uint64(2), []byte(`a\,"b"@example.com,true,,false,02/30/2001,99,\\,false,a b`))
	f.Fuzz(func(t *testing.T, seed uint64, rows []byte) {
		synctest.Test(t, func(t *testing.T) {
			f := setUp(t, func(s *cognito.Settings) { *s = cognito.Random(wire.NewIDs(seed)) })
			id, url := f.create(t, "")
			f.put(t, url, header+"\n"+string(rows))
			if err := f.start(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute + time.Duration(len(rows))*time.Second)
			j := f.job(t, id)
			n := int64(strings.Count(string(rows), "\n") + 1)
			if counted := j.ImportedUsers + j.SkippedUsers + j.FailedUsers; counted > n ||
				j.Status != "Succeeded" && j.Status != "Failed" || j.ImportedUsers != int64(f.UserCount(poolID)) {
				t.Errorf("%s with %d of at most %d rows, %d users", j.Status, counted, n, f.UserCount(poolID))
			}
		})
	})
}
