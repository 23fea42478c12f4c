// Package template reads an AWS SAM template and resolves it for the local double: parameters, conditions, mappings
// and intrinsic functions become the values that AWS CloudFormation would put there, and the resources become typed
// views that say what the double has to build.
//
// The rules are those of "Template reference" in the AWS CloudFormation User Guide and of the "AWS SAM template
// anatomy". What the double would not honour (a resource type, a property, an attribute, an intrinsic function) is
// refused by name and position. Both branches of an Fn::If and resources whose condition is false are checked too.
package template

import (
	"go.yaml.in/yaml/v3"
)

// loader holds what is known while a template is being resolved.
type loader struct {
	Options
	stack      *Stack
	transform  bool
	params     map[string]*yaml.Node
	mappings   map[string]*yaml.Node
	conditions map[string]*condition
	resources  map[string]*Resource
	inOrder    []*Resource
	naming     []string // whose names are being found, each for the sake of the one before
	errs       []error
}

func (l *loader) fail(err error) {
	if err != nil {
		l.errs = append(l.errs, err)
	}
}

// Load resolves a template. Its errors are all that were found, each an [*Error] where it has a place.
func Load(text []byte, o Options) (*Stack, error) {
	t, err := Parse(text)
	if err != nil {
		return nil, err
	}
	return t.Deploy(o)
}

// Template is a template's text that was read, of which any number of stacks can be made.
type Template struct{ root *yaml.Node }

// Parse reads a template's text. Its errors are as Load's.
func Parse(text []byte) (*Template, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	if doc.Kind != yaml.DocumentNode || doc.Content[0].Kind != yaml.MappingNode {
		return nil, &Error{Line: 1, Column: 1, Message: "a template is a map of sections"}
	}
	if err := wellFormed(doc.Content[0]); err != nil {
		return nil, err
	}
	return &Template{doc.Content[0]}, nil
}

// Deploy resolves the template, which it leaves as it is. Its errors are as Load's.
func (t *Template) Deploy(o Options) (*Stack, error) {
	l := &loader{
		Options: o,
		stack: &Stack{
			Name: o.StackName, Account: o.Account,
			ID: o.Account.ARN("cloudformation", "stack/"+o.StackName+"/"+stableUUID(o.Account.ID, o.StackName)),
		},
		params:     map[string]*yaml.Node{},
		mappings:   map[string]*yaml.Node{},
		conditions: map[string]*condition{},
		resources:  map[string]*Resource{},
	}
	sections := map[string]*yaml.Node{}
	for key, value := range entries(t.root) {
		sections[key.Value] = value
		switch key.Value {
		case "AWSTemplateFormatVersion", "Metadata", "Globals", "Parameters", "Mappings", "Conditions", "Resources",
			"Outputs", "Transform":
		case "Description":
			l.stack.Description = value.Value
		default:
			l.fail(errorAt(key, "the section %s is not known to the local double", key.Value))
		}
	}
	l.readTransform(sections["Transform"])
	l.readParameters(sections["Parameters"])
	l.readMappings(sections["Mappings"])
	l.readConditions(sections["Conditions"])
	if len(l.errs) > 0 {
		return nil, l.failures()
	}
	l.readResources(sections["Resources"], sections["Globals"])
	if len(l.errs) > 0 {
		return nil, l.failures()
	}
	l.resolveResources()
	l.readOutputs(sections["Outputs"])
	if len(l.errs) == 0 {
		l.sortResources()
	}
	if len(l.errs) == 0 {
		l.build()
	}
	if err := l.failures(); err != nil {
		return nil, err
	}
	return l.stack, nil
}

// section is get for a section or entry that has to be a map; it may be missing.
func (l *loader) section(n *yaml.Node, what string) *yaml.Node {
	if n != nil && n.Kind != yaml.MappingNode {
		l.fail(errorAt(n, "%s has to be a map", what))
		return nil
	}
	return n
}

const samTransform = "AWS::Serverless-2016-10-31"

func (l *loader) readTransform(n *yaml.Node) {
	if n == nil {
		return
	}
	list := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		list = n.Content
	}
	for _, name := range list {
		if name.Kind != yaml.ScalarNode || name.Value != samTransform {
			l.fail(errorAt(name, "the transform %s is not known to the local double", name.Value))
			continue
		}
		l.transform = true
	}
}

func (l *loader) readMappings(n *yaml.Node) {
	for name, mapping := range entries(l.section(n, "Mappings")) {
		l.section(mapping, "the mapping "+name.Value)
		l.mappings[name.Value] = mapping
	}
}

func (l *loader) readOutputs(n *yaml.Node) {
	for key, node := range entries(l.section(n, "Outputs")) {
		in := scope{}
		if c := get(node, "Condition"); c != nil {
			holds, err := l.holds(c)
			l.fail(err)
			in.dead = !holds
		}
		o := Output{Key: key.Value}
		for field, value := range entries(l.section(node, "the output "+key.Value)) {
			var err error
			switch field.Value {
			case "Value":
				o.Value, err = l.text(value, in)
			case "Description":
				o.Description, err = l.text(value, in)
			case "Export":
				if name := get(value, "Name"); name != nil {
					o.ExportName, err = l.text(name, in)
				} else {
					err = errorAt(value, "Export needs a Name")
				}
			case "Condition":
			default:
				err = errorAt(field, "%s is no field of an output", field.Value)
			}
			l.fail(err)
		}
		if get(node, "Value") == nil {
			l.fail(errorAt(key, "the output %s has no Value", key.Value))
		}
		if !in.dead {
			l.stack.Outputs = append(l.stack.Outputs, o)
		}
	}
}
