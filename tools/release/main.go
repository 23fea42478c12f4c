// Command release makes what a release holds beside the command line: for each processor an archive with the zips of the
// functions and a template that points at them, so that deploying needs no Go; and, for the repository that releases
// them, install.sh and a Homebrew formula.
package main

import (
	"archive/zip"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

func main() {
	version := flag.String("version", "", "the version, without v")
	out := flag.String("out", "out/release", "write into `DIR`")
	repository := flag.String("repository", "", "write install.sh and userdrop.rb for `OWNER/NAME` on GitHub, and nothing else")
	checksums := flag.String("checksums", "", "with --repository, the SHA256SUMS `FILE` of the release")
	flag.Parse()
	err := run(*version, *out, *repository, *checksums)
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(version, out, repository, checksums string) error {
	if !regexp.MustCompile(`^\d+\.\d+\.\d+(-[\w.-]+)?$`).MatchString(version) {
		return fmt.Errorf("--version %q is not a version such as 1.2.3", version)
	}
	template, err := os.ReadFile("template.yaml")
	if err != nil {
		return err
	}
	released, _, _ := strings.Cut(version, "-")
	if repository == "" && !strings.Contains(string(template), "\n    SemanticVersion: "+released+"\n") {
		return fmt.Errorf("the SemanticVersion of template.yaml is not %s", released)
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	if repository != "" {
		return writeInstallers(out, repository, version, checksums)
	}
	for architecture, goarch := range map[string]string{"arm64": "arm64", "x86_64": "amd64"} {
		if err := writeStack(out, version, architecture, goarch); err != nil {
			return fmt.Errorf("%s: %w", architecture, err)
		}
	}
	return nil
}

// writeStack writes userdrop_VERSION_stack_ARCHITECTURE.zip.
func writeStack(out, version, architecture, goarch string) error {
	text, err := os.ReadFile("template.yaml")
	if err != nil {
		return err
	}
	packaged, folders, err := packageTemplate(string(text), architecture)
	if err != nil {
		return err
	}
	built, err := os.MkdirTemp("", "userdrop-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(built)
	if err := buildFunctions(built, goarch); err != nil {
		return err
	}
	notices, err := os.ReadFile("THIRD-PARTY-NOTICES.txt")
	if err != nil {
		return err
	}
	root := fmt.Sprintf("userdrop_%s_stack_%s", version, architecture)
	files := []file{{root + "/template.yaml", []byte(packaged), 0o644}}
	for _, folder := range folders {
		bootstrap, err := os.ReadFile(filepath.Join(built, folder))
		if err != nil {
			return err
		}
		function, err := zipOf([]file{{"bootstrap", bootstrap, 0o755}, {"THIRD-PARTY-NOTICES.txt", notices, 0o644}})
		if err != nil {
			return err
		}
		files = append(files, file{root + "/functions/" + folder + ".zip", function, 0o644})
	}
	definitions, err := filepath.Glob("statemachine/*.asl.json")
	if err != nil {
		return err
	}
	for _, name := range append(definitions, "samconfig.toml", "LICENSE", "THIRD-PARTY-NOTICES.txt", "README.md") {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		files = append(files, file{root + "/" + filepath.ToSlash(name), text, 0o644})
	}
	archive, err := zipOf(files)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, root+".zip"), archive, 0o644)
}

var (
	buildMetadata = regexp.MustCompile(`(?m)^    Metadata:\n      BuildMethod: makefile\n(?:      \w+: .*\n)*`)
	codeURI       = regexp.MustCompile(`(?m)^(      CodeUri: functions/([\w-]+))$`)
)

// packageTemplate returns a template whose functions are zips that are there, for one processor, and their folders.
func packageTemplate(template, architecture string) (packaged string, folders []string, err error) {
	for _, m := range codeURI.FindAllStringSubmatch(template, -1) {
		folders = append(folders, m[2])
	}
	if n := len(buildMetadata.FindAllString(template, -1)); n == 0 || n != len(folders) {
		return "", nil, fmt.Errorf("template.yaml has %d build methods for %d functions", n, len(folders))
	}
	packaged = buildMetadata.ReplaceAllString(template, "")
	packaged = codeURI.ReplaceAllString(packaged, "$1.zip")
	const parameter = "  Architecture:\n    Type: String\n    Default: arm64\n    AllowedValues: [arm64, x86_64]\n"
	if !strings.Contains(packaged, parameter) {
		return "", nil, errors.New("template.yaml has no parameter Architecture as this command expects it")
	}
	one := strings.NewReplacer("Default: arm64", "Default: "+architecture, "[arm64, x86_64]", "["+architecture+"]")
	return strings.Replace(packaged, parameter, one.Replace(parameter), 1), folders, nil
}

// functionFlags returns the flags of `sam build`, which tools/sam/flags.mk has, with the address of the documentation for
// the links of reports; "" leaves the links out.
func functionFlags(makefile, docs string) ([]string, error) {
	m := regexp.MustCompile(`(?m)^FUNCTION_FLAGS := (.*)$`).FindStringSubmatch(makefile)
	if m == nil {
		return nil, errors.New("tools/sam/flags.mk has no FUNCTION_FLAGS")
	}
	flags := strings.Fields(m[1])
	i := slices.Index(flags, "-ldflags=-s")
	if i < 0 {
		return nil, errors.New("the FUNCTION_FLAGS of tools/sam/flags.mk have no -ldflags=-s")
	}
	if docs != "" {
		flags[i] += " -X userdrop/internal/report.docsURL=" + docs
	}
	return flags, nil
}

// buildFunctions builds all functions with the flags of `sam build`.
func buildFunctions(dir, goarch string) error {
	makefile, err := os.ReadFile("tools/sam/flags.mk")
	if err != nil {
		return err
	}
	flags, err := functionFlags(string(makefile), os.Getenv("USERDROP_DOCS_URL"))
	if err != nil {
		return err
	}
	args := append([]string{"build", "-trimpath", "-o", dir + "/"}, flags...)
	build := exec.Command("go", append(args, "./functions/...")...)
	build.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+goarch, "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the functions: %w\n%s", err, text)
	}
	return nil
}

// file is one file of an archive.
type file struct {
	name string
	text []byte
	mode os.FileMode
}

// zipOf returns an archive that depends on its files alone: the times in it are fixed.
func zipOf(files []file) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		header := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
		if strings.HasSuffix(f.name, ".zip") {
			header.Method = zip.Store
		}
		header.SetMode(f.mode)
		part, err := w.CreateHeader(header)
		if err == nil {
			_, err = io.Copy(part, bytes.NewReader(f.text))
		}
		if err != nil {
			return nil, fmt.Errorf("zip %s: %w", f.name, err)
		}
	}
	err := w.Close()
	return b.Bytes(), err
}

// platforms are those of the Homebrew formula, in its order.
var platforms = []string{"darwin_arm64", "darwin_amd64", "linux_arm64", "linux_amd64"}

// writeInstallers writes install.sh and userdrop.rb for a repository.
func writeInstallers(out, repository, version, checksums string) error {
	if !regexp.MustCompile(`^[\w.-]+/[\w.-]+$`).MatchString(repository) {
		return fmt.Errorf("--repository %q is not OWNER/NAME", repository)
	}
	text, err := os.ReadFile(checksums)
	if err != nil {
		return err
	}
	sums := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 2 {
			sums[path.Base(fields[1])] = fields[0]
		}
	}
	values := []string{"{{repository}}", repository, "{{version}}", version}
	for _, platform := range platforms {
		sum := sums["userdrop_"+version+"_"+platform+".tar.gz"]
		if sum == "" {
			return fmt.Errorf("%s has no userdrop_%s_%s.tar.gz", checksums, version, platform)
		}
		values = append(values, "{{sha256 "+platform+"}}", sum)
	}
	for _, name := range []string{"install.sh", "userdrop.rb"} {
		text, err := os.ReadFile(filepath.Join("tools", "release", name))
		if err != nil {
			return err
		}
		rendered := strings.NewReplacer(values...).Replace(string(text))
		if left := regexp.MustCompile(`\{\{[^}]*\}\}`).FindAllString(rendered, -1); len(left) > 0 {
			return fmt.Errorf("%s: nothing replaces %s", name, strings.Join(slices.Compact(left), ", "))
		}
		if err := os.WriteFile(filepath.Join(out, name), []byte(rendered), 0o755); err != nil {
			return err
		}
	}
	return nil
}
