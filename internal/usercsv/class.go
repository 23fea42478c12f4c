package usercsv

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// class says what the bytes of a cell ask of the rules. Most cells have none: they are printable ASCII.
type class uint8

const (
	classComma   class = 1 << iota
	classMark          // a quotation mark or a backslash
	classControl       // an ASCII control character, line breaks among them
	classWide          // a byte of a character beyond ASCII

	classEnd class = 1 << 7 // ends a field
)

// classes are the classes of bytes.
var classes = func() (table [256]class) {
	for b := range table {
		switch {
		case b >= utf8.RuneSelf:
			table[b] = classWide
		case b < ' ' || b == 0x7f:
			table[b] = classControl
		}
	}
	table[','], table['"'], table['\\'] = classComma, classMark, classMark
	return table
}()

// classify returns the classes that bytes of a text have.
func classify(text []byte) (found class) {
	for _, b := range text {
		found |= classes[b]
	}
	return found
}

// trim returns a text without white space and invisible characters at its ends.
func trim(text []byte) []byte {
	return bytes.TrimFunc(text, func(r rune) bool { return unicode.IsSpace(r) || isInvisible(r) })
}

// isLineBreak reports whether Unicode calls the character a line break. Cognito's dialect has no way to write one.
func isLineBreak(r rune) bool {
	return r >= '\n' && r <= '\r' || r == 0x85 || r == 0x2028 || r == 0x2029
}

// representable reports whether Cognito's dialect has a way to write text. None is documented for line breaks,
// quotation marks and backslashes.
func representable(text []byte) bool {
	return !bytes.ContainsAny(text, "\"\\\r\n\v\f\u0085\u2028\u2029")
}

// isDamaged reports whether the character shows that a text was damaged: a control character, a replacement
// character, a byte order mark inside a text, or a noncharacter.
func isDamaged(r rune) bool {
	return unicode.IsControl(r) && r != '\t' && !isLineBreak(r) || r == utf8.RuneError || r == 0xFEFF ||
		r >= 0xFDD0 && r <= 0xFDEF || r&0xFFFE == 0xFFFE
}

// badRune returns the first character that a cell may not hold. Usernames, addresses and numbers may not hold
// invisible characters either.
func badRune(text []byte, found class, strict bool) (rune, bool) {
	if found&(classControl|classWide) == 0 {
		return 0, false
	}
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if isDamaged(r) || strict && isInvisible(r) {
			return r, true
		}
		i += n
	}
	return 0, false
}
