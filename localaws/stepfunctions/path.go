package stepfunctions

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Path is a reference path of the Amazon States Language, such as $.part.users[0] or $$.Execution.Name: one that
// points at one place. Wildcards, filters, slices, descent and negative indexes are refused.
type Path struct {
	text    string
	context bool // begins at $$, the context object
	steps   []step
}

// step goes to a member of an object, or when name is nil to an element of an array.
type step struct {
	name  *string
	index int
}

// String is the path as it was written.
func (p *Path) String() string { return p.text }

// ParsePath parses all of text as a reference path.
func ParsePath(text string) (*Path, error) {
	p, rest, err := cutPath(text)
	if err != nil {
		return nil, err
	}
	if rest != "" {
		return nil, fmt.Errorf("path %q: %q is not part of a reference path", text, rest)
	}
	return p, nil
}

// cutPath parses the path at the front of s and returns what comes after it.
func cutPath(s string) (p *Path, rest string, err error) {
	rest, ok := strings.CutPrefix(s, "$")
	if !ok {
		return nil, s, fmt.Errorf("path %q does not begin with $", s)
	}
	p = &Path{}
	rest, p.context = strings.CutPrefix(rest, "$")
	for rest != "" {
		var next step
		var after string
		switch rest[0] {
		case '.':
			after = strings.TrimLeftFunc(rest[1:], isNameRune)
			name := rest[1 : len(rest)-len(after)]
			if name == "" {
				return nil, s, fmt.Errorf("path %q: no name after the point at %q", s, rest)
			}
			next.name = &name
		case '[':
			if next, after, err = cutBracket(rest); err != nil {
				return nil, s, fmt.Errorf("path %q: %w", s, err)
			}
		default:
			p.text = s[:len(s)-len(rest)]
			return p, rest, p.checkContext()
		}
		p.steps, rest = append(p.steps, next), after
	}
	p.text = s
	return p, rest, p.checkContext()
}

func isNameRune(r rune) bool {
	return r == '_' || r == '-' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

// cutBracket parses [7], ['name'] or ["name"].
func cutBracket(s string) (next step, rest string, err error) {
	body := s[1:]
	if body != "" && (body[0] == '\'' || body[0] == '"') {
		name, rest, err := cutQuoted(body)
		if err != nil {
			return next, s, err
		}
		rest, ok := strings.CutPrefix(rest, "]")
		if !ok {
			return next, s, fmt.Errorf("no ] after the name in %q", s)
		}
		return step{name: &name}, rest, nil
	}
	digits, rest, ok := strings.Cut(body, "]")
	index, err := strconv.ParseUint(digits, 10, 31)
	if !ok || err != nil {
		return next, s, fmt.Errorf("%q holds neither an index nor a quoted name", s)
	}
	return step{index: int(index)}, rest, nil
}

// cutQuoted parses a string in single or double quotes in which a backslash makes the next character plain.
func cutQuoted(s string) (text, rest string, err error) {
	var b strings.Builder
	quote, escaped := s[0], false
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case escaped:
			b.WriteByte(c)
			escaped = false
		case c == '\\':
			escaped = true
		case c == quote:
			return b.String(), s[i+1:], nil
		default:
			b.WriteByte(c)
		}
	}
	return "", s, fmt.Errorf("%q lacks its closing quote", s)
}

// contextFields are the members of the context object that this interpreter fills.
var contextFields = map[string][]string{
	"Execution":    {"Id", "Input", "Name", "RedriveCount", "RedriveTime", "RoleArn", "StartTime"},
	"State":        {"EnteredTime", "Name", "RetryCount"},
	"StateMachine": {"Id", "Name"},
	"Map":          {"Item"},
}

// checkContext refuses a path to a field of the context object that is never there, which AWS finds only at run time.
func (p *Path) checkContext() error {
	if !p.context || len(p.steps) == 0 {
		return nil
	}
	fields, ok := map[string]bool{}, false
	if top := p.steps[0].name; top != nil {
		var names []string
		names, ok = contextFields[*top]
		for _, n := range names {
			fields[n] = true
		}
	}
	if ok && len(p.steps) > 1 {
		ok = p.steps[1].name != nil && fields[*p.steps[1].name]
	}
	if !ok {
		return fmt.Errorf("path %q: the context object has no such field", p)
	}
	return nil
}

// find returns what p points at. Values are those of encoding/json with numbers as json.Number.
func (p *Path) find(s *scope) (value any, ok bool) {
	value = s.input
	if p.context {
		value = s.context
	}
	for _, st := range p.steps {
		switch v := value.(type) {
		case map[string]any:
			if st.name == nil {
				return nil, false
			}
			if value, ok = v[*st.name]; !ok {
				return nil, false
			}
		case []any:
			if st.name != nil || st.index >= len(v) {
				return nil, false
			}
			value = v[st.index]
		default:
			return nil, false
		}
	}
	return value, true
}

// get is find for a path that must lead somewhere. That it does not is States.Runtime, which nothing catches.
func (p *Path) get(s *scope, field string) (any, error) {
	value, ok := p.find(s)
	if !ok {
		return nil, failf(errRuntime, "The JSONPath '%s' specified for the field '%s' could not be found in the input '%s'",
			p, field, clip(encode(s.input)))
	}
	return value, nil
}

// set returns a copy of root in which p points at value. Objects on the way are made when missing; an array's
// element must exist.
func (p *Path) set(root, value any) (any, error) {
	return setSteps(p, p.steps, root, value)
}

func setSteps(p *Path, steps []step, at, value any) (any, error) {
	if len(steps) == 0 {
		return value, nil
	}
	mismatch := func() error {
		return failf("States.ResultPathMatchFailure", "Unable to apply step %q to input '%s'", p, clip(encode(at)))
	}
	st := steps[0]
	if st.name == nil {
		list, ok := at.([]any)
		if !ok || st.index >= len(list) {
			return nil, mismatch()
		}
		inner, err := setSteps(p, steps[1:], list[st.index], value)
		if err != nil {
			return nil, err
		}
		list = append([]any(nil), list...)
		list[st.index] = inner
		return list, nil
	}
	object, ok := at.(map[string]any)
	if !ok && at != nil {
		return nil, mismatch()
	}
	inner, err := setSteps(p, steps[1:], object[*st.name], value)
	if err != nil {
		return nil, err
	}
	if object = maps.Clone(object); object == nil {
		object = map[string]any{}
	}
	object[*st.name] = inner
	return object, nil
}

// decode parses one JSON text, keeping numbers as they are written.
func decode(text []byte) (any, error) {
	if !json.Valid(text) {
		var v any
		return nil, json.Unmarshal(text, &v)
	}
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

// encode writes a decoded value as compact JSON, its keys sorted.
func encode(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("a decoded value does not encode: %v", err))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// clip shortens a payload for a message.
func clip(s string) string {
	const most = 256
	if len(s) <= most {
		return s
	}
	cut := most
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "..."
}
