package blocks

import (
	"math/rand/v2"
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
	got := append(make([]Classes, len(want)), guard)
	Classify(got[:len(want)], text, delim)
	if diff := cmp.Diff(append(want, guard), got); diff != "" {
		t.Fatalf("Classify of %q, delimiter %q (-want +got):\n%s", text, delim, diff)
	}
	words := make([]Classes, len(want))
	classifyWords(words, text, delim)
	if diff := cmp.Diff(want, words); diff != "" {
		t.Fatalf("by words, of %q, delimiter %q (-want +got):\n%s", text, delim, diff)
	}
}

func BenchmarkClassify(b *testing.B) {
	text := make([]byte, 32*Size)
	for name, classify := range map[string]func([]Classes, []byte, byte){"vectors": Classify, "words": classifyWords} {
		b.Run(name, func(b *testing.B) {
			var to [32]Classes
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				classify(to[:], text, ',')
			}
		})
	}
}
