package prepareimport

import (
	"context"
	"errors"
	"io"
	"slices"

	"userdrop/internal/aws/objects"
	"userdrop/internal/contract"
	"userdrop/internal/usercsv"
)

// sink writes what the engine makes of a drop into the work bucket; a dry run keeps only what is wrong.
type sink struct {
	work       *objects.Store
	importID   string
	dry        bool
	roster     *roster // of a dry run that looks for users
	parts      map[int]*partWriter
	outcomes   *objects.JSONLines
	exclusions *objects.JSONLines
	wanted     contract.Changes // by accepted rows
	// unchanged are those of them that existing users have already, and kept counts those users' rows by source.
	unchanged contract.Changes
	kept      map[int]int
	timeout   int64                      // of executions, in seconds
	changes   map[int]*objects.JSONLines // what rows want, by part
	accepted  *objects.JSONLines         // nil where the stack does not map users
}

// OpenPart begins a part's objects.
func (s *sink) OpenPart(ctx context.Context, part usercsv.Part) (usercsv.PartWriter, error) {
	switch {
	case s.roster != nil:
		return &dryPart{roster: s.roster}, nil
	case s.dry:
		return nowhere{}, nil
	}
	w := &partWriter{
		text:  s.work.Upload(ctx, contract.PartKey(s.importID, part.Number, 1), "text/csv"),
		lines: s.work.Upload(ctx, contract.LinesKey(s.importID, part.Number, 1), "application/octet-stream"),
	}
	if s.parts == nil {
		s.parts = map[int]*partWriter{}
	}
	s.parts[part.Number] = w
	return w, nil
}

// Reject keeps a row's place, its codes, and what its message is made of; publish-result reads its cells again.
func (s *sink) Reject(ctx context.Context, row *usercsv.Rejected) error {
	outcome := contract.Outcome{Source: row.Source, Line: row.Line, Codes: slices.Collect(row.Codes.All())}
	if row.HasDetails() {
		outcome.Message = row.Message()
	} else {
		outcome.Attributes = row.Attributes()
	}
	return s.outcomes.Encode(ctx, outcome)
}

// Exclude keeps the place of a row that a mapping left out; publish-result reads its cells again.
func (s *sink) Exclude(ctx context.Context, row *usercsv.Excluded) error {
	return s.exclusions.Encode(ctx, contract.Exclusion{
		Source: row.Source, Line: row.Line, ID: row.ID, Because: row.Because, Text: row.Text,
	})
}

func (s *sink) discard() {
	for _, w := range s.parts {
		_ = w.Discard()
	}
	s.outcomes.Discard()
	for _, lines := range s.changes {
		lines.Discard()
	}
	if s.accepted != nil {
		s.accepted.Discard()
	}
	s.exclusions.Discard()
}

// partWriter is a part on its way into the work bucket.
type partWriter struct {
	text, lines *objects.Upload
	closed      bool
}

func (w *partWriter) Write(text []byte) (int, error) { return w.text.Write(text) }

// Lines receives the line map.
func (w *partWriter) Lines() io.Writer { return w.lines }

// Close ends the part; the text of one that equals the source is not kept.
func (w *partWriter) Close(part usercsv.PartSummary) error {
	w.closed = true
	if part.SourceIsPart {
		w.text.Discard()
		return w.lines.Close()
	}
	return errors.Join(w.text.Close(), w.lines.Close())
}

// Discard gives up a part that is not closed. One that is stays until the import is done, without harm: no plan names
// it.
func (w *partWriter) Discard() error {
	if !w.closed {
		w.closed = true
		w.text.Discard()
		w.lines.Discard()
	}
	return nil
}
