package convert

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"userdrop/internal/contract"
	"userdrop/internal/mapping"
)

// sample is a sample export of a built-in mapping.
type sample struct {
	mapping *mapping.Mapping
	path    string
	text    string
}

func samples(t *testing.T, extension string) []sample {
	t.Helper()
	var all []sample
	for _, name := range mapping.BuiltinNames() {
		m, _ := mapping.Builtin(name)
		path := filepath.Join("../mapping/builtin", name, "export."+extension)
		if text, err := os.ReadFile(path); err == nil {
			all = append(all, sample{m, path, string(text)})
		}
	}
	return all
}

// run converts a text.
func run(t *testing.T, m *mapping.Mapping, text, passwords string) *Account {
	t.Helper()
	job := Job{Mapping: m, Name: "export", Pool: pools()["email"], Settings: settings, Out: t.TempDir()}
	write := func(text string) string {
		name := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	job.Export = write(text)
	if passwords != "" {
		job.Passwords = write(passwords)
	}
	account, err := job.Run(t.Context())
	if err != nil {
		t.Fatalf("%s: %v", m.Name, err)
	}
	if r := account.Rows; r.Read != r.Excluded+r.Rejected+r.Passing {
		t.Errorf("%s: rows %+v do not add up", m.Name, r)
	}
	return account
}

func table(t *testing.T, text string) [][]string {
	t.Helper()
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func write(t *testing.T, rows [][]string) string {
	t.Helper()
	var b strings.Builder
	if err := csv.NewWriter(&b).WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func codes(problems []contract.Problem) []string {
	var codes []string
	for _, p := range problems {
		codes = append(codes, p.Code.String())
	}
	return codes
}

// TestMissingColumns takes each column out of each sample in turn. The export is refused, or converted with an account
// that names what is missing; nobody's verification and nobody's exclusion is guessed.
func TestMissingColumns(t *testing.T) {
	for _, s := range samples(t, "csv") {
		if s.mapping.Positions != nil {
			continue
		}
		rows := table(t, s.text)
		whole := run(t, s.mapping, s.text, "")
		for column, name := range rows[0] {
			var fewer [][]string
			for _, row := range rows {
				fewer = append(fewer, slices.Concat(row[:column], row[column+1:]))
			}
			a := run(t, s.mapping, write(t, fewer), "")
			decided := slices.ContainsFunc(whole.Columns, func(c contract.MappedColumn) bool {
				return c.Column == name && c.Decides
			})
			if !a.Refused && a.Rows.Excluded < whole.Rows.Excluded && len(a.Missing) == 0 && decided {
				t.Errorf("%s without %q leaves %d rows out instead of %d, and does not say why", s.mapping.Name, name,
					a.Rows.Excluded, whole.Rows.Excluded)
			}
			if a.Rows.Passing > whole.Rows.Passing+whole.Rows.Excluded {
				t.Errorf("%s without %q lets %d rows pass", s.mapping.Name, name, a.Rows.Passing)
			}
		}
	}
}

// TestDoubledColumns has each column twice. A column that the mapping reads cannot be told from its double.
func TestDoubledColumns(t *testing.T) {
	for _, s := range samples(t, "csv") {
		if s.mapping.Positions != nil {
			continue
		}
		rows := table(t, s.text)
		whole := run(t, s.mapping, s.text, "")
		for column, name := range rows[0] {
			var more [][]string
			for _, row := range rows {
				more = append(more, append(slices.Clone(row), row[column]))
			}
			a := run(t, s.mapping, write(t, more), "")
			used := slices.ContainsFunc(whole.Columns, func(c contract.MappedColumn) bool {
				return c.Column == name && (len(c.As) > 0 || c.Decides)
			})
			if used != a.Refused {
				t.Errorf("%s with %q twice: refused %v, used %v: %v", s.mapping.Name, name, a.Refused, used, codes(a.Problems))
			}
		}
	}
}

// TestStatusColumns: a column that says who may sign in is never left out by *.
func TestStatusColumns(t *testing.T) {
	for _, s := range samples(t, "csv") {
		if s.mapping.Positions != nil {
			continue
		}
		rows := table(t, s.text)
		for i := range rows {
			rows[i] = append(rows[i], map[bool]string{true: "is_banned", false: "t"}[i == 0])
		}
		if a := run(t, s.mapping, write(t, rows), ""); !slices.Contains(codes(a.Problems), "UnknownColumn") || !a.Refused {
			t.Errorf("%s takes a file with a column is_banned: %v", s.mapping.Name, codes(a.Problems))
		}
	}
}

// TestHostileText feeds each built-in mapping what is no export of its product.
func TestHostileText(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 60_000) + "1" + strings.Repeat("}", 60_000)
	for _, name := range mapping.BuiltinNames() {
		m, _ := mapping.Builtin(name)
		for what, text := range map[string]string{
			"nothing": "", "JSON that ends too early": `{"users": [{"id": 1}`, "an array of numbers": "[1, 2]",
			"an empty array": "[]", "JSON that nests too deep": deep, "no JSON": "{]", "NUL": "id,email\n1,\x00\n",
			"bad encoding": "{\"id\": \"\xff\"}", "a zip archive": "PK\x03\x04....", "an open quote": "id,\"email\n1,2\n",
			"text behind JSON": `{"id": 1} nonsense`, "a member twice": `[{"localId": 1, "localId": 2}]`,
		} {
			a := run(t, m, text, "")
			if a.Rows.Passing > 0 || !a.Refused && a.Rows.Rejected == 0 && a.Rows.Excluded == 0 {
				t.Errorf("%s takes %s: %+v %v", name, what, a.Rows, codes(a.Problems))
			}
		}
	}
}

// TestHostileRecords has one record of each JSON sample go wrong: that one is rejected, the others are converted.
func TestHostileRecords(t *testing.T) {
	bad := map[string]string{
		"nests too deep":     `{"deep": ` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}`,
		"has a member twice": `{"email": "a@example.com", "email": "b@example.com"}`,
		"is too long":        `{"email": "` + strings.Repeat("x", 1<<20) + `"}`,
	}
	for _, s := range samples(t, "ndjson") {
		whole := run(t, s.mapping, s.text, "")
		for what, record := range bad {
			a := run(t, s.mapping, s.text+record+"\n", "")
			if a.Refused || a.Files.Failed == "" || a.Rows.Read != whole.Rows.Read+1 ||
				a.Rows.Rejected != whole.Rows.Rejected+1 {
				t.Errorf("%s, a record that %s: %+v %v", s.mapping.Name, what, a.Rows, codes(a.Problems))
			}
		}
	}
}

// TestPasswordsOfNobody gives each mapping that joins a second file one that names nobody.
func TestPasswordsOfNobody(t *testing.T) {
	auth0, _ := mapping.Builtin("auth0")
	keycloak, _ := mapping.Builtin("keycloak")
	okta, _ := mapping.Builtin("okta")
	ndjson := samples(t, "ndjson")[0]
	a := run(t, auth0, ndjson.text, `{"_id": {"$oid": "nobody"}, "passwordHash": "x"}`+"\n"+`{"email": "no key"}`+"\n")
	want := mapping.JoinAccount{Read: 2, Unmatched: 1, NoKey: 1}
	if a.Refused || *a.Join != want || a.Hashes != (contract.HashCounts{}) {
		t.Errorf("auth0: %+v, want %+v", a.Join, want)
	}
	a = run(t, auth0, ndjson.text, `{"other": 1}`+"\n")
	if !slices.Equal(codes(a.Problems), []string{"MissingColumn"}) {
		t.Errorf("a second file without a key: %v", codes(a.Problems))
	}
	var sql sample
	for _, s := range samples(t, "csv") {
		if s.mapping.Name == "keycloak" {
			sql = s
		}
	}
	second := "id,type,user_id,secret_data,credential_data\n1,password,nobody,{},{}\n2,otp,7b-1,{},{}\n3,\"broken\n"
	a = run(t, keycloak, sql.text, second)
	if want := (mapping.JoinAccount{Read: 3, Unmatched: 1, NoKey: 1, Unread: 1}); a.Refused || *a.Join != want {
		t.Errorf("keycloak: %+v, want %+v", a.Join, want)
	}
	job := Job{
		Mapping: okta, Export: sql.path, Passwords: sql.path, Pool: pools()["email"], Settings: settings, Out: t.TempDir(),
	}
	if _, err := job.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "takes no second file") {
		t.Errorf("okta: %v", err)
	}
}

// TestManyMembers bounds the columns of a JSON export.
func TestManyMembers(t *testing.T) {
	m, _ := mapping.Builtin("auth0")
	record := map[string]int{}
	for i := range 10_001 {
		record[fmt.Sprint(i)] = i
	}
	text, err := json.Marshal([]any{record})
	if err != nil {
		t.Fatal(err)
	}
	if a := run(t, m, string(text), ""); !slices.Equal(codes(a.Problems), []string{"TooLarge"}) {
		t.Errorf("got %v", codes(a.Problems))
	}
}
