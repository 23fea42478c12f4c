package template

import (
	"encoding/json"
	"time"

	"userdrop/localaws/iam"
)

// Function is an AWS::Serverless::Function with what other resources say of it.
type Function struct {
	LogicalID    string
	Name         string
	ARN          string
	CodeURI      string
	Handler      string
	Runtime      string
	Architecture string // "x86_64" or "arm64"
	Environment  map[string]string
	Timeout      time.Duration
	MemoryMB     int
	StorageMB    int
	RoleARN      string
	LogGroup     string // its name
	LogFormat    string // "JSON" or "Text"
	Tracing      bool
	Concurrency  *int         // ReservedConcurrentExecutions
	Asynchronous AsyncInvoke  // how Lambda treats events that wait in its own queue
	Permissions  iam.Document // of AWS::Lambda::Permission: who may invoke it
}

// AsyncInvoke is a function's EventInvokeConfig.
type AsyncInvoke struct {
	MaximumRetryAttempts int           // 2 where the template says nothing
	MaximumEventAge      time.Duration // 6 hours where the template says nothing
	OnFailure            string        // ARN of the destination, or ""
}

// StateMachine is a Step Functions state machine.
type StateMachine struct {
	LogicalID  string
	Name       string
	ARN        string
	RoleARN    string
	Definition []byte // with its substitutions applied
	// DefinitionPath is the definition's file as the template names it, or "".
	DefinitionPath       string
	LogGroupARN          string // ends in :*
	LogLevel             string // "OFF" where the template says nothing
	IncludeExecutionData bool
	Tracing              bool
	KMSKey               string // of AWS::StepFunctions::StateMachine alone
}

// Bucket is an S3 bucket.
type Bucket struct {
	LogicalID   string
	Name        string
	ARN         string
	Versioned   bool
	EventBridge bool // it tells EventBridge of its objects
	KMSKey      string
	// Encryption is "aws:kms" or "AES256", which is S3's own default.
	Encryption string
	Lifecycle  []LifecycleRule
	Policy     *iam.Document
}

// LifecycleRule is one rule of a bucket's life cycle. Days of 0 mean that the rule does not say that.
type LifecycleRule struct {
	ID                            string
	Prefix                        string
	Enabled                       bool
	ExpirationDays                int
	NoncurrentDays                int
	AbortIncompleteMultipartDays  int
	ExpiredObjectDeleteMarker     bool
	NewerNoncurrentVersionsToKeep int
}

// Rule is an EventBridge rule.
type Rule struct {
	LogicalID          string
	Name               string
	ARN                string
	EventBus           string          // its name
	EventPattern       json.RawMessage // nil for a rule with a schedule alone
	ScheduleExpression string
	Enabled            bool
	RoleARN            string
	Targets            []Target
}

// Target is what a rule sends events to. At most one of Input, InputPath and InputTransformer is set.
type Target struct {
	ID               string `cfn:"Id"`
	ARN              string `cfn:"Arn"`
	RoleARN          string `cfn:"RoleArn"`
	Input            *string
	InputPath        *string
	InputTransformer *InputTransformer
	DeadLetter       DeadLetter `cfn:"DeadLetterConfig"`
	RetryPolicy      *RetryPolicy
}

// InputTransformer makes a target's input of an event.
type InputTransformer struct {
	InputPathsMap map[string]string
	InputTemplate string
}

// DeadLetter names the queue for events that could not be delivered.
type DeadLetter struct {
	ARN string `cfn:"Arn"`
}

// RetryPolicy bounds the delivery of one event. Nil means AWS's default: 185 attempts, 24 hours.
type RetryPolicy struct {
	MaximumRetryAttempts     *int
	MaximumEventAgeInSeconds *int
}

// Schedule is an EventBridge Scheduler schedule.
type Schedule struct {
	LogicalID  string
	Name       string
	ARN        string
	Group      string
	Expression string
	TimeZone   string // "UTC" where the template says nothing
	Enabled    bool
	// FlexibleMinutes is the window in which Scheduler may be late; 0 means none.
	FlexibleMinutes int
	Target          ScheduleTarget
}

// ScheduleTarget is what a schedule calls.
type ScheduleTarget struct {
	ARN         string `cfn:"Arn"`
	RoleARN     string `cfn:"RoleArn"`
	Input       *string
	DeadLetter  DeadLetter `cfn:"DeadLetterConfig"`
	RetryPolicy *RetryPolicy
}

// Topic is an SNS topic.
type Topic struct {
	LogicalID     string
	Name          string
	ARN           string
	DisplayName   string
	KMSKey        string
	Subscriptions []Subscription
	Policy        *iam.Document
}

// Subscription is what a topic delivers to.
type Subscription struct {
	Protocol string
	Endpoint string
}

// Queue is an SQS queue.
type Queue struct {
	LogicalID         string
	Name              string
	ARN               string
	URL               string
	VisibilityTimeout time.Duration
	Retention         time.Duration
	KMSKey            string
	Policy            *iam.Document
}

// Role is an IAM role with all policies that the template attaches to it.
type Role struct {
	LogicalID string
	Name      string
	ARN       string
	Trust     *iam.Document
	Policies  []iam.Policy
}

// LogGroup is a CloudWatch Logs group.
type LogGroup struct {
	LogicalID string
	Name      string
	ARN       string // ends in :*
	Retention int    // days; 0 keeps for ever
	KMSKey    string
}

// Role returns the role with the ARN, or nil.
func (s *Stack) Role(arn string) *Role {
	return find(s.Roles, func(r *Role) bool { return r.ARN == arn })
}

// Function returns the function with the logical id, the name or the ARN, or nil.
func (s *Stack) Function(id string) *Function {
	return find(s.Functions, func(f *Function) bool { return f.LogicalID == id || f.Name == id || f.ARN == id })
}

// StateMachine returns the machine with the logical id, the name or the ARN, or nil.
func (s *Stack) StateMachine(id string) *StateMachine {
	return find(s.StateMachines, func(m *StateMachine) bool { return m.LogicalID == id || m.Name == id || m.ARN == id })
}

// Bucket returns the bucket with the logical id or the name, or nil.
func (s *Stack) Bucket(id string) *Bucket {
	return find(s.Buckets, func(b *Bucket) bool { return b.LogicalID == id || b.Name == id })
}

func find[T any](list []*T, fits func(*T) bool) *T {
	for _, element := range list {
		if fits(element) {
			return element
		}
	}
	return nil
}
