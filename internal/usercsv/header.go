package usercsv

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"userdrop/internal/contract"
)

// Header is a source's header line.
type Header struct {
	// Names are as read, trailing cells without a name dropped. They may be anybody's data.
	Names []string
	// Attributes has the attribute of each name; empty for our own columns of an earlier failed.csv, for columns that are
	// left out, and for IdColumn.
	Attributes []string
	// Ignored are the names of the columns that the settings leave out; "column N" for one without a name.
	Ignored []string
	// ID is the index of the setting IdColumn in Names, -1 if the source has no such column.
	ID int
	// Delimiter separates the source's fields.
	Delimiter byte

	unknown []int // the columns that nothing takes
	// assume offers AssumeVerified, if the file has no column that would say what is verified.
	assume string
}

// delimiters are those that a source may have, in the order of preference.
var delimiters = []byte{',', ';', '\t', '|'}

// readHeader finds the header line, decides the delimiter, and moves to the first line below. The error is a *Refusal
// if the file has no header that fits the pool.
func (s *scanner) readHeader(pool *Pool, settings Settings) (Header, error) {
	columns, offersHash := pool.columns()
	known := newResolver(slices.Concat(columns, pool.changeColumns()), offersHash)
	fixed, err := s.findHeader(pool)
	if err != nil {
		return Header{}, err
	}
	start, line := s.pos, s.line
	candidates := delimiters
	if fixed != 0 {
		candidates = []byte{fixed}
	}
	var header Header
	most, faulty := -1, false
	for _, d := range candidates {
		s.pos, s.line = start, line
		names, ok := s.namesUnder(d)
		if !ok {
			faulty = true
			continue
		}
		h, resolved := newHeader(names, known, settings)
		h.Delimiter = d
		if resolved > most || resolved == most && len(h.Names) > len(header.Names) {
			header, most = h, resolved
		}
	}
	s.pos, s.line = start, line
	if refusal := s.noHeader(pool, known, &header, most, faulty); refusal != nil {
		return Header{}, refusal
	}
	s.setDelimiter(header.Delimiter)
	s.width = len(header.Names)
	s.skipLine(false)
	s.full = s.buf[start:s.pos]
	header.leaveOutUnknown(settings)
	header.assume = header.offerAssume(pool, settings)
	if problems := header.problems(pool, known, s); len(problems) > 0 {
		return Header{}, &Refusal{Problems: problems}
	}
	return header, nil
}

// namesUnder splits the line at pos under a delimiter and moves behind it. It reports false if the line has a quoting
// fault or goes on in the next one.
func (s *scanner) namesUnder(delim byte) (names []string, ok bool) {
	s.setDelimiter(delim)
	s.width = maxRow + 1
	if s.split() != splitRow {
		return nil, false
	}
	names = make([]string, len(s.fields))
	for i := range names {
		names[i] = string(s.cell(i))
	}
	for len(names) > 0 && trimName(names[len(names)-1]) == "" {
		names = names[:len(names)-1]
	}
	return names, true
}

// newHeader finds out what each name means, and how many names mean something.
func newHeader(names []string, known *resolver, settings Settings) (h Header, resolved int) {
	h = Header{Names: names, Attributes: make([]string, len(names)), ID: -1}
	leaveOut := map[string]bool{}
	for _, name := range settings.IgnoreColumns {
		leaveOut[fold(name)] = name != AllUnknown
	}
	id := fold(settings.IDColumn)
	for i := range names {
		name := trimName(names[i])
		column, found := known.resolve(name)
		if found = found || h.ours(i); found {
			resolved++
		}
		folded := fold(name)
		isID := folded != "" && folded == id && h.ID < 0
		if isID {
			h.ID = i
		}
		switch {
		case h.ours(i):
		case !isID && folded != "" && leaveOut[folded]:
			h.Ignored = append(h.Ignored, name)
		case found:
			h.Attributes[i] = column
		case !isID:
			h.unknown = append(h.unknown, i)
		}
	}
	return h, resolved
}

// leaveOutUnknown leaves out the unknown columns if the settings say so, but for status columns.
func (h *Header) leaveOutUnknown(settings Settings) {
	if !slices.Contains(settings.IgnoreColumns, AllUnknown) {
		return
	}
	h.unknown = slices.DeleteFunc(h.unknown, func(i int) bool {
		if isStatus(fold(h.Names[i])) {
			return false
		}
		h.Ignored = append(h.Ignored, h.nameOf(i))
		return true
	})
}

// nameOf is the name of the nth column as people are told it.
func (h *Header) nameOf(n int) string {
	return cmp.Or(trimName(h.Names[n]), fmt.Sprintf("column %d", n+1))
}

// ours reports whether the nth column is one that failed.csv added.
func (h *Header) ours(n int) bool { return strings.HasPrefix(trimName(h.Names[n]), ourColumns) }

// offerAssume returns the sentence that offers AssumeVerified: only where the file has the address or number that the
// pool verifies, and no column that would say whether it is verified.
func (h *Header) offerAssume(pool *Pool, settings Settings) string {
	lacks := func(attribute, mark string, assumed bool) bool {
		return !assumed && slices.Contains(pool.AutoVerified, attribute) && slices.Contains(h.Attributes, attribute) &&
			!slices.Contains(h.Attributes, mark)
	}
	var values, what []string
	if lacks(colEmail, colEmailVerified, settings.assumesEmail()) {
		values, what = append(values, colEmail), append(what, "addresses")
	}
	if lacks(colPhone, colPhoneVerified, settings.assumesPhone()) {
		values, what = append(values, colPhone), append(what, "numbers")
	}
	if len(values) == 0 {
		return ""
	}
	return " If somebody has verified the " + strings.Join(what, " or ") + " of this file, say so by the setting " +
		"AssumeVerified (" + strings.Join(values, ", ") + ")."
}

// message is a code's message for the rows of this source.
func (h *Header) message(code contract.Code) string {
	if code == contract.NotVerified {
		return code.Message() + h.assume
	}
	return code.Message()
}

// Shows reports whether the cell of a column may be shown on the terminal of the file's owner: never a password hash,
// what an unknown column holds, what looks like a hash, or what is in a column whose name speaks of a secret.
func (h *Header) Shows(column int, cell []byte) bool {
	return column >= 0 && h.Attributes[column] != "" && h.Attributes[column] != colHash &&
		!secretName.MatchString(h.Names[column]) && !secretName.MatchString(h.Attributes[column]) &&
		!secretCell.Match(cell)
}

var (
	secretName = regexp.MustCompile(`(?i)pass|pwd|secret|token|credential|hash|salt|digest|private|api.?key|otp|\bpin\b`)
	secretCell = regexp.MustCompile(`\$[^$]+\$|[0-9A-Fa-f]{32,}|[A-Za-z0-9+/_-]{40,}|[A-Za-z0-9+/_-]{8,}={1,2}|` +
		`\{[A-Za-z0-9-]+\}.{8,}`)
)

// ignoredNote is the note about the columns that the settings leave out.
func (h *Header) ignoredNote() contract.Note {
	return contract.Note{
		Code: contract.ColumnIgnored, Count: len(h.Ignored), Lines: []int{}, Message: contract.ColumnIgnored.Message(),
		Columns: h.Ignored,
	}
}

// problems compares the header with the pool. The header of what a mapping makes has no scanner.
func (h *Header) problems(pool *Pool, known *resolver, s *scanner) []contract.Problem {
	var problems []contract.Problem
	if len(pool.AutoVerified) == 0 {
		problems = append(problems, Refuse(contract.PoolNotImportable, "").Problems...)
	}
	sources := map[string][]int{} // the columns of each attribute
	taken := map[string]bool{}
	for i, attribute := range h.Attributes {
		if attribute != "" {
			sources[attribute] = append(sources[attribute], i)
			taken[attribute] = true
		}
	}
	if len(h.unknown) > 0 {
		problems = append(problems, h.unknownColumns(known, taken, s))
	}
	if p := h.duplicateColumns(known, sources); p.Count > 0 {
		problems = append(problems, p)
	}
	if p := missingColumns(pool, known, taken, s == nil); p.Count > 0 {
		problems = append(problems, p)
	}
	return problems
}

// unknownColumns says what to do about each column that nothing takes.
func (h *Header) unknownColumns(known *resolver, taken map[string]bool, s *scanner) contract.Problem {
	p := contract.Problem{Code: contract.UnknownColumn, Count: len(h.unknown), Lines: []int{}}
	var texts []string // in the order of their first columns
	numbers := map[string][]int{}
	for _, i := range h.unknown {
		advice := adviceOther
		if len(p.Details) < mostAdvised {
			advice = known.advise(trimName(h.Names[i]), taken)
		}
		p.Columns = append(p.Columns, h.nameOf(i))
		p.Details = append(p.Details, contract.ColumnDetail{Number: i + 1, Name: trimName(h.Names[i]), Advice: advice})
		if numbers[advice] == nil {
			texts = append(texts, advice)
		}
		numbers[advice] = append(numbers[advice], i+1)
	}
	sentences := []string{contract.UnknownColumn.Message()}
	for _, text := range texts {
		sentences = append(sentences, columnList(numbers[text])+": "+text)
	}
	if len(taken) == 0 {
		if n := s.headerBelow(known, 0); n > 0 {
			below := fmt.Sprintf("Line %d looks like the header: remove the lines above it.", n)
			sentences = append(sentences, below)
			p.Details = append(p.Details, contract.ColumnDetail{Advice: below})
		}
	}
	p.Message = strings.Join(sentences, " ")
	return p
}

// duplicateColumns names the columns that mean one attribute.
func (h *Header) duplicateColumns(known *resolver, sources map[string][]int) contract.Problem {
	p := contract.Problem{Code: contract.DuplicateColumn, Lines: []int{}}
	var texts []string
	for _, attribute := range known.columns {
		if len(sources[attribute]) < 2 {
			continue
		}
		var numbers []int
		for _, i := range sources[attribute] {
			p.Columns = append(p.Columns, trimName(h.Names[i]))
			p.Details = append(p.Details, contract.ColumnDetail{
				Number: i + 1, Name: trimName(h.Names[i]), Advice: "means " + attribute + ".",
			})
			numbers = append(numbers, i+1)
		}
		texts = append(texts, strings.ToLower(columnList(numbers))+" mean "+attribute)
	}
	p.Count = len(p.Columns)
	p.Message = listed("Several columns mean the same attribute: keep one, and remove the others or leave them out "+
		"by the "+
		"setting IgnoreColumns.", texts)
	return p
}

// missingColumns names the attributes that the pool needs and the file, or its mapping, does not have.
func missingColumns(pool *Pool, known *resolver, taken map[string]bool, mapped bool) contract.Problem {
	p := contract.Problem{Code: contract.MissingColumn, Lines: []int{}}
	if !taken[colUsername] && !slices.ContainsFunc(pool.UsernameAttributes, func(a string) bool { return taken[a] }) {
		p.Columns = append(p.Columns, colUsername)
	}
	for _, attribute := range known.columns {
		if attribute != colUsername && !taken[attribute] && pool.attribute(attribute).Required {
			p.Columns = append(p.Columns, attribute)
		}
	}
	p.Count = len(p.Columns)
	message := contract.MissingColumn.Message()
	if mapped {
		message = "The user pool needs attributes that the mapping does not make from this file. Add them to the columns of " +
			"a copy of the mapping."
	}
	p.Message = listed(message, p.Columns)
	return p
}

const (
	// mostListed is how many columns or attributes a message names.
	mostListed = 20
	// mostAdvised is how many unknown columns get advice of their own: comparing names takes time.
	mostAdvised = 500
)

// listed is a message with what it is about, which must be names that the pool knows or numbers.
func listed(message string, about []string) string {
	text := message + " (" + strings.Join(about[:min(len(about), mostListed)], "; ")
	if n := len(about) - mostListed; n > 0 {
		text += fmt.Sprintf("; and %d more", n)
	}
	return text + ")"
}

// columnList names columns by their numbers: "Column 3", "Columns 4, 6 and 7".
func columnList(numbers []int) string {
	if len(numbers) == 1 {
		return fmt.Sprintf("Column %d", numbers[0])
	}
	var b strings.Builder
	shown := numbers[:min(len(numbers), mostListed)]
	for i, n := range shown {
		switch {
		case i == 0:
			fmt.Fprintf(&b, "Columns %d", n)
		case i == len(numbers)-1:
			fmt.Fprintf(&b, " and %d", n)
		default:
			fmt.Fprintf(&b, ", %d", n)
		}
	}
	if rest := len(numbers) - len(shown); rest > 0 {
		fmt.Fprintf(&b, " and %d more", rest)
	}
	return b.String()
}
