package publishresult

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"userdrop/internal/aws/awserror"
	"userdrop/internal/aws/objects"
	"userdrop/internal/contract"
	"userdrop/internal/usercsv"
)

// failures writes failed.csv, one for each source that needs one, and counts what is in it as problems. It leaves out
// settled rows.
func (p *Publish) failures(
	ctx context.Context, r *contract.Result, plan contract.Plan, failed []contract.Object, settled map[contract.Place]bool,
) error {
	rows := &merge{settled: settled}
	defer rows.close()
	for _, o := range append([]contract.Object{plan.Outcomes}, failed...) {
		if err := rows.open(ctx, p, o); err != nil {
			return err
		}
	}
	for i, source := range plan.Sources {
		told, written, err := p.failedCSV(ctx, plan, i, rows)
		if err != nil {
			return err
		}
		// The rules' own problems are in the plan already.
		r.Problems = contract.MergeProblems(r.Problems, told)
		if len(plan.Sources) > 1 {
			r.Sources[i].Problems = contract.MergeProblems(source.Problems, told)
		}
		if !written {
			continue
		}
		url := p.Results.URL(contract.FailedKey(plan.ImportID, i, len(plan.Sources)))
		if len(plan.Sources) > 1 {
			r.Sources[i].Files = &contract.Files{Failed: url}
		} else {
			r.Files.Failed = url
		}
	}
	return nil
}

func outcomes(summaries []contract.Summary) (objects []contract.Object) {
	for _, s := range summaries {
		objects = append(objects, s.Outcomes)
	}
	return objects
}

// failedCSV writes the rows of one source that did not make it, and counts those that the rules did not reject.
func (p *Publish) failedCSV(
	ctx context.Context, plan contract.Plan, source int, rows *merge,
) (told []contract.Problem, written bool, err error) {
	if _, ok := rows.peek(source); !ok {
		return nil, false, nil
	}
	file, err := p.openFailed(ctx, plan, source)
	if err != nil {
		return nil, false, err
	}
	defer file.discard()
	var tally usercsv.Tally
	var reasons reasons
	for o, ok := rows.peek(source); ok; o, ok = rows.peek(source) {
		if o.Codes[0] >= contract.CognitoFailed {
			tally.Add(o.Line, contract.CodesOf(o.Codes...))
			if o.Codes[0] == contract.CognitoFailed {
				reasons.add(o.Message)
			}
		}
		if err := errors.Join(file.write(o), rows.next()); err != nil {
			return nil, false, err
		}
	}
	told = tally.Problems()
	for i := range told {
		if told[i].Code == contract.CognitoFailed {
			told[i].Message = reasons.message()
		}
	}
	return told, file != nil, file.close()
}

// failedFile is a failed.csv on its way into the results bucket. Nil is one that can't be written.
type failedFile struct {
	source io.Closer
	cells  *usercsv.Rows
	upload *objects.Upload
	out    *usercsv.FailedWriter
	closed bool
}

// openFailed reads a source again, for the cells of its rows. Where somebody deleted its version for good, the lines in
// the result are all that is left of them, and the answer is nil.
func (p *Publish) openFailed(ctx context.Context, plan contract.Plan, source int) (*failedFile, error) {
	body, err := objects.OpenVersion(ctx, p.S3, plan.Sources[source].Object)
	if awserror.Name(err) == contract.Gone {
		slog.WarnContext(ctx, "The source is gone; failed.csv can't be written.", "importId", plan.ImportID)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	cells, err := readAgain(body, plan, source)
	if err != nil {
		return nil, errors.Join(err, body.Close())
	}
	key := contract.FailedKey(plan.ImportID, source, len(plan.Sources))
	upload := p.Results.Upload(ctx, key, "text/csv; charset=utf-8")
	return &failedFile{
		source: body, cells: cells, upload: upload, out: usercsv.NewFailedWriter(upload, cells.Header),
	}, nil
}

// readAgain reads the header of a source again, as prepare-import did.
func readAgain(body io.Reader, plan contract.Plan, source int) (*usercsv.Rows, error) {
	var rows *usercsv.Rows
	var err error
	if s := plan.Sources[source]; s.Mapping != nil {
		var delimiter byte
		if s.Delimiter != "" {
			delimiter = s.Delimiter[0]
		}
		rows, err = usercsv.OpenRows(body, delimiter, s.Positions, source)
	} else {
		rows, err = readUnmapped(body, plan, source)
	}
	if err != nil {
		return nil, fmt.Errorf("read the source again: %w", err)
	}
	return rows, nil
}

func readUnmapped(body io.Reader, plan contract.Plan, source int) (*usercsv.Rows, error) {
	pool, err := usercsv.DecodePool(plan.Pool)
	var settings usercsv.Settings
	text := plan.Settings
	if own := plan.Sources[source].Settings; own != nil {
		text = own
	}
	if err == nil && text != nil {
		err = json.Unmarshal(text, &settings)
	}
	if err != nil {
		return nil, err
	}
	return usercsv.NewRows(body, pool, settings, source)
}

func (f *failedFile) write(o contract.Outcome) error {
	if f == nil {
		return nil
	}
	row, err := f.cells.Seek(o.Line)
	if err != nil {
		return fmt.Errorf("read line %d of the source again: %w", o.Line, err)
	}
	codes := contract.CodesOf(o.Codes...)
	return f.out.Write(&row, codes, cmp.Or(o.Message, usercsv.Words(codes, o.Attributes)))
}

func (f *failedFile) close() error {
	if f == nil {
		return nil
	}
	f.closed = true
	return errors.Join(f.out.Flush(), f.upload.Close(), f.source.Close())
}

// discard gives up a file that is not closed.
func (f *failedFile) discard() {
	if f != nil && !f.closed {
		f.upload.Discard()
		_ = f.source.Close()
	}
}

// reasons counts what Cognito's log says of failed rows.
type reasons struct{ counts map[string]int }

func (r *reasons) add(reason string) {
	if reason == "" {
		return
	}
	if r.counts == nil {
		r.counts = map[string]int{}
	}
	if len(r.counts) < 1000 || r.counts[reason] > 0 {
		r.counts[reason]++
	}
}

// message words the three most frequent reasons.
func (r *reasons) message() string {
	texts := make([]string, 0, len(r.counts))
	for text := range r.counts {
		texts = append(texts, text)
	}
	slices.SortFunc(texts, func(a, b string) int {
		if d := r.counts[b] - r.counts[a]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	if len(texts) == 0 {
		return contract.CognitoFailed.Message()
	}
	for i, text := range texts[:min(len(texts), 3)] {
		texts[i] = text[:min(len(text), 200)] + " (" + strconv.Itoa(r.counts[text]) + ")"
	}
	message := "Cognito refused these rows: " + strings.Join(texts[:min(len(texts), 3)], " ")
	if more := len(texts) - 3; more > 0 {
		message += fmt.Sprintf(" And %d more reasons; failed.csv has each row's.", more)
	}
	return message
}

// merge reads outcomes of several objects, each ordered by source and line, in that order.
type merge struct {
	settled map[contract.Place]bool // rows that are left out
	streams []*stream
	bodies  []io.Closer
}

type stream struct {
	decoder *json.Decoder
	head    contract.Outcome
}

func (m *merge) open(ctx context.Context, p *Publish, o contract.Object) error {
	if o.Key == "" {
		return nil
	}
	body, err := objects.OpenVersion(ctx, p.S3, o)
	if err != nil {
		return err
	}
	m.bodies = append(m.bodies, body)
	s := &stream{decoder: json.NewDecoder(bufio.NewReader(body))}
	m.streams = append(m.streams, s)
	return m.advance(s)
}

func (m *merge) advance(s *stream) error {
	var err error
	for skip := true; skip && err == nil; skip = m.settled[contract.Place{Source: s.head.Source, Line: s.head.Line}] {
		s.head = contract.Outcome{}
		err = s.decoder.Decode(&s.head)
	}
	if errors.Is(err, io.EOF) {
		m.streams = slices.DeleteFunc(m.streams, func(t *stream) bool { return t == s })
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the outcomes of rows: %w", err)
	}
	return nil
}

func (m *merge) least() *stream {
	if len(m.streams) == 0 {
		return nil
	}
	return slices.MinFunc(m.streams, func(a, b *stream) int {
		if d := a.head.Source - b.head.Source; d != 0 {
			return d
		}
		return a.head.Line - b.head.Line
	})
}

// peek answers the next outcome; ok is false if it is not of that source.
func (m *merge) peek(source int) (o contract.Outcome, ok bool) {
	s := m.least()
	if s == nil || s.head.Source != source {
		return contract.Outcome{}, false
	}
	return s.head, true
}

func (m *merge) next() error { return m.advance(m.least()) }

func (m *merge) close() {
	for _, b := range m.bodies {
		_ = b.Close()
	}
}
