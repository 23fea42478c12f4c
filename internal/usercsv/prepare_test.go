package usercsv_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/contract"
	"userdrop/internal/usercsv"
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
