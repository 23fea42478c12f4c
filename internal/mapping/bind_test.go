package mapping

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEvidence: a source without the column that shows what was verified gives no mark of it, so that AssumeVerified
// can still decide.
func TestEvidence(t *testing.T) {
	m, err := Parse(mappingText(t, map[string]any{"ignore": []string{"*"}, "columns": map[string]string{
		"email":                 "mail",
		"email_verified":        "confirmed_at != nil && mail != nil",
		"phone_number":          "phone ?? tel",
		"phone_number_verified": "(phone ?? tel) in (items(verified, ';') ?? [])",
	}}))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ names, want string }{
		{"mail confirmed_at phone verified", "email email_verified phone_number phone_number_verified"},
		{"mail phone verified", "email phone_number phone_number_verified"},
		{"mail confirmed_at tel", "email email_verified phone_number"},
		{"mail tel phone", "email phone_number"},
	} {
		e, err := New(m, target)
		if err != nil {
			t.Fatal(err)
		}
		s, err := e.Open(strings.Fields(c.names))
		if err != nil {
			t.Fatal(err)
		}
		got := slices.Sorted(slices.Values(s.Attributes()))
		if diff := cmp.Diff(strings.Fields(c.want), got); diff != "" {
			t.Errorf("%s: -want +got\n%s", c.names, diff)
		}
		for _, missing := range e.Account().Missing {
			if missing.Column == "confirmed_at" && !slices.Contains(missing.Without, "email_verified") {
				t.Errorf("%s: the account does not say that email_verified is missing: %v", c.names, missing)
			}
		}
	}
}
