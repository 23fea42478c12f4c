package main

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestPackageTemplate proves that the packaged template has a zip for each function and no build method.
func TestPackageTemplate(t *testing.T) {
	text, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	packaged, folders, err := packageTemplate(string(text), "x86_64")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), "Type: AWS::Serverless::Function\n"); len(folders) != n {
		t.Errorf("%d folders for %d functions", len(folders), n)
	}
	for _, folder := range folders {
		if _, err := os.Stat(filepath.Join("../../functions", folder, "main.go")); err != nil {
			t.Error(err)
		}
		if !strings.Contains(packaged, "CodeUri: functions/"+folder+".zip\n") {
			t.Errorf("no zip of %s", folder)
		}
	}
	for _, left := range []string{"BuildMethod", "tools/sam", "Default: arm64", "[arm64, x86_64]"} {
		if strings.Contains(packaged, left) {
			t.Errorf("the packaged template holds %q", left)
		}
	}
}

// TestDocsURL proves that reports link to the documentation of the release: in the stack's functions and in the command
// line, by a variable that is there. The linker ignores one that is not.
func TestDocsURL(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	makefile := read("tools/sam/flags.mk")
	flags, err := functionFlags(makefile, "https://docs.example.com/")
	const set = "-X userdrop/internal/report.docsURL="
	if err != nil || !slices.Contains(flags, "-ldflags=-s "+set+"https://docs.example.com/") {
		t.Errorf("%q, %v", flags, err)
	}
	if flags, err := functionFlags(makefile, ""); err != nil || !slices.Contains(flags, "-ldflags=-s") {
		t.Errorf("without an address: %q, %v", flags, err)
	}
	if !strings.Contains(read(".goreleaser.yaml"), set) || !strings.Contains(read("internal/report/report.go"), "\nvar docsURL string\n") {
		t.Errorf("no %s in .goreleaser.yaml, or no such variable", set)
	}
}

// TestInstallers installs a release of a repository from a server, as install.sh does.
func TestInstallers(t *testing.T) {
	dir := t.TempDir()
	downloads := filepath.Join(dir, "downloads")
	if err := os.MkdirAll(filepath.Join(downloads, "userdrop_1.2.3"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(downloads, "userdrop_1.2.3", "userdrop"), []byte("#!/bin/sh\necho installed\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	var sums strings.Builder
	for _, platform := range platforms {
		name := "userdrop_1.2.3_" + platform + ".tar.gz"
		pack := exec.Command("tar", "-czf", name, "userdrop_1.2.3")
		pack.Dir = downloads
		if out, err := pack.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		text, err := os.ReadFile(filepath.Join(downloads, name))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(text), name)
	}
	list := filepath.Join(downloads, "SHA256SUMS")
	if err := os.WriteFile(list, []byte(sums.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir("../..")
	if err := run("1.2.3", dir, "example/userdrop", list); err != nil {
		t.Fatal(err)
	}
	formula, err := os.ReadFile(filepath.Join(dir, "userdrop.rb"))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(regexp.MustCompile(`sha256 "[0-9a-f]{64}"`).FindAllString(string(formula), -1)); n != len(platforms) {
		t.Errorf("%d sums in the formula:\n%s", n, formula)
	}
	server := httptest.NewServer(http.FileServer(http.Dir(downloads)))
	defer server.Close()
	install := func() (string, error) {
		command := exec.Command("sh", filepath.Join(dir, "install.sh"))
		command.Env = append(os.Environ(), "USERDROP_DOWNLOADS="+server.URL, "INSTALL_DIR="+filepath.Join(dir, "bin"))
		out, err := command.CombinedOutput()
		return string(out), err
	}
	if out, err := install(); err != nil || !strings.Contains(out, "Installed userdrop 1.2.3 as ") {
		t.Fatalf("%v: %s", err, out)
	}
	if out, err := exec.Command(filepath.Join(dir, "bin", "userdrop")).Output(); err != nil || string(out) != "installed\n" {
		t.Errorf("%v: %s", err, out)
	}
	for _, platform := range platforms {
		if err := os.WriteFile(filepath.Join(downloads, "userdrop_1.2.3_"+platform+".tar.gz"), []byte("changed"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := install(); err == nil {
		t.Errorf("an archive that was changed is installed: %s", out)
	}
}
