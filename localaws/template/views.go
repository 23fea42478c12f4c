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
	MaximumRetryAttempts *int          // nil means 2
	MaximumEventAge      time.Duration // 0 means 6 hours
	OnSuccess, OnFailure string        // ARNs of the destinations, or ""
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
	EventBridge bool // it sends events of its objects
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

// Rule is an EventBridge rule. Its members are named as in AWS::Events::Rule and in the API.
type Rule struct {
	LogicalID          string `json:"-"`
	ARN                string `json:"-"`
	EventBus           string `json:"-"` // its name
	RoleARN            string `json:"-"`
	Name               string
	Description        string          `json:",omitempty"`
	EventPattern       json.RawMessage `json:",omitempty"` // nil for a rule with a schedule alone
	ScheduleExpression string          `json:",omitempty"`
	State              string          `json:",omitempty"` // "ENABLED", also when empty, or "DISABLED"
	Targets            []Target        `json:",omitempty"`
}

// Target is what a rule sends events to. At most one of Input, InputPath and InputTransformer is set.
type Target struct {
	ID               string            `cfn:"Id" json:"Id"`
	ARN              string            `cfn:"Arn" json:"Arn"`
	RoleARN          string            `cfn:"RoleArn" json:"RoleArn,omitempty"`
	Input            string            `json:",omitempty"`
	InputPath        string            `json:",omitempty"`
	InputTransformer *InputTransformer `json:",omitempty"`
	RetryPolicy      *RetryPolicy      `json:",omitempty"`
	DeadLetterConfig *DeadLetterConfig `json:",omitempty"`
}

// InputTransformer makes a target's input of an event:
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
type InputTransformer struct {
	InputPathsMap map[string]string `json:",omitempty"`
	InputTemplate string
}

// DeadLetterConfig names the queue for events that could not be delivered.
type DeadLetterConfig struct {
	Arn string `json:",omitempty"`
}

// RetryPolicy bounds the delivery of one event. Nil means AWS's default: 185 retries, 24 hours.
type RetryPolicy struct {
	MaximumEventAgeInSeconds *int `json:",omitempty"`
	MaximumRetryAttempts     *int `json:",omitempty"`
}

// Schedule is a schedule of EventBridge Scheduler. Its members are named as in AWS::Scheduler::Schedule and in the API.
type Schedule struct {
	LogicalID                  string `json:"-"`
	ARN                        string `json:"-"`
	Name                       string `json:",omitempty"`
	GroupName                  string `json:",omitempty"` // "default" when empty
	Description                string `json:",omitempty"`
	ScheduleExpression         string
	ScheduleExpressionTimezone string `json:",omitempty"` // "UTC" when empty
	State                      string `json:",omitempty"` // "ENABLED", also when empty, or "DISABLED"
	FlexibleTimeWindow         FlexibleTimeWindow
	ActionAfterCompletion      string `json:",omitempty"` // "NONE" when empty
	Target                     ScheduleTarget
}

// FlexibleTimeWindow says how late Scheduler may run a schedule.
type FlexibleTimeWindow struct {
	Mode                   string // "OFF" or "FLEXIBLE"
	MaximumWindowInMinutes *int   `json:",omitempty"`
}

// ScheduleTarget is what a schedule calls.
type ScheduleTarget struct {
	ARN              string            `cfn:"Arn" json:"Arn"`
	RoleARN          string            `cfn:"RoleArn" json:"RoleArn"`
	Input            string            `json:",omitempty"`
	RetryPolicy      *RetryPolicy      `json:",omitempty"`
	DeadLetterConfig *DeadLetterConfig `json:",omitempty"`
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
