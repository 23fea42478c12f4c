package usercsv

import (
	"bytes"
	"math/bits"
	"unicode"

	"userdrop/internal/usercsv/blocks"
)

// This file splits ordinary rows, which nearly all are, a block of 64 bytes at a time. A row is ordinary if it has no
// control character, no backslash and no white space beyond ASCII, no field begins or ends with a space, quotation
// marks stand around whole fields only, and it has as many fields as the header. [scanner.split] knows all rows and is
// the reference: what this file does not take for ordinary, it leaves to that.

// maxOrdinary is the longest ordinary row: no value of it is too long for Cognito.
const maxOrdinary = maxValue

// endsAtOnce is how many ends of fields are written together.
const endsAtOnce = 8

// block is a block of the scanner's buffer as bit sets, less those of rows that were taken. Bit 0 is the first byte.
type block struct {
	next  int    // where in the buffer the first byte stands that was not taken, -1 if the block is of no use
	end   int    // where in the buffer the block ends
	ends  uint64 // delimiters outside quotation marks
	stops uint64 // line ends, and whatever else no ordinary row has
	odd   uint64 // where it shows that white space or a quotation mark is not where an ordinary row has it
	inner uint64 // commas inside quotation marks
	marks uint64 // quotation marks
	high  uint64 // what is not ASCII

	// What the next block must know of this one. But for inside it is the class of the last byte alone, in bit 0; in
	// the bit of the row's first byte if the row begins in that block.
	fresh   uint64 // the bits that count
	inside  uint64 // all ones if it ended inside quotation marks
	edge    uint64 // a delimiter, a line end or a quotation mark
	space   uint64
	closing uint64 // a closing quotation mark
	border  uint64 // a delimiter or a line end
}

// begin makes the block the one before that in which a row starts.
func (b *block) begin(start int) {
	first := uint64(1) << (start % blocks.Size)
	*b = block{next: start, end: start - start%blocks.Size, fresh: -first, edge: first, border: first}
}

// load moves on to the next block, of the given classes.
func (b *block) load(c *blocks.Classes, delim byte) {
	b.end += blocks.Size
	fresh := b.fresh
	b.fresh = ^uint64(0)
	delims, quotes, spaces := c.Delims&fresh, c.Quotes&fresh, c.Spaces&fresh
	others := c.Others &^ (c.High | c.Delims) & fresh
	b.ends, b.stops, b.odd, b.inner, b.marks, b.high = delims, others, 0, 0, quotes, c.High&fresh
	closing := uint64(0)
	border := delims | others
	if quotes|b.inside|b.closing != 0 {
		// Each bit the parity of the quotation marks up to it: set inside, and at the opening mark.
		inside := quotes
		inside ^= inside << 1
		inside ^= inside << 2
		inside ^= inside << 4
		inside ^= inside << 8
		inside ^= inside << 16
		inside ^= inside << 32
		inside ^= b.inside
		b.inside = uint64(int64(inside) >> 63)
		b.ends &^= inside
		border = b.ends | others
		opening := quotes & inside
		closing = quotes &^ inside
		b.odd = opening&^(border<<1|b.border) | (closing<<1|b.closing)&^border | others&inside
		switch delim {
		case ',':
			b.inner = delims & inside
		case '\t': // a control character
			b.odd |= delims & inside
		}
	}
	edge := border | quotes
	b.odd |= spaces&(edge<<1|b.edge) | (spaces<<1|b.space)&edge
	b.edge, b.space, b.closing, b.border = edge>>63, spaces>>63, closing>>63, border>>63
}

// classified are the classes of a stretch of the buffer.
type classified struct {
	from, to int // where in the buffer
	blocks   [32]blocks.Classes
}

// classes are those of the block that begins at a place in the buffer.
func (s *scanner) classes(at int) *blocks.Classes {
	c := &s.classified
	if at < c.from || at >= c.to {
		n := min((s.end-at+blocks.Size-1)/blocks.Size, len(c.blocks))
		blocks.Classify(c.blocks[:n], s.buf[at:], s.delim)
		c.from, c.to = at, at+n*blocks.Size
	}
	return &c.blocks[(at-c.from)/blocks.Size]
}

// expectRows makes room for the ends of the fields of rows that have so many.
func (s *scanner) expectRows(width int) {
	s.ends, s.commas = make([]int32, 1+width+endsAtOnce), make([]bool, width)
}

// splitOrdinary splits the row at pos and moves behind it if all of it is in the buffer and it is ordinary. Its fields
// end at ends[1:], quotation marks included, and begin one byte behind the end before.
func (s *scanner) splitOrdinary() bool {
	b, start := &s.block, s.pos
	if b.next != start {
		b.begin(start)
	}
	b.next = -1
	ends := s.ends
	ends[0] = int32(start) - 1
	n := 1
	var marks, high uint64
	if s.anyComma {
		clear(s.commas)
		s.anyComma = false
	}
	for {
		base := b.end - blocks.Size
		upTo := b.stops ^ (b.stops - 1) // the first stop and what is before it; all if there is none
		found := b.ends & upTo
		count := bits.OnesCount64(found)
		if b.odd&upTo != 0 || n+count > s.width {
			return false
		}
		// Eight at a time whether there are as many or not, since how many cannot be guessed.
		for at := n; ; at += endsAtOnce {
			to := (*[endsAtOnce]int32)(ends[at:])
			for i := range to {
				to[i] = int32(base + bits.TrailingZeros64(found))
				found &= found - 1
			}
			if found == 0 {
				break
			}
		}
		for inner := b.inner & upTo; inner != 0; inner &= inner - 1 {
			before := b.ends & (inner&-inner - 1)
			s.commas[n-1+bits.OnesCount64(before)] = true
			s.anyComma = true
		}
		n += count
		marks |= b.marks & upTo
		high |= b.high & upTo
		if b.stops != 0 {
			break
		}
		if b.end >= s.end || b.end-start > maxOrdinary {
			return false
		}
		b.load(s.classes(b.end), s.delim)
	}
	end := b.end - blocks.Size + bits.TrailingZeros64(b.stops)
	after := end + 1
	if s.buf[end] == '\r' {
		after++
	}
	// Blank lines are for others.
	if n != s.width || after > s.end || s.buf[after-1] != '\n' || end-start > maxOrdinary || end-start < s.width {
		return false
	}
	s.row, s.full = s.buf[start:end], s.buf[start:after]
	if high != 0 && rareSpace(s.row) {
		return false
	}
	ends[n] = int32(end)
	taken := ^uint64(0) >> (blocks.Size - 1 - min(uint(after-1-(b.end-blocks.Size)), blocks.Size-1))
	b.ends &^= taken
	b.stops &^= taken
	b.odd &^= taken
	b.inner &^= taken
	b.marks &^= taken
	b.high &^= taken
	if after <= b.end {
		b.next = after
	}
	s.quoted, s.ascii = marks != 0, high == 0
	s.pos = after
	s.rowLine, s.rowEnd = s.line, s.line
	s.line++
	s.code, s.cut, s.breaks, s.text = 0, false, 0, s.text[:0]
	s.ordinary = true
	return true
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

// bounds are where the value of an ordinary row's field stands.
func (s *scanner) bounds(n int) (start, end int32) {
	start, end = s.ends[n]+1, s.ends[n+1]
	if s.quoted && s.buf[start] == '"' {
		return start + 1, end - 1
	}
	return start, end
}

// ordinaryValue is the value of an ordinary row's field.
func (s *scanner) ordinaryValue(n int) []byte {
	start, end := s.bounds(n)
	return s.buf[start:end]
}

// splitAgain splits an ordinary row as others are split.
func (s *scanner) splitAgain() {
	s.pos, s.line = int(s.ends[0])+1, s.rowLine
	s.split()
}
