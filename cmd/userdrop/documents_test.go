package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

var (
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)"`)
	heading  = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	notInID  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	target   = regexp.MustCompile(`(?m)^([a-z0-9-]+):`)
	folder   = regexp.MustCompile("`([a-z/]+)`")
	longFlag = regexp.MustCompile(`^--([a-z-]+)`)
)

// documents are the Markdown files of the project, by their path from its root.
func documents(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/adr/*.md", "examples/*.md", "examples/*/*.md"} {
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
			for _, m := range folder.FindAllStringSubmatch(cells[1], -1) {
				named = append(named, strings.TrimSuffix(m[1], "/"))
			}
		}
	}
	var found []string
	for _, pattern := range []string{"*", "internal/*", "cmd/*"} {
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
			if info.IsDir() && !slices.Contains([]string{"docs", "out", "internal", "cmd"}, name) &&
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

// TestCommands looks whether the commands in the documents' code blocks are there: make's targets, and userdrop's
// commands with their flags. What begins with aws or sam needs an account or a tool of AWS.
func TestCommands(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	var targets []string
	for _, m := range target.FindAllStringSubmatch(string(makefile), -1) {
		targets = append(targets, m[1])
	}
	checked := 0
	for name, text := range documents(t) {
		for i, block := range strings.Split(text, "```") {
			if i%2 == 0 {
				continue
			}
			for line := range strings.Lines(strings.ReplaceAll(block, "\\\n", " ")) {
				line, _, _ = strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "$ "), " # ")
				words := strings.Fields(strings.Replace(line, "go run ./cmd/userdrop", "userdrop", 1))
				if len(words) < 2 {
					continue
				}
				switch words[0] {
				case "make":
					checked++
					if !slices.Contains(targets, words[1]) {
						t.Errorf("%s: `%s`: make has no such target", name, line)
					}
				case "userdrop", "./userdrop", "out/bin/userdrop":
					checked++
					if err := known(words[1:]); err != nil {
						t.Errorf("%s: `%s`: %v", name, line, err)
					}
				}
			}
		}
	}
	if checked < 10 {
		t.Errorf("only %d commands were found in the documents", checked)
	}
}

// known tells whether a command line names a command and flags of it.
func known(words []string) error {
	root := newRootCommand()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	command, rest, err := root.Find(words)
	if err != nil || command == root && !strings.HasPrefix(words[0], "-") {
		return fmt.Errorf("no such command (%w)", err)
	}
	command.InitDefaultHelpFlag()
	for _, word := range rest {
		m := longFlag.FindStringSubmatch(word)
		if m == nil || has(command, m[1]) {
			continue
		}
		return fmt.Errorf("%s has no flag --%s", command.Name(), m[1])
	}
	return nil
}

func has(command *cobra.Command, flag string) bool {
	return command.Flags().Lookup(flag) != nil || command.InheritedFlags().Lookup(flag) != nil
}
