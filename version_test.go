package userdrop_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"userdrop"
)

// TestVersion proves that the template, the changelog, the tag and what --version prints are one version.
func TestVersion(t *testing.T) {
	text, err := userdrop.Deployed.ReadFile("template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^    SemanticVersion: (\d+\.\d+\.\d+)$`).FindSubmatch(text)
	if found == nil {
		t.Fatal("template.yaml has no SemanticVersion")
	}
	version := string(found[1])
	changelog, err := os.ReadFile("CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	// The first heading is that of the next version or, in the commit that is released, of this one.
	headings := regexp.MustCompile(`(?m)^## \[([^\]]+)\]`).FindAllStringSubmatch(string(changelog), -1)
	if len(headings) == 0 {
		t.Fatal("CHANGELOG.md has no version")
	}
	tagged := headings[0][1] != "Unreleased"
	if tagged && headings[0][1] != version {
		t.Errorf("CHANGELOG.md is at %s, template.yaml at %s", headings[0][1], version)
	}
	for _, older := range headings[1:] {
		if older[1] == version && !tagged {
			t.Errorf("CHANGELOG.md says that %s is released: set the next SemanticVersion in template.yaml", version)
		}
	}
	printed, err := exec.Command("tools/version").Output()
	if err != nil {
		t.Fatal(err)
	}
	got := strings.TrimSpace(string(printed))
	if got != version && !strings.HasPrefix(got, version+"-dev") {
		t.Errorf("tools/version prints %q, and the template has %s", got, version)
	}
	if got == version && !tagged {
		t.Errorf("the tag v%s is there, and CHANGELOG.md has its changes under %q", version, headings[0][1])
	}
}
