package usercsv

import (
	"bytes"
	"unicode/utf8"
)

// This file checks and writes ordinary rows (ordinary_split.go) that nothing is wrong with. It never rejects one: a row
// that it does not take goes the way of all others, so that rules and problems are told in one place, check.go.

// ordinary is what a checker knows beforehand about the columns of ordinary rows, so that it visits only those of which
// a cell of printable ASCII can be wrong or be written otherwise than it stands.
type ordinary struct {
	checked  []*column // they play no role
	required []*column // they play one
	runs     []run
	verbatim bool // the runs are one, of all that the source and the pool have
}

// run is columns that follow each other in the source as they do in a line.
type run struct {
	commas      int  // before it
	first, last int  // in the source; first is -1 if it is one column, which the source has not
	filled      role // of that one
	changing    []*column
}

// newOrdinary compiles the columns that may have a value, for a source of so many columns and lines of so many.
func newOrdinary(written []column, width, columns int) ordinary {
	var o ordinary
	for i := range written {
		col := &written[i]
		bounded := col.required || col.minimum > 1 || col.maximum < maxOrdinary
		switch {
		case col.role != roleNone:
			if col.required {
				o.required = append(o.required, col)
			}
		case col.kind != kindText || bounded:
			o.checked = append(o.checked, col)
		}
		if n := len(o.runs); n > 0 && o.runs[n-1].goesOnWith(col) {
			o.runs[n-1].last = col.source
		} else {
			o.runs = append(o.runs, run{commas: col.commas, first: col.source, last: col.source, filled: col.role})
		}
		switch last := &o.runs[len(o.runs)-1]; col.kind {
		case kindText, kindEmail, kindHash, kindDateTime: // as they stand, or wrong
		default:
			last.changing = append(last.changing, col)
		}
	}
	whole := o.runs[0]
	o.verbatim = len(o.runs) == 1 && whole.first == 0 && whole.last == width-1 && width == columns
	return o
}

// standing are texts of printable ASCII that are right and written as they stand, by kinds of columns. Each is a call
// of its own without a look at anything else, which makes the cells of a row twice as fast to read.
var standing = [...]struct {
	shortest, longest int
	is                func(text []byte) bool
}{
	kindUsername: {1, maxUsername, func(text []byte) bool {
		return len(text) <= maxUsername && bytes.IndexByte(text, ' ') < 0
	}},
	kindEmail:     {8, maxOrdinary, func(text []byte) bool { return len(text) >= 8 && validPlainEmail(text) }},
	kindPhone:     {3, 16, isE164},
	kindBoolean:   {4, 5, func(text []byte) bool { return string(text) == "true" || string(text) == "false" }},
	kindBirthdate: {10, 10, isBirthdate},
	kindUpdatedAt: {1, 10, func(text []byte) bool { return len(text) <= 10 && isDigits(text) }},
	kindHash:      {},
}

// standsOf is a column's stands, in this pool.
func (c *checker) standsOf(col *column) func(text []byte) bool {
	by := standing[col.kind]
	aliased := col.kind == kindUsername && (c.aliasEmail || c.aliasPhone)
	bounded := by.shortest < col.minimum || by.longest > col.maximum
	if aliased || bounded || col.low != nil && col.low.Sign() > 0 || col.high != nil {
		return nil
	}
	return by.is
}

// verbatim tells whether the row's line is, byte for byte, what was read.
func (c *checker) verbatim(s *scanner) bool {
	if s.ordinary && c.ordinary.verbatim && !c.changed && !s.quoted && s.delim == ',' {
		return len(s.full) == len(s.row)+len("\n") // that much can be told without a look
	}
	return bytes.Equal(s.full, c.line)
}

// goesOnWith tells whether the column stands behind the run's last one in the source as well as in a line.
func (r *run) goesOnWith(col *column) bool {
	return r.first >= 0 && col.commas == 1 && col.source == r.last+1
}

// checkOrdinary does what check does for an ordinary row, if nothing is wrong with it. Otherwise it answers false, and
// nothing is said about the row.
func (c *checker) checkOrdinary(s *scanner) bool {
	if s.delim != ',' && bytes.IndexByte(s.row, ',') >= 0 {
		return false
	}
	c.changed = false
	for _, r := range c.filled {
		c.cells[r] = cell{}
	}
	for _, col := range c.mapped {
		this := &c.cells[col.role]
		value := s.ordinaryValue(col.source)
		if len(value) > 0 && (col.stands == nil || !s.ascii || !col.stands(value)) {
			value = c.readOrdinary(col, value, s.ascii)
		}
		this.value, this.unread, this.comma = value, false, s.commas[col.source]
	}
	c.deriveUsername()
	c.hashUsername()
	for _, col := range c.ordinary.checked {
		value := s.ordinaryValue(col.source)
		switch {
		case len(value) == 0:
			if col.required {
				return false
			}
		case col.stands == nil || !s.ascii || !col.stands(value):
			value = c.readOrdinary(col, value, s.ascii)
		}
		col.value = value
	}
	c.checkVerified()
	if c.codes != 0 {
		return false
	}
	for _, col := range c.ordinary.required {
		if len(c.cells[col.role].value) == 0 {
			return false
		}
	}
	line := c.room(s)
	n := 0
	for i := range c.ordinary.runs {
		run := &c.ordinary.runs[i]
		n = putCommas(line, n, run.commas)
		switch {
		case run.first < 0:
			n = putCell(line, n, c.cells[run.filled].value, c.cells[run.filled].comma)
		case s.quoted || s.delim != ',':
			n = c.encodeFields(line, n, run, s)
		default:
			n = c.encodeText(line, n, run, s)
		}
	}
	n += copy(line[n:], c.behind)
	line[n] = '\n'
	c.line = line[:n+1]
	return n <= maxLine
}

// readOrdinary is read for ordinary rows.
func (c *checker) readOrdinary(col *column, text []byte, ascii bool) []byte {
	value, code := c.normalise(col, text, ascii)
	if code != 0 {
		c.codes |= 1 << code // whatever it is: the row is not taken
		return nil
	}
	n := len(value)
	if !ascii {
		n = utf8.RuneCount(value)
	}
	if n < col.minimum || n > col.maximum {
		c.codes |= 1 << TooLong
	}
	if len(value) != len(text) || &value[0] != &text[0] {
		c.changed = true
	}
	return value
}

// encodeText writes a run of a row without quotation marks. Most of it is copied as it stands, many columns at once.
func (c *checker) encodeText(line []byte, n int, run *run, s *scanner) int {
	from := s.ends[run.first] + 1
	if c.changed {
		for _, col := range run.changing {
			value, start, end := c.valueOf(col), s.ends[col.source]+1, s.ends[col.source+1]
			if len(value) == int(end-start) && (len(value) == 0 || &value[0] == &s.buf[start]) {
				continue
			}
			n = s.putText(line, n, from, start)
			n = put(line, n, value)
			from = end
		}
	}
	return s.putText(line, n, from, s.ends[run.last+1])
}

// encodeFields writes a run of any row, field by field.
func (c *checker) encodeFields(line []byte, n int, run *run, s *scanner) int {
	changing := run.changing
	if !c.changed {
		changing = nil
	}
	buf, ends := s.buf, s.ends[run.first:run.last+2]
	for i, end := range ends[1:] {
		start := ends[i] + 1
		if buf[start] == '"' {
			start++
			end--
		}
		switch size := end - start; {
		case len(changing) > 0 && changing[0].source == run.first+i:
			col := changing[0]
			changing = changing[1:]
			n = putCell(line, n, c.valueOf(col), col.role != roleNone && c.cells[col.role].comma)
		case s.anyComma && s.commas[run.first+i]:
			n = putCell(line, n, buf[start:end], true)
		case size <= 16:
			*(*[16]byte)(line[n:]) = [16]byte(buf[start:])
			n += int(size)
		default:
			n = s.putText(line, n, start, end)
		}
		line[n] = ','
		n++
	}
	return n - 1
}

func (c *checker) valueOf(col *column) []byte {
	if col.role != roleNone {
		return c.cells[col.role].value
	}
	return col.value
}

// putCommas writes so many commas behind line[:n].
func putCommas(line []byte, n, commas int) int {
	if commas == 1 {
		line[n] = ','
		return n + 1
	}
	if commas <= len(sixteenCommas) {
		*(*[16]byte)(line[n:]) = sixteenCommas
		return n + commas
	}
	return n + copy(line[n:], bytes.Repeat([]byte{','}, commas))
}

// putText writes what stands in the buffer from start to end, 32 bytes at a time without a call; as many more may be
// touched behind it.
func (s *scanner) putText(line []byte, n int, start, end int32) int {
	for from, to := s.buf[start:], line[n:]; ; from, to = from[32:], to[32:] {
		*(*[16]byte)(to) = [16]byte(from)
		*(*[16]byte)(to[16:]) = [16]byte(from[16:])
		if start += 32; start >= end {
			return n + 32 - int(start-end)
		}
		n += 32
	}
}

// putCell writes a value, which may hold commas.
func putCell(line []byte, n int, value []byte, comma bool) int {
	if comma {
		return len(appendCognito(line[:n], value))
	}
	return put(line, n, value)
}

// put writes a value behind line[:n]. There is room for 16 bytes more.
func put(line []byte, n int, value []byte) int {
	if len(value) <= 16 && cap(value) >= 16 {
		*(*[16]byte)(line[n:]) = [16]byte(value[:16])
		return n + len(value)
	}
	return n + copy(line[n:], value)
}
