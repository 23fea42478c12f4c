package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"
	"github.com/spf13/pflag"

	"userdrop/internal/aws/objects"
	"userdrop/internal/contract"
)

// stackOptions are the flags of the commands that talk to a deployed stack.
type stackOptions struct{ name, profile, region string }

func (o *stackOptions) define(flags *pflag.FlagSet) {
	flags.StringVar(&o.name, "stack", "userdrop", "the `NAME` of the stack")
	o.defineAccount(flags)
}

func (o *stackOptions) defineAccount(flags *pflag.FlagSet) {
	flags.StringVar(&o.profile, "profile", "", "use the AWS profile `NAME` (default: AWS_PROFILE)")
	flags.StringVar(&o.region, "region", "", "use the AWS `REGION` (default: AWS_REGION, or the profile's)")
}

// config reads the user's AWS settings, and makes sure that there are a Region and credentials before any call.
func (o *stackOptions) config(ctx context.Context) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithSharedConfigProfile(o.profile), config.WithRegion(o.region), config.WithAppID("userdrop"),
		config.WithLogger(logging.Nop{}))
	if err != nil {
		return cfg, explain(err)
	}
	if cfg.Region == "" {
		return cfg, unavailablef("no AWS Region is set: use --region, AWS_REGION or a profile that has one")
	}
	limited, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if _, err := cfg.Credentials.Retrieve(limited); err != nil {
		if ctx.Err() != nil {
			return cfg, exitInterrupted
		}
		return cfg, unavailablef("no AWS credentials were found (%s): log in, such as by \"aws sso login\", or set "+
			"AWS_PROFILE", lastLink(err))
	}
	return cfg, nil
}

// stack is a deployed userdrop, as its outputs and parameters describe it.
type stack struct {
	name, region string
	s3           *s3.Client
	machines     *sfn.Client
	cognito      *cognito.Client

	inbox, work, results *objects.Store
	importUsers          string // the state machine's ARN
	logsRole             string // the ARN of the role that writes import jobs' logs
	pools                []string
	defaultPool          string
	parameters           map[string]string
}

func (o *stackOptions) open(ctx context.Context) (*stack, error) {
	cfg, err := o.config(ctx)
	if err != nil {
		return nil, err
	}
	return openStack(ctx, cfg, o.name)
}

func openStack(ctx context.Context, cfg aws.Config, name string) (*stack, error) {
	described, err := cloudformation.NewFromConfig(cfg).DescribeStacks(ctx,
		&cloudformation.DescribeStacksInput{StackName: &name})
	if e, ok := errors.AsType[smithy.APIError](err); ok && e.ErrorCode() == "ValidationError" {
		return nil, unavailablef("there is no stack %q in %s: name it with --stack, or its Region with --region",
			name, cfg.Region)
	}
	if err != nil {
		return nil, explain(err)
	}
	told := described.Stacks[0]
	outputs := map[string]string{}
	for _, o := range told.Outputs {
		outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	s := &stack{
		name: name, region: cfg.Region,
		s3: s3.NewFromConfig(cfg), machines: sfn.NewFromConfig(cfg), cognito: cognito.NewFromConfig(cfg),
		importUsers: outputs["ImportUsersStateMachineArn"], logsRole: outputs["ImportLogsRoleArn"],
	}
	s.inbox = objects.New(s.s3, outputs["InboxBucket"])
	s.work = objects.New(s.s3, outputs["WorkBucket"])
	s.results = objects.New(s.s3, outputs["ResultsBucket"])
	if s.inbox.Bucket == "" || s.work.Bucket == "" || s.results.Bucket == "" || s.importUsers == "" {
		return nil, unavailablef("the stack %q in %s is not one of userdrop's, or is not complete (%s)",
			name, cfg.Region, told.StackStatus)
	}
	s.parameters = map[string]string{}
	for _, p := range told.Parameters {
		s.parameters[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
		switch value := aws.ToString(p.ParameterValue); aws.ToString(p.ParameterKey) {
		case "UserPoolArns":
			for arn := range strings.SplitSeq(value, ",") {
				s.pools = append(s.pools, path.Base(strings.TrimSpace(arn)))
			}
		case "DefaultUserPoolId":
			s.defaultPool = value
		}
	}
	return s, nil
}

// pool is the pool that a drop is for: the one that is named, or the one that the stack would take.
func (s *stack) pool(named string) (string, error) {
	switch {
	case named != "" && !slices.Contains(s.pools, named):
		return "", fmt.Errorf("the stack %q does not import into %s: it is for %s (its parameter UserPoolArns)",
			s.name, named, strings.Join(s.pools, ", "))
	case named == "" && s.defaultPool == "" && len(s.pools) != 1:
		return "", fmt.Errorf("the stack %q imports into several pools: choose with --pool-id one of %s", s.name,
			strings.Join(s.pools, ", "))
	}
	return cmp.Or(named, s.defaultPool, s.pools[0]), nil
}

// upload puts a file into the inbox and answers the import that it becomes.
func (s *stack) upload(ctx context.Context, name, pool string, mode contract.Mode, m *meter) (contract.Drop, error) {
	base := filepath.Base(name)
	if !utf8.ValidString(base) { // S3 would answer that it can't parse an address
		return contract.Drop{}, fmt.Errorf("the name %q is not UTF-8, which S3 wants: rename the file", base)
	}
	file, size, err := openFile(name)
	if err != nil {
		return contract.Drop{}, err
	}
	defer file.Close()
	if strings.HasSuffix(base, contract.ManifestSuffix) {
		return contract.Drop{}, fmt.Errorf("%s is no drop: a name that ends in %s is a sidecar's", base,
			contract.ManifestSuffix)
	}
	prefix := map[contract.Mode]string{contract.ModeImport: "incoming", contract.ModeCheck: "check"}[mode]
	key := path.Join(prefix, pool, base)
	uploads := transfermanager.New(s.s3, func(o *transfermanager.Options) {
		o.FailTimeout = 5 * time.Second // of the clean-up after Ctrl-C, too
		o.ObjectProgressListeners.Register(&uploadListener{meter: m, name: base})
	})
	out, err := uploads.UploadObject(ctx, &transfermanager.UploadObjectInput{
		Bucket: &s.inbox.Bucket, Key: &key, Body: file, ContentType: aws.String("text/csv"),
	})
	if err != nil {
		return contract.Drop{}, explain(err)
	}
	object := contract.Object{
		Bucket: s.inbox.Bucket, Key: key, Bytes: size,
		VersionID: aws.ToString(out.VersionID), ETag: strings.Trim(aws.ToString(out.ETag), `"`),
	}
	m.finish(fmt.Sprintf("Dropped %s (%s) into s3://%s/%s", base, bytesText(size), object.Bucket, path.Dir(key)+"/"))
	// The same name that start-import gives to the event's object.
	return contract.Drop{
		Schema: contract.Schema, ImportID: contract.ImportID(object), UserPoolID: pool, Mode: mode, Source: object,
	}, nil
}

// uploadListener shows an upload's progress.
type uploadListener struct {
	meter *meter
	name  string
}

// OnObjectBytesTransferred implements transfermanager.ObjectBytesTransferredListener.
func (l *uploadListener) OnObjectBytesTransferred(_ context.Context, e *transfermanager.ObjectBytesTransferredEvent) {
	l.meter.show(step{
		name: "Uploading", share: share(e.BytesTransferred, e.TotalBytes),
		text: fmt.Sprintf("%s of %s", bytesText(e.BytesTransferred), bytesText(e.TotalBytes)),
	})
}

// result reads the published result of an import, and its text; nil if there is none yet.
func (s *stack) result(ctx context.Context, importID string) (*contract.Result, []byte, error) {
	text, found, err := s.results.Read(ctx, contract.ResultKey(importID))
	if err != nil || !found {
		return nil, nil, explain(err)
	}
	r, err := contract.UnmarshalResult(text)
	return r, text, err
}

// fetch copies the files of a result into a directory, in place of those of an earlier one, and says where they are.
func (s *stack) fetch(ctx context.Context, importID, dir string) (contract.Files, error) {
	if err := clearResult(dir); err != nil {
		return contract.Files{}, err
	}
	keys, err := s.results.Keys(ctx, contract.WorkPrefix(importID))
	if err != nil {
		return contract.Files{}, explain(err)
	}
	var files contract.Files
	for _, key := range keys {
		name := filepath.Join(dir, path.Base(key))
		if err := s.download(ctx, key, name); err != nil {
			return files, err
		}
		switch path.Base(key) {
		case "result.json":
			files.Result = name
		case "failed.csv":
			files.Failed = name
		case "report.html":
			files.Report = name
		}
	}
	return files, nil
}

// clearResult makes a directory, and removes the files of an earlier result from it.
func clearResult(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	old, err := earlierResult(dir)
	for _, name := range old {
		err = errors.Join(err, os.Remove(name))
	}
	return err
}

// spares refuses a directory from which clearResult would remove the file to drop: a failed.csv that somebody repaired.
func spares(dir, file string) error {
	dropped, err := os.Stat(file)
	if err != nil {
		return nil // who opens it tells
	}
	old, err := earlierResult(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, name := range old {
		if info, err := os.Stat(name); err == nil && os.SameFile(info, dropped) {
			return fmt.Errorf("%s would be overwritten: choose another directory for --out", name)
		}
	}
	return err
}

// earlierResult are the files of a result in a directory.
func earlierResult(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		for _, pattern := range []string{"result.json", "report.html", "failed.csv", "failed-[0-9]*.csv"} {
			if matched, _ := filepath.Match(pattern, e.Name()); matched {
				names = append(names, filepath.Join(dir, e.Name()))
			}
		}
	}
	return names, err
}

func (s *stack) download(ctx context.Context, key, name string) error {
	body, err := s.results.Open(ctx, key)
	if err != nil {
		return explain(err)
	}
	defer body.Close()
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) // it holds personal data
	if err != nil {
		return err
	}
	_, err = io.Copy(file, body)
	return errors.Join(explain(err), file.Close())
}
