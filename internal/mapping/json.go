package mapping

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const (
	// maxDepth is how deep a JSON text may nest.
	maxDepth = 64
	// maxElements is how many values a JSON text may have.
	maxElements = 100_000
)

// decodeJSON decodes one JSON text. Objects become maps, whole numbers ints, and whole numbers that do not fit text.
// A member that is a blank text is nil, as a blank cell is.
// Unlike encoding/json it refuses a member that is there twice, deep nesting, and text after the value.
func decodeJSON(text []byte) (any, error) {
	d := &jsonDecoder{Decoder: json.NewDecoder(bytes.NewReader(text)), left: maxElements}
	d.UseNumber()
	value, err := d.value(0)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, syntaxError("the JSON text ends too early")
	}
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, syntaxError("text follows the JSON value")
	}
	return value, nil
}

// syntaxError is the error of a text that is not JSON. It does not quote the text.
type syntaxError string

func (e syntaxError) Error() string { return string(e) }

type jsonDecoder struct {
	*json.Decoder
	left int
}

func (d *jsonDecoder) value(depth int) (any, error) {
	if d.left--; d.left < 0 {
		return nil, fmt.Errorf("the JSON text has over %d values", maxElements)
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("the JSON text nests deeper than %d levels", maxDepth)
	}
	token, err := d.Token()
	if err != nil {
		return nil, plainSyntax(err)
	}
	switch token := token.(type) {
	case json.Delim:
		if token == '[' {
			return d.array(depth)
		}
		return d.object(depth)
	case json.Number:
		return plainNumber(token), nil
	case string:
		if strings.Contains(token, "\x00") {
			return nil, errors.New("the JSON text has the character U+0000, which no CSV file may hold")
		}
		return token, nil
	default:
		return token, nil
	}
}

func (d *jsonDecoder) array(depth int) (any, error) {
	list := []any{}
	for d.More() {
		value, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	_, err := d.Token()
	return list, plainSyntax(err)
}

func (d *jsonDecoder) object(depth int) (any, error) {
	members := map[string]any{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, plainSyntax(err)
		}
		name, _ := token.(string)
		if _, doubled := members[name]; doubled {
			return nil, errors.New("the JSON text has an object with the same member twice")
		}
		value, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		if text, isText := value.(string); isText {
			value = nilIfBlank(text)
		}
		members[name] = value
	}
	_, err := d.Token()
	return members, plainSyntax(err)
}

// plainSyntax replaces a syntax error's text, which may quote the value, by one that gives its place alone.
func plainSyntax(err error) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return syntaxError(fmt.Sprintf("the JSON text is not valid at byte %d", syntax.Offset))
	}
	return err
}

// plainNumber returns a JSON number as an int, a float64, or, if it is a whole number that does not fit, its digits.
func plainNumber(n json.Number) any {
	if i, err := strconv.Atoi(n.String()); err == nil {
		return i
	}
	if !strings.ContainsAny(n.String(), ".eE") {
		return n.String()
	}
	f, err := n.Float64()
	if err != nil {
		return n.String()
	}
	return f
}
