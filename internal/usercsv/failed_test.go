package usercsv_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/usercsv"
)

// asExcel opens failed.csv as a spreadsheet does, repairs a column, and saves it again: with a byte order mark, CRLF,
// quotation marks only where that spreadsheet puts them, and its own delimiter.
func asExcel(t *testing.T, failed string, delimiter rune, repair map[string]string) string {
	t.Helper()
	text, marked := strings.CutPrefix(failed, "\ufeff")
	if !marked {
		t.Fatalf("no byte order mark: a spreadsheet would take it for another encoding\n%s", failed)
	}
	r := csv.NewReader(strings.NewReader(text))
	r.Comma = delimiter
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		for i, name := range rows[0] {
			if value, ok := repair[name]; ok {
				row[i] = value
			}
		}
	}
	var saved bytes.Buffer
	saved.WriteString("\ufeff")
	w := csv.NewWriter(&saved)
	w.Comma, w.UseCRLF = delimiter, true
	if err := w.WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	return saved.String()
}

// The repair loop: rejected rows are handed back, repaired in a spreadsheet, saved and dropped again. Names come through.
func TestRepairLoop(t *testing.T) {
	for _, delimiter := range []rune{',', ';', '\t', '|'} {
		t.Run(string(delimiter), func(t *testing.T) {
			d := string(delimiter)
			source := strings.ReplaceAll("username,email,email_verified,name,nickname\n", ",", d) +
				strings.Join([]string{"u1", "u1@example.com", "vielleicht", "Jürgen Ærø 日本", `"a` + d + `b, ""c"""`}, d) + "\r\n" +
				strings.Join([]string{"u2", "u2@example.com", "true", "Zoë", ""}, d) + "\r\n"
			pool := testPool()
			first := run(t, pool, usercsv.Settings{}, source)
			if first.Read != 2 || first.Rejected != 1 {
				t.Fatalf("read %d, rejected %d: %s", first.Read, first.Rejected, first.failed.String())
			}
			if !strings.Contains(first.failed.String(), strings.Join([]string{"userdrop:line", "userdrop:code", "userdrop:message", "userdrop:raw"}, d)+"\n") {
				t.Errorf("columns:\n%s", first.failed.String())
			}
			saved := asExcel(t, first.failed.String(), delimiter, map[string]string{"email_verified": "true", "nickname": "a" + d + "b"})
			again := run(t, pool, usercsv.Settings{}, saved)
			if again.Read != 1 || again.Rejected != 0 {
				t.Fatalf("read %d, rejected %d: %s", again.Read, again.Rejected, again.failed.String())
			}
			row := parseCognito(t, again.parts[0].String())[1]
			got := map[string]string{}
			for i, name := range parseCognito(t, again.parts[0].String())[0] {
				got[name] = row[i]
			}
			want := map[string]string{"cognito:username": "u1", "name": "Jürgen Ærø 日本", "nickname": "a" + d + "b"}
			for name, value := range want {
				if got[name] != value {
					t.Errorf("%s: got %q, want %q", name, got[name], value)
				}
			}
		})
	}
}

// Columns of an earlier failed.csv are dropped, a row that could not be split has its text, and only our own columns are
// made safe against formulas.
func TestFailedColumns(t *testing.T) {
	out := run(t, testPool(), usercsv.Settings{}, "username;userdrop:line;email;email_verified;userdrop:raw;name\n"+
		"=u1;7;bad;true;old;-x\nu2;8;u2@example.com\n@x\n")
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(out.failed.String(), "\ufeff")))
	r.Comma = ';'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		rows[i] = append(rows[i][:6:6], rows[i][7:]...) // the message is for people
	}
	want := [][]string{
		{"username", "email", "email_verified", "name", "userdrop:line", "userdrop:code", "userdrop:raw"},
		{"=u1", "bad", "true", "-x", "2", "BadEmail", ""},
		{"", "", "", "", "3", "FieldCount", "u2;8;u2@example.com"},
		{"", "", "", "", "4", "FieldCount", "'@x"},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// The text of a row that could not be split is not lost if failed.csv is dropped again before that row is fixed.
func TestFailedKeepsRaw(t *testing.T) {
	failed := run(t, testPool(), usercsv.Settings{}, "username,email,email_verified\nu1,bad,true\n=u2,u2@example.com\n").failed.String()
	for range 2 {
		failed = run(t, testPool(), usercsv.Settings{}, failed).failed.String()
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(failed, "\ufeff"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"", "'=u2,u2@example.com"}
	if diff := cmp.Diff(want, []string{rows[1][6], rows[2][6]}); diff != "" {
		t.Errorf("-want +got\n%s\n%s", diff, failed)
	}
	if advice := "put its values into their columns"; strings.Contains(rows[1][5], advice) || !strings.Contains(rows[2][5], advice) {
		t.Errorf("messages %q and %q: only the second says %q", rows[1][5], rows[2][5], advice)
	}
}

func TestFieldCountAdvice(t *testing.T) {
	const header = "username;email;email_verified;name\n"
	for _, test := range []struct{ name, row, says, silent string }{
		{"too few", "u1;u1@example.com;true", "has 3, the header 4", "quotation"},
		{"too many", "u1;u1@example.com;true;a;b", "has 5, the header 4. In rows with too many fields, put values that hold the delimiter in quotation marks", "another delimiter"},
		{"another delimiter", "u1,u1@example.com,true,a", "another delimiter", "quotation"},
	} {
		t.Run(test.name, func(t *testing.T) {
			out := run(t, testPool(), usercsv.Settings{}, header+test.row+"\n")
			failed, message := out.failed.String(), out.Problems[0].Message
			if !strings.Contains(failed, test.says) || strings.Contains(failed, test.silent) || strings.Contains(message, test.silent) {
				t.Errorf("message %q, failed.csv\n%s", message, failed)
			}
			if strings.ContainsAny(message, "0123456789") {
				t.Errorf("the result names a count of fields: %s", message)
			}
		})
	}
}

// A source read again gives the cells of the rows that are asked for.
func TestRows(t *testing.T) {
	rows, err := usercsv.NewRows(strings.NewReader("mail,user\na@b.example, x \n\nb@b.example,\"y\nz\"\nc\nd@b.example,d\n"), testPool(), usercsv.Settings{}, 7)
	if err != nil {
		t.Fatal(err)
	}
	got := []string{fmt.Sprint(rows.Header.Attributes)}
	for _, line := range []int{2, 4, 6, 7} {
		row, err := rows.Seek(line)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%v %d %v %q %q", row.Place, row.LastLine, row.Code != 0, row.Cells, row.Raw))
	}
	if _, err := rows.Seek(8); !errors.Is(err, io.EOF) {
		t.Errorf("behind the end: %v", err)
	}
	want := []string{
		"[email cognito:username]", `{7 2} 2 false ["a@b.example" " x "] ""`, `{7 4} 5 false ["b@b.example" "y\nz"] ""`,
		`{7 6} 6 true [] "c"`, `{7 7} 7 false ["d@b.example" "d"] ""`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
