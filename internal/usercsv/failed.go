package usercsv

import (
	"bufio"
	"bytes"
	"cmp"
	"io"
	"slices"
	"strconv"
	"strings"

	"userdrop/internal/contract"
)

// Rows reads a source again, row by row, to find the cells of rows that did not make it.
type Rows struct {
	Header Header
	s      *scanner
	source int
	fields int // of the header line
}

// NewRows reads the header of a source that a [Preparer] took as its nth, from 0.
func NewRows(r io.Reader, pool *Pool, settings Settings, source int) (*Rows, error) {
	s, header, _, err := open(r, pool, settings)
	if err != nil {
		return nil, err
	}
	return &Rows{Header: header, s: s, source: source}, nil
}

// Seek moves to the row that begins at line, or the first one below, and returns it. It is valid until the next Seek.
// Below the last row the error is io.EOF.
func (r *Rows) Seek(line int) (Row, error) {
	for r.s.next() {
		if r.s.rowLine >= line {
			return r.s.current(r.source), nil
		}
	}
	if r.s.err != nil {
		return Row{}, r.s.err
	}
	return Row{}, io.EOF
}

// FailedWriter writes failed.csv: the rows of one source that did not make it, with the reason in columns of our own,
// so that a repaired file can be dropped again. It is RFC 4180 in UTF-8, with LF, a byte order mark and the source's own
// delimiter, so that the spreadsheet that wrote the source opens it as it should. Cells are as read, neither trimmed nor
// altered for a spreadsheet's sake; only our own columns are made safe against formulas.
type FailedWriter struct {
	// Flags names settings in messages as flags of the command line, not as parameters of the stack.
	Flags bool

	header Header
	w      *bufio.Writer
	keep   []int // the source's columns less ours of an earlier failed.csv
	rawAt  int   // the column userdrop:raw of an earlier failed.csv, -1 if the source has none
	begun  bool
	names  [][]byte
}

// NewFailedWriter writes to w. Nothing is written before the first row.
func NewFailedWriter(w io.Writer, header Header) *FailedWriter {
	header.Delimiter = cmp.Or(header.Delimiter, ',')
	f := &FailedWriter{w: bufio.NewWriter(w), header: header, rawAt: -1}
	for i, name := range header.Names {
		if !header.ours(i) {
			f.keep = append(f.keep, i)
			f.names = append(f.names, []byte(name))
		} else if trimName(name) == ourColumns+"raw" {
			f.rawAt = i
		}
	}
	return f
}

// WriteRejected writes a row that the rules rejected.
func (f *FailedWriter) WriteRejected(row *Rejected) error {
	return f.Write(&row.Row, row.Codes, row.Message())
}

// Message says what is wrong with the row, in detail. It may name characters of its cells.
func (r *Rejected) Message() string {
	message := Words(r.Codes, r.Attributes())
	for _, f := range r.Faults {
		if f.Detail == "" {
			continue
		}
		if f.Attribute != "" && len(r.Faults) > 1 {
			message += " " + f.Attribute + ":"
		}
		message += " " + f.Detail
	}
	return message
}

// HasDetails reports whether Message says more than Words does.
func (r *Rejected) HasDetails() bool {
	return slices.ContainsFunc(r.Faults, func(f Fault) bool { return f.Detail != "" })
}

// Attributes are those at fault, joined, for each of the row's codes in order; "" for a code of the row as a whole.
func (r *Rejected) Attributes() []string {
	var attributes []string
	for c := range r.Codes.All() {
		var names []string
		for _, f := range r.Faults {
			if f.Code == c && f.Attribute != "" {
				names = append(names, f.Attribute)
			}
		}
		attributes = append(attributes, strings.Join(names, ", "))
	}
	return attributes
}

// Words joins the messages of codes, each behind the attributes at fault, if they are known.
func Words(codes contract.Codes, attributes []string) string {
	var messages []string
	for c := range codes.All() {
		message := c.Message()
		if n := len(messages); n < len(attributes) && attributes[n] != "" {
			message = attributes[n] + ": " + message
		}
		messages = append(messages, message)
	}
	return strings.Join(messages, " ")
}

// Write writes a row with the codes and the message that say why it did not make it.
func (f *FailedWriter) Write(row *Row, codes contract.Codes, message string) error {
	f.begin("line", "code", "message")
	for _, i := range f.keep {
		if row.Code != 0 {
			f.cell(nil)
			continue
		}
		f.cell(row.Cells[i])
	}
	if row.Code == contract.BadQuoting && row.LastLine > row.Line {
		message = strings.Replace(message, contract.BadQuoting.Message(), spanMessage(row.Line, row.LastLine), 1)
	}
	message = strings.Replace(message, contract.NotVerified.Message(), f.header.message(contract.NotVerified), 1)
	if f.Flags {
		message = contract.NameFlags(message)
	}
	raw := f.rawOf(row)
	if len(raw) > 0 {
		message += " The row's text is in userdrop:raw: put its values into their columns."
	}
	if row.Cut {
		message += " Only the first 16 KiB of the row's text are shown."
	}
	f.cell(strconv.AppendInt(nil, int64(row.Line), 10))
	f.cell(harmless([]byte(codes.String())))
	f.cell(harmless([]byte(message)))
	return f.raw(raw)
}

// rawOf returns the text of a row that could not be split: of one that an earlier failed.csv has, and that nobody has
// fixed since, the text from there.
func (f *FailedWriter) rawOf(row *Row) []byte {
	if row.Code != 0 || f.rawAt < 0 {
		return row.Raw
	}
	for _, i := range f.keep {
		if len(bytes.TrimSpace(row.Cells[i])) > 0 {
			return nil
		}
	}
	return row.Cells[f.rawAt]
}

// begin writes the header line before the first row: the source's columns, and ours of these names.
func (f *FailedWriter) begin(ours ...string) {
	if f.begun {
		return
	}
	f.begun = true
	f.w.WriteString("\ufeff")
	for _, name := range f.names {
		f.cell(name)
	}
	for _, name := range ours {
		f.cell([]byte(ourColumns + name))
	}
	f.w.WriteString(ourColumns + "raw\n")
}

// raw ends a row with the text of one that could not be split.
func (f *FailedWriter) raw(text []byte) error {
	f.w.Write(appendQuoted(f.w.AvailableBuffer(), harmless(text)))
	return f.w.WriteByte('\n')
}

// Flush writes what is left. Until then errors may go unseen.
func (f *FailedWriter) Flush() error { return f.w.Flush() }

// cell writes a cell and the delimiter behind it, in quotation marks where RFC 4180 asks for them. A backslash asks for
// them as well: one before a comma means something in the source dialect.
func (f *FailedWriter) cell(text []byte) {
	if bytes.ContainsAny(text, "\"\\\r\n") || bytes.IndexByte(text, f.header.Delimiter) >= 0 {
		f.w.Write(appendQuoted(f.w.AvailableBuffer(), text))
	} else {
		f.w.Write(text)
	}
	f.w.WriteByte(f.header.Delimiter)
}

// harmless puts a ' before what a spreadsheet would take for a formula.
func harmless(text []byte) []byte {
	if len(text) > 0 && strings.IndexByte("=+-@\t\r", text[0]) >= 0 {
		return append([]byte{'\''}, text...)
	}
	return text
}

// appendQuoted appends a cell in quotation marks, those in it doubled.
func appendQuoted(to, text []byte) []byte {
	to = append(to, '"')
	for {
		quote := bytes.IndexByte(text, '"')
		if quote < 0 {
			return append(append(to, text...), '"')
		}
		to = append(append(to, text[:quote+1]...), '"')
		text = text[quote+1:]
	}
}
