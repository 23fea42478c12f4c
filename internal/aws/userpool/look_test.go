package userpool_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"userdrop/internal/aws/userpool"
)

// pages is a pool of so many pages with one user each. It counts calls.
type pages struct{ pages, calls int }

func (p *pages) ListUsers(
	_ context.Context, in *cognito.ListUsersInput, _ ...func(*cognito.Options),
) (*cognito.ListUsersOutput, error) {
	p.calls++
	out := &cognito.ListUsersOutput{Users: []types.UserType{{Username: aws.String("ann")}}}
	page, _ := strconv.Atoi(aws.ToString(in.PaginationToken))
	if page+1 < p.pages && in.Filter == nil {
		out.PaginationToken = aws.String(strconv.Itoa(page + 1))
	}
	return out, nil
}

// TestLookLimits ends a look when its calls are used up, and keeps its rate: 7.5 calls a second.
func TestLookLimits(t *testing.T) {
	for name, test := range map[string]struct {
		most  time.Duration
		pages int
		names int // asked for one by one, after the pool was listed
		calls int
		err   error
	}{
		"no time":                 {0, 1, 0, 0, userpool.ErrEnough},
		"less than one call":      {100 * time.Millisecond, 1, 0, 0, userpool.ErrEnough},
		"as many as it takes":     {2 * time.Second, 15, 0, 15, nil},
		"one page too many":       {2 * time.Second, 16, 0, 15, userpool.ErrEnough},
		"names after the list":    {2 * time.Second, 10, 5, 15, nil},
		"one name too many":       {2 * time.Second, 10, 6, 15, userpool.ErrEnough},
		"ten minutes of a pool":   {10 * time.Minute, 4500, 0, 4500, nil},
		"a larger pool than that": {10 * time.Minute, 4501, 0, 4500, userpool.ErrEnough},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &pages{pages: test.pages}
				began := time.Now()
				l := userpool.NewLook(api, userpool.Pool{ID: "p"}, test.most)
				defer l.Stop()
				err := l.Users(t.Context(), "", func(string) {})
				for range test.names {
					if err == nil {
						_, err = l.Has(t.Context(), "ann")
					}
				}
				if !errors.Is(err, test.err) || api.calls != test.calls {
					t.Errorf("%d calls, want %d: %v, want %v", api.calls, test.calls, err, test.err)
				}
				if took := time.Since(began); took > test.most || took < time.Duration(test.calls)*userpool.Every {
					t.Errorf("%d calls within %s, of at most %s", test.calls, took, test.most)
				}
			})
		})
	}
}

func TestNameFilter(t *testing.T) {
	byAddress := userpool.Pool{UsernameAttributes: []string{"email", "phone_number"}}
	for _, test := range []struct {
		pool       userpool.Pool
		name, want string
	}{
		{userpool.Pool{}, "ann", `username = "ann"`},
		{userpool.Pool{}, "ann@example.com", `username = "ann@example.com"`},
		{userpool.Pool{}, `a"b\c`, `username = "a\"b\\c"`},
		{byAddress, "ann@example.com", `email = "ann@example.com"`},
		{byAddress, "+15550100", `phone_number = "+15550100"`},
	} {
		if got := userpool.NameFilter(test.pool, test.name); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}
