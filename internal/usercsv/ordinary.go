package usercsv

import "bytes"

// ordinary is what a checker knows beforehand about the columns of ordinary rows, so that it visits only those of which
// a cell of printable ASCII can be wrong or be written otherwise than it stands.
type ordinary struct {
	checked  []*column // they play no role
	required []*column // they play one
	runs     []run
}

// run is columns that follow each other in the source as they do in a line.
type run struct {
	commas      int // before it
	first, last int // in the source; first is -1 if it is one column that the source has not
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
		if n := len(o.runs) - 1; n >= 0 && col.source >= 0 && col.commas == 1 && col.source == o.runs[n].last+1 && o.runs[n].first >= 0 {
			o.runs[n].last = col.source
		} else {
			o.runs = append(o.runs, run{commas: col.commas, first: col.source, last: col.source})
		}
		switch col.kind {
		case kindText, kindEmail, kindHash, kindDateTime:
			if col.source >= 0 {
				continue
			}
		}
		last := &o.runs[len(o.runs)-1]
		last.changing = append(last.changing, col)
	}
	return o
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
			n = put(line, n, c.valueOf(run.changing[0]))
			continue
		}
		from := s.ends[run.first] + 1
		for _, col := range run.changing {
			value, start, end := c.valueOf(col), s.ends[col.source]+1, s.ends[col.source+1]
			if len(value) == int(end-start) && (len(value) == 0 || &value[0] == &s.buf[start]) {
				continue
			}
			n += copy(line[n:], s.buf[from:start])
			n = put(line, n, value)
			from = end
		}
		n += copy(line[n:], s.buf[from:s.ends[run.last+1]])
	}
	return n
}

// encodeFields writes any ordinary row, field by field.
func (c *checker) encodeFields(line []byte, s *scanner) int {
	n := 0
	for i := range c.written {
		col := &c.written[i]
		n = putCommas(line, n, col.commas)
		var value []byte
		var comma bool
		switch {
		case col.role != roleNone:
			this := &c.cells[col.role]
			value, comma = this.value, this.comma
		case col.kind != kindText:
			value = col.value
		default:
			value, comma = s.ordinaryValue(col.source), s.commas[col.source]
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
	if commas <= len(sixteenCommas) {
		*(*[16]byte)(line[n:]) = sixteenCommas
		return n + commas
	}
	return n + copy(line[n:], bytes.Repeat([]byte{','}, commas))
}

// put writes a value behind line[:n]. There is room for 16 bytes more.
func put(line []byte, n int, value []byte) int {
	if len(value) <= 16 && cap(value) >= 16 {
		*(*[16]byte)(line[n:]) = [16]byte(value[:16])
		return n + len(value)
	}
	return n + copy(line[n:], value)
}
