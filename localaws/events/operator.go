package events

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

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
	kinds := map[string]bool{}
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
				kinds[fmt.Sprintf("%T", a)] = true
				excluded = append(excluded, equals(a))
			default:
				return nil, invalidPattern("%q: anything-but wants strings, numbers or an operator", path)
			}
		}
	}
	if len(kinds) > 1 {
		return nil, invalidPattern(
			"Inside anything but list, either all values are number or string, mixed type is not supported")
	}
	if len(excluded) == 0 {
		return nil, invalidPattern("%q: empty anything-but", path)
	}
	return func(v any) bool {
		return !slices.ContainsFunc(excluded, func(p predicate) bool { return p(v) })
	}, nil
}

// bound is one comparison of a numeric operator.
type bound struct {
	operator string
	limit    float64
}

func (b bound) holds(v float64) bool {
	switch b.operator {
	case "=":
		return v == b.limit
	case "<":
		return v < b.limit
	case "<=":
		return v <= b.limit
	case ">":
		return v > b.limit
	default: // parseBound let nothing else pass
		return v >= b.limit
	}
}

// parseNumeric reads an equality, a bound, or a lower and an upper bound between which there are numbers.
func parseNumeric(path string, argument any) (predicate, error) {
	list, ok := argument.([]any)
	if !ok || len(list) != 2 && len(list) != 4 {
		return nil, invalidPattern("%q: numeric wants one or two comparisons", path)
	}
	first, err := parseBound(path, list[:2])
	if err != nil || len(list) == 2 {
		return numberIs(first.holds), err
	}
	second, err := parseBound(path, list[2:])
	if err != nil {
		return nil, err
	}
	lower, upper := first, second
	if strings.HasPrefix(first.operator, "<") {
		lower, upper = second, first
	}
	switch {
	case first.operator == "=" || second.operator == "=":
		return nil, invalidPattern("%q: = cannot be combined with another comparison", path)
	case lower.operator[0] != '>' || upper.operator[0] != '<':
		return nil, invalidPattern("%q: Bad numeric range operator: %s", path, second.operator)
	case lower.limit > upper.limit, lower.limit == upper.limit && (lower.operator != ">=" || upper.operator != "<="):
		return nil, invalidPattern("%q: Bottom must be less than top", path)
	}
	return numberIs(func(v float64) bool { return lower.holds(v) && upper.holds(v) }), nil
}

func parseBound(path string, pair []any) (bound, error) {
	operator, _ := pair[0].(string)
	if !slices.Contains([]string{"=", "<", "<=", ">", ">="}, operator) {
		return bound{}, invalidPattern("%q: Unrecognized numeric range operator: %v", path, pair[0])
	}
	number, ok := pair[1].(json.Number)
	limit, err := number.Float64()
	if !ok || err != nil || limit < -5e9 || limit > 5e9 {
		return bound{}, invalidPattern("%q: a numeric limit must be a number within -5e9 and 5e9", path)
	}
	return bound{operator, limit}, nil
}
