package template

import (
	"cmp"
	"errors"
	"strings"
	"time"

	"userdrop/localaws/iam"
)

type eventInvokeConfig struct {
	MaximumEventAgeInSeconds *int
	MaximumRetryAttempts     *int
	DestinationConfig        struct{ OnSuccess, OnFailure destination }
}

type destination struct{ Type, Destination string }

func (c *eventInvokeConfig) apply(to *AsyncInvoke) {
	if c.MaximumEventAgeInSeconds != nil {
		to.MaximumEventAge = time.Duration(*c.MaximumEventAgeInSeconds) * time.Second
	}
	if c.MaximumRetryAttempts != nil {
		to.MaximumRetryAttempts = c.MaximumRetryAttempts
	}
	to.OnSuccess = c.DestinationConfig.OnSuccess.Destination
	to.OnFailure = c.DestinationConfig.OnFailure.Destination
}

func buildFunction(l *loader, r *Resource) error {
	p := struct {
		FunctionName, CodeUri, Handler, Runtime, Role, Tracing string
		PackageType                                            string
		Timeout, MemorySize                                    int
		Architectures                                          []string
		Environment                                            struct{ Variables map[string]string }
		EphemeralStorage                                       struct{ Size int }
		ReservedConcurrentExecutions                           *int
		EventInvokeConfig                                      eventInvokeConfig
		LoggingConfig                                          struct {
			LogGroup, LogFormat string
			_                   any `cfn:"ApplicationLogLevel SystemLogLevel"`
		}
		_ any `cfn:"Description Tags KmsKeyArn RuntimeManagementConfig"`
	}{Timeout: 3, MemorySize: 128, Architectures: []string{"x86_64"}}
	p.EphemeralStorage.Size = 512
	if err := r.decode(&p); err != nil {
		return err
	}
	if len(p.Architectures) != 1 {
		return errorAt(get(r.props, "Architectures"), "%s: a function has one architecture", r.LogicalID)
	}
	f := &Function{
		LogicalID: r.LogicalID, CodeURI: p.CodeUri, Handler: p.Handler, Runtime: p.Runtime,
		Architecture: p.Architectures[0], Environment: p.Environment.Variables,
		Timeout: time.Duration(p.Timeout) * time.Second, MemoryMB: p.MemorySize, StorageMB: p.EphemeralStorage.Size,
		RoleARN: p.Role, LogFormat: cmp.Or(p.LoggingConfig.LogFormat, "Text"), Tracing: p.Tracing == "Active",
		Concurrency: p.ReservedConcurrentExecutions,
	}
	f.Name, f.ARN = l.names(r, "Arn")
	f.LogGroup = cmp.Or(p.LoggingConfig.LogGroup, "/aws/lambda/"+f.Name)
	p.EventInvokeConfig.apply(&f.Asynchronous)
	l.stack.Functions = append(l.stack.Functions, f)
	var size error
	if p.Timeout < 1 || p.Timeout > 900 || p.MemorySize < 128 || p.MemorySize > 10240 ||
		p.EphemeralStorage.Size < 512 || p.EphemeralStorage.Size > 10240 {
		size = errorAt(r.props, "%s: Lambda allows 1 to 900 s, 128 to 10240 MB of memory, 512 to 10240 MB of storage",
			r.LogicalID)
	}
	return errors.Join(
		r.need("CodeUri", p.CodeUri, "Handler", p.Handler, "Runtime", p.Runtime, "Role", p.Role),
		r.oneOf("Runtime", p.Runtime, "provided.al2023"),
		r.oneOf("PackageType", p.PackageType, "Zip"),
		r.oneOf("Tracing", p.Tracing, "Active", "PassThrough", "Disabled"),
		r.oneOf("Architectures", f.Architecture, "x86_64", "arm64"),
		r.oneOf("LoggingConfig", f.LogFormat, "JSON", "Text"),
		size,
	)
}

// function finds the function that a property names, by name or ARN.
func (l *loader) function(r *Resource, named string) (*Function, error) {
	if f := l.stack.Function(named); f != nil && (f.Name == named || f.ARN == named) {
		return f, nil
	}
	return nil, errorAt(r.props, "%s: the function %q is none of this template's", r.LogicalID, named)
}

func buildEventInvokeConfig(l *loader, r *Resource) error {
	var p struct {
		FunctionName, Qualifier  string
		MaximumEventAgeInSeconds *int
		MaximumRetryAttempts     *int
		DestinationConfig        struct{ OnSuccess, OnFailure struct{ Destination string } }
	}
	if err := r.decode(&p); err != nil {
		return err
	}
	f, err := l.function(r, p.FunctionName)
	if err != nil {
		return err
	}
	c := eventInvokeConfig{
		MaximumEventAgeInSeconds: p.MaximumEventAgeInSeconds, MaximumRetryAttempts: p.MaximumRetryAttempts,
	}
	c.DestinationConfig.OnSuccess.Destination = p.DestinationConfig.OnSuccess.Destination
	c.DestinationConfig.OnFailure.Destination = p.DestinationConfig.OnFailure.Destination
	c.apply(&f.Asynchronous)
	return errors.Join(r.need("Qualifier", p.Qualifier), r.oneOf("Qualifier", p.Qualifier, "$LATEST"))
}

// buildPermission turns a permission into the statement that Lambda's AddPermission makes of it.
func buildPermission(l *loader, r *Resource) error {
	var p struct{ Action, FunctionName, Principal, SourceArn, SourceAccount string }
	if err := r.decode(&p); err != nil {
		return err
	}
	f, err := l.function(r, p.FunctionName)
	if err != nil {
		return err
	}
	s := iam.Statement{
		Sid: r.LogicalID, Effect: iam.Allow, Actions: []string{p.Action}, Resources: []string{f.ARN},
		Principal: &iam.Principals{Services: []string{p.Principal}},
	}
	if p.SourceArn != "" {
		s.Conditions = append(s.Conditions,
			iam.Condition{Operator: "ArnLike", Key: "aws:SourceArn", Values: []string{p.SourceArn}})
	}
	if p.SourceAccount != "" {
		s.Conditions = append(s.Conditions,
			iam.Condition{Operator: "StringEquals", Key: "aws:SourceAccount", Values: []string{p.SourceAccount}})
	}
	if !strings.HasSuffix(p.Principal, ".amazonaws.com") {
		return errorAt(r.props, "%s: the principal %q is no AWS service", r.LogicalID, p.Principal)
	}
	f.Permissions.Statements = append(f.Permissions.Statements, s)
	return r.oneOf("Action", p.Action, "lambda:InvokeFunction")
}
