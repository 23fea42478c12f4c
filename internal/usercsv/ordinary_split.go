package usercsv

import (
	"bytes"
	"math/bits"
	"unicode"

	"userdrop/internal/usercsv/blocks"
)

// This file splits ordinary rows, which nearly all are, many at once and a block of 64 bytes at a time. A row is
// ordinary if it has no control character, no backslash and no white space beyond ASCII, no field begins or ends with a
// space, quotation marks stand around whole fields only, and it has as many fields as the header. [scanner.split] knows
// all rows and is the reference: what this file does not take for ordinary, it leaves to that.

const (
	// maxOrdinary is the longest ordinary row: no value of it is too long for Cognito.
	maxOrdinary = maxValue
	// batchRows and batchBytes bound a batch. Its rows are the bits of a word, and its text and what comes of it stay in
	// the processor's nearest cache.
	batchRows  = 64
	batchBytes = 8 << 10
	// batchBlocks is how many blocks a batch touches at the most: the first and the last are parts of some.
	batchBlocks = batchBytes/blocks.Size + 1
)

// batch is ordinary rows that follow each other. Sets of rows are bits; bit 0 is the first row.
type batch struct {
	rows   int                  // how many
	at     int                  // the current one
	width  int                  // how many ends a row has: those of its fields, and one more if its line ends with CR LF
	ends   []int32              // where in the buffer their fields end, behind where the byte before the first row stands
	lines  [batchRows + 1]int32 // where in the buffer they begin, and the last one ends
	high   uint64               // rows that are not ASCII
	highs  [batchBlocks]uint64  // bytes that are not, block by block
	quoted bool                 // there are quotation marks
	commas []int32              // where in the buffer there are commas that separate nothing
	comma  int                  // the first of them that is not before the current row
}

// expectRows makes room for batches of rows that have so many fields, and end as the current one does.
func (s *scanner) expectRows(width int) {
	s.crlf = bytes.HasSuffix(s.full, []byte("\r\n"))
	s.batch.width = width
	if s.crlf {
		s.batch.width++
	}
	s.batch.ends = make([]int32, 1+batchRows*s.batch.width+2*blocks.Size)
}

// classified are the classes of a stretch of the buffer.
type classified struct {
	from, to int // where in the buffer
	blocks   [32]blocks.Classes
}

// classify classifies the blocks from a place in the buffer on.
func (s *scanner) classify(at int) {
	c := &s.classified
	n := min((s.end-at+blocks.Size-1)/blocks.Size, len(c.blocks))
	blocks.Classify(c.blocks[:n], s.buf[at:], s.delim)
	c.from, c.to = at, at+n*blocks.Size
}

// nextOrdinary moves to the next row if it is ordinary.
func (s *scanner) nextOrdinary() bool {
	b := &s.batch
	if b.at++; b.at >= b.rows {
		b.at = 0
		if s.splitOrdinary(); b.rows == 0 {
			return false
		}
	}
	s.pos = int(b.lines[b.at+1])
	s.rowLine, s.rowEnd = s.line, s.line
	s.line++
	s.code, s.ordinary = 0, true
	return true
}

// splitOrdinary splits rows from pos on, up to the first that is not ordinary, or not in the buffer as a whole.
func (s *scanner) splitOrdinary() {
	b, start := &s.batch, s.pos
	b.rows, b.quoted, b.commas, b.comma = 0, false, b.commas[:0], 0
	ends := b.ends
	ends[0] = int32(start) - 1
	n := 1 // ends so far
	// What a block must know of the one before. But for inside it is the class of the last byte alone, in bit 0; in the
	// bit of the batch's first byte for the block with that.
	first := uint64(1) << (start % blocks.Size)
	fresh := -first    // the bits that count
	border := first    // a delimiter or the end of a line
	edge := first      // the same, or a quotation mark
	var space uint64   // a space
	var closing uint64 // a closing quotation mark
	var inside uint64  // all ones if it ended inside quotation marks
	var stops, lines uint64
	breaks := 0 // line ends so far
	base := start - start%blocks.Size
	for most := min(s.end, start+batchBytes); base < most && stops == 0 && n <= batchRows*b.width; base += blocks.Size {
		if base+blocks.Size > s.end {
			fresh &= 1<<(s.end-base) - 1
		}
		if base < s.classified.from || base >= s.classified.to {
			s.classify(base)
		}
		c := &s.classified.blocks[uint(base-s.classified.from)/blocks.Size%uint(len(s.classified.blocks))]
		lines = c.Lines & fresh
		found := c.Delims&fresh | lines
		stops = c.Others &^ (c.High | c.Delims | c.Lines) & fresh // what no ordinary row has
		if stops != 0 && s.crlf {
			returns := s.returns(base, stops)
			stops &^= returns
			found |= returns
		}
		quotes, spaces := c.Quotes&fresh, c.Spaces&fresh
		var inner uint64
		borders := found
		if quotes|inside|closing != 0 {
			// Each bit the parity of the quotation marks up to it: set inside, and at the opening mark.
			quoted := quotes
			quoted ^= quoted << 1
			quoted ^= quoted << 2
			quoted ^= quoted << 4
			quoted ^= quoted << 8
			quoted ^= quoted << 16
			quoted ^= quoted << 32
			quoted ^= inside
			inside = uint64(int64(quoted) >> 63)
			inner = found & quoted
			found &^= quoted
			borders = found
			opening, closings := quotes&quoted, quotes&^quoted
			stops |= opening&^(borders<<1|border) | (closings<<1|closing)&^borders | lines&quoted
			if s.delim != ',' {
				stops |= inner
			}
			closing = closings >> 63
			b.quoted = true
		}
		edges := borders | quotes
		stops |= spaces&(edges<<1|edge) | (spaces<<1|space)&edges
		border, edge, space = borders>>63, edges>>63, spaces>>63

		upTo := stops&-stops - 1 // what is before the first stop; all if there is none
		found &= upTo
		lines &= upTo
		b.highs[uint(base/blocks.Size-start/blocks.Size)%batchBlocks] = c.High
		breaks += bits.OnesCount64(lines)
		for inner &= upTo; inner != 0; inner &= inner - 1 {
			b.commas = append(b.commas, int32(base+bits.TrailingZeros64(inner)))
		}
		blocks.Positions((*[blocks.Size]int32)(ends[n:]), int32(base), found)
		n += bits.OnesCount64(found)
		fresh = ^uint64(0)
	}
	s.endRows(ends[:n])
	// A line end that ends no row is in a row that has too few fields, or behind the last one.
	if end := int(b.lines[b.rows]); breaks > b.rows+bits.OnesCount64(lines>>max(end-base+blocks.Size, 0)) {
		for r := range b.rows {
			if row := s.buf[b.lines[r] : b.lines[r+1]-1]; bytes.IndexByte(row, '\n') >= 0 {
				b.rows = r
				return
			}
		}
	}
}

// endRows takes rows as long as they end where their fields are complete.
func (s *scanner) endRows(ends []int32) {
	b := &s.batch
	b.rows, b.high = 0, 0
	b.lines[0] = ends[0] + 1
	for at := b.width; at < len(ends) && b.rows < batchRows; at += b.width {
		from, end := b.lines[b.rows], ends[at]
		after := end + 1
		if s.buf[end] != '\n' {
			return
		}
		if s.crlf {
			if end--; s.buf[end] != '\r' { // an LF, and one blank field too many
				return
			}
		}
		if size := int(end - from); size < s.width || size > maxOrdinary { // blank lines are for others
			return
		}
		if b.isHigh(from, end) {
			if rareSpace(s.buf[from:end]) {
				return
			}
			b.high |= 1 << b.rows
		}
		b.rows++
		b.lines[b.rows] = after
	}
}

// returns are those bytes of a block that are the CR of a CR LF.
func (s *scanner) returns(base int, among uint64) uint64 {
	var returns uint64
	for ; among != 0; among &= among - 1 {
		if i := base + bits.TrailingZeros64(among); s.buf[i] == '\r' && s.buf[i+1] == '\n' {
			returns |= among & -among
		}
	}
	return returns
}

// isHigh tells whether some byte of the buffer from one place to another, which is of the batch, is not ASCII.
func (b *batch) isHigh(from, to int32) bool {
	const size = blocks.Size
	first := b.lines[0] / size
	skip := uint(from % size)
	for at := from / size; at*size < to; at++ {
		if high := b.highs[at-first] >> skip; high<<skip<<max(0, (at+1)*size-to) != 0 {
			return true
		}
		skip = 0
	}
	return false
}

// rareSpace tells whether an ordinary row holds white space or control characters beyond ASCII.
func rareSpace(row []byte) bool {
	// U+0080 to U+00A0, U+1680, U+2000 to U+205F, and U+3000 begin with these bytes, and few languages' letters do.
	for _, lead := range []byte{0xC2, 0xE1, 0xE2, 0xE3} {
		if bytes.IndexByte(row, lead) >= 0 {
			return bytes.ContainsFunc(row, func(r rune) bool {
				return unicode.IsSpace(r) && r != ' ' || unicode.IsControl(r)
			})
		}
	}
	return false
}

// cell is the text of a row's field, without quotation marks.
func (s *scanner) ordinaryCell(row, field int) []byte {
	i := row*s.batch.width + field
	start, end := s.batch.ends[i]+1, s.batch.ends[i+1]
	if s.buf[start] == '"' {
		start++
		end--
	}
	return s.buf[start:end]
}

// isASCII tells whether a row's field is.
func (b *batch) isASCII(row, field int) bool {
	i := row*b.width + field
	return b.high>>row&1 == 0 || !b.isHigh(b.ends[i]+1, b.ends[i+1])
}

// splitAgain splits an ordinary row as others are split.
func (s *scanner) splitAgain() {
	s.pos, s.line = int(s.batch.lines[s.batch.at]), s.rowLine
	s.split()
}
