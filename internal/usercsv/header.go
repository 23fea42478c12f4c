package usercsv

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"userdrop/internal/contract"
)

// aliases are names that people give to standard columns, folded.
var aliases = map[string]string{
	"username": colUsername, "user": colUsername, "login": colUsername,
	"mfa": colMFA, "mfaenabled": colMFA,
	"firstname": "given_name",
	"lastname":  "family_name", "surname": "family_name",
	"fullname": "name", "displayname": "name",
	"mail": colEmail, "emailaddress": colEmail,
	"phone": colPhone, "mobile": colPhone, "phonenumber": colPhone,
	"dob": colBirthdate, "dateofbirth": colBirthdate,
	"timezone": "zoneinfo",
}

// Header is a source's header line.
type Header struct {
	// Names are as read, trailing cells without a name dropped. They may be anybody's data.
	Names []string
	// Attributes has the attribute of each name, empty for our own columns of an earlier failed.csv.
	Attributes []string
	// Ignored are the names of the columns that the settings leave out; "column N" for one without a name.
	Ignored []string
}

// resolver finds the attributes that a source's names mean.
type resolver struct {
	columns []string
	exact   map[string]string
	steps   []map[string]string // by folded name, in the order in which they are tried
}

// newResolver takes the pool's header and whether a password_hash at its end waits for a source that has one.
func newResolver(columns []string, offersHash bool) *resolver {
	if offersHash {
		columns = append(slices.Clip(columns), colHash)
	}
	r := &resolver{columns: columns, exact: map[string]string{}}
	folded, bare, alias := map[string]string{}, map[string]string{}, map[string]string{}
	first := func(m map[string]string, name, column string) {
		if _, taken := m[name]; !taken && name != "" {
			m[name] = column
		}
	}
	for _, c := range columns {
		first(r.exact, c, c)
		first(folded, fold(c), c)
		if name, ok := strings.CutPrefix(strings.TrimPrefix(c, "dev:"), "custom:"); ok {
			first(bare, fold(name), c)
		}
	}
	for name, c := range aliases {
		if slices.Contains(columns, c) {
			alias[name] = c
		}
	}
	r.steps = []map[string]string{folded, bare, alias}
	return r
}

// fold is a name without case, spaces, _, - and surrounding quotation marks.
func fold(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '_' || r == '-' {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
	return strings.Trim(name, `"'`)
}

func (r *resolver) resolve(name string) (string, bool) {
	if column, ok := r.exact[name]; ok {
		return column, true
	}
	name = fold(name)
	for _, step := range r.steps {
		if column, ok := step[name]; ok {
			return column, true
		}
	}
	return "", false
}

// nearest is the column whose name, or an alias of it, takes the fewest edits to reach.
func (r *resolver) nearest(name string) string {
	name = fold(name)
	name = name[:min(len(name), 100)] // what is longer is no misspelling, and comparing costs time by its length
	best, distance := "", 1<<30
	try := func(known, column string) {
		if d := edits(name, known, distance); d < distance {
			best, distance = column, d
		}
	}
	for _, c := range r.columns {
		try(fold(c), c)
		try(fold(strings.TrimPrefix(strings.TrimPrefix(c, "dev:"), "custom:")), c)
	}
	for _, alias := range slices.Sorted(maps.Keys(r.steps[2])) {
		try(alias, r.steps[2][alias])
	}
	return best
}

// edits is the Levenshtein distance of a and b, or limit if it is no less.
func edits(a, b string, limit int) int {
	x, y := []rune(a), []rune(b)
	if len(x)-len(y) >= limit || len(y)-len(x) >= limit {
		return limit
	}
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j := range y {
			cost := 1
			if x[i] == y[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j+1]+1, row[j]+1)
		}
	}
	return min(row[len(y)], limit)
}

// looksLikeData finds what no column is called but a row holds: an email address, a phone number, a date, a hash.
var looksLikeData = regexp.MustCompile(`(?i)[^\s@]@[^\s@]` + // an address
	`|^\+?[\d\s().-]{6,}$|^\+\d+$` + // a phone number, or a date in digits
	`|^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([t\s].*)?$` + // a date
	`|\$.+\$|^[0-9a-f]{32,}$|^\{[a-z0-9-]+\}.{16,}`) // a hash

// delimiters are those that a source may have, in the order of preference.
var delimiters = []byte{',', ';', '\t'}

// readHeader finds the header line, decides the delimiter, and moves to the first line below. The error is a *Refusal
// if the file has no header that fits the pool.
func (s *scanner) readHeader(pool *Pool, _ Settings) (Header, error) {
	columns, offersHash := pool.columns()
	if err := s.findHeader(columns); err != nil {
		return Header{}, err
	}
	known := newResolver(slices.Concat(columns, pool.changeColumns()), offersHash)
	start, line := s.pos, s.line
	var header Header
	var delim byte
	most := -1
	for _, d := range delimiters {
		s.pos, s.line, s.delim, s.width = start, line, d, maxRow+1
		if s.split() != splitRow {
			continue // a quoting fault, under this delimiter
		}
		h, resolved := s.namesResolved(known)
		if resolved > most || resolved == most && len(h.Names) > len(header.Names) {
			header, delim, most = h, d, resolved
		}
	}
	s.pos, s.line, s.delim, s.width = start, line, delim, len(header.Names)
	s.skipLine(false)
	s.full = s.buf[start:s.pos]
	if header.looksLikeData() {
		if len(header.Names) > 0 && sepLine.MatchString(header.Names[0]) {
			return Header{}, Refuse(NoHeader, "The first line, sep=, is meant for Excel alone. Remove it, so that the first "+
				"line names the columns.")
		}
		return Header{}, noHeader(columns)
	}
	if problems := header.problems(pool, known); len(problems) > 0 {
		return Header{}, &Refusal{Problems: problems}
	}
	return header, nil
}

// findHeader moves to the first line that is not blank under any delimiter, and reads all of it into the buffer. The
// error is a *Refusal if there is no such line, or none that can be read.
func (s *scanner) findHeader(columns []string) error {
	white := true // all that came before is white space
	for {
		var n int
		for {
			n = indexBreak(s.buf[s.pos:s.end])
			if n >= 0 && s.pos+n+1 < s.end || !s.fill() {
				break
			}
		}
		if n < 0 {
			n = s.end - s.pos
		}
		text := s.buf[s.pos : s.pos+n]
		switch {
		case s.err != nil:
			return s.err
		case s.fault >= 0 && s.fault <= s.pos+n:
			return s.refusal()
		case s.pos == s.end && white:
			return Refuse(EmptyFile, "")
		case s.pos == s.end:
			return noHeader(columns)
		}
		under := slices.IndexFunc(delimiters, func(d byte) bool { return blankText(text, d) })
		if under < 0 && n <= maxRow {
			return nil
		}
		white = white && blank(text)
		if under >= 0 {
			s.delim = delimiters[under]
		}
		if !s.skipLine(under >= 0) {
			// A header line longer than any row.
			if s.fault >= 0 && indexBreak(s.buf[s.pos:s.fault]) < 0 {
				return s.refusal()
			}
			return cmp.Or(s.err, error(noHeader(columns)))
		}
	}
}

// namesResolved takes the names of the row that was split, and how many of them mean something.
func (s *scanner) namesResolved(known *resolver) (Header, int) {
	names := make([]string, len(s.fields))
	for i := range names {
		names[i] = string(s.cell(i))
	}
	for len(names) > 0 && strings.TrimSpace(names[len(names)-1]) == "" {
		names = names[:len(names)-1]
	}
	h := Header{Names: names, Attributes: make([]string, len(names))}
	resolved := 0
	for i := range names {
		name := strings.TrimSpace(names[i])
		column, ok := known.resolve(name)
		if ok = ok || strings.HasPrefix(name, ourColumns); ok {
			h.Attributes[i] = column
			resolved++
		}
	}
	return h, resolved
}

// ignoredNote is the note about the columns that the settings leave out.
func (h *Header) ignoredNote() contract.Note {
	return contract.Note{
		Code: contract.ColumnIgnored, Count: len(h.Ignored), Lines: []int{}, Message: contract.ColumnIgnored.Message(),
		Columns: h.Ignored,
	}
}

// ours tells whether the nth column is one that failed.csv added.
func (h Header) ours(n int) bool { return strings.HasPrefix(strings.TrimSpace(h.Names[n]), ourColumns) }

// looksLikeData tells whether the line is somebody's data rather than names of columns.
func (h Header) looksLikeData() bool {
	resolved := false
	for i, name := range h.Names {
		if h.Attributes[i] != "" {
			resolved = true
		} else if !h.ours(i) && looksLikeData.MatchString(strings.Trim(strings.TrimSpace(name), `"'`)) {
			return true
		}
	}
	return !resolved
}

// problems compares the header with the pool.
func (h Header) problems(pool *Pool, known *resolver) []Problem {
	var problems []Problem
	add := func(code Code, columns []string, message string) {
		p := Problem{Code: code, Count: max(len(columns), 1), Lines: []int{}, Message: message, Columns: columns}
		problems = append(problems, p)
	}
	if len(pool.AutoVerified) == 0 {
		add(PoolNotImportable, nil, PoolNotImportable.Message())
	}
	var unknown, hints []string
	sources := map[string][]string{} // by attribute
	for i, name := range h.Names {
		name = strings.TrimSpace(name)
		switch attribute := h.Attributes[i]; {
		case attribute != "":
			sources[attribute] = append(sources[attribute], name)
		case h.ours(i):
		case name == "":
			unknown = append(unknown, fmt.Sprintf("column %d", i+1))
			hints = append(hints, fmt.Sprintf("column %d has no name", i+1))
		case fold(name) == fold(colHash):
			unknown = append(unknown, name)
			hints = append(hints, fmt.Sprintf("column %d: the pool takes no password hashes, as not all pools do", i+1))
		default:
			unknown = append(unknown, name)
			hint := fmt.Sprintf("column %d", i+1)
			if len(hints) < mostListed { // the others are only counted
				hint += ", nearest known name: " + known.nearest(name)
			}
			hints = append(hints, hint)
		}
	}
	if len(unknown) > 0 {
		add(UnknownColumn, unknown, listed(UnknownColumn, hints))
	}
	var doubled, attributes, missing []string
	needs := []string{colUsername}
	for _, attribute := range known.columns {
		if names := sources[attribute]; len(names) > 1 {
			doubled = append(doubled, names...)
			attributes = append(attributes, attribute)
		}
		if attribute != colUsername && pool.attribute(attribute).Required {
			needs = append(needs, attribute)
		}
	}
	if len(doubled) > 0 {
		add(DuplicateColumn, doubled, listed(DuplicateColumn, attributes))
	}
	for _, attribute := range needs {
		there := sources[attribute] != nil
		if attribute == colUsername {
			there = there || slices.ContainsFunc(pool.UsernameAttributes, func(a string) bool { return sources[a] != nil })
		}
		if !there {
			missing = append(missing, attribute)
		}
	}
	if len(missing) > 0 {
		add(MissingColumn, missing, listed(MissingColumn, missing))
	}
	return problems
}

// mostListed is how many columns a message names.
const mostListed = 20

// listed is the code's message with what it is about, which must be names that the pool knows or numbers.
func listed(code Code, about []string) string {
	text := code.Message() + " (" + strings.Join(about[:min(len(about), mostListed)], "; ")
	if n := len(about) - mostListed; n > 0 {
		text += fmt.Sprintf("; and %d more", n)
	}
	return text + ")"
}

// sepLine is the line by which a file tells Excel, and nothing else, what stands between its fields.
var sepLine = regexp.MustCompile(`(?i)^"?sep=`)

// noHeader refuses a file and shows a header to paste.
func noHeader(columns []string) *Refusal {
	return Refuse(NoHeader, NoHeader.Message()+" For example: "+strings.Join(columns, ","))
}
