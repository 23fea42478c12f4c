// Package localaws runs an AWS SAM template on a local double of AWS: one HTTP endpoint that unmodified SDKs and the
// AWS CLI talk to, with S3, Cognito's user pools and user import jobs, Step Functions, Lambda, EventBridge and its
// Scheduler, SNS, SQS, CloudWatch Logs, CloudFormation and STS behind it.
//
// [Boot] deploys a template: functions, environments, event patterns, schedules, state machines and permissions are
// read from it, so a mistake in the template breaks locally first. The double enforces what AWS enforces: IAM
// statements, payload sizes, quotas, time-outs, expiry. What it does not know it refuses by name.
//
// In tests the functions run in process, and a testing/synctest bubble makes hours of waiting take milliseconds. As a
// server the double runs the functions' executables over the Lambda Runtime API. See README.md and the examples.
package localaws

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"time"

	"userdrop/localaws/cognito"
	"userdrop/localaws/events"
	"userdrop/localaws/iam"
	"userdrop/localaws/lambda"
	"userdrop/localaws/logs"
	"userdrop/localaws/s3"
	"userdrop/localaws/sns"
	"userdrop/localaws/sqs"
	"userdrop/localaws/stepfunctions"
	"userdrop/localaws/template"
	"userdrop/localaws/wire"
)

// The account and Region that every double plays.
const (
	AccountID = "123456789012"
	Region    = "us-east-1"
)

// DefaultEndpoint is the URL of a double whose options name no other. Its host is an IP address, since SDKs put a
// bucket's name in front of any host name.
const DefaultEndpoint = "http://127.0.0.1:4566"

// Options say what to boot. Deployed or Template is required, and Code if the template has functions.
type Options struct {
	// Deployed holds the template, named template.yaml, and the files that it names.
	Deployed fs.FS
	// Template is Deployed's template, for a caller who has parsed it before and boots it often.
	Template *template.Template
	// StackName is the name of the stack; "stack" when empty.
	StackName string
	// Parameters of the template. Those with a default may be left out.
	Parameters map[string]string
	// BucketName names a bucket that the template does not name, by its logical id. Nil, or an empty answer, leaves
	// <stack name>-<logical id>, in lower case.
	BucketName func(logicalID string) string
	// Pools are the user pools of the account. They are not made from the template.
	Pools []Pool
	// Code returns what a function runs: [lambda.Bootstrap] or a [lambda.Handler]. It may change f.Environment.
	Code func(f *template.Function) lambda.Code
	// Endpoint is the URL under which the double is served; [DefaultEndpoint] when empty. Functions that run as
	// processes call it, and requests for another host are refused.
	Endpoint string

	// Cognito answers what AWS does not document of import jobs; zero is [cognito.Defaults].
	Cognito cognito.Settings
	// Seed of all identifiers and random numbers.
	Seed uint64
	// Speed divides waits, retries, job durations and the time-outs of states; 0 means 1.
	Speed float64

	// Observe, if not nil, receives each event of the bus before its delivery. It must not block.
	Observe func(events.Envelope)

	// For simulations; each may be nil.

	// Calls wraps the handler of each call of a service, to delay it, repeat it, or answer with a fault.
	Calls func(Call, http.Handler) http.Handler
	// Around wraps each attempt to run a function: [lambda.Options.Around].
	Around func(ctx context.Context, f lambda.Function, payload []byte, next func() lambda.Result) lambda.Result
	// Admit may refuse an invocation: [lambda.Options.Admit].
	Admit func(f lambda.Function) error
	// StepFunctions are the faults of Step Functions; Invoke and Role are the double's.
	StepFunctions stepfunctions.Options
	// Deliveries decides when an event reaches a target: [events.Options.Deliveries].
	Deliveries func(rule, targetID string, event events.Envelope, usual time.Duration) []time.Duration
}

// Pool is a user pool, described by JSON.
type Pool struct {
	// Description is what "aws cognito-idp describe-user-pool" prints.
	Description []byte
	// Header is what "aws cognito-idp get-csv-header" prints; nil computes it from the description.
	Header []byte
}

// ARN returns the ARN that the pool has in a double.
func (p Pool) ARN() (string, error) {
	var described struct{ UserPool struct{ ID string } }
	if err := json.Unmarshal(p.Description, &described); err != nil {
		return "", fmt.Errorf("the pool's description: %w", err)
	}
	if described.UserPool.ID == "" {
		return "", errors.New("the pool's description has no UserPool.Id")
	}
	return "arn:aws:cognito-idp:" + Region + ":" + AccountID + ":userpool/" + described.UserPool.ID, nil
}

// Call describes a call of a service.
type Call struct {
	// Service is the service's name in a signature, such as "cognito-idp"; "upload" for the upload URL of an import job.
	Service string
	// Operation is the operation's name, such as "StartUserImportJob"; for S3, Lambda and Scheduler the HTTP method.
	Operation string
	// Principal is the caller, nil for the account's administrator.
	Principal wire.Principal
}

// Double is a running double of AWS. It is an [http.Handler], the one endpoint of all services.
type Double struct {
	Account       *wire.Account
	Stack         *template.Stack
	S3            *s3.Service
	Cognito       *cognito.Service
	Logs          *logs.Service
	StepFunctions *stepfunctions.Service
	Lambda        *lambda.Service
	Events        *events.Bus
	Scheduler     *events.Scheduler
	SNS           *sns.Service
	SQS           *sqs.Service
	Roles         map[string]*iam.Role // by ARN
	keys          iam.Keys
	endpoint      string
	services      map[string]service // by their names in a signature
	calls         func(Call, http.Handler) http.Handler
}

// service is one of the services of AWS.
type service interface {
	http.Handler
	Operations() []string
}

// Operations returns the operations of each service, named as in a signature.
func (d *Double) Operations() map[string][]string {
	operations := map[string][]string{}
	for name, service := range d.services {
		if name != "upload" { // a part of cognito-idp
			operations[name] = service.Operations()
		}
	}
	return operations
}

// Boot deploys a template into a new double. The caller must call Close.
func Boot(o Options) (*Double, error) {
	account := &wire.Account{ID: AccountID, Region: Region, IDs: wire.NewIDs(o.Seed), Speed: o.Speed}
	d := &Double{
		Account: account, Roles: map[string]*iam.Role{}, calls: o.Calls, endpoint: cmp.Or(o.Endpoint, DefaultEndpoint),
	}
	if o.Cognito == (cognito.Settings{}) {
		o.Cognito = cognito.Defaults()
	}
	d.Logs = logs.New(account)
	d.Cognito = cognito.New(account, d.Logs, o.Cognito)
	d.Cognito.Endpoint = func() string { return d.endpoint }
	d.Cognito.LogsRole = d.logsRole
	for _, pool := range o.Pools {
		if _, err := d.Cognito.AddPool(pool.Description, pool.Header); err != nil {
			return nil, err
		}
	}
	var err error
	if d.Stack, err = o.resolve(account); err != nil {
		return nil, fmt.Errorf("template.yaml: %w", err)
	}
	for _, role := range d.Stack.Roles {
		d.Roles[role.ARN] = iam.NewRole(role.ARN, role.Policies...)
	}
	d.start(o)
	if err := d.deploy(o); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// resolve reads the template and resolves it for the account.
func (o Options) resolve(account *wire.Account) (*template.Stack, error) {
	if o.Template == nil {
		text, err := fs.ReadFile(o.Deployed, "template.yaml")
		if err != nil {
			return nil, err
		}
		if o.Template, err = template.Parse(text); err != nil {
			return nil, err
		}
	}
	return o.Template.Deploy(template.Options{
		Parameters: o.Parameters, Account: account, StackName: cmp.Or(o.StackName, "stack"),
		ReadFile: func(name string) ([]byte, error) { return fs.ReadFile(o.Deployed, path.Clean(name)) },
		PhysicalName: func(id, kind string) string {
			if o.BucketName == nil || kind != "AWS::S3::Bucket" {
				return ""
			}
			return o.BucketName(id)
		},
	})
}

// deploy creates the template's resources.
func (d *Double) deploy(o Options) error {
	ctx := context.Background()
	var errs []error
	for _, b := range d.Stack.Buckets {
		errs = append(errs, d.S3.CreateBucket(*b))
	}
	for _, g := range d.Stack.LogGroups {
		d.Logs.Create(*g)
	}
	for _, q := range d.Stack.Queues {
		d.SQS.Create(*q)
	}
	for _, t := range d.Stack.Topics {
		errs = append(errs, d.SNS.Create(ctx, *t))
	}
	for _, f := range d.Stack.Functions {
		errs = append(errs, d.register(o, *f))
	}
	for _, m := range d.Stack.StateMachines {
		if _, err := d.StepFunctions.CreateStateMachine(ctx, *m); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", cmp.Or(m.DefinitionPath, m.LogicalID), err))
		}
	}
	for _, r := range d.Stack.Rules {
		errs = append(errs, d.Events.PutRule(*r))
	}
	for _, s := range d.Stack.Schedules {
		errs = append(errs, d.Scheduler.Put(*s))
	}
	return errors.Join(errs...)
}
