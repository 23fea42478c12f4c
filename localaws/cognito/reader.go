package cognito

import (
	"bufio"
	"errors"
	"io"
	"strings"
)

// reader reads the rows of an uploaded file in Cognito's dialect: UTF-8 without byte order mark, one row a line, no
// quoting, a comma in a value written "\,".
type reader struct {
	settings *Settings
	source   io.Closer
	lines    *bufio.Reader
	columns  []string
	index    map[string]int
	number   int   // of the line last read, as the log counts
	rows     int64 // read so far
	err      error
}

func newReader(settings *Settings, source io.ReadCloser) *reader {
	// Four bytes a character and a line end: a line that does not fit is longer than a row may be.
	return &reader{settings: settings, source: source, lines: bufio.NewReaderSize(source, 4*maxRowLength+2)}
}

func (r *reader) close() { _ = r.source.Close() }

var errTooLong = errors.New("line too long")

// line returns the next line without its end.
func (r *reader) line() (string, error) {
	line, err := r.lines.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = r.lines.ReadSlice('\n')
		}
		return "", errTooLong
	}
	if err != nil && len(line) == 0 {
		return "", err
	}
	text := strings.TrimSuffix(string(line), "\n")
	if r.settings.CRLFAccepted {
		text = strings.TrimSuffix(text, "\r")
	}
	return text, nil
}

func isBlank(line string) bool { return strings.Trim(line, blanks) == "" }

// next returns the next row that is not blank and its number in the log. A row that is too long comes as "".
func (r *reader) next() (number int, row string, err error) {
	for {
		row, err := r.line()
		switch {
		case err == nil && isBlank(row):
			if r.settings.BlankLinesCounted {
				r.number++
			}
			continue
		case err != nil && !errors.Is(err, errTooLong):
			r.err = err
			return 0, "", err
		}
		r.number++
		r.rows++
		return r.number, row, nil
	}
}

// split divides a line into values and trims them: "Any leading or trailing white space in an attribute value will be
// trimmed."
func (r *reader) split(line string) []string {
	if !strings.Contains(line, `\`) {
		values := strings.Split(line, ",")
		for i := range values {
			values[i] = strings.TrimSpace(values[i])
		}
		return values
	}
	var values []string
	var b strings.Builder
	flush := func() {
		values = append(values, strings.TrimSpace(b.String()))
		b.Reset()
	}
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && i+1 < len(line) && (line[i+1] == ',' || r.settings.Backslash == "any"):
			i++
			b.WriteByte(line[i])
		case c == ',':
			flush()
		default:
			b.WriteByte(c)
		}
	}
	flush()
	return values
}
