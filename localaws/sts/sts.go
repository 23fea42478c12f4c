// Package sts is the local double of AWS Security Token Service, as far as a client asks it who it is.
package sts

import (
	"context"
	"strings"

	"userdrop/localaws/wire"
)

// Handler serves GetCallerIdentity, which needs no permission:
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
func Handler(account *wire.Account) *wire.API {
	return wire.Query("https://sts.amazonaws.com/doc/2011-06-15/", "2011-06-15", map[string]wire.QueryOperation{
		"GetCallerIdentity": func(ctx context.Context, _ *wire.Form) (any, error) {
			return identity(account, wire.Caller(ctx)), nil
		},
	})
}

// Identity is what GetCallerIdentity answers.
type Identity struct {
	ARN     string `xml:"Arn"`
	UserID  string `xml:"UserId"`
	Account string
}

// identity describes the caller; the administrator is the account's root user.
func identity(account *wire.Account, caller wire.Principal) Identity {
	if caller == nil {
		return Identity{ARN: "arn:aws:iam::" + account.ID + ":root", UserID: account.ID, Account: account.ID}
	}
	// arn:aws:sts::<account>:assumed-role/<role>/<session>. AWS has the role's unique id where its name is here.
	_, names, _ := strings.Cut(caller.ARN(), "/")
	return Identity{ARN: caller.ARN(), UserID: strings.Replace(names, "/", ":", 1), Account: account.ID}
}
