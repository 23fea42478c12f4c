package usercsv_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/contract"
	"userdrop/internal/usercsv"
)

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
