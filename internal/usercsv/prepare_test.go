package usercsv_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/contract"
	"userdrop/internal/usercsv"
	"userdrop/internal/usercsv/linemap"
)

// lines is a source that is made while it is read: a header and n rows.
type lines struct {
	header string
	row    func(b []byte, i int) []byte
	n, i   int
	rest   []byte
}

func (l *lines) Read(p []byte) (int, error) {
	if l.header != "" {
		l.rest, l.header = []byte(l.header+"\n"), ""
	}
	for len(l.rest) < len(p) && l.i < l.n {
		l.rest = append(l.row(l.rest, l.i), '\n')
		l.i++
	}
	if len(l.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, l.rest)
	l.rest = append(l.rest[:0], l.rest[n:]...)
	return n, nil
}

// sizes is a sink that remembers the parts' summaries and how much was written of them.
type sizes struct {
	void
	parts []*sizedPart
}

type sizedPart struct {
	void
	sum     usercsv.PartSummary
	written int64
	last    byte
}

func (s *sizes) OpenPart(context.Context, usercsv.Part) (usercsv.PartWriter, error) {
	s.parts = append(s.parts, &sizedPart{})
	return s.parts[len(s.parts)-1], nil
}

func (s *sizedPart) Write(p []byte) (int, error) {
	s.written += int64(len(p))
	s.last = p[len(p)-1]
	return len(p), nil
}

func (s *sizedPart) Close(sum usercsv.PartSummary) error { s.sum = sum; return nil }

// A part never exceeds a limit by a row or a byte, and a new one opens only when the open one is full.
func TestSplitting(t *testing.T) {
	const ours = len("email,email_verified,cognito:mfa_enabled,cognito:username,name\n")
	pool := testPool()
	pool.Header = []string{"email", "email_verified", "cognito:mfa_enabled", "cognito:username"}
	hashed := testPool()
	hashed.Header = append(slices.Clone(pool.Header), "name", "password_hash")
	long := strings.Repeat("x", 952)
	pool.Header = append(pool.Header, "name")
	for _, tc := range []struct {
		name   string
		pool   *usercsv.Pool
		source *lines
		want   []usercsv.PartSummary
	}{
		{
			"600,000 rows", pool,
			&lines{
				header: "email,email_verified,username", n: 600_000,
				row: func(b []byte, i int) []byte { return fmt.Appendf(b, "a@b.example,true,u%06d", i) },
			},
			[]usercsv.PartSummary{
				{Part: usercsv.Part{Number: 1}, Rows: 500_000, Bytes: int64(ours) + 500_000*int64(len("a@b.example,true,false,u000000,\n"))},
				{Part: usercsv.Part{Number: 2}, Rows: 100_000, Bytes: int64(ours) + 100_000*int64(len("a@b.example,true,false,u000000,\n"))},
			},
		},
		{
			// A row of 1,000 bytes: 99,999 rows and the header fit, one more does not.
			"bytes", pool,
			&lines{
				header: "email,email_verified,username,name", n: 100_001,
				row: func(b []byte, i int) []byte { return fmt.Appendf(b, "a@b.example,true,u%022d,%s", i, long) },
			},
			[]usercsv.PartSummary{
				{Part: usercsv.Part{Number: 1}, Rows: 99_999, Bytes: int64(ours) + 99_999*1000},
				{Part: usercsv.Part{Number: 2}, Rows: 2, Bytes: int64(ours) + 2*1000},
			},
		},
		{
			"three algorithms and blanks", hashed,
			&lines{
				header: "email,email_verified,username,password_hash", n: 8,
				row: func(b []byte, i int) []byte {
					return fmt.Appendf(b, "a@b.example,true,u%d,%s", i, []string{
						"", "$2b$10$" + strings.Repeat("a", 53), "16384$8$1$ab$cd", "$pbkdf2-sha256$1000$ab$cd",
					}[i%4])
				},
			},
			[]usercsv.PartSummary{
				{Part: usercsv.Part{Number: 1}, Rows: 2, Bytes: 133},
				{Part: usercsv.Part{Number: 2, Algorithm: usercsv.BCRYPT}, Rows: 2, Bytes: 253},
				{Part: usercsv.Part{Number: 3, Algorithm: usercsv.SCRYPT}, Rows: 2, Bytes: 163},
				{Part: usercsv.Part{Number: 4, Algorithm: usercsv.PBKDF2SHA256}, Rows: 2, Bytes: 183},
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			sink := &sizes{}
			p, err := usercsv.NewPreparer(tc.pool, complete(usercsv.Settings{}), sink)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Add(t.Context(), tc.source); err != nil {
				t.Fatal(err)
			}
			summary, err := p.Close()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, summary.Parts); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			for i, part := range sink.parts {
				if part.written != part.sum.Bytes || part.last != '\n' || part.sum.Bytes > usercsv.MaxPartBytes {
					t.Errorf("part %d: %d bytes written, %d said", i+1, part.written, part.sum.Bytes)
				}
			}
		})
	}
}

// A source that is verbatim what a part would be, but takes two, is split.
func TestVerbatimTooLong(t *testing.T) {
	pool := testPool()
	pool.Header = []string{"email", "email_verified", "cognito:mfa_enabled", "cognito:username"}
	p, err := usercsv.NewPreparer(pool, complete(usercsv.Settings{}), void{})
	if err != nil {
		t.Fatal(err)
	}
	source := &lines{
		header: strings.Join(pool.Header, ","), n: usercsv.MaxPartRows + 1,
		row: func(b []byte, i int) []byte { return fmt.Appendf(b, "a@b.example,true,false,u%d", i) },
	}
	if _, err := p.Add(t.Context(), source); err != nil {
		t.Fatal(err)
	}
	summary, err := p.Close()
	if err != nil {
		t.Fatal(err)
	}
	if len(summary.Parts) != 2 || summary.Parts[0].SourceIsPart || summary.Parts[1].SourceIsPart {
		t.Errorf("parts %+v", summary.Parts)
	}
}

// Duplicates and parts run across the sources of a drop; counts, lines and rejects are each source's own.
func TestSeveralSources(t *testing.T) {
	out := &output{codes: map[int]contract.Codes{}}
	pool := testPool()
	pool.Header = []string{"email", "email_verified", "cognito:mfa_enabled", "cognito:username"}
	p, err := usercsv.NewPreparer(pool, complete(usercsv.Settings{AssumeVerified: usercsv.AssumeEmail}), out)
	if err != nil {
		t.Fatal(err)
	}
	for i, source := range []string{
		"email,username\na@b.example,ann\n\na@b.example,bob\n",
		"nonsense\n",
		"username;mail\nann;a@b.example\ncarl;a@b.example\ndora;bad\n",
	} {
		_, err := p.Add(t.Context(), strings.NewReader(source))
		if refusal, refused := errors.AsType[*usercsv.Refusal](err); refused != (i == 1) || refused && refusal.Late {
			t.Fatalf("source %d: %v", i, err)
		}
	}
	if out.Summary, err = p.Close(); err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(out.parts[0].places(t), out.Read, out.Rejected)
	for _, s := range out.Sources {
		got += fmt.Sprintf(" %d/%d", s.Rejected, s.Read)
	}
	if want := "[0:2 0:4 2:3] 5 2 0/2 0/0 2/3"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	const part = "email,email_verified,cognito:mfa_enabled,cognito:username\n" +
		"a@b.example,true,false,ann\na@b.example,true,false,bob\na@b.example,true,false,carl\n"
	if diff := cmp.Diff(part, out.parts[0].String()); diff != "" {
		t.Error(diff)
	}
}

// A file that turns out bad below rows that were prepared is refused late; Verify finds that beforehand.
func TestLateRefusal(t *testing.T) {
	source := "email,username\na@b.example,ann\n" + strings.Repeat(" \n", 200_000) + "a@b.example,\xff\n"
	p, err := usercsv.NewPreparer(testPool(), complete(usercsv.Settings{AssumeVerified: usercsv.AssumeEmail}), void{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Add(t.Context(), strings.NewReader(source))
	refusal, ok := errors.AsType[*usercsv.Refusal](err)
	if !ok || !refusal.Late || refusal.Problems[0].Lines[0] != 200_003 {
		t.Errorf("Add: %v %+v", err, refusal)
	}
	if _, err := p.Close(); err == nil {
		t.Error("Close succeeds although the drop is spoiled")
	}
	_, err = usercsv.Verify(t.Context(), strings.NewReader(source), testPool(), complete(usercsv.Settings{}))
	if refusal, ok := errors.AsType[*usercsv.Refusal](err); !ok || refusal.Problems[0].Code != contract.BadEncoding {
		t.Errorf("Verify: %v", err)
	}
}

// A row over 1 MiB, a quotation mark that is not closed within 64 KiB, a long blank line: none of them takes memory,
// none costs more than its own line.
func TestLongRows(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	far := strings.Repeat("y", 64<<10)
	for _, tc := range []struct {
		name, row string
		want      contract.Codes
		cut       bool
	}{
		{"row of 1 MiB", long[:1<<20-12] + ",a@b.example", contract.CodesOf(contract.BadUsername, contract.RowTooLong), false},
		{"row over 1 MiB", long[:1<<20-11] + ",a@b.example", contract.CodesOf(contract.RowTooLong), true},
		{"row of 5 MiB", strings.Repeat(long, 5) + ",a@b.example", contract.CodesOf(contract.RowTooLong), true},
		{"quoted 64 KiB", `"` + far + `",a@b.example`, contract.CodesOf(contract.BadUsername), false},
		{"quoted over 64 KiB", `"` + far + `z",a@b.example`, contract.CodesOf(contract.BadQuoting), true},
		{"open quote and 5 MiB", `"` + strings.Repeat(long, 5), contract.CodesOf(contract.BadQuoting), true},
		{"blank line of 3 MiB", strings.Repeat(" ,\t", 1<<20), 0, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			pool := testPool()
			source := "username,email\n" + tc.row + "\nann,a@b.example\n"
			out := run(t, pool, usercsv.Settings{AssumeVerified: usercsv.AssumeEmail}, source)
			want := tc.want
			if tc.want.Has(contract.BadUsername) {
				want = contract.CodesOf(contract.BadUsername) // an unreadable cell counts as blank
			}
			if out.codes[2] != want || out.Read-out.Rejected != 1 {
				t.Errorf("codes %v, read %d, rejected %d", out.codes[2], out.Read, out.Rejected)
			}
			if cut := strings.Contains(out.failed.String(), "16 KiB"); cut != tc.cut {
				t.Errorf("cut is %t", cut)
			}
		})
	}
}

// An unclosed quotation mark costs its own line, however many lines it would have swallowed.
func TestUnclosedQuoteCostsItsLine(t *testing.T) {
	var b strings.Builder
	b.WriteString("username,email\nbad,\"x\n")
	for i := range 20_000 {
		fmt.Fprintf(&b, "u%d,a@b.example\n", i)
	}
	out := run(t, testPool(), usercsv.Settings{AssumeVerified: usercsv.AssumeEmail}, b.String())
	if out.Read != 20_001 || out.Rejected != 1 || out.codes[2] != contract.CodesOf(contract.BadQuoting) {
		t.Errorf("read %d, rejected %d, codes %v", out.Read, out.Rejected, out.codes)
	}
}

// The scanner's buffer may end anywhere: before, inside and behind a quotation mark, a line end, a character. A blank
// line of the right length puts each byte of a source there.
func TestBufferEnds(t *testing.T) {
	const source = "ü1,\"a,\"\"b\"\r\n\r\"u2\" , \"a@b.example\"\rü3\\,x,é@b\r\n\"u4\r\n\",a@b.example\n" +
		"\"u5\" x,a@b.example\nu6\nu7,\"a\r\n\r\nb\nu8,\"a\"\"@b\"\n,\n"
	settings := usercsv.Settings{AssumeVerified: usercsv.AssumeEmail}
	result := func(blank int) string {
		// A second blank line makes the buffer full when the rows begin.
		text := "username,email\n" + strings.Repeat(" ", blank) + "\n" + source
		out := run(t, testPool(), settings, text)
		part := out.parts[0]
		return fmt.Sprint(out.Read, out.Rejected, out.codes, part.places(t), part.String(), out.failed.String())
	}
	want := result(0)
	head := len("username,email\n") + 1
	for i := range len(source) + 2 {
		if got := result(256<<10 - head - i); got != want {
			t.Fatalf("%d bytes before the buffer's end: -want +got\n%s", i, cmp.Diff(want, got))
		}
	}
}

// A context that ends stops the work.
func TestContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p, err := usercsv.NewPreparer(testPool(), complete(usercsv.Settings{}), void{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Add(ctx, strings.NewReader("username,email\na,b\n")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// Errors of the source come back, wherever it breaks off: no part of a file is taken for the whole.
func TestErrors(t *testing.T) {
	text := "username,email,email_verified\na,a@b.example,true\nb,b@b.example,true\n"
	utf16 := "\xFF\xFE" + strings.ReplaceAll(text, "", "\x00")[1:]
	for _, broken := range []error{errors.New("broken"), io.ErrUnexpectedEOF} { // the latter is net/http's
		for _, text := range []string{text, utf16} {
			for n := range len(text) + 1 {
				source := func() io.Reader { return io.MultiReader(strings.NewReader(text[:n]), iotest.ErrReader(broken)) }
				if _, err := usercsv.Verify(t.Context(), source(), testPool(), complete(usercsv.Settings{})); !errors.Is(err, broken) {
					t.Errorf("%v: Verify after %d bytes: got %v", broken, n, err)
				}
				p, err := usercsv.NewPreparer(testPool(), complete(usercsv.Settings{}), void{})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := p.Add(t.Context(), source()); !errors.Is(err, broken) {
					t.Errorf("%v: Add after %d bytes: got %v", broken, n, err)
				}
				if _, err := p.Close(); !errors.Is(err, broken) {
					t.Errorf("%v: Close after %d bytes: got %v", broken, n, err)
				}
			}
		}
	}
}

// The rules know no AWS.
func TestDependsOnNothingOfAWS(t *testing.T) {
	deps, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dep := range strings.Lines(string(deps)) {
		if strings.Contains(dep, "aws") || strings.Contains(dep, "smithy") {
			t.Errorf("depends on %s", strings.TrimSpace(dep))
		}
	}
}

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

// checkInvariants proves what is true of any source.
func checkInvariants(t testing.TB, pool *usercsv.Pool, settings usercsv.Settings, source string) {
	t.Helper()
	out := run(t, pool, settings, source)
	submitted := 0
	for _, part := range out.parts {
		rows := parseCognito(t, part.String())
		for _, row := range rows {
			if len(row) != len(rows[0]) {
				t.Fatalf("%d values under %d columns: %q", len(row), len(rows[0]), row)
			}
		}
		if places := part.places(t); len(places) != part.sum.Rows || len(rows)-1 != part.sum.Rows {
			t.Fatalf("%d rows, %d lines, %d said", len(rows)-1, len(places), part.sum.Rows)
		}
		if part.sum.Bytes != int64(part.Len()) {
			t.Fatalf("%d bytes, %d said", part.Len(), part.sum.Bytes)
		}
		if part.sum.SourceIsPart != (len(out.parts) == 1 && part.String() == source) {
			t.Fatalf("source is part: %t", part.sum.SourceIsPart)
		}
		submitted += part.sum.Rows
	}
	if out.Read != out.Rejected+submitted || out.Rejected != len(out.codes) {
		t.Fatalf("read %d, rejected %d (%d), submitted %d", out.Read, out.Rejected, len(out.codes), submitted)
	}
	if !slices.IsSortedFunc(out.Problems, func(a, b contract.Problem) int { return int(a.Code) - int(b.Code) }) {
		t.Fatalf("problems out of order: %v", out.Problems)
	}
	if out.Rejected == 0 {
		return
	}
	// failed.csv can be read back, and what was not repaired is rejected again, unless it was only a duplicate.
	again := run(t, pool, settings, out.failed.String())
	duplicates := 0
	for _, codes := range out.codes {
		if codes == contract.CodesOf(contract.DuplicateUsername) {
			duplicates++
		}
	}
	if again.Read != out.Rejected || again.Rejected < out.Rejected-duplicates {
		t.Fatalf("rejected %d, %d of them duplicates; dropped again %d of %d are\n%s\n%s",
			out.Rejected, duplicates, again.Rejected, again.Read, out.failed.String(), again.failed.String())
	}
}

// Any byte string gives a verdict, and what comes out of it adds up.
func FuzzPrepare(f *testing.F) {
	for _, source := range []string{
		"", "\ufeff", "email,username\na@b.example,ann\n", "user;mail;email_verified\r\n\"a\";a@b.example;t\r\n\"b;x\r\n",
		"username,email\rü,\"a\"\"@b\"\r\r\"x\ny\",z\n", "\xff\xfeu\x00s\x00e\x00r\x00\n\x00\xd8\x00",
		"email,username\n\\,,\"\\,\"\n\\\\,x\n,,,\n\"\"\n", "username\temail\tpassword_hash\na\ta@b.example\t1$1$1$a$b\n",
		"email,username,phone,dob,updated_at\na@b.example,c,+1 (0)2,1/2/1999,2020-01-01 00:00:00z\n",
		"email,email_verified,cognito:mfa_enabled,cognito:username\na@b.example,true,false,a\n", "PK\x03\x04", "a\x00b\n",
	} {
		f.Add([]byte(source), uint8(0))
		f.Add([]byte(source), uint8(255))
	}
	f.Fuzz(func(t *testing.T, source []byte, options uint8) {
		pool := testPool()
		bit := func(n uint8) bool { return options&(1<<n) != 0 }
		if bit(0) {
			pool.UsernameAttributes = []string{"email", "phone_number"}
		}
		if bit(1) {
			pool.AliasAttributes = []string{"email", "phone_number"}
		}
		if bit(2) {
			pool.Header = []string{"email", "email_verified", "cognito:mfa_enabled", "cognito:username"}
		}
		if bit(3) {
			pool.MFA = usercsv.MFAOn
		}
		pool.CaseSensitive = bit(4)
		var settings usercsv.Settings
		if bit(5) {
			settings.AssumeVerified = usercsv.AssumeBoth
		}
		if bit(6) {
			settings.DefaultPhoneCountry = "DE"
		}
		pool.Attributes = []usercsv.Attribute{
			{Name: "custom:n", Type: usercsv.Number},
			{Name: "custom:d", Type: usercsv.DateTime},
			{Name: "custom:b", Type: usercsv.Boolean},
			{Name: "dev:custom:s", Type: usercsv.String},
		}
		checkInvariants(t, pool, settings, string(source))
		if _, err := usercsv.Verify(t.Context(), bytes.NewReader(source), pool, complete(usercsv.Settings{})); err != nil {
			if _, ok := errors.AsType[*usercsv.Refusal](err); !ok {
				t.Fatal(err)
			}
		}
	})
}

// Any sequence of places comes back from a line map.
func FuzzLineMap(f *testing.F) {
	f.Add([]byte{1, 2, 0, 0, 3, 255, 7})
	f.Fuzz(func(t *testing.T, steps []byte) {
		var text bytes.Buffer
		w := linemap.NewWriter(&text)
		var want []linemap.Place
		var at linemap.Place
		for _, step := range steps {
			if step == 0 {
				at = linemap.Place{Source: at.Source + 1}
				continue
			}
			at.Line += int(step) * int(step)
			want = append(want, at)
			if err := w.Add(at); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		r := linemap.NewReader(&text)
		for _, place := range want {
			if got, err := r.Next(); err != nil || got != place {
				t.Fatalf("got %v, %v, want %v", got, err, place)
			}
		}
		if _, err := r.Next(); !errors.Is(err, io.EOF) {
			t.Fatalf("behind the end: %v", err)
		}
	})
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
