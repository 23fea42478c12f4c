package template

import (
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
	node     *yaml.Node // the resource as the template has it
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
