package usercsv_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/contract"
	"userdrop/internal/usercsv"
)

// richPool has an email address that is required and verified, and two custom attributes.
func richPool() *usercsv.Pool {
	return &usercsv.Pool{
		ID: "us-east-1_Example", AutoVerified: []string{"email"}, CaseSensitive: true,
		Attributes: []usercsv.Attribute{
			{Name: "email", Type: usercsv.String, Required: true},
			{Name: "custom:seats", Type: usercsv.Number},
			{Name: "custom:team", Type: usercsv.String},
		},
	}
}

// verdict is what becomes of a file as a whole: the codes that refuse it and their messages, or the rows read.
func verdict(
	t testing.TB, pool *usercsv.Pool, settings usercsv.Settings, source string,
) (codes, messages string, out *output) {
	t.Helper()
	out = run(t, pool, settings, source)
	if out.Read > 0 {
		return fmt.Sprintf("%d rows", out.Read), "", out
	}
	var names, texts []string
	for _, p := range out.Problems {
		names = append(names, p.Code.String())
		texts = append(texts, p.Message)
	}
	return strings.Join(names, " "), strings.Join(texts, " "), out
}

const goodRow = "u1,u1@example.com,true\n"

// TestFormats names what a file is instead of CSV.
func TestFormats(t *testing.T) {
	const good = "username,email,email_verified\n" + goodRow
	zip := func(member string) string { return "PK\x03\x04" + strings.Repeat("\x14", 26) + member }
	utf16 := func(text string, first, second string) string {
		var b strings.Builder
		for _, c := range text {
			b.WriteString(first + string(c) + second)
		}
		return b.String()
	}
	for _, c := range []struct{ source, code, says string }{
		{"", "EmptyFile", "empty"},
		{" \t\r\n\v\f\u00a0\u3000", "EmptyFile", "empty"},
		{",,;\n\t|\n", "EmptyFile", "empty"},
		{`"","",""` + "\n\x1a", "EmptyFile", "empty"},
		{"\x1a", "EmptyFile", "empty"},
		{"\uFEFF\n\n", "EmptyFile", "empty"},
		{zip("[Content_Types].xml"), "NotCSV", "Excel workbook (xlsx)"},
		{zip("mimetypeapplication/vnd.oasis.opendocument.spreadsheet"), "NotCSV", "OpenDocument"},
		{zip("Index/Document.iwa"), "NotCSV", "Numbers"},
		{zip("users.csv"), "NotCSV", "zip archive"},
		{"PK\x05\x06", "NotCSV", "zip archive"},
		{"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "NotCSV", "Excel 97-2003"},
		{"\x1F\x8B\x08", "NotCSV", "gzip"},
		{"BZh91AY&SY", "NotCSV", "bzip2"},
		{"\xFD7zXZ\x00", "NotCSV", "xz"},
		{"\x28\xB5\x2F\xFD\x04", "NotCSV", "Zstandard"},
		{"7z\xBC\xAF\x27\x1C", "NotCSV", "7-Zip"},
		{"Rar!\x1A\x07\x01", "NotCSV", "RAR"},
		{"%PDF-1.7\n", "NotCSV", "PDF"},
		{"PAR1\x15", "NotCSV", "Parquet"},
		{"SQLite format 3\x00", "NotCSV", "SQLite"},
		{"<!DOCTYPE html><html>", "NotCSV", "HTML"},
		{" \n<HTML lang=en>", "NotCSV", "HTML"},
		{"<!-- a page -->\n<body>", "NotCSV", "HTML"},
		{"<table><tr><td>username", "NotCSV", "HTML"},
		{`<?xml version="1.0"?><users/>`, "NotCSV", "XML"},
		{`<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook>`, "NotCSV", "Excel workbook in XML"},
		{"<users>", "NotCSV", "XML"},
		{"</users>", "NotCSV", "XML"},
		{`{"users": []}`, "NotCSV", "JSON"},
		{"{\n  \"users\": []\n}", "NotCSV", "JSON"},
		{"{}", "NotCSV", "JSON"},
		{"[]", "NotCSV", "JSON"},
		{"\uFEFF [ {\"a\": 1}]", "NotCSV", "JSON"},
		{"{\"a\":1}\n{\"a\":2}\n", "NotCSV", "NDJSON"},
		{"dn: uid=ann,dc=example,dc=com\n", "NotCSV", "LDIF"},
		{"version: 1\n\ndn: uid=ann\n", "NotCSV", "LDIF"},
		{"version: 1\rdn: uid=ann\r", "NotCSV", "LDIF"},
		{"DN:: dWlkPWFubg==\n", "NotCSV", "LDIF"},
		{strings.Repeat("\n", 64<<10) + "<html>", "NoHeader", "one cell alone"}, // beyond the first 64 KiB
		{utf16("username,email\n", "", "\x00"), "NotCSV", "UTF-16"},
		{utf16("username,email\n", "\x00", ""), "NotCSV", "UTF-16"},
		{"username,email\x00\n", "NotCSV", "Line 1 holds a NUL"},
		{"\n\nusername,e\xFFmail,\x00\n", "NotCSV", "Line 3 holds a NUL"},
		{good + "u2,\x00\n", "NotCSV", "Line 3 holds a NUL"},
		{"username,e\xFFmail\n", "BadEncoding", "UTF-8"},
		{good + "u2,\xFF\n", "BadEncoding", "UTF-8"},
		{good, "1 rows", ""},
	} {
		code, message, _ := verdict(t, richPool(), usercsv.Settings{}, c.source)
		if code != c.code || !strings.Contains(message, c.says) {
			t.Errorf("%.40q: %s: %s\nwant %s: %s", c.source, code, message, c.code, c.says)
		}
	}
}

// TestNoHeader gives each cause of a missing header in a sentence of its own, without a word of the line.
func TestNoHeader(t *testing.T) {
	const rows = "\nusername,email,email_verified\n" + goodRow
	for _, c := range []struct{ source, says string }{
		{`"username,email,email_verified"` + "\n" + `"u1,u1@example.com,true"`, "whole line is in quotation marks"},
		{`"username;email;email_verified"` + "\n", "whole line is in quotation marks"},
		{`"username,email,""email_verified"""` + "\n", "whole line is in quotation marks"},
		{"“username”,“email”\n", "typographic"},
		{"„username“;„email“\n", "typographic"},
		{"«username»,«email»\n", "typographic"},
		{"‘username’,‘email’\n", "typographic"},
		{"「username」,「email」\n", "typographic"},
		{"＂username＂,＂email＂\n", "typographic"},
		{"username,“email”\n", "typographic"},
		{"# made by Secretly Named" + rows, "is a comment, and line 2 looks like the header"},
		{"// made by Secretly Named\n" + rows, "is a comment, and line 3 looks like the header"},
		{"-- Secretly Named" + rows, "line 2 looks like the header"},
		{"Users of Secretly Named,,\n\n2026-01-01,," + rows, "line 4 looks like the header"},
		{"Users of Secretly Named\nusername;email;email_verified\n", "line 2 looks like the header"},
		{"sep=^\nusername^email\n", "sep=, names a delimiter"},
		{"# Secretly Named\nu1\n", "is a comment"},
		{"username:email:email_verified\n", "separated by a delimiter"},
		{"username^email^email_verified\n", "separated by a delimiter"},
		{"username~email~email_verified\n", "separated by a delimiter"},
		{"username email email_verified\n", "separated by a delimiter"},
		{"username\u00a6email\u00a6email_verified\n", "separated by a delimiter"},
		{"username\x1femail\x1femail_verified\n", "separated by a delimiter"},
		{"username/email/email_verified\n", "separated by a delimiter"},
		{"Secretly,ann@example.com,true\n", "Column 2 of the first line looks like an email address"},
		{"Secretly,+1 (432) 555-1212\n", "looks like a phone number"},
		{"Secretly,2026-01-02\n", "looks like a date"},
		{"Secretly,2026-01-02T10:00:00Z\n", "looks like a date"},
		{"Secretly,1/2/2026\n", "looks like a date"},
		{"Secretly,2 Jan 2026\n", "looks like a date"},
		{"Secretly,17\n", "looks like a number"},
		{"Secretly,1525515073000\n", "looks like a number"},
		{"Secretly,-1.5\n", "looks like a number"},
		{"Secretly,7d2f0000-0000-0000-0000-000000000001\n", "looks like a UUID"},
		{"Secretly,{7D2F0000-0000-0000-0000-000000000001}\n", "looks like a UUID"},
		{"Secretly,$2y$10$abcdefghijklmnopqrstuu\n", "looks like a hash"},
		{"Secretly,0123456789abcdef0123456789abcdef\n", "looks like a hash"},
		{"Secretly,{SSHA}0123456789abcdef0123\n", "looks like a hash"},
		{"Secretly,pbkdf2_sha256$600000$salt$hash\n", "looks like a hash"},
		{"email,Secretly,17\n", "looks like a number"},
		{"Secretly\nu1\n", "one cell alone"},
		{",,Secretly,,\nu1\n", "one cell alone"},
		{"Secretly\n", "one cell alone"},
		{"userdrop:line,userdrop:code\n2,BadEmail\n", "userdrop's own columns"},
		{"username,\"email\n", "quotation mark that is not closed"},
		{"username,\"e\nmail\",name\nu1,x,y\n", "line break inside a name"},
		{"sep=;\n", "ends before a header"},
		{",;\nusername,email\n", "nothing but delimiters"},
		{strings.Repeat("x", 2<<20) + "\n", "longer than any header"},
	} {
		code, message, out := verdict(t, richPool(), usercsv.Settings{}, c.source)
		if code != "NoHeader" || !strings.Contains(message, c.says) {
			t.Errorf("%.60q: %s: %s\nwant %s", c.source, code, message, c.says)
		}
		if !strings.Contains(message, "cognito:username,email,email_verified") && code == "NoHeader" {
			t.Errorf("%.60q: no header to paste: %s", c.source, message)
		}
		if all := fmt.Sprintf("%+v", out.Problems); strings.Contains(all, "Secretly") {
			t.Errorf("%.60q: the line is shown: %s", c.source, all)
		}
	}
}

// TestBeforeHeader passes over what other programs write above the header.
func TestBeforeHeader(t *testing.T) {
	const header = "username,email,email_verified\n"
	for _, c := range []struct {
		source string
		line   int // of the one row
		delim  byte
	}{
		{header + goodRow, 2, ','},
		{"\n \n,,,\n;;\n\t\t\n||\n\"\",\"\"\n" + header + goodRow, 9, ','},
		{"sep=,\r\n" + header + goodRow, 3, ','},
		{"SEP=;\n" + strings.ReplaceAll(header+goodRow, ",", ";"), 3, ';'},
		{"\"sep=|\"\n" + strings.ReplaceAll(header+goodRow, ",", "|"), 3, '|'},
		{"sep=\t\n" + strings.ReplaceAll(header+goodRow, ",", "\t"), 3, '\t'},
		{"sep=;;;\n" + strings.ReplaceAll(header+goodRow, ",", ";"), 3, ';'},
		{"#TYPE System.Management.Automation.PSCustomObject\n" + header + goodRow, 3, ','},
		{"version:v1.0\n" + header + goodRow, 3, ','},
		{"version:v1.0,,,\n" + header + goodRow, 3, ','},
		{"sep=,\n\n#TYPE X\n\nversion:v1.0\n\n" + header + goodRow, 8, ','},
		{"\uFEFFsep=,\n" + header + goodRow, 3, ','},
		{strings.ReplaceAll(header+goodRow, ",", "|"), 2, '|'},
	} {
		p, err := usercsv.NewPreparer(richPool(), complete(usercsv.Settings{IgnoreColumns: []string{"*"}}), &output{})
		if err != nil {
			t.Fatal(err)
		}
		summary, err := p.Add(t.Context(), strings.NewReader(c.source))
		if err != nil {
			t.Errorf("%q: %v %+v", c.source, err, err)
			continue
		}
		if summary.Read != 1 || summary.Header.Delimiter != c.delim {
			t.Errorf("%q: read %d rows under %q", c.source, summary.Read, summary.Header.Delimiter)
		}
	}
	// Once each, and in this order.
	for _, twice := range []string{"sep=,\nsep=,\n", "#TYPE X\n#TYPE X\n", "version:v1\nsep=,\n", "#TYPE X\nsep=,\n"} {
		code, _, _ := verdict(t, richPool(), usercsv.Settings{}, twice+header+goodRow)
		if !strings.Contains(code, "NoHeader") {
			t.Errorf("%q: %s", twice, code)
		}
	}
}

// TestNames resolves names of columns, or does not.
func TestNames(t *testing.T) {
	pool := richPool()
	pool.Header = []string{
		"name", "given_name", "family_name", "website", "email", "email_verified", "birthdate", "zoneinfo", "phone_number",
		"phone_number_verified", "cognito:mfa_enabled", "custom:seats", "custom:team", "dev:custom:desk",
		"cognito:username", "password_hash",
	}
	for names, want := range map[string]string{
		"email|EMAIL|E-Mail| e_mail |\"email\"|'email'|email*|email [Required]|Email [READ ONLY]|email (required)": "email",
		"email (Required) *|E mail|\u00a0email\u00a0|\u200bemail|mail|Email Address|primary_email":                 "email",
		"Primary Email Address|user-email":                                              "email",
		"email_confirmed|email confirmed at|emailVerifiedAt|confirmed_at":               "email_verified",
		"phone|mobile|Phone Number|Mobile Phone|primary phone|PrimaryPhoneNumber":       "phone_number",
		"phone_verified|phone_confirmed_at|phoneVerifiedAt":                             "phone_number_verified",
		"encrypted_password|password_digest|HashedPassword|password_hash|Password Hash": "password_hash",
		"username|user|Login|cognito:username|Cognito:Username|User Name":               "cognito:username",
		"mfa|mfa_enabled|cognito:mfa_enabled":                                           "cognito:mfa_enabled",
		"firstname|First Name|given_name":                                               "given_name",
		"lastname|surname|Family Name":                                                  "family_name",
		"full_name|Display Name|name":                                                   "name",
		"dob|date_of_birth|birthdate":                                                   "birthdate",
		"timezone|zoneinfo":                                                             "zoneinfo",
		"seats|custom:seats|Custom:Seats|SEATS":                                         "custom:seats",
		"desk|dev:custom:desk":                                                          "dev:custom:desk",

		"_website|_email|custom:desk|nickname|e.mail|address|team name|email [a] b|(required)|[email]|..": "",
	} {
		for name := range strings.SplitSeq(names, "|") {
			quoted := `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
			out := run(t, pool, usercsv.Settings{}, quoted+",other thing\nx,y\n")
			var unknown []string
			for _, p := range out.Problems {
				if p.Code == contract.UnknownColumn {
					unknown = p.Columns
				}
			}
			resolved := len(unknown) == 1
			if resolved != (want != "") {
				t.Errorf("%q: unknown columns are %q, want it to mean %q", name, unknown, want)
				continue
			}
			if want == "" {
				continue
			}
			// It means want if want beside it is a duplicate.
			out = run(t, pool, usercsv.Settings{}, quoted+","+want+",other thing\nx,y,z\n")
			found := false
			for _, p := range out.Problems {
				found = found || p.Code == contract.DuplicateColumn
			}
			if !found {
				t.Errorf("%q does not mean %s", name, want)
			}
		}
	}
}

// TestAdvice says what to do about unknown columns: a suggestion only for a plausible slip, and a sentence for names
// that other products' exports have.
func TestAdvice(t *testing.T) {
	for _, c := range []struct{ names, says, never string }{
		{"emial,e-mall,emails", "perhaps email is meant", ""},
		{"frist_name,givenname1", "perhaps given_name is meant", ""},
		{"vorname,sername2", "not an attribute of the user pool", "perhaps"},
		{"birtdate", "perhaps birthdate is meant", ""},
		{"usernam,usernme", "perhaps cognito:username is meant", ""},
		{"usernms,userid,usernameold,loginas", "", "perhaps"},
		{"mfa_enable", "perhaps cognito:mfa_enabled is meant", ""},
		{"mfaenabl2,enabled,disabled", "", "mfa"},
		{"email_verify,emailverifed2", "", "perhaps"},
		{"department,salary,ssn,city,country,company,title,notes,region,zip", "not an attribute of the user pool", "perhaps"},
		{"dob1", "perhaps birthdate is meant", ""}, // a third of four characters is one
		{"dab,nam,tea", "perhaps", ""},
		{"id,sub,user_id,UserId,uuid,ObjectId,_id,external_id", "setting IdColumn", "perhaps"},
		{"password,Passwd,pwd,plain_password,temporary_password,User Password", "never imported", "perhaps"},
		{"created,created_at,createdAt,last_login,lastLoginAt,last_sign_in_at,date_joined", "Cognito sets its own " +
			"times", "perhaps"},
		{"status,state,Disabled,is_active,active,blocked,banned,suspended,locked,deleted_at,accountEnabled," +
			"UserStatus", "come back", "perhaps"},
		{"is_enabled,account_status,is_blocked,account_locked,isDeleted", "come back", "perhaps"},
		{"enabled,groups", "ApplyGroups", "perhaps"},
		{"role,memberOf,roles", "ApplyGroups", "perhaps"},
		{"a,bc", "not an attribute of the user pool", "perhaps"},
	} {
		for name := range strings.SplitSeq(c.names, ",") {
			source := "preferred_username,email_verified," + name + ",another thing\n"
			out := run(t, richPool(), usercsv.Settings{}, source+"u1,true,x,y\n")
			if len(out.Problems) == 0 || out.Problems[0].Code != contract.UnknownColumn {
				t.Errorf("%s: %+v", name, out.Problems)
				continue
			}
			d := out.Problems[0].Details[0]
			if d.Number != 3 || d.Name != name || !strings.Contains(d.Advice, c.says) ||
				c.never != "" && strings.Contains(d.Advice, c.never) {
				t.Errorf("%s: %+v, want %q and not %q", name, d, c.says, c.never)
			}
			if message := out.Problems[0].Message; !strings.Contains(message, d.Advice) {
				t.Errorf("%s: the message lacks the advice: %s", name, message)
			}
		}
	}
}

// TestIgnoreColumns leaves out what the setting names, and with * all that is unknown but for status columns.
func TestIgnoreColumns(t *testing.T) {
	const columns = "username,email,email_verified,desk,,badge,is_active,name\nu1,u1@example.com,true,a,b,c,false,Ann\n"
	for _, c := range []struct {
		ignore  []string
		id      string
		ignored []string // nil if the file is refused
		unknown []string
	}{
		{nil, "", nil, []string{"desk", "column 5", "badge", "is_active"}},
		{[]string{"DESK", "Bad-ge"}, "", nil, []string{"column 5", "is_active"}},
		{[]string{"*"}, "", nil, []string{"is_active"}},
		{[]string{"*", "Is Active"}, "", []string{"is_active", "desk", "column 5", "badge"}, nil},
		{[]string{"*", "is_active", "name"}, "", []string{"is_active", "name", "desk", "column 5", "badge"}, nil},
		{[]string{"*", "is_active"}, "Badge", []string{"is_active", "desk", "column 5"}, nil},
		{[]string{"*"}, "is_active", []string{"desk", "column 5", "badge"}, nil},
	} {
		settings := usercsv.Settings{IgnoreColumns: c.ignore, IDColumn: c.id}
		out := run(t, richPool(), settings, columns)
		var ignored, unknown []string
		for _, n := range out.Notes {
			if n.Code == contract.ColumnIgnored {
				ignored = n.Columns
			}
		}
		for _, p := range out.Problems {
			if p.Code == contract.UnknownColumn {
				unknown = p.Columns
			}
		}
		if diff := cmp.Diff([][]string{c.ignored, c.unknown}, [][]string{ignored, unknown}); diff != "" {
			t.Errorf("%q, id %q: ignored and unknown (-want +got):\n%s", c.ignore, c.id, diff)
		}
	}
	// A line of data is not a header whose columns are left out.
	for _, source := range []string{"u1,u1@example.com,true\n", "u1\nu2\n"} {
		code, _, _ := verdict(t, richPool(), usercsv.Settings{IgnoreColumns: []string{"*"}}, source)
		if code != "NoHeader" {
			t.Errorf("%q: %s", source, code)
		}
	}
}

// FuzzHeader reads any beginning of a file: no panic, and no message holds a word of the file.
func FuzzHeader(f *testing.F) {
	for _, seed := range []string{
		"username,email\nu1,a@example.com\n", "sep=;\nusername;email\n", "#TYPE x\n\"a\"\"b\",“c”\n", "version:v1\n|||\n",
		"\xFF\xFEu\x00", "\"a,b\nc\",d\n", "a:b:c\n", "<", "{", "\x1a\n,;\n", "dn:",
	} {
		f.Add(seed, "*", "id")
	}
	f.Fuzz(func(t *testing.T, source, ignore, id string) {
		const word = "Zq7xWv" // in the file, and in no text of ours
		source = strings.ReplaceAll(source, "a", word)
		out := run(t, richPool(), usercsv.Settings{IgnoreColumns: []string{ignore}, IDColumn: id}, source)
		for _, p := range out.Problems {
			if strings.Contains(p.Message, word) {
				t.Errorf("a message shows the file: %s", p.Message)
			}
			for _, d := range p.Details {
				if strings.Contains(d.Advice, word) {
					t.Errorf("advice shows the file: %s", d.Advice)
				}
			}
			if p.Code == contract.NoHeader && len(p.Columns)+len(p.Details) > 0 {
				t.Errorf("NoHeader names columns: %+v", p)
			}
		}
		for _, n := range out.Notes {
			if strings.Contains(n.Message, word) {
				t.Errorf("a note shows the file: %s", n.Message)
			}
		}
	})
}
