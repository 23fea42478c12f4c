package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"userdrop/localaws/wire"
)

// Pattern is a compiled event pattern:
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
type Pattern struct{ root object }

// object matches an event's object when all fields and, of each $or, one alternative match.
type object struct {
	names   []string
	objects map[string]object
	leaves  map[string]leaf
	or      [][]object
}

// leaf matches a field when one of its tests does.
type leaf []test

// test looks at the scalars of a field: none when it is absent, more than one when it is an array.
type test func(values []any) bool

func invalidPattern(format string, args ...any) error {
	return wire.Errorf("InvalidEventPatternException", "Event pattern is not valid. Reason: "+format, args...)
}

// ParsePattern compiles a pattern. What it does not know it refuses by name.
func ParsePattern(text []byte) (*Pattern, error) {
	v, err := decode(text)
	if err != nil {
		return nil, invalidPattern("%v", err)
	}
	fields, ok := v.(map[string]any)
	if !ok {
		return nil, invalidPattern("Filter is not an object")
	}
	root, err := parseObject("", fields)
	if err != nil {
		return nil, err
	}
	return &Pattern{root}, nil
}

// Match reports whether the pattern matches an event, given as JSON.
func (p *Pattern) Match(event []byte) bool {
	v, err := decode(event)
	fields, ok := v.(map[string]any)
	return err == nil && ok && p.root.match(fields)
}

func decode(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, fmt.Errorf("text after the JSON value")
	}
	return v, nil
}

func parseObject(path string, fields map[string]any) (object, error) {
	o := object{objects: map[string]object{}, leaves: map[string]leaf{}}
	if len(fields) == 0 {
		return o, invalidPattern("Empty objects are not allowed")
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		at := strings.TrimPrefix(path+"."+name, ".")
		var err error
		switch v := fields[name].(type) {
		case map[string]any:
			o.objects[name], err = parseObject(at, v)
			o.names = append(o.names, name)
		case []any:
			if name == "$or" {
				var alternatives []object
				alternatives, err = parseOr(path, v)
				o.or = append(o.or, alternatives)
				break
			}
			o.leaves[name], err = parseLeaf(at, v)
			o.names = append(o.names, name)
		default:
			err = invalidPattern("%q must be an object or an array", at)
		}
		if err != nil {
			return o, err
		}
	}
	return o, nil
}

func parseOr(path string, list []any) ([]object, error) {
	if len(list) < 2 {
		return nil, invalidPattern("$or needs at least two alternatives")
	}
	var alternatives []object
	for _, v := range list {
		fields, ok := v.(map[string]any)
		if !ok {
			return nil, invalidPattern("$or must be an array of objects")
		}
		o, err := parseObject(path, fields)
		if err != nil {
			return nil, err
		}
		alternatives = append(alternatives, o)
	}
	return alternatives, nil
}

func (o object) match(fields map[string]any) bool {
	for _, name := range o.names {
		if tests, ok := o.leaves[name]; ok {
			scalars := scalarsOf(fields[name], has(fields, name))
			if !slices.ContainsFunc(tests, func(t test) bool { return t(scalars) }) {
				return false
			}
		} else if !o.objects[name].matchAny(fields[name]) {
			return false
		}
	}
	for _, alternatives := range o.or {
		if !slices.ContainsFunc(alternatives, func(a object) bool { return a.match(fields) }) {
			return false
		}
	}
	return true
}

func has(fields map[string]any, name string) bool {
	_, ok := fields[name]
	return ok
}

// matchAny matches an object, or one of an array of them. Anything else is an object without fields.
func (o object) matchAny(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return o.match(v)
	case []any:
		if len(v) > 0 {
			return slices.ContainsFunc(v, o.matchAny)
		}
	}
	return o.match(nil)
}

func scalarsOf(v any, present bool) []any {
	switch v := v.(type) {
	case map[string]any:
		return nil
	case []any:
		var all []any
		for _, element := range v {
			all = append(all, scalarsOf(element, true)...)
		}
		return all
	}
	if !present {
		return nil
	}
	return []any{v}
}

func parseLeaf(path string, list []any) (leaf, error) {
	if len(list) == 0 {
		return nil, invalidPattern("Empty arrays are not allowed")
	}
	var tests leaf
	for _, v := range list {
		var t test
		var err error
		switch v := v.(type) {
		case map[string]any:
			t, err = parseOperator(path, v)
		case []any:
			err = invalidPattern("%q: an array inside an array", path)
		default:
			t = anyScalar(equals(v))
		}
		if err != nil {
			return nil, err
		}
		tests = append(tests, t)
	}
	return tests, nil
}
