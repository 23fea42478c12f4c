package security_test

import (
	"slices"
	"strings"

	"userdrop/localaws/iam"
)

// mutation is a change of a policy: statements that replace one.
type mutation struct {
	what       string
	statements []iam.Statement
}

// mutations returns changes of a statement, each of which allows, or no longer allows, something.
func mutations(s iam.Statement) []mutation {
	all := []mutation{{what: "the statement is removed"}}
	add := func(what string, change func(*iam.Statement)) {
		changed := s
		changed.Actions, changed.Resources = slices.Clone(s.Actions), slices.Clone(s.Resources)
		changed.Conditions = slices.Clone(s.Conditions)
		change(&changed)
		all = append(all, mutation{what, []iam.Statement{changed}})
	}
	for i, action := range s.Actions {
		if len(s.Actions) > 1 {
			add(action+" is removed", func(c *iam.Statement) { c.Actions = slices.Delete(c.Actions, i, i+1) })
		}
	}
	for i, resource := range s.Resources {
		if len(s.Resources) > 1 {
			add(resource+" is removed", func(c *iam.Statement) { c.Resources = slices.Delete(c.Resources, i, i+1) })
		}
		if s.Effect == iam.Deny || s.Principal != nil { // a policy of a resource is for that resource alone
			continue
		}
		for _, wide := range widened(resource) {
			add(resource+" becomes "+wide, func(c *iam.Statement) { c.Resources[i] = wide })
		}
	}
	for i, c := range s.Conditions {
		add("the condition "+c.Key+" is removed", func(changed *iam.Statement) {
			changed.Conditions = slices.Delete(changed.Conditions, i, i+1)
		})
		for j, value := range c.Values {
			if len(c.Values) > 1 {
				add(value+" is removed from "+c.Key, func(changed *iam.Statement) {
					changed.Conditions[i].Values = slices.Delete(slices.Clone(c.Values), j, j+1)
				})
			}
		}
	}
	if s.Effect == iam.Deny {
		return all
	}
	add("s3:* is added", func(c *iam.Statement) { c.Actions = append(c.Actions, "s3:*") })
	if s.Principal != nil {
		add("the principal becomes *", func(c *iam.Statement) { c.Principal = &iam.Principals{Any: true} })
	}
	return all
}

// widened returns patterns that match more than the resource does: any, each part of the ARN any, each shorter prefix.
func widened(resource string) (all []string) {
	add := func(wide string) {
		same := strings.TrimRight(wide, "*") == strings.TrimRight(resource, "*") && strings.HasSuffix(resource, "*")
		if wide != resource && !same && !slices.Contains(all, wide) {
			all = append(all, wide)
		}
	}
	if resource == "*" {
		return nil
	}
	add("*")
	parts := strings.SplitN(resource, ":", 6)
	for i, part := range parts {
		if i > 0 && part != "" {
			add(strings.Join(slices.Replace(slices.Clone(parts), i, i+1, "*"), ":"))
		}
	}
	add(resource + "*")
	for i := len(resource) - 1; i > len(strings.Join(parts[:5], ":")); i-- {
		if strings.ContainsRune(":/", rune(resource[i])) {
			add(resource[:i+1] + "*")
		}
	}
	return all
}
