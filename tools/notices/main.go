// Command notices writes THIRD-PARTY-NOTICES.txt: the licences of all modules that are linked into the command line, on
// any platform, or into a function. It fails if a licence is unknown or not among the allowed ones. With -check it
// compares the file instead of writing it.
package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// shipped are the programs that are built for others, with the platforms that they are built for.
var shipped = []struct {
	packages  string
	platforms []string
	tags      string
}{
	{"./cmd/userdrop", []string{
		"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64",
	}, ""},
	{"./functions/...", []string{"linux/arm64", "linux/amd64"}, "lambda.norpc"},
}

// allowed are the licences that a shipped module may have, as SPDX identifiers. All of them ask for no more than their
// text, and a module's own notice, beside the program.
var allowed = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"}

const file = "THIRD-PARTY-NOTICES.txt"

func main() {
	check := flag.Bool("check", false, "compare the file instead of writing it")
	flag.Parse()
	if err := run(*check); err != nil {
		fmt.Fprintln(os.Stderr, "notices:", err)
		os.Exit(1)
	}
}

func run(check bool) error {
	dirs, err := modules()
	if err != nil {
		return err
	}
	text, err := notices(dirs)
	if err != nil {
		return err
	}
	if !check {
		return os.WriteFile(file, []byte(text), 0o644)
	}
	written, err := os.ReadFile(file)
	if err == nil && string(written) != text {
		err = fmt.Errorf("%s is out of date: run make notices", file)
	}
	return err
}

// modules returns the linked modules, as "path version", each with the directories of the module and of its linked
// packages.
func modules() (map[string][]string, error) {
	all := map[string][]string{}
	for _, s := range shipped {
		for _, platform := range s.platforms {
			system, processor, _ := strings.Cut(platform, "/")
			cmd := exec.Command("go", "list", "-deps", "-tags="+s.tags, "-f",
				"{{if .Standard}}Go\t"+"{{.Root}}\t{{.Root}}{{end}}"+
					"{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}\t{{.Dir}}\t{{$.Dir}}{{end}}{{end}}", s.packages)
			cmd.Env = append(os.Environ(), "GOOS="+system, "GOARCH="+processor, "CGO_ENABLED=0")
			cmd.Stderr = os.Stderr
			out, err := cmd.Output()
			if err != nil {
				return nil, fmt.Errorf("go list %s: %w", s.packages, err)
			}
			for line := range strings.Lines(string(out)) {
				fields := strings.Split(strings.TrimSpace(line), "\t")
				if len(fields) != 3 {
					continue // our own packages
				}
				for dir := fields[2]; ; dir = filepath.Dir(dir) { // some packages have a licence of their own
					if !slices.Contains(all[fields[0]], dir) {
						all[fields[0]] = append(all[fields[0]], dir)
					}
					if dir == fields[1] {
						break
					}
				}
			}
		}
	}
	return all, nil
}

// notices returns the content of the file: each text once, under the modules that it is of.
func notices(dirs map[string][]string) (string, error) {
	of := map[string][]string{} // modules by text
	var errs []error
	for _, module := range slices.Sorted(maps.Keys(dirs)) {
		found := false
		for _, dir := range dirs[module] {
			texts, err := texts(dir)
			if err != nil {
				return "", err
			}
			for name, text := range texts {
				if !strings.HasPrefix(name, "NOTICE") {
					found = true
					if id := identify(text); !slices.Contains(allowed, id) {
						errs = append(errs, fmt.Errorf("%s: %s is %s, not one of %v", module, name, cmp.Or(id, "unknown"), allowed))
					}
				}
				if !slices.Contains(of[text], module) {
					of[text] = append(of[text], module)
				}
			}
		}
		if !found {
			errs = append(errs, fmt.Errorf("%s has no licence", module))
		}
	}
	var b strings.Builder
	b.WriteString("userdrop's command line and functions contain the modules below, under these licences.\n")
	texts := slices.SortedFunc(maps.Keys(of), func(a, b string) int {
		return cmp.Or(strings.Compare(of[a][0], of[b][0]), strings.Compare(a, b))
	})
	for _, text := range texts {
		fmt.Fprintf(&b, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 100), strings.Join(of[text], "\n"), text)
	}
	return b.String(), errors.Join(errs...)
}

// texts returns the licences and notices in a directory by their files' names.
func texts(dir string) (map[string]string, error) {
	entries, err := os.ReadDir(dir)
	found := map[string]string{}
	for _, e := range entries {
		name := strings.ToUpper(e.Name())
		for _, prefix := range []string{"LICENSE", "LICENCE", "COPYING", "NOTICE"} {
			base := strings.TrimSuffix(strings.TrimSuffix(name, ".TXT"), ".MD")
			if e.IsDir() || base != prefix {
				continue
			}
			text, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				return nil, err
			}
			found[name] = strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n"))
		}
	}
	return found, err
}

// identify returns the SPDX identifier of a licence's text, or "" if it is unknown.
func identify(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	has := func(part string) bool { return strings.Contains(text, part) }
	switch {
	case has("Apache License Version 2.0"):
		return "Apache-2.0"
	case has("Permission is hereby granted, free of charge"):
		return "MIT"
	case has("Redistribution and use in source and binary forms") && has("Neither the name"):
		return "BSD-3-Clause"
	case has("Redistribution and use in source and binary forms"):
		return "BSD-2-Clause"
	case has("Permission to use, copy, modify, and/or distribute this software"):
		return "ISC"
	}
	return ""
}
