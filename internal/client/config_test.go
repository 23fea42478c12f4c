package client_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"userdrop/internal/client"
)

// TestNoCredentials says how to get credentials, without a call of AWS.
func TestNoCredentials(t *testing.T) {
	const expired = `{"accessToken": "a", "expiresAt": "2020-01-01T00:00:00Z", "region": "us-east-1"}`
	for _, c := range []struct {
		name, config, token string
		account             client.Account
		want                string
	}{
		{
			"a profile of IAM Identity Center, never logged in", sessionProfile, "",
			client.Account{Profile: "work"},
			`the AWS profile "work" is logged out: run "aws sso login --profile work"`,
		},
		{
			"its token has expired", sessionProfile, expired,
			client.Account{Profile: "work"},
			`the AWS profile "work" is logged out: run "aws sso login --profile work"`,
		},
		{
			"a profile of the old form, never logged in", strings.Replace(sessionProfile, "sso_session = company",
				"sso_start_url = https://company.example.com/start\nsso_region = us-east-1", 1), "",
			client.Account{Profile: "work"},
			`the AWS profile "work" is logged out: run "aws sso login --profile work"`,
		},
		{
			"the default profile", strings.Replace(sessionProfile, "profile work", "default", 1), "",
			client.Account{},
			`the AWS profile "default" is logged out: run "aws sso login"`,
		},
		{
			"no Region", strings.Replace(sessionProfile, "\nregion = us-east-1", "", 1), "",
			client.Account{Profile: "work"},
			"no AWS Region is set: use --region, AWS_REGION or a profile that has one",
		},
		{
			"no such profile", sessionProfile, "",
			client.Account{Profile: "home"},
			`there is no AWS profile "home": see "aws configure list-profiles"`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			home := t.TempDir()
			for name, value := range map[string]string{
				"HOME": home, "USERPROFILE": home, "AWS_CONFIG_FILE": filepath.Join(home, "config"),
				"AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true", "AWS_PROFILE": "",
				"AWS_REGION": "", "AWS_DEFAULT_REGION": "", "AWS_ACCESS_KEY_ID": "",
			} {
				t.Setenv(name, value)
			}
			cache := filepath.Join(home, ".aws/sso/cache")
			if err := errors.Join(os.MkdirAll(cache, 0o700), os.WriteFile(filepath.Join(home, "config"), []byte(c.config), 0o600)); err != nil {
				t.Fatal(err)
			}
			if c.token != "" {
				const sha1OfCompany = "71b21161ffa1e6516bcc072aaf5ef38cbe85b511"
				if err := os.WriteFile(filepath.Join(cache, sha1OfCompany+".json"), []byte(c.token), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, err := c.account.Config(t.Context())
			if err == nil || err.Error() != c.want {
				t.Errorf("%v, want %s", err, c.want)
			}
			if _, refused := errors.AsType[*client.Error](err); refused {
				t.Error("AWS is said to have refused a call")
			}
		})
	}
}

const sessionProfile = `[profile work]
sso_session = company
sso_account_id = 123456789012
sso_role_name = Admin
region = us-east-1

[sso-session company]
sso_start_url = https://company.example.com/start
sso_region = us-east-1
`
