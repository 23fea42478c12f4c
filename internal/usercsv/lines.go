package usercsv

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// indexBreak finds the first CR or LF.
func indexBreak(text []byte) int { return bytes.IndexAny(text, "\r\n") }

// countBreaks counts line ends: LF, CRLF, and CR alone.
func countBreaks(text []byte) int {
	n := bytes.Count(text, []byte{'\n'})
	for {
		cr := bytes.IndexByte(text, '\r')
		if cr < 0 {
			return n
		}
		text = text[cr+1:]
		if len(text) == 0 || text[0] != '\n' {
			n++
		}
	}
}

// blank reports whether text is nothing but white space.
func blank(text []byte) bool {
	for len(text) > 0 {
		n := leadingSpace(text)
		if n == 0 {
			return false
		}
		text = text[n:]
	}
	return true
}

// blankText reports whether text is nothing but white space and delimiters.
func blankText(text []byte, delim byte) bool {
	for len(text) > 0 {
		n := leadingSpace(text)
		if text[0] == delim {
			n = 1
		}
		if n == 0 {
			return false
		}
		text = text[n:]
	}
	return true
}

// leadingSpace is the length of the white space character that text begins with, or 0. White space is Unicode's
// White_Space property, which is what [unicode.IsSpace] knows.
func leadingSpace(text []byte) int {
	if len(text) == 0 {
		return 0
	}
	c := text[0]
	if c < utf8.RuneSelf {
		if c == ' ' || c >= '\t' && c <= '\r' {
			return 1
		}
		return 0
	}
	if r, n := utf8.DecodeRune(text); unicode.IsSpace(r) {
		return n
	}
	return 0
}
