package mapping

import (
	"crypto/sha1" //nolint:gosec // version 5 UUIDs are defined with SHA-1
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/expr-lang/expr/vm/runtime"
)

// Names of functions that only the rewriter calls.
const (
	stepName = "step()"
	addName  = "add()"
)

const (
	// maxText is the longest text that an expression may make.
	maxText = 1 << 20
	// maxSteps is how much work the predicates of one expression may do for a record. A step costs 1, and 1 more for
	// each 256 bytes of the record, since a predicate may look at all of it.
	maxSteps     = 200_000
	bytesPerStep = 256
)

// function is a function that expressions may call.
type function struct {
	least, most int
	hash        bool // it returns a password hash
	hidden      bool // only the rewriter calls it
	withNil     bool // it is called with nil arguments too; the others return nil if the first is nil
	call        func(s *state, args []any) (any, error)
}

func (f function) arity() string {
	switch {
	case f.most == 1 && f.least == 1:
		return "1 argument"
	case f.least == f.most:
		return fmt.Sprintf("%d arguments", f.least)
	}
	return fmt.Sprintf("%d to %d arguments", f.least, f.most)
}

// functions are all functions of mappings but [libraryFunctions]. Those of the library's own that fail with nil, or
// whose result can be much longer than their arguments, are replaced here.
var functions map[string]function

func init() {
	functions = map[string]function{
		stepName: {least: 1, most: 1, hidden: true, withNil: true, call: step},
		addName:  {least: 2, most: 2, hidden: true, withNil: true, call: add},

		"json":  {least: 1, most: 1, call: parseJSON},
		"time":  {least: 1, most: 1, call: parseTime},
		"after": {least: 2, most: 2, call: texts2(func(a, b string) any { return nilIfBlank(strings.TrimPrefix(a, b)) })},
		"items": {least: 2, most: 2, call: texts2(items)},
		"uuid":  {least: 1, most: 1, call: texts1(uuid)},
		"bool":  {least: 1, most: 1, call: boolean},
		"now":   {least: 0, most: 0, withNil: true, call: func(s *state, _ []any) (any, error) { return s.now, nil }},

		"bcrypt":   {least: 1, most: 1, hash: true, call: hashFunction(bcryptHash)},
		"phc":      {least: 1, most: 1, hash: true, call: hashFunction(phcHash)},
		"django":   {least: 1, most: 1, hash: true, call: hashFunction(djangoHash)},
		"aspnet":   {least: 1, most: 1, hash: true, call: hashFunction(aspnetHash)},
		"keycloak": {least: 1, most: 2, hash: true, call: keycloak},
		"pbkdf2":   {least: 3, most: 4, hash: true, call: pbkdf2Hash},

		"drop": {least: 1, most: 1, hash: true, call: dropHash},

		"lower":      {least: 1, most: 1, call: texts1(func(a string) any { return strings.ToLower(a) })},
		"upper":      {least: 1, most: 1, call: texts1(func(a string) any { return strings.ToUpper(a) })},
		"trim":       {least: 1, most: 1, call: texts1(func(a string) any { return strings.TrimSpace(a) })},
		"trimPrefix": {least: 2, most: 2, call: texts2(func(a, b string) any { return strings.TrimPrefix(a, b) })},
		"trimSuffix": {least: 2, most: 2, call: texts2(func(a, b string) any { return strings.TrimSuffix(a, b) })},
		"hasPrefix":  {least: 2, most: 2, call: texts2(func(a, b string) any { return strings.HasPrefix(a, b) })},
		"hasSuffix":  {least: 2, most: 2, call: texts2(func(a, b string) any { return strings.HasSuffix(a, b) })},
		"indexOf":    {least: 2, most: 2, call: texts2(func(a, b string) any { return strings.Index(a, b) })},
		"split":      {least: 2, most: 2, call: texts2(split)},
		"join":       {least: 1, most: 2, call: join},
		"replace":    {least: 3, most: 3, call: replace},
		"string":     {least: 1, most: 1, call: func(_ *state, args []any) (any, error) { return toText(args[0]) }},
		"int":        {least: 1, most: 1, call: integer},
	}
}

// state is what functions know of the record that is mapped, and what they say about it.
type state struct {
	now      time.Time
	steps    int // left for the expression
	stepCost int
	parsed   map[string]any // results of json for this record
	hashes   hashCounts     // of this record
	dropAll  bool           // every hash is dropped
}

// begin prepares the state for a record of so many bytes.
func (s *state) begin(size int) {
	s.stepCost = 1 + size/bytesPerStep
	s.hashes = hashCounts{}
	clear(s.parsed)
}

// bind returns a function as the library calls it. Each function of nil is nil.
func (s *state) bind(f function) func(args ...any) (any, error) {
	return func(args ...any) (any, error) {
		if !f.withNil && args[0] == nil {
			return nil, nil
		}
		return f.call(s, args)
	}
}

// step counts a step of a predicate.
func step(s *state, args []any) (any, error) {
	if s.steps -= s.stepCost; s.steps < 0 {
		return nil, errors.New("the expression takes too many steps")
	}
	return args[0], nil
}

var errTooLong = errors.New("the expression makes a text of over 1 MiB")

func add(_ *state, args []any) (any, error) {
	a, isText := args[0].(string)
	b, areTexts := args[1].(string)
	switch {
	case isText && areTexts && len(a)+len(b) > maxText:
		return nil, errTooLong
	case args[0] == nil || args[1] == nil:
		return nil, errors.New("one side of + is nil")
	case !isText && !areTexts:
		if a, b, ok := twoInts(args); ok {
			return a + b, nil
		}
	}
	return runtime.Add(args[0], args[1]), nil
}

func twoInts(args []any) (a, b int, ok bool) {
	a, first := args[0].(int)
	b, second := args[1].(int)
	return a, b, first && second
}

var errNoText = errors.New("the argument is not a text")

func texts1(f func(string) any) func(*state, []any) (any, error) {
	return func(_ *state, args []any) (any, error) {
		a, err := textOf(args[0])
		if err != nil {
			return nil, err
		}
		return f(a), nil
	}
}

// textOf returns an argument that is a text, or has a form as one.
func textOf(arg any) (string, error) {
	if text, ok := arg.(string); ok {
		return text, nil
	}
	value, err := toText(arg)
	text, ok := value.(string)
	if err != nil || !ok {
		return "", errNoText
	}
	return text, nil
}

func texts2(f func(a, b string) any) func(*state, []any) (any, error) {
	return func(_ *state, args []any) (any, error) {
		a, err := textOf(args[0])
		if err != nil {
			return nil, err
		}
		b, err := textOf(args[1])
		if err != nil {
			return nil, err
		}
		return f(a, b), nil
	}
}

func nilIfBlank(text string) any {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	return text
}

// parseJSON is the function json. What is no text is returned as it is: in a JSON export it is decoded already.
func parseJSON(s *state, args []any) (any, error) {
	text, ok := args[0].(string)
	if !ok {
		return args[0], nil
	}
	if value, ok := s.parsed[text]; ok {
		return value, nil
	}
	value, err := decodeJSON([]byte(text))
	if err != nil {
		return nil, err
	}
	if s.parsed == nil {
		s.parsed = map[string]any{}
	}
	s.parsed[text] = value
	return value, nil
}

// items splits a list in a cell, without blank items.
func items(text, separator string) any {
	list := []any{}
	for item := range strings.SplitSeq(text, separator) {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	return list
}

func split(text, separator string) any {
	list := []any{}
	for item := range strings.SplitSeq(text, separator) {
		list = append(list, item)
	}
	return list
}

func join(_ *state, args []any) (any, error) {
	list, ok := args[0].([]any)
	if !ok {
		return nil, errors.New("the first argument of join is not a list")
	}
	separator := ""
	if len(args) > 1 {
		if separator, ok = args[1].(string); !ok {
			return nil, errNoText
		}
	}
	var b strings.Builder
	for i, item := range list {
		text, err := toText(item)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteString(separator)
		}
		if part, _ := text.(string); b.Len()+len(part) <= maxText {
			b.WriteString(part)
			continue
		}
		return nil, errTooLong
	}
	return b.String(), nil
}

func replace(_ *state, args []any) (any, error) {
	var text [3]string
	for i := range text {
		var ok bool
		if text[i], ok = args[i].(string); !ok {
			return nil, errNoText
		}
	}
	if n := strings.Count(text[0], text[1]); n*len(text[2]) > maxText {
		return nil, errTooLong
	}
	return strings.ReplaceAll(text[0], text[1], text[2]), nil
}

func integer(_ *state, args []any) (any, error) {
	switch value := args[0].(type) {
	case int:
		return value, nil
	case float64:
		return int(value), nil
	case string:
		if n, err := strconv.Atoi(strings.TrimSpace(value)); err == nil {
			return n, nil
		}
	}
	return nil, errors.New("the argument is not a whole number")
}

// boolean is the function bool: a Boolean, or a text or number that is one by the CSV rules.
func boolean(_ *state, args []any) (any, error) {
	value, ok := truth(args[0])
	if !ok {
		return nil, errors.New("the argument is neither true nor false")
	}
	return value, nil
}

func truth(value any) (truth, ok bool) {
	switch value := value.(type) {
	case bool:
		return value, true
	case int:
		return value == 1, value == 0 || value == 1
	case string:
		switch strings.ToLower(value) {
		case "true", "t", "yes", "y", "1":
			return true, true
		case "false", "f", "no", "n", "0":
			return false, true
		}
	}
	return false, false
}

// namespaceURL is RFC 9562's namespace for URLs.
var namespaceURL = []byte{
	0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8,
}

// uuid returns the version 5 UUID of a text in RFC 9562's namespace for URLs.
func uuid(text string) any {
	hash := sha1.New() //nolint:gosec // as above
	hash.Write(namespaceURL)
	hash.Write([]byte(text))
	id := hash.Sum(nil)[:16]
	id[6] = id[6]&0x0f | 0x50
	id[8] = id[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// toText returns a value as the text of a cell; nil for nil.
func toText(value any) (any, error) {
	switch value := value.(type) {
	case nil:
		return nil, nil
	case string:
		return value, nil
	case bool:
		return strconv.FormatBool(value), nil
	case int:
		return strconv.Itoa(value), nil
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64), nil
	case time.Time:
		return value.UTC().Format(time.RFC3339), nil
	}
	return nil, errors.New("the value is a list or an object, not a text")
}
