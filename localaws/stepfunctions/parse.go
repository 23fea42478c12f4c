package stepfunctions

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
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
