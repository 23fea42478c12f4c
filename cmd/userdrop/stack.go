package main

import (
	"cmp"
	"context"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/pflag"

	"userdrop/internal/client"
)

// stackOptions are the flags of the commands that talk to a deployed stack.
type stackOptions struct{ name, profile, region string }

func (o *stackOptions) define(flags *pflag.FlagSet) {
	flags.StringVar(&o.name, "stack", cmp.Or(os.Getenv("USERDROP_STACK"), "userdrop"),
		"the `NAME` of the stack (default: USERDROP_STACK, or userdrop)")
	flags.Lookup("stack").DefValue = "" // the text names it
	o.defineAccount(flags)
}

func (o *stackOptions) defineAccount(flags *pflag.FlagSet) {
	flags.StringVar(&o.profile, "profile", "", "use the AWS profile `NAME` (default: AWS_PROFILE)")
	flags.StringVar(&o.region, "region", "", "use the AWS `REGION` (default: AWS_REGION, or the profile's)")
}

// config reads the user's AWS settings.
func (o *stackOptions) config(ctx context.Context) (aws.Config, error) {
	return client.Account{Profile: o.profile, Region: o.region, Log: callLog(ctx)}.Config(ctx)
}

func (o *stackOptions) open(ctx context.Context) (*client.Stack, error) {
	cfg, err := o.config(ctx)
	if err != nil {
		return nil, err
	}
	return client.Open(ctx, cfg, o.name)
}
