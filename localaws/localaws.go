// Package localaws is a local double of AWS, as far as userdrop needs it: one HTTP endpoint that unmodified SDKs and
// the AWS CLI talk to, with S3, Cognito's user import jobs, Step Functions, Lambda, EventBridge and its Scheduler, SNS,
// SQS, CloudWatch Logs, CloudFormation and STS behind it.
//
// It boots from template.yaml and statemachine/: functions, environments, event patterns, schedules and permissions
// are read from there, so what is wrong in the template breaks here first. It enforces what AWS enforces.
package localaws

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"testing/iotest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"userdrop/localaws/cloudformation"
	"userdrop/localaws/cognito"
	"userdrop/localaws/events"
	"userdrop/localaws/iam"
	"userdrop/localaws/lambda"
	"userdrop/localaws/logs"
	"userdrop/localaws/s3"
	"userdrop/localaws/sns"
	"userdrop/localaws/sqs"
	"userdrop/localaws/stepfunctions"
	"userdrop/localaws/sts"
	"userdrop/localaws/template"
	"userdrop/localaws/wire"
)

// Options say what to boot.
type Options struct {
	// Deployed holds template.yaml and the files that it names.
	Deployed fs.FS
	// Template is Deployed's template.yaml, where somebody has read it before.
	Template *template.Template
	// Parameters of the template. UserPoolArns defaults to all of Pools, DefaultUserPoolId to the first.
	Parameters map[string]string
	Pools      []Pool
	// Code finds the code of a function by the name of its folder, and may change its environment.
	Code func(folder string, environment map[string]string) lambda.Code
	// Endpoint is the URL under which the double is served; see [Double.Client] for calls without a network.
	Endpoint string

	Cognito cognito.Settings
	Seed    uint64
	Speed   float64 // divides Wait, Retry and job durations; 0 means 1

	// For simulations; each may be nil.
	Calls         func(Call, http.Handler) http.Handler // stands before each call of a service
	Around        func(ctx context.Context, f lambda.Function, payload []byte, next func() lambda.Result) lambda.Result
	Admit         func(f lambda.Function) error // lambda.Options.Admit
	StepFunctions stepfunctions.Options         // Invoke, Role and Events are the double's
	// Deliveries decides when an event reaches a target: events.Options.Deliveries.
	Deliveries func(rule, targetID string, event events.Envelope, usual time.Duration) []time.Duration
}

// Pool is a user pool: what describe-user-pool prints, and get-csv-header, or nil.
type Pool struct{ Description, Header []byte }

// Call says which operation of which service somebody calls.
type Call struct {
	Service   string // as in a signature's scope, such as "cognito-idp"; "upload" for a job's upload URL
	Operation string // such as "StartUserImportJob"; for S3 and Lambda the HTTP method
	Principal wire.Principal
}

// StackName is the name of the stack that the double plays.
const StackName = "userdrop"

// DefaultEndpoint is where the double is served unless somebody says otherwise. It has an IP address, since SDKs put
// a bucket's name before any other host.
const DefaultEndpoint = "http://127.0.0.1:4566"

// Double is a running double.
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
	services      map[string]http.Handler // by the service in a signature's scope
	calls         func(Call, http.Handler) http.Handler
}

// Boot deploys the template into a new double.
func Boot(o Options) (*Double, error) {
	account := &wire.Account{ID: "123456789012", Region: "us-east-1", IDs: wire.NewIDs(o.Seed), Speed: o.Speed}
	d := &Double{
		Account: account, Roles: map[string]*iam.Role{}, calls: o.Calls, endpoint: cmp.Or(o.Endpoint, DefaultEndpoint),
	}
	d.Logs = logs.New(account)
	d.Cognito = cognito.New(account, d.Logs, o.Cognito)
	d.Cognito.Endpoint = func() string { return d.endpoint }
	d.Cognito.LogsRole = d.logsRole
	var arns []string
	var first string
	for _, pool := range o.Pools {
		id, err := d.Cognito.AddPool(pool.Description, pool.Header)
		if err != nil {
			return nil, err
		}
		first = cmp.Or(first, id)
		arns = append(arns, account.ARN("cognito-idp", "userpool/"+id))
	}
	parameters := map[string]string{"UserPoolArns": strings.Join(arns, ","), "DefaultUserPoolId": first}
	maps.Copy(parameters, o.Parameters)
	if o.Template == nil {
		text, err := fs.ReadFile(o.Deployed, "template.yaml")
		if err != nil {
			return nil, fmt.Errorf("read the template: %w", err)
		}
		if o.Template, err = template.Parse(text); err != nil {
			return nil, fmt.Errorf("template.yaml: %w", err)
		}
	}
	var err error
	d.Stack, err = o.Template.Deploy(template.Options{
		Parameters: parameters, Account: account, StackName: StackName,
		ReadFile: func(name string) ([]byte, error) { return fs.ReadFile(o.Deployed, path.Clean(name)) },
		PhysicalName: func(id, kind string) string {
			if name, ok := strings.CutSuffix(id, "Bucket"); ok && kind == "AWS::S3::Bucket" {
				return StackName + "-" + strings.ToLower(name)
			}
			return ""
		},
	})
	if err != nil {
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

// start makes the services and joins them.
func (d *Double) start(o Options) {
	d.SQS = sqs.New(d.Account)
	d.SNS = sns.New(d.Account, sns.Options{})
	d.S3 = s3.New(d.Account, func(e wire.Event) { d.Events.Put(e) })
	d.Lambda = lambda.New(d.Account, lambda.Options{
		Endpoint: d.endpoint,
		Credentials: func(roleARN string) (string, string, string) {
			c := d.keys.Issue(d.role(roleARN))
			return c.AccessKeyID, c.SecretAccessKey, c.SessionToken
		},
		Principal: d.role,
		Log:       d.Logs.Append,
		Deliver: func(ctx context.Context, destination string, record lambda.Record) error {
			body, err := json.Marshal(record)
			if err != nil {
				return err
			}
			return d.send(ctx, destination, body, nil)
		},
		Around: o.Around, Admit: o.Admit,
	})
	machines := o.StepFunctions
	machines.Role = d.role
	sink := machines.Events
	machines.Events = func(e wire.Event) {
		if sink != nil {
			sink(e)
		}
		d.Events.Put(e)
	}
	machines.Invoke = func(ctx context.Context, arn string, payload []byte) stepfunctions.Invocation {
		r, err := d.Lambda.Invoke(ctx, arn, payload)
		return stepfunctions.Invocation{Payload: r.Payload, FunctionError: r.FunctionError, Err: err}
	}
	d.StepFunctions = stepfunctions.New(d.Account, machines)
	targets := events.Targets{
		Lambda: func(ctx context.Context, arn string, event []byte) error {
			_, err := d.Lambda.InvokeAsync(ctx, arn, event)
			return err
		},
		StateMachine: func(ctx context.Context, arn, name string, input []byte) error {
			_, err := d.StepFunctions.StartExecution(ctx, stepfunctions.StartInput{
				MachineARN: arn, Name: name, Input: string(input),
			})
			return err
		},
		Queue: func(ctx context.Context, arn string, body []byte, attributes map[string]string) error {
			return d.send(ctx, arn, body, attributes)
		},
		Principal: func(service, sourceARN, roleARN string) wire.Principal {
			if roleARN != "" {
				return d.role(roleARN)
			}
			return awsService{d, service, sourceARN}
		},
	}
	d.Events = events.NewBus(d.Account, events.Options{Targets: targets, Deliveries: o.Deliveries})
	d.Scheduler = events.NewScheduler(d.Account, targets)
	d.services = map[string]http.Handler{
		"s3": d.S3, "cognito-idp": d.Cognito, "logs": d.Logs, "states": d.StepFunctions, "lambda": d.Lambda,
		"events": d.Events, "scheduler": d.Scheduler, "sns": d.SNS, "sqs": d.SQS,
		"cloudformation": cloudformation.New(d.Stack), "sts": sts.Handler(d.Account), "upload": d.Cognito,
	}
}

// deploy makes the template's resources.
func (d *Double) deploy(o Options) error {
	var errs []error
	for _, b := range d.Stack.Buckets {
		errs = append(errs, d.S3.CreateBucket(s3.Bucket{
			Name: b.Name, Versioning: b.Versioned, EventBridge: b.EventBridge, KMSKey: customerKey(b.KMSKey),
		}))
	}
	for _, q := range d.Stack.Queues {
		d.SQS.Create(sqs.Queue{
			Name: q.Name, Visibility: q.VisibilityTimeout, Retention: q.Retention, KMSKey: customerKey(q.KMSKey),
		})
	}
	for _, t := range d.Stack.Topics {
		arn := d.SNS.CreateTopic(t.Name)
		d.SNS.Encrypt(arn, customerKey(t.KMSKey))
		for _, s := range t.Subscriptions {
			_, err := d.SNS.Subscribe(context.Background(), sns.Subscription{
				TopicARN: arn, Protocol: s.Protocol, Endpoint: s.Endpoint,
			})
			errs = append(errs, err)
		}
	}
	for _, f := range d.Stack.Functions {
		environment := maps.Clone(f.Environment)
		if environment == nil {
			environment = map[string]string{}
		}
		errs = append(errs, d.Lambda.Register(lambda.Function{
			Name: f.Name, Code: o.Code(path.Base(f.CodeURI), environment), Environment: environment,
			Timeout: f.Timeout, MemoryMB: f.MemoryMB, RoleARN: f.RoleARN, LogGroup: f.LogGroup, LogFormat: f.LogFormat,
			OnFailure: f.Asynchronous.OnFailure, MaxRetries: &f.Asynchronous.MaximumRetryAttempts,
			MaxEventAge: f.Asynchronous.MaximumEventAge,
		}))
	}
	for _, m := range d.Stack.StateMachines {
		_, err := d.StepFunctions.CreateStateMachine(context.Background(), stepfunctions.Machine{
			Name: m.Name, Definition: m.Definition, RoleARN: m.RoleARN, KMSKey: customerKey(m.KMSKey),
		})
		if err != nil {
			err = fmt.Errorf("%s: %w", m.DefinitionPath, err)
		}
		errs = append(errs, err)
	}
	for _, r := range d.Stack.Rules {
		errs = append(errs, d.Events.PutRule(rule(r)))
	}
	for _, s := range d.Stack.Schedules {
		target := events.ScheduleTarget{ARN: s.Target.ARN, RoleARN: s.Target.RoleARN, Input: text(s.Target.Input)}
		target.RetryPolicy, target.DeadLetterConfig = retry(s.Target.RetryPolicy), dead(s.Target.DeadLetter)
		errs = append(errs, d.Scheduler.Put(events.Schedule{
			Name: s.Name, ScheduleExpression: s.Expression, ScheduleExpressionTimezone: s.TimeZone, State: enabled(s.Enabled),
			FlexibleTimeWindow: events.FlexibleTimeWindow{Mode: "OFF"}, Target: target,
		}))
	}
	return errors.Join(errs...)
}

func rule(r *template.Rule) events.Rule {
	out := events.Rule{
		Name: r.Name, EventPattern: r.EventPattern, ScheduleExpression: r.ScheduleExpression, State: enabled(r.Enabled),
	}
	for _, t := range r.Targets {
		target := events.Target{
			ID: t.ID, ARN: t.ARN, RoleARN: t.RoleARN, Input: text(t.Input), InputPath: text(t.InputPath),
			RetryPolicy: retry(t.RetryPolicy), DeadLetterConfig: dead(t.DeadLetter),
		}
		if i := t.InputTransformer; i != nil {
			target.InputTransformer = &events.InputTransformer{InputPathsMap: i.InputPathsMap, InputTemplate: i.InputTemplate}
		}
		out.Targets = append(out.Targets, target)
	}
	return out
}

// customerKey is the ARN of a customer managed key, or empty for an alias such as alias/aws/sns: the policies of keys
// that AWS manages let in who may use the service.
func customerKey(key string) string {
	if !strings.HasPrefix(key, "arn:") {
		return ""
	}
	return key
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func enabled(yes bool) string {
	if yes {
		return "ENABLED"
	}
	return "DISABLED"
}

func retry(p *template.RetryPolicy) *events.RetryPolicy {
	if p == nil {
		return nil
	}
	return &events.RetryPolicy{
		MaximumEventAgeInSeconds: p.MaximumEventAgeInSeconds, MaximumRetryAttempts: p.MaximumRetryAttempts,
	}
}

func dead(d template.DeadLetter) *events.DeadLetterConfig {
	if d.ARN == "" {
		return nil
	}
	return &events.DeadLetterConfig{Arn: d.ARN}
}

// Close ends everything.
func (d *Double) Close() {
	d.Scheduler.Close()
	d.Events.Close()
	d.StepFunctions.Close()
	d.Lambda.Close()
	d.Cognito.Close()
	_ = d.S3.Close()
}

// role is a role of the template as a caller. One that the template does not have may do nothing.
func (d *Double) role(arn string) wire.Principal {
	role, ok := d.Roles[arn]
	if !ok {
		role = iam.NewRole(arn)
	}
	return role.Session(StackName)
}

// logsRole says whether Cognito can write a log with a role.
func (d *Double) logsRole(arn string) error {
	role := d.Stack.Role(arn)
	if role == nil || !iam.TrustsService(role.Trust, "cognito-idp.amazonaws.com", nil) {
		return errors.New("the role can't be assumed")
	}
	for _, action := range []string{"CreateLogGroup", "CreateLogStream", "DescribeLogStreams", "PutLogEvents"} {
		group := d.Account.ARN("logs", "log-group:/aws/cognito/userpools/us-east-1_Pool/pool")
		if !d.Roles[arn].Allows("logs:"+action, group, nil) {
			return fmt.Errorf("the role may not logs:%s", action)
		}
	}
	return nil
}

func (d *Double) send(ctx context.Context, queueARN string, body []byte, attributes map[string]string) error {
	queue := queueARN[strings.LastIndex(queueARN, ":")+1:]
	with := map[string]sqs.Attribute{}
	for name, value := range attributes {
		with[name] = sqs.String(value)
	}
	_, err := d.SQS.Send(ctx, queue, string(body), with)
	return err
}

// awsService is a service of AWS that acts on behalf of a resource. What it may do, the policy of the other end says.
type awsService struct {
	d               *Double
	service, source string
}

func (s awsService) ARN() string { return s.service }

func (s awsService) Allows(action, resource string, conditions map[string]string) bool {
	if strings.HasPrefix(action, "kms:") {
		return true // the policy of a customer's key is not the template's: docs/operations.md
	}
	given := map[string]string{
		"aws:SourceArn": s.source, "aws:SourceAccount": s.d.Account.ID, "aws:SecureTransport": "true",
	}
	maps.Copy(given, conditions)
	if f := s.d.Stack.Function(resource); f != nil {
		return iam.AllowsService(&f.Permissions, s.service, action, resource, given)
	}
	for _, q := range s.d.Stack.Queues {
		if q.ARN == resource && q.Policy != nil {
			return iam.AllowsService(q.Policy, s.service, action, resource, given)
		}
	}
	return false
}

// ServeHTTP is the one endpoint. A request's signature names the service that it is for.
func (d *Double) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := wire.WithRequestID(r.Context(), d.Account.IDs.UUID())
	if cognito.IsUpload(r) {
		d.serve(w, r.WithContext(ctx), Call{Service: "upload", Operation: r.Method})
		return
	}
	service := scope(r)
	caller, err := d.keys.Caller(r)
	if service == "" { // unsigned, as a browser is
		service, err = "s3", nil
	}
	if err != nil {
		e := wire.AsError(err)
		w.Header().Set("X-Amzn-ErrorType", e.Code)
		w.WriteHeader(e.Status)
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": e.Code, "message": e.Message})
		return
	}
	operation := r.Method
	if _, name, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok {
		operation = name
	}
	r = r.WithContext(wire.WithPrincipal(ctx, caller))
	d.serve(w, r, Call{Service: service, Operation: operation, Principal: caller})
}

func (d *Double) serve(w http.ResponseWriter, r *http.Request, call Call) {
	handler, ok := d.services[call.Service]
	if !ok {
		http.Error(w, fmt.Sprintf("the local double does not have the service %q", call.Service), http.StatusNotImplemented)
		return
	}
	if d.calls != nil {
		handler = d.calls(call, handler)
	}
	handler.ServeHTTP(w, r)
}

// scope is the service in the credential scope of a request's signature:
// Credential=<key>/<date>/<region>/<service>/aws4_request.
func scope(r *http.Request) string {
	credential := r.URL.Query().Get("X-Amz-Credential")
	if _, after, ok := strings.Cut(r.Header.Get("Authorization"), "Credential="); ok {
		credential, _, _ = strings.Cut(after, ",")
	}
	parts := strings.Split(credential, "/")
	if len(parts) < 5 {
		return ""
	}
	return parts[len(parts)-2]
}

// Client calls the double without a network.
func (d *Double) Client() *http.Client { return &http.Client{Transport: transport{d}} }

type transport struct{ handler http.Handler }

// RoundTrip answers a request by the handler. The connection that a network would have breaks if the handler panics
// with http.ErrAbortHandler: before the answer, or in the midst of its body where the handler flushed a part of it.
func (t transport) RoundTrip(r *http.Request) (response *http.Response, err error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	recorder := httptest.NewRecorder()
	defer func() {
		switch p := recover(); {
		case p == nil:
		case p != http.ErrAbortHandler: //nolint:errorlint // a panic's value, compared as net/http does
			panic(p)
		case recorder.Flushed:
			response, err = recorder.Result(), nil
			response.Request = r
			response.Body = io.NopCloser(io.MultiReader(response.Body, iotest.ErrReader(io.ErrUnexpectedEOF)))
		default:
			response, err = nil, io.ErrUnexpectedEOF
		}
	}()
	server := r.Clone(r.Context())
	if server.Body == nil {
		server.Body = http.NoBody
	}
	t.handler.ServeHTTP(recorder, server)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	response = recorder.Result()
	response.Request = r
	return response, nil
}

// Config is the AWS configuration of a role of the template, or of the administrator where roleARN is empty, for calls
// without a network.
func (d *Double) Config(roleARN string) aws.Config {
	provider := credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", "secret", "")
	if roleARN != "" {
		c := d.keys.Issue(d.role(roleARN))
		provider = credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken)
	}
	return aws.Config{
		Region: d.Account.Region, Credentials: provider, HTTPClient: d.Client(), BaseEndpoint: aws.String(d.endpoint),
	}
}
