package mapping

import (
	"os"
	"strings"
	"testing"
)

// TestDocument parses the example of docs/mappings.md, and looks for every function in it.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile("../../docs/mappings.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(text), "```json\n")
	example, _, _ = strings.Cut(example, "```")
	m, err := Parse([]byte(example))
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(m, target)
	if err != nil {
		t.Fatal(err)
	}
	s, err := e.Open([]string{
		"memberno", "login", "mail", "confirmed_at", "Mobile Phone", "FirstName", "LastName", "PasswordHash",
		"Active", "State", "Notes",
	})
	if err != nil {
		t.Fatal(err)
	}
	row := s.Map([][]byte{
		[]byte("7"), []byte("ann"), []byte("Ann@Example.com"), []byte("2025-01-01"), nil, []byte("Ann"), []byte("Lee"), nil, []byte("yes"),
		nil, nil,
	})
	var got []string
	for i, attribute := range s.Attributes() {
		got = append(got, attribute+"="+string(row.Values[i]))
	}
	want := "name=Ann Lee email=ann@example.com email_verified=true phone_number= cognito:username= password_hash="
	if text := strings.Join(got, " "); text != want || row.ID != "7" {
		t.Errorf("%s, id %s: %s", text, row.ID, row.Reason)
	}
	for name, f := range functions {
		if !f.hidden && !strings.Contains(string(text), "`"+name) {
			t.Errorf("docs/mappings.md does not mention the function %s", name)
		}
	}
}
