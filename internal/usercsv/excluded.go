package usercsv

import (
	"bufio"
	"io"
	"strconv"
)

// ExcludedWriter writes excluded.csv: the rows of one source that a mapping left out, with the reason in columns of our
// own. Cells are as read.
type ExcludedWriter struct {
	w     *bufio.Writer
	names []string
	begun bool
}

// NewExcludedWriter writes to w. Nothing is written before the first row. The header has no names if the source is not
// CSV.
func NewExcludedWriter(w io.Writer, header Header) *ExcludedWriter {
	return &ExcludedWriter{w: bufio.NewWriter(w), names: header.Names}
}

// Write writes a row.
func (e *ExcludedWriter) Write(row *Excluded) error {
	if !e.begun {
		e.begun = true
		e.w.WriteString("\uFEFF")
		for _, name := range e.names {
			e.cell([]byte(name))
		}
		e.w.WriteString("userdrop:line,userdrop:id,userdrop:because,userdrop:message,userdrop:raw\n")
	}
	for i := range e.names {
		var cell []byte
		if i < len(row.Cells) {
			cell = row.Cells[i]
		}
		e.cell(cell)
	}
	e.w.Write(strconv.AppendInt(e.w.AvailableBuffer(), int64(row.Line), 10))
	e.w.WriteByte(',')
	e.cell(harmless([]byte(row.ID)))
	e.cell([]byte(row.Because))
	e.cell(harmless([]byte(row.Text)))
	e.w.Write(AppendCell(e.w.AvailableBuffer(), harmless(row.Raw)))
	return e.w.WriteByte('\n')
}

// Flush writes what is left. Until then errors may go unseen.
func (e *ExcludedWriter) Flush() error { return e.w.Flush() }

func (e *ExcludedWriter) cell(text []byte) {
	e.w.Write(append(AppendCell(e.w.AvailableBuffer(), text), ','))
}
