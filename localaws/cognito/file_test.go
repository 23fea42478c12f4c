package cognito

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

// What is counted on the way in must be what is read later, however the bytes arrive.
func FuzzSurvey(f *testing.F) {
	f.Add([]byte("header\nrow\n\n  \nrow\r\nrow"))
	f.Add([]byte("h\nM\u00fcller \u65e5\u672c \U0001f600\n\xf0\x9f\x98"))
	f.Add([]byte(strings.Repeat("x", 70_000) + "\n" + strings.Repeat("y", 70_000)))
	f.Fuzz(func(t *testing.T, body []byte) {
		seen, err := receive(iotest.HalfReader(bytes.NewReader(body)), int64(len(body)))
		if err != nil {
			t.Fatal(err)
		}
		if seen.utf8 != utf8.Valid(body) {
			t.Errorf("utf8 is %v", seen.utf8)
		}
		settings := Defaults()
		source, err := seen.open()
		if err != nil {
			t.Fatal(err)
		}
		r := newReader(&settings, source)
		defer r.close()
		if _, err := r.line(); err != nil && !errors.Is(err, errTooLong) {
			if !errors.Is(err, io.EOF) || seen.rows != 0 {
				t.Errorf("%d rows without a header: %v", seen.rows, err)
			}
			return
		}
		for {
			_, row, err := r.next()
			if err != nil {
				break
			}
			r.split(row)
		}
		if r.rows != seen.rows || !errors.Is(r.err, io.EOF) {
			t.Errorf("%d rows read, %d counted: %v", r.rows, seen.rows, r.err)
		}
	})
}
