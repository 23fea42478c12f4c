package template

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"userdrop/localaws/iam"
	"userdrop/localaws/wire"
)

func account() *wire.Account {
	return &wire.Account{ID: "123456789012", Region: "eu-west-1", IDs: wire.NewIDs(1)}
}

// load resolves the template in testdata.
func load(t *testing.T, parameters map[string]string) (*Stack, error) {
	t.Helper()
	text, err := os.ReadFile("testdata/template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return Load(text, Options{
		Parameters: parameters, Account: account(), StackName: "app",
		ReadFile: func(path string) ([]byte, error) { return os.ReadFile(filepath.Join("testdata", path)) },
	})
}

func mustLoad(t *testing.T, parameters map[string]string) *Stack {
	t.Helper()
	s, err := load(t, parameters)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func diff(t *testing.T, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestOutputs(t *testing.T) {
	const region = "eu-west-1:123456789012"
	tests := []struct {
		name       string
		parameters map[string]string
		want       []Output
	}{
		{"defaults", nil, []Output{
			{Key: "Inbox", Value: "app-inboxbucket", Description: "Where to put files", ExportName: "app-inbox"},
			{Key: "Queue", Value: "https://sqs.eu-west-1.amazonaws.com/123456789012/app-DeadLetters"},
			{Key: "Machine", Value: "arn:aws:states:" + region + ":stateMachine:app-GreetMachine"},
			{Key: "Role", Value: "arn:aws:iam::123456789012:role/app/app-GreetRole"},
			{Key: "Schedule", Value: "arn:aws:scheduler:" + region + ":schedule/default/app-Nightly"},
			{Key: "Setting", Value: "no /app/pause"},
			{Key: "Europe", Value: "yes"},
		}},
		{"production with a named inbox", map[string]string{"Stage": "prod", "InboxName": "app-inbox"}, []Output{
			{Key: "Inbox", Value: "app-inbox", Description: "Where to put files", ExportName: "app-inbox"},
			{Key: "Queue", Value: "https://sqs.eu-west-1.amazonaws.com/123456789012/app-DeadLetters"},
			{Key: "Machine", Value: "arn:aws:states:" + region + ":stateMachine:app-GreetMachine"},
			{Key: "Role", Value: "arn:aws:iam::123456789012:role/app/app-GreetRole"},
			{Key: "Schedule", Value: "arn:aws:scheduler:" + region + ":schedule/default/app-Nightly"},
			{Key: "Audit", Value: "app-auditbucket"},
			{Key: "Setting", Value: "no /app/pause"},
			{Key: "Europe", Value: "yes"},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			diff(t, tt.want, mustLoad(t, tt.parameters).Outputs)
		})
	}
}

func TestFunction(t *testing.T) {
	f := *mustLoad(t, map[string]string{"Patience": "60"}).Function("GreetFunction")
	permissions := f.Permissions
	f.Permissions = iam.Document{}
	diff(t, Function{
		LogicalID: "GreetFunction", Name: "app-greet", ARN: "arn:aws:lambda:eu-west-1:123456789012:function:app-greet",
		CodeURI: "functions/greet", Handler: "bootstrap", Runtime: "provided.al2023", Architecture: "arm64",
		Environment: map[string]string{
			"STAGE": "dev", "LEVEL": "debug", "BUCKET": "app-inboxbucket", "RETRIES": "2", "EMPTY": "",
			"POOLS": "eu-west-1_AbCdEf123,eu-west-1_GhIjKl456", "LITERAL": "${kept} amazonaws.com",
		},
		Timeout: time.Minute, MemoryMB: 256, StorageMB: 512, Tracing: true,
		RoleARN: "arn:aws:iam::123456789012:role/app/app-GreetRole", LogGroup: "/aws/lambda/app-greet", LogFormat: "JSON",
		Asynchronous: AsyncInvoke{
			MaximumRetryAttempts: new(1), MaximumEventAge: time.Hour,
			OnFailure: "arn:aws:sqs:eu-west-1:123456789012:app-DeadLetters",
		},
	}, f)
	for source, want := range map[string]bool{
		"arn:aws:events:eu-west-1:123456789012:rule/app-DropRule": true,
		"arn:aws:events:eu-west-1:123456789012:rule/other":        false,
	} {
		got := iam.AllowsService(&permissions, "events.amazonaws.com", "lambda:InvokeFunction", f.ARN,
			map[string]string{"aws:SourceArn": source, "aws:SourceAccount": "123456789012"})
		if got != want {
			t.Errorf("events.amazonaws.com may invoke the function for %s: %t, want %t", source, got, want)
		}
	}
}

func TestStateMachines(t *testing.T) {
	s := mustLoad(t, nil)
	m := *s.StateMachine("GreetMachine")
	definition := string(m.Definition)
	m.Definition = nil
	diff(t, StateMachine{
		LogicalID: "GreetMachine", Name: "app-GreetMachine", DefinitionPath: "statemachine/greet.asl.json",
		ARN:     "arn:aws:states:eu-west-1:123456789012:stateMachine:app-GreetMachine",
		RoleARN: "arn:aws:iam::123456789012:role/app-machine", LogLevel: "ERROR", Tracing: true,
		LogGroupARN: "arn:aws:logs:eu-west-1:123456789012:log-group:app-MachineLogs:*",
	}, m)
	for _, part := range []string{
		`"TimeoutSeconds": 30,`, `"Resource": "arn:aws:lambda:eu-west-1:123456789012:function:app-greet"`,
	} {
		if !strings.Contains(definition, part) {
			t.Errorf("the definition lacks %s:\n%s", part, definition)
		}
	}
	diff(t, `{"StartAt": "Stop", "States": {"Stop": {"Type": "Succeed", "Comment": "app-GreetMachine"}}}`,
		string(s.StateMachine("plain").Definition))
}

func TestStorageAndMessages(t *testing.T) {
	s := mustLoad(t, nil)
	inbox := *s.Bucket("InboxBucket")
	inbox.Policy = nil
	diff(t, Bucket{
		LogicalID: "InboxBucket", Name: "app-inboxbucket", ARN: "arn:aws:s3:::app-inboxbucket", Versioned: true,
		EventBridge: true, Encryption: "aws:kms", Lifecycle: []LifecycleRule{
			{ID: "expire", Prefix: "processed/", Enabled: true, ExpirationDays: 120, NoncurrentDays: 30},
			{ID: "abort", Enabled: true, AbortIncompleteMultipartDays: 1},
		},
	}, inbox)
	diff(t, 1, len(s.Buckets))
	q := *s.Queues[0]
	q.Policy = nil
	diff(t, Queue{
		LogicalID: "DeadLetters", Name: "app-DeadLetters", ARN: "arn:aws:sqs:eu-west-1:123456789012:app-DeadLetters",
		URL:               "https://sqs.eu-west-1.amazonaws.com/123456789012/app-DeadLetters",
		VisibilityTimeout: 30 * time.Second, Retention: 14 * 24 * time.Hour,
	}, q)
	if !iam.AllowsService(s.Queues[0].Policy, "events.amazonaws.com", "sqs:SendMessage", q.ARN,
		map[string]string{"aws:SourceArn": s.Rules[0].ARN}) {
		t.Error("the rule may not send to the queue")
	}
	topic := *s.Topics[0]
	topic.Policy = nil
	diff(t, Topic{
		LogicalID: "News", Name: "app-news", ARN: "arn:aws:sns:eu-west-1:123456789012:app-news",
		Subscriptions: []Subscription{{Protocol: "sqs", Endpoint: q.ARN}},
	}, topic)
	diff(t, []*LogGroup{
		{
			LogicalID: "GreetLogs", Name: "/aws/lambda/app-greet", Retention: 7,
			ARN: "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/app-greet:*",
		},
		{
			LogicalID: "MachineLogs", Name: "app-MachineLogs",
			ARN: "arn:aws:logs:eu-west-1:123456789012:log-group:app-MachineLogs:*",
		},
	}, s.LogGroups)
}

func TestRulesAndSchedules(t *testing.T) {
	s := mustLoad(t, map[string]string{"Stage": "prod"})
	five, hour := 5, 3600
	drop := *s.Rules[0]
	diff(t, `{"detail":{"bucket":{"name":["app-inboxbucket"]},"object":{"key":[{"prefix":"incoming/"}],`+
		`"size":[{"numeric":["\u003e",0]}]}},"detail-type":["Object Created"],"source":["aws.s3"]}`,
		string(drop.EventPattern))
	drop.EventPattern = nil
	diff(t, Rule{
		LogicalID: "DropRule", Name: "app-DropRule", ARN: "arn:aws:events:eu-west-1:123456789012:rule/app-DropRule",
		EventBus: "default", State: "ENABLED", Targets: []Target{{
			ID: "greet", ARN: "arn:aws:lambda:eu-west-1:123456789012:function:app-greet",
			InputTransformer: &InputTransformer{
				InputPathsMap: map[string]string{"key": "$.detail.object.key"}, InputTemplate: `{"key": "<key>"}`,
			},
			DeadLetterConfig: &DeadLetterConfig{Arn: "arn:aws:sqs:eu-west-1:123456789012:app-DeadLetters"},
			RetryPolicy:      &RetryPolicy{MaximumRetryAttempts: &five, MaximumEventAgeInSeconds: &hour},
		}},
	}, drop)
	diff(t, &Rule{
		LogicalID: "Hourly", Name: "app-Hourly", ARN: "arn:aws:events:eu-west-1:123456789012:rule/app-Hourly",
		EventBus: "default", State: "ENABLED", ScheduleExpression: "rate(1 hour)", Targets: []Target{{
			ID: "machine", ARN: "arn:aws:states:eu-west-1:123456789012:stateMachine:app-GreetMachine",
			RoleARN: "arn:aws:iam::123456789012:role/app-machine", Input: "{}",
		}},
	}, s.Rules[1])
	diff(t, []*Schedule{{
		LogicalID: "Nightly", Name: "app-Nightly", GroupName: "default", ScheduleExpressionTimezone: "Europe/Vienna",
		State: "ENABLED", FlexibleTimeWindow: FlexibleTimeWindow{Mode: "OFF"},
		ARN: "arn:aws:scheduler:eu-west-1:123456789012:schedule/default/app-Nightly", ScheduleExpression: "cron(0 2 * * ? *)",
		Target: ScheduleTarget{
			ARN:     "arn:aws:lambda:eu-west-1:123456789012:function:app-greet",
			RoleARN: "arn:aws:iam::123456789012:role/app-machine", Input: "{}",
		},
	}}, s.Schedules)
}

func TestRoles(t *testing.T) {
	s := mustLoad(t, nil)
	got := map[string][]string{}
	for _, r := range s.Roles {
		for _, p := range r.Policies {
			got[r.LogicalID] = append(got[r.LogicalID], p.Name)
		}
	}
	diff(t, map[string][]string{
		"GreetRole": {"logs", "start", "app-ReadPolicy"}, "MachineRole": {"invoke"},
	}, got)
	greet := s.Role("arn:aws:iam::123456789012:role/app/app-GreetRole")
	diff(t, []string{
		"arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_AbCdEf123",
		"arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_GhIjKl456",
	}, greet.Policies[1].Document.Statements[1].Resources)
	if !iam.TrustsService(greet.Trust, "lambda.amazonaws.com", nil) {
		t.Error("Lambda cannot assume the role")
	}
}

func TestResources(t *testing.T) {
	s := mustLoad(t, nil)
	at := map[string]int{}
	for i, r := range s.Resources {
		at[r.LogicalID] = i
		for _, id := range r.DependsOn {
			if _, before := at[id]; !before {
				t.Errorf("%s stands before %s, which it depends on", r.LogicalID, id)
			}
		}
	}
	if _, there := at["AuditBucket"]; there {
		t.Error("AuditBucket is there although its condition is false")
	}
	diff(t, []string{"GreetFunction", "MachineLogs", "MachinePolicy", "MachineRole"},
		s.Resources[at["GreetMachine"]].DependsOn)
	diff(t, []string{"DeadLetters", "GreetFunction"}, s.Resources[at["GreetFunctionEventInvokeConfig"]].DependsOn)
	alarm := s.OfType("AWS::CloudWatch::Alarm")[0]
	diff(t, []any{"arn:aws:sns:eu-west-1:123456789012:app-news"}, alarm.Properties["AlarmActions"].([]any))
	diff(t, `{"widgets": ["arn:aws:cloudwatch:eu-west-1:123456789012:alarm:app-ErrorsAlarm"]}`,
		s.OfType("AWS::CloudWatch::Dashboard")[0].Properties["DashboardBody"].(string))
}

func TestPhysicalName(t *testing.T) {
	const text = `
Resources:
  Inbox: {Type: AWS::S3::Bucket}
  Results: {Type: AWS::S3::Bucket, Properties: {BucketName: results}}
  AQueueWithANameThatIsLongerThanTheEightyCharactersThatSqsAllowsForANameOfAQueueIndeed: {Type: AWS::SQS::Queue}
`
	s, err := Load([]byte(text), Options{
		Account: account(), StackName: "app", PhysicalName: func(id, resourceType string) string {
			return map[string]string{"Inbox AWS::S3::Bucket": "inbox", "Results AWS::S3::Bucket": "out"}[id+" "+resourceType]
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	diff(t, []string{"inbox", "results"}, []string{s.Buckets[0].Name, s.Buckets[1].Name})
	diff(t, 80, len(s.Queues[0].Name))
}

// FuzzLoad holds Load to an answer: a stack, or errors that are in the text.
func FuzzLoad(f *testing.F) {
	text, err := os.ReadFile("testdata/template.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	f.Add("Resources: {A: {Type: AWS::SQS::Queue, Properties: {QueueName: !Sub ['${B}', {B: !Ref A}]}}}")
	f.Add("Conditions: {A: !And [!Condition A, !Not [!Equals [!If [A, b, c], {Ref: AWS::NoValue}]]]}\nResources: {}")
	f.Add("Resources: {A: {Type: AWS::IAM::Role, Properties: {Policies: [!Split [',', 'a,b']]}}}")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Load([]byte(text), Options{Account: account(), StackName: "app", ReadFile: func(string) ([]byte, error) {
			return []byte("{}"), nil
		}})
		if (s == nil) == (err == nil) {
			t.Fatalf("stack %v, error %v", s, err)
		}
		lines := strings.Count(text, "\n") + strings.Count(text, "\r") + 2
		if at, ok := errors.AsType[*Error](err); ok && (at.Line < 1 || at.Line > lines) {
			t.Errorf("%v: the text has %d lines", at, lines)
		}
	})
}
