package usercsv

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"userdrop/internal/contract"
)

const (
	// maxRow is the longest row that is read; a longer one is RowTooLong.
	maxRow = 1 << 20
	// maxQuoted is the longest text inside quotation marks; a mark not closed within it counts as never closed.
	maxQuoted = 64 << 10
	// maxRaw is how much of a row that cannot be split is kept for failed.csv.
	maxRaw = 16 << 10
	// firstBuffer is the scanner's buffer at first: it fits the processor's cache. It grows to hold a longer row.
	firstBuffer = 256 << 10
	lastBuffer  = 2 * maxRow
)

// scanner splits a source's text into rows. It works in one buffer of bounded size, without an allocation for a row.
type scanner struct {
	src     io.Reader
	buf     []byte // the text that was read and not yet used is buf[pos:end]
	pos     int
	end     int
	checked int // buf[:checked] is valid UTF-8
	line    int // the number of the line at pos
	eof     bool
	fault   int // where in buf the first NUL or invalid byte is, -1 if nowhere
	err     error
	// converted reports that the text is not the source's own: it was UTF-16.
	converted bool

	delim   byte       // setDelimiter sets it
	classes [256]class // of bytes, classEnd for those that end a field
	width   int        // fields in a row; extra blank ones do not count

	// The current row:
	rowLine int
	rowEnd  int           // the last line it touches
	row     []byte        // its text without line end, or the first maxRaw bytes of it if it could not be split
	cut     bool          // row is not all of the text
	full    []byte        // its text with the line end, if it could be split
	fields  []field       // at least width, unless code is set
	breaks  int           // line ends inside it
	code    contract.Code // FieldCount, BadQuoting or RowTooLong if the row could not be read
	text    []byte

	headerFields int         // of an export's header line
	mapped       *mappedRows // where a mapping makes the rows that the rules see
}

func newScanner(r io.Reader) *scanner {
	return &scanner{src: r, buf: make([]byte, firstBuffer), line: 1, fault: -1}
}

// fill reads more text behind what is there and validates it. It returns false if there is no more, or no room.
func (s *scanner) fill() bool {
	if s.eof || s.err != nil || s.fault >= 0 {
		return false
	}
	if s.pos > 0 {
		s.end = copy(s.buf, s.buf[s.pos:s.end])
		s.checked = max(s.checked-s.pos, 0)
		s.pos = 0
	} else if size := len(s.buf); s.end == size {
		if size >= lastBuffer {
			return false
		}
		s.buf = append(s.buf, make([]byte, size)...)
	}
	n, err := readFull(s.src, s.buf[s.end:])
	s.end += n
	switch {
	case errors.Is(err, io.EOF):
		s.eof = true
	case err != nil:
		s.err = err
		return false
	}
	s.validate()
	return n > 0
}

// validate looks for the first NUL or invalid byte in what was read. The head of a character whose tail is yet to be
// read waits.
func (s *scanner) validate() {
	text := s.buf[s.checked:s.end]
	if !s.eof {
		for i := 1; i <= min(utf8.UTFMax-1, len(text)); i++ {
			if tail := text[len(text)-i:]; utf8.RuneStart(tail[0]) {
				if !utf8.FullRune(tail) {
					text = text[:len(text)-i]
				}
				break
			}
		}
	}
	nul := bytes.IndexByte(text, 0)
	if nul >= 0 {
		text = text[:nul]
	}
	switch {
	case !utf8.Valid(text):
		s.fault = s.checked + validPrefix(text)
	case nul >= 0:
		s.fault = s.checked + nul
	default:
		s.checked += len(text)
		return
	}
	s.checked = s.end // nothing more will be read
}

// validPrefix is how many bytes of text are valid UTF-8.
func validPrefix(text []byte) int {
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(text)
}

// refusal is the problem of the line that holds the first NUL or invalid byte. A NUL anywhere in that line counts
// before an invalid byte.
func (s *scanner) refusal() *Refusal {
	line := s.line + countBreaks(s.buf[s.pos:s.fault])
	rest := s.buf[s.fault:s.end]
	around := bytes.Clone(rest[:min(len(rest), 64)])
	for {
		n := indexBreak(rest)
		whole := n >= 0
		if whole {
			rest = rest[:n]
		}
		if bytes.IndexByte(rest, 0) >= 0 {
			return Refuse(contract.NotCSV, withNUL(line, around))
		}
		if whole || s.eof {
			break
		}
		n, err := s.src.Read(s.buf[:firstBuffer])
		rest, s.eof = s.buf[:n], err != nil
	}
	refusal := Refuse(contract.BadEncoding, "")
	refusal.Problems[0].Lines = []int{line}
	return refusal
}

type splitting uint8

const (
	splitRow   splitting = iota // a row, to be counted
	splitBlank                  // a line without anything
	splitMore                   // the text ends too early
	splitFault                  // a quoting fault
)

// next moves to the next row. At the end of the text, or at an error, it returns false.
func (s *scanner) next() bool {
	for s.err == nil {
		if s.fault >= 0 {
			s.err = s.refusal()
			break
		}
		if s.pos == s.end {
			if s.fill() {
				continue
			}
			if s.fault >= 0 {
				continue
			}
			return false
		}
		switch s.split() {
		case splitRow:
			return true
		case splitMore:
			if s.fill() || s.eof || s.fault >= 0 || s.err != nil {
				continue
			}
			if s.tooLong() {
				return true
			}
		case splitFault:
			if s.faultyLine() {
				return true
			}
		case splitBlank:
		}
	}
	return false
}

// current is the current row of the given source. It is valid until the next one.
func (s *scanner) current(source int) Row {
	row := Row{Place: Place{Source: source, Line: s.rowLine}, LastLine: s.rowEnd, Code: s.code}
	if s.code != 0 {
		row.Raw, row.Cut = s.row, s.cut
		return row
	}
	if s.mapped != nil && s.mapped.records != nil {
		row.Raw, row.Cut = s.row, s.cut
		return row
	}
	row.Cells = make([][]byte, s.width)
	for i := range row.Cells {
		row.Cells[i] = s.cell(i)
	}
	return row
}
