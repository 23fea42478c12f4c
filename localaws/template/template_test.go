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
			MaximumRetryAttempts: new(1), MaximumEventAge: time.Hour, OnFailure: "arn:aws:sqs:eu-west-1:123456789012:app-DeadLetters",
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

func TestErrors(t *testing.T) {
	const queue = "Resources:\n  Q:\n    Type: AWS::SQS::Queue\n"
	policyOf := func(id string) string {
		return "  " + id + ":\n    Type: AWS::SQS::QueuePolicy\n    Properties:\n      Queues: [!Ref Q]\n" +
			"      PolicyDocument: {Version: 2012-10-17, Statement: {Effect: Allow, Principal: '*', " +
			"Action: 'sqs:SendMessage', Resource: '*'}}\n"
	}
	tests := []struct {
		name       string
		text       string
		parameters map[string]string
		want       []string
	}{
		{"no map", "[]", nil, []string{"line 1, column 1: a template is a map of sections"}},
		{"empty", "", nil, []string{"line 1, column 1: a template is a map of sections"}},
		{"no resources", "Description: x", nil, []string{"line 1, column 1: a template needs Resources"}},
		{
			"unknown section", "Rules: {}\n" + queue, nil,
			[]string{"line 1, column 1: the section Rules is not known to the local double"},
		},
		{
			"unknown transform", "Transform: AWS::Include\n" + queue, nil,
			[]string{"line 1, column 12: the transform AWS::Include is not known to the local double"},
		},
		{
			"serverless without transform", "Resources:\n  F: {Type: 'AWS::Serverless::Function'}", nil,
			[]string{"line 2, column 13: F: AWS::Serverless::Function needs Transform: AWS::Serverless-2016-10-31"},
		},
		{
			"twice the same key", "Resources:\n  Q: {Type: AWS::SQS::Queue}\n  Q: {Type: AWS::SQS::Queue}", nil,
			[]string{"line 3, column 3: the key Q stands here twice"},
		},
		{
			"anchor", "Resources: &a\n  Q: {Type: AWS::SQS::Queue}", nil,
			[]string{"line 1, column 12: CloudFormation supports no YAML anchors and aliases"},
		},
		{
			"unknown type", "Resources:\n  T:\n    Type: AWS::DynamoDB::Table", nil,
			[]string{"line 3, column 11: T: the resource type AWS::DynamoDB::Table is not known to the local double"},
		},
		{
			"unknown resource attribute", queue + "    CreationPolicy: {}", nil,
			[]string{"line 4, column 5: Q: the resource attribute CreationPolicy is not known to the local double"},
		},
		{
			"unknown property", queue + "    Properties:\n      FifoQueue: true", nil,
			[]string{"line 5, column 7: the property FifoQueue is not known to the local double"},
		},
		{
			"wrong type of property", queue + "    Properties:\n      VisibilityTimeout: soon", nil,
			[]string{"line 5, column 26: VisibilityTimeout has to be a whole number"},
		},
		{
			"unknown intrinsic", queue + "    Properties:\n      QueueName: !ImportValue x", nil,
			[]string{"line 5, column 18: the intrinsic function Fn::ImportValue is not known to the local double"},
		},
		{
			"intrinsic with a neighbour", queue + "    Properties:\n      QueueName: {Fn::Sub: a, b: c}", nil,
			[]string{"line 5, column 19: Fn::Sub has to stand alone"},
		},
		{
			"unknown reference", queue + "    Properties:\n      QueueName: !Ref Nobody", nil,
			[]string{`line 5, column 18: "Nobody" is neither a parameter nor a resource of this template`},
		},
		{
			"unknown attribute", queue + "Outputs:\n  O:\n    Value: !GetAtt Q.Size", nil,
			[]string{"line 6, column 12: Q: AWS::SQS::Queue has no attribute Size that the local double knows"},
		},
		{
			"unknown pseudo parameter", queue + "Outputs:\n  O:\n    Value: !Ref AWS::NotificationARNs", nil,
			[]string{"line 6, column 12: the pseudo parameter AWS::NotificationARNs is not known to the local double"},
		},
		{
			"unknown name in Sub", queue + "Outputs:\n  O:\n    Value: !Sub 'x ${Y} z'", nil,
			[]string{`line 6, column 12: "Y" is neither a parameter nor a resource of this template`},
		},
		{
			"branch not taken is checked", "Conditions:\n  Never: !Equals [a, b]\n" + queue +
				"Outputs:\n  O:\n    Value: !If [Never, !Ref Nobody, x]", nil,
			[]string{`line 8, column 24: "Nobody" is neither a parameter nor a resource of this template`},
		},
		{
			"unknown condition", queue + "    Condition: Nobody", nil,
			[]string{`line 4, column 16: the condition "Nobody" is not defined`},
		},
		{
			"condition of itself", "Conditions:\n  A: !Not [!Condition A]\n" + queue, nil,
			[]string{"line 2, column 12: the condition A refers to itself"},
		},
		{
			"condition on a resource", "Conditions:\n  A: !Equals [!GetAtt Q.Arn, x]\n" + queue, nil,
			[]string{`line 2, column 15: "Q" is no parameter: a condition can refer to nothing else`},
		},
		{
			"absent resource", "Conditions:\n  Never: !Equals [a, b]\n" + queue + "    Condition: Never\n" +
				"Outputs:\n  O:\n    Value: !GetAtt Q.Arn", nil,
			[]string{"line 9, column 12: unresolved resource dependencies [Q]: its condition is false"},
		},
		{
			"select past the end", queue + "Outputs:\n  O:\n    Value: !Select [2, [a, b]]", nil,
			[]string{"line 6, column 12: Fn::Select cannot select nonexistent value at index 2"},
		},
		{
			"no such mapping", queue + "Outputs:\n  O:\n    Value: !FindInMap [A, b, c]", nil,
			[]string{"line 6, column 12: unable to get mapping for A::b::c"},
		},
		{
			"null", queue + "    Properties:\n      QueueName:", nil,
			[]string{"line 5, column 17: null values are not allowed in templates"},
		},
		{
			"parameter without value", "Parameters:\n  P: {Type: String}\n" + queue, nil,
			[]string{"line 2, column 3: Parameters: [P] must have values"},
		},
		{
			"parameter that is not there", queue,
			map[string]string{"P": "x"},
			[]string{"Parameters: [P] do not exist in the template"},
		},
		{
			"parameter not allowed", "Parameters:\n  P: {Type: String, AllowedValues: [a]}\n" + queue,
			map[string]string{"P": "b"},
			[]string{"line 2, column 3: Parameter 'P' must be one of AllowedValues"},
		},
		{
			"parameter against its pattern", "Parameters:\n  P: {Type: String, AllowedPattern: 'a+'}\n" + queue,
			map[string]string{"P": "aab"},
			[]string{"line 2, column 3: Parameter 'P' must match pattern a+"},
		},
		{
			"element against its pattern", "Parameters:\n  P: {Type: CommaDelimitedList, AllowedPattern: 'a+'}\n" + queue,
			map[string]string{"P": "a, aa, b"},
			[]string{"line 2, column 3: Parameter 'P' must match pattern a+"},
		},
		{
			"parameter too short", "Parameters:\n  P: {Type: String, MinLength: 3}\n" + queue,
			map[string]string{"P": "aa"},
			[]string{"line 2, column 3: Parameter 'P' must contain at least 3 characters"},
		},
		{
			"parameter too long", "Parameters:\n  P: {Type: String, MaxLength: 1}\n" + queue,
			map[string]string{"P": "aa"},
			[]string{"line 2, column 3: Parameter 'P' must contain at most 1 characters"},
		},
		{
			"parameter no number", "Parameters:\n  P: {Type: Number}\n" + queue,
			map[string]string{"P": "aa"},
			[]string{"line 2, column 3: Parameter 'P' must be a number"},
		},
		{
			"parameter too large, said in its own words",
			"Parameters:\n  P: {Type: Number, MaxValue: 5, ConstraintDescription: is at most five}\n" + queue,
			map[string]string{"P": "6"},
			[]string{"line 2, column 3: Parameter 'P' is at most five"},
		},
		{
			"unknown type of parameter", "Parameters:\n  P: {Type: 'AWS::EC2::VPC::Id', Default: x}\n" + queue, nil,
			[]string{`line 2, column 3: P: the parameter type "AWS::EC2::VPC::Id" is not known to the local double`},
		},
		{
			"cycle", `Resources:
  A: {Type: AWS::SQS::Queue, DependsOn: B}
  B: {Type: AWS::SNS::Topic, Properties: {DisplayName: !GetAtt C.Arn}}
  C: {Type: AWS::SQS::Queue, Properties: {KmsMasterKeyId: !Sub '${A}'}}`, nil,
			[]string{"line 2, column 1: circular dependency between resources: A -> B -> C -> A"},
		},
		{
			"cycle of names", `Resources:
  A: {Type: AWS::SQS::Queue, Properties: {QueueName: !GetAtt B.QueueName}}
  B: {Type: AWS::SQS::Queue, Properties: {QueueName: !GetAtt A.QueueName}}`, nil,
			[]string{"line 3, column 1: circular dependency between resources: B -> A -> B"},
		},
		{
			"all mistakes at once", queue + "    Properties:\n      QueueName: !Ref A\n      KmsMasterKeyId: !Ref B", nil,
			[]string{
				`line 5, column 18: "A" is neither a parameter nor a resource of this template`,
				`line 6, column 23: "B" is neither a parameter nor a resource of this template`,
			},
		},
		{
			"Globals for what is not known", "Globals:\n  Api: {}\n" + queue, nil,
			[]string{"line 2, column 3: Globals for Api are not known to the local double"},
		},
		{
			"Globals with what they cannot hold", "Globals:\n  Function:\n    Role: x\n" + queue, nil,
			[]string{"line 3, column 5: Role is no property that Globals' Function can hold"},
		},
		{
			"two policies for one queue", queue + policyOf("P") + policyOf("Again"), nil,
			[]string{"line 12, column 7: Again: the resource has a policy already"},
		},
		{
			"bad policy", `Resources:
  R:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: 2012-10-17
        Statement:
          - {Effect: Allow, Action: sts:AssumeRole}`, nil,
			[]string{"line 6, column 9: R: statement 0: Principal is required"},
		},
		{
			"managed policy of AWS", `Resources:
  R:
    Type: AWS::IAM::Role
    Properties:
      ManagedPolicyArns: [arn:aws:iam::aws:policy/ReadOnlyAccess]
      AssumeRolePolicyDocument:
        Version: 2012-10-17
        Statement:
          - {Effect: Allow, Action: sts:AssumeRole, Principal: {Service: lambda.amazonaws.com}}`, nil,
			[]string{"line 5, column 7: R: the managed policy arn:aws:iam::aws:policy/ReadOnlyAccess is not known to the " +
				"local double: it would not know what it allows"},
		},
		{
			"function with events", "Transform: AWS::Serverless-2016-10-31\nResources:\n  F:\n" +
				"    Type: AWS::Serverless::Function\n    Properties:\n      Events: {}", nil,
			[]string{"line 6, column 7: the property Events is not known to the local double"},
		},
		{
			"function lacking all", "Transform: AWS::Serverless-2016-10-31\nResources:\n  F:\n" +
				"    Type: AWS::Serverless::Function", nil,
			[]string{
				"line 3, column 3: F: the property CodeUri is required",
				"line 3, column 3: F: the property Handler is required",
				"line 3, column 3: F: the property Role is required",
				"line 3, column 3: F: the property Runtime is required",
			},
		},
		{
			"two targets with one id", `Resources:
  R:
    Type: AWS::Events::Rule
    Properties:
      ScheduleExpression: rate(1 hour)
      Targets:
        - {Id: a, Arn: 'arn:aws:sqs:eu-west-1:123456789012:a'}
        - {Id: a, Arn: 'arn:aws:sqs:eu-west-1:123456789012:b'}`, nil,
			[]string{"line 8, column 11: R: two targets have the Id a"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Load([]byte(tt.text), Options{Account: account(), StackName: "app", Parameters: tt.parameters})
			if err == nil {
				t.Fatal("no error")
			}
			diff(t, tt.want, strings.Split(err.Error(), "\n"))
		})
	}
}

func TestDefinitionErrors(t *testing.T) {
	tests := []struct{ name, file, want string }{
		{"missing", "", "file does not exist"},
		{"no JSON", "{\n  \"a\": ${Patience},\n  b\n}", "m.json, line 3: invalid character 'b'"},
		{"nothing to substitute", `{"a": "${Nobody}"}`, "nothing is substituted for ${Nobody} in m.json"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Load([]byte(`Transform: AWS::Serverless-2016-10-31
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: 2012-10-17
        Statement: {Effect: Allow, Action: sts:AssumeRole, Principal: {Service: states.amazonaws.com}}
  M:
    Type: AWS::Serverless::StateMachine
    Properties:
      DefinitionUri: m.json
      DefinitionSubstitutions: {Patience: 30}
      Role: !GetAtt Role.Arn
`), Options{Account: account(), StackName: "app", ReadFile: func(string) ([]byte, error) {
				if tt.file == "" {
					return nil, os.ErrNotExist
				}
				return []byte(tt.file), nil
			}})
			if err == nil || !strings.Contains(err.Error(), "line 12, column 7: M: ") ||
				!strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one at line 12 with %q", err, tt.want)
			}
		})
	}
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
