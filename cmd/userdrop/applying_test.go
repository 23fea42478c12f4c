package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// disabled is a file of users who are all to be disabled after the import.
func disabled(rows int) string {
	var b strings.Builder
	b.WriteString("username,email,email_verified,enabled\n")
	for i := range rows {
		fmt.Fprintf(&b, "d%d,d%d@example.com,true,no\n", i, i)
	}
	return b.String()
}

// TestApplyingIsShown follows and lists an import whose users are in the pool, while its changes are applied.
func TestApplyingIsShown(t *testing.T) {
	deploy(t, doubleOptions{speed: 100, set: []string{"ApplyGroups=true", "ApplyRate=5"}})
	if err := os.WriteFile("states.csv", []byte(disabled(20)), 0o600); err != nil {
		t.Fatal(err)
	}
	watched := make(chan string)
	go func() {
		code, stdout, stderr := userdrop("drop", "states.csv", "--watch", "--interval", "50ms")
		watched <- fmt.Sprintf("exit %d\n%s%s", code, stdout, stderr)
	}()
	listed := ""
	for deadline := time.Now().Add(time.Minute); !strings.Contains(listed, "applying 0%") && time.Now().Before(deadline); {
		_, listed, _ = userdrop("list")
	}
	words := strings.Join(strings.Fields(listed), " ")
	if !strings.Contains(words, "applying 0%") || !strings.Contains(words, ": 0 of 20 rows, about 4 s left") {
		t.Error(listed)
	}
	if text := <-watched; !strings.HasPrefix(text, "exit 0") || !strings.Contains(text, "\nApplying  ") {
		t.Error(text)
	}
}
