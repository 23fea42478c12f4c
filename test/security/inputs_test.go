package security_test

import (
	"strings"
	"testing"

	"userdrop/internal/contract"
)

// row is a row whose name is the cell.
func row(cell string) string {
	return header + "zq7secret-eve,zq7secret.eve@example.com,true," + cell + "\n"
}

// rejected is a row that the rules reject for its address, whatever else is in it.
func rejected(cell string) string {
	return header + "zq7secret-eve,zq7secret no address,true," + cell + "\n" + good
}

// hostile is a drop that means harm. What is not said is harmless: the key, the content, no sidecar.
type hostile struct {
	name, key, text, sidecar string
	want                     contract.Verdict
	imported                 int64
	// cell is in failed.csv exactly so.
	cell string
}

var fileNames = []hostile{
	{name: "markup", key: "<img src=x onerror=alert(1)>.csv"},
	{name: "a closing tag", key: "</title><script>alert(1)</script>.csv"},
	{name: "an entity", key: "&lt;script&gt;.csv"},
	{name: "quotation marks", key: `"><a href='x'>.csv`},
	{name: "upwards", key: "../../../processed/users.csv"},
	{name: "nothing but upwards", key: ".."},
	{name: "a dot", key: "."},
	{name: "encoded upwards", key: "%2e%2e%2fusers.csv"},
	{name: "plus, space and percent", key: "a+b c%20d%.csv"},
	{name: "a query", key: "users.csv?versionId=null"},
	{name: "a fragment", key: "users.csv#x"},
	{name: "backslashes", key: `..\..\users.csv`},
	{name: "a line break", key: "users\n{\"level\":\"ERROR\"}.csv"},
	{name: "a carriage return", key: "users\r\nSubject: x.csv"},
	{name: "an escape sequence", key: "users\x1b[31m.csv"},
	{name: "right to left", key: "users\u202evsc.exe.csv"},
	{name: "no letters", key: "—–….csv"},
	{name: "a formula", key: "=HYPERLINK(\"x\").csv"},
	{name: "a shell command", key: "$(touch x);`id`.csv"},
	{name: "a template", key: "{{7*7}}${7*7}%s%n.csv"},
	{name: "long", key: strings.Repeat("x", 900) + ".csv"},
	{name: "many folders", key: strings.Repeat("a/", 400) + "users.csv"},
	{name: "no suffix", key: "users"},
}

var poolIDs = []hostile{
	{name: "upwards", key: "incoming/../users.csv"},
	{name: "another pool", key: "incoming/us-east-1_Other/users.csv"},
	{name: "all pools", key: "incoming/*/users.csv"},
	{name: "an ARN", key: "incoming/arn:aws:cognito-idp:us-east-1:123456789012:userpool/" + pool + "/users.csv"},
	{name: "too long", key: "incoming/us-east-1_" + strings.Repeat("x", 60) + "/users.csv"},
	{name: "a space behind", key: "incoming/" + pool + " /users.csv"},
	{name: "another case", key: "incoming/" + strings.ToUpper(pool) + "/users.csv"},
	{name: "a line break behind", key: "incoming/" + pool + "\n/users.csv"},
	{name: "empty", key: "incoming//users.csv"},
	{name: "a formula", key: "check/=1+1/users.csv"},
}

var sidecars = []hostile{
	{name: "no JSON", sidecar: "rows: 1"},
	{name: "empty", sidecar: ""},
	{name: "null", sidecar: "null"},
	{name: "a list", sidecar: "[]"},
	{name: "nothing said", sidecar: "{}"},
	{name: "an unknown member", sidecar: `{"rows": 1, "verdict": "SUCCEEDED"}`},
	{name: "a member twice", sidecar: `{"rows": 2, "rows": 1}`},
	{name: "a member twice, in another case", sidecar: `{"rows": 1, "Rows": 1}`},
	{name: "a member in another case", sidecar: `{"ROWS": 1}`},
	{name: "a member in letters that fold", sidecar: `{"row\u017f": 1}`},
	{name: "another number", sidecar: `{"rows": 2}`},
	{name: "negative", sidecar: `{"rows": -1}`},
	{name: "too large a number", sidecar: `{"rows": 1e400}`},
	{name: "a fraction", sidecar: `{"rows": 1.5}`},
	{name: "a text", sidecar: `{"rows": "1"}`},
	{name: "another hash", sidecar: `{"sha256": "` + strings.Repeat("0", 64) + `"}`},
	{name: "markup for a hash", sidecar: `{"sha256": "<script>alert(1)</script>"}`},
	{name: "deep", sidecar: strings.Repeat("[", 100_000)},
	{name: "large", sidecar: `{"rows": 1, "sha256": "` + strings.Repeat("x", 4<<20) + `"}`},
}

var headers = []hostile{
	{name: "markup", text: "username,email,email_verified,<script>kv9column</script>\n" + good},
	{name: "a formula", text: "username,email,email_verified,=kv9column()\n" + good},
	{name: "a line break", text: "username,email,email_verified,\"kv9\n{}column\"\n" + good},
	{name: "a column twice", text: "username,email,email_verified,email\n" + good},
	{
		name: "a column of ours", text: "username,email,email_verified,userdrop:code\n" + good,
		want: contract.VerdictSucceeded, imported: 1,
	},
	{
		name: "thousands of columns",
		text: "username,email,email_verified" + strings.Repeat(",kv9column", 5000) + "\n" + good,
	},
	{name: "a long name", text: "username,email,email_verified," + strings.Repeat("kv9column", 100_000) + "\n" + good},
	{name: "a zero byte", text: "username,email,email_verified,kv9column\x00\n" + good},
	{name: "no UTF-8", text: "username,email,email_verified,kv9column\xff\n" + good},
	{name: "UTF-16", text: "\xff\xfeu\x00s\x00e\x00r\x00\n\x00"},
	{name: "no line", text: ""},
	{name: "nothing but delimiters", text: ",,,,,\n,,,,\n"},
	{name: "an open quotation mark", text: "username,\"email,email_verified,name\n" + strings.Repeat(good, 100)},
	{name: "a column for passwords", text: "username,email,email_verified,password\n" + good},
}

var cells = []hostile{
	{name: "a formula, imported", text: row("=cmd|' /C calc'!A0"), want: contract.VerdictSucceeded, imported: 1},
	{name: "a formula, rejected", cell: "=HYPERLINK(\"https://example.com\")"},
	{name: "a plus sign", cell: "+1+1"},
	{name: "a minus sign", cell: "-1-1"},
	{name: "an at sign", cell: "@SUM(A1)"},
	{name: "a tab before a formula", cell: "\t=1"},
	{name: "a carriage return before a formula", cell: "\r=1"},
	{name: "markup", cell: "<script>alert(1)</script>"},
	{name: "an image", cell: "<img src=x onerror=alert(1)>"},
	{name: "a line of a log", cell: "x\n[SUCCEEDED] Line Number 2 - The import succeeded."},
	{name: "a record of ours", cell: "x\n{\"time\":\"2000-01-01T00:00:00Z\",\"level\":\"ERROR\"}"},
	{name: "quotation marks", cell: `a ""b"" "c`},
	{name: "backslashes", cell: `a\,b\\,c\`},
	{name: "a shell command", cell: "$(touch x);`id`"},
	{name: "a lookup", cell: "${jndi:ldap://example.com/a}"},
	{name: "a statement", cell: "'); DROP TABLE users;--"},
	{name: "an escape sequence", cell: "\x1b]0;x\x07"},
	{name: "right to left", cell: "\u202eabc"},
	{name: "too long", cell: strings.Repeat("x", 2049)},
	{name: "longer than a line may be", text: row(strings.Repeat("zq7secret", 10_000))},
	{name: "megabytes", text: row(strings.Repeat("zq7secret", 1_000_000))},
	{name: "a zero byte", text: row("zq7secret\x00")},
	{name: "no UTF-8", text: row("zq7secret\xff")},
	{
		name: "a quotation mark that never ends", text: header + good + "\"zq7secret" + strings.Repeat(good, 1000),
		want: contract.VerdictPartial, imported: 1,
	},
	{name: "fields without end", text: header + strings.Repeat("zq7secret,", 100_000) + "\n"},
	{name: "another separator of lines", text: row("zq7secret\u2028x")},
}

// quote writes a cell as RFC 4180 does.
func quote(cell string) string { return `"` + strings.ReplaceAll(cell, `"`, `""`) + `"` }

// TestEnoughHostileInputs keeps the tables from shrinking.
func TestEnoughHostileInputs(t *testing.T) {
	if n := len(fileNames) + len(poolIDs) + len(sidecars) + len(headers) + len(cells); n < 80 {
		t.Errorf("only %d hostile inputs", n)
	}
}
