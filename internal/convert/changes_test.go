package convert

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/mapping"
)

// TestGroupsAndState: groups and enabled are converted; an import whose stack does not apply them refuses the mapping.
func TestGroupsAndState(t *testing.T) {
	text := `{"schema": "userdrop.mapping/v1", "name": "x", "columns": {"email": "mail", "groups": "teams",
		"enabled": "state == 'on'"}, "ignore": ["*"]}`
	m, err := mapping.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	export := filepath.Join(t.TempDir(), "export.csv")
	rows := "mail,teams,state\na@example.com,staff;editors,on\nb@example.com,,off\n"
	if err := os.WriteFile(export, []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	job := Job{Mapping: m, Export: export, Pool: pools()["email"], Settings: settings, Out: t.TempDir()}
	if _, err := job.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(job.path(convertedName))
	want := "userdrop:line,email,groups,enabled\n2,a@example.com,staff;editors,true\n3,b@example.com,,false\n"
	if diff := cmp.Diff(want, string(got)); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	_, err = mapping.New(m, mapping.TargetOf(pools()["email"], settings))
	if err == nil || err.Error() != "columns.enabled: enabled is applied only where the parameter ApplyGroups is true; "+
		"columns.groups: groups is applied only where the parameter ApplyGroups is true" {
		t.Errorf("without ApplyGroups: %v", err)
	}
}
