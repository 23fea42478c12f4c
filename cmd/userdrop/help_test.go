package main

import (
	"strconv"
	"strings"
	"testing"
)

// TestHelpWidth proves that the help of every command fits 80 columns and more; and fewer, but for command lines.
func TestHelpWidth(t *testing.T) {
	for _, width := range []int{20, 40, 80, 200} {
		t.Setenv("COLUMNS", strconv.Itoa(width))
		for _, c := range append(newRootCommand().Commands(), newRootCommand()) {
			_, stdout, _ := userdrop(strings.Fields(strings.TrimPrefix(c.CommandPath(), "userdrop") + " --help")...)
			for line := range strings.Lines(stdout) {
				line = strings.TrimRight(line, "\n")
				commandLine := width < 80 && strings.HasPrefix(line, "  ")
				word := !strings.Contains(strings.TrimSpace(line), " ")
				if len([]rune(line)) > width && !commandLine && !word {
					t.Errorf("%s --help in %d columns: %q", c.CommandPath(), width, line)
				}
			}
		}
	}
}
