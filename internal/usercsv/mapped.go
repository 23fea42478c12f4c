package usercsv

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"userdrop/internal/contract"
	"userdrop/internal/usercsv/dialect"
)

// Mapping turns the rows of another product's export into rows of attributes, before the rules see them. Package
// mapping has the one that there is.
type Mapping interface {
	// Knows reports whether a column's name means something to the mapping.
	Knows(name string) bool
	// Positions are the columns' names where the file has no header; nil if it has one.
	Positions() []string
	// Open returns what maps the rows of a source that has columns of these names. An error is a *Refusal.
	Open(names []string) (RowMapper, error)
}

// RowMapper maps the rows of one source.
type RowMapper interface {
	// Attributes are those that mapped rows have.
	Attributes() []string
	// Map maps the cells of a row. The result is valid until the next call, and as long as the cells are.
	Map(cells [][]byte) *Mapped
}

// Mapped is what a mapping makes of a record.
type Mapped struct {
	Values [][]byte // of the attributes, in their order; nil is blank
	// Columns are given instead of Values where each attribute is a column of the row as it is.
	Columns []int
	ID      string // the stable id that the product gives the user, empty if there is none
	// Because is the word for why the row is left out, empty if it is not; Text says it in a sentence.
	Because, Text string
	// Failed is the place in the mapping of the expression that failed for the row, empty if none did. Reason says more;
	// it may hold a part of the row.
	Failed, Reason string
	Notes          []contract.NoteCode
}

// Records yields the records of an export that is not CSV, mapped.
type Records interface {
	Attributes() []string
	// Next returns the next record's place, text and what it became. After the last one the error is io.EOF.
	Next() (place int, raw []byte, mapped *Mapped, err error)
}

// Excluded is a row that a mapping left out.
type Excluded struct {
	Row
	Header *Header
	*Mapped
}

// ExcludeSink is a [Sink] that receives the rows that a mapping leaves out.
type ExcludeSink interface {
	// Exclude receives a row. It is valid until Exclude returns.
	Exclude(ctx context.Context, row *Excluded) error
}

// CheckedRow is a row that was mapped and checked.
type CheckedRow struct {
	Place
	ID    string
	Codes contract.Codes
	// Values are those of the mapped attributes in the form that reaches Cognito; as the mapping gave them where the
	// rules could not read them. There are none where the mapping failed.
	Attributes []string
	Values     [][]byte
}

// CheckedSink is a [Sink] that receives every row that a mapping does not leave out, accepted or rejected.
type CheckedSink interface {
	// Checked receives a row. It is valid until Checked returns.
	Checked(ctx context.Context, row *CheckedRow) error
}

// Columns returns the pool's columns: its header, with password_hash if that depends on the file.
func (p *Pool) Columns() []string {
	columns, offersHash := p.columns()
	columns = slices.Concat(columns, p.changeColumns())
	if offersHash {
		columns = append(columns, colHash)
	}
	return columns
}

// FoldName returns a column's name as names are compared: without case, spaces, _, - and what surrounds it.
func FoldName(name string) string { return fold(name) }

// IsStatusColumn reports whether a column of this name says who may sign in, so that only its own name leaves it out.
func IsStatusColumn(name string) bool { return isStatus(fold(name)) }

// IsOurs reports whether a column is one that failed.csv, excluded.csv or converted.csv added.
func IsOurs(name string) bool { return strings.HasPrefix(trimName(name), ourColumns) }

// ParseTime reads a time in one of the forms of updated_at, or a date.
func ParseTime(text []byte) (t time.Time, ok bool) {
	if d, ok := parseDate(text); ok && len(text) == len("2006-01-02") {
		return time.Date(d.year, time.Month(d.month), d.day, 0, 0, 0, 0, time.UTC), true
	}
	seconds, _, ok := parseUpdatedAt(text)
	return time.Unix(seconds, 0).UTC(), ok
}

// ParseHash returns a password hash's algorithm, whether its parameters are within Cognito's maxima, and whether it has
// one of the forms that Cognito takes.
func ParseHash(text []byte) (algorithm Algorithm, within, ok bool) { return parseHash(text) }

// Text returns a source's text as UTF-8 without a byte order mark. An error is a *Refusal if the source is no text.
func Text(r io.Reader) (io.Reader, error) { return decode(r) }

// Use sets the settings of the sources that are added from now on: each may have a mapping of its own.
func (p *Preparer) Use(settings Settings) error {
	p.settings = settings
	return settings.Validate()
}

// AddRecords prepares the next source out of mapped records, as [Preparer.Add] does out of CSV.
func (p *Preparer) AddRecords(ctx context.Context, records Records) (SourceSummary, error) {
	return p.addSource(func(source int) (SourceSummary, error) {
		attributes, problems := mappedHeader(records.Attributes(), p.pool)
		if len(problems) > 0 {
			return SourceSummary{}, &Refusal{Problems: problems}
		}
		return p.addRows(ctx, source, &scanner{mapped: &mappedRows{records: records}}, Header{}, attributes)
	})
}

// readMappedHeader finds the header line of an export and its delimiter, opens the mapping, and moves to the first row.
// It returns the source's header, and that of the mapped rows.
func (s *scanner) readMappedHeader(pool *Pool, mapping Mapping) (header, attributes Header, err error) {
	header, known, err := s.exportHeader(pool, 0, mapping.Knows, mapping.Positions())
	if err != nil {
		return header, attributes, err
	}
	if known == 0 {
		return header, attributes, Refuse(contract.NoHeader, "The first line does not name the columns that the mapping "+
			"reads. Export the file again with its header line, or choose another mapping.")
	}
	mapper, err := mapping.Open(header.Names)
	refusal, refused := errors.AsType[*Refusal](err)
	if err != nil && !refused {
		return header, attributes, err
	}
	if refused {
		return header, attributes, refusal
	}
	attributes, problems := mappedHeader(mapper.Attributes(), pool)
	if len(problems) > 0 {
		return header, attributes, &Refusal{Problems: problems}
	}
	s.mapped = &mappedRows{mapper: mapper}
	return header, attributes, nil
}

// mappedHeader returns the header of rows that a mapping makes, and what is wrong with it for the pool.
func mappedHeader(names []string, pool *Pool) (Header, []contract.Problem) {
	columns, offersHash := pool.columns()
	known := newResolver(slices.Concat(columns, pool.changeColumns()), offersHash)
	h := Header{Names: names, Attributes: names, ID: -1}
	return h, h.problems(pool, known, nil)
}

// exportHeader finds the header of an export under the delimiter that gives most names that are known, then most names,
// and moves to the first row. A delimiter other than 0 is the file's. It returns how many names are known: of a file
// without a header, how many fields have a name.
func (s *scanner) exportHeader(
	pool *Pool, delimiter byte, knows func(string) bool, positions []string,
) (header Header, known int, err error) {
	fixed, err := s.findHeader(pool)
	if err != nil {
		return header, 0, err
	}
	candidates := delimiters
	if delimiter = cmp.Or(fixed, delimiter); delimiter != 0 {
		candidates = []byte{delimiter}
	}
	start, line := s.pos, s.line
	header = Header{ID: -1, Delimiter: candidates[0]}
	known = -1
	for _, d := range candidates {
		s.pos, s.line = start, line
		names, ok := s.namesUnder(d)
		if !ok {
			continue
		}
		names, n := s.exportNames(names, knows, positions)
		if n > known || n == known && len(names) > len(header.Names) {
			s.headerFields = len(s.fields)
			header.Names, header.Delimiter, known = names, d, n
		}
	}
	s.pos, s.line = start, line
	s.setDelimiter(header.Delimiter)
	if positions == nil {
		s.skipLine(false)
	}
	s.width = len(header.Names)
	header.Attributes = make([]string, len(header.Names))
	return header, known, nil
}

// exportNames returns the names in the line that was split, and how many of them are known.
func (s *scanner) exportNames(
	found []string, knows func(string) bool, positions []string,
) (names []string, known int) {
	if positions != nil {
		if n := len(s.fields); n < len(positions) || n > len(positions)+1 {
			return nil, 0
		}
		return positions, len(positions)
	}
	for _, name := range found {
		names = append(names, trimName(name))
	}
	for _, name := range names {
		if knows(name) {
			known++
		}
	}
	return names, known
}

// OpenRows reads a CSV source whose header is not the pool's, since a mapping takes it. delimiter is the source's, 0 if
// it is not known; positions are the names of its columns if it has no header.
func OpenRows(r io.Reader, delimiter byte, positions []string, source int) (*Rows, error) {
	text, err := decode(r)
	if err != nil {
		return nil, err
	}
	s := newScanner(text)
	header, _, err := s.exportHeader(&Pool{}, delimiter, func(string) bool { return false }, positions)
	return &Rows{Header: header, s: s, source: source, fields: s.headerFields}, err
}

// mappedRows is what a scanner has where a mapping makes the rows.
type mappedRows struct {
	mapper  RowMapper // of CSV rows, or
	records Records   // of another export
	outcome *Mapped   // of the row, nil if it could not be read
	cells   [][]byte  // what was mapped
	text    []byte    // the values of the row
	rows    scanner   // the values as the rules read them
}

// nextRow moves to the next row and maps it, if there is a mapping.
func (s *scanner) nextRow() bool {
	m := s.mapped
	switch {
	case m == nil:
		return s.next()
	case m.records != nil:
		place, raw, mapped, err := m.records.Next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				s.err = err
			}
			return false
		}
		s.rowLine, s.rowEnd, s.row, s.cut, s.code, m.outcome = place, place, raw, false, 0, mapped
		s.keepRow()
		return true
	case !s.next():
		return false
	}
	m.outcome = nil
	if s.code == 0 {
		m.cells = m.cells[:0]
		for i := range s.width {
			m.cells = append(m.cells, s.cell(i))
		}
		m.outcome = m.mapper.Map(m.cells)
	}
	return true
}

// excluded reports whether the mapping leaves the row out.
func (s *scanner) excluded() bool {
	return s.mapped != nil && s.mapped.outcome != nil && s.mapped.outcome.Because != ""
}

// forRules returns the row as the rules read it: as it is, or what the mapping made of it.
func (s *scanner) forRules() *scanner {
	m := s.mapped
	if m == nil || m.outcome == nil {
		return s
	}
	row := &m.rows
	row.mapped, row.rowLine, row.rowEnd = m, s.rowLine, s.rowEnd
	row.fields, row.text = row.fields[:0], row.text[:0]
	if m.outcome.Columns != nil {
		row.buf = s.buf
		for _, column := range m.outcome.Columns {
			row.fields = append(row.fields, s.fields[column])
		}
		return row
	}
	row.buf = m.text[:0]
	for _, value := range m.outcome.Values {
		from := len(row.buf)
		row.buf = append(row.buf, value...)
		row.fields = append(row.fields, field{int32(from), int32(len(row.buf)), formQuoted, classify(value)})
	}
	m.text = row.buf
	return row
}

// takeMapped takes the notes of a mapped row. It reports false if the mapping failed for it.
func (c *checker) takeMapped(outcome *Mapped) bool {
	for _, code := range outcome.Notes {
		c.note(code)
	}
	if outcome.Failed == "" {
		return true
	}
	c.fault(contract.MappingFailed, nil, "It is "+outcome.Failed+" in the mapping.")
	return false
}

// exclude hands over a row that the mapping leaves out.
func (p *Preparer) exclude(ctx context.Context, s *scanner, source int, header *Header) error {
	p.verbatim = false
	if p.excludes == nil {
		return nil
	}
	return p.excludes.Exclude(ctx, &Excluded{Row: s.current(source), Header: header, Mapped: s.mapped.outcome})
}

// show hands over a mapped row that was checked.
func (p *Preparer) show(ctx context.Context, source int, c *checker) error {
	if p.checked == nil || c.s.mapped == nil || c.s.code != 0 {
		return nil
	}
	m := c.s.mapped
	row := &CheckedRow{Place: Place{Source: source, Line: c.s.rowLine}, ID: m.outcome.ID, Codes: c.codes}
	if m.outcome.Failed == "" {
		row.Attributes, row.Values = c.checkedValues(m)
	}
	return p.checked.Checked(ctx, row)
}

// checkedValues returns the values of a mapped row in the form that reaches Cognito.
func (c *checker) checkedValues(m *mappedRows) (attributes []string, values [][]byte) {
	written := dialect.Values(string(c.line))
	readable := !c.codes.Has(contract.Unrepresentable) && len(written) == len(c.names)
	if m.records != nil {
		attributes = m.records.Attributes()
	} else {
		attributes = m.mapper.Attributes()
	}
	for i, name := range attributes {
		value := c.s.cell(i)
		if n := slices.Index(c.names, name); readable && n >= 0 && written[n] != "" {
			value = []byte(written[n])
		}
		values = append(values, value)
	}
	return attributes, values
}

// AppendCell appends a cell of a CSV file with commas, so that the source dialect reads it as the same text.
func AppendCell(to, text []byte) []byte {
	if bytes.ContainsAny(text, "\",\\\r\n") {
		return appendQuoted(to, text)
	}
	return append(to, text...)
}

// Fields returns how many fields the header line has, those without a name included.
func (r *Rows) Fields() int { return r.fields }
