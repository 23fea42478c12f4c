package cognito_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	api "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"

	"userdrop/localaws/cognito"
)

// staffed makes a pool with ann and bob, and a group staff.
func staffed(t *testing.T, change func(*cognito.Settings), poolChanges ...string) fixture {
	t.Helper()
	f := setUp(t, change, poolChanges...)
	f.run(t, "", file(person("ann"), person("bob")))
	if _, err := f.client.CreateGroup(t.Context(), &api.CreateGroupInput{
		UserPoolId: aws.String(poolID), GroupName: aws.String("staff"),
	}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute) // no quota remembers any of it
	return f
}

func (f fixture) join(ctx context.Context, user, group string) error {
	_, err := f.client.AdminAddUserToGroup(ctx, &api.AdminAddUserToGroupInput{
		UserPoolId: aws.String(poolID), Username: &user, GroupName: &group,
	})
	return err
}

// update sets attributes, each as name=value.
func (f fixture) update(ctx context.Context, user string, attributes ...string) error {
	in := &api.AdminUpdateUserAttributesInput{UserPoolId: aws.String(poolID), Username: &user}
	for _, a := range attributes {
		name, value, _ := strings.Cut(a, "=")
		in.UserAttributes = append(in.UserAttributes, types.AttributeType{Name: &name, Value: &value})
	}
	_, err := f.client.AdminUpdateUserAttributes(ctx, in)
	return err
}

// show is a user's state in one line.
func (f fixture) show(name string) string {
	for _, u := range f.Users(poolID) {
		if u.Name == name {
			return fmt.Sprintf("enabled %v, groups %v, email %s %s, team %s", u.Enabled, u.Groups,
				u.Attributes["email"], u.Attributes["email_verified"], u.Attributes["custom:team"])
		}
	}
	return "none"
}

func TestChangesOfUsers(t *testing.T) {
	ctx := context.Background()
	alias := []string{`"Name": "people"`, `"Name": "people", "AliasAttributes": ["email"]`}
	immutable := []string{`{"Name": "custom:team"`, `{"Name": "custom:team", "Mutable": false`}
	set := func(f fixture, disable bool, user string) (err error) {
		if disable {
			_, err = f.client.AdminDisableUser(ctx, &api.AdminDisableUserInput{UserPoolId: aws.String(poolID), Username: &user})
		} else {
			_, err = f.client.AdminEnableUser(ctx, &api.AdminEnableUserInput{UserPoolId: aws.String(poolID), Username: &user})
		}
		return err
	}
	const asBefore = "enabled true, groups [], email ann@example.com true, team "
	tests := []struct {
		name  string
		pool  []string
		do    func(f fixture) error
		code  string
		ann   string
		codes int
	}{
		{
			"a group", nil, func(f fixture) error { return f.join(ctx, "ann", "staff") }, "",
			"enabled true, groups [staff], email ann@example.com true, team ", 0,
		},
		{"a group twice", nil, func(f fixture) error {
			return firstOf(f.join(ctx, "ann", "staff"), f.join(ctx, "ann", "staff"))
		}, "", "enabled true, groups [staff], email ann@example.com true, team ", 0},
		{
			"no such group", nil, func(f fixture) error { return f.join(ctx, "ann", "x") },
			"ResourceNotFoundException: Group not found.", asBefore, 0,
		},
		{
			"no such user", nil, func(f fixture) error { return f.join(ctx, "x", "staff") },
			"UserNotFoundException: User does not exist.", asBefore, 0,
		},
		{"a group twice created", nil, func(f fixture) error {
			_, err := f.client.CreateGroup(ctx, &api.CreateGroupInput{
				UserPoolId: aws.String(poolID), GroupName: aws.String("staff"),
			})
			return err
		}, "GroupExistsException: A group with the name already exists.", asBefore, 0},
		{"left again", nil, func(f fixture) error {
			joined := f.join(ctx, "ann", "staff")
			_, err := f.client.AdminRemoveUserFromGroup(ctx, &api.AdminRemoveUserFromGroupInput{
				UserPoolId: aws.String(poolID), Username: aws.String("ann"), GroupName: aws.String("staff"),
			})
			return firstOf(joined, err)
		}, "", asBefore, 0},
		{
			"disabled", nil, func(f fixture) error { return firstOf(set(f, true, "ann"), set(f, true, "ann")) }, "",
			strings.Replace(asBefore, "true", "false", 1), 0,
		},
		{
			"enabled again", nil, func(f fixture) error { return firstOf(set(f, true, "ann"), set(f, false, "ann")) }, "",
			asBefore, 0,
		},
		{
			"an attribute", nil, func(f fixture) error { return f.update(ctx, "ann", "custom:team=blue") }, "",
			asBefore + "blue", 0,
		},
		{"a blank value deletes", nil, func(f fixture) error {
			return firstOf(f.update(ctx, "ann", "custom:team=blue"), f.update(ctx, "ann", "custom:team="))
		}, "", asBefore, 0},
		{
			"an address without its flag", nil, func(f fixture) error { return f.update(ctx, "ann", "email=a@example.com") }, "",
			"enabled true, groups [], email a@example.com false, team ", 1,
		},
		{"an address with its flag", nil, func(f fixture) error {
			return f.update(ctx, "ann", "email=a@example.com", "email_verified=true")
		}, "", "enabled true, groups [], email a@example.com true, team ", 0},
		{"an alias that is taken", alias, func(f fixture) error {
			return f.update(ctx, "ann", "email=bob@example.com", "email_verified=true")
		}, "AliasExistsException: An account with the given value already exists.", asBefore, 0},
		{"an alias that is free again", alias, func(f fixture) error {
			return firstOf(f.update(ctx, "bob", "email=b@example.com", "email_verified=true"),
				f.update(ctx, "ann", "email=bob@example.com", "email_verified=true"))
		}, "", "enabled true, groups [], email bob@example.com true, team ", 0},
		{
			"immutable", immutable, func(f fixture) error { return f.update(ctx, "ann", "custom:team=blue") },
			"InvalidParameterException: user.custom:team: Attribute cannot be updated.", asBefore, 0,
		},
		{
			"sub", nil, func(f fixture) error { return f.update(ctx, "ann", "sub=1") },
			"InvalidParameterException: user.sub: Attribute does not exist in the schema.", asBefore, 0,
		},
		{"deleted", nil, func(f fixture) error {
			joined := f.join(ctx, "ann", "staff")
			_, err := f.client.AdminDeleteUser(ctx, &api.AdminDeleteUserInput{
				UserPoolId: aws.String(poolID), Username: aws.String("ann"),
			})
			return firstOf(joined, err)
		}, "", "none", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := staffed(t, nil, test.pool...)
				before := f.Users(poolID)[0].Modified
				time.Sleep(time.Minute)
				err := test.do(f)
				got := ""
				if err != nil {
					got = code(err)
				}
				if got != test.code {
					t.Errorf("error %q, want %q", got, test.code)
				}
				if diff := cmp.Diff(test.ann, f.show("ann")); diff != "" {
					t.Error(diff)
				}
				if n := f.CodesSent(poolID); n != test.codes {
					t.Errorf("%d codes sent, want %d", n, test.codes)
				}
				if u := f.Users(poolID)[0]; err == nil && !strings.Contains(test.name, "group") &&
					test.name != "left again" && test.name != "deleted" && u.Modified.Equal(before) {
					t.Error("UserLastModifiedDate did not change")
				}
			})
		})
	}
}

// firstOf returns the first error.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestListsOfGroupsAndUsers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := staffed(t, func(s *cognito.Settings) { s.UsersListedLate = cognito.Duration(2 * time.Minute) })
		ctx := t.Context()
		for _, g := range []string{"admins", "writers"} {
			if _, err := f.client.CreateGroup(ctx, &api.CreateGroupInput{
				UserPoolId: aws.String(poolID), GroupName: &g, Description: aws.String("of " + g), Precedence: aws.Int32(3),
			}); err != nil {
				t.Fatal(err)
			}
		}
		if err := firstOf(f.join(ctx, "ann", "writers"), f.join(ctx, "ann", "staff"), f.join(ctx, "bob", "staff")); err != nil {
			t.Fatal(err)
		}
		var groups []string
		pages := api.NewListGroupsPaginator(f.client, &api.ListGroupsInput{UserPoolId: aws.String(poolID), Limit: aws.Int32(2)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range page.Groups {
				groups = append(groups, *g.GroupName)
			}
		}
		if diff := cmp.Diff([]string{"admins", "staff", "writers"}, groups); diff != "" {
			t.Error(diff)
		}
		of, err := f.client.AdminListGroupsForUser(ctx, &api.AdminListGroupsForUserInput{
			UserPoolId: aws.String(poolID), Username: aws.String("ann"),
		})
		if err != nil || len(of.Groups) != 2 || *of.Groups[0].GroupName != "staff" {
			t.Errorf("ann's groups: %v, %v", of, err)
		}
		in, err := f.client.ListUsersInGroup(ctx, &api.ListUsersInGroupInput{
			UserPoolId: aws.String(poolID), GroupName: aws.String("staff"), Limit: aws.Int32(1),
		})
		if err != nil || len(in.Users) != 1 || aws.ToString(in.NextToken) == "" {
			t.Errorf("the first of staff: %v, %v", in, err)
		}
		got, err := f.client.GetGroup(ctx, &api.GetGroupInput{UserPoolId: aws.String(poolID), GroupName: aws.String("admins")})
		if err != nil || aws.ToString(got.Group.Description) != "of admins" || aws.ToInt32(got.Group.Precedence) != 3 {
			t.Errorf("the group: %v, %v", got, err)
		}
		_, err = f.client.AdminDisableUser(ctx, &api.AdminDisableUserInput{UserPoolId: aws.String(poolID), Username: aws.String("bob")})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		list := func(filter string) (names []string) {
			t.Helper()
			out, err := f.client.ListUsers(ctx, &api.ListUsersInput{UserPoolId: aws.String(poolID), Filter: &filter})
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range out.Users {
				names = append(names, *u.Username)
			}
			return names
		}
		if diff := cmp.Diff([]string{"bob"}, list(`status = "Disabled"`)); diff != "" {
			t.Error(diff)
		}
		f.run(t, "", file(person("cid")))
		if diff := cmp.Diff([]string{"ann", "bob"}, list(`email ^= ""`)); diff != "" {
			t.Errorf("right after the job: %s", diff)
		}
		time.Sleep(2 * time.Minute)
		if diff := cmp.Diff([]string{"cid"}, list(`email = "cid@example.com"`)); diff != "" {
			t.Errorf("later: %s", diff)
		}
	})
}

// TestRatesOfUserOperations makes a burst of calls within one second, of which the quotas let some pass.
func TestRatesOfUserOperations(t *testing.T) {
	tests := []struct {
		name   string
		change func(*cognito.Settings)
		users  int
		disable,
		passed int
	}{
		{"groups and states share 25", nil, 40, 10, 25},
		{"each has its own 25", func(s *cognito.Settings) { s.UpdatesShareQuota = false }, 40, 10, 35},
		{"one user's own ten", nil, 1, 0, 10},
		{"no quotas", func(s *cognito.Settings) { s.NoRateQuotas = true }, 40, 10, 50},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := staffed(t, test.change)
				var rows []string
				for i := range test.users {
					rows = append(rows, person(fmt.Sprintf("user%d", i)))
				}
				f.run(t, "", file(rows...))
				time.Sleep(time.Minute)
				passed := 0
				for i := range 40 {
					if f.join(t.Context(), fmt.Sprintf("user%d", i%test.users), "staff") == nil {
						passed++
					}
				}
				for i := range test.disable {
					if _, err := f.client.AdminDisableUser(t.Context(), &api.AdminDisableUserInput{
						UserPoolId: aws.String(poolID), Username: aws.String(fmt.Sprintf("user%d", i)),
					}); err == nil {
						passed++
					} else if !strings.HasPrefix(code(err), "TooManyRequestsException") {
						t.Error(err)
					}
				}
				if passed != test.passed {
					t.Errorf("%d calls passed, want %d", passed, test.passed)
				}
			})
		})
	}
}
