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

func people(n int) []string {
	rows := make([]string, n)
	for i := range rows {
		rows[i] = person(fmt.Sprintf("u%05d", i))
	}
	return rows
}

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

func TestRows(t *testing.T) {
	const notVerified = "The User Record does not set any of the auto verified attributes to true. " +
		"(Example: email_verified to true)."
	long := strings.Repeat("x", 2049)
	tests := []struct {
		name, row string
		want      string // less "Line Number 2 - "
	}{
		{"good", person("ann"), "[SUCCEEDED] The import succeeded."},
		{"escaped comma", `"a\,b"@example.com,true,,false,,,,false,ann`, "[SUCCEEDED] The import succeeded."},
		{"white space is trimmed", " ann@example.com , TRUE ,,FALSE,,,,false, ann ", "[SUCCEEDED] The import succeeded."},
		{"there already", person("zed"), "[SKIPPED] The user already exists."},
		{"no flag is true", "a@example.com,false,,false,,,,false,ann", "[FAILED] " + notVerified},
		{"another flag is true", "a@example.com,false,+15550100,true,,,,false,ann", "[FAILED] " + notVerified},
		{"blank flag", "a@example.com,true,,,,,,false,ann", "[FAILED] Invalid attribute value."},
		{"verified but blank", "a@example.com,true,,true,,,,false,ann", "[FAILED] A verified attribute has no value."},
		{"required attribute", ",true,,false,,,,false,ann", "[FAILED] The user data doesn't match the schema."},
		{"bad boolean", "a@example.com,yes,,false,,,,false,ann", "[FAILED] Invalid attribute value."},
		{"bad email", "a.example.com,true,,false,,,,false,ann", "[FAILED] Invalid attribute value."},
		{"bad phone", "a@example.com,true,0555 0100,false,,,,false,ann", "[FAILED] Invalid attribute value."},
		{"bad birthdate", "a@example.com,true,,false,1985-02-01,,,false,ann", "[FAILED] Invalid attribute value."},
		{"no such day", "a@example.com,true,,false,02/30/1985,,,false,ann", "[FAILED] Invalid attribute value."},
		{"no number", "a@example.com,true,,false,,1.5,,false,ann", "[FAILED] The user data doesn't match the schema."},
		{
			"number out of range", "a@example.com,true,,false,,10,,false,ann",
			"[FAILED] The user data doesn't match the schema.",
		},
		{"too short", "a@example.com,true,,false,,,x,false,ann", "[FAILED] The user data doesn't match the schema."},
		{"too long", "a@example.com,true,,false,,,xxxxxx,false,ann", "[FAILED] The user data doesn't match the schema."},
		{"quotes are data", `a@example.com,true,,false,,,"abc",false,ann`, "[SUCCEEDED] The import succeeded."},
		{"quotes count", `a@example.com,true,,false,,,"abcd",false,ann`, "[FAILED] The user data doesn't match the schema."},
		{
			"quotes hide no comma", `a@example.com,true,,false,,,"a,b",false,ann`,
			"[FAILED] The number of columns doesn't match the header.",
		},
		{"few columns", "a@example.com,true", "[FAILED] The number of columns doesn't match the header."},
		{"long value", long + "@example.com,true,,false,,,,false,ann", "[FAILED] Invalid attribute value."},
		{"long row", strings.Repeat("x", 16_001), "[FAILED] The row is too long."},
		{"very long row", strings.Repeat("x", 80_000), "[FAILED] The row is too long."},
		{"no username", "a@example.com,true,,false,,,,false,", "[FAILED] Invalid username."},
		{"space in the username", "a@example.com,true,,false,,,,false,a b", "[FAILED] Invalid username."},
		{"long username", "a@example.com,true,,false,,,,false," + strings.Repeat("é", 129), "[FAILED] Invalid username."},
		{
			"MFA in a pool without", "a@example.com,true,,false,,,,true,ann",
			"[FAILED] The MFA setting doesn't match the user pool.",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := setUp(t, func(s *cognito.Settings) { s.FailFraction = 2 })
				_, err := f.client.AdminCreateUser(t.Context(), &cognitoidentityprovider.AdminCreateUserInput{
					UserPoolId: aws.String(poolID), Username: aws.String("zed"),
				})
				if err != nil {
					t.Fatal(err)
				}
				j := f.run(t, "", file(test.row))
				got := strings.ReplaceAll(strings.Join(f.rowLines(j), "|"), "Line Number 2 - ", "")
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Error(diff)
				}
				if got := j.ImportedUsers + j.SkippedUsers + j.FailedUsers; got != 1 || j.Status != "Succeeded" {
					t.Errorf("%s with %d rows counted", j.Status, got)
				}
			})
		})
	}
}

func TestFiles(t *testing.T) {
	tests := []struct {
		name      string
		change    func(*cognito.Settings)
		algorithm string
		csv       string
		want      string // status: message
	}{
		{"as it should be", nil, "", file(person("ann")), "Succeeded: Import Job Completed Successfully."},
		{"columns in another order", nil, "", reversed(file(person("ann"))), "Succeeded: Import Job Completed Successfully."},
		{"header alone", nil, "", header, "Succeeded: Import Job Completed Successfully."},
		{"empty", nil, "", "", "Failed: The CSV file is empty."},
		{"byte order mark", nil, "", "\uFEFF" + file(person("ann")), "Failed: The CSV file has unexpected headers."},
		{"no UTF-8", nil, "", file("\xff"), "Failed: The CSV file cannot be parsed: it is not UTF-8."},
		{"foreign column", nil, "", "shoe," + file(person("ann")), "Failed: The CSV file has unexpected headers."},
		{"column twice", nil, "", "email," + file(person("ann")), "Failed: The CSV file has unexpected headers."},
		{
			"CRLF", nil, "", strings.ReplaceAll(file(person("ann")), "\n", "\r\n"),
			"Failed: The CSV file has unexpected headers.",
		},
		{
			"CRLF accepted", func(s *cognito.Settings) { s.CRLFAccepted = true }, "",
			strings.ReplaceAll(file(person("ann")), "\n", "\r\n"), "Succeeded: Import Job Completed Successfully.",
		},
		{"fewer columns", nil, "", few, "Failed: The CSV file has unexpected headers."},
		{
			"fewer columns accepted", func(s *cognito.Settings) { s.FewerColumnsAccepted = true }, "", few,
			"Succeeded: Import Job Completed Successfully.",
		},
		{
			"too many rows", func(s *cognito.Settings) { s.RowLimit = 2 }, "", file(people(3)...),
			"Failed: The CSV file has too many users.",
		},
		{
			"as many rows as may be", func(s *cognito.Settings) { s.RowLimit = 3 }, "", file(people(3)...) + "\n",
			"Succeeded: Import Job Completed Successfully.",
		},
		{
			"too many bytes", func(s *cognito.Settings) { s.ByteLimit = int64(len(file(person("ann")))) - 1 }, "",
			file(person("ann")), "Failed: The CSV file is too large.",
		},
		{
			"an algorithm without hashes", nil, "BCRYPT", file(person("ann")),
			"Failed: The CSV file has no password_hash column.",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := setUp(t, test.change)
				j := f.run(t, test.algorithm, test.csv)
				if diff := cmp.Diff(test.want, j.Status+": "+j.CompletionMessage); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

const few = "email,email_verified,cognito:username\na@example.com,true,ann\n"

func reversed(csv string) string {
	lines := strings.Split(strings.TrimSpace(csv), "\n")
	for i, line := range lines {
		cells := strings.Split(line, ",")
		for a, b := 0, len(cells)-1; a < b; a, b = a+1, b-1 {
			cells[a], cells[b] = cells[b], cells[a]
		}
		lines[i] = strings.Join(cells, ",")
	}
	return strings.Join(lines, "\n") + "\n"
}

func TestSettingsOfRows(t *testing.T) {
	tests := []struct {
		name   string
		change func(*cognito.Settings)
		rows   []string
		want   []string
	}{
		{
			"lines count from the header", nil,
			[]string{person("ann"), "", person("bob")},
			[]string{"[SUCCEEDED] Line Number 2", "[SUCCEEDED] Line Number 4"},
		},
		{
			"lines count from the first user", func(s *cognito.Settings) { s.LineBase, s.BlankLinesCounted = 1, false },
			[]string{person("ann"), "", person("bob")},
			[]string{"[SUCCEEDED] Line Number 1", "[SUCCEEDED] Line Number 2"},
		},
		{
			"second row of a username is skipped", nil,
			[]string{person("ann"), person("ann"), person("bob"), person("cid")},
			[]string{
				"[SUCCEEDED] Line Number 2", "[SKIPPED] Line Number 3", "[SUCCEEDED] Line Number 4",
				"[SUCCEEDED] Line Number 5",
			},
		},
		{
			"second row of a username fails", func(s *cognito.Settings) { s.DuplicateInFile = "failed" },
			[]string{person("ann"), person("ann"), person("bob"), person("cid")},
			[]string{
				"[SUCCEEDED] Line Number 2", "[FAILED] Line Number 3", "[SUCCEEDED] Line Number 4",
				"[SUCCEEDED] Line Number 5",
			},
		},
		{
			"a backslash is itself", nil,
			[]string{`a@example.com,true,,false,,,a\\bc\d,false,ann`},
			[]string{"[FAILED] Line Number 2"}, // seven characters
		},
		{
			"a backslash escapes anything", func(s *cognito.Settings) { s.Backslash = "any" },
			[]string{`a@example.com,true,,false,,,a\\bc\d,false,ann`},
			[]string{"[SUCCEEDED] Line Number 2"},
		},
		{
			"quotation marks are refused", func(s *cognito.Settings) { s.Quotes = "refused" },
			[]string{`a@example.com,true,,false,,,"abc",false,ann`},
			[]string{"[FAILED] Line Number 2"},
		},
		{
			"a blank flag may be", func(s *cognito.Settings) { s.BlankVerifiedFails = false },
			[]string{"a@example.com,true,,,,,,false,ann"},
			[]string{"[SUCCEEDED] Line Number 2"},
		},
		{
			"every line twice", func(s *cognito.Settings) { s.LogDoubled = 1 },
			[]string{person("ann")},
			[]string{
				"Cognito User Pools Import - Test Log", "Cognito User Pools Import - Test Log",
				"[SUCCEEDED] Line Number 2", "[SUCCEEDED] Line Number 2",
			},
		},
		{"lines are lost", func(s *cognito.Settings) { s.LogMissing = 1 }, []string{person("ann")}, nil},
		{"no log", func(s *cognito.Settings) { s.NoLogGroup = true }, []string{person("ann")}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := setUp(t, test.change)
				var got []string
				for _, line := range f.rowLines(f.run(t, "", file(test.rows...))) {
					if rest, _, ok := strings.Cut(line, " - The "); ok {
						line = rest
					} else if rest, _, ok := strings.Cut(line, " - Invalid "); ok {
						line = rest
					}
					got = append(got, line)
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
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

func TestHashes(t *testing.T) {
	salted := strings.Repeat("a", 53)
	tests := []struct {
		name, algorithm, hash string
		want                  string
	}{
		{"blank", "BCRYPT", "", "RESET_REQUIRED"},
		{"bcrypt", "BCRYPT", "$2b$12$" + salted, "CONFIRMED"},
		{"bcrypt costs too much", "BCRYPT", "$2b$13$" + salted, "Parameter out of bounds."},
		{"bcrypt cut short", "BCRYPT", "$2b$12$abc", "Malformed hash."},
		{"another algorithm's", "SCRYPT", "$2b$12$" + salted, "Algorithm mismatch."},
		{"scrypt", "SCRYPT", "65536$8$1$00ff$00ff", "CONFIRMED"},
		{"scrypt needs too much", "SCRYPT", "131072$8$1$00ff$00ff", "Parameter out of bounds."},
		{"argon2id", "ARGON2ID", `$argon2id$v=19$m=19456\,t=2\,p=1$c2FsdA$aGFzaA`, "CONFIRMED"},
		{"argon2id needs too much", "ARGON2ID", `$argon2id$v=19$m=19457\,t=2\,p=1$c2FsdA$aGFzaA`, "Parameter out of bounds."},
		{"pbkdf2", "PBKDF2_SHA256", "$pbkdf2-sha256$600000$c2FsdA$aGFzaA", "CONFIRMED"},
		{"pbkdf2 takes too long", "PBKDF2_SHA256", "$pbkdf2-sha256$600001$c2FsdA$aGFzaA", "Parameter out of bounds."},
		{"no algorithm", "", "$2b$12$" + salted, "The job names no password hashing algorithm."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := setUp(t, func(s *cognito.Settings) { s.HashColumn, s.FewerColumnsAccepted = true, true },
					`"Name": "people"`, `"Name": "people", "header": "built"`)
				j := f.run(t, test.algorithm,
					"email,email_verified,cognito:username,password_hash\na@example.com,true,ann,"+test.hash+"\n")
				got := ""
				if users := f.Users(poolID); len(users) == 1 {
					got = users[0].Status
				} else if lines := f.rowLines(j); len(lines) == 1 {
					_, got, _ = strings.Cut(lines[0], " - ")
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Error(diff)
				}
				if j.PasswordHashingAlgorithm != test.algorithm {
					t.Errorf("the job tells of %q", j.PasswordHashingAlgorithm)
				}
			})
		})
	}
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

func TestPoolsThatDiffer(t *testing.T) {
	oneTime := `"MfaConfiguration": "OFF", "Policies": {"SignInPolicy": {"AllowedFirstAuthFactors": ["EMAIL_OTP"]}}`
	tests := []struct {
		name   string
		change func(*cognito.Settings)
		pool   []string
		row    string
		want   string // status of the user or message, number of attributes, log groups
	}{
		{"as described", nil, nil, person("ann"), "RESET_REQUIRED 3 [" + logGroup + "]"},
		{
			"one-time passwords", nil,
			[]string{`"MfaConfiguration": "OFF"`, oneTime},
			person("ann"),
			"CONFIRMED 3 [" + logGroup + "]",
		},
		{
			"users kept small", func(s *cognito.Settings) { s.KeepAttributes = false }, nil, person("ann"),
			"RESET_REQUIRED 0 [" + logGroup + "]",
		},
		{
			"a name that no log group has", nil,
			[]string{`"people"`, `"my people"`},
			person("ann"),
			"RESET_REQUIRED 3 [/aws/cognito/userpools/" + poolID + "/my_people]",
		},
		{
			"and none is made", func(s *cognito.Settings) { s.OddPoolNameLogged = false },
			[]string{`"people"`, `"my people"`},
			person("ann"), "RESET_REQUIRED 3 []",
		},
		{
			"MFA on, and the row says off", nil,
			[]string{`"MfaConfiguration": "OFF"`, `"MfaConfiguration": "ON"`},
			person("ann"), "The MFA setting doesn't match the user pool. 0 [" + logGroup + "]",
		},
		{
			"MFA on, and the row says nothing", nil,
			[]string{`"MfaConfiguration": "OFF"`, `"MfaConfiguration": "ON"`},
			"ann@example.com,true,,false,,,,,ann", "RESET_REQUIRED 3 [" + logGroup + "]",
		},
		{
			"MFA off, and the row says nothing", nil, nil,
			"ann@example.com,true,,false,,,,,ann", "RESET_REQUIRED 3 [" + logGroup + "]",
		},
		{
			"MFA optional, and the row says nothing", nil,
			[]string{`"MfaConfiguration": "OFF"`, `"MfaConfiguration": "OPTIONAL"`},
			"ann@example.com,true,,false,,,,,ann", "The MFA setting doesn't match the user pool. 0 [" + logGroup + "]",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := setUp(t, test.change, test.pool...)
				j := f.run(t, "", file(test.row))
				var user cognito.User
				if users := f.Users(poolID); len(users) == 1 {
					user = users[0]
				} else if lines := f.rowLines(j); len(lines) == 1 {
					_, user.Status, _ = strings.Cut(lines[0], " - ")
				}
				got := fmt.Sprintf("%s %d %v", user.Status, len(user.Attributes), f.logs.Groups())
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
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
