package cognito

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"userdrop/localaws/wire"
)

// attribute is AttributeType.
type attribute struct{ Name, Value string }

// userType is UserType.
type userType struct {
	Username             string
	Attributes           []attribute
	UserCreateDate       wire.Epoch
	UserLastModifiedDate wire.Epoch
	Enabled              bool
	UserStatus           string
}

// describeUser shows a user with all attributes, or with those asked for.
func describeUser(u User, only []string) userType {
	all := []attribute{{"sub", u.Sub}}
	for _, name := range slices.Sorted(maps.Keys(u.Attributes)) {
		all = append(all, attribute{name, u.Attributes[name]})
	}
	if only != nil {
		all = slices.DeleteFunc(all, func(a attribute) bool { return !slices.Contains(only, a.Name) })
	}
	return userType{
		Username: u.Username, Attributes: all, UserCreateDate: wire.Epoch(u.Created),
		UserLastModifiedDate: wire.Epoch(u.Modified), Enabled: u.Enabled, UserStatus: u.Status,
	}
}

type adminUserInput struct{ UserPoolID, Username *string }

// reachUser validates, authorises and locks for an operation on a user, who may have to be there.
func (s *Service) reachUser(
	ctx context.Context, action string, in adminUserInput,
) (p *pool, i int, unlock func(), err error) {
	if err := check(
		required("userPoolId", in.UserPoolID, patternPoolID, 1, 55),
		required("username", in.Username, patternUsername, 1, 128),
	); err != nil {
		return nil, 0, nil, err
	}
	p, unlock, err = s.reach(ctx, action, poolInput{in.UserPoolID})
	if err != nil {
		return nil, 0, nil, err
	}
	i, ok := p.lookup(*in.Username)
	if !ok {
		i = -1
	}
	return p, i, unlock, nil
}

func errNoUser() error { return wire.Errorf("UserNotFoundException", "User does not exist.") }

type adminCreateUserInput struct {
	UserPoolID, Username *string
	UserAttributes       []attribute
	MessageAction        string // no message is sent
	TemporaryPassword    string // nobody signs in here
	ForceAliasCreation   bool
}

type adminCreateUserOutput struct{ User userType }

func (s *Service) adminCreateUser(ctx context.Context, in adminCreateUserInput) (out adminCreateUserOutput, err error) {
	p, i, unlock, err := s.reachUser(ctx, "AdminCreateUser", adminUserInput{in.UserPoolID, in.Username})
	if err != nil {
		return out, err
	}
	defer unlock()
	switch {
	case i >= 0:
		return out, wire.Errorf("UsernameExistsException", "User account already exists")
	case in.ForceAliasCreation:
		return out, invalid("the local double does not move aliases: ForceAliasCreation")
	case len(p.UsernameAttributes) > 0 && !validUsername(p, *in.Username):
		return out, invalid("Username should be an email or a phone number.")
	case !validUsername(p, *in.Username):
		return out, invalid("Username cannot be of email format, since user pool is configured for email alias.")
	}
	given := map[string]string{}
	for _, a := range in.UserAttributes {
		if p.schema[a.Name].Name == "" {
			return out, invalid("Attributes did not conform to the schema: %s: Attribute does not exist in the schema.", a.Name)
		}
		given[a.Name] = a.Value
	}
	if len(p.UsernameAttributes) > 0 {
		name := "phone_number"
		if strings.Contains(*in.Username, "@") {
			name = "email"
		}
		given[name] = *in.Username
	}
	var pairs, aliases []string
	for _, name := range slices.Sorted(maps.Keys(given)) {
		pairs = append(pairs, name, given[name])
		if p.signsInBy(name) && (name == "preferred_username" || given[name+"_verified"] == "true") {
			if p.taken(name, given[name]) {
				return out, wire.Errorf("AliasExistsException", "An account with the given %s already exists.", name)
			}
			aliases = append(aliases, name+"="+given[name])
		}
	}
	i = p.add(user{
		name: *in.Username, attributes: pack(pairs), created: time.Now().UnixMilli(), status: statusForceChange,
	}, aliases...)
	out.User = describeUser(p.show(i), nil)
	return out, nil
}

func (s *Service) adminDeleteUser(ctx context.Context, in adminUserInput) (any, error) {
	p, i, unlock, err := s.reachToWrite(ctx, "AdminDeleteUser", in)
	if err != nil {
		return nil, err
	}
	defer unlock()
	p.remove(i)
	for _, g := range p.groups {
		delete(g.members, int32(i))
	}
	return nil, nil
}

type adminGetUserOutput struct {
	Username             string
	UserAttributes       []attribute
	UserCreateDate       wire.Epoch
	UserLastModifiedDate wire.Epoch
	Enabled              bool
	UserStatus           string
}

func (s *Service) adminGetUser(ctx context.Context, in adminUserInput) (out adminGetUserOutput, err error) {
	p, i, unlock, err := s.reachUser(ctx, "AdminGetUser", in)
	if err != nil {
		return out, err
	}
	defer unlock()
	if i < 0 {
		return out, errNoUser()
	}
	u := describeUser(p.show(i), nil)
	return adminGetUserOutput{
		u.Username, u.Attributes, u.UserCreateDate, u.UserLastModifiedDate, u.Enabled, u.UserStatus,
	}, nil
}

type listUsersInput struct {
	UserPoolID              *string
	AttributesToGet         []string
	Filter, PaginationToken string
	Limit                   *int
}

type listUsersOutput struct {
	Users           []userType
	PaginationToken string `json:",omitempty"`
}

// listUsers answers users in the order in which they came.
func (s *Service) listUsers(ctx context.Context, in listUsersInput) (out listUsersOutput, err error) {
	if err := check(
		number("limit", in.Limit, 0, 60),
		member("paginationToken", in.PaginationToken, patternToken, 0, 131072),
	); err != nil {
		return out, err
	}
	matches, err := parseFilter(in.Filter)
	if err != nil {
		return out, err
	}
	next, err := offset(in.PaginationToken)
	if err != nil {
		return out, err
	}
	p, unlock, err := s.reach(ctx, "ListUsers", poolInput{in.UserPoolID})
	if err != nil {
		return out, err
	}
	defer unlock()
	if err := s.admit(userList, nil); err != nil {
		return out, err
	}
	limit := 60
	if in.Limit != nil && *in.Limit > 0 {
		limit = *in.Limit
	}
	out.Users = []userType{}
	for ; next < len(p.users); next++ {
		if p.users[next].deleted || s.unlisted(&p.users[next]) || !matches(&p.directory, next) {
			continue
		}
		if len(out.Users) == limit {
			out.PaginationToken = strconv.Itoa(next)
			break
		}
		u := describeUser(p.show(next), in.AttributesToGet)
		if len(u.Attributes) < len(in.AttributesToGet) { // AWS: an error if not all users have the attribute
			return out, invalid("One or more requested attributes do not exist.")
		}
		out.Users = append(out.Users, u)
	}
	return out, nil
}

// unlisted reports whether ListUsers does not show a user yet that a job has just created.
func (s *Service) unlisted(u *user) bool {
	return u.job != nil && time.Since(time.UnixMilli(u.created)) < time.Duration(s.settings.UsersListedLate)
}

var filterForm = regexp.MustCompile(`^\s*"?([\w:]+)"?\s*(\^?=)\s*"((?:[^"\\]|\\.)*)"\s*$`)

// parseFilter reads a ListUsers filter: AttributeName = "value", or ^= for the beginning of one.
func parseFilter(filter string) (matches func(d *directory, i int) bool, err error) {
	if filter == "" {
		return func(*directory, int) bool { return true }, nil
	}
	parts := filterForm.FindStringSubmatch(filter)
	if parts == nil {
		return nil, invalid("One or more requested attributes do not exist or the filter is malformed.")
	}
	name, wanted := parts[1], regexp.MustCompile(`\\(.)`).ReplaceAllString(parts[3], "$1")
	var value func(d *directory, i int) string
	fold := func(_ *directory, text string) string { return text }
	switch name {
	case "username", "cognito:username":
		fold = (*directory).fold
		value = func(d *directory, i int) string {
			if d.subNames {
				return d.sub(i)
			}
			return d.users[i].name
		}
	case "sub":
		value = (*directory).sub
	case "cognito:user_status":
		value = func(d *directory, i int) string { return d.users[i].status }
	case "status":
		value = func(d *directory, i int) string {
			if d.users[i].disabled {
				return "Disabled"
			}
			return "Enabled"
		}
	case "preferred_username", "email", "phone_number", "name", "given_name", "family_name":
		value = func(d *directory, i int) string {
			found := d.users[i].attribute(name)
			return found
		}
	default:
		return nil, invalid("Users cannot be listed by the attribute %s.", name)
	}
	if parts[2] == "=" {
		return func(d *directory, i int) bool { return fold(d, value(d, i)) == fold(d, wanted) }, nil
	}
	return func(d *directory, i int) bool { return strings.HasPrefix(fold(d, value(d, i)), fold(d, wanted)) }, nil
}
