package main

import (
	"strconv"
	"strings"
	"testing"
)

// TestHelpWidth proves that the help of every command fits a narrow terminal and a wide one, but for command lines.
func TestHelpWidth(t *testing.T) {
	for _, width := range []int{20, 40, 80, 200} {
		t.Setenv("COLUMNS", strconv.Itoa(width))
		for _, c := range append(newRootCommand().Commands(), newRootCommand()) {
			_, stdout, _ := userdrop(strings.Fields(strings.TrimPrefix(c.CommandPath(), "userdrop") + " --help")...)
			for line := range strings.Lines(stdout) {
				line = strings.TrimRight(line, "\n")
				fits := len([]rune(line)) <= width || !strings.Contains(strings.TrimSpace(line), " ")
				if commandLine := strings.HasPrefix(line, "  ") && (strings.Contains(line, "userdrop") || strings.HasPrefix(line, "  --")); !fits && !commandLine &&
					!strings.Contains(line, "aws ") && !strings.Contains(line, "make-users") {
					t.Errorf("%s --help in %d columns: %q", c.CommandPath(), width, line)
				}
			}
		}
	}
}
