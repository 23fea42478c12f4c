package stepfunctions

import (
	"encoding/json"
	"slices"
	"strings"
)

// fields hands out an object's members by name, so that those that nobody asked for are known.
type fields struct {
	*parser
	node  *node
	taken map[string]bool
}

func (p *parser) object(n *node) *fields {
	if n.kind != '{' {
		p.complain(n, "must be an object")
		n = &node{pointer: n.pointer, line: n.line, kind: '{'}
	}
	return &fields{p, n, map[string]bool{}}
}

// take returns the member, or nil.
func (f *fields) take(name string) *node {
	f.taken[name] = true
	if i := slices.Index(f.node.names, name); i >= 0 {
		return f.node.nodes[i]
	}
	return nil
}

func (f *fields) has(name string) bool { return slices.Contains(f.node.names, name) }

// rest refuses all members that were not taken.
func (f *fields) rest(of string) {
	for i, name := range f.node.names {
		if !f.taken[name] {
			f.complain(f.node.nodes[i], "the field %q is not implemented for %s", name, of)
		}
	}
}

// exactlyOne complains unless one of the fields is there.
func (f *fields) exactlyOne(names ...string) bool {
	count := 0
	for _, name := range names {
		if f.has(name) {
			count++
		}
	}
	if count != 1 {
		f.complain(f.node, "needs exactly one of %s", strings.Join(names, ", "))
	}
	return count == 1
}

func (f *fields) atMostOne(names ...string) {
	if slices.ContainsFunc(names, f.has) {
		f.exactlyOne(names...)
	}
}

func (f *fields) text(name string) string {
	n := f.take(name)
	if n == nil {
		return ""
	}
	s, ok := n.value.(string)
	if !ok {
		f.complain(n, "must be a string")
	}
	return s
}

// required is text that must be there and not be empty.
func (f *fields) required(name string) string {
	if !f.has(name) {
		f.complain(f.node, "lacks the field %q", name)
		return ""
	}
	s := f.text(name)
	if s == "" {
		f.complain(f.take(name), "must not be empty")
	}
	return s
}

// oneOf is text that must be one of those; the first is the default.
func (f *fields) oneOf(name string, values ...string) string {
	if !f.has(name) {
		f.take(name)
		return values[0]
	}
	s := f.text(name)
	if !slices.Contains(values, s) {
		f.complain(f.take(name), "%q is not implemented; it must be %s", s, strings.Join(values, " or "))
	}
	return s
}

func (f *fields) integer(name string, least, most, otherwise int64) int64 {
	n := f.take(name)
	if n == nil {
		return otherwise
	}
	v, _ := n.value.(json.Number)
	i, err := v.Int64()
	if err != nil || i < least || i > most {
		f.complain(n, "must be an integer from %d to %d", least, most)
	}
	return i
}

func (f *fields) boolean(name string) bool {
	n := f.take(name)
	if n == nil {
		return false
	}
	b, ok := n.value.(bool)
	if !ok {
		f.complain(n, "must be true or false")
	}
	return b
}

// path is a field that holds a path or null; it is the whole input when absent.
func (f *fields) path(name string) *Path {
	if n := f.take(name); n != nil {
		if n.kind == 'v' && n.value == nil {
			return nil
		}
		return f.parsePath(n)
	}
	return &Path{text: "$"}
}

// optionalPath is nil when the field is absent, and must not be null.
func (f *fields) optionalPath(name string) *Path {
	if n := f.take(name); n != nil {
		return f.parsePath(n)
	}
	return nil
}

// resultPath is a path into the input, so not one of the context object.
func (f *fields) resultPath() *Path {
	p := f.path("ResultPath")
	if p != nil && p.context {
		f.complain(f.take("ResultPath"), "%q must not point into the context object", p)
	}
	return p
}

func (p *parser) parsePath(n *node) *Path {
	s, ok := n.value.(string)
	if !ok {
		p.complain(n, "must be a path")
		return &Path{}
	}
	path, err := ParsePath(s)
	if err != nil {
		p.complain(n, "%v", err)
		return &Path{}
	}
	return path
}

// template is a payload template, or nil.
func (f *fields) template(name string) *Template {
	n := f.take(name)
	if n == nil {
		return nil
	}
	if n.kind != '{' {
		f.complain(n, "must be an object")
	}
	return &Template{f.expression(n)}
}

// expression parses a payload template: members whose name ends in ".$" hold a path or a call.
func (p *parser) expression(n *node) expression {
	switch n.kind {
	case '[':
		a := make(array, len(n.nodes))
		for i, e := range n.nodes {
			a[i] = p.expression(e)
		}
		return a
	case '{':
		o := make(object, 0, len(n.nodes))
		for i, name := range n.names {
			m := n.nodes[i]
			plain, dynamic := strings.CutSuffix(name, ".$")
			if dynamic && slices.Contains(n.names, plain) {
				p.complain(m, "the member %q is there twice", plain)
			}
			var value expression
			if dynamic {
				value = p.dynamic(m, name)
			} else {
				value = p.expression(m)
			}
			o = append(o, member{plain, value})
		}
		return o
	}
	return literal{n.value}
}

// dynamic parses the text of n as a path or a call.
func (p *parser) dynamic(n *node, field string) expression {
	s, ok := n.value.(string)
	if !ok {
		p.complain(n, "must be a path or an intrinsic function")
		return literal{}
	}
	e, err := parseExpression(field, s)
	if err != nil {
		p.complain(n, "%v", err)
		return literal{}
	}
	return e
}

func (f *fields) list(name string) []*node {
	n := f.take(name)
	if n == nil {
		return nil
	}
	if n.kind != '[' {
		f.complain(n, "must be a list")
		return nil
	}
	return n.nodes
}
