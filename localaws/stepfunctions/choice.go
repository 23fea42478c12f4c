package stepfunctions

import (
	"cmp"
	"fmt"
	"strings"
)

// Rule is a Choice rule: And, Or, Not, or a comparison of Variable with an operand.
type Rule struct {
	Comment string
	Next    string // on the outermost rules alone

	And, Or []*Rule
	Not     *Rule

	Variable    *Path
	Operator    string // as written, such as NumericGreaterThanPath
	Operand     any    // a string, bool or json.Number; nil with an operator that ends in Path
	OperandPath *Path
}

// String is the rule in words, for a label in a diagram.
func (r *Rule) String() string {
	join := func(rules []*Rule, word string) string {
		parts := make([]string, len(rules))
		for i, rule := range rules {
			parts[i] = rule.String()
		}
		return "(" + strings.Join(parts, " "+word+" ") + ")"
	}
	switch {
	case r.And != nil:
		return join(r.And, "and")
	case r.Or != nil:
		return join(r.Or, "or")
	case r.Not != nil:
		return "not " + r.Not.String()
	case r.OperandPath != nil:
		return fmt.Sprintf("%s %s %s", r.Variable, r.Operator, r.OperandPath)
	}
	return fmt.Sprintf("%s %s %s", r.Variable, r.Operator, encode(r.Operand))
}

// orders are the comparisons of two values of one type, by the end of the operator's name.
var orders = map[string]func(int) bool{
	"Equals":            func(c int) bool { return c == 0 },
	"LessThan":          func(c int) bool { return c < 0 },
	"LessThanEquals":    func(c int) bool { return c <= 0 },
	"GreaterThan":       func(c int) bool { return c > 0 },
	"GreaterThanEquals": func(c int) bool { return c >= 0 },
}

// compares are how two decoded values of a kind compare; ok is false when either is of another kind.
var compares = map[string]func(a, b any) (c int, ok bool){
	"String": func(a, b any) (int, bool) {
		x, ok1 := a.(string)
		y, ok2 := b.(string)
		return strings.Compare(x, y), ok1 && ok2
	},
	"Numeric": func(a, b any) (int, bool) {
		x, ok1 := number(a)
		y, ok2 := number(b)
		return cmp.Compare(x, y), ok1 && ok2
	},
	"Boolean": func(a, b any) (int, bool) {
		x, ok1 := a.(bool)
		y, ok2 := b.(bool)
		if x == y {
			return 0, ok1 && ok2
		}
		return 1, ok1 && ok2
	},
}

// splitOperator takes NumericLessThanPath apart into Numeric, LessThan and true.
func splitOperator(name string) (kind, order string, path, ok bool) {
	switch name {
	case "IsPresent", "IsNull":
		return name, "", false, true
	}
	for kind = range compares {
		if order, ok = strings.CutPrefix(name, kind); ok {
			order, path = strings.CutSuffix(order, "Path")
			_, ok = orders[order]
			return kind, order, path, ok && (kind != "Boolean" || order == "Equals")
		}
	}
	return "", "", false, false
}

// holds evaluates the rule. A variable that is not there is States.Runtime, but for IsPresent; one of another type
// than the operator's does not match.
func (r *Rule) holds(s *scope) (bool, error) {
	switch {
	case r.Not != nil:
		ok, err := r.Not.holds(s)
		return !ok, err
	case r.And != nil:
		for _, rule := range r.And {
			if ok, err := rule.holds(s); !ok || err != nil {
				return false, err
			}
		}
		return true, nil
	case r.Or != nil:
		for _, rule := range r.Or {
			if ok, err := rule.holds(s); ok || err != nil {
				return ok, err
			}
		}
		return false, nil
	}

	value, present := r.Variable.find(s)
	if r.Operator == "IsPresent" {
		return present == r.Operand.(bool), nil
	}
	if !present {
		return false, failf(errRuntime,
			"Invalid path '%s': The choice state's condition path references an invalid value.", r.Variable)
	}
	if r.Operator == "IsNull" {
		return (value == nil) == r.Operand.(bool), nil
	}
	kind, order, _, _ := splitOperator(r.Operator)
	operand := r.Operand
	if r.OperandPath != nil {
		var err error
		if operand, err = r.OperandPath.get(s, r.Operator); err != nil {
			return false, err
		}
		if _, ok := compares[kind](operand, operand); !ok {
			return false, failf(errRuntime, "%s: the value at '%s' is of another type", r.Operator, r.OperandPath)
		}
	}
	c, ok := compares[kind](value, operand)
	return ok && orders[order](c), nil
}
