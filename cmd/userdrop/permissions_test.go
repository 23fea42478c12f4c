package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"userdrop/localaws"
	"userdrop/localaws/iam"
)

// policyIn reads the policy of a section of docs/permissions.md, for the double's account and buckets.
func policyIn(t *testing.T, d *localaws.Double, page, section string) iam.Policy {
	t.Helper()
	_, text, found := strings.Cut(page, "## "+section+"\n")
	block := regexp.MustCompile("(?s)```json\n(.*?)```").FindStringSubmatch(text)
	if !found || block == nil {
		t.Fatalf("docs/permissions.md has no policy under %q", section)
	}
	text = strings.NewReplacer(
		"INBOX", d.Stack.Bucket("InboxBucket").Name, "RESULTS", d.Stack.Bucket("ResultsBucket").Name,
		"WORK", d.Stack.Bucket("WorkBucket").Name, "REGION", d.Account.Region, "ACCOUNT", d.Account.ID,
		"STACK", d.Stack.Name, "POOL", examplePool,
	).Replace(block[1])
	parsed, err := iam.Parse(iam.RolePolicy, []byte(text))
	if err != nil {
		t.Fatalf("%s: %v", section, err)
	}
	return iam.Policy{Name: section, Document: parsed}
}

// become makes the commands that follow use a role with one policy.
func become(t *testing.T, d *localaws.Double, policy iam.Policy) *iam.Role {
	t.Helper()
	arn := "arn:aws:iam::" + d.Account.ID + ":role/person"
	role := iam.NewRole(arn, policy)
	d.Roles[arn] = role
	keys, err := d.Config(arn).Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", keys.AccessKeyID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", keys.SecretAccessKey)
	t.Setenv("AWS_SESSION_TOKEN", keys.SessionToken)
	return role
}

// TestPermissions runs the commands with the policies of docs/permissions.md: each must be enough for what the page says
// it is for, and grant nothing that the commands do not use.
func TestPermissions(t *testing.T) {
	page, err := os.ReadFile("../../docs/permissions.md")
	if err != nil {
		t.Fatal(err)
	}
	d := deploy(t, doubleOptions{speed: 100, set: []string{"ApplyGroups=true"}})
	if err := os.WriteFile("states.csv", []byte(disabled(15)), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(t *testing.T, want int, args string) {
		t.Helper()
		if code, stdout, stderr := userdrop(strings.Fields(args)...); code != want {
			t.Errorf("%s: exit %d, want %d\n%s%s", args, code, want, stdout, stderr)
		}
	}
	t.Run("to operate", func(t *testing.T) {
		role := become(t, d, policyIn(t, d, string(page), "To operate"))
		run(t, 0, "drop good.csv --watch --interval 50ms")
		run(t, 0, "drop states.csv --watch --interval 50ms")
		run(t, 1, "drop users.csv --check --watch --interval 50ms --out fetched")
		run(t, 0, "pause")
		_, id, _ := userdrop("drop", "good.csv")
		for listed := ""; !strings.Contains(listed, strings.TrimSpace(id)); { // its event takes a moment
			_, listed, _ = userdrop("list")
		}
		run(t, 0, "list")
		run(t, 0, "cancel "+id)
		run(t, 0, "resume")
		run(t, 0, "check good.csv --stack userdrop --pool-id "+examplePool)
		for _, ask := range role.Asked() {
			if ask.Denied > 0 {
				t.Errorf("denied: %s on %s", ask.Action, ask.Resource)
			}
		}
		for _, e := range role.Excess() {
			switch e.Action {
			case "s3:AbortMultipartUpload", // of an upload in parts that fails
				"cognito-idp:DescribeUserImportJob": // only while a job runs
			default:
				t.Error(e)
			}
		}
	})
	t.Run("to drop files", func(t *testing.T) {
		role := become(t, d, policyIn(t, d, string(page), "To drop files"))
		if !role.Allows("s3:PutObject", "arn:aws:s3:::userdrop-inbox/incoming/"+examplePool+"/users.csv", nil) {
			t.Error("it does not allow a file to be dropped")
		}
		for _, denied := range [][2]string{
			{"s3:GetObject", "arn:aws:s3:::userdrop-inbox/incoming/" + examplePool + "/users.csv"},
			{"s3:PutObject", "arn:aws:s3:::userdrop-inbox/mappings/" + examplePool + ".json"},
			{"s3:GetObject", "arn:aws:s3:::userdrop-results/x/failed.csv"},
		} {
			if role.Allows(denied[0], denied[1], nil) {
				t.Errorf("it allows %s on %s", denied[0], denied[1])
			}
		}
		run(t, 69, "list")
	})
}
