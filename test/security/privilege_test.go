package security_test

import (
	"slices"
	"testing"

	"userdrop/localaws/iam"
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
	parts := partsOf(asked, load(t))
	for _, fault := range judge(parts) {
		t.Error(fault)
	}
	if t.Failed() {
		return
	}
	statements := 0
	for i, p := range parts {
		alone := parts[i : i+1] // what is said of the others stays
		for _, document := range p.documents {
			whole := document.Statements
			for j, statement := range whole {
				statements++
				document.Statements = slices.Delete(slices.Clone(whole), j, j+1)
				if len(judge(alone)) == 0 {
					t.Errorf("%s: nobody misses the statement %d %s", p.name, j, statement.Sid)
				}
				if statement.Effect == iam.Deny {
					continue
				}
				document.Statements = slices.Clone(whole)
				document.Statements[j].Actions = append(slices.Clone(statement.Actions), "s3:*")
				if len(judge(alone)) == 0 {
					t.Errorf("%s: nobody minds s3:* in the statement %d %s", p.name, j, statement.Sid)
				}
			}
			document.Statements = whole
		}
	}
	if statements < 100 {
		t.Errorf("only %d statements were tried", statements)
	}
}

// TestPassRole demands that a function can hand Cognito the role of its logs, and nobody else anything.
func TestPassRole(t *testing.T) {
	s := load(t)
	logs := "arn:aws:iam::" + account + ":role/userdrop-ImportLogsRole"
	if s.Role(logs) == nil {
		t.Fatal("the role of Cognito's logs has another name")
	}
	for _, r := range s.Roles {
		role := iam.NewRole(r.ARN, r.Policies...)
		may := r.LogicalID == "CreateImportJobFunctionRole" || r.LogicalID == "CopyToImportJobFunctionRole"
		for _, tt := range []struct {
			role, service string
			want          bool
		}{
			{logs, "cognito-idp.amazonaws.com", may},
			{logs, "lambda.amazonaws.com", false},
			{r.ARN, "cognito-idp.amazonaws.com", false},
		} {
			given := map[string]string{"iam:PassedToService": tt.service}
			if got := role.Allows("iam:PassRole", tt.role, given); got != tt.want {
				t.Errorf("%s may pass %s to %s: %t", r.LogicalID, tt.role, tt.service, got)
			}
		}
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
