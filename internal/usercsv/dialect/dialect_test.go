package dialect_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/usercsv/dialect"
)

func Example() {
	line := dialect.AppendHeader(nil, []string{"name", dialect.UsernameColumn})
	usernames := dialect.NewUsernames(string(line))
	line = dialect.AppendValue(line[:0], []byte("Lee, Ann"))
	line = append(line, ",ann"...)
	fmt.Println(string(line), usernames.Of(string(line)))
	// Output: Lee\, Ann,ann ann
}

func TestValues(t *testing.T) {
	for line, want := range map[string][]string{
		"": {""}, "a": {"a"}, "a,b\n": {"a", "b"}, ",": {"", ""}, `\,`: {","}, `a\,b,c`: {"a,b", "c"}, `a\b,\\,c`: {`a\b`, `\,c`},
		`,\,,`: {"", ",", ""}, `a\`: {`a\`}, `"a,b"`: {`"a`, `b"`},
	} {
		if diff := cmp.Diff(want, dialect.Values(line)); diff != "" {
			t.Errorf("%q: -want +got\n%s", line, diff)
		}
	}
}

// What is written is read again. Values cannot hold line breaks or backslashes: the rules refuse them.
func FuzzValues(f *testing.F) {
	f.Add("a,b", "", ",,")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		values := []string{a, b, c}
		var line []byte
		for i, value := range values {
			if strings.ContainsAny(value, "\n\\") {
				return
			}
			if i > 0 {
				line = append(line, ',')
			}
			line = dialect.AppendValue(line, []byte(value))
		}
		if diff := cmp.Diff(values, dialect.Values(string(line))); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

func TestNameKey(t *testing.T) {
	for _, test := range []struct {
		a, b                   string
		sensitive, insensitive bool // the same username in such a pool
	}{
		{"ann", "ann", true, true},
		{"ann", "Ann", false, true},
		{"jürgen", "ju\u0308rgen", true, true},    // one letter in one character and in two
		{"JÜRGEN", "ju\u0308rgen", false, true},   // and in another case
		{"\u212bngström", "Ångström", true, true}, // the sign of the unit
		{"straße", "STRASSE", false, false},       // not one letter for one
		{"straße", "STRA\u1e9eE", false, true},    // its capital letter
		{"ilker", "\u0130lker", false, true},      // İ
		{"ilker", "\u0131lker", false, false},     // ı
		{"kelvin", "\u212aelvin", false, true},    // the sign of the unit
		{"σας", "ΣΑΣ", false, false},              // a final sigma is another letter
		{"ﬁ", "fi", false, false},                 // a ligature is another letter
		{"ann", "ann\u200b", false, false},
	} {
		for _, caseSensitive := range []bool{true, false} {
			want := map[bool]bool{true: test.sensitive, false: test.insensitive}[caseSensitive]
			same := dialect.NameKey(test.a, caseSensitive) == dialect.NameKey(test.b, caseSensitive)
			if same != want {
				t.Errorf("%+q and %+q, case-sensitive %t: the same is %t", test.a, test.b, caseSensitive, same)
			}
		}
	}
}
