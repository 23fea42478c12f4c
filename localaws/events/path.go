package events

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// step of a path: a member's name, an index, or a wildcard for all members or elements.
type step struct {
	name  string // when not empty
	index int
	all   bool
}

// parsePath reads the subset of JSONPath that EventBridge knows: $, .name, ['name'], [n], .* and [*].
func parsePath(path string) ([]step, error) {
	rest, ok := strings.CutPrefix(path, "$")
	if !ok {
		return nil, fmt.Errorf("path %q does not begin with $", path)
	}
	var steps []step
	for rest != "" {
		var next step
		switch rest[0] {
		case '.':
			end := strings.IndexAny(rest[1:], ".[") + 1
			if end == 0 {
				end = len(rest)
			}
			if next.name = rest[1:end]; next.name == "" {
				return nil, fmt.Errorf("path %q: the local double does not know %q", path, rest)
			}
			if next.name == "*" {
				next = step{all: true}
			}
			rest = rest[end:]
		case '[':
			inside, after, ok := strings.Cut(rest[1:], "]")
			if !ok {
				return nil, fmt.Errorf("path %q: [ without ]", path)
			}
			if next, ok = parseBracket(inside); !ok {
				return nil, fmt.Errorf("path %q: the local double does not know [%s]", path, inside)
			}
			rest = after
		default:
			return nil, fmt.Errorf("path %q", path)
		}
		steps = append(steps, next)
	}
	return steps, nil
}

func parseBracket(inside string) (step, bool) {
	if inside == "*" {
		return step{all: true}, true
	}
	if n, err := strconv.Atoi(inside); err == nil && n >= 0 {
		return step{index: n}, true
	}
	if len(inside) > 2 && inside[0] == '\'' && inside[len(inside)-1] == '\'' {
		return step{name: inside[1 : len(inside)-1]}, true
	}
	return step{}, false
}

// lookupPath returns what an event has at a path. A path with a wildcard has the list of all that fit.
func lookupPath(event any, path string) (v any, ok bool, err error) {
	steps, err := parsePath(path)
	if err != nil {
		return nil, false, err
	}
	found, many := []any{event}, false
	for _, s := range steps {
		many = many || s.all
		var next []any
		for _, v := range found {
			next = append(next, s.follow(v)...)
		}
		found = next
	}
	switch {
	case many:
		if found == nil {
			found = []any{}
		}
		return found, true, nil
	case len(found) == 0:
		return nil, false, nil
	}
	return found[0], true, nil
}

func (s step) follow(v any) []any {
	fields, _ := v.(map[string]any)
	list, _ := v.([]any)
	switch {
	case s.all && fields != nil:
		var all []any
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			all = append(all, fields[name])
		}
		return all
	case s.all:
		return list
	case s.name != "":
		if member, ok := fields[s.name]; ok {
			return []any{member}
		}
	case s.index < len(list):
		return list[s.index : s.index+1]
	}
	return nil
}
