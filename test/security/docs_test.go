package security_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"userdrop/localaws/iam"
)

// TestThreats checks that each threat of SECURITY.md names a test that exists.
func TestThreats(t *testing.T) {
	text := string(read(t, "../../SECURITY.md"))
	_, table, _ := strings.Cut(text, "| Threat | Defence | Test |\n| --- | --- | --- |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	named := regexp.MustCompile("\\| \\[`(Test\\w+)`\\]\\(([\\w/.-]+_test\\.go)\\) \\|$")
	rows := strings.Split(table, "\n")
	if len(rows) < 25 {
		t.Fatalf("the table has %d rows", len(rows))
	}
	for _, row := range rows {
		m := named.FindStringSubmatch(row)
		if m == nil {
			t.Errorf("no test covers %s", row)
			continue
		}
		source, err := os.ReadFile("../../" + m[2])
		if err != nil || !strings.Contains(string(source), "\nfunc "+m[1]+"(t *testing.T)") {
			t.Errorf("%s has no %s", m[2], m[1])
		}
	}
	for _, uses := range ownUses(load(t), load(t).Roles[len(load(t).Roles)-1]) {
		if !strings.Contains(text, uses.page) {
			t.Errorf("SECURITY.md does not name %s", uses.page)
		}
	}
}

// TestKeyPolicy reads the key policy that docs/operations.md asks for, and looks that it lets in the services that
// write by themselves, for this account alone.
func TestKeyPolicy(t *testing.T) {
	s := load(t)
	_, text, _ := strings.Cut(string(read(t, "../../docs/operations.md")), "## A key of your own")
	_, text, _ = strings.Cut(text, "```json\n")
	text, _, _ = strings.Cut(text, "```")
	text = strings.NewReplacer("ACCOUNT", account, "REGION", "us-east-1", "STACK", "userdrop").Replace(text)
	policy, err := iam.Parse(iam.ResourcePolicy, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	type use struct{ service, action, context, value string }
	uses := []use{
		{"cloudwatch.amazonaws.com", "kms:GenerateDataKey", "aws:SourceAccount", account},
		{"cloudwatch.amazonaws.com", "kms:Decrypt", "aws:SourceAccount", account},
		{"events.amazonaws.com", "kms:GenerateDataKey", "aws:SourceAccount", account},
		{"events.amazonaws.com", "kms:Decrypt", "aws:SourceAccount", account},
		{
			"delivery.logs.amazonaws.com", "kms:Decrypt", "kms:EncryptionContext:SourceArn",
			"arn:aws:logs:us-east-1:" + account + ":*",
		},
	}
	for _, g := range s.LogGroups {
		for _, action := range []string{"kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey"} {
			uses = append(uses, use{
				"logs.us-east-1.amazonaws.com", action, "kms:EncryptionContext:aws:logs:arn", strings.TrimSuffix(g.ARN, ":*"),
			})
		}
	}
	for _, u := range uses {
		if !iam.AllowsService(policy, u.service, u.action, key, map[string]string{u.context: u.value}) {
			t.Errorf("%s may not %s for %s", u.service, u.action, u.value)
		}
		foreign := map[string]string{u.context: strings.Replace(u.value, account, "210987654321", 1)}
		if iam.AllowsService(policy, u.service, u.action, key, foreign) {
			t.Errorf("%s may %s for another account", u.service, u.action)
		}
	}
	role := iam.Request{
		Principal: "arn:aws:iam::" + account + ":role/any", Account: account, Action: "kms:Decrypt", Resource: key,
	}
	if policy.Evaluate(role) != iam.Allow {
		t.Error("the policies of the account's roles do not count")
	}
}

// TestWhereToChange compares the table of CONTRIBUTING.md with the code: each file that it names exists and contains the
// words that it names.
func TestWhereToChange(t *testing.T) {
	_, table, _ := strings.Cut(string(read(t, "../../CONTRIBUTING.md")), "| … | File | Look for |\n| --- | --- | --- |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	file, word := regexp.MustCompile(`\]\(([^)]+)\)`), regexp.MustCompile("`([^`]+)`")
	rows := strings.Split(table, "\n")
	if len(rows) < 15 {
		t.Fatalf("%d questions", len(rows))
	}
	for _, row := range rows {
		cells := strings.Split(row, "|")
		if len(cells) != 5 || !file.MatchString(cells[2]) {
			t.Errorf("the row names no file: %s", row)
			continue
		}
		text := ""
		for _, m := range file.FindAllStringSubmatch(cells[2], -1) {
			if info, err := os.Stat("../../" + m[1]); err != nil {
				t.Error(err)
			} else if !info.IsDir() {
				text += string(read(t, "../../"+m[1]))
			}
		}
		for _, m := range word.FindAllStringSubmatch(cells[3], -1) {
			if !strings.Contains(text, m[1]) {
				t.Errorf("%q is not in the files of: %s", m[1], row)
			}
		}
	}
}
