// Package dialect is the CSV dialect of Amazon Cognito's import jobs, in both directions, and the rule by which two
// usernames are one. In this dialect a line is a row, nothing is quoted, a comma inside a value is written \, and any
// other backslash is itself.
package dialect

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// AppendValue appends a value, which must hold no line break.
func AppendValue(to, value []byte) []byte {
	for {
		comma := bytes.IndexByte(value, ',')
		if comma < 0 {
			return append(to, value...)
		}
		to = append(to, value[:comma]...)
		to = append(to, '\\', ',')
		value = value[comma+1:]
	}
}

// AppendHeader appends the header line of columns, with a line feed.
func AppendHeader(to []byte, columns []string) []byte {
	for i, name := range columns {
		if i > 0 {
			to = append(to, ',')
		}
		to = AppendValue(to, []byte(name))
	}
	return append(to, '\n')
}

// Values returns the values of a line, with or without its line feed.
func Values(line string) []string {
	var values []string
	var value strings.Builder
	line = strings.TrimSuffix(line, "\n")
	for {
		comma := strings.IndexByte(line, ',')
		switch {
		case comma < 0:
			value.WriteString(line)
			return append(values, value.String())
		case comma > 0 && line[comma-1] == '\\':
			value.WriteString(line[:comma-1])
			value.WriteByte(',')
		default:
			value.WriteString(line[:comma])
			values = append(values, value.String())
			value.Reset()
		}
		line = line[comma+1:]
	}
}

// UsernameColumn is the column of the username in every pool.
const UsernameColumn = "cognito:username"

// Usernames reads the usernames of a part's rows.
type Usernames struct{ column int }

// NewUsernames takes the header line of a part, which has a username column.
func NewUsernames(header string) Usernames {
	return Usernames{slices.Index(Values(header), UsernameColumn)}
}

// Of returns the username of a row's line.
func (u Usernames) Of(line string) string { return Values(line)[u.column] }

// NameKey returns what usernames are compared by: two with the same key are one username in the pool.
func NameKey(name string, caseSensitive bool) string {
	return string(AppendNameKey(nil, []byte(name), caseSensitive))
}

// AppendNameKey appends what usernames are compared by: Unicode's form NFC, and its lower case character by character
// in a pool that is not case-sensitive.
func AppendNameKey(to, name []byte, caseSensitive bool) []byte {
	from := len(to)
	if isASCII(name) {
		to = append(to, name...)
	} else {
		to = norm.NFC.Append(to, name...)
	}
	if caseSensitive {
		return to
	}
	return lower(to, from)
}

// lower brings text[from:] into lower case.
func lower(text []byte, from int) []byte {
	for i, b := range text[from:] {
		if b >= utf8.RuneSelf {
			wide := bytes.Clone(text[from+i:])
			return appendLower(text[:from+i], wide)
		}
		if 'A' <= b && b <= 'Z' {
			text[from+i] = b + 'a' - 'A'
		}
	}
	return text
}

func appendLower(to, text []byte) []byte {
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		to = utf8.AppendRune(to, unicode.ToLower(r))
		text = text[n:]
	}
	return to
}

func isASCII(text []byte) bool {
	for ; len(text) >= 8; text = text[8:] {
		if binary.LittleEndian.Uint64(text)&(0x0101010101010101*utf8.RuneSelf) != 0 {
			return false
		}
	}
	for _, b := range text {
		if b >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
