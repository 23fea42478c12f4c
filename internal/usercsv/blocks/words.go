package blocks

import (
	"encoding/binary"
	"math/bits"
)

// Eight bytes are looked at at once, by the techniques of "Hacker's Delight", chapter 6: in low = w & lows, adding
// lows to low ^ pattern carries into the top bit of every byte that differs from the pattern.
const (
	ones = 0x0101010101010101
	lows = 0x7f * ones
	tops = 0x80 * ones
	// printing carries into the top bit of every byte from 0x20 on, ones of every byte from 0x7f on.
	printing = 0x60 * ones
)

// classifyWords is Classify without vector instructions.
func classifyWords(to []Classes, text []byte, delim byte) {
	pattern := uint64(delim) * ones
	for n := range to {
		var delims, quotes, spaces, others, high, lines uint64
		for i := n * Size; i < (n+1)*Size; i += 8 {
			w := binary.LittleEndian.Uint64(text[i:])
			low := w & lows
			// The top bit of each byte says that it is of the class; the bits of the words before move down.
			delims = delims>>1 | ^(low^pattern+lows|w)&tops
			quotes = quotes>>1 | ^(low^'"'*ones+lows|w)&tops
			spaces = spaces>>1 | ^(low^' '*ones+lows|w)&tops
			others = others>>1 | (^(low^'\\'*ones+lows)|^(low+printing)|(low+ones)|w)&tops
			high = high>>1 | w&tops
			lines = lines>>1 | ^(low^'\n'*ones+lows|w)&tops
		}
		to[n] = Classes{
			transpose(delims), transpose(quotes), transpose(spaces), transpose(others), transpose(high), transpose(lines),
		}
	}
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

// rewriteBytes is Rewrite without vector instructions.
func rewriteBytes(to, text []byte, delim byte) int {
	n := 0
	for _, c := range text {
		if c == delim {
			c = ','
		}
		to[n] = c
		if c != '"' {
			n++
		}
	}
	return n
}

// positionsByBits is Positions without vector instructions: eight at a time whether there are as many or not, since how
// many cannot be guessed.
//
//go:noinline
func positionsByBits(to *[Size]int32, base int32, set uint64) {
	for at, n := 0, bits.OnesCount64(set); at < n; at += 8 {
		to := (*[8]int32)(to[at:])
		to[0] = base + int32(bits.TrailingZeros64(set))
		set &= set - 1
		to[1] = base + int32(bits.TrailingZeros64(set))
		set &= set - 1
		to[2] = base + int32(bits.TrailingZeros64(set))
		set &= set - 1
		to[3] = base + int32(bits.TrailingZeros64(set))
		set &= set - 1
		to[4] = base + int32(bits.TrailingZeros64(set))
		set &= set - 1
		to[5] = base + int32(bits.TrailingZeros64(set))
		set &= set - 1
		to[6] = base + int32(bits.TrailingZeros64(set))
		set &= set - 1
		to[7] = base + int32(bits.TrailingZeros64(set))
		set &= set - 1
	}
}
