package userpool

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// User is a user as ListUsers shows one.
type User struct {
	Username   string // on the wire; the sub where users sign in by an address
	Sub        string
	Status     string
	Enabled    bool
	Created    time.Time
	Modified   time.Time
	Attributes map[string]string // without sub
}

// Names returns what the user's row in a file may have as username: the username, or the addresses that users of the
// pool sign in with.
func (u *User) Names(pool Pool) []string {
	if len(pool.UsernameAttributes) == 0 {
		return []string{u.Username}
	}
	var names []string
	for _, name := range pool.UsernameAttributes {
		if value := u.Attributes[name]; value != "" {
			names = append(names, value)
		}
	}
	return names
}

// Snapshot yields every user of a pool that matches a filter, all where it is empty. It never asks for single users by
// AdminGetUser, which counts each as an active user.
func Snapshot(ctx context.Context, api API, poolID, filter string, yield func(*User)) error {
	tick := time.NewTicker(Every)
	defer tick.Stop()
	for query := (Query{PoolID: poolID, Filter: filter}); ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		var err error
		if query.Token, err = Page(ctx, api, query, yield); err != nil || query.Token == "" {
			return err
		}
	}
}

// Query asks for one page of users.
type Query struct {
	PoolID string
	Filter string // empty for all users
	Token  string // of the page; empty for the first
	Limit  int32  // users of the page; 0 is PageSize
}

// Page yields the users of one page, and returns the token of the next; empty at the end.
func Page(ctx context.Context, api API, q Query, yield func(*User)) (next string, err error) {
	input := &cognito.ListUsersInput{UserPoolId: &q.PoolID, Limit: aws.Int32(cmp.Or(q.Limit, PageSize))}
	if q.Filter != "" {
		input.Filter = &q.Filter
	}
	if q.Token != "" {
		input.PaginationToken = &q.Token
	}
	out, err := api.ListUsers(ctx, input)
	if err != nil {
		return "", fmt.Errorf("list the users of %s: %w", q.PoolID, err)
	}
	for i := range out.Users {
		yield(newUser(&out.Users[i]))
	}
	return aws.ToString(out.PaginationToken), nil
}

func newUser(u *types.UserType) *User {
	user := &User{
		Username: aws.ToString(u.Username), Status: string(u.UserStatus), Enabled: u.Enabled,
		Created: aws.ToTime(u.UserCreateDate), Modified: aws.ToTime(u.UserLastModifiedDate),
		Attributes: make(map[string]string, len(u.Attributes)),
	}
	for _, a := range u.Attributes {
		if name := aws.ToString(a.Name); name == "sub" {
			user.Sub = aws.ToString(a.Value)
		} else {
			user.Attributes[name] = aws.ToString(a.Value)
		}
	}
	return user
}

// NameFilter returns the filter of ListUsers that finds one user by the name that a row has.
func NameFilter(pool Pool, name string) string {
	attribute := "username"
	if len(pool.UsernameAttributes) > 0 {
		attribute = "phone_number"
		if strings.Contains(name, "@") {
			attribute = "email"
		}
	}
	return attribute + ` = "` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
}
