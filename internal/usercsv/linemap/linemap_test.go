package linemap_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"userdrop/internal/usercsv/linemap"
)

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
