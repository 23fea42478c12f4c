package stepfunctions

import (
	"math"
	"slices"
	"strings"
	"time"
)

func (p *parser) state(name string, n *node) *State {
	f := p.object(n)
	s := &State{Name: name, Type: f.required("Type"), Comment: f.text("Comment")}
	f.oneOf("QueryLanguage", "JSONPath")
	flow := func() { f.flow(s) }
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
		f.choice(s)
	case "Succeed":
		ends()
	case "Fail":
		f.fail(s)
	case "":
	default:
		p.complain(n, "the state type %q is not implemented", s.Type)
		return s
	}
	f.rest(s.Type)
	return s
}

// flow reads Next or End.
func (f *fields) flow(s *State) {
	one := f.exactlyOne("Next", "End")
	s.Next, s.End = f.text("Next"), f.boolean("End")
	if one && s.Next == "" && !s.End {
		f.parser.complain(f.node, "needs a Next, or End to be true")
	}
}

func (f *fields) choice(s *State) {
	s.Default = f.text("Default")
	choices := f.take("Choices")
	if choices == nil || choices.kind != '[' || len(choices.nodes) == 0 {
		f.parser.complain(f.node, "lacks Choices, a list of at least one rule")
		return
	}
	for _, c := range choices.nodes {
		s.Choices = append(s.Choices, f.parser.rule(c, true))
	}
}

func (f *fields) fail(s *State) {
	f.atMostOne("Error", "ErrorPath")
	f.atMostOne("Cause", "CausePath")
	s.Error, s.Cause = f.text("Error"), f.text("Cause")
	if e := f.take("ErrorPath"); e != nil {
		s.errorPath = f.parser.dynamic(e, "ErrorPath")
	}
	if c := f.take("CausePath"); c != nil {
		s.causePath = f.parser.dynamic(c, "CausePath")
	}
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

// errorEquals parses the names of a retrier or catcher; States.ALL must be alone and in the last one.
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
