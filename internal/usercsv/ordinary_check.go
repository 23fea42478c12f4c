package usercsv

import (
	"bytes"
	"math/bits"
	"unicode/utf8"

	"userdrop/internal/usercsv/blocks"
)

// This file checks ordinary rows (ordinary_split.go) column by column, and writes those that nothing is wrong with. It
// never rejects one: a row that it does not take goes the way of all others, so that problems are told in one place,
// check.go. What deriveUsernames and checkVerifiedRows ask of many rows at once, deriveUsername and checkVerified ask
// there of one; the tests compare all that comes out.

// ordinary is what a checker knows of ordinary rows: beforehand about their columns, so that it visits only those of
// which a cell of printable ASCII can be wrong or be written otherwise than it stands, and then about those of a batch.
type ordinary struct {
	checked  []*column // the source has them
	filled   []*column // it has them not
	runs     []run
	verbatim bool // the runs are one, of all that the source and the pool have

	// Of the batch, a bit for each row:
	doubt   uint64 // the row goes the way of all others
	changed uint64 // some value of it is not what stands in the source

	hashes     [batchRows]nameHash // of the usernames
	algorithms [batchRows]Algorithm
}

// cells are what the rows of a batch have in a column, a bit for each row.
type cells struct {
	blank   uint64
	isTrue  uint64   // a Boolean is
	changed uint64   // the value is not what stands in the source
	values  [][]byte // but this, if it is no Boolean
}

// run is columns that follow each other in the source as they do in a line.
type run struct {
	commas      int     // before it
	first, last int     // in the source
	filled      *column // one that the source has not, instead
	changing    []*column
}

// newOrdinary compiles the columns that may have a value, for a source of so many columns and lines of so many.
func newOrdinary(written []column, width, columns int) ordinary {
	var o ordinary
	for i := range written {
		col := &written[i]
		bounded := col.required || col.minimum > 1 || col.maximum < maxOrdinary
		switch {
		case col.source < 0:
			o.filled = append(o.filled, col)
		case col.kind != kindText || bounded || col.role != roleNone:
			o.checked = append(o.checked, col)
		}
		switch n := len(o.runs); {
		case col.source < 0:
			o.runs = append(o.runs, run{commas: col.commas, filled: col})
		case n > 0 && o.runs[n-1].goesOnWith(col):
			o.runs[n-1].last = col.source
		default:
			o.runs = append(o.runs, run{commas: col.commas, first: col.source, last: col.source})
		}
		switch last := &o.runs[len(o.runs)-1]; col.kind {
		case kindText, kindEmail, kindHash, kindDateTime: // as they stand, or wrong
		default:
			last.changing = append(last.changing, col)
		}
		col.cells.values = make([][]byte, batchRows)
	}
	whole := o.runs[0]
	o.verbatim = len(o.runs) == 1 && whole.filled == nil && whole.first == 0 && whole.last == width-1 && width == columns
	return o
}

// goesOnWith tells whether the column stands behind the run's last one in the source as well as in a line.
func (r *run) goesOnWith(col *column) bool {
	return r.filled == nil && col.commas == 1 && col.source == r.last+1
}

// standing are texts of printable ASCII that are right and written as they stand, by kinds of columns. Each is a call
// of its own without a look at anything else, which makes the cells of a row twice as fast to read.
var standing = [...]struct {
	shortest, longest int
	is                func(text []byte) bool
}{
	kindUsername:  {1, maxUsername, func(text []byte) bool { return validUsername(text, true) }},
	kindEmail:     {8, maxOrdinary, func(text []byte) bool { return len(text) >= 8 && validPlainEmail(text) }},
	kindPhone:     {3, 16, isE164},
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
	if !s.ordinary {
		return bytes.Equal(s.full, c.line)
	}
	b := &s.batch
	if c.ordinary.verbatim && c.ordinary.changed>>b.at&1 == 0 && !b.quoted && s.delim == ',' {
		return !s.crlf // that much can be told without a look
	}
	return bytes.Equal(s.buf[b.lines[b.at]:b.lines[b.at+1]], c.line)
}

// checkOrdinary does what check does for the rows of a batch that nothing is wrong with. The others are in doubt, and
// nothing is said about them.
func (c *checker) checkOrdinary(s *scanner) {
	b, o := &s.batch, &c.ordinary
	o.doubt, o.changed = 0, 0
	if s.delim != ',' {
		for r := range b.rows {
			if bytes.IndexByte(s.buf[b.lines[r]:b.lines[r+1]], ',') >= 0 {
				o.doubt |= 1 << r
			}
		}
	}
	c.scratch = c.scratch[:0]
	if c.roles[roleHash] != nil {
		clear(o.algorithms[:])
	}
	for _, col := range o.filled {
		col.cells.blank, col.cells.isTrue, col.cells.changed = ^uint64(0), 0, ^uint64(0)
	}
	for _, col := range o.checked {
		c.checkCells(col, s)
	}
	c.deriveUsernames(s)
	c.checkVerifiedRows()
	for _, col := range o.filled {
		if col.required {
			o.doubt |= col.cells.blank
		}
	}
	for _, col := range o.checked {
		if col.required {
			o.doubt |= col.cells.blank
		}
		o.changed |= col.cells.changed
	}
	c.kept = len(c.scratch)
	username := c.roles[roleUsername]
	for r := range b.rows {
		if o.doubt>>r&1 == 0 {
			o.hashes[r] = c.hashOf(s.ordinaryValue(username, r))
		}
	}
}

// checkCells reads a column's cells.
func (c *checker) checkCells(col *column, s *scanner) {
	var blank, isTrue, others uint64
	if col.kind == kindBoolean {
		for r := range s.batch.rows {
			switch string(s.ordinaryCell(r, col.source)) {
			case "":
				blank |= 1 << r
			case "true":
				isTrue |= 1 << r
			case "false":
			default:
				others |= 1 << r
			}
		}
	} else {
		for r := range s.batch.rows {
			switch text := s.ordinaryCell(r, col.source); {
			case len(text) == 0:
				blank |= 1 << r
			case col.stands == nil || !s.batch.isASCII(r, col.source) || !col.stands(text):
				others |= 1 << r
			}
		}
	}
	col.cells = cells{blank: blank, isTrue: isTrue, values: col.cells.values}
	for ; others != 0; others &= others - 1 {
		c.readOrdinary(col, s, bits.TrailingZeros64(others))
	}
}

// readOrdinary is read for ordinary rows.
func (c *checker) readOrdinary(col *column, s *scanner, row int) {
	text, ascii := s.ordinaryCell(row, col.source), s.batch.isASCII(row, col.source)
	c.algorithm = NoAlgorithm
	value, code := c.normalise(col, text, ascii)
	n := len(value)
	if !ascii {
		n = utf8.RuneCount(value)
	}
	if code != 0 || c.codes != 0 || n < col.minimum || n > col.maximum {
		c.ordinary.doubt |= 1 << row // whatever it is: the row is not taken
		c.codes, c.faults = 0, c.faults[:0]
		return
	}
	switch col.kind {
	case kindHash:
		c.ordinary.algorithms[row] = c.algorithm
	case kindBoolean:
		if value[0] == 't' {
			col.cells.isTrue |= 1 << row
		}
	}
	if len(value) != len(text) || &value[0] != &text[0] {
		col.cells.put(row, value)
	}
}

// put says that a row's value is another than what stands in the source.
func (is *cells) put(row int, value []byte) {
	is.changed |= 1 << row
	is.values[row] = value
}

// ordinaryValue is what a row of the batch has in a column.
func (s *scanner) ordinaryValue(col *column, row int) []byte {
	switch is := &col.cells; {
	case is.changed>>row&1 == 0:
		return s.ordinaryCell(row, col.source)
	case col.kind == kindBoolean:
		return booleanText(is.isTrue>>row&1 != 0)
	default:
		return is.values[row]
	}
}

// deriveUsernames is deriveUsername for a batch.
func (c *checker) deriveUsernames(s *scanner) {
	username := &c.roles[roleUsername].cells
	for need := username.blank &^ c.ordinary.doubt; need != 0; need &= need - 1 {
		row := bits.TrailingZeros64(need)
		if row >= s.batch.rows {
			return
		}
		c.ordinary.doubt |= 1 << row
		for _, r := range c.usernameFrom {
			if from := c.roles[r]; from.cells.blank>>row&1 == 0 {
				if name := s.ordinaryValue(from, row); c.usernameFits(name, false) && bytes.IndexByte(name, ',') < 0 {
					username.put(row, name)
					c.ordinary.doubt &^= 1 << row
				}
				break
			}
		}
	}
	username.blank = 0
}

// checkVerifiedRows is checkVerified for a batch.
func (c *checker) checkVerifiedRows() {
	email := c.verifiedRows(roleEmailVerified, roleEmail, c.settings.assumesEmail())
	phone := c.verifiedRows(rolePhoneVerified, rolePhone, c.settings.assumesPhone())
	var verified uint64
	if c.autoEmail {
		verified |= email
	}
	if c.autoPhone {
		verified |= phone
	}
	c.ordinary.doubt |= ^verified
	if c.roles[roleMFA] == nil {
		return
	}
	switch mfa := &c.roles[roleMFA].cells; c.pool.MFA {
	case MFAOn:
		c.ordinary.doubt |= ^(mfa.blank | mfa.isTrue)
		mfa.fillIn(^uint64(0))
	case MFAOptional:
		mfa.fillIn(0)
	default:
		c.ordinary.doubt |= mfa.isTrue
		mfa.fillIn(0)
	}
}

// verifiedRows is verified for a batch.
func (c *checker) verifiedRows(mark, of role, assume bool) uint64 {
	if c.roles[mark] == nil {
		return 0
	}
	var there, assumed uint64
	if c.roles[of] != nil {
		there = ^c.roles[of].cells.blank
	}
	if assume {
		assumed = there
	}
	is := &c.roles[mark].cells
	is.fillIn(assumed)
	c.ordinary.doubt |= is.isTrue &^ there
	return is.isTrue
}

// fillIn fills in the Booleans that are blank.
func (is *cells) fillIn(isTrue uint64) {
	is.isTrue |= is.blank & isTrue
	is.changed |= is.blank
	is.blank = 0
}

// encodeOrdinary writes the current row of the batch, if it is not in doubt.
func (c *checker) encodeOrdinary(s *scanner) bool {
	b, o := &s.batch, &c.ordinary
	row := b.at
	if o.doubt>>row&1 != 0 {
		return false
	}
	for b.comma < len(b.commas) && b.commas[b.comma] < b.lines[row] {
		b.comma++
	}
	c.hash, c.algorithm = o.hashes[row], o.algorithms[row]
	line := c.room(int(b.lines[row+1] - b.lines[row]))
	ends := b.ends[row*b.width:][:b.width+1]
	asItStands := !b.quoted && s.delim == ',' // asked here, not by rewrite: that makes 6 to 9 % of all the time
	n := 0
	for i := range o.runs {
		run := &o.runs[i]
		if run.commas == 1 { // nearly always; a call takes as long as a short column
			line[n] = ','
			n++
		} else {
			n = putCommas(line, n, run.commas)
		}
		if run.filled != nil {
			n = put(line, n, s.ordinaryValue(run.filled, row))
			continue
		}
		from := ends[run.first] + 1
		if o.changed>>row&1 != 0 {
			for _, col := range run.changing {
				if col.cells.changed>>row&1 != 0 {
					if asItStands {
						n = putText(line, n, s.buf, from, ends[col.source]+1)
					} else {
						n = s.rewrite(line, n, from, ends[col.source]+1)
					}
					n = put(line, n, s.ordinaryValue(col, row))
					from = ends[col.source+1]
				}
			}
		}
		if asItStands {
			n = putText(line, n, s.buf, from, ends[run.last+1])
		} else {
			n = s.rewrite(line, n, from, ends[run.last+1])
		}
	}
	n += copy(line[n:], c.behind)
	line[n] = '\n'
	c.line = line[:n+1]
	return n <= maxLine
}

// rewrite writes what stands from start to end in the buffer as Cognito's dialect has it: without quotation marks, a
// comma behind each field, and \, for each within it.
func (s *scanner) rewrite(line []byte, n int, start, end int32) int {
	for _, comma := range s.batch.commas[s.batch.comma:] {
		if comma > end {
			break
		}
		if comma < start {
			continue
		}
		n += blocks.Rewrite(line[n:], s.buf[start:comma], s.delim)
		line[n] = '\\'
		n++
		start = comma
	}
	return n + blocks.Rewrite(line[n:], s.buf[start:end], s.delim)
}

// putCommas writes so many commas behind line[:n].
func putCommas(line []byte, n, commas int) int {
	if commas <= len(sixteenCommas) {
		*(*[16]byte)(line[n:]) = sixteenCommas
		return n + commas
	}
	return n + copy(line[n:], bytes.Repeat([]byte{','}, commas))
}

// putText writes what stands from start to end in text, 32 bytes at a time without a call; as many more may be touched
// behind it.
func putText(line []byte, n int, text []byte, start, end int32) int {
	for from, to := text[start:], line[n:]; ; from, to = from[32:], to[32:] {
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
