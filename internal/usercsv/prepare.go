package usercsv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"userdrop/internal/contract"
	"userdrop/internal/usercsv/linemap"
)

// Sink receives what a [Preparer] makes of a drop.
type Sink interface {
	// OpenPart begins a part. Parts of several algorithms may be open at a time.
	OpenPart(ctx context.Context, part Part) (PartWriter, error)
	// Reject receives a row that is rejected. The row is valid until Reject returns.
	Reject(ctx context.Context, row *Rejected) error
}

// Place is where a row is.
type Place = linemap.Place

// Row is a source's row as read.
type Row struct {
	Place
	LastLine int // the last line that the row, or what is wrong with its quoting, touches
	// Code says why the row could not be read (FieldCount, BadQuoting, RowTooLong), 0 if it could. Then Raw has its text,
	// all of it unless Cut; else Cells has its values, without quotation marks and with \, decoded, but not trimmed.
	Code  contract.Code
	Cells [][]byte
	Raw   []byte
	Cut   bool
}

// Rejected is a row with its problems.
type Rejected struct {
	Row
	Header *Header // of its source
	Codes  contract.Codes
	Faults []Fault // a code may have several
}

// SourceSummary says what was found in a source.
type SourceSummary struct {
	Header   Header
	Bytes    int64 // read of the source; all of them unless it was refused
	Read     int   // rows
	Excluded int   // by a mapping
	Rejected int
	Problems []contract.Problem // of rows
	Notes    []contract.Note
}

// Accepted is the number of rows that are in the parts.
func (s SourceSummary) Accepted() int { return s.Read - s.Excluded - s.Rejected }

// Summary says what was made of a drop.
type Summary struct {
	Sources  []SourceSummary // of all sources, also those that were refused
	Read     int
	Excluded int
	Rejected int
	Parts    []PartSummary
	Problems []contract.Problem // of the rows of all sources
	Notes    []contract.Note
}

// Preparer makes parts out of the sources of one drop.
type Preparer struct {
	// Limits are MaxPartRows, MaxPartBytes, MaxParts and MaxUsers unless they are set before the first source.
	Limits Limits

	pool     *Pool
	settings Settings
	sink     Sink
	wants    ChangeSink   // the same, or nil
	existing ExistingSink // the same, or nil
	accepts  AcceptSink   // the same, or nil
	excludes ExcludeSink
	checked  CheckedSink
	seen     *seen
	open     map[Algorithm]*openPart
	current  *openPart // the part of the row before
	parts    []*openPart
	users    int // accepted rows
	sources  []SourceSummary
	verbatim bool // header and rows so far are, byte for byte, what was read
	err      error
}

// NewPreparer makes a preparer for one drop.
func NewPreparer(pool *Pool, settings Settings, sink Sink) (*Preparer, error) {
	if err := settings.Validate(); err != nil {
		return nil, err
	}
	if settings.PhoneNumbers == nil || settings.Began.IsZero() {
		return nil, errors.New("the settings lack PhoneNumbers or Began")
	}
	if header, _ := pool.columns(); !slices.Contains(header, colUsername) {
		return nil, fmt.Errorf("the pool's header has no %s", colUsername)
	}
	wants, _ := sink.(ChangeSink)
	existing, _ := sink.(ExistingSink)
	accepts, _ := sink.(AcceptSink)
	if accepts != nil && !accepts.Accepts() {
		accepts = nil
	}
	excludes, _ := sink.(ExcludeSink)
	checked, _ := sink.(CheckedSink)
	return &Preparer{
		Limits: Limits{Rows: MaxPartRows, Bytes: MaxPartBytes, Parts: MaxParts, Users: MaxUsers},
		pool:   pool, settings: settings,
		sink: sink, wants: wants, existing: existing, accepts: accepts, excludes: excludes, checked: checked,
		seen: newSeen(), open: map[Algorithm]*openPart{}, verbatim: true,
	}, nil
}

// Add prepares the next source. A *Refusal says what is wrong with the file as a whole. If it is Late, rows were
// prepared before that showed, by a NUL, bad encoding, ambiguous dates or too many parts: the drop must be discarded.
// When a drop has several sources, [Verify] each first, so that one bad file does not spoil the others.
func (p *Preparer) Add(ctx context.Context, r io.Reader) (SourceSummary, error) {
	count := &counter{r: r}
	return p.addSource(func(source int) (SourceSummary, error) {
		summary, err := p.add(ctx, source, count)
		summary.Bytes = count.n
		return summary, err
	})
}

// addSource adds a source that add reads.
func (p *Preparer) addSource(add func(source int) (SourceSummary, error)) (SourceSummary, error) {
	if p.err != nil {
		return SourceSummary{}, p.err
	}
	source := len(p.sources)
	p.sources = append(p.sources, SourceSummary{})
	summary, err := add(source)
	p.sources[source] = summary
	refusal, refused := errors.AsType[*Refusal](err)
	if refused {
		refusal.Late = summary.Read > 0
		p.sources[source] = SourceSummary{Bytes: summary.Bytes}
	}
	if err != nil && (!refused || refusal.Late) {
		p.err = err
	}
	return p.sources[source], err
}

// counter counts the bytes of a source.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

// rowsPerLook is how many rows pass between two looks at the context.
const rowsPerLook = 512

func (p *Preparer) add(ctx context.Context, source int, r *counter) (summary SourceSummary, err error) {
	s, header, attributes, err := open(r, p.pool, p.settings)
	if err != nil {
		return summary, err
	}
	return p.addRows(ctx, source, s, header, attributes)
}

// addRows prepares the rows of s. header is the source's, attributes that of the rows that the rules see.
func (p *Preparer) addRows(
	ctx context.Context, source int, s *scanner, header, attributes Header,
) (summary SourceSummary, err error) {
	summary.Header = header
	check := newChecker(p.pool, p.settings, p.seen, attributes)
	columns := check.header()
	p.verbatim = p.verbatim && source == 0 && !s.converted && bytes.Equal(s.full, columns)
	var tally Tally
	var notes noteTally
	for s.nextRow() {
		if summary.Read%rowsPerLook == 0 && ctx.Err() != nil {
			return summary, ctx.Err()
		}
		summary.Read++
		if s.excluded() {
			summary.Excluded++
			if err := p.exclude(ctx, s, source, &header); err != nil {
				return summary, err
			}
			continue
		}
		check.check(s.forRules())
		accepted, err := p.remember(ctx, Place{Source: source, Line: s.rowLine}, check)
		if err != nil {
			return summary, err
		}
		notes.add(s.rowLine, check.notes)
		if err := p.show(ctx, source, check); err != nil {
			return summary, err
		}
		if !accepted {
			summary.Rejected++
			tally.addRow(s, check.codes)
			err = p.reject(ctx, source, s, check, &header)
		} else {
			err = p.take(ctx, Place{Source: source, Line: s.rowLine}, check, columns)
		}
		if err != nil {
			return summary, err
		}
	}
	switch refusal := check.birthdates.refusal(); {
	case s.err != nil:
		return summary, s.err
	case summary.Read == 0:
		return summary, Refuse(contract.NoRows, "")
	case refusal != nil:
		return summary, refusal
	}
	summary.Problems = tally.Problems()
	for i := range summary.Problems {
		if p := &summary.Problems[i]; p.Code == contract.NotVerified {
			p.Message = header.message(p.Code)
		}
	}
	summary.Notes = notes.all(&header)
	return summary, nil
}

// remember adds the username of the row that was checked to those of the drop, and returns whether the row is
// accepted: it is not if it has a problem, or the username of an earlier row that was accepted.
func (p *Preparer) remember(ctx context.Context, place Place, row *checker) (accepted bool, err error) {
	if row.hash == 0 {
		return false, nil
	}
	page, slot, found := p.seen.find(row.hash)
	if found {
		row.fault(contract.DuplicateUsername, row.roles[roleUsername], "")
	}
	if row.codes != 0 {
		return false, nil
	}
	if accepted, err := p.askExisting(ctx, place, row); !accepted || err != nil {
		return false, err
	}
	p.seen.add(row.hash, page, slot)
	p.verbatim = p.verbatim && !row.changes.kept && row.verbatim(row.s)
	return true, nil
}

// take hands an accepted row to the sink: into its part, and what it wants after the import.
func (p *Preparer) take(ctx context.Context, place Place, row *checker, columns []byte) error {
	if err := p.accept(ctx, place, row); err != nil {
		return err
	}
	if row.changes.kept {
		return nil
	}
	if err := p.append(ctx, place, row, columns); err != nil {
		return err
	}
	if p.wants == nil || row.changes.wanted.Empty() {
		return nil
	}
	return p.wants.Want(ctx, p.current.Part, place, row.cells[roleUsername].value, row.changes.wanted)
}

// reject hands the row that was checked to the sink.
func (p *Preparer) reject(ctx context.Context, source int, s *scanner, row *checker, header *Header) error {
	p.verbatim = false
	rejected := &Rejected{Row: s.current(source), Header: header, Codes: row.codes, Faults: row.faults}
	slices.SortStableFunc(rejected.Faults, func(a, b Fault) int { return int(a.Code) - int(b.Code) })
	return p.sink.Reject(ctx, rejected)
}

// open finds the header of a source. It returns that, and that of the rows that the rules see, which is another if they
// are mapped.
func open(r io.Reader, pool *Pool, settings Settings) (s *scanner, header, attributes Header, err error) {
	text, err := decode(r)
	if err != nil {
		return nil, header, attributes, err
	}
	s = newScanner(text)
	_, s.converted = text.(*utf16Reader)
	s.fill()
	if message := textFormat(s.buf[:min(s.end, longestBeginning)]); message != "" {
		return nil, header, attributes, Refuse(contract.NotCSV, message)
	}
	if settings.Mapping != nil {
		header, attributes, err = s.readMappedHeader(pool, settings.Mapping)
		return s, header, attributes, err
	}
	header, err = s.readHeader(pool, settings)
	return s, header, header, err
}

// Verify reads a source to its end, counts its rows, and returns what is wrong with the file as a whole, as a *Refusal.
func Verify(ctx context.Context, r io.Reader, pool *Pool, settings Settings) (rows int, err error) {
	s, _, header, err := open(r, pool, settings)
	if err != nil {
		return 0, err
	}
	check := newChecker(pool, settings, nil, header)
	for s.nextRow() {
		if rows%rowsPerLook == 0 && ctx.Err() != nil {
			return rows, ctx.Err()
		}
		rows++
		if !s.excluded() {
			check.countBirthdate(s.forRules())
		}
	}
	switch refusal := check.birthdates.refusal(); {
	case s.err != nil:
		return rows, s.err
	case rows == 0:
		return 0, Refuse(contract.NoRows, "")
	case refusal != nil:
		return rows, refusal
	}
	return rows, nil
}

// Skip passes over a source that is not to be prepared, so that the places of those after it count it.
func (p *Preparer) Skip() { p.sources = append(p.sources, SourceSummary{}) }

// Close ends the parts. Without an accepted row there is none.
func (p *Preparer) Close() (Summary, error) {
	if p.err != nil {
		return Summary{}, p.err
	}
	summary := Summary{Sources: p.sources, Parts: []PartSummary{}}
	var problems [][]contract.Problem
	var notes [][]contract.Note
	for _, s := range p.sources {
		summary.Read += s.Read
		summary.Excluded += s.Excluded
		summary.Rejected += s.Rejected
		problems = append(problems, s.Problems)
		notes = append(notes, s.Notes)
	}
	summary.Problems, summary.Notes = contract.MergeProblems(problems...), contract.MergeNotes(notes...)
	if p.verbatim && len(p.parts) == 1 && p.parts[0].Bytes == p.sources[0].Bytes {
		p.parts[0].SourceIsPart = true
	}
	for _, part := range p.parts {
		if p.err = part.close(); p.err != nil {
			return Summary{}, p.err
		}
		summary.Parts = append(summary.Parts, part.PartSummary)
	}
	return summary, nil
}

// Discard throws all parts away.
func (p *Preparer) Discard() error {
	var errs []error
	for _, part := range p.parts {
		errs = append(errs, part.w.Discard())
	}
	return errors.Join(errs...)
}
