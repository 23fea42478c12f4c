package usercsv

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A line map tells for each row of a part where it came from, in about one byte a row. A row is an unsigned varint, its
// line less that of the row before in the same source; a zero, which no row is, moves on to the next source.

// Place is where a row stands.
type Place struct {
	Source int // which of the drop's sources, from 0
	Line   int // its first line, from 1
}

// appendPlace adds the row at p to a line map whose last row was at last, at first the zero Place.
func appendPlace(b []byte, last, p Place) []byte {
	for last.Source < p.Source {
		last = Place{Source: last.Source + 1}
		b = append(b, 0)
	}
	return binary.AppendUvarint(b, uint64(p.Line-last.Line))
}

// LineWriter writes a line map.
type LineWriter struct {
	w    *bufio.Writer
	last Place
}

// NewLineWriter writes a line map to w.
func NewLineWriter(w io.Writer) *LineWriter { return &LineWriter{w: bufio.NewWriter(w)} }

// Add maps the part's next row. Places ascend.
func (l *LineWriter) Add(p Place) error {
	_, err := l.w.Write(appendPlace(l.w.AvailableBuffer(), l.last, p))
	l.last = p
	return err
}

// Flush writes what is left.
func (l *LineWriter) Flush() error { return l.w.Flush() }

// LineReader reads a line map.
type LineReader struct {
	r    *bufio.Reader
	last Place
}

// NewLineReader reads the line map in r.
func NewLineReader(r io.Reader) *LineReader { return &LineReader{r: bufio.NewReader(r)} }

// Next is the place of the part's next row; after the last one the error is io.EOF.
func (l *LineReader) Next() (Place, error) {
	for {
		step, err := binary.ReadUvarint(l.r)
		switch {
		case errors.Is(err, io.EOF):
			return Place{}, io.EOF
		case err != nil:
			return Place{}, fmt.Errorf("line map: %w", err)
		case step == 0:
			l.last = Place{Source: l.last.Source + 1}
		default:
			l.last.Line += int(step)
			return l.last, nil
		}
	}
}
