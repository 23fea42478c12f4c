package cognito

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"userdrop/localaws/wire"
)

// settable are the members that CreateUserPool and UpdateUserPool both take and DescribeUserPool gives back.
var settable = []string{
	"AccountRecoverySetting", "AdminCreateUserConfig", "AutoVerifiedAttributes", "DeletionProtection",
	"DeviceConfiguration", "EmailConfiguration", "EmailVerificationMessage", "EmailVerificationSubject",
	"LambdaConfig", "MfaConfiguration", "Policies", "SmsAuthenticationMessage", "SmsConfiguration",
	"SmsVerificationMessage", "UserAttributeUpdateSettings", "UserPoolAddOns", "UserPoolTags", "UserPoolTier",
	"VerificationMessageTemplate",
}

func unknownMember(in map[string]json.RawMessage, known ...string) error {
	for _, name := range slices.Sorted(maps.Keys(in)) {
		if !slices.Contains(settable, name) && !slices.Contains(known, name) {
			return wire.Errorf("SerializationException", "unknown field %q", name)
		}
	}
	return nil
}

// text decodes a member that is a string; nil is a missing one.
func text(in map[string]json.RawMessage, name string) (*string, error) {
	if in[name] == nil {
		return nil, nil
	}
	var value string
	if err := json.Unmarshal(in[name], &value); err != nil {
		return nil, wire.Errorf("SerializationException", "%s is no string", name)
	}
	return &value, nil
}

type userPoolOutput struct{ UserPool map[string]json.RawMessage }

func (s *Service) createUserPool(ctx context.Context, raw json.RawMessage) (any, error) {
	var in map[string]json.RawMessage
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, wire.Errorf("SerializationException", "%v", err)
	}
	err := unknownMember(in, "PoolName", "Schema", "AliasAttributes", "UsernameAttributes", "UsernameConfiguration")
	if err != nil {
		return nil, err
	}
	name, err := text(in, "PoolName")
	if err != nil {
		return nil, err
	}
	if err := check(required("poolName", name, patternPoolName, 1, 128)); err != nil {
		return nil, err
	}
	if in["AliasAttributes"] != nil && in["UsernameAttributes"] != nil {
		return nil, invalid("Only one of the aliasAttributes or usernameAttributes can be set in a user pool.")
	}
	var schema []schemaAttribute
	if in["Schema"] != nil {
		if err := wire.Decode(in["Schema"], &schema, wire.Pascal); err != nil {
			return nil, wire.Errorf("SerializationException", "Schema: %v", err)
		}
	}
	if err := wire.Authorize(ctx, "cognito-idp:CreateUserPool", "*", nil); err != nil {
		return nil, err
	}

	const alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	now := encoded(wire.Epoch(time.Now()))
	described := map[string]json.RawMessage{
		"Id": encoded(s.account.Region + "_" + s.account.IDs.Draw(alphanumeric, 9)), "Name": encoded(*name),
		"CreationDate": now, "LastModifiedDate": now,
		"SchemaAttributes": encoded(mergeSchema(standardSchema(), schema)),
		"MfaConfiguration": encoded("OFF"), "DeletionProtection": encoded("INACTIVE"),
	}
	for member, value := range in {
		if member != "PoolName" && member != "Schema" {
			described[member] = value
		}
	}
	defer s.lock()()
	p, err := s.newPool(described, nil)
	if err != nil {
		return nil, err
	}
	return userPoolOutput{s.describe(p)}, nil
}

// describe is the pool as it was described, with the number of users that it has now.
func (s *Service) describe(p *pool) map[string]json.RawMessage {
	described := maps.Clone(p.described)
	described["EstimatedNumberOfUsers"] = encoded(len(p.byName))
	return described
}

func (s *Service) describeUserPool(ctx context.Context, in poolInput) (out userPoolOutput, err error) {
	p, unlock, err := s.reach(ctx, "DescribeUserPool", in)
	if err != nil {
		return out, err
	}
	defer unlock()
	return userPoolOutput{s.describe(p)}, nil
}

func errImporting(p *pool) error {
	return wire.Errorf("UserImportInProgressException",
		"User pool %s cannot be modified while a user import job is in progress.", p.ID)
}

// updateUserPool sets what it is given. AWS resets what it is not given to its default; so does this, for all that the
// double looks at.
func (s *Service) updateUserPool(ctx context.Context, raw json.RawMessage) (any, error) {
	var in map[string]json.RawMessage
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, wire.Errorf("SerializationException", "%v", err)
	}
	if err := unknownMember(in, "UserPoolId", "PoolName"); err != nil {
		return nil, err
	}
	id, err := text(in, "UserPoolId")
	if err != nil {
		return nil, err
	}
	p, unlock, err := s.reach(ctx, "UpdateUserPool", poolInput{id})
	if err != nil {
		return nil, err
	}
	defer unlock()
	if p.importing() {
		return nil, errImporting(p)
	}
	described := maps.Clone(p.described)
	for _, member := range settable {
		delete(described, member)
	}
	described["MfaConfiguration"], described["DeletionProtection"] = encoded("OFF"), encoded("INACTIVE")
	for member, value := range in {
		switch member {
		case "UserPoolId":
		case "PoolName":
			described["Name"] = value
		default:
			described[member] = value
		}
	}
	described["LastModifiedDate"] = encoded(wire.Epoch(time.Now()))
	return nil, s.redescribe(p, described)
}

type mfaConfig struct {
	SoftwareTokenMfaConfiguration struct{ Enabled bool } `json:",omitzero"`
	MfaConfiguration              string
}

type setUserPoolMfaConfigInput struct {
	UserPoolID *string
	mfaConfig
}

// setUserPoolMfaConfig sets whether a second factor is asked for: an app's code, since the double sends no message.
func (s *Service) setUserPoolMfaConfig(ctx context.Context, in setUserPoolMfaConfigInput) (out mfaConfig, err error) {
	if err := check(choice("mfaConfiguration", in.MfaConfiguration, "OFF", "ON", "OPTIONAL")); err != nil {
		return out, err
	}
	p, unlock, err := s.reach(ctx, "SetUserPoolMfaConfig", poolInput{in.UserPoolID})
	if err != nil {
		return out, err
	}
	defer unlock()
	if p.importing() {
		return out, errImporting(p)
	}
	if in.MfaConfiguration != "OFF" && !in.SoftwareTokenMfaConfiguration.Enabled {
		return out, invalid("Invalid MFA configuration given, can't turn on MFA without any type of MFA configured.")
	}
	described := maps.Clone(p.described)
	described["MfaConfiguration"] = encoded(in.MfaConfiguration)
	return in.mfaConfig, s.redescribe(p, described)
}

// redescribe gives a pool another description, or leaves it as it is when that one cannot be read.
func (s *Service) redescribe(p *pool, described map[string]json.RawMessage) error {
	before := p.described
	p.described = described
	if err := p.parse(); err != nil {
		p.described = before
		if err := p.parse(); err != nil {
			return err
		}
		return wire.Errorf("SerializationException", "%v", err)
	}
	s.buildHeader(p)
	return nil
}

type addCustomAttributesInput struct {
	UserPoolID       *string
	CustomAttributes []schemaAttribute
}

func (s *Service) addCustomAttributes(ctx context.Context, in addCustomAttributesInput) (any, error) {
	p, unlock, err := s.reach(ctx, "AddCustomAttributes", poolInput{in.UserPoolID})
	if err != nil {
		return nil, err
	}
	defer unlock()
	if p.importing() {
		return nil, errImporting(p)
	}
	schema := slices.Clone(p.SchemaAttributes)
	for _, a := range in.CustomAttributes {
		n := len(schema)
		schema = mergeSchema(schema, []schemaAttribute{a})
		if len(schema) == n || p.schema[schema[n].Name].Name != "" {
			return nil, invalid("%s: Existing attribute already has name.", a.Name)
		}
	}
	described := maps.Clone(p.described)
	described["SchemaAttributes"] = encoded(schema)
	p.given = false // the header follows the schema from now on
	return nil, s.redescribe(p, described)
}

func (s *Service) deleteUserPool(ctx context.Context, in poolInput) (any, error) {
	p, unlock, err := s.reach(ctx, "DeleteUserPool", in)
	if err != nil {
		return nil, err
	}
	defer unlock()
	switch {
	case p.importing():
		return nil, errImporting(p)
	case p.DeletionProtection == "ACTIVE":
		return nil, invalid("The user pool cannot be deleted because deletion protection is activated. " +
			"Deletion protection must be inactivated first.")
	}
	s.removePool(p)
	return nil, nil
}

type listUserPoolsInput struct {
	MaxResults *int
	NextToken  string
}

type listUserPoolsOutput struct {
	UserPools []poolDescription
	NextToken string `json:",omitempty"`
}

type poolDescription struct {
	ID               string `json:"Id"`
	Name             string
	LambdaConfig     json.RawMessage
	LastModifiedDate json.RawMessage `json:",omitempty"`
	CreationDate     json.RawMessage `json:",omitempty"`
}

func (s *Service) listUserPools(ctx context.Context, in listUserPoolsInput) (out listUserPoolsOutput, err error) {
	if err := check(
		requiredNumber("maxResults", in.MaxResults, 1, 60),
		member("nextToken", in.NextToken, patternToken, 0, 131072),
	); err != nil {
		return out, err
	}
	if err := wire.Authorize(ctx, "cognito-idp:ListUserPools", "*", nil); err != nil {
		return out, err
	}
	defer s.lock()()
	out.UserPools = []poolDescription{}
	for _, id := range slices.Sorted(maps.Keys(s.pools)) {
		if strings.Compare(id, in.NextToken) <= 0 {
			continue
		}
		if n := len(out.UserPools); n == *in.MaxResults {
			out.NextToken = out.UserPools[n-1].ID
			break
		}
		p := s.pools[id]
		lambdas := p.described["LambdaConfig"]
		if len(lambdas) == 0 {
			lambdas = json.RawMessage("{}")
		}
		out.UserPools = append(out.UserPools, poolDescription{
			ID: id, Name: p.Name, LambdaConfig: lambdas,
			LastModifiedDate: p.described["LastModifiedDate"], CreationDate: p.described["CreationDate"],
		})
	}
	return out, nil
}
