//go:build samlocal

package main

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// invocations are the inputs of functions in events/. An account that has not seen the drop that they were recorded of
// lacks some of what they name.
var invocations = []struct{ event, function string }{
	{"await-turn.json", "AwaitTurnFunction"},
	{"collect-rows.json", "CollectRowsFunction"},
	{"copy-to-import-job.json", "CopyToImportJobFunction"},
	{"create-import-job.json", "CreateImportJobFunction"},
	{"describe-import-job.json", "DescribeImportJobFunction"},
	{"prepare-import.json", "PrepareImportFunction"},
	{"publish-result.json", "PublishResultFunction"},
	{"start-import-job.json", "StartImportJobFunction"},
	{"start-import.notification.json", "StartImportFunction"},
	{"start-import.object-created.json", "StartImportFunction"},
	{"stop-import-jobs.json", "StopImportJobsFunction"},
	{"sweep-lost.schedule.json", "SweepLostFunction"},
	{"sweep-scheduled.schedule.json", "SweepScheduledFunction"},
}

// TestSAMLocal has `sam local invoke` run what `sam build` has built, in containers, against the local double.
func TestSAMLocal(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(root, "events", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	tried := []string{filepath.Join(root, "events", "abort-import.status-change.json")} // goes into a state machine
	for _, i := range invocations {
		tried = append(tried, filepath.Join(root, "events", i.event))
	}
	slices.Sort(tried)
	if diff := cmp.Diff(files, tried); diff != "" {
		t.Errorf("events (-files +invocations):\n%s", diff)
	}

	workplace(t)
	o := doubleOptions{pools: []string{"pool.json"}, speed: 50}
	d, endpoint, stop, err := o.boot("0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if err := writeEnvJSON("env.json", d, endpoint); err != nil {
		t.Fatal(err)
	}
	environments, err := filepath.Abs("env.json")
	if err != nil {
		t.Fatal(err)
	}
	awsSettings(t, endpoint, d.Account.Region)
	sam := func(args ...string) *exec.Cmd {
		c := exec.Command("sam", args...)
		c.Dir = root
		return c
	}
	// Without emulation a container runs what is built for its processor.
	architecture := map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH]
	built := t.TempDir()
	if out, err := sam("build", "--parallel", "--build-dir", built,
		"--parameter-overrides", "Architecture="+architecture).CombinedOutput(); err != nil {
		t.Fatalf("sam build: %v\n%s", err, out)
	}
	invoke := []string{
		"local", "invoke", "--template", filepath.Join(built, "template.yaml"),
		"--parameter-overrides", "Architecture=" + architecture, "--env-vars", environments,
	}
	if exec.Command("docker", "image", "inspect", "public.ecr.aws/lambda/provided:al2023-"+architecture).Run() == nil {
		invoke = append(invoke, "--skip-pull-image")
	}
	for _, i := range invocations {
		t.Run(i.event, func(t *testing.T) {
			command := sam(append(invoke, i.function, "--event", filepath.Join("events", i.event))...)
			var stderr bytes.Buffer
			command.Stderr = &stderr
			stdout, err := command.Output()
			if err != nil {
				t.Fatalf("%v: %s%s", err, stdout, stderr.String())
			}
			var answer struct{ ErrorType, ErrorMessage string }
			if err := json.Unmarshal(stdout, &answer); err != nil {
				t.Fatalf("%v: %s%s", err, stdout, stderr.String())
			}
			if answer.ErrorType != "" && !strings.Contains(strings.ToLower(answer.ErrorMessage), "does not exist") {
				t.Errorf("it answers %s\n%s", stdout, stderr.String())
			}
		})
	}
}
