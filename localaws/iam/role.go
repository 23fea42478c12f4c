package iam

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Policy is a named document.
type Policy struct {
	Name     string
	Document *Document
}

// Role is a role that somebody uses: it decides by its policies and remembers what it was asked.
type Role struct {
	arn      string
	name     string
	account  string
	policies []Policy

	mu     sync.Mutex
	asks   map[string]*Ask // by all that was asked
	used   map[grant]bool  // the narrowest grant of each request
	needed map[string]bool // statements that alone allowed a request
}

// Ask is a request that a role made, however often.
type Ask struct {
	Action   string
	Resource string
	// Conditions are the condition keys that the service gave.
	Conditions map[string]string
	Allowed    int
	Denied     int
	// Statements are those that allowed it, as "<policy>/<Sid or index>", the narrowest first.
	Statements []string
}

// grant is the part of a statement that allowed a request.
type grant struct{ statement, action, resource string }

// NewRole returns the role with the ARN (arn:aws:iam::<account>:role/<path><name>).
func NewRole(arn string, policies ...Policy) *Role {
	r := &Role{
		arn: arn, name: arn[strings.LastIndex(arn, "/")+1:], policies: policies,
		asks: map[string]*Ask{}, used: map[grant]bool{}, needed: map[string]bool{},
	}
	if parts := strings.Split(arn, ":"); len(parts) > 4 {
		r.account = parts[4]
	}
	return r
}

// ARN names the role itself; callers are its sessions.
func (r *Role) ARN() string { return r.arn }

// Session is somebody who has assumed the role. It is a wire.Principal.
type Session struct {
	*Role
	arn string
}

// Session returns the caller named arn:aws:sts::<account>:assumed-role/<role>/<session>.
func (r *Role) Session(name string) *Session {
	return &Session{Role: r, arn: fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/%s", r.account, r.name, name)}
}

// ARN names the session.
func (s *Session) ARN() string { return s.arn }

// Allows decides by the role's policies, which don't change: what was asked before is answered as it was then.
func (r *Role) Allows(action, resource string, conditions map[string]string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	ask := r.ask(action, resource, conditions)
	if ask.Allowed == 0 && (ask.Denied > 0 || !r.decide(ask)) {
		ask.Denied++
		return false
	}
	ask.Allowed++
	return true
}

// decide reports whether the policies allow what is asked, and keeps which statements do. AWS sets some condition keys
// itself on every request ("AWS global condition context keys"): those that a double can know are added here unless the
// service gives them.
func (r *Role) decide(ask *Ask) bool {
	given := map[string]string{
		"aws:PrincipalArn": r.arn, "aws:PrincipalAccount": r.account, "aws:ResourceAccount": r.account,
		"aws:SecureTransport": "true",
	}
	maps.Copy(given, ask.Conditions)
	request := Request{
		Principal: r.arn, Account: r.account, Action: ask.Action, Resource: ask.Resource, Conditions: given,
	}
	var grants []grant
	for _, policy := range r.policies {
		for i := range policy.Document.Statements {
			s := &policy.Document.Statements[i]
			action, resource := s.match(request)
			switch {
			case action == "" || !s.holds(given):
			case s.Effect == Deny:
				return false
			default:
				grants = append(grants, grant{policy.Name + "/" + s.label(i), action, resource})
			}
		}
	}
	if len(grants) == 0 {
		return false
	}
	slices.SortStableFunc(grants, func(a, b grant) int {
		switch {
		case narrower(a.action+a.resource, b.action+b.resource):
			return -1
		case narrower(b.action+b.resource, a.action+a.resource):
			return 1
		}
		return 0
	})
	r.used[grants[0]] = true
	for _, g := range grants {
		ask.allowedBy(g.statement)
	}
	if len(ask.Statements) == 1 {
		r.needed[grants[0].statement] = true
	}
	return true
}

func (r *Role) ask(action, resource string, conditions map[string]string) *Ask {
	key := action + " " + resource
	if len(conditions) > 0 {
		key += fmt.Sprint(" ", conditions) // a map is printed in the order of its keys
	}
	if r.asks[key] == nil {
		r.asks[key] = &Ask{Action: action, Resource: resource, Conditions: conditions}
	}
	return r.asks[key]
}

func (a *Ask) allowedBy(statement string) {
	if !slices.Contains(a.Statements, statement) {
		a.Statements = append(a.Statements, statement)
	}
}

// Merge adds what the same role of another run was asked, so that a suite can be judged as a whole.
func (r *Role) Merge(other *Role) {
	asked := other.Asked()
	other.mu.Lock()
	used, needed := maps.Clone(other.used), maps.Clone(other.needed)
	other.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range asked {
		ask := r.ask(a.Action, a.Resource, a.Conditions)
		ask.Allowed += a.Allowed
		ask.Denied += a.Denied
		for _, statement := range a.Statements {
			ask.allowedBy(statement)
		}
	}
	maps.Copy(r.used, used)
	maps.Copy(r.needed, needed)
}

// Asked returns what the role was asked, by action, resource and conditions.
func (r *Role) Asked() []Ask {
	r.mu.Lock()
	defer r.mu.Unlock()
	asked := make([]Ask, 0, len(r.asks))
	for _, ask := range r.asks {
		a := *ask
		a.Statements = slices.Clone(ask.Statements)
		asked = append(asked, a)
	}
	slices.SortFunc(asked, func(a, b Ask) int {
		return cmp.Or(cmp.Compare(a.Action, b.Action), cmp.Compare(a.Resource, b.Resource),
			cmp.Compare(fmt.Sprint(a.Conditions), fmt.Sprint(b.Conditions)))
	})
	return asked
}

// Excess is a part of a role's permissions that nobody has needed so far. An empty Action or Resource means any of
// the statement's.
type Excess struct {
	Role      string
	Statement string // "<policy>/<Sid or index>"
	Action    string
	Resource  string
	Why       string
}

func (e Excess) String() string {
	text := e.Role + " " + e.Statement
	for _, part := range []string{e.Action, e.Resource} {
		if part != "" {
			text += " " + part
		}
	}
	return text + ": " + e.Why
}

// Excess lists what the role allows beyond what it was asked: each action of a statement that was used on none of
// its resources, each resource that no action used, each pair of a used action and a used resource that was not used
// together, each statement whose requests others allow too, each wildcard in an action, and NotAction and
// NotResource. A request that several statements allow counts for the narrowest alone, so a broad grant next to
// an exact one is excess.
func (r *Role) Excess() []Excess {
	r.mu.Lock()
	defer r.mu.Unlock()
	var excess []Excess
	for _, policy := range r.policies {
		for i := range policy.Document.Statements {
			s := &policy.Document.Statements[i]
			if s.Effect == Allow {
				label := policy.Name + "/" + s.label(i)
				for _, e := range s.excess(label, r.used, r.needed[label]) {
					e.Role, e.Statement = r.name, label
					excess = append(excess, e)
				}
			}
		}
	}
	return excess
}

func (s *Statement) excess(label string, used map[grant]bool, needed bool) []Excess {
	var found []Excess
	if len(s.NotActions) > 0 || len(s.NotResources) > 0 {
		found = append(found, Excess{Why: "NotAction and NotResource allow what nobody named"})
	}
	actions, resources := s.Actions, s.Resources
	if len(actions) == 0 {
		actions = []string{"*"}
	}
	if len(resources) == 0 {
		resources = []string{"*"}
	}
	usedActions, usedResources := map[string]bool{}, map[string]bool{}
	for g := range used {
		if g.statement == label {
			usedActions[g.action], usedResources[g.resource] = true, true
		}
	}
	if len(usedActions) == 0 {
		return append(found, Excess{Why: "the statement is never needed"})
	}
	if !needed {
		found = append(found, Excess{Why: "other statements allow the same"})
	}
	for _, action := range actions {
		if strings.ContainsAny(action, "*?") {
			found = append(found, Excess{Action: action, Why: "the action has a wildcard"})
		}
		if !usedActions[action] {
			found = append(found, Excess{Action: action, Why: "the action is never used"})
		}
	}
	for _, resource := range resources {
		if !usedResources[resource] {
			found = append(found, Excess{Resource: resource, Why: "the resource is never used"})
		}
	}
	for _, action := range actions {
		for _, resource := range resources {
			if usedActions[action] && usedResources[resource] && !used[grant{label, action, resource}] {
				found = append(found, Excess{Action: action, Resource: resource, Why: "never used together"})
			}
		}
	}
	return found
}
