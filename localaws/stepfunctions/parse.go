package stepfunctions

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// maxSeconds is the largest number of seconds that the language knows.
const maxSeconds = 99_999_999

// The resources of Task states that are implemented, besides the ARN of a Lambda function itself.
const (
	resourceInvoke = "arn:aws:states:::lambda:invoke"
	resourceNested = "arn:aws:states:::states:startExecution.sync:2"
)

var (
	functionARN  = regexp.MustCompile(`^arn:aws:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9_$-]+)?$`)
	substitution = regexp.MustCompile(`\$\{[A-Za-z0-9_.:]+\}`)
)

// Parse parses a definition and refuses whatever this interpreter does not implement, or Step Functions would not
// accept, with the JSON pointer and the line of each complaint. The language is that of
// https://states-language.net/spec.html with JSONPath. Substitutions such as ${Function} may stand for a Resource or
// its partition; CreateStateMachine wants them filled in.
func Parse(text []byte) (*Definition, error) {
	root, err := parseJSON(text)
	if err != nil {
		return nil, err
	}
	p := &parser{names: map[string]bool{}}
	d := p.machine(root, "", "Comment", "Version", "TimeoutSeconds", "QueryLanguage")
	if len(p.errs) > 0 {
		return nil, errors.Join(p.errs...)
	}
	return d, nil
}

// node is a JSON value that knows where it stands.
type node struct {
	pointer string
	line    int
	value   any      // scalars
	kind    byte     // { [ or v
	names   []string // of an object's members, as written
	nodes   []*node
}

func parseJSON(text []byte) (*node, error) {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		line := 0
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			line = 1 + bytes.Count(text[:min(int(syntax.Offset), len(text))], []byte("\n"))
		}
		return nil, fmt.Errorf("line %d: %w", line, err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	t := &treeReader{text: text, decoder: d, line: 1}
	root, err := t.read("")
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("text after the definition")
	}
	return root, nil
}

// treeReader makes nodes of tokens, counting lines as it goes.
type treeReader struct {
	text    []byte
	decoder *json.Decoder
	counted int64
	line    int
}

func (t *treeReader) token() (json.Token, error) {
	token, err := t.decoder.Token()
	offset := t.decoder.InputOffset()
	t.line += bytes.Count(t.text[t.counted:offset], []byte("\n"))
	t.counted = offset
	return token, err
}

// escapes are those of a JSON pointer (RFC 6901, section 3).
var escapes = strings.NewReplacer("~", "~0", "/", "~1")

func (t *treeReader) read(pointer string) (*node, error) {
	token, err := t.token()
	if err != nil {
		return nil, err
	}
	n := &node{pointer: pointer, line: t.line, kind: 'v', value: token}
	delim, ok := token.(json.Delim)
	if !ok {
		return n, nil
	}
	n.kind, n.value = byte(delim), nil
	for t.decoder.More() {
		name := fmt.Sprint(len(n.nodes))
		if n.kind == '{' {
			key, err := t.token()
			if err != nil {
				return nil, err
			}
			name = key.(string)
			if slices.Contains(n.names, name) {
				return nil, fmt.Errorf("%s (line %d): the member %q is there twice", pointer, t.line, name)
			}
			n.names = append(n.names, name)
		}
		member, err := t.read(pointer + "/" + escapes.Replace(name))
		if err != nil {
			return nil, err
		}
		n.nodes = append(n.nodes, member)
	}
	_, err = t.token()
	return n, err
}

// plain is the node as a decoded value.
func (n *node) plain() any {
	switch n.kind {
	case '{':
		m := make(map[string]any, len(n.nodes))
		for i, name := range n.names {
			m[name] = n.nodes[i].plain()
		}
		return m
	case '[':
		list := make([]any, len(n.nodes))
		for i, e := range n.nodes {
			list[i] = e.plain()
		}
		return list
	}
	return n.value
}

// parser collects complaints; what it returns is of use only when there are none.
type parser struct {
	errs  []error
	names map[string]bool // of all states, the inner ones too
}

func (p *parser) complain(n *node, format string, args ...any) {
	where := n.pointer
	if where == "" {
		where = "/"
	}
	p.errs = append(p.errs, fmt.Errorf("%s (line %d): %s", where, n.line, fmt.Sprintf(format, args...)))
}

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
			value := expression(nil)
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

// machine parses StartAt and States, and those of the other fields that the caller names.
func (p *parser) machine(n *node, of string, also ...string) *Definition {
	f := p.object(n)
	d := &Definition{StartAt: f.required("StartAt")}
	for _, name := range also {
		switch name {
		case "Comment":
			d.Comment = f.text(name)
		case "Version":
			f.oneOf(name, "1.0")
		case "QueryLanguage":
			f.oneOf(name, "JSONPath")
		case "TimeoutSeconds":
			d.TimeoutSeconds = f.integer(name, 1, maxSeconds, 0)
		case "ProcessorConfig":
			if config := f.take(name); config != nil {
				c := p.object(config)
				c.oneOf("Mode", "INLINE")
				c.rest("an inline Map")
			}
		}
	}
	states := f.take("States")
	f.rest(strings.TrimSpace("a state machine " + of))
	if states == nil || states.kind != '{' || len(states.nodes) == 0 {
		p.complain(n, "lacks States, an object of at least one state")
		return d
	}
	for i, name := range states.names {
		if l := utf8.RuneCountInString(name); l < 1 || l > 80 {
			p.complain(states.nodes[i], "the name of a state has 1 to 80 characters")
		}
		if p.names[name] {
			p.complain(states.nodes[i], "another state is called %q", name)
		}
		p.names[name] = true
		d.States = append(d.States, p.state(name, states.nodes[i]))
	}
	p.checkGraph(d, states)
	return d
}

// checkGraph wants each target to exist, each state to be reached, and an end.
func (p *parser) checkGraph(d *Definition, states *node) {
	at := func(name string) *node { return states.nodes[slices.Index(states.names, name)] }
	if d.State(d.StartAt) == nil {
		p.complain(states, "StartAt names %q, which is no state here", d.StartAt)
		return
	}
	reached := map[string]bool{d.StartAt: true}
	ends := false
	for queue := []string{d.StartAt}; len(queue) > 0; queue = queue[1:] {
		s := d.State(queue[0])
		ends = ends || s.Terminal()
		for _, next := range s.Successors() {
			switch {
			case d.State(next) == nil:
				p.complain(at(s.Name), "goes on to %q, which is no state here", next)
			case !reached[next]:
				reached[next] = true
				queue = append(queue, next)
			}
		}
	}
	for _, s := range d.States {
		if !reached[s.Name] {
			p.complain(at(s.Name), "cannot be reached from %q", d.StartAt)
		}
	}
	if !ends && len(p.errs) == 0 { // a complaint about a target says as much
		p.complain(states, "no state that ends the machine can be reached")
	}
}

func (p *parser) state(name string, n *node) *State {
	f := p.object(n)
	s := &State{Name: name, Type: f.required("Type"), Comment: f.text("Comment")}
	f.oneOf("QueryLanguage", "JSONPath")
	flow := func() { // Next or End
		one := f.exactlyOne("Next", "End")
		s.Next, s.End = f.text("Next"), f.boolean("End")
		if one && s.Next == "" && !s.End {
			p.complain(n, "needs a Next, or End to be true")
		}
	}
	ends := func() { s.InputPath, s.OutputPath = f.path("InputPath"), f.path("OutputPath") }
	switch s.Type {
	case "Task":
		flow()
		ends()
		s.ResultPath = f.resultPath()
		s.Parameters, s.ResultSelector = f.template("Parameters"), f.template("ResultSelector")
		s.Retry, s.Catch = f.retry(), f.catch()
		f.task(s)
	case "Map":
		flow()
		ends()
		s.ResultPath, s.ResultSelector = f.resultPath(), f.template("ResultSelector")
		s.Retry, s.Catch = f.retry(), f.catch()
		f.mapState(s)
	case "Pass":
		flow()
		ends()
		s.ResultPath, s.Parameters = f.resultPath(), f.template("Parameters")
		if r := f.take("Result"); r != nil {
			s.Result, s.HasResult = r.plain(), true
		}
	case "Wait":
		flow()
		ends()
		f.wait(s)
	case "Choice":
		ends()
		s.Default = f.text("Default")
		choices := f.take("Choices")
		if choices == nil || choices.kind != '[' || len(choices.nodes) == 0 {
			p.complain(n, "lacks Choices, a list of at least one rule")
			break
		}
		for _, c := range choices.nodes {
			s.Choices = append(s.Choices, p.rule(c, true))
		}
	case "Succeed":
		ends()
	case "Fail":
		f.atMostOne("Error", "ErrorPath")
		f.atMostOne("Cause", "CausePath")
		s.Error, s.Cause = f.text("Error"), f.text("Cause")
		if e := f.take("ErrorPath"); e != nil {
			s.errorPath = p.dynamic(e, "ErrorPath")
		}
		if c := f.take("CausePath"); c != nil {
			s.causePath = p.dynamic(c, "CausePath")
		}
	case "":
	default:
		p.complain(n, "the state type %q is not implemented", s.Type)
		return s
	}
	f.rest(s.Type)
	return s
}

func (f *fields) task(s *State) {
	f.atMostOne("TimeoutSeconds", "TimeoutSecondsPath")
	s.TimeoutSeconds = f.integer("TimeoutSeconds", 1, maxSeconds, 0)
	s.TimeoutSecondsPath = f.optionalPath("TimeoutSecondsPath")
	s.Resource = f.required("Resource")
	var required, optional []string
	switch {
	case functionARN.MatchString(s.Resource), substitution.FindString(s.Resource) == s.Resource:
		return
	case s.Resource == resourceInvoke:
		required, optional = []string{"FunctionName"}, []string{"Payload"}
	case substitution.ReplaceAllString(s.Resource, "aws") == resourceNested:
		required, optional = []string{"StateMachineArn"}, []string{"Input", "Name"}
	default:
		f.complain(f.take("Resource"), "the resource %q is not implemented", s.Resource)
		return
	}
	var have []string
	if s.Parameters != nil {
		o, _ := s.Parameters.root.(object)
		for _, m := range o {
			have = append(have, m.name)
			if !slices.Contains(required, m.name) && !slices.Contains(optional, m.name) {
				f.complain(f.take("Parameters"), "the parameter %q is not implemented for %s", m.name, s.Resource)
			}
		}
	}
	for _, name := range required {
		if !slices.Contains(have, name) {
			f.complain(f.node, "the parameter %q is required for %s", name, s.Resource)
		}
	}
}

func (f *fields) mapState(s *State) {
	f.exactlyOne("ItemProcessor", "Iterator")
	f.atMostOne("ItemSelector", "Parameters")
	s.ItemsPath = f.path("ItemsPath")
	if s.ItemsPath == nil {
		f.complain(f.take("ItemsPath"), "must be a path")
	}
	s.MaxConcurrency = int(f.integer("MaxConcurrency", 0, math.MaxInt32, 0))
	if s.ItemSelector = f.template("ItemSelector"); s.ItemSelector == nil {
		s.ItemSelector = f.template("Parameters")
	}
	if n := f.take("ItemProcessor"); n != nil {
		s.ItemProcessor = f.machine(n, "inside a Map", "Comment", "ProcessorConfig")
	} else if n := f.take("Iterator"); n != nil {
		s.ItemProcessor = f.machine(n, "inside a Map", "Comment")
	}
}

func (f *fields) wait(s *State) {
	f.exactlyOne("Seconds", "SecondsPath", "Timestamp", "TimestampPath")
	s.SecondsPath, s.TimestampPath = f.optionalPath("SecondsPath"), f.optionalPath("TimestampPath")
	if f.has("Seconds") {
		seconds := f.integer("Seconds", 0, maxSeconds, 0)
		s.Seconds = &seconds
	}
	if n := f.take("Timestamp"); n != nil {
		text, _ := n.value.(string)
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			f.complain(n, "must be a time stamp such as 2016-08-18T17:33:00Z")
		}
		s.Timestamp = &at
	}
}

// errorEquals parses the names of a retrier or catcher; States.ALL stands alone and in the last one.
func (f *fields) errorEquals(last bool) []string {
	n := f.take("ErrorEquals")
	if n == nil || n.kind != '[' || len(n.nodes) == 0 {
		f.complain(f.node, "lacks ErrorEquals, a list of at least one name")
		return nil
	}
	var names []string
	for _, e := range n.nodes {
		name, ok := e.value.(string)
		switch {
		case !ok || name == "":
			f.complain(e, "must be the name of an error")
		case strings.HasPrefix(name, "States.") && !reservedErrors[name]:
			f.complain(e, "%q is no error of Step Functions", name)
		case name == errAll && (len(n.nodes) > 1 || !last):
			f.complain(e, "%s must stand alone, and in the last element", name)
		}
		names = append(names, name)
	}
	return names
}

func (f *fields) retry() []Retrier {
	list := f.list("Retry")
	retriers := make([]Retrier, len(list))
	for i, n := range list {
		r := f.object(n)
		retriers[i] = Retrier{
			ErrorEquals:     r.errorEquals(i == len(list)-1),
			IntervalSeconds: r.integer("IntervalSeconds", 1, maxSeconds, 1),
			MaxAttempts:     r.integer("MaxAttempts", 0, maxSeconds, 3),
			MaxDelaySeconds: r.integer("MaxDelaySeconds", 1, 31_622_399, 0),
			JitterStrategy:  r.oneOf("JitterStrategy", "NONE", "FULL"),
			BackoffRate:     2,
		}
		if b := r.take("BackoffRate"); b != nil {
			rate, ok := number(b.value)
			if !ok || rate < 1 {
				f.complain(b, "must be a number of at least 1")
			}
			retriers[i].BackoffRate = rate
		}
		if most := retriers[i].MaxDelaySeconds; most > 0 && most <= retriers[i].IntervalSeconds {
			f.complain(n, "MaxDelaySeconds must be more than IntervalSeconds")
		}
		r.text("Comment")
		r.rest("a retrier")
	}
	return retriers
}

func (f *fields) catch() []Catcher {
	list := f.list("Catch")
	catchers := make([]Catcher, len(list))
	for i, n := range list {
		c := f.object(n)
		catchers[i] = Catcher{
			Comment:     c.text("Comment"),
			ErrorEquals: c.errorEquals(i == len(list)-1),
			ResultPath:  c.resultPath(),
			Next:        c.required("Next"),
		}
		c.rest("a catcher")
	}
	return catchers
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

func (p *parser) rule(n *node, outermost bool) *Rule {
	f := p.object(n)
	r := &Rule{Comment: f.text("Comment")}
	if outermost {
		r.Next = f.required("Next")
	}
	inner := func(name string) []*Rule {
		list := f.list(name)
		if len(list) == 0 {
			p.complain(n, "%s needs at least one rule", name)
		}
		rules := make([]*Rule, len(list))
		for i, e := range list {
			rules[i] = p.rule(e, false)
		}
		return rules
	}
	switch {
	case f.has("And"):
		r.And = inner("And")
	case f.has("Or"):
		r.Or = inner("Or")
	case f.has("Not"):
		r.Not = p.rule(f.take("Not"), false)
	case !f.has("Variable"):
		p.complain(n, "needs Variable, And, Or or Not")
	default:
		r.Variable = f.optionalPath("Variable")
		for _, name := range n.names {
			if _, _, _, ok := splitOperator(name); ok && r.Operator == "" {
				r.Operator = name
				f.operand(r)
			}
		}
		if r.Operator == "" {
			p.complain(n, "has no comparison operator that is implemented")
		}
	}
	f.rest("a Choice rule")
	return r
}

func (f *fields) operand(r *Rule) {
	kind, _, path, _ := splitOperator(r.Operator)
	if path {
		r.OperandPath = f.optionalPath(r.Operator)
		return
	}
	n := f.take(r.Operator)
	r.Operand = n.value
	compare, ok := compares[kind]
	if !ok { // IsPresent and IsNull
		compare = compares["Boolean"]
	}
	if _, ok := compare(n.value, n.value); !ok {
		f.complain(n, "is of the wrong type for %s", r.Operator)
	}
}
