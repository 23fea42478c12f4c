package blocks

import (
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
	}
	guard := Classes{Delims: 1, Quotes: 2, Spaces: 3, Others: 4, High: 5}
	want = append(want, guard)
	for way, classify := range ways {
		got := append(make([]Classes, len(want)-1), guard)
		classify(got[:len(want)-1], text, delim)
		if !slices.Equal(want, got) {
			t.Fatalf("%s, %q, delimiter %q (-want +got):\n%s", way, text, delim, cmp.Diff(want, got))
		}
	}
}

func BenchmarkClassify(b *testing.B) {
	text := make([]byte, 32*Size)
	for way, classify := range ways {
		b.Run(way, func(b *testing.B) {
			var to [32]Classes
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				classify(to[:], text, ',')
			}
		})
	}
}
