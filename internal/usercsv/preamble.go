package usercsv

import (
	"bytes"
	"cmp"
	"regexp"
	"slices"

	"userdrop/internal/contract"
)

// preamble is what may come before the header, once each and in this order.
type preamble uint8

const (
	preambleNone    preamble = iota
	preambleSep              // sep=; names the delimiter, for Excel
	preambleType             // #TYPE …, by PowerShell's Export-Csv
	preambleVersion          // version:v1.0, by Microsoft Entra's templates
)

var sepLine = regexp.MustCompile(`(?i)^\s*"?sep=([,;\t|])[,;\t| ]*"?[,;\t| ]*$`)

// parsePreamble returns what a line before the header is, and the delimiter that it names, if any.
func parsePreamble(line []byte) (kind preamble, delim byte) {
	if m := sepLine.FindSubmatch(line); m != nil {
		return preambleSep, m[1][0]
	}
	text := bytes.TrimLeft(line, " \t")
	if bytes.HasPrefix(text, []byte("#TYPE ")) {
		return preambleType, 0
	}
	const version = "version:v"
	text = bytes.TrimPrefix(text, []byte{'"'})
	if len(text) >= len(version) && bytes.EqualFold(text[:len(version)], []byte(version)) {
		return preambleVersion, 0
	}
	return preambleNone, 0
}

// findHeader moves to the header line, which is the first one that is not blank under any delimiter and does not belong
// to the preamble, and reads all of it into the buffer. It returns the delimiter that the preamble names, 0 if none.
// The error is a *Refusal if there is no such line, or none that can be read.
func (s *scanner) findHeader(pool *Pool) (fixed byte, err error) {
	last := preambleNone
	nothing := true // no line so far holds anything
	mixed := false  // a line of several delimiters, or with U+001A, which is nothing only if nothing follows
	for {
		line, err := s.lineAhead()
		switch {
		case err != nil:
			return 0, err
		case s.pos == s.end && nothing:
			return 0, Refuse(contract.EmptyFile, "")
		case s.pos == s.end:
			return 0, noHeaderBecause(pool, "The file ends before a header line.")
		}
		under := slices.IndexFunc(delimiters, func(d byte) bool { return blankLine(line, []byte{d}) })
		kind, delim := parsePreamble(line)
		switch {
		case under >= 0:
			s.delim = delimiters[under]
		case nothing && blankLine(bytes.ReplaceAll(line, []byte{endOfFile}, nil), delimiters):
			mixed = true
		case mixed:
			return 0, noHeaderBecause(pool, "The first line holds nothing but delimiters. Remove it.")
		case kind > last:
			last, nothing = kind, false
			if kind == preambleSep {
				fixed = delim
			}
		case len(line) > maxRow:
			return 0, noHeaderBecause(pool, "The first line is longer than any header.")
		default:
			return fixed, nil
		}
		long := len(line) > maxRow
		if blank := s.skipLine(under >= 0); long && !blank { // it only began blank
			if s.fault >= 0 && indexBreak(s.buf[s.pos:s.fault]) < 0 {
				return 0, s.refusal()
			}
			return 0, cmp.Or(s.err, error(noHeaderBecause(pool, "The first line is longer than any header.")))
		}
	}
}

// endOfFile is U+001A, which old programs write at the end of a text.
const endOfFile = 0x1A

// lineAhead reads the line at pos into the buffer and returns it without its end, or as much of it as a row may have
// and some more. The error is a *Refusal if the line holds a NUL or bad encoding.
func (s *scanner) lineAhead() ([]byte, error) {
	n := -1
	for {
		n = indexBreak(s.buf[s.pos:s.end])
		if n >= 0 && s.pos+n+1 < s.end || !s.fill() {
			break
		}
	}
	if n < 0 {
		n = s.end - s.pos
	}
	switch {
	case s.err != nil:
		return nil, s.err
	case s.fault >= 0 && s.fault <= s.pos+n:
		return nil, s.refusal()
	}
	return s.buf[s.pos : s.pos+n], nil
}

// blankLine reports whether a line is nothing but white space, delimiters and quotation marks around white space.
func blankLine(line, delims []byte) bool {
	for len(line) > 0 {
		if n := leadingSpace(line); n > 0 && bytes.IndexByte(delims, line[0]) < 0 {
			line = line[n:]
			continue
		}
		switch {
		case bytes.IndexByte(delims, line[0]) >= 0:
			line = line[1:]
		case line[0] == '"':
			closing := bytes.IndexByte(line[1:], '"')
			if closing < 0 || !blank(line[1:1+closing]) {
				return false
			}
			line = line[closing+2:]
			if len(line) > 0 && line[0] == '"' {
				return false // a doubled mark is a mark in the value
			}
		default:
			return false
		}
	}
	return true
}
