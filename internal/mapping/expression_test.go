package mapping

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// target is a pool that signs in by address.
var target = Target{
	Attributes: append([]string{"custom:tier"}, standardAttributes...), UsernameAttributes: []string{"email"},
	Now: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC),
}

// mappingText returns the text of a mapping with these members beside schema and name.
func mappingText(t testing.TB, members map[string]any) []byte {
	t.Helper()
	members["schema"], members["name"] = "userdrop.mapping/v1", "test"
	out, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// evaluate maps one CSV row by a mapping whose one column is the expression, and returns its value.
func evaluate(t testing.TB, expression string, names []string, cells ...string) (value, failed string) {
	t.Helper()
	m, err := Parse(mappingText(t, map[string]any{
		"columns": map[string]string{"name": expression}, "ignore": []string{"*"},
	}))
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(m, target)
	if err != nil {
		t.Fatal(err)
	}
	s, err := e.Open(names)
	if err != nil {
		t.Fatal(err)
	}
	row := make([][]byte, len(cells))
	for i, c := range cells {
		row[i] = []byte(c)
	}
	mapped := s.Map(row)
	if mapped.Failed != "" {
		return "", mapped.Failed + ": " + mapped.Reason
	}
	if mapped.Columns != nil {
		return strings.TrimSpace(cells[mapped.Columns[0]]), "" // the rules read it as it is
	}
	if len(mapped.Values) == 0 {
		return "", "" // the expression reads no column that there is
	}
	return string(mapped.Values[0]), ""
}

func TestExpressions(t *testing.T) {
	names := []string{"a", "b", "Primary Email", "type", "blank"}
	cells := []string{"one", ` {"x": {"y": [1, "two"]}, "big": 12345678901234567890} `, "n@example.com", "t", " "}
	for _, test := range []struct{ expression, want string }{
		{"a", "one"},
		{"row['Primary Email']", "n@example.com"},
		{"row['primary_email']", "n@example.com"},
		{"row['type']", "t"},
		{"absent", ""},
		{"blank", ""},
		{"blank == nil", "true"},
		{"blank ?? a", "one"},
		{"json(b)?.x?.y[1]", "two"},
		{"json(b).x.y[0] + 1", "2"},
		{"json(b)?.big", "12345678901234567890"},
		{"json(blank)?.x", ""},
		{"json(blank)?.x.y.z ?? 'none'", "none"},
		{"after('+123', '+')", "123"},
		{"after('123', '+')", "123"},
		{"after(blank, '+')", ""},
		{"items('a|| b ', '|')[1]", "b"},
		{"join(items('a|b', '|'), ';')", "a;b"},
		{"items(blank, '|') == nil", "true"},
		{"uuid('n@example.com')", "16d524e3-b2da-555c-99a4-3071117730bd"},
		{"upper(blank) == nil", "true"},
		{"blank contains 'x'", "false"},
		{"blank matches '^x'", "false"},
		{"any(blank, true)", "false"},
		{"len(filter(items('a|b|a', '|'), # == 'a'))", "2"},
		{"time('2026-01-15 10:31:00.123456+00') < now()", "true"},
		{"time('1768473060') == time('2026-01-15T10:31:00Z')", "true"},
		{"time(blank) == nil", "true"},
		{"json('{\"a\": \" \", \"b\": {\"c\": \"\"}}').b.c ?? 'none'", "none"},
		{"time('infinity') > now() + duration('24h')", "true"},
		{"time('-infinity') < now()", "true"},
		{"bool('No') == false", "true"},
		{"bool(blank) == nil", "true"},
		{"let x = a; x + '!'", "one!"},
		{"first(items(blank, '|') ?? [])", ""},
		{"string(12.50)", "12.5"},
		{"int('7') + 1", "8"},
		{"replace(a, 'n', 'N')", "oNe"},
		{"bcrypt(a) == nil", "true"},
	} {
		value, failed := evaluate(t, test.expression, names, cells...)
		if failed != "" || value != test.want {
			t.Errorf("%s = %q %s, want %q", test.expression, value, failed, test.want)
		}
	}
}

func TestExpressionsFailForARow(t *testing.T) {
	for _, expression := range []string{
		"json(a)", "a + 1", "time(a) > now()", "bool(a)", "int(a)", "json('{\"a\": 1, \"a\": 2}')", "nil + a",
		"json(a)['x']",
	} {
		if _, failed := evaluate(t, expression, []string{"a"}, "one"); !strings.HasPrefix(failed, "columns.name: ") {
			t.Errorf("%s: %q", expression, failed)
		}
	}
}

// TestExpressionsAreBounded: whatever a mapping computes ends soon and needs little memory.
func TestExpressionsAreBounded(t *testing.T) {
	long := strings.Repeat("x,", 400_000)
	deep := strings.Repeat("[", 100) + strings.Repeat("]", 100)
	for name, expression := range map[string]string{
		"loops in loops":     "all(items(a, ','), all(items(a, ','), all(items(a, ','), true)))",
		"loops over a value": "let l = items(a, ','); all(l, all(l, all(l, all(l, true))))",
		"doubling":           "let b = a + a; let c = b + b; let d = c + c; let e = d + d; e",
		"replacing":          "replace(a, 'x', a)",
		"joining":            "join(map(items(a, ','), a), a)",
		"nesting":            "json(b)",
	} {
		t.Run(name, func(t *testing.T) {
			_, failed := evaluate(t, expression, []string{"a", "b"}, long, deep)
			if failed == "" {
				t.Error("the expression was evaluated")
			}
		})
	}
}

func TestMistakes(t *testing.T) {
	for _, test := range []struct {
		name    string
		members map[string]any
		want    []string
	}{
		{"all at once", map[string]any{
			"columns": map[string]string{"name": "a +", "email": "unknown(a)", "email_verified": "true"},
			"exclude": []map[string]string{{"if": "reduce(a, #acc + #, 0)", "because": "deleted"}},
			"ignore":  []string{"x", "x"},
		}, []string{
			"columns.email:1: there is no function unknown",
			"columns.email_verified: the expression reads no column: whether it is verified must follow from the record; " +
				"for all users use the setting AssumeVerified",
			"columns.name:3: unexpected token EOF",
			"exclude.0.if:1: the function reduce is not available in a mapping",
			`ignore.1: "x" is there twice`,
		}},
		{"what is out of reach", map[string]any{"columns": map[string]string{
			"name": "$env", "email": "row", "nickname": "1..1000000", "profile": "type", "website": "now().Unix()",
			"locale": "toJSON(a)", "zoneinfo": "repeat(a, 10)", "gender": "json()", "picture": "joined?.x",
		}}, []string{
			`columns.email:1: row is used with the name of a column only, as in row["Primary Email"]`,
			"columns.gender:1: json takes 1 argument, not 0",
			"columns.locale:1: there is no function toJSON",
			"columns.name:1: $env is not available",
			"columns.nickname:2: ranges are not available",
			`columns.profile:1: type is a function; a column of that name is row["type"]`,
			"columns.website:7: only functions can be called",
			"columns.zoneinfo:1: there is no function repeat",
			"join: an expression reads joined, but the mapping joins no second file",
		}},
		{"the schema", map[string]any{
			"columns": map[string]any{"name": 1}, "exclude": []map[string]string{{"if": "a", "because": "fired"}},
			"colour": "red", "colums": map[string]string{}, "settings": map[string]string{"dateOrdre": "day-first"},
			"spread": map[string]any{"fields": map[string]string{"nam": "n", "name": "n", "value": "v"}},
			"facts":  []map[string]string{{"facts": "x", "fact": "y"}},
		}, []string{
			`: there is no "colour" here`,
			`: there is no "colums" here; perhaps "columns" is meant`,
			"columns.name: got number, want string",
			"exclude.0.because: value must be one of 'deactivated', 'deleted', 'federated', 'guest', 'service-account', " +
				"'unconfirmed', 'no-address', 'other'",
			`facts.0: there is no "facts" here; perhaps "fact" is meant`,
			`settings: there is no "dateOrdre" here; perhaps "dateOrder" is meant`,
			`spread.fields: there is no "nam" here; perhaps "name" is meant`,
		}},
		{"the schema and expressions", map[string]any{
			"columns": map[string]any{"name": 1, "nickname": "a +", "email_verified": "b +", "picture": ""},
			"exclude": []map[string]string{{"because": "deleted"}, {"if": "a ==", "because": "deleted"}},
			"id":      "unknown(a)", "join": map[string]string{"on": "a +"},
		}, []string{
			"columns.email_verified:3: unexpected token EOF",
			"columns.name: got number, want string",
			"columns.nickname:3: unexpected token EOF",
			"columns.picture: minLength: got 0, want 1",
			"exclude.0: missing property 'if'",
			"exclude.1.if:4: unexpected token EOF",
			"id:1: there is no function unknown",
			"join: missing property 'with'",
		}},
		{"lists of another type", map[string]any{"columns": "a", "exclude": "b", "ignore": 1, "id": "a +"}, []string{
			"columns: got string, want object",
			"exclude: got string, want array",
			"id:3: unexpected token EOF",
			"ignore: got number, want array",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse(mappingText(t, test.members))
			invalid, ok := errors.AsType[*Invalid](err)
			if !ok {
				t.Fatalf("got %v", err)
			}
			var got []string
			for _, m := range invalid.Mistakes {
				got = append(got, m.Place+": "+m.Message)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
	for _, bad := range []string{
		"", "null", "[]", "{", `{"schema": "userdrop.mapping/v1", "schema": "userdrop.mapping/v1"}`,
		strings.Repeat(" ", MaxSize) + "{}", "{} {}", strings.Repeat("[", 1<<17),
	} {
		if _, err := Parse([]byte(bad)); err == nil {
			t.Errorf("%.40q was taken", bad)
		}
	}
}

func TestUnknownAttribute(t *testing.T) {
	m, err := Parse(mappingText(t, map[string]any{"columns": map[string]string{"custom:teir": "a", "locale": "b"}}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = New(m, Target{Attributes: []string{"email", "cognito:username"}})
	if err == nil || err.Error() != `columns.custom:teir: the user pool has no attribute "custom:teir"` {
		t.Errorf("got %v", err)
	}
}

// TestMistakesForAPool: what only a pool shows is listed together with the other mistakes.
func TestMistakesForAPool(t *testing.T) {
	_, err := Parse(mappingText(t, map[string]any{
		"columns":  map[string]string{"custom:rank": "a", "email": "a +", "groups": "b", "custom:tier": "c"},
		"settings": map[string]string{"defaultPhoneCountry": "ZZ"},
	}))
	invalid, ok := errors.AsType[*Invalid](err)
	if !ok {
		t.Fatalf("got %v", err)
	}
	var got []string
	for _, m := range invalid.For(Target{
		Attributes: []string{"email", "custom:tier"}, KnowsCountry: func(code string) bool { return code != "ZZ" },
	}).Mistakes {
		got = append(got, m.String())
	}
	want := []string{
		`columns.custom:rank: the user pool has no attribute "custom:rank"`,
		"columns.email:3: unexpected token EOF",
		"columns.groups: groups is applied only where the parameter ApplyGroups is true",
		"settings.defaultPhoneCountry: this is no ISO country code such as US or DE",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
