package userpool

import (
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

// snapshotEvery is the pace of a snapshot: a quarter of ListUsers' quota, as a look's.
const snapshotEvery = Every

// Snapshot yields every user of a pool that matches a filter, all where it is empty. It never asks for single users by
// AdminGetUser, which counts each as an active user.
func Snapshot(ctx context.Context, api API, poolID, filter string, yield func(*User)) error {
	input := &cognito.ListUsersInput{UserPoolId: &poolID, Limit: aws.Int32(PageSize)}
	if filter != "" {
		input.Filter = &filter
	}
	tick := time.NewTicker(snapshotEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		out, err := api.ListUsers(ctx, input)
		if err != nil {
			return fmt.Errorf("list the users of %s: %w", poolID, err)
		}
		for i := range out.Users {
			yield(newUser(&out.Users[i]))
		}
		if input.PaginationToken = out.PaginationToken; input.PaginationToken == nil {
			return nil
		}
	}
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
