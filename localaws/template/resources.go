package template

import (
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

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

// resolveResources resolves every resource's properties, and finds the dependencies between them.
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
