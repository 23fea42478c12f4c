package template

import (
	"os"
	"path/filepath"
	"testing"
)

// TestProject loads the template that is deployed, with its defaults.
func TestProject(t *testing.T) {
	const root = "../../.."
	text, err := os.ReadFile(filepath.Join(root, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := Load(text, Options{
		Parameters: map[string]string{"UserPoolArns": "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_AbCdEf123"}, Account: account(), StackName: "userdrop",
		ReadFile: func(path string) ([]byte, error) { return os.ReadFile(filepath.Join(root, path)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range s.StateMachines {
		t.Log(m.Name, m.RoleARN)
	}
}
