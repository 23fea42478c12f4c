// Package iam is the local double of AWS Identity and Access Management: it reads policy documents, decides as
// IAM does, and remembers which statement each decision came from, so that a test can say what a role allows and
// nobody uses.
//
// The rules are those of "Policy evaluation logic" and "IAM JSON policy elements" in the IAM User Guide. Policy
// variables, set operators (ForAnyValue, ForAllValues), NotPrincipal and date, binary and IP conditions are refused
// by name: none is silently taken for something else.
package iam

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Document is a policy: of a role, of a resource, or a role's trust policy.
type Document struct {
	Text       string // as it was read; empty for a document that was not
	ID         string
	Statements []Statement
}

// Effect is what a document says to a request.
type Effect int

// A document allows a request, denies it, or has nothing to say, which in the end means no.
const (
	Silent Effect = iota
	Allow
	Deny
)

func (e Effect) String() string { return [...]string{"Silent", "Allow", "Deny"}[e] }

// Statement is one statement of a document.
type Statement struct {
	Sid          string
	Effect       Effect
	Principal    *Principals // nil in a role's own policies
	Actions      []string
	NotActions   []string
	Resources    []string
	NotResources []string
	Conditions   []Condition
}

// Principals is the Principal element.
type Principals struct {
	Any      bool // "*" or {"AWS": "*"}
	AWS      []string
	Services []string
}

// Condition is one line of a Condition element: all lines must hold, and any one of a line's values.
type Condition struct {
	Operator string
	Key      string
	Values   []string
}

// Kind is the place of a document, which decides what its statements must name.
type Kind int

// A role's permissions name resources, its trust policy names principals, a resource's policy names both.
const (
	RolePolicy Kind = iota
	TrustPolicy
	ResourcePolicy
)

// Parse reads a document of that kind.
func Parse(kind Kind, document []byte) (*Document, error) {
	var d Document
	if err := json.Unmarshal(document, &d); err != nil {
		return nil, err
	}
	if err := d.Check(kind); err != nil {
		return nil, err
	}
	return &d, nil
}

// The forms that IAM asks for: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html
// and https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html.
var (
	sidForm    = regexp.MustCompile(`^[A-Za-z0-9]*$`)
	actionForm = regexp.MustCompile(`^[A-Za-z0-9-]+:[A-Za-z0-9*?]+$`)
)

// Check reports whether the statements name what the document's place demands.
func (d *Document) Check(kind Kind) error {
	var errs []error
	for i, s := range d.Statements {
		label := s.label(i)
		if kind != ResourcePolicy && !sidForm.MatchString(s.Sid) {
			errs = append(errs, fmt.Errorf("statement %s: the Sid may have the characters A-Z, a-z and 0-9 alone", label))
		}
		if named := s.Principal != nil; named != (kind != RolePolicy) {
			errs = append(errs, fmt.Errorf("statement %s: Principal is %s", label, required(kind != RolePolicy)))
		}
		if named := len(s.Resources)+len(s.NotResources) > 0; named != (kind != TrustPolicy) {
			errs = append(errs, fmt.Errorf("statement %s: Resource is %s", label, required(kind != TrustPolicy)))
		}
	}
	return errors.Join(errs...)
}

func required(yes bool) string {
	if yes {
		return "required"
	}
	return "not allowed"
}

func (s Statement) label(i int) string {
	if s.Sid != "" {
		return s.Sid
	}
	return strconv.Itoa(i)
}

// UnmarshalJSON reads the document and refuses what this package could not enforce.
func (d *Document) UnmarshalJSON(b []byte) error {
	var raw struct {
		Version   string
		ID        string `json:"Id"`
		Statement json.RawMessage
	}
	if err := strict(b, &raw); err != nil {
		return err
	}
	if raw.Version != "2012-10-17" {
		return fmt.Errorf("policy version %q: only 2012-10-17 is known", raw.Version)
	}
	list := raw.Statement
	if trimmed := bytes.TrimSpace(list); len(trimmed) > 0 && trimmed[0] == '{' {
		list = slices.Concat([]byte("["), trimmed, []byte("]"))
	}
	if len(list) == 0 {
		return errors.New("a policy needs a Statement")
	}
	var elements []json.RawMessage
	if err := json.Unmarshal(list, &elements); err != nil {
		return fmt.Errorf("Statement: %w", err)
	}
	d.Text, d.ID, d.Statements = string(b), raw.ID, make([]Statement, len(elements))
	sids := map[string]bool{}
	for i, element := range elements {
		s := &d.Statements[i]
		if err := s.read(element); err != nil {
			return fmt.Errorf("statement %s: %w", s.label(i), err)
		}
		if s.Sid != "" && sids[s.Sid] {
			return fmt.Errorf("statement %s: the Sid is not unique", s.Sid)
		}
		sids[s.Sid] = true
	}
	return nil
}

func (s *Statement) read(b []byte) error {
	var raw struct {
		Sid         string
		Effect      string
		Principal   json.RawMessage
		Action      texts
		NotAction   texts
		Resource    texts
		NotResource texts
		Condition   map[string]map[string]texts
	}
	if err := strict(b, &raw); err != nil {
		return err
	}
	s.Sid = raw.Sid
	s.Actions, s.NotActions = raw.Action, raw.NotAction
	s.Resources, s.NotResources = raw.Resource, raw.NotResource
	switch raw.Effect {
	case "Allow":
		s.Effect = Allow
	case "Deny":
		s.Effect = Deny
	default:
		return fmt.Errorf("Effect %q is neither Allow nor Deny", raw.Effect)
	}
	if err := s.checkForm(); err != nil {
		return err
	}
	if len(raw.Principal) > 0 {
		p, err := readPrincipals(raw.Principal)
		if err != nil {
			return err
		}
		s.Principal = p
	}
	for operator, lines := range raw.Condition {
		if _, _, err := operatorOf(operator); err != nil {
			return err
		}
		for key, values := range lines {
			for _, value := range values {
				if err := noVariable(value); err != nil {
					return err
				}
			}
			s.Conditions = append(s.Conditions, Condition{Operator: operator, Key: key, Values: values})
		}
	}
	slices.SortFunc(s.Conditions, func(a, b Condition) int {
		return strings.Compare(a.Operator+"\x00"+a.Key, b.Operator+"\x00"+b.Key)
	})
	return nil
}

// checkForm checks the forms of actions and resources.
func (s *Statement) checkForm() error {
	if (len(s.Actions) > 0) == (len(s.NotActions) > 0) {
		return errors.New("one of Action and NotAction is required")
	}
	if len(s.Resources) > 0 && len(s.NotResources) > 0 {
		return errors.New("Resource and NotResource exclude each other")
	}
	for _, action := range slices.Concat(s.Actions, s.NotActions) {
		if action != "*" && !actionForm.MatchString(action) {
			return fmt.Errorf("action %q is not of the form service:Action", action)
		}
	}
	for _, resource := range slices.Concat(s.Resources, s.NotResources) {
		if resource != "*" && strings.Count(resource, ":") < 5 {
			return fmt.Errorf("resource %q is neither an ARN nor *", resource)
		}
		if err := noVariable(resource); err != nil {
			return err
		}
	}
	return nil
}

func readPrincipals(b []byte) (*Principals, error) {
	var text string
	if json.Unmarshal(b, &text) == nil {
		if text != "*" {
			return nil, fmt.Errorf("Principal %q is neither * nor a map", text)
		}
		return &Principals{Any: true}, nil
	}
	var raw struct{ AWS, Service texts }
	if err := strict(b, &raw); err != nil {
		return nil, fmt.Errorf("Principal: %w", err)
	}
	return &Principals{Any: slices.Contains(raw.AWS, "*"), AWS: raw.AWS, Services: raw.Service}, nil
}

func noVariable(s string) error {
	if strings.Contains(s, "${") {
		return fmt.Errorf("%q: policy variables are not known to the local double", s)
	}
	return nil
}

func strict(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

// texts is a string or a list of strings; numbers and truth values count as their text, as IAM takes them.
type texts []string

func (t *texts) UnmarshalJSON(b []byte) error {
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	*t = texts{}
	for _, element := range list {
		switch element.(type) {
		case string, float64, bool:
			*t = append(*t, fmt.Sprint(element))
		default:
			return fmt.Errorf("%s is neither a string nor a list of strings", b)
		}
	}
	return nil
}
