package security_test

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestNodePackages requires that npm installs what the lock file names, by hash, and runs no script of a package.
func TestNodePackages(t *testing.T) {
	var lock struct {
		Packages map[string]struct {
			Integrity        string
			HasInstallScript bool
			Link             bool
		}
	}
	if err := json.Unmarshal(read(t, "../../tools/npm/package-lock.json"), &lock); err != nil {
		t.Fatal(err)
	}
	if len(lock.Packages) < 10 {
		t.Fatalf("%d packages", len(lock.Packages))
	}
	for name, p := range lock.Packages {
		if name != "" && (!strings.HasPrefix(p.Integrity, "sha512-") || p.Link) {
			t.Errorf("%s is not locked by its hash", name)
		}
		if p.HasInstallScript {
			t.Errorf("%s has an install script, which may fetch what the lock does not name", name)
		}
	}
	installs := regexp.MustCompile(`npm (ci|install|i)\b.*`).FindAllString(string(read(t, "../../Makefile")), -1)
	if len(installs) == 0 {
		t.Error("the Makefile installs no packages of npm")
	}
	for _, install := range installs {
		if !strings.Contains(install, "--ignore-scripts") {
			t.Errorf("%s runs the scripts of packages", install)
		}
	}
}

// TestPins requires hashes of Python's packages, and commits of GitHub's actions.
func TestPins(t *testing.T) {
	lists, _ := filepath.Glob("../../tools/python/*.txt")
	workflows, _ := filepath.Glob("../../.github/workflows/*.yml")
	if len(lists) < 5 || len(workflows) == 0 {
		t.Fatalf("%d lists of Python's packages, %d workflows", len(lists), len(workflows))
	}
	pinned := regexp.MustCompile(`(?m)^[\w.\[\]-]+==\S+( ;.*)? \\\n +--hash=sha256:[0-9a-f]{64}`)
	named := regexp.MustCompile(`(?m)^[\w.\[\]-]+==`)
	for _, list := range lists {
		text := string(read(t, list))
		if want, got := len(named.FindAllString(text, -1)), len(pinned.FindAllString(text, -1)); got != want || got == 0 {
			t.Errorf("%s: %d of %d packages have a hash", list, got, want)
		}
	}
	uses := regexp.MustCompile(`uses: *(\S+)`)
	commit := regexp.MustCompile(`@[0-9a-f]{40}$`)
	for _, workflow := range workflows {
		for _, m := range uses.FindAllStringSubmatch(string(read(t, workflow)), -1) {
			if !commit.MatchString(m[1]) {
				t.Errorf("%s: %s is not pinned by a commit", workflow, m[1])
			}
		}
	}
}
