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

// firstLine is what the names of a line look like.
type firstLine struct {
	text        string // the line, or its beginning
	named, ours int    // names, and those of our own columns among them
	typographic bool   // an unknown name is in typographic quotation marks
	looks       string // the kind of data that an unknown name looks like
	column      int    // its number
}

func (s *scanner) inspect(h *Header) firstLine {
	line := firstLine{text: s.textAhead()}
	for i := range h.Names {
		name := trimName(h.Names[i])
		if name == "" {
			continue
		}
		line.named++
		if h.ours(i) {
			line.ours++
		}
		if _, isUnknown := slices.BinarySearch(h.unknown, i); isUnknown {
			line.typographic = line.typographic || inTypographicQuotes(name)
			if line.looks == "" {
				line.looks, line.column = dataForm(name), i+1
			}
		}
	}
	return line
}

// noHeader refuses a file whose first line is not a header, and says why in a sentence of its own. No name of such a
// line is shown: it is taken for somebody's data. The scanner is at the line; resolved is how many of its names mean
// something, -1 if it could not be split under any delimiter, and faulty says that under some it could not.
func (s *scanner) noHeader(pool *Pool, known *resolver, h *Header, resolved int, faulty bool) *Refusal {
	if resolved < 0 {
		return noHeaderBecause(pool, quotingFault)
	}
	line := s.inspect(h)
	switch {
	case line.typographic:
		return noHeaderBecause(pool, typographicQuotes)
	case line.named == line.ours:
		return noHeaderBecause(pool, "The first line has no names but those of userdrop's own columns.")
	case line.looks == "" && !(line.named == 1 && len(h.unknown) > 0 && resolved == 0):
		return nil
	}
	return noHeaderBecause(pool, s.cause(known, h, line, faulty))
}

// cause says why a line that is taken for somebody's data may be no header.
func (s *scanner) cause(known *resolver, h *Header, line firstLine, faulty bool) string {
	comment := isComment(line.text)
	below := s.headerBelow(known, 1)
	inner, wholeQuoted := wholeLineQuoted(line.text, h)
	switch {
	case strings.HasPrefix(strings.ToLower(strings.Trim(line.text, "\" \t")), "sep="):
		return "The first line, sep=, names a delimiter that is not one of comma, semicolon, tab and |. Save the file with " +
			"one of those."
	case wholeQuoted && known.namesIn(inner) > 0:
		return "The whole line is in quotation marks, so it is read as one name. Remove the quotation marks around each " +
			"line, or put them around each value."
	case faulty && line.looks == "" && !comment:
		return quotingFault
	case below > 0 && comment:
		return fmt.Sprintf("The first line is a comment, and line %d looks like the header. Remove the lines above line %d.",
			below, below)
	case below > 0:
		return fmt.Sprintf("The first line is not the header, but a title or the like, and line %d looks like the header. "+
			"Remove the lines above line %d.", below, below)
	case known.foreignDelimiter(line.text):
		return "The names are separated by a delimiter that is not one of comma, semicolon, tab and |. Save the file with " +
			"one of those."
	case comment:
		return "The first line is a comment. Remove it, so that the first line names the columns."
	case line.looks != "":
		return fmt.Sprintf("Column %d of the first line looks like %s, so the line is taken for somebody's data, not for a "+
			"header.", line.column, line.looks)
	}
	return "The first line has one cell alone, which is no column of the user pool, so the line is taken for somebody's " +
		"data, not for a header."
}

const (
	quotingFault = "The header line has a quotation mark that is not closed, text behind a closing one, or a line break " +
		"inside a name. Correct the quotation marks of that line."
	typographicQuotes = "The names are in typographic quotation marks (curly quotes), which a word processor or a web page " +
		"puts in place of straight ones. Replace them by \" in the whole file, or remove them."
)

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
func wholeLineQuoted(line string, h *Header) (inner string, whole bool) {
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
