package main

import (
	"os"
	"path/filepath"
)

// docs returns the address of the documentation for a report in a directory: relative to it, if the working directory
// has the documents, as a clone and an unpacked release do; else "", which is the address of the release.
func docs(dir string) string {
	here, err := filepath.Abs("docs")
	if err != nil {
		return ""
	}
	if _, err := os.Stat(filepath.Join(here, "codes.md")); err != nil {
		return ""
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return ""
	}
	relative, err := filepath.Rel(dir, here)
	if err != nil {
		return ""
	}
	return filepath.ToSlash(relative) + "/"
}
