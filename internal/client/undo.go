package client

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"userdrop/internal/aws/userpool"
	"userdrop/internal/contract"
)

// Undone is what became, or would become, of a user that an import created.
type Undone struct {
	Username, Sub string
	Removed       bool   // or to be removed
	Gone          bool   // not in the pool any more, such as after an earlier undo
	Why           string // the user is kept; empty if not
}

// undoEvery is the pace of an undo: one look and one removal in that time, a fifth of the account's quota for updates.
const undoEvery = time.Second / 5

// Undo removes the users whom an import made and whom nobody has changed since, with the caller's own permissions; the
// stack's roles can remove nobody. Without carryOut it only plans. It yields each user as soon as that is decided. A
// second run continues an interrupted one: users who were removed are gone.
func (s *Stack) Undo(ctx context.Context, importID string, carryOut bool, yield func(Undone) error) error {
	r, _, err := s.Result(ctx, importID)
	if err != nil {
		return err
	}
	if r == nil {
		return NotFoundf("there is no result of an import %s: only a finished import can be undone", importID)
	}
	keys, err := s.results.Keys(ctx, contract.WorkPrefix(importID)+"users")
	if err != nil {
		return Explain(err)
	}
	if len(keys) == 0 {
		return Refusedf("the import %s has no users.csv, so it is not known which users it created: deploy the stack with "+
			"UserMap=true before an import that you may want to undo", importID)
	}
	tick := time.NewTicker(undoEvery)
	defer tick.Stop()
	for _, key := range keys {
		err := s.imported(ctx, key, func(u mapped) error {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return ctx.Err()
			}
			undone, err := s.undo(ctx, r, u, carryOut)
			if err != nil {
				return Explain(err)
			}
			return yield(undone)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// mapped is a row of users.csv.
type mapped struct{ username, sub, status, outcome string }

// imported calls yield for each user in users.csv.
func (s *Stack) imported(ctx context.Context, key string, yield func(mapped) error) error {
	body, err := s.results.Open(ctx, key)
	if err != nil {
		return Explain(err)
	}
	defer body.Close()
	rows, err := csv.NewReader(body).ReadAll() // S3 ends the connection of a slow reader
	if err != nil {
		return fmt.Errorf("read %s: %w", path.Base(key), err)
	}
	if len(rows) == 0 {
		return io.ErrUnexpectedEOF
	}
	column := func(name string) int { return slices.Index(rows[0], name) }
	username, sub, status, outcome := column("username"), column("sub"), column("status"), column("outcome")
	for _, row := range rows[1:] {
		if err := yield(mapped{row[username], row[sub], row[status], row[outcome]}); err != nil {
			return err
		}
	}
	return nil
}

// undo decides one user, and removes the user where that is to be done.
func (s *Stack) undo(ctx context.Context, r *contract.Result, u mapped, carryOut bool) (Undone, error) {
	undone := Undone{Username: u.username, Sub: u.sub}
	switch {
	case u.outcome != "imported":
		undone.Why = "existed before the import"
	case u.sub == "":
		undone.Why = "users.csv does not have the sub"
	}
	if undone.Why != "" {
		return undone, nil
	}
	var user *userpool.User
	err := s.patiently(ctx, func() error {
		return userpool.Snapshot(ctx, s.cognito, r.UserPoolID, `sub = "`+u.sub+`"`, func(found *userpool.User) { user = found })
	})
	if err != nil {
		return undone, err
	}
	if user == nil {
		undone.Gone = true
		return undone, nil
	}
	if undone.Why = keep(r, u, user); undone.Why != "" {
		return undone, nil
	}
	undone.Removed = true
	if !carryOut {
		return undone, nil
	}
	err = s.patiently(ctx, func() error {
		_, err := s.cognito.AdminDeleteUser(ctx, &cognito.AdminDeleteUserInput{
			UserPoolId: &r.UserPoolID, Username: aws.String(user.Username),
		})
		return err
	})
	if _, gone := errors.AsType[*types.UserNotFoundException](err); gone {
		err = nil // the answer to the removal was lost
	}
	return undone, err
}

// keep returns why a user is kept; empty if nothing speaks against the removal.
func keep(r *contract.Result, u mapped, user *userpool.User) string {
	const fraction = time.Second // which a date may lack
	during := slices.ContainsFunc(r.Jobs, func(j contract.ResultJob) bool {
		return !user.Created.Before(j.StartedAt.Add(-fraction)) && !user.Created.After(j.CompletedAt.Add(fraction))
	})
	switch {
	case !during:
		return "was not created while a job of the import ran"
	case user.Modified.After(r.FinishedAt): // our own changes were applied before
		return "was changed after the import"
	case user.Status != u.status:
		return "has the status " + strings.ToLower(user.Status) + " now"
	}
	return ""
}

// patiently makes a call again while AWS asks for fewer.
func (s *Stack) patiently(ctx context.Context, call func() error) error {
	for {
		err := call()
		if _, throttled := errors.AsType[*types.TooManyRequestsException](err); !throttled {
			return err
		}
		if err := wait(ctx, 5*time.Second); err != nil {
			return err
		}
	}
}
