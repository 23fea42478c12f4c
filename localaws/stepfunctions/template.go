package stepfunctions

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// scope is what a path can see: the state's input and the context object.
type scope struct {
	input   any
	context map[string]any
}

// Template is a payload template: Parameters, ResultSelector or ItemSelector.
type Template struct{ root expression }

func (t *Template) eval(s *scope) (any, error) { return t.root.eval(s) }

// expression is anything that gives a value: a literal, an object, an array, a path or a call.
type expression interface {
	eval(s *scope) (any, error)
}

type (
	literal struct{ value any }
	array   []expression
	object  []member
	member  struct {
		name  string
		value expression
	}
	pathTo struct {
		field string
		path  *Path
	}
	call struct {
		text string // as written, for messages
		name string
		args []expression
	}
)

func (l literal) eval(*scope) (any, error) { return l.value, nil }

func (a array) eval(s *scope) (any, error) {
	list := make([]any, len(a))
	for i, e := range a {
		v, err := e.eval(s)
		if err != nil {
			return nil, err
		}
		list[i] = v
	}
	return list, nil
}

func (o object) eval(s *scope) (any, error) {
	m := make(map[string]any, len(o))
	for _, f := range o {
		v, err := f.value.eval(s)
		if err != nil {
			return nil, err
		}
		m[f.name] = v
	}
	return m, nil
}

func (p pathTo) eval(s *scope) (any, error) { return p.path.get(s, p.field) }

func (c call) eval(s *scope) (any, error) {
	args, err := array(c.args).eval(s)
	if err != nil {
		return nil, err
	}
	value, err := intrinsics[c.name].apply(args.([]any))
	if err != nil {
		return nil, failf(errIntrinsic, "The function '%s' had the following error: %v", c.text, err)
	}
	return value, nil
}

// parseExpression parses the value of a field whose name ends in ".$".
func parseExpression(field, text string) (expression, error) {
	e, rest, err := cutArgument(field, text)
	if err != nil {
		return nil, err
	}
	switch e.(type) {
	case pathTo, call:
	default:
		return nil, fmt.Errorf("%q is neither a path nor an intrinsic function", text)
	}
	if strings.TrimSpace(rest) != "" {
		return nil, fmt.Errorf("%q: unexpected %q", text, rest)
	}
	return e, nil
}

// cutArgument parses the expression at the front of s: a path, a call, 'text', an integer, true, false or null.
func cutArgument(field, s string) (e expression, rest string, err error) {
	s = strings.TrimLeft(s, " ")
	switch {
	case strings.HasPrefix(s, "$"):
		p, rest, err := cutPath(s)
		return pathTo{field, p}, rest, err
	case strings.HasPrefix(s, "'"):
		text, rest, err := cutText(s)
		return literal{text}, rest, err
	case strings.HasPrefix(s, "States."):
		return cutCall(field, s)
	}
	end := strings.IndexAny(s, ",) ")
	if end < 0 {
		end = len(s)
	}
	word, rest := s[:end], s[end:]
	switch word {
	case "true", "false":
		return literal{word == "true"}, rest, nil
	case "null":
		return literal{nil}, rest, nil
	}
	if _, err := strconv.ParseFloat(word, 64); err == nil && json.Valid([]byte(word)) {
		return literal{json.Number(word)}, rest, nil
	}
	return nil, s, fmt.Errorf("%q is no path, intrinsic function, quoted text, number, boolean or null", word)
}

// cutText parses '...'. Escapes of { and } are left for States.Format.
func cutText(s string) (text, rest string, err error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\'':
			return b.String(), s[i+1:], nil
		case c == '\\' && i+1 < len(s) && s[i+1] == '\'':
			b.WriteByte('\'')
			i++
		case c == '\\' && i+1 < len(s):
			b.WriteString(s[i : i+2])
			i++
		default:
			b.WriteByte(c)
		}
	}
	return "", s, fmt.Errorf("%q lacks its closing quote", s)
}

func cutCall(field, s string) (e expression, rest string, err error) {
	name, rest, ok := strings.Cut(s, "(")
	function, known := intrinsics[name]
	if !ok || !known {
		return nil, s, fmt.Errorf("the intrinsic function %q is not implemented", name)
	}
	c := call{name: name}
	for {
		rest = strings.TrimLeft(rest, " ")
		if after, ok := strings.CutPrefix(rest, ")"); ok && len(c.args) == 0 {
			rest = after
			break
		}
		var arg expression
		if arg, rest, err = cutArgument(field, rest); err != nil {
			return nil, s, err
		}
		if l, ok := arg.(literal); ok {
			if text, ok := l.value.(string); ok && !(name == "States.Format" && len(c.args) == 0) {
				arg = literal{unescape(text)}
			}
		}
		c.args = append(c.args, arg)
		rest = strings.TrimLeft(rest, " ")
		if after, ok := strings.CutPrefix(rest, ")"); ok {
			rest = after
			break
		}
		if rest, ok = strings.CutPrefix(rest, ","); !ok {
			return nil, s, fmt.Errorf("%q: expected , or ) at %q", s, rest)
		}
	}
	c.text = s[:len(s)-len(rest)]
	if len(c.args) < function.min || function.max > 0 && len(c.args) > function.max {
		return nil, s, fmt.Errorf("%s has the wrong number of arguments", c.text)
	}
	return c, rest, nil
}

// unescape drops the backslash before a character.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// intrinsic is one function, and how many arguments it takes; a max of 0 is any number.
type intrinsic struct {
	min, max int
	apply    func(args []any) (any, error)
}

// intrinsics are those of https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html that this
// interpreter implements.
var intrinsics = map[string]intrinsic{
	"States.Array":        {0, 0, func(args []any) (any, error) { return slices.Clone(args), nil }},
	"States.Format":       {1, 0, format},
	"States.StringToJson": {1, 1, stringToJSON},
	"States.JsonToString": {1, 1, func(args []any) (any, error) { return encode(args[0]), nil }},
	"States.MathAdd":      {2, 2, mathAdd},
	"States.JsonMerge":    {3, 3, jsonMerge},
}

// format puts each argument in the place of a {}. The escapes \{, \} and \\ stand for themselves.
func format(args []any) (any, error) {
	template, ok := args[0].(string)
	if !ok {
		return nil, fmt.Errorf("the template is no string")
	}
	var b strings.Builder
	args = args[1:]
	for i := 0; i < len(template); i++ {
		switch rest := template[i:]; {
		case rest[0] == '\\' && len(rest) > 1:
			i++
			b.WriteByte(rest[1])
		case strings.HasPrefix(rest, "{}"):
			if len(args) == 0 {
				return nil, fmt.Errorf("the template has more {} than there are arguments")
			}
			if text, ok := args[0].(string); ok {
				b.WriteString(text)
			} else {
				b.WriteString(encode(args[0]))
			}
			args = args[1:]
			i++
		case rest[0] == '{' || rest[0] == '}':
			return nil, fmt.Errorf("the template has a brace that is neither part of {} nor escaped")
		default:
			b.WriteByte(rest[0])
		}
	}
	if len(args) > 0 {
		return nil, fmt.Errorf("the template has fewer {} than there are arguments")
	}
	return b.String(), nil
}

func stringToJSON(args []any) (any, error) {
	text, ok := args[0].(string)
	if !ok {
		return nil, fmt.Errorf("the argument is no string")
	}
	return decode([]byte(text))
}

// mathAdd adds integers of 32 bits; other numbers are rounded first.
func mathAdd(args []any) (any, error) {
	var sum float64
	for _, a := range args {
		n, ok := number(a)
		if n = math.Round(n); !ok || n < math.MinInt32 || n > math.MaxInt32 {
			return nil, fmt.Errorf("an argument is no integer between -2147483648 and 2147483647")
		}
		sum += n
	}
	return json.Number(strconv.FormatFloat(sum, 'f', -1, 64)), nil
}

// jsonMerge is shallow: the second object's members win. AWS has no deep merge either, and wants the false said.
func jsonMerge(args []any) (any, error) {
	first, ok1 := args[0].(map[string]any)
	second, ok2 := args[1].(map[string]any)
	if deep, ok := args[2].(bool); !ok1 || !ok2 || !ok || deep {
		return nil, fmt.Errorf("the arguments are not two objects and false")
	}
	merged := make(map[string]any, len(first)+len(second))
	for _, m := range []map[string]any{first, second} {
		maps.Copy(merged, m)
	}
	return merged, nil
}

// number is v as a float when it is a JSON number.
func number(v any) (float64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil
}
