package localaws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"userdrop/localaws/cloudformation"
	"userdrop/localaws/events"
	"userdrop/localaws/iam"
	"userdrop/localaws/lambda"
	"userdrop/localaws/s3"
	"userdrop/localaws/sns"
	"userdrop/localaws/sqs"
	"userdrop/localaws/stepfunctions"
	"userdrop/localaws/sts"
	"userdrop/localaws/template"
	"userdrop/localaws/wire"
)

// start creates the services and connects them.
func (d *Double) start(o Options) {
	d.SQS = sqs.New(d.Account)
	d.SNS = sns.New(d.Account, sns.Options{
		Queue: func(ctx context.Context, arn string, body []byte) error { return d.send(ctx, arn, body, nil) },
		Lambda: func(ctx context.Context, arn string, event []byte) error {
			_, err := d.Lambda.InvokeAsync(ctx, arn, event)
			return err
		},
		Principal: func(service, topicARN string) wire.Principal { return awsService{d, service, topicARN} },
	})
	d.S3 = s3.New(d.Account, func(e wire.Event) { d.Events.Put(e) })
	d.S3.Caller = d.keys.Holder
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
	machines.Assume = func(roleARN, machineARN string) error {
		return d.assume("states.amazonaws.com", machineARN, roleARN)
	}
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
	targets := d.targets()
	d.Events = events.NewBus(d.Account, events.Options{Targets: targets, Deliveries: o.Deliveries, Observe: o.Observe})
	d.Scheduler = events.NewScheduler(d.Account, targets)
	d.services = map[string]service{
		"s3": d.S3, "cognito-idp": d.Cognito, "logs": d.Logs, "states": d.StepFunctions, "lambda": d.Lambda,
		"events": d.Events, "scheduler": d.Scheduler, "sns": d.SNS, "sqs": d.SQS,
		"cloudformation": cloudformation.New(d.Stack), "sts": sts.Handler(d.Account), "upload": d.Cognito,
	}
}

// targets returns where EventBridge and Scheduler deliver.
func (d *Double) targets() events.Targets {
	return events.Targets{
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
		Topic: func(ctx context.Context, arn string, message []byte) error {
			_, err := d.SNS.Publish(ctx, sns.Message{TopicARN: arn, Body: string(message)})
			return err
		},
		Queue:  d.send,
		Assume: d.assume,
		Principal: func(service, sourceARN, roleARN string) wire.Principal {
			if roleARN != "" {
				return d.role(roleARN)
			}
			return awsService{d, service, sourceARN}
		},
	}
}

// register adds a function, whose environment the code may change.
func (d *Double) register(o Options, f template.Function) error {
	if o.Code == nil {
		return fmt.Errorf("the template has the function %s, and Options.Code is nil", f.LogicalID)
	}
	if f.Environment = maps.Clone(f.Environment); f.Environment == nil {
		f.Environment = map[string]string{}
	}
	if err := d.assume("lambda.amazonaws.com", f.ARN, f.RoleARN); err != nil {
		return fmt.Errorf("%s: the role defined for the function cannot be assumed by Lambda: %w", f.LogicalID, err)
	}
	code := o.Code(&f)
	return d.Lambda.Register(lambda.Function{Function: f, Code: code})
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

// role returns a role of the template as a caller. A role that the template does not have may do nothing.
func (d *Double) role(arn string) wire.Principal {
	role, ok := d.Roles[arn]
	if !ok {
		role = iam.NewRole(arn)
	}
	return role.Session(d.Stack.Name)
}

// assume returns an error unless the trust policy of a role lets a service assume it for a resource.
func (d *Double) assume(service, sourceARN, roleARN string) error {
	if service == "scheduler.amazonaws.com" {
		// https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
		sourceARN = d.Account.ARN("scheduler", "schedule-group/default")
	}
	role := d.Stack.Role(roleARN)
	conditions := map[string]string{"aws:SourceAccount": d.Account.ID, "aws:SourceArn": sourceARN}
	if role == nil || !iam.TrustsService(role.Trust, service, conditions) {
		return wire.Errorf("AccessDeniedException", "%s may not assume the role %s", service, roleARN)
	}
	return nil
}

// logsRole returns an error unless Cognito can write a log with the role.
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

// awsService is a service of AWS that acts on behalf of a resource. The policy of the resource that it calls decides
// what it may do.
type awsService struct {
	d               *Double
	service, source string
}

func (s awsService) ARN() string { return s.service }

func (s awsService) Allows(action, resource string, conditions map[string]string) bool {
	if strings.HasPrefix(action, "kms:") {
		return true // the policy of a customer's key is not part of the template
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
	for _, t := range s.d.Stack.Topics {
		if t.ARN == resource && t.Policy != nil {
			return iam.AllowsService(t.Policy, s.service, action, resource, given)
		}
	}
	return false
}
