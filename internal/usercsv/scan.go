package usercsv

import (
	"bytes"
	"errors"
	"io"
	"unicode"
	"unicode/utf8"
)

const (
	// maxRow is the longest row that is read; a longer one is RowTooLong.
	maxRow = 1 << 20
	// maxQuoted is the longest text inside quotation marks; a mark not closed within it counts as never closed.
	maxQuoted = 64 << 10
	// maxRaw is how much of a row that cannot be split is kept for failed.csv.
	maxRaw = 16 << 10
	// firstBuffer is the scanner's buffer at first: it stays in the processor's cache. It grows to hold a longer row.
	firstBuffer = 256 << 10
	lastBuffer  = 2 * maxRow
	// slack follows the text in the buffer: many bytes are looked at at once, and the first is a line feed that ends a
	// last line without one.
	slack = 8
)

// field is where a field stands in the buffer, its quotation marks left out.
type field struct {
	start, end int32
	form       fieldForm
}

// fieldForm says what a field needs to become its value.
type fieldForm uint8

const (
	formQuoted  fieldForm = 1 << iota // stood in quotation marks
	formDoubled                       // holds doubled quotation marks
	formEscaped                       // holds \,
	formComma                         // its value holds a comma
)

// rowForm says which characters a row may hold, so that an ordinary one is checked by a glance.
type rowForm uint8

// rowRare is a row with a control character, a backslash or a quotation mark in a value, or one that is not ASCII.
const rowRare rowForm = 1

// scanner splits a source's text into rows. It works in one buffer of bounded size, without an allocation for a row.
type scanner struct {
	src     io.Reader
	buf     []byte // the text that was read and not yet used is buf[pos:end], a line feed follows
	pos     int
	end     int
	checked int // buf[:checked] is valid UTF-8
	line    int // the number of the line at pos
	eof     bool
	fault   int // where in buf the first NUL or invalid byte stands, -1 if nowhere
	err     error
	// converted says that the text is not the source's own: it was UTF-16.
	converted bool

	delim byte
	width int // fields in a row; extra blank ones do not count

	// The current row:
	rowLine int
	rowEnd  int     // the last line it touches
	row     []byte  // its text without line end, or the first maxRaw bytes of it if it could not be split
	cut     bool    // row is not all of the text
	full    []byte  // its text with the line end, if it could be split
	fields  []field // at least width, unless code is set
	form    rowForm
	breaks  int  // line ends inside it
	quoted  bool // some field stood in quotation marks
	code    Code // FieldCount, BadQuoting or RowTooLong if the row could not be read
	text    []byte
}

func newScanner(r io.Reader) *scanner {
	return &scanner{src: r, buf: make([]byte, firstBuffer+slack), line: 1, fault: -1}
}

// fill reads more text behind what is there and validates it. It answers false if there is no more, or no room.
func (s *scanner) fill() bool {
	if s.eof || s.err != nil || s.fault >= 0 {
		return false
	}
	if s.pos > 0 {
		s.end = copy(s.buf, s.buf[s.pos:s.end])
		s.checked = max(s.checked-s.pos, 0)
		s.pos = 0
	} else if room := len(s.buf) - slack; s.end == room {
		if room >= lastBuffer {
			return false
		}
		s.buf = append(s.buf, make([]byte, room)...)
	}
	n, err := readFull(s.src, s.buf[s.end:len(s.buf)-slack])
	s.end += n
	s.buf[s.end] = '\n'
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
			return Refuse(NotCSV, withNUL(line, around))
		}
		if whole || s.eof {
			break
		}
		n, err := s.src.Read(s.buf[:firstBuffer])
		rest, s.eof = s.buf[:n], err != nil
	}
	refusal := Refuse(BadEncoding, "")
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

// next moves to the next row. At the end of the text, or at an error, it answers false.
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

// split splits the row at pos and moves behind it. The row is valid until the next fill.
func (s *scanner) split() splitting {
	buf, delim := s.buf, s.delim
	s.fields, s.form, s.breaks, s.quoted = s.fields[:0], 0, 0, false
	start, form := s.pos, fieldForm(0)
	for i := s.pos; ; i++ {
		switch c := buf[i]; {
		case c == delim:
			s.fields = append(s.fields, field{int32(start), int32(i), form})
			start, form = i+1, 0
		case c == '\n' || c == '\r':
			s.fields = append(s.fields, field{int32(start), int32(i), form})
			return s.endRow(i)
		case c == '"' && blank(buf[start:i]):
			next, outcome := s.splitQuoted(i)
			if outcome != splitRow {
				return outcome
			}
			if next < 0 {
				return s.endRow(-next)
			}
			start, i = next, next-1
		case c == '\\' && buf[i+1] == ',':
			s.form |= rowRare
			form |= formEscaped | formComma
			i++
		case c < ' ' || c >= 0x7f || c == '"' || c == '\\':
			s.form |= rowRare
		}
	}
}

// splitQuoted splits quoted fields, the first of which opens at open, until one that is not quoted begins. The answer
// is where that is, or, negative, where the line ends instead.
func (s *scanner) splitQuoted(open int) (int, splitting) {
	buf, end, delim := s.buf, s.end, s.delim
	s.quoted = true
	for {
		limit := min(end, open+1+maxQuoted+1)
		form, odd := formQuoted, false
		closing := open + 1
	field:
		for ; ; closing++ {
			if closing >= limit {
				return s.unclosed(limit)
			}
			switch c := buf[closing]; {
			case c == '"' && closing+1 < end && buf[closing+1] == '"':
				form |= formDoubled
				closing++
			case c == '"':
				break field
			case c == ',':
				form |= formComma
			case c < ' ' || c >= 0x7f || c == '\\':
				odd = true
			}
		}
		if odd {
			s.form |= rowRare
			s.breaks += countBreaks(buf[open+1 : closing])
		}
		if form&formDoubled != 0 {
			s.form |= rowRare
		}
		s.fields = append(s.fields, field{int32(open + 1), int32(closing), form})
		if s.breaks > 0 && len(s.fields) > s.width && !blank(buf[open+1:closing]) {
			return s.faulty() // too many fields, whatever follows
		}
		// White space behind the closing mark is passed over; any other text is a fault.
		next := closing + 1
		for buf[next] != delim && buf[next] != '\n' && buf[next] != '\r' {
			n := leadingSpace(buf[next:end])
			if n == 0 {
				if next > end-utf8.UTFMax && !s.eof {
					return 0, splitMore
				}
				return s.faulty()
			}
			next += n
		}
		if buf[next] != delim {
			return -next, splitRow
		}
		if buf[next+1] != '"' {
			return next + 1, splitRow
		}
		open = next + 1
	}
}

// unclosed is the outcome when no closing mark was found before limit.
func (s *scanner) unclosed(limit int) (int, splitting) {
	if limit == s.end && !s.eof {
		return 0, splitMore
	}
	return s.faulty()
}

// faulty is the outcome of a quoting fault.
func (s *scanner) faulty() (int, splitting) {
	s.rowEnd = s.line + s.breaks
	return 0, splitFault
}

// endRow takes the row whose line ends at k.
func (s *scanner) endRow(k int) splitting {
	if !s.eof && (k >= s.end || k == s.end-1 && s.buf[k] == '\r') {
		return splitMore
	}
	after := k + 1
	if s.buf[k] == '\r' && s.buf[after] == '\n' {
		after++
	}
	s.row = s.buf[s.pos:k]
	return s.accept(min(after, s.end))
}

// accept takes a row that was split: it counts the fields and moves on.
func (s *scanner) accept(after int) splitting {
	if !s.quoted && s.blankRow() {
		s.pos = after
		s.line++
		return splitBlank
	}
	if len(s.row) > maxRow {
		if s.tooLong() {
			return splitRow
		}
		return splitBlank
	}
	s.code, s.cut, s.text = 0, false, s.text[:0]
	s.rowLine, s.rowEnd = s.line, s.line+s.breaks
	if n := len(s.fields); n != s.width && (n < s.width || !s.blankFrom(s.width)) {
		if s.breaks > 0 {
			return splitFault
		}
		s.code = FieldCount
		s.keepRow()
	}
	s.full = s.buf[s.pos:after]
	s.pos = after
	s.line += s.breaks + 1
	return splitRow
}

// blankRow tells whether an unquoted row holds nothing but white space and delimiters.
func (s *scanner) blankRow() bool {
	if len(s.row) > 0 && s.row[0] != s.delim && s.row[0] > ' ' && s.row[0] < utf8.RuneSelf {
		return false
	}
	return s.blankFrom(0)
}

// blankFrom tells whether the fields from the nth on are blank.
func (s *scanner) blankFrom(n int) bool {
	for _, f := range s.fields[n:] {
		if !blank(s.buf[f.start:f.end]) {
			return false
		}
	}
	return true
}

// keepRow cuts the row's text to what failed.csv takes of it, at a whole character.
func (s *scanner) keepRow() {
	if len(s.row) <= maxRaw {
		return
	}
	n := maxRaw
	for !utf8.RuneStart(s.row[n]) {
		n--
	}
	s.row, s.cut = s.row[:n], true
}

// faultyLine takes the first line of a record with a quoting fault as a row of its own; reading goes on behind it. At
// an error it answers false.
func (s *scanner) faultyLine() bool {
	last := s.rowEnd
	return s.badLine(BadQuoting, 0, last)
}

// tooLong takes a row that is too long to be read, up to the end of the line where that showed. It answers false if
// the line turns out blank, or at an error.
func (s *scanner) tooLong() bool { return s.badLine(RowTooLong, maxRow, 0) }

func (s *scanner) badLine(code Code, skip, last int) bool {
	s.code = code
	s.rowLine = s.line
	s.rowEnd = max(last, s.line)
	var text []byte
	for {
		text = s.buf[s.pos:min(s.pos+maxRaw+utf8.UTFMax, s.end)]
		if n := indexBreak(text); n >= 0 {
			text = text[:n]
			break
		}
		if len(text) > maxRaw || !s.fill() {
			break
		}
	}
	s.row = append(s.text[:0], text...)
	s.text = s.row
	s.cut = false
	s.keepRow()
	for !utf8.RuneStart(s.buf[s.pos+skip]) {
		skip--
	}
	empty := blankText(s.buf[s.pos:s.pos+skip], s.delim)
	s.line += countBreaks(s.buf[s.pos : s.pos+skip])
	s.pos += skip
	if skip > 0 && s.buf[s.pos-1] == '\r' && s.buf[s.pos] == '\n' {
		s.pos++
	}
	return !s.skipLine(empty) && s.err == nil && s.fault < 0
}

// skipLine moves behind the end of the line, however far it is, and tells whether all of it was blank.
func (s *scanner) skipLine(empty bool) bool {
	for {
		text := s.buf[s.pos:s.checked]
		n := indexBreak(text)
		if n >= 0 && (n+1 < len(text) || s.eof) {
			empty = empty && blankText(text[:n], s.delim)
			s.pos += n + 1
			if text[n] == '\r' && s.pos < s.end && s.buf[s.pos] == '\n' {
				s.pos++
			}
			s.line++
			return empty
		}
		if n < 0 {
			n = len(text)
		}
		empty = empty && blankText(text[:n], s.delim)
		s.pos += n
		switch {
		case s.fill(), s.eof && s.pos < s.end:
		case s.fault >= 0 || s.err != nil:
			return false
		default:
			s.line++
			return empty
		}
	}
}

// plain tells whether the row is printable ASCII, so that its values need not be looked at one by one.
func (s *scanner) plain() bool { return s.form&rowRare == 0 }

// value is the value of a field without white space around it, and whether it holds a comma.
func (s *scanner) value(n int) (value []byte, comma bool) {
	f := s.fields[n]
	value = s.buf[f.start:f.end]
	if f.form&^formQuoted != 0 || s.delim != ',' {
		value = s.cell(n)
		comma = bytes.IndexByte(value, ',') >= 0
	}
	if size := len(value); size == 0 || value[0]-'!' < utf8.RuneSelf-'!' && value[size-1]-'!' < utf8.RuneSelf-'!' {
		return value, comma
	}
	return bytes.TrimFunc(value, unicode.IsSpace), comma
}

// cell is the value of a field as read: without quotation marks, \, decoded, not trimmed.
func (s *scanner) cell(n int) []byte {
	f := s.fields[n]
	raw := s.buf[f.start:f.end]
	if f.form&(formDoubled|formEscaped) == 0 {
		return raw
	}
	from := len(s.text)
	drop := byte('\\')
	if f.form&formDoubled != 0 {
		drop = '"'
	}
	for i := 0; i < len(raw); i++ {
		if raw[i] == drop && i+1 < len(raw) && (drop == '"' || raw[i+1] == ',') {
			i++
		}
		s.text = append(s.text, raw[i])
	}
	return s.text[from:]
}

// current is the current row of the given source. It is valid until the next one.
func (s *scanner) current(source int) Row {
	row := Row{Place: Place{Source: source, Line: s.rowLine}, LastLine: s.rowEnd, Code: s.code}
	if s.code != 0 {
		row.Raw, row.Cut = s.row, s.cut
		return row
	}
	row.Cells = make([][]byte, s.width)
	for i := range row.Cells {
		row.Cells[i] = s.cell(i)
	}
	return row
}

// indexBreak finds the first CR or LF.
func indexBreak(text []byte) int { return bytes.IndexAny(text, "\r\n") }

// countBreaks counts line ends: LF, CRLF, and CR alone.
func countBreaks(text []byte) int {
	n := bytes.Count(text, []byte{'\n'})
	for {
		cr := bytes.IndexByte(text, '\r')
		if cr < 0 {
			return n
		}
		text = text[cr+1:]
		if len(text) == 0 || text[0] != '\n' {
			n++
		}
	}
}

// blank tells whether text is nothing but white space.
func blank(text []byte) bool {
	for len(text) > 0 {
		n := leadingSpace(text)
		if n == 0 {
			return false
		}
		text = text[n:]
	}
	return true
}

// blankText tells whether text is nothing but white space and delimiters.
func blankText(text []byte, delim byte) bool {
	for len(text) > 0 {
		n := leadingSpace(text)
		if text[0] == delim {
			n = 1
		}
		if n == 0 {
			return false
		}
		text = text[n:]
	}
	return true
}

// leadingSpace is the length of the white space character that text begins with, or 0. White space is Unicode's
// White_Space property, which is what [unicode.IsSpace] knows.
func leadingSpace(text []byte) int {
	if len(text) == 0 {
		return 0
	}
	c := text[0]
	if c < utf8.RuneSelf {
		if c == ' ' || c >= '\t' && c <= '\r' {
			return 1
		}
		return 0
	}
	if r, n := utf8.DecodeRune(text); unicode.IsSpace(r) {
		return n
	}
	return 0
}
