package client

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/smithy-go/logging"
)

// Account says which AWS settings of the user to take. Empty fields follow the environment and the profile.
type Account struct {
	Profile, Region string
	// Log, if set, receives each call of AWS and each retry.
	Log func(string)
}

// Config reads the user's AWS settings, and makes sure that there are a Region and credentials before any call. What is
// missing on this machine is not an [Error]: AWS refused nothing.
func (a Account) Config(ctx context.Context) (aws.Config, error) {
	options := []func(*config.LoadOptions) error{
		config.WithSharedConfigProfile(a.Profile), config.WithRegion(a.Region), config.WithAppID("userdrop"),
		config.WithLogger(logging.Nop{}),
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return cfg, Explain(err)
	}
	if a.Log != nil {
		cfg.APIOptions = append(cfg.APIOptions, logCalls(a.Log))
	}
	if cfg.Region == "" {
		return cfg, errors.New("no AWS Region is set: use --region, AWS_REGION or a profile that has one")
	}
	limited, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if _, err := cfg.Credentials.Retrieve(limited); err != nil {
		if ctx.Err() != nil {
			return cfg, ctx.Err()
		}
		return cfg, a.noCredentials(err)
	}
	return cfg, nil
}

// noCredentials says how to log in: a profile of IAM Identity Center that is logged out needs one command.
func (a Account) noCredentials(err error) error {
	profile := a.Profile
	if profile == "" {
		profile = os.Getenv("AWS_PROFILE")
	}
	if _, sso := errors.AsType[*ssocreds.InvalidTokenError](err); sso || loggedOut(err) {
		return fmt.Errorf("the AWS profile %q is logged out: run \"%s\"", nameOr(profile, "default"), loginCommand(profile))
	}
	return fmt.Errorf("no AWS credentials were found (%s): log in, for example with \"%s\", or set AWS_PROFILE, or "+
		"AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", lastLink(err), loginCommand(profile))
}

// loggedOut reports whether the SDK could not use the token of IAM Identity Center that "aws sso login" caches. The SDK
// has several errors for it, most without a type.
func loggedOut(err error) bool {
	text := strings.ToLower(err.Error())
	return strings.Contains(text, "sso") && (strings.Contains(text, "token") || strings.Contains(text, "invalidgrant"))
}

func loginCommand(profile string) string {
	if profile == "" {
		profile = os.Getenv("AWS_PROFILE")
	}
	if profile == "" {
		return "aws sso login"
	}
	return "aws sso login --profile " + profile
}

func nameOr(name, other string) string {
	if name == "" {
		return other
	}
	return name
}
