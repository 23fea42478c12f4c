package usercsv_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/usercsv"
	"userdrop/internal/usercsv/linemap"
)

// wantSink keeps what rows want.
type wantSink struct {
	void
	wants []string
	codes []string
}

func (s *wantSink) Want(_ context.Context, part usercsv.Part, place linemap.Place, name []byte, w usercsv.Wanted) error {
	enabled := "as it is"
	if w.Enabled != nil {
		enabled = fmt.Sprint(*w.Enabled)
	}
	s.wants = append(s.wants, fmt.Sprintf("part %d line %d %s: %q, enabled %s", part.Number, place.Line, name, w.Groups, enabled))
	return nil
}

func (s *wantSink) Reject(_ context.Context, row *usercsv.Rejected) error {
	s.codes = append(s.codes, fmt.Sprintf("line %d: %s %v", row.Line, row.Codes, row.Attributes()))
	return nil
}

func changePool() *usercsv.Pool {
	return &usercsv.Pool{
		AutoVerified: []string{"email"}, CaseSensitive: true, ApplyGroups: true,
		Attributes: []usercsv.Attribute{{Name: "email", Type: usercsv.String}, {Name: "custom:groups", Type: usercsv.String}},
	}
}

func TestGroupsAndEnabled(t *testing.T) {
	tests := []struct {
		name         string
		groups       *usercsv.Groups
		cells        []string // groups and enabled
		wants, codes []string
		missing      []string
	}{
		{
			name: "both delimiters, blanks and doubles", cells: []string{`"a; b|c ;;a"`, ""},
			wants: []string{`part 1 line 2 u2: ["a" "b" "c"], enabled as it is`},
		},
		{name: "nothing wanted", cells: []string{" ; ", ""}},
		{name: "states", cells: []string{"", "no", "", "YES", "", "1"}, wants: []string{
			`part 1 line 2 u2: [], enabled false`, `part 1 line 3 u3: [], enabled true`, `part 1 line 4 u4: [], enabled true`,
		}},
		{name: "no Boolean", cells: []string{"a", "maybe"}, codes: []string{"line 2: BadBoolean [enabled]"}},
		{name: "no name of a group", cells: []string{"two words", "", strings.Repeat("g", 129), ""}, codes: []string{
			"line 2: UnknownGroup [groups]", "line 3: UnknownGroup [groups]",
		}},
		{
			name: "groups of the pool", groups: usercsv.NewGroups([]string{"a"}, 0), cells: []string{"a", "", "a;b", ""},
			wants: []string{`part 1 line 2 u2: ["a"], enabled as it is`}, codes: []string{"line 3: UnknownGroup [groups]"},
		},
		{
			name: "groups to create", groups: usercsv.NewGroups([]string{"a"}, 2), cells: []string{"a;b", "", "c;d", "", "b;c", "", "d", ""},
			wants: []string{
				`part 1 line 2 u2: ["a" "b"], enabled as it is`, `part 1 line 4 u4: ["b" "c"], enabled as it is`,
			},
			codes: []string{"line 3: UnknownGroup [groups]", "line 5: UnknownGroup [groups]"}, missing: []string{"b", "c"},
		},
		{
			name: "commas", groups: usercsv.NewGroups([]string{"a,b"}, 9), cells: []string{`"a,b"`, "", `"c,d"`, "", `"e;c,d"`, ""},
			wants: []string{`part 1 line 2 u2: ["a,b"], enabled as it is`},
			codes: []string{"line 3: UnknownGroup [groups]", "line 4: UnknownGroup [groups]"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			text := "cognito:username,email,email_verified,Groups,Enabled\n"
			for pair := range slices.Chunk(test.cells, 2) {
				n := strings.Count(text, "\n") + 1
				text += fmt.Sprintf("u%d,u%d@example.com,true,%s,%s\n", n, n, pair[0], pair[1])
			}
			sink := &wantSink{}
			p, err := usercsv.NewPreparer(changePool(), complete(usercsv.Settings{Groups: test.groups}), sink)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Add(t.Context(), strings.NewReader(text)); err != nil {
				t.Fatal(err)
			}
			if _, err := p.Close(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.wants, sink.wants); diff != "" {
				t.Errorf("wanted: %s", diff)
			}
			if diff := cmp.Diff(test.codes, sink.codes); diff != "" {
				t.Errorf("rejected: %s", diff)
			}
			if test.groups != nil {
				if diff := cmp.Diff(test.missing, test.groups.Missing); diff != "" {
					t.Errorf("to create: %s", diff)
				}
			}
		})
	}
}

// TestGroupsAreAColumnOnlyWhereTheyAreApplied: without ApplyGroups the name is an attribute of the pool, or unknown.
func TestGroupsAreAColumnOnlyWhereTheyAreApplied(t *testing.T) {
	pool := changePool()
	pool.ApplyGroups = false
	prepare := func() (usercsv.SourceSummary, error) {
		p, err := usercsv.NewPreparer(pool, complete(usercsv.Settings{}), &wantSink{})
		if err != nil {
			t.Fatal(err)
		}
		return p.Add(t.Context(), strings.NewReader("username,email,email_verified,groups\nu,u@example.com,true,x\n"))
	}
	if summary, err := prepare(); err != nil || summary.Header.Attributes[3] != "custom:groups" {
		t.Errorf("%v, %v", summary.Header.Attributes, err)
	}
	pool.Attributes = pool.Attributes[:1]
	if _, err := prepare(); err == nil {
		t.Error("the column is taken")
	}
}
