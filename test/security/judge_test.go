package security_test

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"userdrop"
	"userdrop/localaws/iam"
	"userdrop/localaws/template"
	"userdrop/localaws/wire"
)

const account = "123456789012"

// load reads the template as the scenarios deploy it, with every statement in it.
func load(t *testing.T) *template.Stack {
	t.Helper()
	return loadWith(t, everything)
}

func loadWith(t *testing.T, parameters map[string]string) *template.Stack {
	t.Helper()
	all := map[string]string{"UserPoolArns": "arn:aws:cognito-idp:us-east-1:" + account + ":userpool/" + pool}
	maps.Copy(all, parameters)
	text, err := fs.ReadFile(userdrop.Deployed, "template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s, err := template.Load(text, template.Options{
		Parameters: all, StackName: "userdrop",
		Account:  &wire.Account{ID: account, Region: "us-east-1", IDs: wire.NewIDs(0)},
		ReadFile: func(name string) ([]byte, error) { return fs.ReadFile(userdrop.Deployed, path.Clean(name)) },
		PhysicalName: func(id, kind string) string {
			if name, ok := strings.CutSuffix(id, "Bucket"); ok && kind == "AWS::S3::Bucket" {
				return "userdrop-" + strings.ToLower(name)
			}
			return ""
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ownUse is a statement that AWS itself uses with a role of ours, so that no scenario can reach it.
type ownUse struct {
	actions  []string
	resource string
	page     string // that asks for it
}

// ownUses lists them for a role: the short list of exceptions from "nothing allowed that nobody needs".
func ownUses(s *template.Stack, role *template.Role) (uses []ownUse) {
	for _, f := range s.Functions {
		if f.RoleARN == role.ARN {
			group := "arn:aws:logs:us-east-1:" + account + ":log-group:" + f.LogGroup + ":*"
			uses = append(uses,
				ownUse{
					[]string{"logs:CreateLogStream", "logs:PutLogEvents"},
					group,
					"https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html",
				},
				ownUse{
					[]string{"xray:PutTraceSegments", "xray:PutTelemetryRecords"},
					"*",
					"https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html",
				})
		}
	}
	for _, m := range s.StateMachines {
		if m.RoleARN == role.ARN {
			uses = append(uses,
				ownUse{
					[]string{
						"logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery",
						"logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies",
						"logs:DescribeLogGroups",
					}, "*", "https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html",
				},
				ownUse{
					[]string{
						"xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules",
						"xray:GetSamplingTargets",
					}, "*", "https://docs.aws.amazon.com/step-functions/latest/dg/concepts-xray-tracing.html",
				})
		}
	}
	return uses
}

func (u ownUse) is(s iam.Statement) bool {
	return s.Effect == iam.Allow && len(s.Conditions) == 0 &&
		slices.Equal(s.Actions, u.actions) && slices.Equal(s.Resources, []string{u.resource})
}

// part is a resource of the stack with policies, and what is to be found wrong with them.
type part struct {
	name      string
	documents []*iam.Document
	faults    func() []string
}

// judge finds what is wrong with the permissions of a stack, given what its roles were asked in the scenarios: what
// was denied, what nobody needs, and what the policies of resources and of trust let in or keep out wrongly.
func judge(parts []part) (found []string) {
	for _, p := range parts {
		for _, fault := range p.faults() {
			found = append(found, p.name+": "+fault)
		}
		for _, d := range p.documents {
			if d == nil {
				continue // faults says so
			}
			for _, statement := range d.Statements {
				for _, action := range statement.Actions {
					if statement.Effect == iam.Allow && strings.Contains(action, "*") {
						found = append(found, p.name+": "+action+" is allowed")
					}
				}
			}
		}
	}
	return found
}

// partsOf lists all of a stack that has policies.
func partsOf(asked asks, s *template.Stack) (parts []part) {
	var rules []string
	for _, r := range s.Rules {
		rules = append(rules, r.ARN)
	}
	for _, r := range s.Roles {
		documents := []*iam.Document{r.Trust}
		for _, p := range r.Policies {
			documents = append(documents, p.Document)
		}
		parts = append(parts, part{r.LogicalID, documents, func() []string {
			return append(permissions(asked[r.ARN], s, r), trust(s, r)...)
		}})
	}
	for _, b := range s.Buckets {
		parts = append(parts, part{b.LogicalID, []*iam.Document{b.Policy}, func() []string { return bucketPolicy(b) }})
	}
	for _, q := range s.Queues {
		parts = append(parts, part{q.LogicalID, []*iam.Document{q.Policy}, func() []string {
			return append(entrance(q.Policy, "sqs:SendMessage", q.ARN), entry(q.Policy, "sqs:SendMessage", q.ARN, rules)...)
		}})
	}
	for _, topic := range s.Topics {
		parts = append(parts, part{topic.LogicalID, []*iam.Document{topic.Policy}, func() []string {
			return append(entrance(topic.Policy, "sns:Publish", topic.ARN), alarms(topic)...)
		}})
	}
	for _, f := range s.Functions {
		var direct []string
		for _, r := range s.Rules {
			for _, target := range r.Targets {
				if target.ARN == f.ARN && target.RoleARN == "" {
					direct = append(direct, r.ARN)
				}
			}
		}
		parts = append(parts, part{f.LogicalID, []*iam.Document{&f.Permissions}, func() []string {
			return entry(&f.Permissions, "lambda:InvokeFunction", f.ARN, direct)
		}})
	}
	return parts
}

// permissions says what is wrong with what a role may do: it lacks something, or has what nobody needs.
func permissions(asked *iam.Role, s *template.Stack, r *template.Role) (found []string) {
	uses := ownUses(s, r)
	var policies []iam.Policy
	for _, p := range r.Policies {
		rest := iam.Document{ID: p.Document.ID}
		for _, statement := range p.Document.Statements {
			i := slices.IndexFunc(uses, func(u ownUse) bool { return u.is(statement) })
			if i < 0 {
				rest.Statements = append(rest.Statements, statement)
				continue
			}
			uses = slices.Delete(uses, i, i+1)
		}
		policies = append(policies, iam.Policy{Name: p.Name, Document: &rest})
	}
	for _, u := range uses {
		found = append(found, fmt.Sprintf("lacks %s on %s: %s", u.actions, u.resource, u.page))
	}
	role := iam.NewRole(r.ARN, policies...)
	for _, a := range asked.Asked() {
		if !role.Allows(a.Action, a.Resource, a.Conditions) {
			found = append(found, fmt.Sprintf("is denied %s on %s", a.Action, a.Resource))
		}
	}
	for _, e := range role.Excess() {
		found = append(found, e.String())
	}
	return append(found, widerThanUsed(asked.Asked(), policies)...)
}

// trust says what is wrong with a role's trust policy: it lets in one service, for this account alone where that
// service says for whom it asks.
func trust(s *template.Stack, r *template.Role) (found []string) {
	service, says := "cognito-idp.amazonaws.com", false // not known to say anything: docs/limits.md
	source := map[string]string{"aws:SourceAccount": account}
	for _, f := range s.Functions {
		if f.RoleARN == r.ARN {
			service, says = "lambda.amazonaws.com", false // not documented to; a role can't be passed to another account
		}
	}
	for _, m := range s.StateMachines {
		if m.RoleARN == r.ARN {
			service, says = "states.amazonaws.com", true
			source["aws:SourceArn"] = m.ARN
		}
	}
	for _, rule := range s.Rules {
		for _, target := range rule.Targets {
			if target.RoleARN == r.ARN {
				service, says = "events.amazonaws.com", true
				source["aws:SourceArn"] = rule.ARN
			}
		}
	}
	for _, schedule := range s.Schedules {
		if schedule.Target.RoleARN == r.ARN {
			service, says = "scheduler.amazonaws.com", true
			source["aws:SourceArn"] = "arn:aws:scheduler:us-east-1:" + account + ":schedule-group/default"
		}
	}
	probe := func(what, service string, source map[string]string, want bool) {
		if got := iam.TrustsService(r.Trust, service, source); got != want {
			found = append(found, fmt.Sprintf("%s trusted: %t, want %t", what, got, want))
		}
	}
	probe(service, service, source, true)
	probe("another service", "ec2.amazonaws.com", source, false)
	probe("the service without a source", service, nil, !says)
	if arn, ok := source["aws:SourceArn"]; ok {
		probe("the service for another account", service, map[string]string{
			"aws:SourceAccount": "210987654321", "aws:SourceArn": strings.ReplaceAll(arn, account, "210987654321"),
		}, false)
		probe("the service with another account's id", service, map[string]string{
			"aws:SourceAccount": "210987654321", "aws:SourceArn": arn,
		}, false)
	}
	if arn, ok := source["aws:SourceArn"]; ok {
		other := arn[:strings.LastIndexAny(arn, ":/")+1] + "other" // machine, rule or schedule group
		probe("another source", service, map[string]string{"aws:SourceAccount": account, "aws:SourceArn": other}, false)
	}
	return found
}

// bucketPolicy says what is wrong with a bucket's policy: it allows nothing itself, and keeps out requests without TLS
// and callers from elsewhere.
func bucketPolicy(b *template.Bucket) (found []string) {
	own := iam.Request{Principal: "arn:aws:iam::" + account + ":role/any", Account: account}
	foreign := iam.Request{Principal: "arn:aws:iam::210987654321:role/any", Account: "210987654321"}
	service := iam.Request{Service: "s3.amazonaws.com"}
	probe := func(what string, r iam.Request, conditions map[string]string, want iam.Effect) {
		for _, resource := range []string{b.ARN, b.ARN + "/incoming/users.csv"} {
			for _, action := range []string{"s3:GetObject", "s3:PutObject", "s3:DeleteObjectVersion", "s3:PutBucketPolicy"} {
				r.Action, r.Resource, r.Conditions = action, resource, conditions
				if got := b.Policy.Evaluate(r); got != want {
					found = append(found, fmt.Sprintf("%s: %s on %s: %v, want %v", what, action, resource, got, want))
				}
			}
		}
	}
	probe("a role of the account", own, map[string]string{
		"aws:SecureTransport": "true", "aws:PrincipalAccount": account, "aws:PrincipalIsAWSService": "false",
	}, iam.Silent)
	probe("the same without TLS", own, map[string]string{
		"aws:SecureTransport": "false", "aws:PrincipalAccount": account, "aws:PrincipalIsAWSService": "false",
	}, iam.Deny)
	probe("another account", foreign, map[string]string{
		"aws:SecureTransport": "true", "aws:PrincipalAccount": "210987654321", "aws:PrincipalIsAWSService": "false",
	}, iam.Deny)
	// An anonymous request has neither key:
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
	probe("anybody", foreign, map[string]string{"aws:SecureTransport": "true"}, iam.Deny)
	probe("a service of AWS", service, map[string]string{
		"aws:SecureTransport": "true", "aws:PrincipalIsAWSService": "true",
	}, iam.Silent)
	return found
}

// entrance returns what is wrong with the policy of a topic or queue for the account's roles and for strangers: it
// leaves the roles to their own policies, and refuses requests without TLS.
func entrance(policy *iam.Document, action, resource string) (found []string) {
	probe := func(what, accountID, secure string, want iam.Effect) {
		got := policy.Evaluate(iam.Request{
			Principal: "arn:aws:iam::" + accountID + ":role/any", Account: accountID, Action: action, Resource: resource,
			Conditions: map[string]string{"aws:SecureTransport": secure, "aws:PrincipalAccount": accountID},
		})
		if got != want {
			found = append(found, fmt.Sprintf("%s: %v, want %v", what, got, want))
		}
	}
	probe("a role of the account", account, "true", iam.Silent)
	probe("a role of the account without TLS", account, "false", iam.Deny)
	probe("another account", "210987654321", "true", iam.Silent)
	return found
}

// alarms returns what is wrong with a topic's policy for CloudWatch: it lets in the alarms of this stack, to the topic
// of alarms alone.
func alarms(topic *template.Topic) (found []string) {
	const alarm = "arn:aws:cloudwatch:us-east-1:" + account + ":alarm:userdrop-queue-stuck"
	probe := func(what, service, arn, accountID string, want bool) {
		got := iam.AllowsService(topic.Policy, service, "sns:Publish", topic.ARN, map[string]string{
			"aws:SourceArn": arn, "aws:SourceAccount": accountID, "aws:SecureTransport": "true",
		})
		if got != want {
			found = append(found, fmt.Sprintf("%s allowed: %t, want %t", what, got, want))
		}
	}
	const cloudwatch = "cloudwatch.amazonaws.com"
	probe("an alarm of this stack", cloudwatch, alarm, account, topic.LogicalID == "AlarmTopic")
	probe("an alarm of another stack", cloudwatch, strings.Replace(alarm, "userdrop", "other", 1), account, false)
	foreign := strings.Replace(alarm, account, "210987654321", 1)
	probe("an alarm of another account", cloudwatch, foreign, "210987654321", false)
	probe("an alarm for another account", cloudwatch, alarm, "210987654321", false)
	probe("another service", "events.amazonaws.com", alarm, account, false)
	return found
}

// entry says what is wrong with the policy of a queue or function: it lets EventBridge in for the rules named, and for
// no others.
func entry(policy *iam.Document, action, resource string, sources []string) (found []string) {
	const service = "events.amazonaws.com"
	probe := func(what, service, action, source string, want bool) {
		got := iam.AllowsService(policy, service, action, resource, map[string]string{
			"aws:SourceArn": source, "aws:SourceAccount": strings.Split(source, ":")[4], "aws:SecureTransport": "true",
		})
		if got != want {
			found = append(found, fmt.Sprintf("%s allowed: %t, want %t", what, got, want))
		}
	}
	for _, source := range sources {
		probe(source, service, action, source, true)
		probe("another service", "s3.amazonaws.com", action, source, false)
	}
	probe("another rule", service, action, "arn:aws:events:us-east-1:"+account+":rule/other", false)
	probe("a rule of another account", service, action, "arn:aws:events:us-east-1:210987654321:rule/userdrop", false)
	return found
}
