package template

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// scope is the place that a value is being resolved for.
type scope struct {
	owner *Resource // nil in outputs
	// dead is set in what AWS does not create: the branch not taken of an Fn::If, a resource whose condition is
	// false. Names are checked there, values are not.
	dead bool
	// condition is set in the Conditions section, where there are no resources yet.
	condition bool
}

// maxText bounds a resolved string: AWS takes no template above 1 MB.
const maxText = 1 << 20

// intrinsic reports whether a node is an intrinsic function, in its short or its long form.
func intrinsic(n *yaml.Node) (name string, arg *yaml.Node, ok bool) {
	if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
		plain := *n
		plain.Tag = map[yaml.Kind]string{yaml.MappingNode: "!!map", yaml.SequenceNode: "!!seq"}[n.Kind]
		if n.Kind == yaml.ScalarNode {
			plain.Tag = "!!str"
		}
		name = strings.TrimPrefix(n.Tag, "!")
		if name != "Ref" && name != "Condition" {
			name = "Fn::" + name
		}
		return name, &plain, true
	}
	if n.Kind == yaml.MappingNode && len(n.Content) == 2 {
		if key := n.Content[0].Value; key == "Ref" || strings.HasPrefix(key, "Fn::") {
			return key, n.Content[1], true
		}
	}
	return "", nil, false
}

// resolve returns n with all intrinsic functions evaluated, or nil for AWS::NoValue.
func (l *loader) resolve(n *yaml.Node, in scope) (*yaml.Node, error) {
	if name, arg, ok := intrinsic(n); ok {
		return l.call(name, n, arg, in)
	}
	resolved := *n
	resolved.Content = nil
	switch n.Kind {
	case yaml.ScalarNode:
		if n.Tag == "!!null" {
			return nil, errorAt(n, "null values are not allowed in templates")
		}
	case yaml.SequenceNode:
		for _, child := range n.Content {
			v, err := l.resolve(child, in)
			if err != nil {
				return nil, err
			}
			if v != nil {
				resolved.Content = append(resolved.Content, v)
			}
		}
	case yaml.MappingNode:
		for key, value := range entries(n) {
			if strings.HasPrefix(key.Value, "Fn::") {
				return nil, errorAt(key, "%s has to stand alone", key.Value)
			}
			v, err := l.resolve(value, in)
			if err != nil {
				return nil, err
			}
			if v != nil {
				resolved.Content = append(resolved.Content, key, v)
			}
		}
	}
	return &resolved, nil
}

// text resolves a node that has to become a string.
func (l *loader) text(n *yaml.Node, in scope) (string, error) {
	v, err := l.resolve(n, in)
	switch {
	case err != nil:
		return "", err
	case v == nil:
		return "", errorAt(n, "AWS::NoValue cannot stand here")
	case v.Kind != yaml.ScalarNode:
		return "", errorAt(n, "a string is needed here")
	}
	return v.Value, nil
}

// list resolves a node that has to become a list.
func (l *loader) list(n *yaml.Node, in scope) ([]*yaml.Node, error) {
	v, err := l.resolve(n, in)
	switch {
	case err != nil:
		return nil, err
	case v == nil || v.Kind != yaml.SequenceNode:
		if in.dead && v != nil {
			return []*yaml.Node{v}, nil
		}
		return nil, errorAt(n, "a list is needed here")
	}
	return v.Content, nil
}

// args returns the elements of an intrinsic function's argument list.
func args(name string, n *yaml.Node, least, most int) ([]*yaml.Node, error) {
	if n.Kind != yaml.SequenceNode || len(n.Content) < least || len(n.Content) > most {
		count := strconv.Itoa(least)
		if least != most {
			count += " to " + strconv.Itoa(most)
		}
		return nil, errorAt(n, "%s needs a list of %s elements", name, count)
	}
	return n.Content, nil
}

func (l *loader) call(name string, n, arg *yaml.Node, in scope) (*yaml.Node, error) {
	switch name {
	case "Ref":
		if arg.Kind != yaml.ScalarNode {
			return nil, errorAt(n, "Ref needs a name")
		}
		return l.ref(n, arg.Value, in)
	case "Fn::GetAtt":
		id, attribute, err := l.getAttArgs(arg, in)
		if err != nil {
			return nil, err
		}
		value, err := l.attribute(n, id, attribute, in)
		return scalar(n, value), err
	case "Fn::Sub":
		value, err := l.sub(arg, in)
		return scalar(n, value), err
	case "Fn::Join":
		value, err := l.join(arg, in)
		return scalar(n, value), err
	case "Fn::Split":
		return l.split(n, arg, in)
	case "Fn::Select":
		return l.selectFrom(n, arg, in)
	case "Fn::If":
		return l.choose(arg, in)
	case "Fn::FindInMap":
		return l.findInMap(n, arg, in)
	case "Fn::Equals", "Fn::And", "Fn::Or", "Fn::Not", "Condition":
		return nil, errorAt(n, "%s stands only in Conditions", name)
	}
	return nil, errorAt(n, "the intrinsic function %s is not known to the local double", name)
}

func pseudo(name string) bool { return strings.HasPrefix(name, "AWS::") }

func (l *loader) ref(n *yaml.Node, name string, in scope) (*yaml.Node, error) {
	if pseudo(name) {
		if name == "AWS::NoValue" {
			return nil, nil
		}
		value, err := l.pseudoParameter(n, name)
		return scalar(n, value), err
	}
	if value, ok := l.params[name]; ok {
		at := *value
		at.Line, at.Column = n.Line, n.Column
		return &at, nil
	}
	r, err := l.target(n, name, in)
	if err != nil {
		return nil, err
	}
	if r.kind.ref == nil {
		return nil, errorAt(n, "Ref of %s is not known to the local double", r.Type)
	}
	if in.dead {
		return scalar(n, name), nil
	}
	value, err := r.kind.ref(l, r)
	return scalar(n, value), err
}

func (l *loader) pseudoParameter(n *yaml.Node, name string) (string, error) {
	switch name {
	case "AWS::AccountId":
		return l.Account.ID, nil
	case "AWS::Region":
		return l.Account.Region, nil
	case "AWS::Partition":
		return "aws", nil
	case "AWS::URLSuffix":
		return "amazonaws.com", nil
	case "AWS::StackName":
		return l.StackName, nil
	case "AWS::StackId":
		return l.stack.ID, nil
	}
	return "", errorAt(n, "the pseudo parameter %s is not known to the local double", name)
}

// target finds the resource that a reference names, and notes who depends on it.
func (l *loader) target(n *yaml.Node, id string, in scope) (*Resource, error) {
	r := l.resources[id]
	switch {
	case in.condition:
		return nil, errorAt(n, "%q is no parameter: a condition can refer to nothing else", id)
	case r == nil:
		return nil, errorAt(n, "%q is neither a parameter nor a resource of this template", id)
	case in.dead:
		return r, nil
	case r.absent:
		return nil, errorAt(n, "unresolved resource dependencies [%s]: its condition is false", id)
	}
	if in.owner != nil {
		in.owner.deps[id] = true
	}
	return r, nil
}

func (l *loader) getAttArgs(arg *yaml.Node, in scope) (id, attribute string, err error) {
	switch {
	case arg.Kind == yaml.ScalarNode:
		id, attribute, _ = strings.Cut(arg.Value, ".")
	case arg.Kind == yaml.SequenceNode && len(arg.Content) == 2 && arg.Content[0].Kind == yaml.ScalarNode:
		id = arg.Content[0].Value
		if attribute, err = l.text(arg.Content[1], in); err != nil {
			return "", "", err
		}
	}
	if id == "" || attribute == "" {
		return "", "", errorAt(arg, "Fn::GetAtt needs a resource and an attribute")
	}
	return id, attribute, nil
}

func (l *loader) attribute(n *yaml.Node, id, attribute string, in scope) (string, error) {
	r, err := l.target(n, id, in)
	if err != nil {
		return "", err
	}
	value := r.kind.attributes[attribute]
	if value == nil {
		return "", errorAt(n, "%s: %s has no attribute %s that the local double knows", id, r.Type, attribute)
	}
	if in.dead {
		return id + "." + attribute, nil
	}
	return value(l, r)
}

// stableUUID is an id that is the same whenever it is asked for the same.
func stableUUID(parts ...string) string {
	h := fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(parts, "\x00"))))
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:32]
}
