package usercsv

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"userdrop/internal/contract"
)

// dataForms are what no column is called but a row holds.
var dataForms = []struct {
	what string
	form *regexp.Regexp
}{
	{"an email address", regexp.MustCompile(`[^\s@]@[^\s@]`)},
	{"a UUID", regexp.MustCompile(`(?i)^\{?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\}?$`)},
	{"a date", regexp.MustCompile(`(?i)^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([t\s].*)?$`)},
	{"a date", regexp.MustCompile(`(?i)^\d{1,2}[ .-]+[a-z]{3,9}[ .,-]+\d{2,4}$`)},
	{"a number", regexp.MustCompile(`(?i)^[-+]?\d+([.,]\d+)*(e[-+]?\d+)?$`)},
	{"a phone number", regexp.MustCompile(`^\+?[\s()./-]*\d[\d\s()./-]{5,}$`)},
	{"a hash", regexp.MustCompile(`\$.+\$`)},
	{"a hash", regexp.MustCompile(`(?i)^(0x)?[0-9a-f]{32,}$`)},
	{"a hash", regexp.MustCompile(`(?i)^\{[a-z0-9-]+\}.{16,}`)},
	{"a hash", regexp.MustCompile(`^[A-Za-z0-9+/_-]{6,}={1,2}$`)},
	{"a hash", regexp.MustCompile(`^[A-Za-z0-9+/]{40,}$`)},
}

// dataForm says what kind of data a name looks like, "" if none.
func dataForm(name string) string {
	name = strings.Trim(name, `"'`)
	for _, f := range dataForms {
		if f.form.MatchString(name) {
			return f.what
		}
	}
	return ""
}

// Quotation marks of typesetting, which CSV does not know. The single ones are also apostrophes.
const (
	doubleMarks = "“”„‟«»‹›「」『』〝〞〟＂❝❞"
	singleMarks = "‘’‚‛＇❛❜"
)

// inTypographicQuotes reports whether a name is in typographic quotation marks.
func inTypographicQuotes(name string) bool {
	first, last := firstRune(name), lastRune(name)
	return strings.ContainsRune(doubleMarks, first) || strings.ContainsRune(doubleMarks, last) ||
		strings.ContainsRune(singleMarks, first) && strings.ContainsRune(singleMarks, last) && len(name) > len("’")
}

func firstRune(text string) rune {
	for _, r := range text {
		return r
	}
	return unicode.ReplacementChar
}

func lastRune(text string) rune {
	last := unicode.ReplacementChar
	for _, r := range text {
		last = r
	}
	return last
}

// noHeader refuses a file whose first line is not a header, and says why in a sentence of its own. No name of such a
// line is shown: it is taken for somebody's data. The scanner is at the line; resolved is how many of its names mean
// something, -1 if it could not be split under any delimiter, and faulty says that under some it could not.
func (s *scanner) noHeader(pool *Pool, known *resolver, h Header, resolved int, faulty bool) *Refusal {
	line := s.textAhead()
	if resolved < 0 {
		return noHeaderBecause(pool, quotingFault)
	}
	named, ours, looks, column := 0, 0, "", 0
	for i := range h.Names {
		name := trimName(h.Names[i])
		_, isUnknown := slices.BinarySearch(h.unknown, i)
		switch {
		case name == "":
			continue
		case isUnknown && inTypographicQuotes(name):
			return noHeaderBecause(pool, "The names are in typographic quotation marks (curly quotes), which a word "+
				"processor or a web page puts in place of straight ones. Replace them by \" in the whole file, or remove them.")
		case h.ours(i):
			ours++
		}
		named++
		if looks == "" && isUnknown {
			looks, column = dataForm(name), i+1
		}
	}
	switch {
	case named == ours:
		return noHeaderBecause(pool, "The first line has no names but those of userdrop's own columns.")
	case looks == "" && !(named == 1 && len(h.unknown) > 0 && resolved == 0):
		return nil
	}
	if _, sep := strings.CutPrefix(strings.ToLower(strings.Trim(line, "\" \t")), "sep="); sep {
		return noHeaderBecause(pool, "The first line, sep=, names a delimiter that is not one of comma, semicolon, tab and "+
			"|. Save the file with one of those.")
	}
	if inner, whole := wholeLineQuoted(line, h); whole && known.namesIn(inner) > 0 {
		return noHeaderBecause(pool, "The whole line is in quotation marks, so it is read as one name. Remove the quotation "+
			"marks around each line, or put them around each value.")
	}
	if faulty && looks == "" && !isComment(line) {
		return noHeaderBecause(pool, quotingFault)
	}
	if n := s.headerBelow(known, 1); n > 0 {
		kind := "is not the header, but a title or the like"
		if isComment(line) {
			kind = "is a comment"
		}
		return noHeaderBecause(pool, fmt.Sprintf("The first line %s, and line %d looks like the header. Remove the lines "+
			"above line %d.", kind, n, n))
	}
	switch {
	case known.foreignDelimiter(line):
		return noHeaderBecause(pool, "The names are separated by a delimiter that is not one of comma, semicolon, tab and "+
			"|. Save the file with one of those.")
	case isComment(line):
		return noHeaderBecause(pool, "The first line is a comment. Remove it, so that the first line names the columns.")
	case looks != "":
		return noHeaderBecause(pool, fmt.Sprintf("Column %d of the first line looks like %s, so the line is taken for "+
			"somebody's data, not for a header.", column, looks))
	}
	return noHeaderBecause(pool, "The first line has one cell alone, which is no column of the user pool, so the line is "+
		"taken for somebody's data, not for a header.")
}

const quotingFault = "The header line has a quotation mark that is not closed, text behind a closing one, or a line " +
	"break inside a name. Correct the quotation marks of that line."

// noHeaderBecause refuses a file with a sentence about the cause and a header to paste.
func noHeaderBecause(pool *Pool, cause string) *Refusal {
	return Refuse(contract.NoHeader, cause+" The first line must name the columns, for example: "+
		strings.Join(neededColumns(pool), ","))
}

// neededColumns are the columns that a file for the pool needs at least.
func neededColumns(pool *Pool) []string {
	var needed []string
	if len(pool.UsernameAttributes) == 0 {
		needed = append(needed, colUsername)
	}
	columns, _ := pool.columns()
	for _, c := range columns {
		verified := strings.TrimSuffix(c, "_verified")
		switch {
		case c == colUsername:
		case pool.attribute(c).Required, slices.Contains(pool.AutoVerified, c), slices.Contains(pool.UsernameAttributes, c),
			(c == colEmailVerified || c == colPhoneVerified) && slices.Contains(pool.AutoVerified, verified):
			needed = append(needed, c)
		}
	}
	return needed
}

// isComment reports whether a line begins as comments do.
func isComment(line string) bool {
	line = strings.TrimLeft(line, "\" \t\ufeff")
	for _, begin := range []string{"#", "//", "--", "/*", "<!--", "%", "REM ", "rem "} {
		if strings.HasPrefix(line, begin) {
			return true
		}
	}
	return false
}

// wholeLineQuoted returns what is inside the quotation marks of a line that is one quoted name.
func wholeLineQuoted(line string, h Header) (inner string, whole bool) {
	line = strings.TrimSpace(line)
	if len(h.Names) != 1 || len(line) < 2 || (line[0] != '"' && line[0] != '\'') {
		return "", false
	}
	return strings.ReplaceAll(strings.Trim(line, line[:1]), `""`, `"`), true
}

// namesIn returns how many names of a line mean something, under the delimiter that serves it best.
func (r *resolver) namesIn(line string) int {
	most := 0
	for _, d := range delimiters {
		most = max(most, r.namesBetween(line, string(d)))
	}
	return most
}

// namesBetween returns how many names of a line mean something if it is split at a delimiter; 0 for one that is not.
func (r *resolver) namesBetween(line, delim string) int {
	names := strings.Split(line, delim)
	resolved := 0
	for _, name := range names {
		if _, ok := r.resolve(trimName(name)); ok && len(names) > 1 {
			resolved++
		}
	}
	return resolved
}

// longestHeader is how much of a line is looked at to find out why it is not a header.
const longestHeader = 16 << 10

// foreignDelimiter reports whether a line is a header with a delimiter that is none of ours.
func (r *resolver) foreignDelimiter(line string) bool {
	tried := map[rune]bool{'_': true, '-': true, '"': true, '\'': true}
	for _, c := range line {
		if unicode.IsLetter(c) || unicode.IsDigit(c) || tried[c] || len(tried) > 40 {
			continue
		}
		tried[c] = true
		if r.namesBetween(line, string(c)) > 1 {
			return true
		}
	}
	return false
}

// textAhead returns the line at pos, or its beginning.
func (s *scanner) textAhead() string {
	text := s.buf[s.pos:min(s.end, s.pos+longestHeader)]
	if n := indexBreak(text); n >= 0 {
		text = text[:n]
	}
	return string(text)
}

// headerSearch is how many lines of a file are searched for the header.
const headerSearch = 10

// headerBelow returns the number of the line among the file's first ten that looks most like the header, not counting
// skip lines from pos on; 0 if none does. It looks no further than the buffer.
func (s *scanner) headerBelow(known *resolver, skip int) int {
	best, most := 0, 1
	text := s.buf[s.pos:s.end]
	for line := s.line; line <= headerSearch && len(text) > 0; line++ {
		n := indexBreak(text)
		if n < 0 {
			n = len(text)
		}
		if resolved := known.namesIn(string(text[:min(n, longestHeader)])); line >= s.line+skip && resolved > most {
			best, most = line, resolved
		}
		if n+1 < len(text) && text[n] == '\r' && text[n+1] == '\n' {
			n++
		}
		text = text[min(n+1, len(text)):]
	}
	return best
}
