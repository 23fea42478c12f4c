package userdrop_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"userdrop"
	"userdrop/localaws/iam"
	"userdrop/localaws/template"
	"userdrop/localaws/wire"
)

// project loads the template that is deployed.
func project(t *testing.T, parameters map[string]string) *template.Stack {
	t.Helper()
	text, err := userdrop.Deployed.ReadFile("template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{
		"UserPoolArns": "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_AbCdEf123",
	}
	maps.Copy(all, parameters)
	s, err := template.Load(text, template.Options{
		Parameters: all, StackName: "userdrop", ReadFile: userdrop.Deployed.ReadFile,
		Account: &wire.Account{ID: "123456789012", Region: "eu-west-1", IDs: wire.NewIDs(1)},
	})
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

// TestTemplate checks that the parts of the template fit together.
func TestTemplate(t *testing.T) {
	const key = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-4333-a444-555555555555"
	for name, parameters := range map[string]map[string]string{
		"defaults":              nil,
		"with a key and a mail": {"KmsKeyArn": key, "NotificationEmail": "ops@example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			s := project(t, parameters)
			diff(t, s.Bucket("ResultsBucket").Name, s.Output("ResultsBucket"))
			for _, f := range s.Functions {
				if !iam.TrustsService(s.Role(f.RoleARN).Trust, "lambda.amazonaws.com", nil) {
					t.Errorf("%s: Lambda cannot assume its role", f.LogicalID)
				}
			}
			for _, m := range s.StateMachines {
				conditions := map[string]string{"aws:SourceAccount": "123456789012", "aws:SourceArn": m.ARN}
				if !iam.TrustsService(s.Role(m.RoleARN).Trust, "states.amazonaws.com", conditions) {
					t.Errorf("%s: Step Functions cannot assume its role", m.LogicalID)
				}
				checkTasks(t, s, m)
			}
			for _, r := range s.Rules {
				for _, target := range r.Targets {
					checkTarget(t, s, "events.amazonaws.com", r.ARN, target.ARN, target.RoleARN)
					i := slices.IndexFunc(s.Queues, func(q *template.Queue) bool { return q.ARN == target.DeadLetterConfig.Arn })
					if i < 0 {
						t.Errorf("%s: %s has no dead-letter queue", r.LogicalID, target.ID)
						continue
					}
					if q := s.Queues[i]; !iam.AllowsService(q.Policy, "events.amazonaws.com", "sqs:SendMessage", q.ARN,
						map[string]string{"aws:SourceArn": r.ARN, "aws:SourceAccount": "123456789012"}) {
						t.Errorf("%s: what cannot be delivered to %s is lost", r.LogicalID, target.ID)
					}
				}
			}
			for _, schedule := range s.Schedules {
				// https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
				group := "arn:aws:scheduler:eu-west-1:123456789012:schedule-group/" + schedule.GroupName
				checkTarget(t, s, "scheduler.amazonaws.com", group, schedule.Target.ARN, schedule.Target.RoleARN)
			}
		})
	}
}

// checkTasks looks whether the machine's role may invoke every function that its definition names.
func checkTasks(t *testing.T, s *template.Stack, m *template.StateMachine) {
	t.Helper()
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			resource, _ := v["Resource"].(string)
			if strings.HasPrefix(resource, "arn:aws:lambda:") {
				if s.Function(resource) == nil || !allows(s, m.RoleARN, "lambda:InvokeFunction", resource) {
					t.Errorf("%s may not invoke %s", m.LogicalID, resource)
				}
			}
			for _, element := range v {
				walk(element)
			}
		case []any:
			for _, element := range v {
				walk(element)
			}
		}
	}
	var definition any
	if err := json.Unmarshal(m.Definition, &definition); err != nil {
		t.Fatal(err)
	}
	walk(definition)
}

// checkTarget looks whether a service may call the target, by a role or by the function's own policy.
func checkTarget(t *testing.T, s *template.Stack, service, source, target, role string) {
	t.Helper()
	conditions := map[string]string{"aws:SourceArn": source, "aws:SourceAccount": "123456789012"}
	action := "lambda:InvokeFunction"
	switch f := s.Function(target); {
	case s.StateMachine(target) != nil:
		action = "states:StartExecution"
	case f == nil:
		t.Errorf("%s: the target %s is not of this stack", source, target)
		return
	case role == "":
		if !iam.AllowsService(&f.Permissions, service, action, target, conditions) {
			t.Errorf("%s may not invoke %s", source, target)
		}
		return
	}
	if r := s.Role(role); r == nil || !iam.TrustsService(r.Trust, service, conditions) {
		t.Errorf("%s cannot assume %q", source, role)
	} else if !allows(s, role, action, target) {
		t.Errorf("%s may not %s on %s", role, action, target)
	}
}

func allows(s *template.Stack, role, action, resource string) bool {
	r := s.Role(role)
	return iam.NewRole(r.ARN, r.Policies...).Allows(action, resource, nil)
}

// TestExpiry compares what CloudFormation cannot compute: objects of an import that may still run stay for 30
// days more than it may take, also where something else was written to their key meanwhile.
func TestExpiry(t *testing.T) {
	for _, days := range []int{14, 30, 90, 180, 365} {
		t.Run(fmt.Sprint(days), func(t *testing.T) {
			s := project(t, map[string]string{"MaxImportDays": fmt.Sprint(days)})
			rules := slices.Concat(s.Bucket("InboxBucket").Lifecycle, s.Bucket("WorkBucket").Lifecycle)
			compared := 0
			for _, rule := range rules {
				if rule.Prefix != "processed/" && rule.ExpirationDays > 0 {
					compared++
					diff(t, days+30, rule.ExpirationDays)
					diff(t, days+30, rule.NoncurrentDays)
				}
			}
			if compared < 2 {
				t.Errorf("%d rules compared, want those of two buckets", compared)
			}
		})
	}
}
