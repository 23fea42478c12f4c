package template

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"userdrop/localaws/iam"
)

// build makes the views, in the order of the template; what belongs to another resource (a policy, a permission) is
// added when all are there.
func (l *loader) build() {
	var attachments []*Resource
	for _, r := range l.inOrder {
		if r.absent || r.kind == nil {
			continue
		}
		properties, err := plain(r.props)
		l.fail(err)
		r.Properties, _ = properties.(map[string]any)
		if slices.Contains(attached, r.Type) {
			attachments = append(attachments, r)
			continue
		}
		l.fail(r.kind.build(l, r))
	}
	if len(l.errs) > 0 {
		return
	}
	for _, r := range attachments {
		l.fail(r.kind.build(l, r))
	}
	for _, f := range l.stack.Functions {
		l.checkRole(f.LogicalID, f.RoleARN)
	}
	for _, m := range l.stack.StateMachines {
		l.checkRole(m.LogicalID, m.RoleARN)
	}
}

// attached are the types that say something about another resource.
var attached = []string{
	"AWS::Lambda::EventInvokeConfig", "AWS::Lambda::Permission", "AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy",
	"AWS::SNS::TopicPolicy", "AWS::SNS::Subscription", "AWS::IAM::RolePolicy", "AWS::IAM::Policy",
	"AWS::IAM::ManagedPolicy",
}

func (l *loader) checkRole(id, arn string) {
	if l.stack.Role(arn) == nil {
		l.fail(errorAt(l.resources[id].props, "%s: the role %q is none of this template's: the double has to know "+
			"what it may do", id, arn))
	}
}

// decode reads the resource's properties.
func (r *Resource) decode(into any) error { return decode(r.props, into) }

// need says that a property is missing, given its name and value in turn.
func (r *Resource) need(pairs ...string) error {
	var errs []error
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			errs = append(errs, errorAt(r.props, "%s: the property %s is required", r.LogicalID, pairs[i]))
		}
	}
	return errors.Join(errs...)
}

// oneOf says that a property's value is none that the double knows. An empty value is the default.
func (r *Resource) oneOf(property, value string, known ...string) error {
	if value == "" || slices.Contains(known, value) {
		return nil
	}
	n := r.props
	if own := get(n, property); own != nil {
		n = own
	}
	return errorAt(n, "%s: %s %q is not known to the local double", r.LogicalID, property, value)
}

// names returns the physical name and the ARN that the type's attribute yields. Both were asked for before, so that
// neither can fail any more.
func (l *loader) names(r *Resource, attribute string) (string, string) {
	n, _ := name(l, r)
	a, _ := r.kind.attributes[attribute](l, r)
	return n, a
}

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

func buildServerlessStateMachine(l *loader, r *Resource) error {
	var p struct {
		Name, Role, Type, DefinitionUri string
		Definition                      json.RawMessage
		DefinitionSubstitutions         map[string]string
		Logging                         logging
		Tracing                         struct{ Enabled bool }
		_                               any `cfn:"Tags PropagateTags"`
	}
	if err := r.decode(&p); err != nil {
		return err
	}
	m := &StateMachine{RoleARN: p.Role, DefinitionPath: p.DefinitionUri, Tracing: p.Tracing.Enabled}
	p.Logging.apply(m)
	err := l.addStateMachine(r, m, p.Definition, p.DefinitionSubstitutions)
	return errors.Join(err, r.need("Role", p.Role), r.oneOf("Type", p.Type, "STANDARD"))
}

func buildStateMachine(l *loader, r *Resource) error {
	var p struct {
		StateMachineName, RoleArn, StateMachineType string
		DefinitionString                            string
		// DefinitionS3Location is a local path here, as `sam package` takes it.
		DefinitionS3Location    string
		Definition              json.RawMessage
		DefinitionSubstitutions map[string]string
		LoggingConfiguration    logging
		TracingConfiguration    struct{ Enabled bool }
		EncryptionConfiguration struct {
			Type, KmsKeyId string
			_              any `cfn:"KmsDataKeyReusePeriodSeconds"`
		}
		_ any `cfn:"Tags"`
	}
	if err := r.decode(&p); err != nil {
		return err
	}
	m := &StateMachine{
		RoleARN: p.RoleArn, DefinitionPath: p.DefinitionS3Location, Tracing: p.TracingConfiguration.Enabled,
		KMSKey: p.EncryptionConfiguration.KmsKeyId,
	}
	p.LoggingConfiguration.apply(m)
	definition := []byte(p.Definition)
	if p.DefinitionString != "" {
		definition = []byte(p.DefinitionString)
	}
	err := l.addStateMachine(r, m, definition, p.DefinitionSubstitutions)
	return errors.Join(err, r.need("RoleArn", p.RoleArn), r.oneOf("StateMachineType", p.StateMachineType, "STANDARD"))
}

type logging struct {
	Level                string
	IncludeExecutionData bool
	Destinations         []struct {
		CloudWatchLogsLogGroup struct {
			ARN string `cfn:"LogGroupArn"`
		}
	}
}

func (g *logging) apply(m *StateMachine) {
	m.LogLevel, m.IncludeExecutionData = cmp.Or(g.Level, "OFF"), g.IncludeExecutionData
	if len(g.Destinations) > 0 {
		m.LogGroupARN = g.Destinations[0].CloudWatchLogsLogGroup.ARN
	}
}

// addStateMachine reads the definition, puts the substitutions in as text, as AWS does before it parses, and checks
// that the outcome is JSON with nothing left to substitute.
func (l *loader) addStateMachine(r *Resource, m *StateMachine, inline []byte, with map[string]string) error {
	m.LogicalID = r.LogicalID
	m.Name, m.ARN = l.names(r, "Arn")
	l.stack.StateMachines = append(l.stack.StateMachines, m)
	given := m.DefinitionPath != ""
	if given == (len(inline) > 0) {
		return errorAt(r.props, "%s: the definition has to stand in one place, a file or the template", r.LogicalID)
	}
	definition := inline
	if given {
		if l.ReadFile == nil {
			return errorAt(r.props, "%s: no files can be read", r.LogicalID)
		}
		var err error
		if definition, err = l.ReadFile(m.DefinitionPath); err != nil {
			return errorAt(r.props, "%s: %v", r.LogicalID, err)
		}
	}
	var errs []error
	where := cmp.Or(m.DefinitionPath, r.LogicalID)
	m.Definition = variable.ReplaceAllFunc(definition, func(found []byte) []byte {
		value, ok := with[string(found[2:len(found)-1])]
		if !ok {
			errs = append(errs, errorAt(r.props, "%s: nothing is substituted for %s in %s",
				r.LogicalID, found, where))
		}
		return []byte(value)
	})
	var check any
	if err := json.Unmarshal(m.Definition, &check); err != nil && len(errs) == 0 {
		line := ""
		if at, ok := errors.AsType[*json.SyntaxError](err); ok {
			line = fmt.Sprintf(", line %d", 1+bytes.Count(m.Definition[:at.Offset], []byte("\n")))
		}
		errs = append(errs, errorAt(r.props, "%s: %s%s: %v", r.LogicalID, where, line, err))
	}
	return errors.Join(errs...)
}

func buildBucket(l *loader, r *Resource) error {
	var p struct {
		BucketName                string
		VersioningConfiguration   struct{ Status string }
		NotificationConfiguration struct {
			EventBridgeConfiguration *struct{ EventBridgeEnabled *bool }
		}
		BucketEncryption struct {
			ServerSideEncryptionConfiguration []struct {
				BucketKeyEnabled              bool
				ServerSideEncryptionByDefault struct{ SSEAlgorithm, KMSMasterKeyID string }
				_                             any `cfn:"BlockedEncryptionTypes"`
			}
		}
		LifecycleConfiguration struct {
			Rules []lifecycleRule
			_     any `cfn:"TransitionDefaultMinimumObjectSize"`
		}
		_ any `cfn:"Tags PublicAccessBlockConfiguration OwnershipControls LoggingConfiguration"`
	}
	if err := r.decode(&p); err != nil {
		return err
	}
	b := &Bucket{
		LogicalID: r.LogicalID, Encryption: "AES256", Versioned: p.VersioningConfiguration.Status == "Enabled",
	}
	b.Name, b.ARN = l.names(r, "Arn")
	if e := p.NotificationConfiguration.EventBridgeConfiguration; e != nil {
		b.EventBridge = e.EventBridgeEnabled == nil || *e.EventBridgeEnabled
	}
	for _, e := range p.BucketEncryption.ServerSideEncryptionConfiguration {
		b.Encryption = e.ServerSideEncryptionByDefault.SSEAlgorithm
		b.KMSKey = e.ServerSideEncryptionByDefault.KMSMasterKeyID
	}
	var errs []error
	for _, rule := range p.LifecycleConfiguration.Rules {
		b.Lifecycle = append(b.Lifecycle, rule.view())
		errs = append(errs, r.oneOf("LifecycleConfiguration", rule.Status, "Enabled", "Disabled"))
	}
	l.stack.Buckets = append(l.stack.Buckets, b)
	if !bucketName.MatchString(b.Name) {
		errs = append(errs, errorAt(r.props, "%s: %q is no name that S3 takes for a bucket", r.LogicalID, b.Name))
	}
	return errors.Join(append(errs,
		r.oneOf("VersioningConfiguration", p.VersioningConfiguration.Status, "Enabled", "Suspended"),
		r.oneOf("BucketEncryption", b.Encryption, "aws:kms", "AES256"))...)
}

// bucketName is the rule of "General purpose buckets naming rules" in the Amazon S3 User Guide.
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

type lifecycleRule struct {
	Id, Prefix, Status                string
	ExpirationInDays                  int
	ExpiredObjectDeleteMarker         bool
	NoncurrentVersionExpirationInDays int
	NoncurrentVersionExpiration       struct{ NoncurrentDays, NewerNoncurrentVersions int }
	AbortIncompleteMultipartUpload    struct{ DaysAfterInitiation int }
}

func (p *lifecycleRule) view() LifecycleRule {
	old := p.NoncurrentVersionExpiration
	return LifecycleRule{
		ID: p.Id, Prefix: p.Prefix, Enabled: p.Status == "Enabled", ExpirationDays: p.ExpirationInDays,
		NoncurrentDays:                cmp.Or(old.NoncurrentDays, p.NoncurrentVersionExpirationInDays),
		NewerNoncurrentVersionsToKeep: old.NewerNoncurrentVersions,
		AbortIncompleteMultipartDays:  p.AbortIncompleteMultipartUpload.DaysAfterInitiation,
		ExpiredObjectDeleteMarker:     p.ExpiredObjectDeleteMarker,
	}
}

// policyOf reads a policy document and says where it is wrong.
func policyOf(r *Resource, n *yaml.Node, kind iam.Kind) (*iam.Document, error) {
	if n == nil {
		return nil, errorAt(r.props, "%s: a policy document is required", r.LogicalID)
	}
	b, err := asJSON(n)
	if err != nil {
		return nil, err
	}
	d, err := iam.Parse(kind, b)
	if err != nil {
		return nil, errorAt(n, "%s: %v", r.LogicalID, err)
	}
	return d, nil
}

// attach gives a policy to a resource, which has one at most: a second would silently replace the first.
func attach(r *Resource, to **iam.Document, d *iam.Document) error {
	if *to != nil {
		return errorAt(r.props, "%s: the resource has a policy already", r.LogicalID)
	}
	*to = d
	return nil
}

func (r *Resource) nothing(what, named string) error {
	return errorAt(r.props, "%s: the %s %q is none of this template's", r.LogicalID, what, named)
}

func buildBucketPolicy(l *loader, r *Resource) error {
	var p struct {
		Bucket         string
		PolicyDocument any
	}
	if err := r.decode(&p); err != nil {
		return err
	}
	d, err := policyOf(r, get(r.props, "PolicyDocument"), iam.ResourcePolicy)
	if err != nil {
		return err
	}
	b := find(l.stack.Buckets, func(b *Bucket) bool { return b.Name == p.Bucket })
	if b == nil {
		return r.nothing("bucket", p.Bucket)
	}
	return attach(r, &b.Policy, d)
}

func buildQueue(l *loader, r *Resource) error {
	p := struct {
		QueueName, KmsMasterKeyId                 string
		VisibilityTimeout, MessageRetentionPeriod int
		_                                         any `cfn:"SqsManagedSseEnabled KmsDataKeyReusePeriodSeconds Tags"`
	}{VisibilityTimeout: 30, MessageRetentionPeriod: 345600}
	if err := r.decode(&p); err != nil {
		return err
	}
	q := &Queue{
		LogicalID: r.LogicalID, KMSKey: p.KmsMasterKeyId,
		VisibilityTimeout: time.Duration(p.VisibilityTimeout) * time.Second,
		Retention:         time.Duration(p.MessageRetentionPeriod) * time.Second,
	}
	q.Name, q.ARN = l.names(r, "Arn")
	_, q.URL = l.names(r, "QueueUrl")
	l.stack.Queues = append(l.stack.Queues, q)
	return nil
}

func buildQueuePolicy(l *loader, r *Resource) error {
	var p struct {
		Queues         []string
		PolicyDocument any
	}
	if err := r.decode(&p); err != nil {
		return err
	}
	d, err := policyOf(r, get(r.props, "PolicyDocument"), iam.ResourcePolicy)
	if err != nil {
		return err
	}
	var errs []error
	for _, url := range p.Queues {
		if q := find(l.stack.Queues, func(q *Queue) bool { return q.URL == url }); q != nil {
			errs = append(errs, attach(r, &q.Policy, d))
		} else {
			errs = append(errs, r.nothing("queue URL", url))
		}
	}
	return errors.Join(errs...)
}

func buildTopic(l *loader, r *Resource) error {
	var p struct {
		TopicName, DisplayName, KmsMasterKeyId string
		Subscription                           []Subscription
		_                                      any `cfn:"Tags TracingConfig SignatureVersion"`
	}
	if err := r.decode(&p); err != nil {
		return err
	}
	t := &Topic{
		LogicalID: r.LogicalID, DisplayName: p.DisplayName, KMSKey: p.KmsMasterKeyId, Subscriptions: p.Subscription,
	}
	t.Name, t.ARN = l.names(r, "TopicArn")
	l.stack.Topics = append(l.stack.Topics, t)
	return nil
}

func (l *loader) topic(r *Resource, arn string) (*Topic, error) {
	if t := find(l.stack.Topics, func(t *Topic) bool { return t.ARN == arn }); t != nil {
		return t, nil
	}
	return nil, r.nothing("topic", arn)
}

func buildTopicPolicy(l *loader, r *Resource) error {
	var p struct {
		Topics         []string
		PolicyDocument any
	}
	if err := r.decode(&p); err != nil {
		return err
	}
	d, err := policyOf(r, get(r.props, "PolicyDocument"), iam.ResourcePolicy)
	if err != nil {
		return err
	}
	var errs []error
	for _, arn := range p.Topics {
		t, err := l.topic(r, arn)
		if err == nil {
			err = attach(r, &t.Policy, d)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func buildSubscription(l *loader, r *Resource) error {
	var p struct{ TopicArn, Protocol, Endpoint string }
	if err := r.decode(&p); err != nil {
		return err
	}
	t, err := l.topic(r, p.TopicArn)
	if err != nil {
		return err
	}
	t.Subscriptions = append(t.Subscriptions, Subscription{Protocol: p.Protocol, Endpoint: p.Endpoint})
	return r.need("Protocol", p.Protocol, "Endpoint", p.Endpoint)
}

func buildRole(l *loader, r *Resource) error {
	var p struct {
		RoleName, Path           string
		AssumeRolePolicyDocument any
		ManagedPolicyArns        []string
		Policies                 []struct {
			PolicyName     string
			PolicyDocument any
		}
		_ any `cfn:"Description MaxSessionDuration Tags"`
	}
	if err := r.decode(&p); err != nil {
		return err
	}
	trust, err := policyOf(r, get(r.props, "AssumeRolePolicyDocument"), iam.TrustPolicy)
	if err != nil {
		return err
	}
	role := &Role{LogicalID: r.LogicalID, Trust: trust}
	role.Name, role.ARN = l.names(r, "Arn")
	l.stack.Roles = append(l.stack.Roles, role)
	var errs []error
	for i, policy := range p.Policies {
		node := get(get(r.props, "Policies").Content[i], "PolicyDocument")
		errs = append(errs, role.add(r, policy.PolicyName, node))
	}
	for _, arn := range p.ManagedPolicyArns {
		// A managed policy of the template is attached by its own Roles, or here by its ARN.
		errs = append(errs, l.attachManaged(r, role, arn))
	}
	return errors.Join(errs...)
}

func (role *Role) add(r *Resource, name string, document *yaml.Node) error {
	d, err := policyOf(r, document, iam.RolePolicy)
	if err != nil {
		return err
	}
	if name == "" {
		return errorAt(r.props, "%s: the property PolicyName is required", r.LogicalID)
	}
	for _, p := range role.Policies {
		if p.Name == name {
			return errorAt(document, "%s: the role %s has a policy named %s already", r.LogicalID, role.Name, name)
		}
	}
	role.Policies = append(role.Policies, iam.Policy{Name: name, Document: d})
	return nil
}

func (l *loader) attachManaged(r *Resource, role *Role, arn string) error {
	for _, other := range l.inOrder {
		if other.Type != "AWS::IAM::ManagedPolicy" || other.absent {
			continue
		}
		if its, err := arnOfPolicy(l, other); err == nil && its == arn {
			policyName, _ := name(l, other)
			return role.add(other, policyName, get(other.props, "PolicyDocument"))
		}
	}
	return errorAt(r.props, "%s: the managed policy %s is not known to the local double: it would not know what it "+
		"allows", r.LogicalID, arn)
}

func (l *loader) roleNamed(r *Resource, name string) (*Role, error) {
	if role := find(l.stack.Roles, func(role *Role) bool { return role.Name == name }); role != nil {
		return role, nil
	}
	return nil, r.nothing("role", name)
}

func buildRolePolicy(l *loader, r *Resource) error {
	var p struct {
		PolicyName, RoleName string
		PolicyDocument       any
	}
	if err := r.decode(&p); err != nil {
		return err
	}
	return l.attachTo(r, []string{p.RoleName}, p.PolicyName)
}

func buildPolicy(l *loader, r *Resource) error {
	var p struct {
		PolicyName     string
		PolicyDocument any
		Roles          []string
	}
	if err := r.decode(&p); err != nil {
		return err
	}
	return l.attachTo(r, p.Roles, p.PolicyName)
}

func buildManagedPolicy(l *loader, r *Resource) error {
	var p struct {
		ManagedPolicyName, Path string
		PolicyDocument          any
		Roles                   []string
		_                       any `cfn:"Description Tags"`
	}
	if err := r.decode(&p); err != nil {
		return err
	}
	policyName, _ := name(l, r)
	return l.attachTo(r, p.Roles, policyName)
}

func (l *loader) attachTo(r *Resource, roles []string, policyName string) error {
	var errs []error
	for _, roleName := range roles {
		role, err := l.roleNamed(r, roleName)
		if err == nil {
			err = role.add(r, policyName, get(r.props, "PolicyDocument"))
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func buildRule(l *loader, r *Resource) error {
	var p struct {
		Name, EventBusName, ScheduleExpression, State string
		RoleARN                                       string `cfn:"RoleArn"`
		EventPattern                                  json.RawMessage
		Targets                                       []Target
		Description                                   string
		_                                             any `cfn:"Tags"`
	}
	if err := r.decode(&p); err != nil {
		return err
	}
	rule := &Rule{
		LogicalID: r.LogicalID, Description: p.Description, EventPattern: p.EventPattern,
		ScheduleExpression: p.ScheduleExpression, State: cmp.Or(p.State, "ENABLED"), RoleARN: p.RoleARN, Targets: p.Targets,
	}
	rule.Name, rule.ARN = l.names(r, "Arn")
	rule.EventBus, _ = busOf(l, r)
	l.stack.Rules = append(l.stack.Rules, rule)
	errs := []error{r.oneOf("State", p.State, "ENABLED", "DISABLED")}
	if p.EventPattern == nil && p.ScheduleExpression == "" {
		errs = append(errs, errorAt(r.props, "%s: EventPattern or ScheduleExpression is required", r.LogicalID))
	}
	if len(p.Targets) > 5 {
		errs = append(errs, errorAt(r.props, "%s: a rule has at most 5 targets", r.LogicalID))
	}
	ids := map[string]bool{}
	for i, t := range p.Targets {
		n := get(r.props, "Targets").Content[i]
		inputs := 0
		for _, set := range []bool{t.Input != "", t.InputPath != "", t.InputTransformer != nil} {
			if set {
				inputs++
			}
		}
		switch {
		case t.ID == "" || t.ARN == "":
			errs = append(errs, errorAt(n, "%s: a target needs an Id and an Arn", r.LogicalID))
		case ids[t.ID]:
			errs = append(errs, errorAt(n, "%s: two targets have the Id %s", r.LogicalID, t.ID))
		case inputs > 1:
			errs = append(errs, errorAt(n, "%s: Input, InputPath and InputTransformer exclude each other", r.LogicalID))
		}
		ids[t.ID] = true
	}
	return errors.Join(errs...)
}

func buildSchedule(l *loader, r *Resource) error {
	var p struct {
		Name, GroupName, Description                          string
		ScheduleExpression, ScheduleExpressionTimezone, State string
		FlexibleTimeWindow                                    FlexibleTimeWindow
		Target                                                ScheduleTarget
		_                                                     any `cfn:"KmsKeyArn"`
	}
	if err := r.decode(&p); err != nil {
		return err
	}
	s := &Schedule{
		LogicalID: r.LogicalID, GroupName: cmp.Or(p.GroupName, "default"), Description: p.Description,
		ScheduleExpression:         p.ScheduleExpression,
		ScheduleExpressionTimezone: cmp.Or(p.ScheduleExpressionTimezone, "UTC"), State: cmp.Or(p.State, "ENABLED"),
		FlexibleTimeWindow: p.FlexibleTimeWindow, Target: p.Target,
	}
	s.Name, s.ARN = l.names(r, "Arn")
	l.stack.Schedules = append(l.stack.Schedules, s)
	return errors.Join(
		r.need("ScheduleExpression", p.ScheduleExpression, "FlexibleTimeWindow", p.FlexibleTimeWindow.Mode,
			"Target", p.Target.ARN, "Target.RoleArn", p.Target.RoleARN),
		r.oneOf("FlexibleTimeWindow", p.FlexibleTimeWindow.Mode, "OFF", "FLEXIBLE"),
		r.oneOf("State", p.State, "ENABLED", "DISABLED"),
	)
}

func buildLogGroup(l *loader, r *Resource) error {
	var p struct {
		LogGroupName, KmsKeyId, LogGroupClass string
		RetentionInDays                       int
		_                                     any `cfn:"Tags DataProtectionPolicy FieldIndexPolicies"`
	}
	if err := r.decode(&p); err != nil {
		return err
	}
	g := &LogGroup{LogicalID: r.LogicalID, Retention: p.RetentionInDays, KMSKey: p.KmsKeyId}
	g.Name, g.ARN = l.names(r, "Arn")
	l.stack.LogGroups = append(l.stack.LogGroups, g)
	return r.oneOf("LogGroupClass", p.LogGroupClass, "STANDARD")
}

func buildKey(_ *loader, r *Resource) error {
	var p struct {
		KeyPolicy any
		_         any `cfn:"Description EnableKeyRotation Enabled KeySpec KeyUsage MultiRegion"`
		_         any `cfn:"PendingWindowInDays RotationPeriodInDays Tags"`
	}
	if err := r.decode(&p); err != nil {
		return err
	}
	if get(r.props, "KeyPolicy") == nil {
		return nil // AWS gives the key its default policy
	}
	_, err := policyOf(r, get(r.props, "KeyPolicy"), iam.ResourcePolicy)
	return err
}
