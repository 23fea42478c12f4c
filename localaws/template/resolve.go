package template

import (
	"crypto/sha256"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// scope says for whom a value is being resolved.
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

// intrinsic tells whether a node is an intrinsic function, in its short or its long form.
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

var variable = regexp.MustCompile(`\$\{([^}]*)\}`)

func (l *loader) sub(arg *yaml.Node, in scope) (string, error) {
	format, own := arg, (*yaml.Node)(nil)
	if arg.Kind == yaml.SequenceNode {
		pair, err := args("Fn::Sub", arg, 2, 2)
		if err != nil {
			return "", err
		}
		format, own = pair[0], pair[1]
		if _, _, ok := intrinsic(own); ok || own.Kind != yaml.MappingNode {
			return "", errorAt(own, "Fn::Sub's second element has to be a map")
		}
	}
	if _, _, ok := intrinsic(format); ok || format.Kind != yaml.ScalarNode {
		return "", errorAt(format, "Fn::Sub needs a string")
	}
	var b strings.Builder
	rest := format.Value
	for {
		at := variable.FindStringSubmatchIndex(rest)
		if at == nil {
			b.WriteString(rest)
			break
		}
		b.WriteString(rest[:at[0]])
		name := rest[at[2]:at[3]]
		rest = rest[at[1]:]
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			b.WriteString("${" + literal + "}")
			continue
		}
		value, err := l.substitute(format, name, own, in)
		if err != nil {
			return "", err
		}
		if b.WriteString(value); b.Len() > maxText {
			return "", errorAt(format, "Fn::Sub makes a string of more than %d bytes", maxText)
		}
	}
	return b.String(), nil
}

func (l *loader) substitute(n *yaml.Node, name string, own *yaml.Node, in scope) (string, error) {
	if value := get(own, name); value != nil {
		return l.text(value, in)
	}
	if id, attribute, ok := strings.Cut(name, "."); ok {
		return l.attribute(n, id, attribute, in)
	}
	v, err := l.ref(n, name, in)
	switch {
	case err != nil:
		return "", err
	case v == nil || v.Kind != yaml.ScalarNode:
		return "", errorAt(n, "${%s} is no string", name)
	}
	return v.Value, nil
}

func (l *loader) join(arg *yaml.Node, in scope) (string, error) {
	pair, err := args("Fn::Join", arg, 2, 2)
	if err != nil {
		return "", err
	}
	delimiter, err := l.text(pair[0], in)
	if err != nil {
		return "", err
	}
	elements, err := l.list(pair[1], in)
	if err != nil {
		return "", err
	}
	values := make([]string, len(elements))
	size := 0
	for i, element := range elements {
		if element.Kind != yaml.ScalarNode {
			return "", errorAt(element, "Fn::Join joins strings only")
		}
		values[i] = element.Value
		size += len(element.Value) + len(delimiter)
	}
	if size > maxText {
		return "", errorAt(arg, "Fn::Join makes a string of more than %d bytes", maxText)
	}
	return strings.Join(values, delimiter), nil
}

func (l *loader) split(n, arg *yaml.Node, in scope) (*yaml.Node, error) {
	pair, err := args("Fn::Split", arg, 2, 2)
	if err != nil {
		return nil, err
	}
	delimiter, err := l.text(pair[0], in)
	if err != nil {
		return nil, err
	}
	if delimiter == "" {
		return nil, errorAt(pair[0], "Fn::Split needs a delimiter")
	}
	source, err := l.text(pair[1], in)
	if err != nil {
		return nil, err
	}
	list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Line: n.Line, Column: n.Column}
	for part := range strings.SplitSeq(source, delimiter) {
		list.Content = append(list.Content, scalar(n, part))
	}
	return list, nil
}

func (l *loader) selectFrom(n, arg *yaml.Node, in scope) (*yaml.Node, error) {
	pair, err := args("Fn::Select", arg, 2, 2)
	if err != nil {
		return nil, err
	}
	index, err := l.text(pair[0], in)
	if err != nil {
		return nil, err
	}
	elements, err := l.list(pair[1], in)
	if err != nil {
		return nil, err
	}
	i, err := strconv.Atoi(index)
	switch {
	case err == nil && i >= 0 && i < len(elements):
		return elements[i], nil
	case in.dead:
		return scalar(n, ""), nil
	}
	return nil, errorAt(n, "Fn::Select cannot select nonexistent value at index %s", index)
}

func (l *loader) choose(arg *yaml.Node, in scope) (*yaml.Node, error) {
	three, err := args("Fn::If", arg, 3, 3)
	if err != nil {
		return nil, err
	}
	holds, err := l.holds(three[0])
	if err != nil {
		return nil, err
	}
	taken, other := three[1], three[2]
	if !holds {
		taken, other = other, taken
	}
	dead := in
	dead.dead = true
	if _, err := l.resolve(other, dead); err != nil {
		return nil, err
	}
	return l.resolve(taken, in)
}

func (l *loader) findInMap(n, arg *yaml.Node, in scope) (*yaml.Node, error) {
	three, err := args("Fn::FindInMap", arg, 3, 3)
	if err != nil {
		return nil, err
	}
	var keys [3]string
	for i := range keys {
		if keys[i], err = l.text(three[i], in); err != nil {
			return nil, err
		}
	}
	value := get(get(l.mappings[keys[0]], keys[1]), keys[2])
	switch {
	case in.dead:
		return scalar(n, keys[2]), nil
	case value == nil:
		return nil, errorAt(n, "unable to get mapping for %s::%s::%s", keys[0], keys[1], keys[2])
	}
	if _, _, ok := intrinsic(value); ok || value.Kind == yaml.MappingNode {
		return nil, errorAt(value, "a mapping holds strings and lists only")
	}
	at := *value
	at.Line, at.Column = n.Line, n.Column
	return &at, nil
}

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

// holds says whether the condition that a node names is true.
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

// stableUUID is an id that is the same whenever it is asked for the same.
func stableUUID(parts ...string) string {
	h := fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(parts, "\x00"))))
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:32]
}
