package security_test

import (
	"slices"
	"testing"

	"userdrop/localaws/iam"
)

// TestLeastPrivilege plays the scenarios and compares what the roles were asked with what they may do. Then it changes
// the policies, one element at a time: each statement and each of its elements is removed, each resource and each
// principal widened. Each change must be noticed; -v lists what noticed it.
func TestLeastPrivilege(t *testing.T) {
	asked := asks{}
	for _, s := range append(scenarios, changing...) {
		t.Run(s.name, func(t *testing.T) { s.play(t, asked) })
	}
	if t.Failed() {
		return // not everything was asked
	}
	parts := partsOf(asked, load(t))
	for _, fault := range judge(parts) {
		t.Error(fault)
	}
	if t.Failed() {
		return
	}
	statements, changes := 0, 0
	for i, p := range parts {
		alone := parts[i : i+1] // the others do not change
		for _, document := range p.documents {
			whole := document.Statements
			for j, statement := range whole {
				statements++
				for _, m := range mutations(statement) {
					changes++
					document.Statements = slices.Replace(slices.Clone(whole), j, j+1, m.statements...)
					if found := judge(alone); len(found) == 0 {
						t.Errorf("%s, statement %d %s: nothing notices: %s", p.name, j, statement.Sid, m.what)
					} else {
						t.Logf("%s, statement %d %s: %s: noticed: %s", p.name, j, statement.Sid, m.what, found[0])
					}
				}
			}
			document.Statements = whole
		}
	}
	if statements < 100 || changes < 8*statements {
		t.Errorf("only %d changes of %d statements were tried", changes, statements)
	}
	t.Logf("%d changes of %d statements were noticed", changes, statements)
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
