// Package tempdir makes temporary directories that a later run removes if this one is killed.
package tempdir

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// Make creates a directory for this process in parent, the system's directory for temporary files if empty, after
// Clean. Its name is <name>-<host>-<process id>-<random>.
func Make(parent, name string) (string, error) {
	Clean(parent, name)
	return os.MkdirTemp(parent, prefix(name)+strconv.Itoa(os.Getpid())+"-")
}

// Clean removes the directories of that name in parent whose process, on this host, no longer runs.
func Clean(parent, name string) {
	if parent == "" {
		parent = os.TempDir()
	}
	entries, err := os.ReadDir(parent)
	if err != nil {
		return
	}
	for _, entry := range entries {
		rest, ok := strings.CutPrefix(entry.Name(), prefix(name))
		if !ok || !entry.IsDir() {
			continue
		}
		number, _, _ := strings.Cut(rest, "-")
		if pid, err := strconv.Atoi(number); err == nil && pid > 0 && !running(pid) {
			_ = os.RemoveAll(filepath.Join(parent, entry.Name())) // another user's stays
		}
	}
}

// prefix names the host too: containers may share a directory, and process ids are each its own.
func prefix(name string) string {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return name + "-" + strings.ReplaceAll(host, string(filepath.Separator), "_") + "-"
}

// running reports whether the process exists.
func running(pid int) bool {
	process, err := os.FindProcess(pid)
	if err != nil {
		return false // on Windows, which opens the process
	}
	defer func() { _ = process.Release() }()
	if runtime.GOOS == "windows" {
		return true
	}
	err = process.Signal(syscall.Signal(0))
	return err == nil || errors.Is(err, os.ErrPermission)
}
