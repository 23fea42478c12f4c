package usercsv

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"userdrop/internal/contract"
)

// field says where a field is in the buffer, its quotation marks left out, and what its bytes ask of the rules.
type field struct {
	start, end int32
	form       fieldForm
	found      class
}

// fieldForm says what a field needs to become its value.
type fieldForm uint8

const (
	formQuoted  fieldForm = 1 << iota // was in quotation marks
	formDoubled                       // holds doubled quotation marks
)

// setDelimiter sets what is between two fields.
func (s *scanner) setDelimiter(delim byte) {
	s.delim, s.classes = delim, classes
	for _, b := range []byte{delim, '\r', '\n'} {
		s.classes[b] |= classEnd
	}
}

// split splits the row at pos and moves behind it. The row is valid until the next fill.
func (s *scanner) split() splitting {
	s.fields, s.breaks = s.fields[:0], 0
	text, table, delim := s.buf[:s.end], &s.classes, s.delim
	for start := s.pos; ; {
		found, stop, open := class(0), start, -1
		if start < len(text) && text[start] == '"' {
			open = start
		} else {
			for ; stop+4 <= len(text); stop += 4 { // four bytes at a time, and the last of a field one by one
				four := text[stop : stop+4 : stop+4]
				these := table[four[0]] | table[four[1]] | table[four[2]] | table[four[3]]
				if these >= classEnd {
					break
				}
				found |= these
			}
			for ; stop < len(text); stop++ {
				if this := table[text[stop]]; this < classEnd {
					found |= this
				} else if found&classMark == 0 || !s.escaped(start, stop) {
					break
				} else {
					found |= classComma
				}
			}
			if found&classMark != 0 { // white space may come before the mark
				open = openingQuote(text[:stop], start)
			}
		}
		if open < 0 {
			s.fields = append(s.fields, field{start: int32(start), end: int32(stop), found: found})
		} else {
			var outcome splitting
			if stop, outcome = s.splitQuoted(open); outcome != splitRow {
				return outcome
			}
		}
		if stop == len(text) || text[stop] != delim {
			return s.endRow(stop)
		}
		start = stop + 1
	}
}

// escaped reports whether the comma at stop is one in the value of a field that began at start: a backslash is before
// it.
func (s *scanner) escaped(start, stop int) bool {
	return s.buf[stop] == ',' && stop > start && s.buf[stop-1] == '\\'
}

// openingQuote returns where the field at start opens with a quotation mark, which may follow white space, or -1.
func openingQuote(text []byte, start int) int {
	for start < len(text) {
		if text[start] == '"' {
			return start
		}
		n := leadingSpace(text[start:])
		if n == 0 {
			break
		}
		start += n
	}
	return -1
}

// splitQuoted splits the field that opens with a quotation mark at open. It returns where the delimiter or line end
// behind the field is.
func (s *scanner) splitQuoted(open int) (int, splitting) {
	text, table := s.buf[:s.end], &classes
	limit := min(s.end, open+1+maxQuoted+1)
	form, found, closing := formQuoted, class(0), open+1
	for {
		for ; closing+4 <= limit; closing += 4 {
			four := text[closing : closing+4 : closing+4]
			these := table[four[0]] | table[four[1]] | table[four[2]] | table[four[3]]
			if these&classMark != 0 {
				break
			}
			found |= these
		}
		for closing < limit && text[closing] != '"' {
			found |= table[text[closing]]
			closing++
		}
		if closing >= limit {
			if limit == s.end && !s.eof {
				return 0, splitMore
			}
			return s.faulty()
		}
		if closing+1 == s.end || text[closing+1] != '"' {
			break
		}
		form |= formDoubled
		found |= classMark
		closing += 2
	}
	f := field{start: int32(open + 1), end: int32(closing), form: form, found: found}
	s.fields = append(s.fields, f)
	if f.found&classControl != 0 {
		s.breaks += countBreaks(text[open+1 : closing])
	}
	if s.breaks > 0 && len(s.fields) > s.width && !blank(text[open+1:closing]) {
		return s.faulty() // too many fields, whatever follows
	}
	// White space behind the closing mark is passed over; any other text is a fault.
	next := closing + 1
	for next < s.end && s.classes[text[next]] < classEnd {
		n := leadingSpace(text[next:])
		if n == 0 {
			if next > s.end-utf8.UTFMax && !s.eof {
				return 0, splitMore
			}
			return s.faulty()
		}
		next += n
	}
	return next, splitRow
}

// faulty is the outcome of a quoting fault.
func (s *scanner) faulty() (int, splitting) {
	s.rowEnd = s.line + s.breaks
	return 0, splitFault
}

// endRow takes the row whose line ends at k.
func (s *scanner) endRow(k int) splitting {
	if !s.eof && (k == s.end || k == s.end-1 && s.buf[k] == '\r') {
		return splitMore
	}
	after := min(k+1, s.end)
	if after < s.end && s.buf[k] == '\r' && s.buf[after] == '\n' {
		after++
	}
	s.row = s.buf[s.pos:k]
	if len(s.row) == 1 && s.row[0] == endOfFile && after == s.end {
		if !s.eof {
			return splitMore
		}
		s.pos = after
		s.line++
		return splitBlank
	}
	return s.accept(after)
}

// accept takes a row that was split: it counts the fields and moves on.
func (s *scanner) accept(after int) splitting {
	if s.blankRow() {
		s.pos = after
		s.line += s.breaks + 1
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
		s.code = contract.FieldCount
		s.keepRow()
	}
	s.full = s.buf[s.pos:after]
	s.pos = after
	s.line += s.breaks + 1
	return splitRow
}

// blankRow reports whether a row holds nothing but white space, delimiters and empty quotation marks.
func (s *scanner) blankRow() bool {
	if len(s.row) > 0 && s.row[0] != s.delim && s.row[0] > ' ' && s.row[0] < utf8.RuneSelf && s.row[0] != '"' {
		return false
	}
	return s.blankFrom(0)
}

// blankFrom reports whether the fields from the nth on are blank.
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
// an error it returns false.
func (s *scanner) faultyLine() bool {
	last := s.rowEnd
	return s.badLine(contract.BadQuoting, 0, last)
}

// tooLong takes a row that is too long to be read, up to the end of the line where that showed. It returns false if
// the line turns out blank, or at an error.
func (s *scanner) tooLong() bool { return s.badLine(contract.RowTooLong, maxRow, 0) }

func (s *scanner) badLine(code contract.Code, skip, last int) bool {
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

// skipLine moves behind the end of the line, however far it is, and reports whether all of it was blank.
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

// cell is the value of a field as read: without quotation marks, \, decoded, not trimmed.
func (s *scanner) cell(n int) []byte {
	f := s.fields[n]
	raw := s.buf[f.start:f.end]
	escape, escaped := byte('\\'), byte(',')
	switch {
	case f.form&formDoubled != 0:
		escape, escaped = '"', '"'
	case f.form&formQuoted != 0, f.found&classMark == 0:
		return raw
	}
	from := len(s.text)
	for i := 0; i < len(raw); i++ {
		if raw[i] == escape && i+1 < len(raw) && raw[i+1] == escaped {
			i++
		}
		s.text = append(s.text, raw[i])
	}
	return s.text[from:]
}

// fieldAdvice says what to do about rows with the wrong number of fields.
type fieldAdvice uint8

const (
	tooFewFields fieldAdvice = iota
	tooManyFields
	otherDelimiter
	fieldAdvices
)

var fieldAdviceTexts = [fieldAdvices]string{
	tooFewFields:   "Give rows with too few fields the missing ones; a blank field keeps its delimiter.",
	tooManyFields:  "In rows with too many fields, put values that hold the delimiter in quotation marks.",
	otherDelimiter: "Some rows have another delimiter than the header. Use one delimiter in the whole file.",
}

// fieldAdvice returns what to do about the row, which has the wrong number of fields.
func (s *scanner) fieldAdvice() fieldAdvice {
	if len(s.fields) > s.width {
		return tooManyFields
	}
	for _, d := range delimiters {
		if d != s.delim && bytes.Count(s.row, []byte{d}) == s.width-1 && s.width > 1 {
			return otherDelimiter
		}
	}
	return tooFewFields
}

// detail says how the fields of a row that could not be split differ from the header's.
func (s *scanner) detail() string {
	if s.code != contract.FieldCount {
		return ""
	}
	return fmt.Sprintf("This row has %d, the header %d.", len(s.fields), s.width) + " " + fieldAdviceTexts[s.fieldAdvice()]
}
