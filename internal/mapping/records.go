package mapping

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"userdrop/internal/contract"
	"userdrop/internal/usercsv"
)

const (
	// maxRecord is the longest JSON record that is read, in bytes.
	maxRecord = 1 << 20
	// maxNames is how many different members the records of an export may have.
	maxNames = 10_000
)

// Record is one record of a JSON export. It is valid until the next one.
type Record struct {
	// Place is its number in an array, from 1, or its line in NDJSON.
	Place   int
	Members map[string]any
	// Raw is its text, as much as is kept of it.
	Raw []byte
	// Fault says why the record cannot be read: it is too long, nests too deep, or has a member twice.
	Fault error
}

// Records reads the records of a JSON or NDJSON export, one at a time: the elements of arrays, the elements of the
// array at a path inside an object, and any other object itself.
type Records struct {
	r      *bufio.Reader
	path   []string
	spread map[string]Pair
	line   int
	count  int   // records of arrays so far
	depth  []int // of the array whose elements are being read: how many objects are open around it
	raw    []byte
	ended  bool // the text ended between two values
}

// NewRecords reads the records in r, which is UTF-8. The mapping says where they are.
func NewRecords(r io.Reader, m *Mapping) *Records {
	records := &Records{r: bufio.NewReaderSize(r, 64<<10), line: 1, spread: m.Spread}
	if m.Records != "" {
		records.path = strings.Split(m.Records, ".")
	}
	return records
}

// Next returns the next record. After the last one the error is io.EOF; any other is a *usercsv.Refusal, or the
// reader's.
func (r *Records) Next() (*Record, error) {
	record, err := r.next()
	if errors.Is(err, io.EOF) && !r.ended {
		err = r.refuse("the text ends inside a value")
	}
	return record, err
}

// refuse returns the refusal of a text that is not JSON.
func (r *Records) refuse(what string) error {
	return usercsv.Refuse(contract.NotCSV, fmt.Sprintf("The file is not valid JSON: line %d: %s.", r.line, what))
}

// next reads on until a record is complete.
func (r *Records) next() (*Record, error) {
	for {
		c, err := r.space()
		switch {
		case err != nil:
			r.ended = len(r.depth) == 0
			return nil, err
		case len(r.depth) == 0 && c == '[':
			r.take()
			r.depth = append(r.depth, 0)
		case len(r.depth) == 0 && c == '{':
			record, err := r.document()
			if record != nil || err != nil {
				return record, err
			}
		case len(r.depth) > 0 && c == ']':
			r.take()
			if err := r.endArray(); err != nil {
				return nil, err
			}
		case len(r.depth) > 0 && c == ',':
			r.take()
		case len(r.depth) > 0 && c == '{':
			r.count++
			r.raw = r.raw[:0]
			if err := r.value(); err != nil {
				return nil, err
			}
			return r.record(r.count)
		default:
			return nil, r.refuse("a record is not an object")
		}
	}
}

// take passes over the character that space returned.
func (r *Records) take() { _, _ = r.r.ReadByte() }

// space passes over white space and returns the character behind it, which is yet to be read.
func (r *Records) space() (byte, error) {
	for {
		c, err := r.r.ReadByte()
		if err != nil {
			return 0, err
		}
		switch c {
		case '\n':
			r.line++
		case ' ', '\t', '\r':
		default:
			return c, r.r.UnreadByte()
		}
	}
}

// document reads an object that is not in an array. If it has the path's array, that is entered and the record is nil;
// else the object is the record.
func (r *Records) document() (*Record, error) {
	line := r.line
	r.raw = r.raw[:0]
	for level := 0; ; {
		if err := r.expect('{'); err != nil {
			return nil, err
		}
		entered, err := r.members(level)
		if err != nil {
			return nil, err
		}
		if !entered {
			return r.record(line)
		}
		c, err := r.space()
		switch {
		case err != nil:
			return nil, err
		case level+1 == len(r.path) && c == '[':
			r.take()
			r.depth = append(r.depth, level+1)
			return nil, nil
		case level+1 < len(r.path) && c == '{':
			level++
		default:
			return nil, r.refuse("what is at " + strings.Join(r.path[:level+1], ".") + " is not an array of records")
		}
	}
}

// expect reads one character.
func (r *Records) expect(want byte) error {
	c, err := r.space()
	if err != nil {
		return err
	}
	if c != want {
		return r.refuse(fmt.Sprintf("%q is missing", want))
	}
	r.take()
	r.keep(want)
	return nil
}

// keep keeps a character of the record's text.
func (r *Records) keep(c byte) {
	if len(r.raw) <= maxRecord {
		r.raw = append(r.raw, c)
	}
}

// members reads the members of an object, up to and including its end. It stops before the value of the path's member
// and reports whether it did.
func (r *Records) members(level int) (entered bool, err error) {
	for {
		c, err := r.space()
		switch {
		case err != nil:
			return false, err
		case c == '}':
			r.take()
			r.keep(c)
			return false, nil
		case c == ',':
			r.take()
			r.keep(c)
			continue
		case c != '"':
			return false, r.refuse("the name of a member is missing")
		}
		from := len(r.raw)
		if err := r.value(); err != nil {
			return false, err
		}
		name := string(r.raw[min(from, len(r.raw)):])
		if err := r.expect(':'); err != nil {
			return false, err
		}
		if level < len(r.path) && name == `"`+r.path[level]+`"` {
			return true, nil
		}
		if _, err := r.space(); err != nil {
			return false, err
		}
		if err := r.value(); err != nil {
			return false, err
		}
	}
}

// endArray leaves an array of records, and reads the rest of the objects around it.
func (r *Records) endArray() error {
	last := len(r.depth) - 1
	around := r.depth[last]
	r.depth = r.depth[:last]
	for range around {
		r.raw = r.raw[:0]
		if _, err := r.members(len(r.path)); err != nil {
			return err
		}
	}
	return nil
}

// value reads one value, whose first character is next, into raw. It follows strings and brackets alone: whether the
// text is valid shows when it is decoded.
func (r *Records) value() error {
	var open []byte
	inString, escaped, begun := false, false, false
	for {
		c, err := r.r.ReadByte()
		if err != nil {
			return err
		}
		if c == '\n' {
			r.line++
		}
		switch {
		case escaped:
			escaped = false
		case inString:
			escaped = c == '\\'
			inString = c != '"'
		case c == '"':
			inString = true
		case c == '{' || c == '[':
			if len(open) >= 2*maxDepth {
				return r.refuse("a value nests too deep")
			}
			open = append(open, c)
		case c == '}' || c == ']':
			if len(open) == 0 {
				return r.r.UnreadByte()
			}
			open = open[:len(open)-1]
		case len(open) == 0 && (c == ',' || c == ':' || c <= ' '):
			if c == '\n' {
				r.line--
			}
			if !begun {
				return r.refuse("a value is missing")
			}
			return r.r.UnreadByte()
		}
		begun = true
		r.keep(c)
		if len(open) == 0 && !inString && !escaped && (c == '"' || c == '}' || c == ']') {
			return nil
		}
	}
}

// record decodes the text that was read.
func (r *Records) record(place int) (*Record, error) {
	record := &Record{Place: place, Raw: r.raw}
	if !utf8.Valid(r.raw) && len(r.raw) <= maxRecord {
		refusal := usercsv.Refuse(contract.BadEncoding, "")
		refusal.Problems[0].Lines = []int{r.line}
		return nil, refusal
	}
	if len(r.raw) > maxRecord {
		record.Fault = errors.New("the record has over 1 MiB")
		return record, nil
	}
	value, err := decodeJSON(r.raw)
	if err != nil {
		if _, ok := errors.AsType[syntaxError](err); ok {
			return nil, r.refuse(err.Error())
		}
		record.Fault = err
		return record, nil
	}
	record.Members, _ = value.(map[string]any)
	record.Fault = r.spreadOut(record.Members)
	return record, nil
}

// spreadOut turns the entries of lists of names and values into members of the record.
func (r *Records) spreadOut(members map[string]any) error {
	for list, pair := range r.spread {
		entries, ok := members[list].([]any)
		if !ok {
			continue
		}
		delete(members, list)
		for _, entry := range entries {
			object, _ := entry.(map[string]any)
			name, ok := object[pair.Name].(string)
			if !ok {
				return fmt.Errorf("an entry of %s has no %s", list, pair.Name)
			}
			if _, doubled := members[name]; doubled {
				return fmt.Errorf("%s has an entry that is there twice, or is a member of the record too", list)
			}
			members[name] = object[pair.Value]
		}
	}
	return nil
}

// Names collects the names of the members of all records, in the order in which they are first met.
func Names(r *Records) ([]string, error) {
	var names []string
	known := map[string]bool{}
	for {
		record, err := r.Next()
		if errors.Is(err, io.EOF) {
			return names, nil
		}
		if err != nil {
			return nil, err
		}
		fresh := []string{}
		for name := range record.Members {
			if !known[name] {
				known[name] = true
				fresh = append(fresh, name)
			}
		}
		slices.Sort(fresh)
		names = append(names, fresh...)
		if len(names) > maxNames {
			return nil, usercsv.Refuse(contract.TooLarge,
				fmt.Sprintf("The records have over %d different members.", maxNames))
		}
	}
}
