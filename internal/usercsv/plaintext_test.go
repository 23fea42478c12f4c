package usercsv_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/usercsv"
)

// Texts that are neighbours arrive as each of them would alone, whatever is between and around them.
func TestNeighbouringTexts(t *testing.T) {
	for _, test := range []struct {
		source string
		want   []string
	}{
		{"Ann Lee,Ann,Lee,B", []string{"Ann Lee", "Ann", "Lee", "B"}},
		{",,,", []string{"", "", "", ""}},
		{"Ann Lee,,Lee,", []string{"Ann Lee", "", "Lee", ""}},
		{`Ann Lee,"Ann",Lee,B`, []string{"Ann Lee", "Ann", "Lee", "B"}},
		{`"Ann Lee","Ann","Lee","B"`, []string{"Ann Lee", "Ann", "Lee", "B"}},
		{`"","Ann","Lee",""`, []string{"", "Ann", "Lee", ""}},
		{`Ann Lee, Ann,Lee ,B`, []string{"Ann Lee", "Ann", "Lee", "B"}},
		{`Lee\, Ann,Ann,"Lee, B",B`, []string{"Lee, Ann", "Ann", "Lee, B", "B"}},
		{`Ann Lee,="Ann",Lee,\N`, []string{"Ann Lee", "Ann", "Lee", ""}},
		{"Ann Lee,\u00c5nn,Lee\u00a0,B", []string{"Ann Lee", "\u00c5nn", "Lee", "B"}},
		{"1 2,NULL,-,+", []string{"1 2", "NULL", "-", "+"}},
	} {
		for _, delimiter := range []string{",", ";"} {
			if delimiter == ";" && (strings.Contains(test.source, `\,`) || strings.Contains(test.source, ", B")) {
				continue // its commas are not all delimiters
			}
			source := strings.ReplaceAll("name,given_name,family_name,middle_name,email,email_verified,username\n"+test.source+
				",ann@example.com,true,ann\n", ",", delimiter)
			out := run(t, testPool(), usercsv.Settings{}, source)
			row := parseCognito(t, out.parts[0].String())[1]
			if diff := cmp.Diff(test.want, row[:4]); diff != "" {
				t.Errorf("%q: -want +got\n%s", source, diff)
			}
		}
	}
}
