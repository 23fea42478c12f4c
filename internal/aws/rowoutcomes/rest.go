package rowoutcomes

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"userdrop/internal/aws/objects"
	"userdrop/internal/contract"
	"userdrop/internal/usercsv/linemap"
)

// restWriter copies the rows without an outcome out of an attempt's object into the next one's.
type restWriter struct {
	from        io.Closer
	in          *bufio.Reader
	part, lines *objects.Upload
	out         *bufio.Writer
	mapped      *linemap.Writer
	rest        contract.Rest
	closed      bool
}

// openRest begins the next attempt's object; nil if no row goes on.
func (c *Collector) openRest(ctx context.Context, job contract.ImportJob, goesOn bool) (*restWriter, error) {
	if !goesOn {
		return nil, nil
	}
	body, err := objects.OpenVersion(ctx, c.s3, job.Object)
	if err != nil {
		return nil, err
	}
	partKey := contract.PartKey(job.ImportID, job.Part, job.Attempt+1)
	linesKey := contract.LinesKey(job.ImportID, job.Part, job.Attempt+1)
	w := &restWriter{
		from: body, in: bufio.NewReaderSize(body, 64<<10),
		part:  c.work.Upload(ctx, partKey, "text/csv"),
		lines: c.work.Upload(ctx, linesKey, "application/octet-stream"),
	}
	w.out = bufio.NewWriterSize(w.part, 64<<10)
	w.mapped = linemap.NewWriter(w.lines)
	w.rest.Object = contract.Object{Bucket: c.work.Bucket, Key: partKey}
	w.rest.Lines = contract.Object{Bucket: c.work.Bucket, Key: linesKey}
	if err := w.copyLine(true); err != nil { // the header
		w.discard()
		return nil, err
	}
	return w, nil
}

// copyLine takes one line of Cognito's dialect, in which no value holds a line break.
func (w *restWriter) copyLine(keep bool) error {
	for {
		piece, err := w.in.ReadSlice('\n')
		if keep {
			w.rest.Object.Bytes += int64(len(piece))
			if _, err := w.out.Write(piece); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(piece) > 0:
			return nil
		default:
			return err
		}
	}
}

func (w *restWriter) row(keep bool, place linemap.Place) error {
	if w == nil {
		return nil
	}
	if err := w.copyLine(keep); err != nil {
		return fmt.Errorf("read the rows of the attempt: %w", err)
	}
	if !keep {
		return nil
	}
	w.rest.Rows++
	return w.mapped.Add(place)
}

// close returns the rest; nil if no row goes on.
func (w *restWriter) close() (*contract.Rest, error) {
	if w == nil || w.rest.Rows == 0 {
		return nil, nil
	}
	w.closed = true
	err := errors.Join(w.out.Flush(), w.mapped.Flush(), w.part.Close(), w.lines.Close(), w.from.Close())
	w.rest.Object.VersionID, w.rest.Lines.VersionID = w.part.VersionID(), w.lines.VersionID()
	return &w.rest, err
}

func (w *restWriter) discard() {
	if w != nil && !w.closed {
		w.closed = true
		w.part.Discard()
		w.lines.Discard()
		_ = w.from.Close()
	}
}
