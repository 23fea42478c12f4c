package usercsv

import (
	"io"
	"strconv"
)

// ExcludedWriter writes excluded.csv: the rows of one source that a mapping left out, with the reason in columns of our
// own. It has the form of failed.csv. Cells are as read.
type ExcludedWriter struct{ f *FailedWriter }

// NewExcludedWriter writes to w. Nothing is written before the first row. The header has no names if the source is not
// CSV.
func NewExcludedWriter(w io.Writer, header Header) *ExcludedWriter {
	return &ExcludedWriter{NewFailedWriter(w, header)}
}

// Write writes a row.
func (e *ExcludedWriter) Write(row *Excluded) error {
	f := e.f
	f.begin("line", "id", "because", "message")
	for _, i := range f.keep {
		var cell []byte
		if i < len(row.Cells) {
			cell = row.Cells[i]
		}
		f.cell(cell)
	}
	f.cell(strconv.AppendInt(nil, int64(row.Line), 10))
	f.cell(harmless([]byte(row.ID)))
	f.cell([]byte(row.Because))
	f.cell(harmless([]byte(row.Text)))
	return f.raw(row.Raw)
}

// Flush writes what is left. Until then errors may go unseen.
func (e *ExcludedWriter) Flush() error { return e.f.Flush() }
