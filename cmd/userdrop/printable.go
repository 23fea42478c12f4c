package main

import (
	"errors"
	"io/fs"
	"strconv"
	"strings"
	"unicode"
)

// printable makes text from a file safe for a terminal: what could move the cursor, change colours or the direction of
// writing is shown as an escape, and what is longer than most is cut.
func printable(text string, most int) string {
	var b strings.Builder
	n := 0
	for _, r := range text {
		if n++; n > most {
			b.WriteString("…")
			break
		}
		if unicode.IsGraphic(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
	}
	return b.String()
}

// errorText is an error for a terminal. The names of files in it may hold anything; the lines are its own.
func errorText(err error) string {
	text := err.Error()
	if e, ok := errors.AsType[*fs.PathError](err); ok && e.Path != "" {
		text = strings.ReplaceAll(text, e.Path, printable(e.Path, 200))
	}
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = printable(lines[i], 2000)
	}
	return strings.Join(lines, "\n")
}
