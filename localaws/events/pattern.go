package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/netip"
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

// Match says whether the pattern matches an event, given as JSON.
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

// predicate looks at one scalar: a string, a json.Number, a bool or nil.
type predicate func(v any) bool

func anyScalar(p predicate) test {
	return func(values []any) bool { return slices.ContainsFunc(values, p) }
}

func equals(want any) predicate {
	number, ok := want.(json.Number)
	if !ok {
		return func(v any) bool { return v == want }
	}
	w, _ := number.Float64()
	return numberIs(func(v float64) bool { return v == w })
}

func numberIs(p func(float64) bool) predicate {
	return func(v any) bool {
		number, ok := v.(json.Number)
		if !ok {
			return false
		}
		f, err := number.Float64()
		return err == nil && p(f)
	}
}

func stringIs(p func(string) bool) predicate {
	return func(v any) bool {
		s, ok := v.(string)
		return ok && p(s)
	}
}

func parseOperator(path string, operator map[string]any) (test, error) {
	name, argument, err := single(path, operator)
	if err != nil {
		return nil, err
	}
	switch name {
	case "exists":
		want, ok := argument.(bool)
		if !ok {
			return nil, invalidPattern("%q: exists match pattern must be either true or false", path)
		}
		return func(values []any) bool { return len(values) > 0 == want }, nil
	case "anything-but":
		p, err := parseAnythingBut(path, argument)
		return anyScalar(p), err
	case "numeric":
		p, err := parseNumeric(path, argument)
		return anyScalar(p), err
	case "cidr":
		text, _ := argument.(string)
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, invalidPattern("%q: malformed CIDR %q", path, text)
		}
		return anyScalar(stringIs(func(s string) bool {
			address, err := netip.ParseAddr(s)
			return err == nil && prefix.Contains(address)
		})), nil
	}
	p, err := parseText(path, name, argument)
	return anyScalar(p), err
}

func single(path string, operator map[string]any) (name string, argument any, err error) {
	if len(operator) != 1 {
		return "", nil, invalidPattern("%q: only one key allowed in match expression", path)
	}
	for name, argument = range operator {
		return name, argument, nil
	}
	panic("unreachable")
}

// parseText knows the operators on strings.
func parseText(path, name string, argument any) (predicate, error) {
	switch name {
	case "prefix", "suffix":
		fold := false
		if nested, ok := argument.(map[string]any); ok {
			key, value, err := single(path, nested)
			if err != nil {
				return nil, err
			}
			if key != "equals-ignore-case" {
				return nil, invalidPattern("Unrecognized match type %s", key)
			}
			fold, argument = true, value
		}
		affix, ok := argument.(string)
		if !ok {
			return nil, invalidPattern("%q: %s match pattern must be a string", path, name)
		}
		return stringIs(func(s string) bool {
			if len(s) < len(affix) {
				return false
			}
			part := s[:len(affix)]
			if name == "suffix" {
				part = s[len(s)-len(affix):]
			}
			return part == affix || fold && strings.EqualFold(part, affix)
		}), nil
	case "equals-ignore-case":
		want, ok := argument.(string)
		if !ok {
			return nil, invalidPattern("%q: equals-ignore-case match pattern must be a string", path)
		}
		return stringIs(func(s string) bool { return strings.EqualFold(s, want) }), nil
	case "wildcard":
		text, ok := argument.(string)
		if !ok {
			return nil, invalidPattern("%q: wildcard match pattern must be a string", path)
		}
		parts, err := splitWildcard(path, text)
		if err != nil {
			return nil, err
		}
		return stringIs(func(s string) bool { return matchWildcard(parts, s) }), nil
	}
	return nil, invalidPattern("Unrecognized match type %s", name)
}

// splitWildcard splits at each star that no backslash escapes.
func splitWildcard(path, text string) ([]string, error) {
	parts := []string{""}
	for i := 0; i < len(text); i++ {
		last := len(parts) - 1
		switch {
		case text[i] == '\\':
			i++
			if i == len(text) || text[i] != '*' && text[i] != '\\' {
				return nil, invalidPattern("%q: invalid escape character in wildcard", path)
			}
			parts[last] += text[i : i+1]
		case text[i] != '*':
			parts[last] += text[i : i+1]
		case i > 0 && text[i-1] == '*' && parts[last] == "":
			return nil, invalidPattern("%q: consecutive wildcard characters", path)
		default:
			parts = append(parts, "")
		}
	}
	return parts, nil
}

func matchWildcard(parts []string, s string) bool {
	if len(parts) == 1 {
		return s == parts[0]
	}
	s, ok := strings.CutPrefix(s, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		if _, s, ok = strings.Cut(s, part); !ok {
			return false
		}
	}
	return strings.HasSuffix(s, parts[len(parts)-1])
}

// parseAnythingBut: a scalar, a list of strings or of numbers, or an operator on strings with one or many arguments.
func parseAnythingBut(path string, argument any) (predicate, error) {
	arguments := func(v any) []any {
		if list, ok := v.([]any); ok {
			return list
		}
		return []any{v}
	}
	var excluded []predicate
	if operator, ok := argument.(map[string]any); ok {
		name, value, err := single(path, operator)
		if err != nil {
			return nil, err
		}
		for _, a := range arguments(value) {
			p, err := parseText(path, name, a)
			if err != nil {
				return nil, err
			}
			excluded = append(excluded, p)
		}
	} else {
		for _, a := range arguments(argument) {
			switch a.(type) {
			case string, json.Number:
				excluded = append(excluded, equals(a))
			default:
				return nil, invalidPattern("%q: anything-but wants strings, numbers or an operator", path)
			}
		}
	}
	if len(excluded) == 0 {
		return nil, invalidPattern("%q: empty anything-but", path)
	}
	return func(v any) bool {
		return !slices.ContainsFunc(excluded, func(p predicate) bool { return p(v) })
	}, nil
}

func parseNumeric(path string, argument any) (predicate, error) {
	list, ok := argument.([]any)
	if !ok || len(list) != 2 && len(list) != 4 {
		return nil, invalidPattern("%q: numeric wants one or two comparisons", path)
	}
	var comparisons []func(float64) bool
	for i := 0; i < len(list); i += 2 {
		number, ok := list[i+1].(json.Number)
		limit, err := number.Float64()
		if !ok || err != nil || limit < -5e9 || limit > 5e9 {
			return nil, invalidPattern("%q: a numeric limit must be a number within -5e9 and 5e9", path)
		}
		var compare func(float64) bool
		switch list[i] {
		case "=":
			compare = func(v float64) bool { return v == limit }
		case "<":
			compare = func(v float64) bool { return v < limit }
		case "<=":
			compare = func(v float64) bool { return v <= limit }
		case ">":
			compare = func(v float64) bool { return v > limit }
		case ">=":
			compare = func(v float64) bool { return v >= limit }
		default:
			return nil, invalidPattern("%q: Unrecognized numeric range operator: %v", path, list[i])
		}
		comparisons = append(comparisons, compare)
	}
	return numberIs(func(v float64) bool {
		return !slices.ContainsFunc(comparisons, func(c func(float64) bool) bool { return !c(v) })
	}), nil
}
