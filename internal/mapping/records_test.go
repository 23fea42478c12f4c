package mapping

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/usercsv"
)

// TestRecords reads records in each form that exports have.
func TestRecords(t *testing.T) {
	m := &Mapping{Records: "data.users", Spread: map[string]Pair{"Attributes": {"Name", "Value"}}}
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"an array", `[{"a": 1}, {"a": "x", "b": null}]`, []string{"1 a=1", "2 a=x b=<nil>"}},
		{"NDJSON", "{\"a\": 1}\n\n{\"a\": 2}\r\n{\"a\":\n3}", []string{"1 a=1", "3 a=2", "4 a=3"}},
		{
			"an array inside an object", `{"x": [1], "data": {"y": {}, "users": [{"a": 1}, {"a": 2}], "z": 1}, "w": "}"}`,
			[]string{"1 a=1", "2 a=2"},
		},
		{
			"several documents", "{\"data\": {\"users\": [{\"a\": 1}]}}\n{\"data\": {\"users\": [{\"a\": 2}]}}\n",
			[]string{"1 a=1", "2 a=2"},
		},
		{"names and values", `[{"a": 1, "Attributes": [{"Name": "b", "Value": "2"}]}]`, []string{"1 a=1 b=2"}},
		{
			"numbers", `[{"a": 12345678901234567890, "b": 1.50, "c": -3, "d": true}]`,
			[]string{"1 a=12345678901234567890 b=1.5 c=-3 d=true"},
		},
		{
			"a member twice", `[{"a": 1, "a": 2}, {"a": 3}]`,
			[]string{"1 the JSON text has an object with the same member twice", "2 a=3"},
		},
		{
			"a NUL", `[{"a": "x\u0000"}, {"a": 3}]`,
			[]string{"1 the JSON text has the character U+0000, which no CSV file may hold", "2 a=3"},
		},
		{
			"an entry that is a member too", `[{"a": 1, "Attributes": [{"Name": "a", "Value": "2"}]}]`,
			[]string{"1 Attributes has an entry that is there twice, or is a member of the record too"},
		},
		{"a value that is no object", `[{"a": 1}, 2]`, []string{"1 a=1", "NotCSV line 1: a record is not an object"}},
		{"what is no array", `{"data": {"users": 1}}`, []string{"NotCSV line 1: what is at data.users is not an array of records"}},
		{"an end too early", "[{\"a\": 1},\n{\"a\"", []string{"1 a=1", "NotCSV line 2: the text ends inside a value"}},
		{"a missing comma", `[{"a": 1 "b": 2}]`, []string{"NotCSV line 1: the JSON text is not valid at byte 8"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for records := NewRecords(strings.NewReader(c.text), m); ; {
				record, err := records.Next()
				if errors.Is(err, io.EOF) {
					break
				}
				if refusal, ok := errors.AsType[*usercsv.Refusal](err); ok {
					p := refusal.Problems[0]
					_, what, _ := strings.Cut(p.Message, "JSON: ")
					got = append(got, p.Code.String()+" "+strings.TrimSuffix(what, "."))
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				text := fmt.Sprint(record.Place)
				for _, name := range []string{"a", "b", "c", "d"} {
					if value, ok := record.Members[name]; ok && record.Fault == nil {
						text += fmt.Sprintf(" %s=%v", name, value)
					}
				}
				if record.Fault != nil {
					text += " " + record.Fault.Error()
				}
				got = append(got, text)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// TestApostrophes: where a product put an apostrophe before every text, all lose it; elsewhere a name keeps its own.
func TestApostrophes(t *testing.T) {
	m, err := Parse(mappingText(t, map[string]any{"id": "id", "columns": map[string]string{
		"email": "mail", "phone_number": "phone", "family_name": "name", "nickname": "lower(nick)",
	}}))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ row, want string }{
		{"'7|'a@example.com|'+17755550154|'Vale|'NV", "7 Vale a@example.com +17755550154 nv"},
		{"'7|a@example.com|'+17755550154|'t Hooft|'NV", "7 't Hooft a@example.com +17755550154 'nv"},
		{"7|a@example.com||'t Hooft|", "7 't Hooft a@example.com"},
	} {
		e, err := New(m, target)
		if err != nil {
			t.Fatal(err)
		}
		s, err := e.Open([]string{"id", "mail", "phone", "name", "nick"})
		if err != nil {
			t.Fatal(err)
		}
		var cells [][]byte
		for cell := range strings.SplitSeq(c.row, "|") {
			cells = append(cells, []byte(cell))
		}
		row := s.Map(cells)
		values := map[string]string{}
		for i, a := range s.Attributes() {
			values[a] = string(row.Values[i])
		}
		got := strings.Join(strings.Fields(strings.Join([]string{
			row.ID, values["family_name"], values["email"], values["phone_number"], values["nickname"],
		}, " ")), " ")
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.row, got, c.want)
		}
	}
}
