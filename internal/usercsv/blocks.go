package usercsv

import (
	"encoding/binary"
	"math/bits"
)

// This file splits ordinary rows, which nearly all are, 64 bytes at a time. A row is ordinary if it is printable ASCII
// without backslashes, no field begins or ends with white space, quotation marks stand around whole fields only, and it
// has as many fields as the header. [scanner.split] knows all rows and is the reference: what this file does not take
// for ordinary, it leaves to that.
//
// The technique is that of simdjson (Langdale and Lemire, "Parsing Gigabytes of JSON per Second", 2019): a bit for each
// byte tells what it is, so that 64 bytes are judged by a few operations, and only the ends of fields are visited.

// maxOrdinary is the longest ordinary row: no value of it is too long for Cognito.
const maxOrdinary = maxValue

// endsAtOnce is how many ends of fields are written together.
const endsAtOnce = 8

// blockSize is how many bytes are looked at together.
const blockSize = 64

// block is 64 bytes of the scanner's buffer as bit sets, less those of rows that were taken. Bit 0 is the first byte.
type block struct {
	next  int    // where in the buffer the first byte stands that was not taken, -1 if the block is of no use
	end   int    // where in the buffer the block ends
	ends  uint64 // delimiters outside quotation marks
	stops uint64 // line ends, and whatever else no ordinary row has
	odd   uint64 // where it shows that white space or a quotation mark is not where an ordinary row has it
	inner uint64 // commas inside quotation marks
	marks uint64 // quotation marks

	// What the next block must know of this one; all but inside of its last byte alone, in bit 0.
	inside  uint64 // all ones if it ended inside quotation marks
	edge    uint64 // a delimiter, a line end or a quotation mark
	space   uint64
	closing uint64 // a closing quotation mark
	border  uint64 // a delimiter or a line end
}

// classes are 64 bytes as bit sets by what they are: delimiters, spaces, quotation marks, and others, which are control
// characters, backslashes, and what is not ASCII.
type classes struct{ delims, spaces, quotes, others uint64 }

// classify tells what each of 64 bytes is.
func classify(text *[blockSize]byte, delim byte) (c classes) {
	delims := uint64(delim) * ones
	// The top bit of a byte is set if it is none of the class; see the constants.
	var notDelim, notWhite, notControl, other uint64
	notQuote, notOther := ^uint64(0), ^uint64(0)
	for i := 0; i < blockSize; i += 8 {
		w := binary.LittleEndian.Uint64(text[i : i+8])
		low := w & lows
		notDelim = notDelim>>1 | (low^delims+lows)&tops
		notWhite = notWhite>>1 | (low+printing-ones)&tops
		notControl = notControl>>1 | (low+printing)&tops
		notQuote &= low ^ quotes + lows
		notOther &= low ^ slash + lows
		other |= low + ones | w
	}
	c.delims = ^transpose(notDelim)
	c.others = ^transpose(notControl) &^ c.delims
	c.spaces = ^transpose(notWhite) &^ c.others &^ c.delims
	// What most blocks have not is not looked for before it is known to be there.
	if ^notQuote&tops != 0 {
		c.addQuotes(text)
	}
	if (^notOther|other)&tops != 0 {
		c.addOthers(text)
	}
	return c
}

// addQuotes adds quotation marks.
func (c *classes) addQuotes(text *[blockSize]byte) {
	var notQuote uint64
	for i := 0; i < blockSize; i += 8 {
		w := binary.LittleEndian.Uint64(text[i : i+8])
		notQuote = notQuote>>1 | (w&lows^quotes+lows|w)&tops
	}
	c.quotes = ^transpose(notQuote)
}

// addOthers adds backslashes, and what is not printable ASCII.
func (c *classes) addOthers(text *[blockSize]byte) {
	var other uint64
	for i := 0; i < blockSize; i += 8 {
		w := binary.LittleEndian.Uint64(text[i : i+8])
		low := w & lows
		other = other>>1 | (^(low^slash+lows)|(low+ones)|w)&tops
	}
	other = transpose(other)
	c.others |= other
	c.delims &^= other
}

// transpose brings bit j of byte i to bit i of byte j ("Hacker's Delight", section 7-3).
func transpose(x uint64) uint64 {
	t := (x ^ x>>7) & 0x00aa00aa00aa00aa
	x ^= t ^ t<<7
	t = (x ^ x>>14) & 0x0000cccc0000cccc
	x ^= t ^ t<<14
	t = (x ^ x>>28) & 0x00000000f0f0f0f0
	return x ^ t ^ t<<28
}

// begin makes the block one that ends where a row starts.
func (b *block) begin(start int) { *b = block{next: start, end: start, edge: 1, border: 1} }

// load moves on to the next 64 bytes of buf.
func (b *block) load(buf []byte, delim byte) {
	c := classify((*[blockSize]byte)(buf[b.end:]), delim)
	b.end += blockSize
	b.ends, b.stops, b.odd, b.inner, b.marks = c.delims, c.others, 0, 0, c.quotes
	closing := uint64(0)
	border := c.delims | c.others
	if c.quotes|b.inside|b.closing != 0 {
		// Each bit the parity of the quotation marks up to it: set inside, and at the opening mark.
		inside := c.quotes
		inside ^= inside << 1
		inside ^= inside << 2
		inside ^= inside << 4
		inside ^= inside << 8
		inside ^= inside << 16
		inside ^= inside << 32
		inside ^= b.inside
		b.inside = uint64(int64(inside) >> 63)
		switch delim {
		case ',':
			b.inner = c.delims & inside
		case '\t':
			c.spaces |= c.delims & inside
		}
		b.ends &^= inside
		border = b.ends | c.others
		opening := c.quotes & inside
		closing = c.quotes &^ inside
		b.odd = opening&^(border<<1|b.border) | (closing<<1|b.closing)&^border | c.others&inside
	}
	edge := border | c.quotes
	b.odd |= c.spaces&(edge<<1|b.edge) | (c.spaces<<1|b.space)&edge
	b.edge, b.space, b.closing, b.border = edge>>63, c.spaces>>63, closing>>63, border>>63
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
	var marks uint64
	if s.anyComma {
		clear(s.commas)
		s.anyComma = false
	}
	for {
		base := b.end - blockSize
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
		if b.stops != 0 {
			break
		}
		if b.end >= s.end || b.end-start > maxOrdinary {
			return false
		}
		b.load(s.buf, s.delim)
	}
	end := b.end - blockSize + bits.TrailingZeros64(b.stops)
	after := end + 1
	if s.buf[end] == '\r' {
		after++
	}
	// Blank lines are for others.
	if n != s.width || after > s.end || s.buf[after-1] != '\n' || end-start > maxOrdinary || end-start < s.width {
		return false
	}
	ends[n] = int32(end)
	taken := ^uint64(0) >> (blockSize - 1 - min(uint(after-1-(b.end-blockSize)), blockSize-1))
	b.ends &^= taken
	b.stops &^= taken
	b.odd &^= taken
	b.inner &^= taken
	b.marks &^= taken
	if after <= b.end {
		b.next = after
	}
	s.quoted = marks != 0
	s.row, s.full = s.buf[start:end], s.buf[start:after]
	s.pos = after
	s.rowLine, s.rowEnd = s.line, s.line
	s.line++
	s.code, s.cut, s.breaks, s.text = 0, false, 0, s.text[:0]
	s.ordinary = true
	return true
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
