package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/contract"
)

// fileCases are inputs after faults that people reported, each for its whole kind: what becomes of the file, what the
// terminal says, and what it must not say. Commas in the source stand for the delimiter of the case.
var fileCases = []struct {
	name, source, flags string
	codes               string // of a refused file, or "" for one whose rows all pass
	columns             []string
	says, silent        []string
}{
	{
		name: "two columns for one attribute", source: "username,email,E-Mail,email_verified\nu,u@example.com," +
			"x@example.com,true\n",
		codes: "DuplicateColumn", columns: []string{"email", "E-Mail"}, says: []string{"column 2 email", "column 3 E-Mail"},
	},
	{
		name: "nameless columns first", source: ",,username,email,email_verified\n,,u,u@example.com,true\n",
		codes: "UnknownColumn", columns: []string{"column 1", "column 2"}, says: []string{"column 1", "column 2", "no name"},
	},
	{name: "nameless columns last", source: "username,email,email_verified,,\nu,u@example.com,true,,\n,,,,\n"},
	{
		name: "who is enabled", source: "username,email,phone_verified,enabled\nu,u@example.com,true,true\n",
		codes: "UnknownColumn", columns: []string{"enabled"}, says: []string{"ApplyGroups=true (--apply-groups)", "column 4 enabled"},
		silent: []string{"mfa", "email_verified"},
	},
	{
		name: "no far-fetched advice",
		source: "username,email,email_verified,office,wage,passport,uid,joined,last_seen,passwd,town,duty\n" +
			"u,u@example.com,true,x,1,1,1,1,1,Green-Lamp-17,x,x\n",
		codes:   "UnknownColumn",
		columns: []string{"office", "wage", "passport", "uid", "joined", "last_seen", "passwd", "town", "duty"},
		says:    []string{"column 4 office", "column 6 passport", "never imported", "--id-column"},
		silent:  []string{"Green-Lamp-17", "perhaps", "cognito:username", "custom:", "locale", "zoneinfo"},
	},
	{
		name: "labels with names in brackets",
		source: "Label [displayName] Required,Login name [userPrincipalName] Required,First name [givenName]\nA," +
			"a@example.com,A\n",
		codes: "UnknownColumn MissingColumn",
		columns: []string{
			"Label [displayName] Required", "Login name [userPrincipalName] Required",
			"cognito:username", "email",
		},
		says: []string{"Login name [userPrincipalName] Required"},
	},
	{name: "labels that are passed over", source: "User Name [Required],Email *,Email Verified (required)\nu," +
		"u@example.com,true\n"},
	{name: "a version line", source: "version:v1.0,,\nusername,email,email_verified\nu,u@example.com,true\n"},
	{
		name: "a title", source: "Night shift of Berlin,,\n\nusername,email,email_verified\nu,u@example.com,true\n",
		codes: "NoHeader", says: []string{"line 3 looks like the header"}, silent: []string{"night shift"},
	},
	{
		name: "a comment", source: "// written by the night shift\nusername,email,email_verified\nu,u@example.com,true\n",
		codes: "NoHeader", says: []string{"comment", "line 2"}, silent: []string{"night shift"},
	},
	{
		name: "whole lines in quotes", source: "\"username,email,email_verified\"\n\"u,u@example.com,true\"\n",
		codes: "NoHeader", says: []string{"quotation marks"}, silent: []string{"u@example.com"},
	},
	{
		name: "typographic quotes", source: "„username“,„email“,„email_verified“\n" +
			"„u“,„u@example.com“,„true“\n",
		codes: "NoHeader", says: []string{"typographic"},
	},
	{
		name: "no header", source: "Kx3plain01,ann@example.com,true,cGxhaW50ZXh0==,,,1508255889000\n",
		codes: "NoHeader", silent: []string{"ann@example.com", "Kx3plain", "cGxhaW50"},
	},
	{name: "a header alone", source: "username,email,email_verified\n", codes: "NoRows"},
	{name: "HTML", source: "<!doctype html>\n<table><td>username</td></table>", codes: "NotCSV", says: []string{"HTML"}},
	{
		name: "NDJSON", source: "{\"email\":\"u@example.com\"}\n{\"email\":\"v@example.com\"}\n", codes: "NotCSV",
		says: []string{"NDJSON"}, silent: []string{"u@example.com"},
	},
	{
		name: "a NUL", source: "username,email,email_verified\nu,u@example.com,true\nv,v@example.com\x00,true\n",
		codes: "NotCSV", says: []string{"Line 3"},
	},
	{
		name: "UTF-16 without its mark", source: "u\x00s\x00e\x00r\x00n\x00a\x00m\x00e\x00," +
			"\x00e\x00m\x00a\x00i\x00l\x00\n\x00",
		codes: "NotCSV", says: []string{"UTF-16"},
	},
	{name: "UTF-16 with tabs", source: "\xFF\xFE" + widened("username\temail\temail_verified\tname\r\n"+
		"u\tu@example.com\ttrue\tMüller\r\n")},
	{
		name: "a workbook", source: "PK\x03\x04" + strings.Repeat("\x14", 26) + "[Content_Types].xml",
		codes: "NotCSV", says: []string{"xlsx"},
	},
	{name: "vertical bars", source: "username|email|email_verified\nu|u@example.com|true\n"},
	{name: "a no-break space", source: "User\u00a0name,E-mail\u00a0Address,Email verified\nu,u@example.com,true\n"},
	{name: "quoted blank lines", source: "\"username\",\"email\",\"email_verified\"\n\"\",\"\",\"\"\n\" \",\"\"," +
		"\"\"\n\"u\",\"u@example.com\",\"true\"\n"},
	{
		name: "dates day first", source: "username,email,email_verified,birthdate\nu,u@example.com,true,31/01/1970\nv," +
			"v@example.com,true,05/11/2001\n",
		codes: "AmbiguousDates", says: []string{"--date-order", "day-first", "line 3"}, silent: []string{"05/11/2001"},
	},
	{
		name: "dates that are settled", source: "username,email,email_verified,birthdate\nu,u@example.com,true," +
			"31/01/1970\nv,v@example.com,true,05/11/2001\n",
		flags: "--date-order day-first",
	},
	{
		name: "columns that are left out", source: "username,email,email_verified,office,is_active\nu,u@example.com," +
			"true,x,1\n",
		flags: "--ignore-columns *,is_active", says: []string{"ColumnIgnored", "2 columns", "office"},
	},
	{
		name: "a state is not left out", source: "username,email,email_verified,office,is_active\nu,u@example.com,true,x,1\n",
		flags: "--ignore-columns *", codes: "UnknownColumn", columns: []string{"is_active"}, says: []string{"come back"},
	},
	{name: "who is verified is not known", source: "username,email\nu,u@example.com\n", flags: "--assume-verified email"},
}

// widened is a text in UTF-16, little end first, of characters below 256.
func widened(text string) string {
	var b strings.Builder
	for _, r := range text {
		b.WriteByte(byte(r))
		b.WriteByte(0)
	}
	return b.String()
}

func TestFileCases(t *testing.T) {
	for _, c := range fileCases {
		t.Run(c.name, func(t *testing.T) {
			csvDocument(t)
			if err := os.WriteFile("users.csv", []byte(c.source), 0o600); err != nil {
				t.Fatal(err)
			}
			args := append([]string{"check", "users.csv", "--pool", "pool.json"}, strings.Fields(c.flags)...)
			code, terminal, stderr := userdrop(args...)
			_, text, _ := userdrop(append(args, "--json")...)
			var result struct{ Problems []contract.Problem }
			if err := json.Unmarshal([]byte(text), &result); err != nil {
				t.Fatal(err)
			}
			var codes, columns []string
			for _, p := range result.Problems {
				codes = append(codes, p.Code.String())
				columns = append(columns, p.Columns...)
			}
			want := 0
			if c.codes != "" {
				want = 2
			}
			if code != want || strings.Join(codes, " ") != c.codes || stderr != "" {
				t.Errorf("exit %d, %q, want %q\n%s%s", code, codes, c.codes, terminal, stderr)
			}
			if diff := cmp.Diff(c.columns, columns); c.columns != nil && diff != "" {
				t.Errorf("columns (-want +got):\n%s", diff)
			}
			flat := strings.ToLower(strings.Join(strings.Fields(terminal), " "))
			for _, words := range c.says {
				if !strings.Contains(flat, strings.ToLower(words)) {
					t.Errorf("the terminal does not say %q:\n%s", words, terminal)
				}
			}
			for _, words := range c.silent {
				if strings.Contains(strings.ToLower(terminal+text), strings.ToLower(words)) {
					t.Errorf("%q is shown:\n%s%s", words, terminal, text)
				}
			}
		})
	}
}

// TestSettingsOfAnImport names a setting as the parameter of the stack in an import, and takes it as a flag.
func TestSettingsOfAnImport(t *testing.T) {
	csvDocument(t)
	source := "username,email,email_verified,office,birthdate\nu,u@example.com,true,x,25/12/1990\nv,v@example.com," +
		"true,y,03/04/1985\n"
	if err := os.WriteFile("users.csv", []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"demo", "users.csv", "--pool", "pool.json", "--out", "out", "--json"}
	code, refused, _ := userdrop(args...)
	if code != 1 || !strings.Contains(refused, "by the setting IgnoreColumns") || strings.Contains(refused, "--ignore") {
		t.Errorf("exit %d\n%s", code, refused)
	}
	code, ambiguous, _ := userdrop(append(args, "--ignore-columns", "office")...)
	if code != 1 || !strings.Contains(ambiguous, "AmbiguousDates") || !strings.Contains(ambiguous, "setting DateOrder") {
		t.Errorf("exit %d\n%s", code, ambiguous)
	}
	code, taken, stderr := userdrop(append(args, "--ignore-columns", "office", "--date-order", "day-first")...)
	result, err := contract.UnmarshalResult([]byte(taken))
	if err != nil || code != 0 {
		t.Fatalf("exit %d, %v\n%s%s", code, err, taken, stderr)
	}
	want := []contract.Note{{
		Code: contract.ColumnIgnored, Count: 1, Lines: []int{}, Message: contract.ColumnIgnored.Message(),
		Columns: []string{"office"},
	}}
	if diff := cmp.Diff(want, result.Notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

// TestCheckSeveral checks several files by one command: each is shown, and the worst decides the exit code.
func TestCheckSeveral(t *testing.T) {
	csvDocument(t)
	for name, text := range map[string]string{
		"good.csv": "username,email,email_verified\nu,u@example.com,true\n", "bad.csv": "username,email," +
			"email_verified\nu,bad,true\n",
		"none.csv": "",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args string
		code int
		says []string
	}{
		{"good.csv bad.csv", 1, []string{"good.csv: the row passes.", "bad.csv: the row does not pass."}},
		{"*.csv", 2, []string{"bad.csv: the row does not pass", "good.csv: the row passes", "none.csv is refused"}},
		{"good.csv", 0, nil},
		{"good.csv gone.csv", 64, []string{"good.csv: the row passes"}},
		{"good.csv bad.csv --json", 64, nil},
		{"good.csv bad.csv --out out", 64, nil},
		{"good.csv ./good.csv", 64, nil},
	} {
		code, stdout, stderr := userdrop(append([]string{"check", "--pool", "pool.json"}, strings.Fields(c.args)...)...)
		if code != c.code {
			t.Errorf("%s: exit %d, want %d\n%s%s", c.args, code, c.code, stdout, stderr)
		}
		for _, words := range c.says {
			if !strings.Contains(stdout, words) {
				t.Errorf("%s: no %q in\n%s", c.args, words, stdout)
			}
		}
	}
}
