package cognito_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"

	"userdrop/localaws/cognito"
)

func TestListUsers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := setUp(t, nil)
		f.run(t, "", file(people(130)...))
		if _, err := f.client.AdminDeleteUser(t.Context(), &cognitoidentityprovider.AdminDeleteUserInput{
			UserPoolId: aws.String(poolID), Username: aws.String("u00001"),
		}); err != nil {
			t.Fatal(err)
		}
		list := func(filter string) (names []string) {
			pages := cognitoidentityprovider.NewListUsersPaginator(f.client, &cognitoidentityprovider.ListUsersInput{
				UserPoolId: aws.String(poolID), Filter: &filter,
			})
			for pages.HasMorePages() {
				page, err := pages.NextPage(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, u := range page.Users {
					names = append(names, *u.Username)
				}
			}
			return names
		}
		if got := len(list("")); got != 129 {
			t.Errorf("%d users", got)
		}
		if diff := cmp.Diff([]string{"u00007"}, list(`username = "u00007"`)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"u00000", "u00002", "u00003"}, list(`email ^= "u0000"`)[:3]); diff != "" {
			t.Error(diff)
		}
		u, err := f.client.AdminGetUser(t.Context(), &cognitoidentityprovider.AdminGetUserInput{
			UserPoolId: aws.String(poolID), Username: aws.String("u00007"),
		})
		if err != nil {
			t.Fatal(err)
		}
		if u.UserStatus != "RESET_REQUIRED" || !u.Enabled || len(u.UserAttributes) != 4 {
			t.Errorf("%+v", u)
		}
	})
}

func TestUsernamesAndAliases(t *testing.T) {
	with := func(members string) []string { return []string{`"MfaConfiguration": "OFF"`, members} }
	insensitive := with(`"UsernameConfiguration": {"CaseSensitive": false}`)
	alias := with(`"AliasAttributes": ["email"]`)
	byEmail := with(`"UsernameAttributes": ["email"]`)
	tests := []struct {
		name   string
		change func(*cognito.Settings)
		pool   []string
		rows   []string
		want   string // imported/skipped/failed
	}{
		{"case counts", nil, nil, []string{person("ann"), person("ANN")}, "2/0/0"},
		{"case does not count", nil, insensitive, []string{person("ann"), person("ANN")}, "1/1/0"},
		{
			"an email where email is an alias", nil, alias,
			[]string{person("ann"), "b@example.com,true,,false,,,,false,b@example.com"},
			"1/0/1",
		},
		{
			"an alias twice", nil, alias,
			[]string{"a@example.com,true,,false,,,,false,ann", "a@example.com,true,,false,,,,false,bob"},
			"1/0/1",
		},
		{
			"an alias twice is skipped", func(s *cognito.Settings) { s.AliasClash = "skipped" }, alias,
			[]string{"a@example.com,true,,false,,,,false,ann", "a@example.com,true,,false,,,,false,bob"},
			"1/1/0",
		},
		{
			"an email twice where it is none", nil, nil,
			[]string{"a@example.com,true,,false,,,,false,ann", "a@example.com,true,,false,,,,false,bob"},
			"2/0/0",
		},
		{
			"the email is the username", nil, byEmail,
			[]string{"a@example.com,true,,false,,,,false,a@example.com", person("ann")},
			"1/0/1",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := setUp(t, test.change, test.pool...)
				j := f.run(t, "", file(test.rows...))
				got := fmt.Sprintf("%d/%d/%d", j.ImportedUsers, j.SkippedUsers, j.FailedUsers)
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Error(diff)
				}
				u := f.Users(poolID)[0]
				if named := u.Username == u.Sub; named != (test.name == "the email is the username") {
					t.Errorf("username %s, sub %s", u.Username, u.Sub)
				}
				if _, err := f.client.AdminGetUser(context.Background(), &cognitoidentityprovider.AdminGetUserInput{
					UserPoolId: aws.String(poolID), Username: &u.Name,
				}); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestAttributesToGet: AWS answers an error unless each user that is shown has the attribute.
func TestAttributesToGet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := setUp(t, nil)
		f.run(t, "", file(people(2)...))
		for _, c := range []struct {
			filter string
			names  []string
			shown  int // attributes of each; 0 is refused
		}{
			{"", []string{"sub"}, 1},
			{"", []string{"sub", "email"}, 2},
			{"", []string{"sub", "nickname"}, 0},
			{`username = "u00001"`, []string{"nickname"}, 0},
			{`username = "nobody"`, []string{"nickname"}, 1}, // nobody lacks it
		} {
			out, err := f.client.ListUsers(t.Context(), &cognitoidentityprovider.ListUsersInput{
				UserPoolId: aws.String(poolID), Filter: &c.filter, AttributesToGet: c.names,
			})
			if _, invalid := errors.AsType[*types.InvalidParameterException](err); invalid != (c.shown == 0) || !invalid && err != nil {
				t.Errorf("%q %v: %v", c.filter, c.names, err)
			}
			if err != nil {
				continue
			}
			for _, u := range out.Users {
				if len(u.Attributes) != c.shown {
					t.Errorf("%q %v: %d attributes", c.filter, c.names, len(u.Attributes))
				}
			}
		}
	})
}
