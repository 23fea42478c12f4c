package template

import (
	"reflect"

	"go.yaml.in/yaml/v3"
)

// condition is one of the Conditions section. Its value is found when it is first asked for.
type condition struct {
	node     *yaml.Node
	done     bool
	visiting bool
	value    bool
	err      error
}

func (l *loader) readConditions(n *yaml.Node) {
	for name, node := range entries(l.section(n, "Conditions")) {
		l.conditions[name.Value] = &condition{node: node}
	}
	for name := range entries(n) {
		_, err := l.holds(name)
		l.fail(err)
	}
}

// holds reports whether the condition that a node names is true.
func (l *loader) holds(name *yaml.Node) (bool, error) {
	c := l.conditions[name.Value]
	switch {
	case name.Kind != yaml.ScalarNode || c == nil:
		return false, errorAt(name, "the condition %q is not defined", name.Value)
	case c.visiting:
		return false, errorAt(name, "the condition %s refers to itself", name.Value)
	case !c.done:
		c.visiting = true
		c.value, c.err = l.isTrue(c.node)
		c.visiting, c.done = false, true
	}
	return c.value, c.err
}

// isTrue evaluates an expression of the Conditions section. All its parts are looked at, so that all are checked.
func (l *loader) isTrue(n *yaml.Node) (bool, error) {
	name, arg, ok := intrinsic(n)
	if named := get(n, "Condition"); !ok && named != nil && len(n.Content) == 2 {
		name, arg, ok = "Condition", named, true
	}
	if !ok {
		return false, errorAt(n, "a condition needs Fn::Equals, Fn::And, Fn::Or, Fn::Not or Condition")
	}
	in := scope{condition: true}
	switch name {
	case "Condition":
		return l.holds(arg)
	case "Fn::Equals":
		pair, err := args(name, arg, 2, 2)
		if err != nil {
			return false, err
		}
		var values [2]any
		for i, side := range pair {
			v, err := l.resolve(side, in)
			if err != nil {
				return false, err
			}
			values[i] = asText(v)
		}
		return reflect.DeepEqual(values[0], values[1]), nil
	case "Fn::Not":
		one, err := args(name, arg, 1, 1)
		if err != nil {
			return false, err
		}
		value, err := l.isTrue(one[0])
		return !value, err
	case "Fn::And", "Fn::Or":
		some, err := args(name, arg, 2, 10)
		if err != nil {
			return false, err
		}
		all, one := true, false
		for _, part := range some {
			value, err := l.isTrue(part)
			if err != nil {
				return false, err
			}
			all, one = all && value, one || value
		}
		if name == "Fn::And" {
			return all, nil
		}
		return one, nil
	}
	return false, errorAt(n, "%s is not known in Conditions", name)
}

// asText is a value for comparison: CloudFormation compares strings.
func asText(n *yaml.Node) any {
	if n == nil {
		return nil
	}
	if n.Kind == yaml.ScalarNode {
		return n.Value
	}
	list := make([]any, len(n.Content))
	for i, child := range n.Content {
		list[i] = asText(child)
	}
	return list
}
