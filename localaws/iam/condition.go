package iam

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

func (c Condition) holds(given map[string]string) bool {
	op, ifExists, _ := operatorOf(c.Operator)
	value, present := lookup(given, c.Key)
	if op.null {
		return slices.Contains(c.Values, strconv.FormatBool(!present))
	}
	if !present {
		return ifExists || op.negated
	}
	return op.negated != slices.ContainsFunc(c.Values, func(want string) bool { return op.fits(want, value) })
}

// lookup finds a condition key: their names do not depend on case.
func lookup(given map[string]string, key string) (string, bool) {
	for k, v := range given {
		if strings.EqualFold(k, key) {
			return v, true
		}
	}
	return "", false
}

type operator struct {
	fits    func(want, value string) bool
	negated bool
	null    bool
}

// operatorOf is the table of condition operators; a negated one holds when the key is absent.
func operatorOf(name string) (op operator, ifExists bool, err error) {
	base, ifExists := strings.CutSuffix(name, "IfExists")
	equals := func(a, b string) bool { return a == b }
	switch base {
	case "StringEquals":
		op = operator{fits: equals}
	case "StringNotEquals":
		op = operator{fits: equals, negated: true}
	case "StringEqualsIgnoreCase":
		op = operator{fits: strings.EqualFold}
	case "StringNotEqualsIgnoreCase":
		op = operator{fits: strings.EqualFold, negated: true}
	case "StringLike":
		op = operator{fits: glob}
	case "StringNotLike":
		op = operator{fits: glob, negated: true}
	case "ArnEquals", "ArnLike":
		op = operator{fits: arnLike}
	case "ArnNotEquals", "ArnNotLike":
		op = operator{fits: arnLike, negated: true}
	case "Bool":
		op = operator{fits: strings.EqualFold}
	case "NumericEquals":
		op = numeric(func(v, want float64) bool { return v == want })
	case "NumericNotEquals":
		op = numeric(func(v, want float64) bool { return v == want })
		op.negated = true
	case "NumericLessThan":
		op = numeric(func(v, want float64) bool { return v < want })
	case "NumericLessThanEquals":
		op = numeric(func(v, want float64) bool { return v <= want })
	case "NumericGreaterThan":
		op = numeric(func(v, want float64) bool { return v > want })
	case "NumericGreaterThanEquals":
		op = numeric(func(v, want float64) bool { return v >= want })
	case "Null":
		op = operator{null: true}
	}
	if (op.fits == nil && !op.null) || (op.null && ifExists) {
		return op, ifExists, fmt.Errorf("condition operator %q is not known to the local double", name)
	}
	return op, ifExists, nil
}

func numeric(compare func(value, want float64) bool) operator {
	return operator{fits: func(want, value string) bool {
		w, errW := strconv.ParseFloat(want, 64)
		v, errV := strconv.ParseFloat(value, 64)
		return errW == nil && errV == nil && compare(v, w)
	}}
}

// arnLike compares two ARNs part by part, so that a wildcard ends at the colon; the sixth part takes the rest.
func arnLike(pattern, arn string) bool {
	p, a := strings.SplitN(pattern, ":", 6), strings.SplitN(arn, ":", 6)
	return len(p) == 6 && len(a) == 6 && !slices.ContainsFunc([]int{0, 1, 2, 3, 4, 5}, func(i int) bool {
		return !glob(p[i], a[i])
	})
}

// foldGlob is glob where case does not matter.
func foldGlob(pattern, s string) bool {
	return strings.EqualFold(pattern, s) ||
		strings.ContainsAny(pattern, "*?") && glob(strings.ToLower(pattern), strings.ToLower(s))
}

// glob matches * with any run of bytes and ? with any one, in time proportional to both lengths' product at worst.
func glob(pattern, s string) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			p, mark = star+1, mark+1
			i = mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
