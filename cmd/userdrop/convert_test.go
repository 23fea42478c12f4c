package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"userdrop/internal/contract"
	"userdrop/internal/mapping"
)

// oktaExport has one user who passes, one without evidence for the address, and one who was shut out.
const oktaExport = `id,status,login,email,firstName,state
00u1,ACTIVE,ann,ann@example.com,Ann,NV
00u2,STAGED,bob,bob@example.com,Bob,NV
00u3,SUSPENDED,zoe,zoe@example.com,Zoe,NV
`

func TestConvert(t *testing.T) {
	desk(t, map[string]string{"okta.csv": oktaExport})
	code, stdout, stderr := userdrop("convert", "okta.csv", "--mapping", "okta", "--pool", "pool.json", "--out", "out")
	want := `! okta.csv: 2 rows converted; 1 of them would be rejected.`
	if code != 1 || stderr != "" || !strings.HasPrefix(stdout, want) {
		t.Errorf("exit %d, stderr %q\n%s", code, stderr, stdout)
	}
	for _, text := range []string{
		"taken as cognito:username, userdrop:id", "there is no exclusion as federated",
		"left out: a province, not whether the user may sign in", "deactivated  1 row",
		"Ready to check and to drop: out/converted.csv",
	} {
		if !strings.Contains(stdout, text) {
			t.Errorf("the account does not say %q:\n%s", text, stdout)
		}
	}
	converted := `userdrop:line,userdrop:id,given_name,email,email_verified,cognito:username
2,00u1,Ann,ann@example.com,true,ann
3,00u2,Bob,bob@example.com,false,bob
`
	text, err := os.ReadFile(filepath.Join("out", "converted.csv"))
	if diff := cmp.Diff(converted, string(text)); err != nil || diff != "" {
		t.Errorf("converted.csv, -want +got\n%s", diff)
	}
	if code, _, stderr := userdrop("check", "out/converted.csv", "--pool", "pool.json"); code != 1 {
		t.Errorf("check of it exits %d: %s", code, stderr)
	}
}

func TestConvertExitCodes(t *testing.T) {
	good, _, _ := strings.Cut(oktaExport, "00u2")
	desk(t, map[string]string{
		"okta.csv": oktaExport, "good.csv": good, "empty.csv": "",
		"bad.json": `{"schema": "userdrop.mapping/v1", "name": "x", "columns": {"email": "a +", "custom:no": "f(a)"}}`,
	})
	for _, c := range []struct {
		args string
		code int
		want string // on standard error
	}{
		{"good.csv --mapping okta --pool pool.json --out out", 0, ""},
		{"okta.csv --mapping okta --pool pool.json --out out", 1, ""},
		{"empty.csv --mapping okta --pool pool.json --out out", 2, ""},
		{"okta.csv --mapping shopify --pool pool.json --out out", 2, ""},
		{"okta.csv --mapping bad.json --pool pool.json --out out", 2, "columns.custom:no:1: there is no function f"},
		{"okta.csv --mapping octa --pool pool.json --out out", 64, `no built-in mapping and no file "octa"`},
		{"okta.csv --mapping no.json --pool pool.json --out out", 64, "open no.json"},
		{"none.csv --mapping okta --pool pool.json --out out", 64, "open none.csv"},
		{"okta.csv --mapping okta --pool none.json --out out", 64, "open none.json"},
		{"okta.csv --mapping okta --passwords okta.csv --pool pool.json --out out", 64, "takes no second file"},
		{"okta.csv --mapping okta --pool pool.json", 64, "convert needs --out DIR"},
	} {
		code, _, stderr := userdrop(append([]string{"convert"}, strings.Fields(c.args)...)...)
		if code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit %d, want %d: %s", c.args, code, c.code, stderr)
		}
	}
}

func TestMappings(t *testing.T) {
	code, stdout, _ := userdrop("mappings")
	if code != 0 || strings.Count(stdout, "\n") != len(mapping.BuiltinNames()) || !strings.Contains(stdout, "Okta") {
		t.Errorf("exit %d\n%s", code, stdout)
	}
	code, stdout, _ = userdrop("mappings", "show", "okta")
	if _, err := mapping.Parse([]byte(stdout)); code != 0 || err != nil {
		t.Errorf("exit %d: %v", code, err)
	}
	if code, _, stderr := userdrop("mappings", "show", "octa"); code != 64 || !strings.Contains(stderr, "octa") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	code, stdout, _ = userdrop("mappings", "schema")
	if code != 0 || !json.Valid([]byte(stdout)) {
		t.Errorf("exit %d: %s", code, stdout)
	}
}

// TestCheckWithMapping checks an export as it is.
func TestCheckWithMapping(t *testing.T) {
	desk(t, map[string]string{"okta.csv": oktaExport, "bad.json": `{"schema": "userdrop.mapping/v1"}`})
	code, stdout, stderr := userdrop(strings.Fields("check okta.csv --mapping okta --pool pool.json --out out --json")...)
	var r contract.Result
	if err := json.Unmarshal([]byte(stdout), &r); err != nil || code != 1 {
		t.Fatalf("exit %d, %v: %s", code, err, stderr)
	}
	rows := contract.Rows{Read: 3, Excluded: 1, Rejected: 1, Submitted: 1}
	if diff := cmp.Diff(rows, r.Rows); diff != "" || r.Mapping == nil || r.Mapping.Name != "okta" {
		t.Errorf("mapping %v, -want +got\n%s", r.Mapping, diff)
	}
	excluded, err := os.ReadFile(filepath.Join("out", "excluded.csv"))
	if err != nil || !strings.Contains(string(excluded), "00u3,SUSPENDED,zoe,zoe@example.com,Zoe,NV,4,00u3,deactivated") {
		t.Errorf("excluded.csv: %v\n%s", err, excluded)
	}
	code, stdout, _ = userdrop("check", "okta.csv", "--mapping", "bad.json", "--pool", "pool.json", "--json")
	if err := json.Unmarshal([]byte(stdout), &r); err != nil || code != 2 || r.Problems[0].Code != contract.BadMapping {
		t.Errorf("exit %d: %s", code, stdout)
	}
	code, stdout, _ = userdrop("check", "okta.csv", "--pool", "pool.json")
	if text := strings.Join(strings.Fields(stdout), " "); code != 2 ||
		!strings.Contains(text, "looks like an export of Okta: import it as it is by --mapping okta.") {
		t.Errorf("exit %d: %s", code, stdout)
	}
}

// TestWrongMapping names the mapping that the file needs instead of the one that was given.
func TestWrongMapping(t *testing.T) {
	desk(t, map[string]string{"okta.csv": oktaExport})
	for _, args := range []string{"check okta.csv --mapping auth0", "convert okta.csv --mapping auth0 --out out"} {
		code, stdout, _ := userdrop(append(strings.Fields(args), "--pool", "pool.json")...)
		if text := strings.Join(strings.Fields(stdout), " "); code != 2 || strings.Count(text, "looks like") != 1 ||
			!strings.Contains(text, "The file looks like an export of Okta: take --mapping okta instead of auth0.") {
			t.Errorf("%s: exit %d: %s", args, code, stdout)
		}
	}
}

// TestMappingWithoutAttribute says that the mapping, not the file, needs to be changed.
func TestMappingWithoutAttribute(t *testing.T) {
	desk(t, map[string]string{
		"okta.csv": oktaExport,
		"mine.json": `{"schema": "userdrop.mapping/v1", "name": "mine", "columns": {"email": "email"},
			"ignore": ["id", "status", "login", "firstName", "state"]}`,
	})
	for _, args := range []string{"check okta.csv --mapping mine.json", "convert okta.csv --mapping mine.json --out out"} {
		code, stdout, _ := userdrop(append(strings.Fields(args), "--pool", "pool.json")...)
		if text := strings.Join(strings.Fields(stdout), " "); code != 2 ||
			!strings.Contains(text, "needs attributes that the mapping does not make from this file") {
			t.Errorf("%s: exit %d: %s", args, code, stdout)
		}
	}
}

// TestCheckWithMappingOfPool checks by the mapping that the inbox has for the pool, as an import would.
func TestCheckWithMappingOfPool(t *testing.T) {
	d := deploy(t, doubleOptions{set: []string{"Mapping=auth0"}})
	if err := os.WriteFile("okta.csv", []byte(oktaExport), 0o600); err != nil {
		t.Fatal(err)
	}
	inbox := s3.NewFromConfig(localConfig(d, os.Getenv("AWS_ENDPOINT_URL")))
	for _, c := range []struct {
		name, mapping, args string
		code                int
		want                string
	}{
		{"none: the stack's", "", "", 2, "instead of auth0"},
		{"its own", `"okta"`, "", 1, "1 of 3 rows pass, 1 rejected"},
		{"the command line's", `"shopify"`, "--mapping okta", 1, "1 of 3 rows pass, 1 rejected"},
		{"with mistakes", `{"colums": {}}`, "", 2, "mappings/" + examplePool + ".json in the inbox has a mapping with mistakes"},
	} {
		if c.mapping != "" {
			if _, err := inbox.PutObject(t.Context(), &s3.PutObjectInput{
				Bucket: aws.String(d.Stack.Bucket("InboxBucket").Name), Key: aws.String("mappings/" + examplePool + ".json"),
				Body: strings.NewReader(c.mapping),
			}); err != nil {
				t.Fatal(err)
			}
		}
		code, stdout, stderr := userdrop(strings.Fields("check okta.csv --stack userdrop " + c.args)...)
		if text := strings.Join(strings.Fields(stdout), " "); code != c.code || !strings.Contains(text, c.want) {
			t.Errorf("%s: exit %d, want %d and %q\n%s%s", c.name, code, c.code, c.want, stdout, stderr)
		}
	}
}

// TestDemoWithMapping drops an export as it is on the double.
func TestDemoWithMapping(t *testing.T) {
	workplace(t)
	if err := os.WriteFile("okta.csv", []byte(oktaExport), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := userdrop(strings.Fields("demo okta.csv --mapping okta --pool pool.json --out out --json")...)
	var r contract.Result
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatalf("exit %d, %v: %s", code, err, stderr)
	}
	if code != 1 || r.Mapping.Name != "okta" || r.Rows.Excluded != 1 || r.Rows.Rejected != 1 ||
		r.Rows.Counts().Imported != 1 {
		t.Errorf("exit %d: %s", code, stdout)
	}
	if _, err := os.Stat(filepath.Join("out", "excluded.csv")); err != nil {
		t.Error(err)
	}
}

// TestConvertRefusedColumn shows which column refuses a file.
func TestConvertRefusedColumn(t *testing.T) {
	desk(t, map[string]string{"okta.csv": oktaExport})
	code, stdout, _ := userdrop("convert", "okta.csv", "--mapping", "auth0", "--pool", "pool.json", "--out", "out")
	if code != 2 || !strings.Contains(stdout, "  status     refused: the mapping neither takes it nor ignores it by name\n") ||
		strings.Count(stdout, "refused: ") != 2 {
		t.Errorf("exit %d\n%s", code, stdout)
	}
}

// TestConvertUsernames says what becomes of usernames that users could not sign in with.
func TestConvertUsernames(t *testing.T) {
	export := strings.NewReplacer(",ann,", ",ann@example.com,", ",bob,", ",bob@example.com,").Replace(oktaExport)
	const byID = "2 rows have the product's id as the username"
	for _, c := range []struct{ option, export, want string }{
		{"", export, byID},
		{"", oktaExport, ""},
		{`"AliasAttributes": ["email"],`, export, ""},
		{`"UsernameAttributes": ["email"],`, export, "Left out in 2 rows: it is not the row's email address"},
	} {
		desk(t, map[string]string{"okta.csv": c.export})
		pool, err := os.ReadFile("pool.json")
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Replace(string(pool), `"AutoVerifiedAttributes"`, c.option+`"AutoVerifiedAttributes"`, 1)
		if err := os.WriteFile("own.json", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, stdout, stderr := userdrop("convert", "okta.csv", "--mapping", "okta", "--pool", "own.json", "--out", "out")
		if strings.Contains(stdout, "\nUsernames\n") != (c.want != "") || !strings.Contains(stdout, c.want) || stderr != "" {
			t.Errorf("pool with %q: want %q, got\n%s%s", c.option, c.want, stdout, stderr)
		}
	}
}
