// Package client is what the command line knows of a deployed stack: it drops files, follows imports up to their
// results, lists and steers them. It prints nothing.
package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/smithy-go"

	"userdrop/internal/aws/awserror"
	"userdrop/internal/aws/objects"
	"userdrop/internal/contract"
)

// Stack is a deployed userdrop, as its outputs and parameters describe it.
type Stack struct {
	Name, Region string
	s3           *s3.Client
	machines     *sfn.Client
	cognito      *cognito.Client

	inbox, work, results *objects.Store
	importUsers          string // the state machine's ARN

	LogsRole   string   // the ARN of the role that writes import jobs' logs
	Pools      []string // the user pools that it imports into
	Parameters map[string]string
	Local      bool // it is deployed on the local double
}

// Open describes the stack of a name.
func Open(ctx context.Context, cfg aws.Config, name string) (*Stack, error) {
	described, err := cloudformation.NewFromConfig(cfg).DescribeStacks(ctx,
		&cloudformation.DescribeStacksInput{StackName: &name})
	if e, ok := errors.AsType[smithy.APIError](err); ok && e.ErrorCode() == "ValidationError" {
		return nil, NotFoundf("there is no stack %q in %s: name it with --stack, or its Region with --region",
			name, cfg.Region)
	}
	if err != nil {
		return nil, Explain(err)
	}
	found := described.Stacks[0]
	outputs := map[string]string{}
	for _, o := range found.Outputs {
		outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	s := &Stack{
		Name: name, Region: cfg.Region, Local: cfg.BaseEndpoint != nil,
		s3: s3.NewFromConfig(cfg), machines: sfn.NewFromConfig(cfg), cognito: cognito.NewFromConfig(cfg),
		importUsers: outputs["ImportUsersStateMachineArn"], LogsRole: outputs["ImportLogsRoleArn"],
	}
	s.inbox = objects.New(s.s3, outputs["InboxBucket"])
	s.work = objects.New(s.s3, outputs["WorkBucket"])
	s.results = objects.New(s.s3, outputs["ResultsBucket"])
	if s.inbox.Bucket == "" || s.work.Bucket == "" || s.results.Bucket == "" || s.importUsers == "" {
		return nil, Refusedf("the stack %q in %s is not one of userdrop's, or is not complete (%s)",
			name, cfg.Region, found.StackStatus)
	}
	s.Parameters = map[string]string{}
	for _, p := range found.Parameters {
		s.Parameters[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
	}
	for arn := range strings.SplitSeq(s.Parameters["UserPoolArns"], ",") {
		if arn = strings.TrimSpace(arn); arn != "" {
			s.Pools = append(s.Pools, path.Base(arn))
		}
	}
	return s, nil
}

// MappingOfPool returns the mapping of all drops for a pool: nil if the inbox has none, or if it may not be read.
func (s *Stack) MappingOfPool(ctx context.Context, pool string) (text []byte, mayRead bool, err error) {
	text, _, err = s.inbox.Read(ctx, contract.MappingKey(pool))
	if awserror.Name(err) == contract.Denied {
		return nil, false, nil
	}
	return text, true, Explain(err)
}

// Pool returns the pool that a drop is for: the one that is named, or the one that the stack would take.
func (s *Stack) Pool(named string) (string, error) {
	switch {
	case named != "" && !slices.Contains(s.Pools, named):
		return "", fmt.Errorf("the stack %q does not import into %s: it is for %s (its parameter UserPoolArns)",
			s.Name, named, strings.Join(s.Pools, ", "))
	case named == "" && s.Parameters["DefaultUserPoolId"] == "" && len(s.Pools) != 1:
		return "", fmt.Errorf("the stack %q imports into several pools: choose with --pool-id one of %s", s.Name,
			strings.Join(s.Pools, ", "))
	}
	return cmp.Or(named, s.Parameters["DefaultUserPoolId"], s.Pools[0]), nil
}
