package usercsv

import (
	"bytes"
	"math/big"
)

// maxNumber is the largest number of a Number attribute, and its negative the smallest: 2^53-1, beyond which JSON's
// numbers are not exact.
const maxNumber = 1<<53 - 1

// wholeNumber returns a whole number without a .0 at its end. Any other fraction, 1.000 too, makes it none: in half of
// the world that is a thousand.
func wholeNumber(text []byte) ([]byte, bool) {
	whole, _ := bytes.CutSuffix(text, []byte(".0"))
	digits := whole
	if len(whole) > 0 && (whole[0] == '+' || whole[0] == '-') {
		digits = whole[1:]
	}
	return whole, isDigits(digits)
}

// numberBounds returns the bounds of the pool's schema, nil being none, within those of all numbers.
func numberBounds(low, high *big.Int) (least, most int64) {
	least, most = -maxNumber, maxNumber
	if low != nil && low.Cmp(big.NewInt(least)) > 0 {
		if least = maxNumber + 1; low.IsInt64() {
			least = low.Int64()
		}
	}
	if high != nil && high.Cmp(big.NewInt(most)) < 0 {
		if most = -maxNumber - 1; high.IsInt64() {
			most = high.Int64()
		}
	}
	return least, most
}

// number returns the value of 1 to 18 digits, -1 for any other text.
func number(digits []byte) int64 {
	if len(digits) == 0 || len(digits) > 18 {
		return -1
	}
	n := int64(0)
	for _, c := range digits {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int64(c-'0')
	}
	return n
}

// parseBoolean understands true/false, t/f, yes/no, y/n and 1/0 in any case.
func parseBoolean(text []byte) (value, ok bool) {
	if string(text) == "true" || string(text) == "false" {
		return text[0] == 't', true
	}
	if len(text) > len("false") {
		return false, false
	}
	var lower [len("false")]byte
	for i, c := range text {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		lower[i] = c
	}
	switch string(lower[:len(text)]) {
	case "true", "t", "yes", "y", "1":
		return true, true
	case "false", "f", "no", "n", "0":
		return false, true
	}
	return false, false
}
