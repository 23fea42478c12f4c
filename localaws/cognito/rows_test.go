package cognito_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/google/go-cmp/cmp"

	"userdrop/localaws/cognito"
)

func people(n int) []string {
	rows := make([]string, n)
	for i := range rows {
		rows[i] = person(fmt.Sprintf("u%05d", i))
	}
	return rows
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
					t.Errorf("the job has the algorithm %q", j.PasswordHashingAlgorithm)
				}
			})
		})
	}
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
