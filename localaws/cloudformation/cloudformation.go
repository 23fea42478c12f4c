// Package cloudformation is the local double of AWS CloudFormation, as far as a client reads a stack that is there:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/
package cloudformation

import (
	"context"
	"slices"
	"strconv"
	"time"

	"userdrop/localaws/template"
	"userdrop/localaws/wire"
)

const created = "CREATE_COMPLETE"

// Service answers for one stack.
type Service struct {
	*wire.API
	stack   *template.Stack
	created time.Time
}

// New returns the service of an account whose one stack is created now.
func New(stack *template.Stack) *Service {
	s := &Service{stack: stack, created: time.Now()}
	s.API = wire.Query("http://cloudformation.amazonaws.com/doc/2010-05-15/", "2010-05-15",
		map[string]wire.QueryOperation{
			"DescribeStacks":         s.describeStacks,
			"DescribeStackResources": s.describeStackResources,
			"ListStackResources":     s.listStackResources,
			"ListStacks":             s.listStacks,
		})
	return s
}

// list is a list as the Query protocol writes it.
type list[T any] struct {
	Members []T `xml:"member"`
}

type parameter struct{ ParameterKey, ParameterValue string }

type output struct {
	OutputKey   string
	OutputValue string
	Description string `xml:",omitempty"`
	ExportName  string `xml:",omitempty"`
}

type description struct {
	StackName       string
	StackID         string `xml:"StackId"`
	Description     string `xml:",omitempty"`
	Parameters      list[parameter]
	Outputs         list[output]
	Capabilities    list[string]
	CreationTime    string
	StackStatus     string
	DisableRollback bool
}

// find checks that the named stack is there, and that the caller may ask. An empty name means all stacks.
func (s *Service) find(ctx context.Context, action, name string) error {
	resource := s.stack.ID
	if name == "" {
		resource = "*"
	}
	if err := wire.Authorize(ctx, "cloudformation:"+action, resource, nil); err != nil {
		return err
	}
	if name != "" && name != s.stack.Name && name != s.stack.ID {
		return wire.Errorf("ValidationError", "Stack with id %s does not exist", name)
	}
	return nil
}

func (s *Service) describeStacks(ctx context.Context, f *wire.Form) (any, error) {
	if err := s.find(ctx, "DescribeStacks", f.Take("StackName")); err != nil {
		return nil, err
	}
	d := description{
		StackName: s.stack.Name, StackID: s.stack.ID, Description: s.stack.Description,
		Capabilities: list[string]{[]string{"CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"}},
		CreationTime: s.time(), StackStatus: created,
	}
	for _, p := range s.stack.Parameters {
		if p.NoEcho {
			p.Value = "****"
		}
		d.Parameters.Members = append(d.Parameters.Members, parameter{p.Key, p.Value})
	}
	for _, o := range s.stack.Outputs {
		d.Outputs.Members = append(d.Outputs.Members, output{o.Key, o.Value, o.Description, o.ExportName})
	}
	return struct{ Stacks list[description] }{list[description]{[]description{d}}}, nil
}

type stackResource struct {
	StackName          string
	StackID            string `xml:"StackId"`
	LogicalResourceID  string `xml:"LogicalResourceId"`
	PhysicalResourceID string `xml:"PhysicalResourceId"`
	ResourceType       string
	Timestamp          string
	ResourceStatus     string
}

func (s *Service) describeStackResources(ctx context.Context, f *wire.Form) (any, error) {
	name, logical := f.Take("StackName"), f.Take("LogicalResourceId")
	if name == "" {
		return nil, wire.Errorf("ValidationError", "the local double finds resources by StackName only")
	}
	if err := s.find(ctx, "DescribeStackResources", name); err != nil {
		return nil, err
	}
	var found list[stackResource]
	for _, r := range s.stack.Resources {
		if logical == "" || logical == r.LogicalID {
			found.Members = append(found.Members, stackResource{
				StackName: s.stack.Name, StackID: s.stack.ID, LogicalResourceID: r.LogicalID,
				PhysicalResourceID: r.PhysicalID, ResourceType: deployed(r.Type), Timestamp: s.time(), ResourceStatus: created,
			})
		}
	}
	if logical != "" && len(found.Members) == 0 {
		return nil, wire.Errorf("ValidationError", "Resource %s does not exist for stack %s", logical, s.stack.Name)
	}
	return struct{ StackResources list[stackResource] }{found}, nil
}

type resourceSummary struct {
	LogicalResourceID    string `xml:"LogicalResourceId"`
	PhysicalResourceID   string `xml:"PhysicalResourceId"`
	ResourceType         string
	LastUpdatedTimestamp string
	ResourceStatus       string
}

// pageSize is that of ListStackResources.
const pageSize = 100

func (s *Service) listStackResources(ctx context.Context, f *wire.Form) (any, error) {
	name, token := f.Take("StackName"), f.Take("NextToken")
	if name == "" {
		return nil, wire.Errorf("ValidationError", "StackName is required")
	}
	if err := s.find(ctx, "ListStackResources", name); err != nil {
		return nil, err
	}
	from := 0
	if token != "" {
		var err error
		if from, err = strconv.Atoi(token); err != nil || from < 0 || from > len(s.stack.Resources) {
			return nil, wire.Errorf("ValidationError", "the NextToken %q is not valid", token)
		}
	}
	answer := struct {
		Summaries list[resourceSummary] `xml:"StackResourceSummaries"`
		NextToken string                `xml:",omitempty"`
	}{}
	to := min(from+pageSize, len(s.stack.Resources))
	for _, r := range s.stack.Resources[from:to] {
		answer.Summaries.Members = append(answer.Summaries.Members, resourceSummary{
			LogicalResourceID: r.LogicalID, PhysicalResourceID: r.PhysicalID, ResourceType: deployed(r.Type),
			LastUpdatedTimestamp: s.time(), ResourceStatus: created,
		})
	}
	if to < len(s.stack.Resources) {
		answer.NextToken = strconv.Itoa(to)
	}
	return answer, nil
}

type stackSummary struct {
	StackID             string `xml:"StackId"`
	StackName           string
	TemplateDescription string `xml:",omitempty"`
	CreationTime        string
	StackStatus         string
}

func (s *Service) listStacks(ctx context.Context, f *wire.Form) (any, error) {
	if err := s.find(ctx, "ListStacks", ""); err != nil {
		return nil, err
	}
	var filter []string
	for n := 1; ; n++ {
		status := f.Take("StackStatusFilter.member." + strconv.Itoa(n))
		if status == "" {
			break
		}
		filter = append(filter, status)
	}
	var stacks list[stackSummary]
	if filter == nil || slices.Contains(filter, created) {
		stacks.Members = append(stacks.Members, stackSummary{
			StackID: s.stack.ID, StackName: s.stack.Name, TemplateDescription: s.stack.Description,
			CreationTime: s.time(), StackStatus: created,
		})
	}
	return struct{ StackSummaries list[stackSummary] }{stacks}, nil
}

// deployed is the type of what SAM makes of a resource.
func deployed(resourceType string) string {
	switch resourceType {
	case "AWS::Serverless::Function":
		return "AWS::Lambda::Function"
	case "AWS::Serverless::StateMachine":
		return "AWS::StepFunctions::StateMachine"
	}
	return resourceType
}

func (s *Service) time() string { return s.created.UTC().Format("2006-01-02T15:04:05.000Z") }
