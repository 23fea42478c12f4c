package template

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// readParameters gives each parameter its value, or its default, and checks it as AWS does.
func (l *loader) readParameters(n *yaml.Node) {
	for key, node := range entries(l.section(n, "Parameters")) {
		if l.section(node, "the parameter "+key.Value) != nil {
			l.fail(l.readParameter(key, node))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.Options.Parameters)) {
		if get(n, name) == nil {
			l.fail(fmt.Errorf("Parameters: [%s] do not exist in the template", name))
		}
	}
}

// parameterSpec is a parameter as the template declares it.
type parameterSpec struct {
	Type                  string
	Default               *string
	AllowedValues         []string
	AllowedPattern        string
	MinLength, MaxLength  *int
	MinValue, MaxValue    *float64
	NoEcho                bool
	ConstraintDescription string
	Description           string
}

func (l *loader) readParameter(key, node *yaml.Node) error {
	var spec parameterSpec
	if err := decode(node, &spec); err != nil {
		return err
	}
	name := key.Value
	if pseudo(name) {
		return errorAt(key, "%s is a pseudo parameter", name)
	}
	value, given := l.Options.Parameters[name]
	if !given {
		if spec.Default == nil {
			return errorAt(key, "Parameters: [%s] must have values", name)
		}
		value = *spec.Default
	}
	elements := []string{value}
	switch spec.Type {
	case "String", "Number":
		l.params[name] = scalar(key, value)
	case "CommaDelimitedList", "List<Number>", "List<String>":
		elements = strings.Split(value, ",")
		if value == "" {
			elements = nil
		}
		list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Line: key.Line, Column: key.Column}
		for i, element := range elements {
			elements[i] = strings.TrimSpace(element)
			list.Content = append(list.Content, scalar(key, elements[i]))
		}
		l.params[name] = list
	default:
		return errorAt(key, "%s: the parameter type %q is not known to the local double", name, spec.Type)
	}
	pattern, err := regexp.Compile(`\A(?:` + spec.AllowedPattern + `)\z`)
	if err != nil {
		return errorAt(get(node, "AllowedPattern"), "AllowedPattern: %v", err)
	}
	if why := spec.refusal(value, elements, pattern); why != "" {
		return errorAt(key, "Parameter '%s' %s", name, cmp.Or(spec.ConstraintDescription, why))
	}
	l.stack.Parameters = append(l.stack.Parameters, Parameter{
		Key: name, Type: spec.Type, Value: value, NoEcho: spec.NoEcho,
	})
	return nil
}

// refusal says what a value, or one of its elements, must be, or returns "".
func (spec *parameterSpec) refusal(value string, elements []string, pattern *regexp.Regexp) string {
	for _, element := range elements {
		if spec.AllowedValues != nil && !slices.Contains(spec.AllowedValues, element) {
			return "must be one of AllowedValues"
		}
		if spec.AllowedPattern != "" && !pattern.MatchString(element) {
			return "must match pattern " + spec.AllowedPattern
		}
		if spec.Type == "Number" || spec.Type == "List<Number>" {
			number, err := strconv.ParseFloat(element, 64)
			switch {
			case err != nil:
				return "must be a number"
			case spec.MinValue != nil && number < *spec.MinValue:
				return fmt.Sprintf("must be a number not less than %v", *spec.MinValue)
			case spec.MaxValue != nil && number > *spec.MaxValue:
				return fmt.Sprintf("must be a number not greater than %v", *spec.MaxValue)
			}
		}
	}
	switch {
	case spec.MinLength != nil && len(value) < *spec.MinLength:
		return fmt.Sprintf("must contain at least %d characters", *spec.MinLength)
	case spec.MaxLength != nil && len(value) > *spec.MaxLength:
		return fmt.Sprintf("must contain at most %d characters", *spec.MaxLength)
	}
	return ""
}

// scalar returns a string node at the position of n.
func scalar(n *yaml.Node, value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value, Line: n.Line, Column: n.Column}
}
