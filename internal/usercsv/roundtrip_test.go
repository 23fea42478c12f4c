package usercsv_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/usercsv"
)

// parseCognito reads Cognito's dialect, independently of the engine: lines end with LF, a comma ends a value unless a
// backslash stands before it, and nothing else means anything.
func parseCognito(t testing.TB, text string) [][]string {
	t.Helper()
	var rows [][]string
	for line := range strings.SplitAfterSeq(text, "\n") {
		if line == "" {
			continue
		}
		line, ended := strings.CutSuffix(line, "\n")
		if !ended {
			t.Fatalf("no line end: %q", line)
		}
		if strings.ContainsAny(line, "\"\r\v\f\u0085\u2028\u2029") {
			t.Fatalf("a character that must not be there: %q", line)
		}
		var values []string
		for i, text := range strings.Split(line, ",") {
			if i > 0 && strings.HasSuffix(values[len(values)-1], `\`) {
				last := &values[len(values)-1]
				*last = strings.TrimSuffix(*last, `\`) + "," + text
			} else {
				values = append(values, text)
			}
		}
		rows = append(rows, values)
	}
	return rows
}

// Whatever the delimiter, line ends, quoting and white space: the values that go in come out, in the pool's columns.
func TestWhatGoesInComesOut(t *testing.T) {
	pool := testPool()
	pool.Header = []string{"name", "nickname", "email", "email_verified", "cognito:mfa_enabled", "cognito:username"}
	const seeds = 300
	for seed := range uint64(seeds) {
		rng := rand.New(rand.NewPCG(seed, 1))
		pick := func(choices ...string) string { return choices[rng.IntN(len(choices))] }
		delim, end := pick(",", ";", "\t"), pick("\n", "\r\n", "\r")
		var source strings.Builder
		source.WriteString(pick("", "\ufeff", end, " "+end))
		source.WriteString(strings.Join([]string{"nickname", "username", "email", "name"}, delim) + end)
		want := [][]string{pool.Header}
		var places []string
		line := strings.Count(strings.ReplaceAll(strings.ReplaceAll(source.String(), "\r\n", "\n"), "\r", "\n"), "\n") + 1
		write := func(value string) string {
			space := pick("", "", " ", "\u00a0", "\u3000 ")
			quoted := `"` + space + value + pick("", " ") + `"`
			if strings.ContainsAny(value, ";\t") || rng.IntN(2) == 0 {
				return pick("", " ") + quoted + pick("", "\u2003")
			}
			return space + strings.ReplaceAll(value, ",", `\,`) + pick("", " ")
		}
		for i := range 1 + rng.IntN(40) {
			if rng.IntN(5) == 0 {
				source.WriteString(pick("", " ", delim+delim) + end)
				line++
			}
			value := func() string {
				words := make([]string, rng.IntN(4))
				for i := range words {
					words[i] = pick("a", "Smith", "ü", "日本", "x,y", ",", ";", "'", "=1", "😀", "a;b", strings.Repeat("w", 40))
				}
				return strings.TrimSpace(strings.Join(words, " "))
			}
			nick, name, user := value(), value(), fmt.Sprintf("u%d%s", i, pick("", ",x", "é", ";"))
			email := fmt.Sprintf("u%d@example.com", i)
			want = append(want, []string{name, nick, email, "true", "false", user})
			places = append(places, fmt.Sprintf("0:%d", line))
			source.WriteString(strings.Join([]string{write(nick), write(user), write(email), write(name)}, delim) + end)
			line++
		}
		out := run(t, pool, usercsv.Settings{AssumeVerified: usercsv.AssumeEmail}, source.String())
		if out.Rejected != 0 || len(out.parts) != 1 {
			t.Fatalf("seed %d: %+v\n%s\n%q", seed, out.Summary, out.failed.String(), source.String())
		}
		if diff := cmp.Diff(want, parseCognito(t, out.parts[0].String())); diff != "" {
			t.Fatalf("seed %d: -want +got\n%s", seed, diff)
		}
		if diff := cmp.Diff(places, out.parts[0].places(t)); diff != "" {
			t.Fatalf("seed %d: lines: -want +got\n%s", seed, diff)
		}
	}
}

// TestEveryLengthArrives: rows of every length up to the limit, in every order of long and short, arrive once each. A
// row too long for the room that its part has left must not be written where the row before it stands.
func TestEveryLengthArrives(t *testing.T) {
	pool := testPool()
	pool.Header = []string{
		"name", "nickname", "profile", "picture", "website", "given_name", "family_name", "middle_name",
		"email", "email_verified", "cognito:mfa_enabled", "cognito:username",
	}
	const long = 8 // columns that may be long
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 2))
		letter := []string{"a", "é", "日", "😀", `\,`}[rng.IntN(5)]
		var source strings.Builder
		source.WriteString(strings.Join(pool.Header[:9], ",") + ",username\n")
		want := [][]string{pool.Header}
		for i := range 60 {
			cells := make([]string, long, 10)
			for j := range cells {
				// Most rows are short; the others have up to 15,600 characters, so that each order occurs.
				if n := 1950; rng.IntN(3) == 0 {
					cells[j] = strings.Repeat(letter, rng.IntN(n/len([]rune(letter))))
				}
			}
			user := fmt.Sprintf("u%d", i)
			cells = append(cells, user+"@example.com", user)
			source.WriteString(strings.Join(cells, ",") + "\n")
			for j := range cells {
				cells[j] = strings.ReplaceAll(cells[j], `\,`, ",")
			}
			want = append(want, append(cells[:9:9], "true", "false", user))
		}
		out := run(t, pool, usercsv.Settings{AssumeVerified: usercsv.AssumeEmail}, source.String())
		if out.Rejected != 0 || len(out.parts) != 1 {
			t.Fatalf("seed %d: rejected %v", seed, out.Problems)
		}
		if diff := cmp.Diff(want, parseCognito(t, out.parts[0].String())); diff != "" {
			t.Fatalf("seed %d: -want +got\n%.600s", seed, diff)
		}
	}
}
