package security_test

import (
	"fmt"
	"slices"
	"testing"

	"userdrop/internal/localaws/iam"
)

// TestLeastPrivilege plays the scenarios and compares what the roles were asked with what they may. Then it takes each
// statement out of the template, and adds s3:* to each, and wants a complaint every time.
func TestLeastPrivilege(t *testing.T) {
	asked := asks{}
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) { s.play(t, asked) })
	}
	if t.Failed() {
		return // what was asked is not all
	}
	stack := load(t)
	for _, problem := range judge(asked, stack) {
		t.Error(problem)
	}
	if t.Failed() {
		return
	}
	statements := 0
	for document, owner := range documents(stack) {
		whole := document.Statements
		for i, statement := range whole {
			statements++
			name := fmt.Sprintf("%s %d %s", owner, i, statement.Sid)
			document.Statements = slices.Delete(slices.Clone(whole), i, i+1)
			if len(judge(asked, stack)) == 0 {
				t.Errorf("nobody misses the statement %s", name)
			}
			if statement.Effect == iam.Deny {
				continue
			}
			document.Statements = slices.Clone(whole)
			document.Statements[i].Actions = append(slices.Clone(statement.Actions), "s3:*")
			if len(judge(asked, stack)) == 0 {
				t.Errorf("nobody minds s3:* in the statement %s", name)
			}
		}
		document.Statements = whole
	}
	if statements < 100 {
		t.Errorf("only %d statements were tried", statements)
	}
}

// TestAlarmTopic demands that alarms get through: CloudWatch can't use the key that AWS manages for SNS.
// https://repost.aws/knowledge-center/cloudwatch-configure-alarm-sns
func TestAlarmTopic(t *testing.T) {
	for _, parameters := range []map[string]string{{}, {"KmsKeyArn": key}} {
		s := loadWith(t, parameters)
		for _, topic := range s.Topics {
			if topic.LogicalID == "AlarmTopic" && topic.KMSKey != parameters["KmsKeyArn"] {
				t.Errorf("alarms are behind the key %q", topic.KMSKey)
			}
			if topic.LogicalID == "ResultTopic" && topic.KMSKey == "" {
				t.Error("results are not encrypted")
			}
		}
	}
}

// TestEncryption demands the customer's key everywhere where one is given, encryption everywhere else, and logs that
// end.
func TestEncryption(t *testing.T) {
	for _, given := range []string{"", key} {
		s := loadWith(t, map[string]string{"KmsKeyArn": given})
		for _, b := range s.Buckets {
			if b.Encryption != "aws:kms" || b.KMSKey != given {
				t.Errorf("%s: %s with key %q, want %q", b.LogicalID, b.Encryption, b.KMSKey, given)
			}
			if !b.Versioned || len(b.Lifecycle) == 0 {
				t.Errorf("%s has no versions or no life cycle", b.LogicalID)
			}
		}
		for _, q := range s.Queues {
			if q.KMSKey != given {
				t.Errorf("%s: key %q, want %q", q.LogicalID, q.KMSKey, given)
			}
		}
		for _, m := range s.StateMachines {
			if m.KMSKey != given || m.IncludeExecutionData {
				t.Errorf("%s: key %q, want %q; data in its log: %t", m.LogicalID, m.KMSKey, given, m.IncludeExecutionData)
			}
		}
		groups := map[string]bool{}
		for _, g := range s.LogGroups {
			groups[g.Name] = true
			if g.Retention == 0 || g.KMSKey != given {
				t.Errorf("%s: %d days, key %q", g.LogicalID, g.Retention, g.KMSKey)
			}
		}
		for _, f := range s.Functions {
			if !groups[f.LogGroup] {
				t.Errorf("%s logs into %q, which is not the template's", f.LogicalID, f.LogGroup)
			}
		}
	}
}
