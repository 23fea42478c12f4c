package template

import (
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

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
