package template

import (
	"errors"

	"go.yaml.in/yaml/v3"

	"userdrop/localaws/iam"
)

// policyOf reads a policy document and says where it is wrong.
func policyOf(r *Resource, n *yaml.Node, kind iam.Kind) (*iam.Document, error) {
	if n == nil {
		return nil, errorAt(r.props, "%s: a policy document is required", r.LogicalID)
	}
	b, err := asJSON(n)
	if err != nil {
		return nil, err
	}
	d, err := iam.Parse(kind, b)
	if err != nil {
		return nil, errorAt(n, "%s: %v", r.LogicalID, err)
	}
	return d, nil
}

// attach gives a policy to a resource, which has one at most: a second would silently replace the first.
func attach(r *Resource, to **iam.Document, d *iam.Document) error {
	if *to != nil {
		return errorAt(r.props, "%s: the resource has a policy already", r.LogicalID)
	}
	*to = d
	return nil
}

func buildRole(l *loader, r *Resource) error {
	var p struct {
		RoleName, Path           string
		AssumeRolePolicyDocument any
		ManagedPolicyArns        []string
		Policies                 []struct {
			PolicyName     string
			PolicyDocument any
		}
		_ any `cfn:"Description MaxSessionDuration Tags"`
	}
	if err := r.decode(&p); err != nil {
		return err
	}
	trust, err := policyOf(r, get(r.props, "AssumeRolePolicyDocument"), iam.TrustPolicy)
	if err != nil {
		return err
	}
	role := &Role{LogicalID: r.LogicalID, Trust: trust}
	role.Name, role.ARN = l.names(r, "Arn")
	l.stack.Roles = append(l.stack.Roles, role)
	var errs []error
	for i, policy := range p.Policies {
		node := get(get(r.props, "Policies").Content[i], "PolicyDocument")
		errs = append(errs, role.add(r, policy.PolicyName, node))
	}
	for _, arn := range p.ManagedPolicyArns {
		// A managed policy of the template is attached by its own Roles, or here by its ARN.
		errs = append(errs, l.attachManaged(r, role, arn))
	}
	return errors.Join(errs...)
}

func (role *Role) add(r *Resource, name string, document *yaml.Node) error {
	d, err := policyOf(r, document, iam.RolePolicy)
	if err != nil {
		return err
	}
	if name == "" {
		return errorAt(r.props, "%s: the property PolicyName is required", r.LogicalID)
	}
	for _, p := range role.Policies {
		if p.Name == name {
			return errorAt(document, "%s: the role %s has a policy named %s already", r.LogicalID, role.Name, name)
		}
	}
	role.Policies = append(role.Policies, iam.Policy{Name: name, Document: d})
	return nil
}

func (l *loader) attachManaged(r *Resource, role *Role, arn string) error {
	for _, other := range l.inOrder {
		if other.Type != "AWS::IAM::ManagedPolicy" || other.absent {
			continue
		}
		if its, err := arnOfPolicy(l, other); err == nil && its == arn {
			policyName, _ := name(l, other)
			return role.add(other, policyName, get(other.props, "PolicyDocument"))
		}
	}
	return errorAt(r.props, "%s: the managed policy %s is not known to the local double: it would not know what it "+
		"allows", r.LogicalID, arn)
}

func (l *loader) roleNamed(r *Resource, name string) (*Role, error) {
	if role := find(l.stack.Roles, func(role *Role) bool { return role.Name == name }); role != nil {
		return role, nil
	}
	return nil, r.nothing("role", name)
}

func buildRolePolicy(l *loader, r *Resource) error {
	var p struct {
		PolicyName, RoleName string
		PolicyDocument       any
	}
	if err := r.decode(&p); err != nil {
		return err
	}
	return l.attachTo(r, []string{p.RoleName}, p.PolicyName)
}

func buildPolicy(l *loader, r *Resource) error {
	var p struct {
		PolicyName     string
		PolicyDocument any
		Roles          []string
	}
	if err := r.decode(&p); err != nil {
		return err
	}
	return l.attachTo(r, p.Roles, p.PolicyName)
}

func buildManagedPolicy(l *loader, r *Resource) error {
	var p struct {
		ManagedPolicyName, Path string
		PolicyDocument          any
		Roles                   []string
		_                       any `cfn:"Description Tags"`
	}
	if err := r.decode(&p); err != nil {
		return err
	}
	policyName, _ := name(l, r)
	return l.attachTo(r, p.Roles, policyName)
}

func (l *loader) attachTo(r *Resource, roles []string, policyName string) error {
	var errs []error
	for _, roleName := range roles {
		role, err := l.roleNamed(r, roleName)
		if err == nil {
			err = role.add(r, policyName, get(r.props, "PolicyDocument"))
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func buildKey(_ *loader, r *Resource) error {
	var p struct {
		KeyPolicy any
		_         any `cfn:"Description EnableKeyRotation Enabled KeySpec KeyUsage MultiRegion"`
		_         any `cfn:"PendingWindowInDays RotationPeriodInDays Tags"`
	}
	if err := r.decode(&p); err != nil {
		return err
	}
	if get(r.props, "KeyPolicy") == nil {
		return nil // AWS gives the key its default policy
	}
	_, err := policyOf(r, get(r.props, "KeyPolicy"), iam.ResourcePolicy)
	return err
}
