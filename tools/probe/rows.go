package probe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go"
)

// blankLines puts ten blank lines between rows: blankLinesCounted.
func (p *Probe) blankLines(ctx context.Context) error {
	const rows, blank = 15, 10
	base, known := p.report.Settings["lineBase"].(int)
	if !known {
		p.unsettled("blankLinesCounted", "there is no log, or its lines are not understood")
		return nil
	}
	lines := strings.SplitAfterN(p.file(p.users(2*rows)...), "\n", rows+2)
	text := strings.Join(lines[:rows+1], "") + strings.Repeat("\n", blank) + lines[rows+1]
	j, end, err := p.imported(ctx, p.plain, text)
	if err != nil {
		return err
	}
	log, err := p.wholeLog(ctx, j)
	numbers := log.numbers()
	if err != nil || len(numbers) == 0 {
		p.unsettled("blankLinesCounted", "the job ended %s, and has no lines", tally(end))
		return err
	}
	highest := numbers[len(numbers)-1]
	p.settle("blankLinesCounted", highest > base+2*rows-1,
		"of %d rows with %d blank lines among them the highest line number is %d", 2*rows, blank, highest)
	return nil
}

// headers: fewerColumnsAccepted, hashColumn, hashColumnOptional, crlfAccepted.
func (p *Probe) headers(ctx context.Context) error {
	needed := []string{columnUsername, "email", "email_verified", "phone_number_verified", columnMFA}
	hashes := slices.Contains(p.header, columnHash)
	if hashes {
		needed = append(needed, columnHash)
	}
	_, end, err := p.imported(ctx, p.plain, file(needed, p.user()))
	if err != nil {
		return err
	}
	fewer := end.ImportedUsers == 1
	p.settle("fewerColumnsAccepted", fewer,
		"a file with %d of the header's %d columns: %s", len(needed), len(p.header), tally(end))

	p.settle("hashColumn", hashes, "GetCSVHeader answers %d columns", len(p.header))
	switch {
	case !hashes:
		p.unsettled("hashColumnOptional", "the header has no password_hash")
	case fewer:
		p.unsettled("hashColumnOptional", "any column may lack")
	default:
		without := slices.DeleteFunc(slices.Clone(p.header), func(name string) bool { return name == columnHash })
		_, end, err := p.imported(ctx, p.plain, file(without, p.user()))
		if err != nil {
			return err
		}
		p.settle("hashColumnOptional", end.ImportedUsers == 1, "a file with every column but password_hash: %s", tally(end))
	}

	_, end, err = p.imported(ctx, p.plain, strings.ReplaceAll(p.file(p.user()), "\n", "\r\n"))
	if err != nil {
		return err
	}
	p.settle("crlfAccepted", end.ImportedUsers == 1, "a file with CRLF: %s", tally(end))
	return nil
}

// escapes: backslash, quotes.
func (p *Probe) escapes(ctx context.Context) error {
	for _, e := range []struct {
		setting, written string
		meant            map[string]string // answer by the name that the pool has
	}{
		{"backslash", `a\b`, map[string]string{`a\b`: "comma", "ab": "any"}},
		{"quotes", `a "b" c`, map[string]string{`a "b" c`: "data", "": "refused"}},
	} {
		u := p.user().with("name", e.written)
		_, end, err := p.imported(ctx, p.plain, p.file(u))
		if err != nil {
			return err
		}
		name, err := p.attribute(ctx, u[columnUsername], "name")
		if err != nil {
			return err
		}
		answer, known := e.meant[name]
		if !known {
			p.unsettled(e.setting, "the name %s became %q: %s", e.written, name, tally(end))
			continue
		}
		p.settle(e.setting, answer, "the name %s became %q: %s", e.written, name, tally(end))
	}
	return nil
}

// attribute is a user's, or "" where there is no such user.
func (p *Probe) attribute(ctx context.Context, username, name string) (string, error) {
	u, err := p.cognito.AdminGetUser(ctx, &cognito.AdminGetUserInput{UserPoolId: &p.plain, Username: &username})
	if _, none := errors.AsType[*types.UserNotFoundException](err); none {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	for _, a := range u.UserAttributes {
		if *a.Name == name {
			return aws.ToString(a.Value), nil
		}
	}
	return "", nil
}

// clashes: duplicateInFile, aliasClash.
func (p *Probe) clashes(ctx context.Context) error {
	twice := p.user()
	one, two := p.user(), p.user()
	two["email"] = one["email"]
	for _, e := range []struct {
		setting, pool, what string
		rows                []row
	}{
		{"duplicateInFile", p.plain, "a username twice", []row{twice, twice}},
		{"aliasClash", p.odd, "two users with one verified address, by which users sign in", []row{one, two}},
	} {
		_, end, err := p.imported(ctx, e.pool, p.file(e.rows...))
		if err != nil {
			return err
		}
		switch {
		case end.SkippedUsers == 1:
			p.settle(e.setting, "skipped", "%s: %s", e.what, tally(end))
		case end.FailedUsers == 1:
			p.settle(e.setting, "failed", "%s: %s", e.what, tally(end))
		default:
			p.unsettled(e.setting, "%s: %s", e.what, tally(end))
		}
	}
	return nil
}

// hashes asks for a job with password hashes: hashesSupported.
func (p *Probe) hashes(ctx context.Context) error {
	p.serial++
	_, err := p.cognito.CreateUserImportJob(ctx, &cognito.CreateUserImportJobInput{
		UserPoolId: &p.plain, JobName: aws.String(fmt.Sprintf("probe-%d", p.serial)), CloudWatchLogsRoleArn: &p.LogsRoleARN,
		PasswordHashingAlgorithm: types.PasswordHashingAlgorithmTypeBcrypt,
	})
	if err == nil {
		p.settle("hashesSupported", true, "a job for BCRYPT hashes could be created")
		return nil
	}
	if _, ok := errors.AsType[smithy.APIError](err); !ok {
		return err
	}
	p.settle("hashesSupported", false, "a job for BCRYPT hashes: %s", refusal(err))
	return nil
}

// blanks: blankVerifiedFails, and in the end, since it changes the pool, blankMfaFails.
func (p *Probe) blanks(ctx context.Context) error {
	_, end, err := p.imported(ctx, p.plain, p.file(p.user().with("phone_number_verified", "")))
	if err != nil {
		return err
	}
	p.settle("blankVerifiedFails", end.ImportedUsers == 0, "a row with a blank phone_number_verified: %s", tally(end))

	_, err = p.cognito.SetUserPoolMfaConfig(ctx, &cognito.SetUserPoolMfaConfigInput{
		UserPoolId: &p.plain, MfaConfiguration: types.UserPoolMfaTypeOptional,
		SoftwareTokenMfaConfiguration: &types.SoftwareTokenMfaConfigType{Enabled: true},
	})
	if err != nil {
		return err
	}
	_, end, err = p.imported(ctx, p.plain, p.file(p.user().with(columnMFA, "")))
	if err != nil {
		return err
	}
	p.settle("blankMfaFails", end.ImportedUsers == 0,
		"a row with a blank cognito:mfa_enabled where MFA is optional: %s", tally(end))
	return nil
}
