package cognito

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"userdrop/localaws/wire"
)

// standardColumns are the columns that every pool's CSV header begins with. See the sample of GetCSVHeader in the API
// reference.
var standardColumns = []string{
	"name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile", "picture",
	"website", "email", "email_verified", "gender", "birthdate", "zoneinfo", "locale", "phone_number",
	"phone_number_verified", "address", "updated_at",
}

const (
	columnMFA      = "cognito:mfa_enabled"
	columnUsername = "cognito:username"
	columnHash     = "password_hash"
)

// schemaAttribute is SchemaAttributeType, as far as a value is checked against it.
type schemaAttribute struct {
	Name                       string
	AttributeDataType          string
	DeveloperOnlyAttribute     bool `json:",omitempty"`
	Mutable                    *bool
	Required                   bool
	StringAttributeConstraints *struct{ MinLength, MaxLength string } `json:",omitempty"`
	NumberAttributeConstraints *struct{ MinValue, MaxValue string }   `json:",omitempty"`
}

// definition is what the double reads in a UserPoolType.
type definition struct {
	ID                     string `json:"Id"`
	Name                   string
	SchemaAttributes       []schemaAttribute
	AutoVerifiedAttributes []string
	AliasAttributes        []string
	UsernameAttributes     []string
	MfaConfiguration       string
	DeletionProtection     string
	UsernameConfiguration  struct{ CaseSensitive *bool }
	Policies               struct {
		SignInPolicy struct{ AllowedFirstAuthFactors []string }
	}
}

// pool is one user pool. What DescribeUserPool answers is kept as it came.
type pool struct {
	definition
	described map[string]json.RawMessage
	header    []string
	schema    map[string]schemaAttribute
	given     bool // the header came from outside
	jobs      []*job
	groups    map[string]*group
	codesSent int
	directory
}

// AddPool adds a user pool: description is what "aws cognito-idp describe-user-pool" prints, header what
// "aws cognito-idp get-csv-header" prints, or nil for the header that Cognito would build. The pool's ARN becomes one
// of the double's account. It returns the pool's id.
func (s *Service) AddPool(description, header []byte) (string, error) {
	described, err := unwrap[map[string]json.RawMessage](description, "UserPool")
	if err != nil {
		return "", fmt.Errorf("pool description: %w", err)
	}
	var columns []string
	if header != nil {
		if columns, err = unwrap[[]string](header, "CSVHeader"); err != nil {
			return "", fmt.Errorf("CSV header: %w", err)
		}
	}
	for _, name := range []string{"CreationDate", "LastModifiedDate"} {
		if err := epochDate(described, name); err != nil {
			return "", fmt.Errorf("pool description: %s: %w", name, err)
		}
	}
	defer s.lock()()
	p, err := s.newPool(described, columns)
	if err != nil {
		return "", fmt.Errorf("pool description: %w", err)
	}
	return p.ID, nil
}

// RemovePool deletes a pool whatever is going on in it, as a fault; DeleteUserPool refuses while a job runs.
func (s *Service) RemovePool(id string) {
	defer s.lock()()
	if p := s.pools[id]; p != nil {
		s.removePool(p)
	}
}

func (s *Service) removePool(p *pool) {
	for _, j := range p.jobs {
		if j.active() {
			s.end(j, statusFailed, "The user pool was deleted.")
		}
		j.halt()
		s.discard(j)
		delete(s.jobs, j.JobID)
	}
	delete(s.pools, p.ID)
}

// unwrap decodes the value of one member, or the whole text where that member is missing.
func unwrap[T any](text []byte, member string) (T, error) {
	var value T
	var outer map[string]json.RawMessage
	if err := json.Unmarshal(text, &outer); err == nil && outer[member] != nil {
		text = outer[member]
	}
	err := json.Unmarshal(text, &value)
	return value, err
}

// epochDate turns a date as the AWS CLI prints it (ISO 8601) into one as the wire has it (seconds since 1970).
func epochDate(described map[string]json.RawMessage, name string) error {
	var text string
	if described[name] == nil || json.Unmarshal(described[name], &text) != nil {
		return nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return err
	}
	described[name] = encoded(wire.Epoch(at))
	return nil
}

func encoded(value any) json.RawMessage {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // only values of our own come here
	}
	return text
}

func (s *Service) newPool(described map[string]json.RawMessage, header []string) (*pool, error) {
	p := &pool{described: described, header: header, given: header != nil}
	if err := p.parse(); err != nil {
		return nil, err
	}
	if err := check(member("id", p.ID, patternPoolID, 1, 55)); err != nil {
		return nil, err
	}
	if s.pools[p.ID] != nil {
		return nil, fmt.Errorf("pool %s is there already", p.ID)
	}
	p.described["Arn"] = encoded(s.poolARN(p.ID))
	s.buildHeader(p)
	p.directory = newDirectory(p, s.account.IDs)
	s.pools[p.ID] = p
	return p, nil
}

// parse reads the description anew.
func (p *pool) parse() error {
	text, err := json.Marshal(p.described)
	if err != nil {
		return err
	}
	p.definition = definition{}
	if err := json.Unmarshal(text, &p.definition); err != nil {
		return err
	}
	p.schema = make(map[string]schemaAttribute, len(p.SchemaAttributes))
	for _, a := range p.SchemaAttributes {
		p.schema[a.Name] = a
	}
	return nil
}

// buildHeader makes the CSV header that Cognito makes of a schema, unless one was given with the pool.
func (s *Service) buildHeader(p *pool) {
	if p.given {
		return
	}
	p.header = slices.Clone(standardColumns)
	for _, prefix := range []string{"custom:", "dev:custom:"} {
		for _, a := range p.SchemaAttributes {
			if strings.HasPrefix(a.Name, prefix) {
				p.header = append(p.header, a.Name)
			}
		}
	}
	p.header = append(p.header, columnMFA, columnUsername)
	if s.settings.HashColumn {
		p.header = append(p.header, columnHash)
	}
}

// caseSensitive: a pool without the setting is case-sensitive.
func (p *pool) caseSensitive() bool {
	return p.UsernameConfiguration.CaseSensitive == nil || *p.UsernameConfiguration.CaseSensitive
}

// signsInBy reports whether users sign in with a verified attribute's value, and so it must be unique.
func (p *pool) signsInBy(attribute string) bool {
	return slices.Contains(p.AliasAttributes, attribute) || slices.Contains(p.UsernameAttributes, attribute)
}

// passwordless reports whether the pool offers a one-time password to the attribute's address.
func (p *pool) passwordless(attribute string) bool {
	factor := map[string]string{"email": "EMAIL_OTP", "phone_number": "SMS_OTP"}[attribute]
	return slices.Contains(p.Policies.SignInPolicy.AllowedFirstAuthFactors, factor)
}

func (p *pool) importing() bool { return slices.ContainsFunc(p.jobs, (*job).active) }

var notInLogGroups = regexp.MustCompile(`[^.\-_/#A-Za-z0-9]`)

// logGroup is where the pool's jobs log: /aws/cognito/userpools/USER_POOL_ID/USER_POOL_NAME. Pool names may have
// characters that log group names may not.
func (p *pool) logGroup() (name string, odd bool) {
	name = notInLogGroups.ReplaceAllString(p.Name, "_")
	return "/aws/cognito/userpools/" + p.ID + "/" + name, name != p.Name
}

// standardSchema is the schema of a new pool, in the order in which DescribeUserPool answers it.
func standardSchema() []schemaAttribute {
	var schema []schemaAttribute
	for _, name := range []string{
		"profile", "address", "birthdate", "gender", "preferred_username", "updated_at", "website", "picture",
		"identities", "sub", "phone_number", "phone_number_verified", "zoneinfo", "locale", "email", "email_verified",
		"given_name", "family_name", "middle_name", "name", "nickname",
	} {
		a := schemaAttribute{Name: name, AttributeDataType: "String", Mutable: new(name != "sub")}
		a.StringAttributeConstraints = &struct{ MinLength, MaxLength string }{"0", "2048"}
		switch name {
		case "sub":
			a.Required, a.StringAttributeConstraints.MinLength = true, "1"
		case "birthdate":
			a.StringAttributeConstraints = &struct{ MinLength, MaxLength string }{"10", "10"}
		case "email_verified", "phone_number_verified":
			a.AttributeDataType, a.StringAttributeConstraints = "Boolean", nil
		case "updated_at":
			a.AttributeDataType, a.StringAttributeConstraints = "Number", nil
			a.NumberAttributeConstraints = &struct{ MinValue, MaxValue string }{MinValue: "0"}
		}
		schema = append(schema, a)
	}
	return schema
}

// mergeSchema is the standard schema as CreateUserPool's Schema changes it: a standard name alters that attribute, any
// other is a custom attribute, whose name gets its prefix.
func mergeSchema(schema, changes []schemaAttribute) []schemaAttribute {
	for _, change := range changes {
		i := slices.IndexFunc(schema, func(a schemaAttribute) bool { return a.Name == change.Name })
		if i >= 0 {
			a := &schema[i]
			a.Required = change.Required
			a.Mutable = cmp.Or(change.Mutable, a.Mutable)
			a.StringAttributeConstraints = cmp.Or(change.StringAttributeConstraints, a.StringAttributeConstraints)
			a.NumberAttributeConstraints = cmp.Or(change.NumberAttributeConstraints, a.NumberAttributeConstraints)
			continue
		}
		prefix := "custom:"
		if change.DeveloperOnlyAttribute {
			prefix = "dev:custom:"
		}
		change.Name = prefix + change.Name
		change.AttributeDataType = cmp.Or(change.AttributeDataType, "String")
		change.Mutable = cmp.Or(change.Mutable, new(false))
		schema = append(schema, change)
	}
	return schema
}

// within reports whether n is between two bounds as the API writes them, each of which may be missing.
func within(n int64, low, high string) bool {
	if least, err := strconv.ParseInt(low, 10, 64); err == nil && n < least {
		return false
	}
	most, err := strconv.ParseInt(high, 10, 64)
	return err != nil || n <= most
}
