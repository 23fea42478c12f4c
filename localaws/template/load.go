// Package template reads an AWS SAM template and resolves it for the local double: parameters, conditions, mappings
// and intrinsic functions become the values that AWS CloudFormation would put there, and the resources become typed
// views that say what the double has to build.
//
// The rules are those of "Template reference" in the AWS CloudFormation User Guide and of the "AWS SAM template
// anatomy". What the double would not honour (a resource type, a property, an attribute, an intrinsic function) is
// refused by name and position. Both branches of an Fn::If and resources whose condition is false are checked too.
package template

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"userdrop/localaws/wire"
)

// Options say as what, and with which parameters, a template is deployed.
type Options struct {
	Parameters map[string]string
	Account    *wire.Account
	StackName  string
	// ReadFile reads a file that the template names, by its path relative to the template.
	ReadFile func(path string) ([]byte, error)
	// PhysicalName names a resource that the template does not name. Where it is nil or answers "", the name is
	// <stack>-<logical id>, in lower case for a bucket. (AWS adds a random suffix.)
	PhysicalName func(logicalID, resourceType string) string
}

// Stack is a deployed template.
type Stack struct {
	Name        string
	ID          string // its ARN
	Description string
	Account     *wire.Account
	Parameters  []Parameter
	Resources   []*Resource // each after those it depends on, else as in the template
	Outputs     []Output

	Functions     []*Function
	StateMachines []*StateMachine
	Buckets       []*Bucket
	Rules         []*Rule
	Schedules     []*Schedule
	Topics        []*Topic
	Queues        []*Queue
	Roles         []*Role
	LogGroups     []*LogGroup
}

// Parameter is a parameter with the value it got.
type Parameter struct {
	Key, Type, Value string
	NoEcho           bool
}

// Output is an output whose condition holds.
type Output struct {
	Key, Value, Description, ExportName string
}

// Resource is a resource whose condition holds.
type Resource struct {
	LogicalID  string
	Type       string
	PhysicalID string
	Properties map[string]any // resolved, as JSON would hold them
	DependsOn  []string       // logical ids, by DependsOn or by reference, sorted
	Line       int

	kind     *kind
	node     *yaml.Node // the resource as it stands in the template
	props    *yaml.Node // its Properties, Globals merged in; resolved after load.resources
	absent   bool       // its condition is false
	deps     map[string]bool
	name     string
	nameErr  error
	nameDone bool
}

// OfType returns the resources of a type, such as those that have no view of their own.
func (s *Stack) OfType(resourceType string) []*Resource {
	var found []*Resource
	for _, r := range s.Resources {
		if r.Type == resourceType {
			found = append(found, r)
		}
	}
	return found
}

// Output returns the value of an output, or "".
func (s *Stack) Output(key string) string {
	for _, o := range s.Outputs {
		if o.Key == key {
			return o.Value
		}
	}
	return ""
}

// Error is a mistake in the template, and where it is.
type Error struct {
	Line, Column int
	Message      string
}

func (e *Error) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
}

func errorAt(n *yaml.Node, format string, args ...any) error {
	return &Error{Line: n.Line, Column: n.Column, Message: fmt.Sprintf(format, args...)}
}

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

// failures is all that went wrong, in the order of the template.
func (l *loader) failures() error {
	var found []*Error
	var other []error
	for _, joined := range l.errs {
		for _, err := range flatten(joined) {
			if at, ok := errors.AsType[*Error](err); ok {
				found = append(found, at)
			} else {
				other = append(other, err)
			}
		}
	}
	slices.SortStableFunc(found, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Message, b.Message))
	})
	found = slices.CompactFunc(found, func(a, b *Error) bool { return *a == *b })
	for _, at := range found {
		other = append(other, at)
	}
	return errors.Join(other...)
}

func flatten(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, flatten(e)...)
	}
	return all
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

// entries ranges over a map's keys and values in the order of the text. A node that is no map has none.
func entries(n *yaml.Node) func(yield func(key, value *yaml.Node) bool) {
	return func(yield func(key, value *yaml.Node) bool) {
		if n == nil || n.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i], n.Content[i+1]) {
				return
			}
		}
	}
}

// get returns the value of a map's key, or nil.
func get(n *yaml.Node, name string) *yaml.Node {
	for key, value := range entries(n) {
		if key.Value == name {
			return value
		}
	}
	return nil
}

// section is get for a section or entry that has to be a map; it may be missing.
func (l *loader) section(n *yaml.Node, what string) *yaml.Node {
	if n != nil && n.Kind != yaml.MappingNode {
		l.fail(errorAt(n, "%s has to be a map", what))
		return nil
	}
	return n
}

// wellFormed refuses what CloudFormation's YAML has not: aliases, merges, keys that are no scalars or come twice.
func wellFormed(n *yaml.Node) error {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		return errorAt(n, "CloudFormation supports no YAML anchors and aliases")
	}
	if n.Kind == yaml.MappingNode {
		seen := map[string]bool{}
		for key := range entries(n) {
			switch {
			case key.Kind != yaml.ScalarNode:
				return errorAt(key, "a key has to be a scalar")
			case key.Tag == "!!merge":
				return errorAt(key, "CloudFormation supports no YAML merges")
			case seen[key.Value]:
				return errorAt(key, "the key %s stands here twice", key.Value)
			}
			seen[key.Value] = true
		}
	}
	for _, child := range n.Content {
		if err := wellFormed(child); err != nil {
			return err
		}
	}
	return nil
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

var resourceAttributes = []string{
	"Type", "Properties", "DependsOn", "Condition", "Metadata", "DeletionPolicy", "UpdateReplacePolicy",
}

func (l *loader) readResources(n, globals *yaml.Node) {
	if n == nil {
		l.fail(&Error{Line: 1, Column: 1, Message: "a template needs Resources"})
		return
	}
	l.checkGlobals(globals)
	for id, node := range entries(l.section(n, "Resources")) {
		if l.section(node, "the resource "+id.Value) == nil {
			continue
		}
		if strings.HasPrefix(id.Value, "Fn::") {
			l.fail(errorAt(id, "%s is not known to the local double", id.Value))
			continue
		}
		for key := range entries(node) {
			if !slices.Contains(resourceAttributes, key.Value) {
				l.fail(errorAt(key, "%s: the resource attribute %s is not known to the local double", id.Value, key.Value))
			}
		}
		typeNode := get(node, "Type")
		if typeNode == nil {
			l.fail(errorAt(id, "%s has no Type", id.Value))
			continue
		}
		known := kinds[typeNode.Value]
		if known == nil {
			l.fail(errorAt(typeNode, "%s: the resource type %s is not known to the local double",
				id.Value, typeNode.Value))
			continue
		}
		if strings.HasPrefix(typeNode.Value, "AWS::Serverless::") && !l.transform {
			l.fail(errorAt(typeNode, "%s: %s needs Transform: %s", id.Value, typeNode.Value, samTransform))
		}
		props := get(node, "Properties")
		l.section(props, id.Value+"'s Properties")
		if props == nil {
			props = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: id.Line, Column: id.Column}
		}
		if global := get(globals, strings.TrimPrefix(typeNode.Value, "AWS::Serverless::")); global != nil {
			props = merge(global, props)
		}
		r := &Resource{
			LogicalID: id.Value, Type: typeNode.Value, Line: id.Line,
			kind: known, node: node, props: props, deps: map[string]bool{},
		}
		if c := get(node, "Condition"); c != nil {
			holds, err := l.holds(c)
			l.fail(err)
			r.absent = !holds
		}
		l.resources[id.Value] = r
		l.inOrder = append(l.inOrder, r)
	}
}

// globalProperties are the properties that SAM takes from Globals ("Globals section of the AWS SAM template").
var globalProperties = map[string][]string{
	"Function": {
		"Handler", "Runtime", "CodeUri", "Description", "MemorySize", "Timeout", "Environment", "Tags", "Tracing",
		"KmsKeyArn", "EventInvokeConfig", "Architectures", "EphemeralStorage", "LoggingConfig",
		"ReservedConcurrentExecutions",
	},
	"StateMachine": {},
}

func (l *loader) checkGlobals(globals *yaml.Node) {
	for kind, section := range entries(l.section(globals, "Globals")) {
		known, ok := globalProperties[kind.Value]
		if !ok {
			l.fail(errorAt(kind, "Globals for %s are not known to the local double", kind.Value))
			continue
		}
		for key := range entries(l.section(section, "Globals' "+kind.Value)) {
			if !slices.Contains(known, key.Value) {
				l.fail(errorAt(key, "%s is no property that Globals' %s can hold", key.Value, kind.Value))
			}
		}
	}
}

// merge is SAM's: maps are merged, lists are appended, anything else (an intrinsic function too) is replaced.
func merge(global, local *yaml.Node) *yaml.Node {
	if _, _, ok := intrinsic(global); ok {
		return local
	}
	if _, _, ok := intrinsic(local); ok || global.Kind != local.Kind || local.Kind == yaml.ScalarNode {
		return local
	}
	merged := *local
	if local.Kind == yaml.SequenceNode {
		merged.Content = slices.Concat(global.Content, local.Content)
		return &merged
	}
	merged.Content = nil
	for key, value := range entries(global) {
		if own := get(local, key.Value); own != nil {
			value = merge(value, own)
		}
		merged.Content = append(merged.Content, key, value)
	}
	for key, value := range entries(local) {
		if get(global, key.Value) == nil {
			merged.Content = append(merged.Content, key, value)
		}
	}
	return &merged
}

// resolveResources resolves every resource's properties, and learns who depends on whom.
func (l *loader) resolveResources() {
	for _, r := range slices.Clone(l.inOrder) {
		l.dependsOn(r)
		in := scope{owner: r, dead: r.absent}
		resolved := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: r.props.Line, Column: r.props.Column}
		for key, value := range entries(r.props) {
			part := in
			if key.Value == "EventInvokeConfig" && r.Type == "AWS::Serverless::Function" {
				part.owner = l.eventInvokeConfig(r)
			}
			v, err := l.resolve(value, part)
			l.fail(err)
			if v != nil {
				resolved.Content = append(resolved.Content, key, v)
			}
		}
		r.props = resolved
		if r.absent {
			continue
		}
		var err error
		if r.PhysicalID, err = l.physicalID(r); err != nil {
			l.fail(err)
		}
	}
}

// eventInvokeConfig is the resource that SAM makes of a function's property: what the property refers to, the
// function itself does not depend on.
func (l *loader) eventInvokeConfig(function *Resource) *Resource {
	r := &Resource{
		LogicalID: function.LogicalID + "EventInvokeConfig", Type: "AWS::Lambda::EventInvokeConfig",
		Line: function.Line, absent: function.absent, deps: map[string]bool{function.LogicalID: true},
		PhysicalID: function.LogicalID + "EventInvokeConfig",
	}
	if l.resources[r.LogicalID] == nil {
		l.inOrder = append(l.inOrder, r)
	}
	return r
}

func (l *loader) dependsOn(r *Resource) {
	n := get(r.node, "DependsOn")
	if n == nil {
		return
	}
	list := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		list = n.Content
	}
	for _, id := range list {
		switch other := l.resources[id.Value]; {
		case id.Kind != yaml.ScalarNode || other == nil:
			l.fail(errorAt(id, "%s: DependsOn names %q, which is no resource", r.LogicalID, id.Value))
		case !other.absent: // AWS overlooks a dependency on a resource that is not created
			r.deps[other.LogicalID] = true
		}
	}
}

// circle is the error of resources of which each waits for the next.
func circle(r *Resource, chain []string) error {
	return &Error{
		Line: r.Line, Column: 1, Message: "circular dependency between resources: " + strings.Join(chain, " -> "),
	}
}

// sortResources puts each resource behind those that it depends on. Where that cannot be done it names a circle.
func (l *loader) sortResources() {
	byID := map[string]*Resource{}
	for _, r := range l.inOrder {
		byID[r.LogicalID] = r
	}
	done, open := map[string]bool{}, []string{}
	var visit func(r *Resource) bool
	visit = func(r *Resource) bool {
		if done[r.LogicalID] {
			return true
		}
		if i := slices.Index(open, r.LogicalID); i >= 0 {
			l.fail(circle(r, append(open[i:], r.LogicalID)))
			return false
		}
		open = append(open, r.LogicalID)
		r.DependsOn = slices.Sorted(maps.Keys(r.deps))
		for _, id := range r.DependsOn {
			if other := byID[id]; other != nil && !visit(other) {
				return false
			}
		}
		open = open[:len(open)-1]
		done[r.LogicalID] = true
		if !r.absent {
			l.stack.Resources = append(l.stack.Resources, r)
		}
		return true
	}
	for _, r := range l.inOrder {
		if !visit(r) {
			return
		}
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
