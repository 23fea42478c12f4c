package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"unicode/utf8"

	"userdrop/internal/contract"
	"userdrop/internal/usercsv"
)

// samplesPerCode is how many lines of a problem are shown with their cells.
const samplesPerCode = 3

// sample is a line that has a problem, with the cell at fault. It is shown on the user's own terminal only.
type sample struct {
	line   int
	column string
	cell   string
	hidden bool   // the cell may not be shown
	detail string // what is wrong with it
}

// checkSink keeps a few samples of each problem and, with a directory, writes parts and failed.csv there.
type checkSink struct {
	hint    string // which mapping a refused file looks to need
	dir     string
	files   contract.Files
	samples map[contract.Code][]sample
	parts   []*filePart
	failed  *os.File
	rows    *usercsv.FailedWriter
	changes *contract.Changes // that accepted rows want
	left    *os.File
	out     *usercsv.ExcludedWriter
}

// newCheckSink makes the directory, if any, and removes what an earlier run left there.
func newCheckSink(dir string, source *os.File) (*checkSink, error) {
	s := &checkSink{dir: dir, samples: map[contract.Code][]sample{}}
	if dir == "" {
		return s, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	from, err := source.Stat()
	if err != nil {
		return nil, err
	}
	var old []string
	for _, entry := range entries {
		if !written.MatchString(entry.Name()) {
			continue
		}
		name := filepath.Join(dir, entry.Name())
		if info, err := os.Stat(name); err == nil && os.SameFile(info, from) {
			return nil, fmt.Errorf("%s would be overwritten: choose another directory for --out",
				printable(name, 200))
		}
		old = append(old, name)
	}
	for _, name := range old {
		if err := os.Remove(name); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// written are the names of the files that a check writes. A part-time.csv beside them is somebody else's.
var written = regexp.MustCompile(`^(part-\d{4,}\.csv|failed\.csv|excluded\.csv|result\.json)$`)

func (s *checkSink) OpenPart(_ context.Context, part usercsv.Part) (usercsv.PartWriter, error) {
	if s.dir == "" {
		return nowhere{}, nil
	}
	p := &filePart{name: filepath.Join(s.dir, fmt.Sprintf("part-%04d.csv", part.Number))}
	var err error
	if p.File, err = os.OpenFile(p.name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600); err != nil {
		return nil, err
	}
	s.parts = append(s.parts, p)
	s.files.Parts = append(s.files.Parts, p.name)
	return p, nil
}

func (s *checkSink) Reject(_ context.Context, row *usercsv.Rejected) error {
	for _, f := range row.Faults {
		shown := s.samples[f.Code]
		if len(shown) >= samplesPerCode || len(shown) > 0 && shown[len(shown)-1].line == row.Line {
			continue
		}
		s.samples[f.Code] = append(shown, newSample(row, f))
	}
	if s.dir == "" {
		return nil
	}
	if s.rows == nil {
		name := filepath.Join(s.dir, "failed.csv")
		var err error
		if s.failed, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600); err != nil {
			return err
		}
		s.files.Failed = name
		s.rows = usercsv.NewFailedWriter(s.failed, *row.Header)
		s.rows.Flags = true
	}
	return s.rows.WriteRejected(row)
}

// Exclude writes a row that the mapping left out.
func (s *checkSink) Exclude(_ context.Context, row *usercsv.Excluded) error {
	if s.dir == "" {
		return nil
	}
	if s.out == nil {
		name := filepath.Join(s.dir, "excluded.csv")
		var err error
		if s.left, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600); err != nil {
			return err
		}
		s.files.Excluded = name
		s.out = usercsv.NewExcludedWriter(s.left, *row.Header)
	}
	return s.out.Write(row)
}

// newSample takes the cell at fault, if it may be shown. What could not be split into cells may hold anything.
func newSample(row *usercsv.Rejected, f usercsv.Fault) sample {
	shown := sample{line: row.Line, column: f.Attribute}
	if f.Column < 0 {
		shown.detail = f.Detail
		return shown
	}
	shown.column = row.Header.Names[f.Column]
	if cell := row.Cells[f.Column]; row.Header.Shows(f.Column, cell) {
		shown.cell, shown.detail = cut(cell), f.Detail
	} else {
		shown.hidden = true
	}
	return shown
}

// cut copies the beginning of a cell, as much as anybody wants to see of it.
func cut(cell []byte) string {
	const most = 200
	if len(cell) <= most {
		return string(cell)
	}
	n := most
	for !utf8.RuneStart(cell[n]) {
		n--
	}
	return string(cell[:n])
}

// finish ends failed.csv.
func (s *checkSink) finish() error {
	var errs []error
	if s.rows != nil {
		errs = append(errs, s.rows.Flush(), s.failed.Close())
		s.failed = nil
	}
	if s.out != nil {
		errs = append(errs, s.out.Flush(), s.left.Close())
		s.left = nil
	}
	return errors.Join(errs...)
}

// discard removes what was written: the file is refused.
func (s *checkSink) discard() error {
	var errs []error
	for _, p := range s.parts {
		errs = append(errs, p.Discard())
	}
	if s.failed != nil {
		errs = append(errs, s.failed.Close(), os.Remove(s.files.Failed))
		s.failed = nil
	}
	if s.left != nil {
		errs = append(errs, s.left.Close(), os.Remove(s.files.Excluded))
		s.left = nil
	}
	return errors.Join(errs...)
}

// filePart is a part in a file.
type filePart struct {
	*os.File
	name string
}

func (*filePart) Lines() io.Writer { return io.Discard }

func (p *filePart) Close(usercsv.PartSummary) error { return p.File.Close() }

func (p *filePart) Discard() error {
	if err := p.File.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return err
	}
	return os.Remove(p.name)
}

// nowhere is a part that nobody wants to see.
type nowhere struct{}

func (nowhere) Write(p []byte) (int, error)     { return len(p), nil }
func (nowhere) Lines() io.Writer                { return io.Discard }
func (nowhere) Close(usercsv.PartSummary) error { return nil }
func (nowhere) Discard() error                  { return nil }
