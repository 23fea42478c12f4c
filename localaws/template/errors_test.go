package template

import (
	"os"
	"strings"
	"testing"
)

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
