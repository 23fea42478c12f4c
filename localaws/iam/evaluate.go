package iam

import (
	"slices"
	"strings"
)

// Request is what IAM decides on.
type Request struct {
	Service    string // the calling service, such as "events.amazonaws.com"; or
	Principal  string // the ARN of the calling role
	Account    string // the caller's account
	Action     string
	Resource   string // empty for sts:AssumeRole
	Conditions map[string]string
}

// Evaluate says what the document's statements say together: one that denies outweighs all that allow.
func (d *Document) Evaluate(r Request) Effect {
	if d == nil {
		return Silent
	}
	effect := Silent
	for i := range d.Statements {
		s := &d.Statements[i]
		if s.Principal.matches(r) && s.applies(r) {
			effect = max(effect, s.Effect)
		}
	}
	return effect
}

// AllowsService reports whether a policy on a resource (of a queue, a topic, a function, a bucket, a key) lets an AWS
// service do something. Service principals have no policies of their own, so that silence means no.
func AllowsService(policy *Document, service, action, resource string, conditions map[string]string) bool {
	return policy.Evaluate(Request{
		Service: service, Action: action, Resource: resource, Conditions: conditions,
	}) == Allow
}

// TrustsService reports whether a role's trust policy lets an AWS service assume it. Conditions are what the service
// sends along: "aws:SourceArn" and "aws:SourceAccount", or nothing.
func TrustsService(trust *Document, service string, conditions map[string]string) bool {
	return AllowsService(trust, service, "sts:AssumeRole", "", conditions)
}

func (p *Principals) matches(r Request) bool {
	switch {
	case p == nil || p.Any:
		return true
	case r.Service != "":
		return slices.Contains(p.Services, r.Service)
	}
	return slices.ContainsFunc(p.AWS, func(who string) bool {
		return who == r.Principal || who == r.Account || who == "arn:aws:iam::"+r.Account+":root"
	})
}

func (s *Statement) applies(r Request) bool {
	action, _ := s.match(r)
	return action != "" && s.holds(r.Conditions)
}

// match returns the narrowest patterns of the statement that the request's action and resource fit; two empty ones if
// either fits none.
func (s *Statement) match(r Request) (action, resource string) {
	action = fitting(s.Actions, s.NotActions, func(p string) bool { return foldGlob(p, r.Action) })
	if action == "" {
		return "", ""
	}
	resource = fitting(s.Resources, s.NotResources, func(p string) bool { return glob(p, r.Resource) })
	if resource == "" {
		return "", ""
	}
	return action, resource
}

// fitting is the narrowest of the patterns that fits, or any where there are none and no exception fits.
func fitting(patterns, exceptions []string, fits func(string) bool) string {
	switch {
	case len(patterns) > 0:
		return narrowest(patterns, fits)
	case slices.ContainsFunc(exceptions, fits):
		return ""
	}
	return "*"
}

func narrowest(patterns []string, fits func(string) bool) string {
	best := ""
	for _, p := range patterns {
		if fits(p) && (best == "" || narrower(p, best)) {
			best = p
		}
	}
	return best
}

// narrower reports whether pattern a is the more exact of two that fit the same string: none with a wildcard beats one
// without, and of two with wildcards the longer is nearer to the string.
func narrower(a, b string) bool {
	wildA, wildB := strings.ContainsAny(a, "*?"), strings.ContainsAny(b, "*?")
	if wildA != wildB {
		return wildB
	}
	return len(a) > len(b)
}

func (s *Statement) holds(given map[string]string) bool {
	for _, c := range s.Conditions {
		if !c.holds(given) {
			return false
		}
	}
	return true
}
