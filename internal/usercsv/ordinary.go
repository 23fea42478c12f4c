package usercsv

import "bytes"

// This file checks and writes ordinary rows (blocks.go) that nothing is wrong with. It never rejects one: a row that it
// does not take goes the way of all others, so that rules and problems are told in one place, check.go.

// ordinary is what a checker knows beforehand about the columns of ordinary rows, so that it visits only those of which
// a cell of printable ASCII can be wrong or be written otherwise than it stands.
type ordinary struct {
	checked  []*column // they play no role
	required []*column // they play one
	runs     []run
}

// run is columns that follow each other in the source as they do in a line.
type run struct {
	commas      int  // before it
	first, last int  // in the source; first is -1 if it is one column, which the source has not
	filled      role // of that one
	changing    []*column
}

func newOrdinary(written []column) ordinary {
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
	return o
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
	for _, r := range c.filled {
		c.cells[r] = cell{}
	}
	for _, col := range c.mapped {
		this := &c.cells[col.role]
		value := s.ordinaryValue(col.source)
		if len(value) > 0 {
			value = c.readOrdinary(col, value)
		}
		this.value, this.unread, this.comma = value, false, s.commas[col.source]
	}
	for _, col := range c.ordinary.checked {
		value := s.ordinaryValue(col.source)
		if len(value) > 0 {
			value = c.readOrdinary(col, value)
		} else if col.required {
			return false
		}
		col.value = value
	}
	c.deriveUsername()
	c.checkVerified()
	if c.codes != 0 {
		return false
	}
	for _, col := range c.ordinary.required {
		if len(c.cells[col.role].value) == 0 {
			return false
		}
	}
	var n int
	line := c.room(s)
	if s.quoted || s.delim != ',' {
		n = c.encodeFields(line, s)
	} else {
		n = c.encodeRuns(line, s)
	}
	n += copy(line[n:], c.behind)
	line[n] = '\n'
	c.line = line[:n+1]
	return n <= maxLine
}

// readOrdinary is read for printable ASCII.
func (c *checker) readOrdinary(col *column, value []byte) []byte {
	value, code := c.normalise(col, value, true)
	if code != 0 || len(value) < col.minimum || len(value) > col.maximum {
		c.codes |= 1 << TooLong // whatever it is: the row is not taken
	}
	return value
}

// encodeRuns writes a row without quotation marks. Most of it is copied as it stands, many columns at once.
func (c *checker) encodeRuns(line []byte, s *scanner) int {
	n := 0
	for i := range c.ordinary.runs {
		run := &c.ordinary.runs[i]
		n = putCommas(line, n, run.commas)
		if run.first < 0 {
			n = put(line, n, c.cells[run.filled].value)
			continue
		}
		from := s.ends[run.first] + 1
		for _, col := range run.changing {
			value, start, end := c.valueOf(col), s.ends[col.source]+1, s.ends[col.source+1]
			if len(value) == int(end-start) && (len(value) == 0 || &value[0] == &s.buf[start]) {
				continue
			}
			n = s.putText(line, n, from, start)
			n = put(line, n, value)
			from = end
		}
		n = s.putText(line, n, from, s.ends[run.last+1])
	}
	return n
}

// encodeFields writes any ordinary row, field by field.
func (c *checker) encodeFields(line []byte, s *scanner) int {
	n := 0
	for i := range c.written {
		col := &c.written[i]
		n = putCommas(line, n, col.commas)
		if col.role == roleNone && col.kind == kindText && !s.commas[col.source] {
			start, end := s.bounds(col.source)
			n = s.putText(line, n, start, end)
			continue
		}
		var value []byte
		var comma bool
		switch {
		case col.role != roleNone:
			value, comma = c.cells[col.role].value, c.cells[col.role].comma
		case col.kind == kindText:
			value, comma = s.ordinaryValue(col.source), true
		default:
			value = col.value
		}
		if comma {
			n = len(appendCognito(line[:n], value))
		} else {
			n = put(line, n, value)
		}
	}
	return n
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
		*(*[32]byte)(to) = [32]byte(from)
		if start += 32; start >= end {
			return n + 32 - int(start-end)
		}
		n += 32
	}
}

// put writes a value behind line[:n]. There is room for 16 bytes more.
func put(line []byte, n int, value []byte) int {
	if len(value) <= 16 && cap(value) >= 16 {
		*(*[16]byte)(line[n:]) = [16]byte(value[:16])
		return n + len(value)
	}
	return n + copy(line[n:], value)
}
