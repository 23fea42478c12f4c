package localaws_test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestIndependence shows that this library, its tests included, needs no other package of the module.
func TestIndependence(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-test", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	const own = "userdrop/localaws"
	for name := range strings.FieldsSeq(string(out)) {
		if name == "userdrop" || strings.HasPrefix(name, "userdrop/") && name != own && name != own+".test" &&
			name != own+"_test" && !strings.HasPrefix(name, own+"/") {
			t.Errorf("%s is imported", name)
		}
	}
}
