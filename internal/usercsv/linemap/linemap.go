// Package linemap maps the rows of a part to the lines of the sources that they came from, in about one byte a row. A row
// is an unsigned varint, its line less that of the row before in the same source; a zero, which no row is, moves on to
// the next source.
package linemap

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Place is where a row is.
type Place struct {
	Source int // which of the drop's sources, from 0
	Line   int // its first line, from 1
}

// Append adds the row at p to a line map whose last row was at last, at first the zero Place.
func Append(b []byte, last, p Place) []byte {
	for last.Source < p.Source {
		last = Place{Source: last.Source + 1}
		b = append(b, 0)
	}
	return binary.AppendUvarint(b, uint64(p.Line-last.Line))
}

// Writer writes a line map.
type Writer struct {
	w    *bufio.Writer
	last Place
}

// NewWriter writes a line map to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: bufio.NewWriter(w)} }

// Add maps the part's next row. Places ascend.
func (l *Writer) Add(p Place) error {
	_, err := l.w.Write(Append(l.w.AvailableBuffer(), l.last, p))
	l.last = p
	return err
}

// Flush writes what is left.
func (l *Writer) Flush() error { return l.w.Flush() }

// Reader reads a line map.
type Reader struct {
	r    *bufio.Reader
	last Place
}

// NewReader reads the line map in r.
func NewReader(r io.Reader) *Reader { return &Reader{r: bufio.NewReader(r)} }

// Next is the place of the part's next row; after the last one the error is io.EOF.
func (l *Reader) Next() (Place, error) {
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
