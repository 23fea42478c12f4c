// Package userpool looks which users a pool has, at a rate that leaves the API to the account's own applications.
package userpool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"userdrop/internal/usercsv/dialect"
)

const (
	// Every keeps a look at a quarter of ListUsers' 30 a second, which the account's own applications share.
	// https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html
	Every = time.Second * 4 / 30
	// PageSize is ListUsers' limit.
	PageSize = 60
)

// API is what a look calls.
type API interface {
	ListUsers(context.Context, *cognito.ListUsersInput, ...func(*cognito.Options)) (*cognito.ListUsersOutput, error)
}

// ErrEnough ends a look whose calls are used up.
var ErrEnough = errors.New("no calls left")

// Pool is what a look needs to know of a user pool.
type Pool struct {
	ID                 string
	UsernameAttributes []string
	CaseSensitive      bool
}

// Key returns what usernames of the pool are compared by.
func (p Pool) Key(name string) string { return dialect.NameKey(name, p.CaseSensitive) }

// Look is a bounded number of calls of ListUsers, at a bounded rate. Stop it.
type Look struct {
	Left int // calls

	api  API
	pool Pool
	tick *time.Ticker
}

// NewLook begins a look that takes at most so long.
func NewLook(api API, pool Pool, most time.Duration) *Look {
	return &Look{Left: max(int(most/Every), 0), api: api, pool: pool, tick: time.NewTicker(Every)}
}

// Stop ends the look.
func (l *Look) Stop() { l.tick.Stop() }

// Users yields the names of the users that match a filter, all where it is empty.
func (l *Look) Users(ctx context.Context, filter string, yield func(name string)) error {
	input := &cognito.ListUsersInput{UserPoolId: &l.pool.ID, Limit: aws.Int32(PageSize)}
	if filter != "" {
		input.Filter = &filter
	}
	if len(l.pool.UsernameAttributes) == 0 {
		input.AttributesToGet = []string{"sub"} // which all have, and nobody's data
	}
	for {
		if l.Left--; l.Left < 0 {
			return ErrEnough
		}
		select {
		case <-l.tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		out, err := l.api.ListUsers(ctx, input)
		if err != nil {
			return fmt.Errorf("list the users of %s: %w", l.pool.ID, err)
		}
		for _, u := range out.Users {
			if len(l.pool.UsernameAttributes) == 0 {
				yield(aws.ToString(u.Username))
				continue
			}
			// The username is the sub; people sign in with the attributes.
			for _, a := range u.Attributes {
				if slices.Contains(l.pool.UsernameAttributes, aws.ToString(a.Name)) {
					yield(aws.ToString(a.Value))
				}
			}
		}
		if input.PaginationToken = out.PaginationToken; input.PaginationToken == nil {
			return nil
		}
	}
}

// Has asks for one user, by one call. https://docs.aws.amazon.com/cognito/latest/developerguide/how-to-manage-user-accounts.html
func (l *Look) Has(ctx context.Context, name string) (there bool, err error) {
	err = l.Users(ctx, NameFilter(l.pool, name), func(string) { there = true })
	return there, err
}
