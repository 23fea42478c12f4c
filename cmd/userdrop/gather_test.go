package main

import (
	"os"
	"strings"
	"testing"
)

// TestGathered drops two files of a pool that waits for more: they share an import, which drop --watch and watch follow.
func TestGathered(t *testing.T) {
	deploy(t, doubleOptions{speed: 100, set: []string{"GatherSeconds=3"}})
	for _, name := range []string{"a.csv", "b.csv"} {
		if err := os.WriteFile(name, []byte(good), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args string) (stdout, stderr string) {
		t.Helper()
		var out, errs strings.Builder
		if code := execute(t.Context(), strings.Fields(args), strings.NewReader(""), &out, &errs); code > 1 {
			t.Fatalf("%s: exit %d\n%s%s", args, code, out.String(), errs.String())
		}
		return out.String(), errs.String()
	}
	stdout, _ := run("drop a.csv --json --quiet")
	_, id, _ := strings.Cut(stdout, `"importId": "`)
	id, _, _ = strings.Cut(id, `"`)
	for list := ""; !strings.Contains(list, "gathering"); { // once the event has come
		if list, _ = run("list"); strings.Contains(list, "gathered-") {
			t.Fatalf("list never showed that %s waits:\n%s", id, list)
		}
	}
	_, stderr := run("drop b.csv --watch --interval 50ms")
	if !strings.Contains(stderr, "Goes into the import gathered-") {
		t.Errorf("drop --watch:\n%s", stderr)
	}
	if _, stderr := run("watch " + id + " --interval 50ms"); !strings.Contains(stderr, "Goes into the import gathered-") {
		t.Errorf("watch:\n%s", stderr)
	}
	if list, _ := run("list"); strings.Count(list, "gathered-") != 1 || strings.Contains(list, "gathering") {
		t.Errorf("list:\n%s", list)
	}
}
