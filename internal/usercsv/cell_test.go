package usercsv_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/contract"
	"userdrop/internal/usercsv"
)

// cellPool has an attribute of each type.
func cellPool() *usercsv.Pool {
	pool := testPool()
	pool.MFA = usercsv.MFAOptional
	pool.Attributes = []usercsv.Attribute{
		{Name: "custom:text"},
		{Name: "custom:number", Type: usercsv.Number},
		{Name: "custom:flag", Type: usercsv.Boolean},
		{Name: "custom:time", Type: usercsv.DateTime},
	}
	return pool
}

// quote is a cell in quotation marks, so that any text may be in it.
func quote(cell string) string { return `"` + strings.ReplaceAll(cell, `"`, `""`) + `"` }

// readCell prepares a good row with one cell more. It returns the value that reaches Cognito, or the row's codes; and
// the codes of notes, behind a blank.
func readCell(t testing.TB, pool *usercsv.Pool, settings usercsv.Settings, column, cell string) string {
	t.Helper()
	names, cells := []string{"cognito:username", "email", "email_verified"}, []string{"ann", "ann@example.com", "true"}
	at := -1
	for i, name := range names {
		if name == column {
			at, cells[i] = i, cell
		}
	}
	if at < 0 {
		names, cells = append(names, column), append(cells, cell)
	}
	for i := range cells {
		cells[i] = quote(cells[i])
	}
	out := run(t, pool, settings, strings.Join(names, ",")+"\n"+strings.Join(cells, ",")+"\n")
	var notes string
	for _, note := range out.Notes {
		notes += " " + note.Code.String()
	}
	if out.Rejected > 0 || len(out.parts) == 0 {
		var codes []string
		for _, p := range out.Problems {
			codes = append(codes, p.Code.String())
		}
		return strings.Join(codes, ";") + notes
	}
	rows := parseCognito(t, out.parts[0].String())
	for i, name := range rows[0] {
		if name == column {
			return fmt.Sprintf("%q%s", rows[1][i], notes)
		}
	}
	t.Fatalf("no column %s", column)
	return ""
}

// cells are what each column makes of a cell: the value in Go's quotation marks, or codes.
type cells []struct{ column, cell, want string }

func (c cells) test(t *testing.T, pool *usercsv.Pool, settings usercsv.Settings) {
	t.Helper()
	for _, test := range c {
		if got := readCell(t, pool, settings, test.column, test.cell); got != test.want {
			t.Errorf("%s %q: got %s, want %s", test.column, test.cell, got, test.want)
		}
	}
}

// invisible are the characters without a width.
func invisible() []rune {
	var all []rune
	for _, span := range [][2]rune{
		{0x00AD, 0x00AD},
		{0x061C, 0x061C},
		{0x180E, 0x180E},
		{0x200B, 0x200F},
		{0x202A, 0x202E},
		{0x2060, 0x2064},
		{0x2066, 0x206F},
		{0xFEFF, 0xFEFF},
	} {
		for r := span[0]; r <= span[1]; r++ {
			all = append(all, r)
		}
	}
	return all
}

func TestInvisibleCharacters(t *testing.T) {
	for _, r := range invisible() {
		around, inside := string(r)+"x"+string(r), "x"+string(r)+"y"
		inText := fmt.Sprintf("%q", inside)
		if r == 0xFEFF {
			inText = "BadCharacter"
		}
		cells{
			{"cognito:username", around, `"x"`},
			{"email", string(r) + "x@example.com" + string(r), `"x@example.com"`},
			{"phone_number", string(r) + "+12065550123" + string(r), `"+12065550123"`},
			{"custom:text", around, `"x"`},
			{"cognito:username", inside, "BadCharacter"},
			{"email", inside + "@example.com", "BadCharacter"},
			{"phone_number", "+1206" + string(r) + "5550123", "BadCharacter"},
		}.test(t, cellPool(), usercsv.Settings{})
		got := readCell(t, cellPool(), usercsv.Settings{}, "custom:text", inside)
		if unquoted := fmt.Sprintf("%q", inside); got != inText && got != unquoted {
			t.Errorf("U+%04X inside a text: got %s, want %s", r, got, inText)
		}
	}
}

// Characters that nobody types reject a row in any cell; those of a line break cannot be written.
func TestDamagedCharacters(t *testing.T) {
	want := func(r rune) string {
		switch r {
		case '\t':
			return `"x\ty"`
		case '\n', '\v', '\f', '\r', 0x85, 0x2028, 0x2029, '"', '\\':
			return "Unrepresentable"
		}
		return "BadCharacter"
	}
	var all []rune
	for r := rune(1); r < 0x20; r++ {
		all = append(all, r)
	}
	for r := rune(0x7f); r < 0xa0; r++ {
		all = append(all, r)
	}
	all = append(all, '"', '\\', 0x2028, 0x2029, 0xFFFD, 0xFEFF, 0xFDD0, 0xFDEF, 0xFFFE, 0xFFFF, 0x1FFFE, 0x10FFFF)
	for _, r := range all {
		cells{{"custom:text", "x" + string(r) + "y", want(r)}}.test(t, cellPool(), usercsv.Settings{})
	}
	out := run(t, cellPool(), usercsv.Settings{}, "username,email,email_verified,text\nann,a@example.com,true,\"x\ufffdy\x1b\"\n")
	if !strings.Contains(out.failed.String(), "U+FFFD") {
		t.Errorf("failed.csv does not name the character:\n%s", out.failed.String())
	}
	if strings.Contains(out.Problems[0].Message, "U+") {
		t.Errorf("the result names a character of a cell: %s", out.Problems[0].Message)
	}
}

func TestSpreadsheetValues(t *testing.T) {
	for _, text := range []string{"#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!"} {
		for _, column := range []string{
			"cognito:username", "email", "email_verified", "phone_number", "birthdate", "updated_at", "custom:text",
			"custom:number", "custom:flag", "custom:time", "cognito:mfa_enabled",
		} {
			cells{{column, text, "SpreadsheetValue"}, {column, " " + text + "\u00a0", "SpreadsheetValue"}}.test(t, cellPool(), usercsv.Settings{})
		}
	}
	cells{
		{"cognito:username", "1.23457E+11", "SpreadsheetValue"},
		{"cognito:username", "1,23457E+11", "SpreadsheetValue"},
		{"phone_number", "4.4791E+11", "SpreadsheetValue"},
		{"phone_number", "+4.4791E+11", "SpreadsheetValue"},
		{"custom:text", "8.96529E+19", "SpreadsheetValue"},
		{"custom:text", "9E-05", "SpreadsheetValue"},
		{"custom:text", "1.5e+300", "SpreadsheetValue"},
		{"custom:text", "12E+11", `"12E+11"`},
		{"custom:text", "1.23457E+11x", `"1.23457E+11x"`},
		{"custom:text", "1E5", `"1E5"`},
		{"custom:text", "#REF", `"#REF"`},
		{"custom:text", "x#N/A", `"x#N/A"`},
		{"updated_at", "1.79526E+09", "BadUpdatedAt"},
		{"custom:number", "1.79526E+09", "BadNumber"},
		{"custom:text", `="00123"`, `"00123" FormulaUnwrapped`},
		{"custom:text", `=" 00123 "`, `"00123" FormulaUnwrapped`},
		{"custom:text", `=""`, `"" FormulaUnwrapped`},
		{"custom:text", `="a""b"`, "Unrepresentable FormulaUnwrapped"},
		{"custom:text", `="a"&"b"`, "Unrepresentable"},
		{"custom:text", `=1+1`, `"=1+1"`},
		{"phone_number", `="+12065550123"`, `"+12065550123" FormulaUnwrapped`},
		{"custom:text", `="#N/A"`, "SpreadsheetValue FormulaUnwrapped"},
		{"phone_number", "'+12065550123", `"+12065550123" ApostropheDropped`},
		{"cognito:username", "'00123", `"00123" ApostropheDropped`},
		{"email", "'ann@example.com", `"ann@example.com" ApostropheDropped`},
		{"email", "''ann@example.com", "BadEmail ApostropheDropped"},
		{"custom:text", "'00123", `"'00123"`},
		{"custom:number", "'7", "BadNumber"},
	}.test(t, cellPool(), usercsv.Settings{})
}

// An apostrophe before the username or the address of a row is a spreadsheet's, and so are those of its other cells.
func TestApostropheRow(t *testing.T) {
	out := run(t, cellPool(), usercsv.Settings{}, "username,email,email_verified,text,number\n"+
		"'u1,u1@example.com,'true,'=x,'7\nu2,'u2@example.com,true,'x,\nu3,u3@example.com,true,'x,\n")
	var got []string
	for _, row := range parseCognito(t, out.parts[0].String())[1:] {
		got = append(got, strings.Join(strings.FieldsFunc(strings.Join(row, ","), func(r rune) bool { return r == ',' }), ","))
	}
	want := []string{"u1@example.com,true,false,=x,7,false,u1", "u2@example.com,true,false,x,false,u2", "u3@example.com,true,false,'x,false,u3"}
	if diff := cmp.Diff(want, got); diff != "" || out.Notes[0].Count != 2 {
		t.Errorf("notes %v, -want +got\n%s", out.Notes, diff)
	}
}

func TestNullWords(t *testing.T) {
	for _, word := range []string{"NULL", "(null)", "None", "nil", "nan", "undefined", "N/A", "null", "NaN", "n/a", "UNDEFINED"} {
		cells{
			{"cognito:username", word, "BadUsername"},
			{"custom:text", word, fmt.Sprintf("%q NullText", word)},
			{"email", word, "BadEmail"},
			{"phone_number", word, "BadPhone"},
			{"custom:flag", word, "BadBoolean"},
			{"birthdate", word, "BadBirthdate"},
			{"updated_at", word, "BadUpdatedAt"},
			{"custom:number", word, "BadNumber"},
			{"custom:time", word, "BadDateTime"},
			{"password_hash", word, "BadHash"},
		}.test(t, cellPool(), usercsv.Settings{})
		cells{
			{"custom:text", word, `""`},
			{"custom:number", word, `""`},
			{"birthdate", " " + word + " ", `""`},
			{"cognito:username", word, "MissingUsername"},
			{"email_verified", word, "NotVerified"},
		}.test(t, cellPool(), usercsv.Settings{NullText: []string{"-", word}})
	}
	cells{
		{"custom:text", `\N`, `""`},
		{"custom:number", `\N`, `""`},
		{"cognito:username", `\N`, "MissingUsername"},
		{"custom:text", `\n`, "Unrepresentable"},
		{"custom:text", "nullify", `"nullify"`},
		{"custom:text", "Nilsson", `"Nilsson"`},
	}.test(t, cellPool(), usercsv.Settings{})
}

func TestUsernames(t *testing.T) {
	cells{
		{"cognito:username", "Ünïcode😀", `"Ünïcode😀"`},
		{"cognito:username", "u\u3164", "\"u\u3164\""}, // a filler, which is a letter
		{"cognito:username", "a b", "BadUsername"},
		{"cognito:username", "a\u00a0b", "BadUsername"},
		{"cognito:username", "a\tb", "BadUsername"},
		{"cognito:username", "a\u3000b", "BadUsername"},
		{"cognito:username", strings.Repeat("é", 128), fmt.Sprintf("%q", strings.Repeat("é", 128))},
		{"cognito:username", strings.Repeat("é", 129), "BadUsername"},
		{"cognito:username", "a@b", `"a@b"`},
	}.test(t, cellPool(), usercsv.Settings{})
	alias := cellPool()
	alias.AliasAttributes = []string{"email", "phone_number"}
	cells{
		{"cognito:username", "a@b", "BadUsername"},
		{"cognito:username", "@b", `"@b"`},
		{"cognito:username", "b@", `"b@"`},
		{"cognito:username", "+123", "BadUsername"},
		{"cognito:username", "+12x", `"+12x"`},
	}.test(t, alias, usercsv.Settings{})
	signIn := cellPool()
	signIn.UsernameAttributes = []string{"email"}
	signIn.CaseSensitive = false
	cells{
		{"cognito:username", "", `"ann@example.com"`},
		{"cognito:username", "Ann@Example.com", `"Ann@Example.com"`},
		{"cognito:username", "ann", "BadUsername"},
		{"cognito:username", "bob@example.com", "BadUsername"},
	}.test(t, signIn, usercsv.Settings{})
}

// A code about a username that was taken from an address names the address.
func TestDerivedUsernameNamesItsAttribute(t *testing.T) {
	pool := cellPool()
	pool.UsernameAttributes = []string{"email"}
	long := strings.Repeat("x", 60) + "@" + strings.Repeat(strings.Repeat("y", 60)+".", 3) + "com"
	out := run(t, pool, usercsv.Settings{}, "email,email_verified\na@example.com,true\na@example.com,true\n"+long+",true\n")
	if got := out.codes[3]; got != contract.CodesOf(contract.DuplicateUsername) {
		t.Errorf("line 3: %s", got)
	}
	if got := out.codes[4]; got != contract.CodesOf(contract.BadUsername) {
		t.Errorf("line 4: %s", got)
	}
	if failed := out.failed.String(); strings.Contains(failed, "cognito:username") || strings.Count(failed, "email: ") < 2 {
		t.Errorf("failed.csv:\n%s", failed)
	}
}
