package blocks

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Every byte is told for what it is, at every place of a block, by whatever this processor has and by words.
func TestClassify(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var text [3 * Size]byte
	for _, delim := range []byte(",;\t|") {
		for c := range 256 {
			for range 8 {
				for i := range text {
					text[i] = byte(rng.IntN(256))
					if rng.IntN(3) == 0 {
						text[i] = byte(c)
					}
				}
				compare(t, text[:], delim)
			}
		}
	}
}

func FuzzClassify(f *testing.F) {
	f.Add([]byte("Ann,\"Smith, \\, \x7f \x80é\"\r\n"), byte(','))
	f.Fuzz(func(t *testing.T, text []byte, delim byte) {
		compare(t, append(text, make([]byte, Size-len(text)%Size)...), delim&0x7f)
	})
}

func compare(t *testing.T, text []byte, delim byte) {
	t.Helper()
	want := make([]Classes, len(text)/Size)
	for i, c := range text {
		to, bit := &want[i/Size], uint64(1)<<(i%Size)
		set := func(class *uint64, is bool) {
			if is {
				*class |= bit
			}
		}
		set(&to.Delims, c == delim)
		set(&to.Quotes, c == '"')
		set(&to.Spaces, c == ' ')
		set(&to.Others, c < ' ' || c >= 0x7f || c == '\\')
		set(&to.High, c >= 0x80)
		set(&to.Lines, c == '\n')
	}
	guard := Classes{Delims: 1, Quotes: 2, Spaces: 3, Others: 4, High: 5, Lines: 6}
	want = append(want, guard)
	eachWay(func(way string) {
		got := append(make([]Classes, len(want)-1), guard)
		Classify(got[:len(want)-1], text, delim)
		if !slices.Equal(want, got) {
			t.Fatalf("%s, %q, delimiter %q (-want +got):\n%s", way, text, delim, cmp.Diff(want, got))
		}
	})
}

// Text of every length and every place of quotation marks is rewritten, and nothing beyond the room for it is touched.
func TestRewrite(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for size := range 3 * Size {
		for _, delim := range []byte(",;\t|") {
			for marks := range 4 {
				text := make([]byte, size)
				for i := range text {
					text[i] = byte(rng.IntN(256))
					if rng.IntN(4) < marks {
						text[i] = []byte{'"', delim, ','}[rng.IntN(3)]
					}
				}
				compareRewritten(t, text, delim)
			}
		}
	}
}

func FuzzRewrite(f *testing.F) {
	f.Add([]byte(`"Ann","Smith","",x`), byte(','))
	f.Add([]byte(`"Ann";"Smith, John";"";x`), byte(';'))
	f.Fuzz(func(t *testing.T, text []byte, delim byte) {
		if delim == '"' {
			delim = ','
		}
		compareRewritten(t, text, delim)
	})
}

func compareRewritten(t *testing.T, text []byte, delim byte) {
	t.Helper()
	var want []byte
	for _, c := range text {
		switch c {
		case '"':
		case delim:
			want = append(want, ',')
		default:
			want = append(want, c)
		}
	}
	text = append(slices.Clip(text), bytes.Repeat([]byte{'"', delim}, Slack/2)...)[:len(text)]
	eachWay(func(way string) {
		const guard = 0xA5
		to := bytes.Repeat([]byte{guard}, len(text)+2*Slack)
		n := Rewrite(to[:len(text)+Slack], text, delim)
		if !bytes.Equal(want, to[:n]) {
			t.Fatalf("%s, %q, delimiter %q: %q", way, text, delim, to[:n])
		}
		if bytes.Count(to[len(text)+Slack:], []byte{guard}) < Slack {
			t.Fatalf("%s, %q, delimiter %q: more was touched", way, text, delim)
		}
	})
}

// The numbers of all sets of one and of two bits are told, and those of sets of each size.
func TestPositions(t *testing.T) {
	sets := []uint64{0, ^uint64(0)}
	for i := range Size {
		sets = append(sets, 1<<i-1, -(1 << i), 1<<i|0x8421084210842108)
		for j := range Size {
			sets = append(sets, 1<<i|1<<j)
		}
	}
	const base = 1000
	for _, set := range sets {
		var want []int32
		for i := range int32(Size) {
			if set>>i&1 != 0 {
				want = append(want, base+i)
			}
		}
		eachWay(func(way string) {
			var to [Size]int32
			Positions(&to, base, set)
			if got := to[:len(want)]; !slices.Equal(want, got) {
				t.Fatalf("%s, %b (-want +got):\n%s", way, set, cmp.Diff(want, got))
			}
		})
	}
}

// What is called ASCII is that and holds no NUL, at whatever place another byte stands.
func TestASCII(t *testing.T) {
	text := bytes.Repeat([]byte("\x01 a\x7f"), Size)
	for _, other := range []byte{0, 0x80, 0xff} {
		for i := range text {
			bad := slices.Clone(text)
			bad[i] = other
			eachWay(func(way string) {
				if n := ASCII(bad); n > i {
					t.Fatalf("%s: %x at %d, and %d bytes are called ASCII", way, other, i, n)
				}
			})
		}
	}
	if n := ASCII(text); n != 0 && n != len(text) {
		t.Errorf("only %d bytes of %d are called ASCII", n, len(text))
	}
}

func BenchmarkClassify(b *testing.B) {
	text := make([]byte, 32*Size)
	eachWay(func(way string) {
		b.Run(way, func(b *testing.B) {
			var to [32]Classes
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				Classify(to[:], text, ',')
			}
		})
	})
}
