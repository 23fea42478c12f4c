package cognito

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"time"

	"userdrop/localaws/wire"
)

// maxGroups is the quota "Groups per user pool".
const maxGroups = 10_000

// group is a pool's group. Members are places in the directory; a removed user's place is removed from all groups.
type group struct {
	groupType
	members map[int32]struct{}
}

// groupType is GroupType.
type groupType struct {
	GroupName        string
	UserPoolID       string     `json:"UserPoolId"`
	Description      string     `json:",omitempty"`
	RoleARN          string     `json:"RoleArn,omitempty"`
	Precedence       *int       `json:",omitempty"`
	LastModifiedDate wire.Epoch `json:",omitzero"`
	CreationDate     wire.Epoch `json:",omitzero"`
}

var patternAny = regexp.MustCompile(`(?s).+`)

func checkGroup(name *string) []string { return required("groupName", name, patternUsername, 1, 128) }

func errNoGroup() error { return wire.Errorf("ResourceNotFoundException", "Group not found.") }

type createGroupInput struct {
	UserPoolID, GroupName *string
	Description, RoleARN  string
	Precedence            *int
}

type groupOutput struct{ Group groupType }

func (s *Service) createGroup(ctx context.Context, in createGroupInput) (out groupOutput, err error) {
	if err := check(
		checkGroup(in.GroupName),
		member("description", in.Description, patternAny, 0, 2048),
		member("roleArn", in.RoleARN, patternARN, 0, 2048),
	); err != nil {
		return out, err
	}
	p, unlock, err := s.reach(ctx, "CreateGroup", poolInput{in.UserPoolID})
	if err != nil {
		return out, err
	}
	defer unlock()
	switch {
	case p.groups[*in.GroupName] != nil:
		return out, wire.Errorf("GroupExistsException", "A group with the name already exists.")
	case len(p.groups) >= maxGroups:
		return out, wire.Errorf("LimitExceededException", "The user pool has reached its limit of groups.")
	}
	now := wire.Epoch(time.Now())
	g := &group{members: map[int32]struct{}{}, groupType: groupType{
		GroupName: *in.GroupName, UserPoolID: p.ID, Description: in.Description, RoleARN: in.RoleARN,
		Precedence: in.Precedence, LastModifiedDate: now, CreationDate: now,
	}}
	if p.groups == nil {
		p.groups = map[string]*group{}
	}
	p.groups[*in.GroupName] = g
	return groupOutput{g.groupType}, nil
}

type groupInput struct{ UserPoolID, GroupName *string }

func (s *Service) getGroup(ctx context.Context, in groupInput) (out groupOutput, err error) {
	if err := check(checkGroup(in.GroupName)); err != nil {
		return out, err
	}
	p, unlock, err := s.reach(ctx, "GetGroup", poolInput{in.UserPoolID})
	if err != nil {
		return out, err
	}
	defer unlock()
	g := p.groups[*in.GroupName]
	if g == nil {
		return out, errNoGroup()
	}
	return groupOutput{g.groupType}, nil
}

type listGroupsInput struct {
	UserPoolID *string
	Limit      *int
	NextToken  string
}

type groupsOutput struct {
	Groups    []groupType
	NextToken string `json:",omitempty"`
}

// listGroups answers groups in the order of their names, which AWS does not promise.
func (s *Service) listGroups(ctx context.Context, in listGroupsInput) (out groupsOutput, err error) {
	page, err := newPage(in.Limit, in.NextToken)
	if err != nil {
		return out, err
	}
	p, unlock, err := s.reach(ctx, "ListGroups", poolInput{in.UserPoolID})
	if err != nil {
		return out, err
	}
	defer unlock()
	names, next := cut(page, slices.Sorted(maps.Keys(p.groups)))
	return groupsOutput{p.groupTypes(names), next}, nil
}

func (p *pool) groupTypes(names []string) []groupType {
	groups := []groupType{}
	for _, name := range names {
		groups = append(groups, p.groups[name].groupType)
	}
	return groups
}

// groupsOf returns the names of a user's groups in order.
func (p *pool) groupsOf(i int) []string {
	var names []string
	for name, g := range p.groups {
		if _, in := g.members[int32(i)]; in {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

type adminListGroupsForUserInput struct {
	UserPoolID, Username *string
	Limit                *int
	NextToken            string
}

func (s *Service) adminListGroupsForUser(
	ctx context.Context, in adminListGroupsForUserInput,
) (out groupsOutput, err error) {
	page, err := newPage(in.Limit, in.NextToken)
	if err != nil {
		return out, err
	}
	p, i, unlock, err := s.reachUser(ctx, "AdminListGroupsForUser", adminUserInput{in.UserPoolID, in.Username})
	if err != nil {
		return out, err
	}
	defer unlock()
	if i < 0 {
		return out, errNoUser()
	}
	names, next := cut(page, p.groupsOf(i))
	return groupsOutput{p.groupTypes(names), next}, nil
}

type listUsersInGroupInput struct {
	UserPoolID, GroupName *string
	Limit                 *int
	NextToken             string
}

type listUsersInGroupOutput struct {
	Users     []userType
	NextToken string `json:",omitempty"`
}

func (s *Service) listUsersInGroup(
	ctx context.Context, in listUsersInGroupInput,
) (out listUsersInGroupOutput, err error) {
	page, err := newPage(in.Limit, in.NextToken)
	if err != nil {
		return out, err
	}
	if err := check(checkGroup(in.GroupName)); err != nil {
		return out, err
	}
	p, unlock, err := s.reach(ctx, "ListUsersInGroup", poolInput{in.UserPoolID})
	if err != nil {
		return out, err
	}
	defer unlock()
	g := p.groups[*in.GroupName]
	if g == nil {
		return out, errNoGroup()
	}
	if err := s.admit(userList, nil); err != nil {
		return out, err
	}
	members, next := cut(page, slices.Sorted(maps.Keys(g.members)))
	out = listUsersInGroupOutput{Users: []userType{}, NextToken: next}
	for _, i := range members {
		out.Users = append(out.Users, describeUser(p.show(int(i)), nil))
	}
	return out, nil
}

type membershipInput struct{ UserPoolID, Username, GroupName *string }

// membership finds a user and a group, in the order in which Cognito does.
func (s *Service) membership(
	ctx context.Context, action string, in membershipInput,
) (i int, g *group, unlock func(), err error) {
	if err := check(checkGroup(in.GroupName)); err != nil {
		return 0, nil, nil, err
	}
	p, i, unlock, err := s.reachUser(ctx, action, adminUserInput{in.UserPoolID, in.Username})
	if err != nil {
		return 0, nil, nil, err
	}
	if g = p.groups[*in.GroupName]; g == nil {
		err = errNoGroup()
	} else if i < 0 {
		err = errNoUser()
	} else {
		err = s.admit(userResourceUpdate, &p.users[i])
	}
	if err != nil {
		unlock()
		return 0, nil, nil, err
	}
	if s.settings.GroupsModifyUsers {
		p.users[i].touch()
	}
	return i, g, unlock, nil
}

// adminAddUserToGroup is idempotent: a member that is added again is answered as a new one.
func (s *Service) adminAddUserToGroup(ctx context.Context, in membershipInput) (any, error) {
	i, g, unlock, err := s.membership(ctx, "AdminAddUserToGroup", in)
	if err != nil {
		return nil, err
	}
	defer unlock()
	g.members[int32(i)] = struct{}{}
	return nil, nil
}

func (s *Service) adminRemoveUserFromGroup(ctx context.Context, in membershipInput) (any, error) {
	i, g, unlock, err := s.membership(ctx, "AdminRemoveUserFromGroup", in)
	if err != nil {
		return nil, err
	}
	defer unlock()
	delete(g.members, int32(i))
	return nil, nil
}

// page is a place in a list, and how many entries to answer from there.
type page struct{ from, limit int }

func newPage(limit *int, token string) (page, error) {
	if err := check(number("limit", limit, 0, 60), member("nextToken", token, patternToken, 0, 131072)); err != nil {
		return page{}, err
	}
	from, err := offset(token)
	if err != nil {
		return page{}, err
	}
	if limit == nil || *limit == 0 {
		return page{from, 60}, nil
	}
	return page{from, *limit}, nil
}

// cut returns a page of a list, and the token of the next one, empty after the last.
func cut[T any](p page, all []T) (some []T, next string) {
	from := min(p.from, len(all))
	to := min(from+p.limit, len(all))
	if to < len(all) {
		next = strconv.Itoa(to)
	}
	return all[from:to], next
}
