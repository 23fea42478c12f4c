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

// Kind says where a document stands, which decides what its statements must name.
type Kind int

// A role's permissions name resources, its trust policy names principals, a resource's policy names both.
const (
	RolePolicy Kind = iota
	TrustPolicy
	ResourcePolicy
)

// Parse reads a document that stands in the place that kind says.
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

// The forms that IAM asks for: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html and
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html.
var (
	sidForm    = regexp.MustCompile(`^[A-Za-z0-9]*$`)
	actionForm = regexp.MustCompile(`^[A-Za-z0-9-]+:[A-Za-z0-9*?]+$`)
)

// Check says whether the statements name what the document's place demands.
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

// AllowsService says whether a policy on a resource (of a queue, a topic, a function, a bucket, a key) lets an AWS
// service do something. Service principals have no policies of their own, so that silence means no.
func AllowsService(policy *Document, service, action, resource string, conditions map[string]string) bool {
	return policy.Evaluate(Request{
		Service: service, Action: action, Resource: resource, Conditions: conditions,
	}) == Allow
}

// TrustsService says whether a role's trust policy lets an AWS service assume it. Conditions are what the service
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

// narrower says whether pattern a is the more exact of two that fit the same string: none with a wildcard beats one
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

func (c Condition) holds(given map[string]string) bool {
	op, ifExists, _ := operatorOf(c.Operator)
	value, present := lookup(given, c.Key)
	if op.null {
		return slices.Contains(c.Values, strconv.FormatBool(!present))
	}
	if !present {
		return ifExists || op.negated
	}
	return op.negated != slices.ContainsFunc(c.Values, func(want string) bool { return op.fits(want, value) })
}

// lookup finds a condition key: their names do not depend on case.
func lookup(given map[string]string, key string) (string, bool) {
	for k, v := range given {
		if strings.EqualFold(k, key) {
			return v, true
		}
	}
	return "", false
}

type operator struct {
	fits    func(want, value string) bool
	negated bool
	null    bool
}

// operatorOf is the table of condition operators; a negated one holds when the key is absent.
func operatorOf(name string) (op operator, ifExists bool, err error) {
	base, ifExists := strings.CutSuffix(name, "IfExists")
	equals := func(a, b string) bool { return a == b }
	switch base {
	case "StringEquals":
		op = operator{fits: equals}
	case "StringNotEquals":
		op = operator{fits: equals, negated: true}
	case "StringEqualsIgnoreCase":
		op = operator{fits: strings.EqualFold}
	case "StringNotEqualsIgnoreCase":
		op = operator{fits: strings.EqualFold, negated: true}
	case "StringLike":
		op = operator{fits: glob}
	case "StringNotLike":
		op = operator{fits: glob, negated: true}
	case "ArnEquals", "ArnLike":
		op = operator{fits: arnLike}
	case "ArnNotEquals", "ArnNotLike":
		op = operator{fits: arnLike, negated: true}
	case "Bool":
		op = operator{fits: strings.EqualFold}
	case "NumericEquals":
		op = numeric(func(v, want float64) bool { return v == want })
	case "NumericNotEquals":
		op = numeric(func(v, want float64) bool { return v == want })
		op.negated = true
	case "NumericLessThan":
		op = numeric(func(v, want float64) bool { return v < want })
	case "NumericLessThanEquals":
		op = numeric(func(v, want float64) bool { return v <= want })
	case "NumericGreaterThan":
		op = numeric(func(v, want float64) bool { return v > want })
	case "NumericGreaterThanEquals":
		op = numeric(func(v, want float64) bool { return v >= want })
	case "Null":
		op = operator{null: true}
	}
	if (op.fits == nil && !op.null) || (op.null && ifExists) {
		return op, ifExists, fmt.Errorf("condition operator %q is not known to the local double", name)
	}
	return op, ifExists, nil
}

func numeric(compare func(value, want float64) bool) operator {
	return operator{fits: func(want, value string) bool {
		w, errW := strconv.ParseFloat(want, 64)
		v, errV := strconv.ParseFloat(value, 64)
		return errW == nil && errV == nil && compare(v, w)
	}}
}

// arnLike compares two ARNs part by part, so that a wildcard ends at the colon; the sixth part takes the rest.
func arnLike(pattern, arn string) bool {
	p, a := strings.SplitN(pattern, ":", 6), strings.SplitN(arn, ":", 6)
	return len(p) == 6 && len(a) == 6 && !slices.ContainsFunc([]int{0, 1, 2, 3, 4, 5}, func(i int) bool {
		return !glob(p[i], a[i])
	})
}

// foldGlob is glob where case does not matter.
func foldGlob(pattern, s string) bool {
	return strings.EqualFold(pattern, s) ||
		strings.ContainsAny(pattern, "*?") && glob(strings.ToLower(pattern), strings.ToLower(s))
}

// glob matches * with any run of bytes and ? with any one, in time proportional to both lengths' product at worst.
func glob(pattern, s string) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			p, mark = star+1, mark+1
			i = mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
