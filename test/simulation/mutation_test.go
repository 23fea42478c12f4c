//go:build mutation

package simulation_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestMutations breaks the code on purpose, one way at a time, and wants the simulation to notice. Nothing is changed
// on disk: the go command overlays a file. Run it with
//
//	go test -tags mutation -run TestMutations ./test/simulation
func TestMutations(t *testing.T) {
	mutations := []struct {
		name, dir, from, to string
		notices             string // a part of what it says
	}{
		{
			"no adoption", "internal/steps/createimportjob",
			`if picked.Job.ID != "" {`, `if picked.Job.ID == "nobody's" {`,
			"",
		},
		{
			"no SSE header", "internal/aws/signedurl",
			`"X-Amz-Server-Side-Encryption": {"aws:kms"}`, ``,
			"verdict ERROR",
		},
		{
			"no look at the job after a refusal", "internal/steps/startimportjob",
			`	job.Refusal = importjobs.RefusalText(err)
`, `	return job, false, err
`,
			"verdict ERROR",
		},
		{
			"forget Stopping", "internal/contract",
			`case jobPending, jobInProgress, jobStopping:`, `case jobPending, jobInProgress:`,
			"events in the history",
		},
		{
			"publish twice", "internal/steps/publishresult",
			`won, err := p.Results.WriteOnce(ctx, contract.ResultKey(in.ImportID), "application/json", text)`,
			`won, err := true, p.Results.Write(ctx, contract.ResultKey(in.ImportID), "application/json", text)`,
			"was published",
		},
		{
			"leak the URL", "internal/aws/signedurl",
			`err = at.Err`, `_ = at`,
			"leaks",
		},
		{
			"start without waiting", "internal/steps/awaitturn",
			`	if place > 0 {
		if defaultPolicy.overdue`, `	if place > 1_000_000 {
		if defaultPolicy.overdue`,
			"out of turn",
		},
		{
			"drop the last row of a part", "internal/usercsv",
			`	o.closed = true
`, `	o.closed = true
	o.Rows--
`,
			"",
		},
		{
			"count skipped as failed", "internal/aws/rowoutcomes",
			`		rows.Skipped++`, `		rows.Failed++`,
			"",
		},
		{
			"ignore the version id", "internal/aws/objects",
			`		r.input.VersionId = &o.VersionID
`, "",
			"",
		},
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	said := regexp.MustCompile(`(?m)^\s+\w+_test\.go:\d+: (.*)$`)
	for _, m := range mutations {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			file, text := find(t, filepath.Join(root, m.dir), m.from)
			dir := t.TempDir()
			mutant, overlay := filepath.Join(dir, "mutant.go"), filepath.Join(dir, "overlay.json")
			if err := os.WriteFile(mutant, []byte(strings.Replace(text, m.from, m.to, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			replace, err := json.Marshal(map[string]any{"Replace": map[string]string{file: mutant}})
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(overlay, replace, 0o600); err != nil {
				t.Fatal(err)
			}
			command := exec.CommandContext(t.Context(), "go", "test", "-overlay", overlay, "-failfast", "-count=1", "-vet=off",
				"-run", "^(TestManyDrops|TestAbort|TestStoppedByHand|TestSeeds)$", ".", "-seeds", "200", "-crowd", "30")
			out, err := command.CombinedOutput()
			switch notices := said.FindAllStringSubmatch(string(out), -1); {
			case err == nil:
				t.Error("nothing noticed it")
			case notices == nil:
				t.Errorf("it does not build, or broke the test itself:\n%s", out[:min(len(out), 2000)])
			case !strings.Contains(string(out), m.notices):
				t.Errorf("noticed, but nothing says %q:\n%s", m.notices, out[:min(len(out), 2000)])
			default:
				t.Log("noticed: " + notices[len(notices)-1][1])
			}
		})
	}
}

// find is the one file of a package that holds a text.
func find(t *testing.T, dir, what string) (name, content string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		switch strings.Count(string(text), what) {
		case 0:
		case 1:
			if name == "" {
				name, content = file, string(text)
				continue
			}
			fallthrough
		default:
			t.Fatalf("%s holds more than once what is to be replaced: %q", dir, what)
		}
	}
	if name == "" {
		t.Fatalf("%s does not hold what is to be replaced: %q", dir, what)
	}
	return name, content
}
