package template

import (
	"errors"
	"slices"
)

// build makes the views, in the order of the template; what belongs to another resource (a policy, a permission) is
// added when all are there.
func (l *loader) build() {
	var attachments []*Resource
	for _, r := range l.inOrder {
		if r.absent || r.kind == nil {
			continue
		}
		properties, err := plain(r.props)
		l.fail(err)
		r.Properties, _ = properties.(map[string]any)
		if slices.Contains(attached, r.Type) {
			attachments = append(attachments, r)
			continue
		}
		l.fail(r.kind.build(l, r))
	}
	if len(l.errs) > 0 {
		return
	}
	for _, r := range attachments {
		l.fail(r.kind.build(l, r))
	}
	for _, f := range l.stack.Functions {
		l.checkRole(f.LogicalID, f.RoleARN)
	}
	for _, m := range l.stack.StateMachines {
		l.checkRole(m.LogicalID, m.RoleARN)
	}
}

// attached are the types that say something about another resource.
var attached = []string{
	"AWS::Lambda::EventInvokeConfig", "AWS::Lambda::Permission", "AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy",
	"AWS::SNS::TopicPolicy", "AWS::SNS::Subscription", "AWS::IAM::RolePolicy", "AWS::IAM::Policy",
	"AWS::IAM::ManagedPolicy",
}

func (l *loader) checkRole(id, arn string) {
	if l.stack.Role(arn) == nil {
		l.fail(errorAt(l.resources[id].props, "%s: the role %q is none of this template's: the double has to know "+
			"what it may do", id, arn))
	}
}

// decode reads the resource's properties.
func (r *Resource) decode(into any) error { return decode(r.props, into) }

// need says that a property is missing, given its name and value in turn.
func (r *Resource) need(pairs ...string) error {
	var errs []error
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			errs = append(errs, errorAt(r.props, "%s: the property %s is required", r.LogicalID, pairs[i]))
		}
	}
	return errors.Join(errs...)
}

// oneOf says that a property's value is none that the double knows. An empty value is the default.
func (r *Resource) oneOf(property, value string, known ...string) error {
	if value == "" || slices.Contains(known, value) {
		return nil
	}
	n := r.props
	if own := get(n, property); own != nil {
		n = own
	}
	return errorAt(n, "%s: %s %q is not known to the local double", r.LogicalID, property, value)
}

// names returns the physical name and the ARN that the type's attribute yields. Both were asked for before, so that
// neither can fail any more.
func (l *loader) names(r *Resource, attribute string) (string, string) {
	n, _ := name(l, r)
	a, _ := r.kind.attributes[attribute](l, r)
	return n, a
}

func (r *Resource) nothing(what, named string) error {
	return errorAt(r.props, "%s: the %s %q is none of this template's", r.LogicalID, what, named)
}
