package usercsv

import (
	"context"
	"io"

	"userdrop/internal/contract"
	"userdrop/internal/usercsv/linemap"
)

const (
	// MaxPartRows and MaxPartBytes are the limits of one import job (developer guide, "Quotas in Amazon Cognito"). AWS
	// does not say whether a megabyte is 10⁶ bytes or 2²⁰; the smaller is safe.
	MaxPartRows  = 500_000
	MaxPartBytes = 100_000_000
	// MaxUsers is how many rows of a drop may be accepted. A pool has 40 million users, unless AWS raises its quota. 24
	// bytes are remembered of each, so that prepare-import's memory is enough.
	MaxUsers = 50_000_000
	// MaxParts is how many parts a drop may have, 20 GB: a step of the workflow returns about a kilobyte for each
	// part, 256 at most.
	MaxParts = 200
)

// Limits bound the rows and bytes of a part, and the parts and accepted rows of a drop. A drop that has more is TooLarge.
type Limits struct {
	Rows  int
	Bytes int64
	Parts int
	Users int
}

// PartWriter receives one part.
type PartWriter interface {
	io.Writer // the part, in Cognito's dialect
	// Lines receives the part's line map, for a [linemap.Reader].
	Lines() io.Writer
	// Close ends the part. If it turns out that the source itself is the part, what was written but the line map may
	// be thrown away.
	Close(summary PartSummary) error
	// Discard throws the part away, before or after Close: its drop is refused.
	Discard() error
}

// Part is what one import job takes.
type Part struct {
	Number    int       // from 1, in the order of their first rows
	Algorithm Algorithm // of the password hashes in it
}

// PartSummary says what is in a part.
type PartSummary struct {
	Part
	Rows  int
	Bytes int64 // with the header
	// SourceIsPart says that the drop's only source is the part, byte for byte.
	SourceIsPart bool
}

// openPart is a part that rows are added to.
type openPart struct {
	PartSummary
	w      PartWriter
	text   []byte // not yet written
	lines  []byte // of the line map, not yet written
	last   Place
	closed bool
}

// flushAt is how much of a part is collected before it is written.
const flushAt = 64 << 10

// append adds the row that was checked to the open part of its algorithm. A new part opens only when the row would
// take the open one over a limit.
func (p *Preparer) append(ctx context.Context, place Place, row *checker, columns []byte) error {
	if p.users++; p.users > p.Limits.Users {
		return Refuse(contract.TooLarge, "")
	}
	part := p.current
	if part == nil || part.Algorithm != row.algorithm {
		part = p.open[row.algorithm]
		p.current = part
	}
	if part != nil && (part.Rows == p.Limits.Rows || part.Bytes+int64(len(row.line)) > p.Limits.Bytes) {
		if err := part.close(); err != nil {
			return err
		}
		part = nil
	}
	if part == nil {
		var err error
		if part, err = p.openPart(ctx, row.algorithm, columns); err != nil {
			return err
		}
	}
	part.text = append(part.text, row.line...)
	part.lines = linemap.Append(part.lines, part.last, place)
	part.last = place
	part.Rows++
	part.Bytes += int64(len(row.line))
	if len(part.text) >= flushAt {
		return part.flush()
	}
	return nil
}

// openPart begins a part with the header line. The error is a *Refusal if the drop has as many as it may have.
func (p *Preparer) openPart(ctx context.Context, algorithm Algorithm, columns []byte) (*openPart, error) {
	if len(p.parts) == p.Limits.Parts {
		return nil, Refuse(contract.TooLarge, "")
	}
	part := &openPart{PartSummary: PartSummary{Part: Part{Number: len(p.parts) + 1, Algorithm: algorithm}}}
	var err error
	if part.w, err = p.sink.OpenPart(ctx, part.Part); err != nil {
		return nil, err
	}
	part.text = append(make([]byte, 0, flushAt+maxLine), columns...)
	part.Bytes = int64(len(columns))
	p.open[algorithm], p.current = part, part
	p.parts = append(p.parts, part)
	return part, nil
}

func (o *openPart) flush() error {
	if _, err := o.w.Write(o.text); err != nil {
		return err
	}
	if _, err := o.w.Lines().Write(o.lines); err != nil {
		return err
	}
	o.text, o.lines = o.text[:0], o.lines[:0]
	return nil
}

func (o *openPart) close() error {
	if o.closed {
		return nil
	}
	if err := o.flush(); err != nil {
		return err
	}
	o.closed = true
	o.text, o.lines = nil, nil
	return o.w.Close(o.PartSummary)
}
