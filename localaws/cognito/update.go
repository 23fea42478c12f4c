package cognito

import (
	"context"
	"maps"
	"slices"
	"time"

	"userdrop/localaws/wire"
)

// touch sets UserLastModifiedDate.
func (u *user) touch() { u.modified = time.Now().UnixMilli() }

// reachToWrite finds a user whom an operation of the category UserUpdate changes.
func (s *Service) reachToWrite(
	ctx context.Context, action string, in adminUserInput,
) (p *pool, i int, unlock func(), err error) {
	p, i, unlock, err = s.reachUser(ctx, action, in)
	if err != nil {
		return nil, 0, nil, err
	}
	if i < 0 {
		err = errNoUser()
	} else {
		err = s.admit(userUpdate, &p.users[i])
	}
	if err != nil {
		unlock()
		return nil, 0, nil, err
	}
	return p, i, unlock, nil
}

func (s *Service) adminDisableUser(ctx context.Context, in adminUserInput) (any, error) {
	return s.setDisabled(ctx, "AdminDisableUser", in, true)
}

func (s *Service) adminEnableUser(ctx context.Context, in adminUserInput) (any, error) {
	return s.setDisabled(ctx, "AdminEnableUser", in, false)
}

func (s *Service) setDisabled(ctx context.Context, action string, in adminUserInput, disabled bool) (any, error) {
	p, i, unlock, err := s.reachToWrite(ctx, action, in)
	if err != nil {
		return nil, err
	}
	defer unlock()
	p.users[i].disabled = disabled
	p.users[i].touch()
	return nil, nil
}

type adminUpdateUserAttributesInput struct {
	UserPoolID, Username *string
	UserAttributes       []attribute
	ClientMetadata       map[string]string // for Lambda triggers, which the double does not have
}

// adminUpdateUserAttributes sets attributes; a blank value deletes one. An address that changes without its verified
// flag in the same request is not verified any more, and Cognito sends a code to it where the pool verifies it.
func (s *Service) adminUpdateUserAttributes(ctx context.Context, in adminUpdateUserAttributesInput) (any, error) {
	p, i, unlock, err := s.reachToWrite(ctx, "AdminUpdateUserAttributes", adminUserInput{in.UserPoolID, in.Username})
	if err != nil {
		return nil, err
	}
	defer unlock()
	given := map[string]string{}
	for _, a := range in.UserAttributes {
		if err := p.checkUpdate(a); err != nil {
			return nil, err
		}
		given[a.Name] = a.Value
	}
	u := &p.users[i]
	after := map[string]string{}
	maps.Insert(after, u.each())
	for name, value := range given {
		if value == "" {
			delete(after, name)
		} else {
			after[name] = value
		}
	}
	var codes int
	for _, name := range []string{"email", "phone_number"} {
		before := u.attribute(name)
		if _, flagged := given[name+"_verified"]; before == after[name] || flagged {
			continue
		}
		after[name+"_verified"] = "false"
		if after[name] != "" && slices.Contains(p.AutoVerifiedAttributes, name) {
			codes++
		}
	}
	aliases := p.aliasesOf(after)
	for _, alias := range aliases {
		if owner, taken := p.byAlias[alias]; taken && owner != int32(i) {
			return nil, wire.Errorf("AliasExistsException", "An account with the given value already exists.")
		}
	}
	p.codesSent += codes
	p.rewrite(i, after, aliases)
	u.touch()
	return nil, nil
}

// checkUpdate applies the schema to one attribute of an update.
func (p *pool) checkUpdate(a attribute) error {
	schema := p.schema[a.Name]
	switch {
	case isVerifiedFlag(a.Name) && isBoolean(a.Value): // each pool has them
		return nil
	case schema.Name == "" || a.Name == "sub":
		return invalid("user.%s: Attribute does not exist in the schema.", a.Name)
	case schema.Mutable != nil && !*schema.Mutable:
		return invalid("user.%s: Attribute cannot be updated.", a.Name)
	case a.Value == "" && schema.Required:
		return invalid("user.%s: A required attribute cannot be deleted.", a.Name)
	case a.Value != "" && a.Name == "email" && !formEmail.MatchString(a.Value):
		return invalid("Invalid email address format.")
	case a.Value != "" && a.Name == "phone_number" && !formPhone.MatchString(a.Value):
		return invalid("Invalid phone number format.")
	case a.Value != "" && !validType(schema, a.Value):
		return invalid("user.%s: Attribute does not match the schema.", a.Name)
	}
	return nil
}

// aliasesOf returns the keys under which a user with these attributes can sign in.
func (p *pool) aliasesOf(attributes map[string]string) []string {
	var aliases []string
	for _, name := range []string{"email", "phone_number", "preferred_username"} {
		verified := name == "preferred_username" || attributes[name+"_verified"] == "true"
		if attributes[name] != "" && verified && p.signsInBy(name) {
			aliases = append(aliases, p.fold(name+"="+attributes[name]))
		}
	}
	return aliases
}

// rewrite gives a user other attributes and aliases. Where users sign in by an address, it is also the name that the
// Admin operations find the user by.
func (p *pool) rewrite(i int, attributes map[string]string, aliases []string) {
	u := &p.users[i]
	for name, before := range u.each() {
		if key := p.fold(name + "=" + before); p.byAlias[key] == int32(i) {
			delete(p.byAlias, key)
		}
		if after := attributes[name]; p.subNames && before == u.name && after != before && after != "" {
			delete(p.byName, p.fold(u.name))
			u.name = after
			p.byName[p.fold(after)] = int32(i)
		}
	}
	for _, key := range aliases {
		p.byAlias[key] = int32(i)
	}
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		pairs = append(pairs, name, attributes[name])
	}
	u.attributes = pack(pairs)
}

// CodesSent returns how many verification codes changes of addresses in a pool have sent.
func (s *Service) CodesSent(poolID string) int {
	defer s.lock()()
	if p := s.pools[poolID]; p != nil {
		return p.codesSent
	}
	return 0
}
