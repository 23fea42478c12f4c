package main

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/google/go-cmp/cmp"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)"`)
	heading = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	notInID = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	target  = regexp.MustCompile(`(?m)^([a-z0-9-]+):`)
	folder  = regexp.MustCompile("`([a-z/]+)`")
	inline  = regexp.MustCompile("`(userdrop [^`]+)`")
)

// documents are the Markdown files of the project, by their path from its root.
func documents(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/adr/*.md", "docs/internals/*.md", "examples/*.md", "examples/*/*.md"} {
		names, err := filepath.Glob(filepath.Join("../..", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			found[strings.TrimPrefix(filepath.ToSlash(name), "../../")] = string(text)
		}
	}
	return found
}

// anchors are the ids that GitHub gives to a document's headings.
func anchors(text string) map[string]bool {
	ids := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		id := strings.ReplaceAll(strings.ToLower(notInID.ReplaceAllString(m[1], "")), " ", "-")
		ids[id] = true
	}
	return ids
}

// TestLinks follows every link of the documents that leads to a file of the project or to a heading in one.
func TestLinks(t *testing.T) {
	all := documents(t)
	for name, text := range all {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			to := m[1] + m[2]
			if strings.Contains(to, "://") || strings.HasPrefix(to, "mailto:") {
				continue // of others: nothing is fetched in a test
			}
			path, anchor, _ := strings.Cut(to, "#")
			file := name
			if path != "" {
				file = filepath.ToSlash(filepath.Join(filepath.Dir(name), path))
				if _, err := os.Stat(filepath.Join("../..", file)); err != nil {
					t.Errorf("%s links to %s, which is not there", name, to)
					continue
				}
			}
			if anchor != "" && strings.HasSuffix(file, ".md") && !anchors(all[file])[anchor] {
				t.Errorf("%s links to %s, which has no such heading", name, to)
			}
		}
	}
}

// TestFolders compares the table in architecture.md with the folders: each is named once.
func TestFolders(t *testing.T) {
	_, table, _ := strings.Cut(documents(t)["docs/architecture.md"], "## Where things live")
	var named []string
	for line := range strings.Lines(table) {
		if cells := strings.Split(line, "|"); len(cells) > 2 {
			parent := ""
			for _, m := range folder.FindAllStringSubmatch(cells[1], -1) {
				name := strings.TrimSuffix(m[1], "/")
				if parent != "" && !strings.Contains(name, "/") { // a folder beside the one before it
					name = parent + "/" + name
				}
				if parent = path.Dir(name); parent == "." {
					parent = ""
				}
				named = append(named, name)
			}
		}
	}
	var found []string
	for _, pattern := range []string{"*", "cmd/*", "internal/*", "internal/aws/*", "test/*"} {
		paths, err := filepath.Glob(filepath.Join("../..", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			name := strings.TrimPrefix(filepath.ToSlash(path), "../../")
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if info.IsDir() && !slices.Contains([]string{"docs", "out", "internal", "internal/aws", "cmd", "test"}, name) &&
				!strings.HasPrefix(name, ".") {
				found = append(found, name)
			}
		}
	}
	slices.Sort(named)
	slices.Sort(found)
	if diff := cmp.Diff(found, named); diff != "" {
		t.Errorf("the table of folders in docs/architecture.md (-folders +table):\n%s", diff)
	}
}

// TestCommands runs the commands of userdrop that the documents show, in a directory with the files that they name and
// against the local double, and looks whether the targets of make that they show are there. What begins with aws is run
// by TestAWSCommands; sam deploys to AWS.
func TestCommands(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	var targets []string
	for _, m := range target.FindAllStringSubmatch(string(makefile), -1) {
		targets = append(targets, m[1])
	}
	commands := shown(t)
	importID := documentsPlace(t)
	checked := 0
	for _, c := range commands {
		words := strings.Fields(c.line)
		switch words[0] {
		case "make":
			checked++
			if !slices.Contains(targets, words[1]) {
				t.Errorf("%s: `%s`: make has no such target", c.document, c.line)
			}
		case "userdrop", "out/bin/userdrop":
			checked++
			if words[1] == "probe" {
				continue // a real account's
			}
			line := strings.NewReplacer("[IMPORT-ID]", importID, "IMPORT-ID", importID, ":4566", ":0").Replace(c.line)
			if len(words) == 2 {
				line += " --help" // the name of a command, in a sentence
			}
			if code, stderr := runShown(t, strings.Fields(line)[1:]); code != 0 && code != int(exitRejected) {
				t.Errorf("%s: `%s`: exit %d: %s", c.document, line, code, stderr)
			}
		}
	}
	if checked < 20 {
		t.Errorf("only %d commands were found in the documents", checked)
	}
}

// command is a line of a code block in a document, or a command of userdrop in its text.
type command struct{ document, line string }

// shown are the commands of the documents, without comments.
func shown(t *testing.T) []command {
	t.Helper()
	var all []command
	texts := documents(t)
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		for i, block := range strings.Split(texts[name], "```") {
			if i%2 == 0 {
				for _, m := range inline.FindAllStringSubmatch(block, -1) {
					all = append(all, command{name, m[1]})
				}
				continue
			}
			for line := range strings.Lines(strings.ReplaceAll(block, "\\\n", " ")) {
				line, _, _ = strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "$ "), " # ")
				if line = strings.TrimSpace(line); strings.Contains(line, " ") {
					all = append(all, command{name, line})
				}
			}
		}
	}
	return all
}

// documentsPlace is a workplace with all files that the documents name, at a double that has finished one import.
func documentsPlace(t *testing.T) (importID string) {
	t.Helper()
	examples, err := filepath.Abs("../../examples")
	if err != nil {
		t.Fatal(err)
	}
	d := deploy(t, doubleOptions{speed: 100, set: []string{"UserMap=true"}}) // for undo
	for _, err := range []error{
		os.CopyFS("examples", os.DirFS(examples)), os.CopyFS(".", os.DirFS(filepath.Join(examples, "scheduled"))),
		os.Mkdir("out", 0o700),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	export, err := os.ReadFile(filepath.Join(examples, "../internal/mapping/builtin/okta/export.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("export.csv", export, 0o600); err != nil {
		t.Fatal(err)
	}
	client := cognito.NewFromConfig(localConfig(d, os.Getenv("AWS_ENDPOINT_URL")))
	header, err := client.GetCSVHeader(t.Context(), &cognito.GetCSVHeaderInput{UserPoolId: aws.String(examplePool)})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{"UserPoolId": examplePool, "CSVHeader": header.CSVHeader})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("header.json", text, 0o600); err != nil {
		t.Fatal(err)
	}
	code, id, stderr := userdrop("drop", "good.csv")
	if code != 0 {
		t.Fatal(stderr)
	}
	if code, _, stderr := userdrop("watch", strings.TrimSpace(id), "--interval", "50ms"); code != 0 {
		t.Fatal(stderr)
	}
	return strings.TrimSpace(id)
}

// runShown runs one command of userdrop, with its output in a file where the command says so. One that serves is
// interrupted as soon as it does.
func runShown(t *testing.T, args []string) (code int, stderr string) {
	t.Helper()
	ctx, interrupt := context.WithTimeout(t.Context(), time.Minute)
	defer interrupt()
	stdout := io.Discard
	if i := slices.Index(args, ">"); i >= 0 {
		file, err := os.Create(args[i+1])
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		stdout, args = file, args[:i]
	}
	if args[0] == "local" {
		stdout = writerFunc(interrupt)
		if !slices.Contains(args, "--listen") {
			args = append(args, "--listen", "127.0.0.1:0")
		}
	}
	var messages strings.Builder
	code = execute(ctx, args, strings.NewReader(""), stdout, &messages)
	return code, messages.String()
}

// writerFunc is called when something is written.
type writerFunc func()

func (f writerFunc) Write(text []byte) (int, error) {
	f()
	return len(text), nil
}
