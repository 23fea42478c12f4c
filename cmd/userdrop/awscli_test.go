//go:build awscli

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"userdrop/internal/aws/objects"
	"userdrop/internal/contract"

	"github.com/google/go-cmp/cmp"
)

// TestAWSCLI drives the local double by the AWS CLI alone, as somebody at a terminal would.
func TestAWSCLI(t *testing.T) {
	// So slow that somebody else's job goes on until it is stopped.
	settings := filepath.Join(t.TempDir(), "settings.json")
	if err := os.WriteFile(settings, []byte(`{"usersPerSecond": 1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	deploy(t, doubleOptions{speed: 50, settings: settings})
	c := cli{t}
	machine := func(name string) string {
		return c.text("stepfunctions", "list-state-machines", "--query",
			"stateMachines[?name=='userdrop-"+name+"'].stateMachineArn", "--output", "text")
	}
	importUsers, importJob := machine("import-users"), machine("import-job")

	t.Run("a drop and all that can be seen of it", func(t *testing.T) {
		c := cli{t}
		id := c.drop("users.csv", "users.csv")
		r := c.result(id)
		if r.Verdict != contract.VerdictPartial || r.Rows.Imported != 6 || r.Rows.Rejected != 8 {
			t.Errorf("verdict %s, rows %+v", r.Verdict, r.Rows)
		}
		execution := contract.ExecutionARN(importUsers, id)
		if got := c.text("stepfunctions", "describe-execution", "--execution-arn", execution, "--query", "status",
			"--output", "text"); got != "SUCCEEDED" {
			t.Errorf("the execution is %s", got)
		}
		types := strings.Fields(c.text("stepfunctions", "get-execution-history", "--execution-arn", execution, "--query",
			"events[].type", "--output", "text"))
		for _, want := range []string{
			"ExecutionStarted", "LambdaFunctionSucceeded", "MapIterationSucceeded", "TaskSubmitted", "ExecutionSucceeded",
		} {
			if !slices.Contains(types, want) {
				t.Errorf("the history has no %s: %v", want, types)
			}
		}
		if users := c.text("cognito-idp", "list-users", "--user-pool-id", examplePool, "--query", "Users[].Username",
			"--output", "text"); len(strings.Fields(users)) != 6 {
			t.Errorf("users %s", users)
		}
		if name := c.text("cognito-idp", "describe-user-pool", "--user-pool-id", examplePool, "--query", "UserPool.Name",
			"--output", "text"); name != "example" {
			t.Errorf("the pool's name is %s", name)
		}
		groups := strings.Fields(c.text("logs", "describe-log-groups", "--query", "logGroups[].logGroupName", "--output",
			"text"))
		group := "/aws/cognito/userpools/" + examplePool + "/example"
		if !slices.Contains(groups, group) || !slices.Contains(groups, "/aws/lambda/userdrop-prepare-import") {
			t.Errorf("log groups %v", groups)
		}
		if lines := c.text("logs", "filter-log-events", "--log-group-name", group, "--filter-pattern", "SUCCEEDED", "--query",
			"length(events)", "--output", "text"); lines != "6" {
			t.Errorf("%s lines of rows that succeeded", lines)
		}
		moved := c.text("s3", "ls", "--recursive", "s3://userdrop-inbox/")
		if strings.Contains(moved, "incoming/") || !strings.Contains(moved, "processed/") {
			t.Errorf("the inbox has\n%s", moved)
		}
	})

	t.Run("an event that comes twice", func(t *testing.T) {
		c := cli{t}
		id := c.drop("good.csv", "twice.csv")
		c.result(id)
		drop := c.text("stepfunctions", "describe-execution", "--execution-arn", contract.ExecutionARN(importUsers, id), "--query",
			"input", "--output", "text")
		var input struct {
			Source struct {
				Bucket, Key, VersionID, ETag string
				Bytes                        int64
			}
		}
		if err := json.Unmarshal([]byte(drop), &input); err != nil {
			t.Fatal(err)
		}
		event, err := json.Marshal(map[string]any{"detail": map[string]any{
			"bucket": map[string]any{"name": input.Source.Bucket},
			"object": map[string]any{
				"key": input.Source.Key, "version-id": input.Source.VersionID, "etag": input.Source.ETag,
				"size": input.Source.Bytes,
			},
		}})
		if err != nil {
			t.Fatal(err)
		}
		jobs, imports := c.jobs(), c.count(importUsers)
		if err := os.WriteFile("event.json", event, 0o600); err != nil {
			t.Fatal(err)
		}
		c.text("lambda", "invoke", "--function-name", "userdrop-start-import", "--payload", "fileb://event.json",
			"answer.json")
		answer, err := os.ReadFile("answer.json")
		if err != nil {
			t.Fatal(err)
		}
		if want := `{"imports":["` + id + `"],"ignored":0}`; string(answer) != want {
			t.Errorf("start-import answers %s, want %s", answer, want)
		}
		if c.jobs() != jobs || c.count(importUsers) != imports {
			t.Error("the second event started something")
		}
	})

	t.Run("the same content again", func(t *testing.T) {
		c := cli{t}
		r := c.result(c.drop("good.csv", "twice.csv"))
		if r.Verdict != contract.VerdictSucceeded || r.Rows.Skipped != 2 {
			t.Errorf("verdict %s, rows %+v", r.Verdict, r.Rows)
		}
	})

	t.Run("a drop behind a job of somebody else", func(t *testing.T) {
		c := cli{t}
		header := c.text("cognito-idp", "get-csv-header", "--user-pool-id", examplePool, "--query", "CSVHeader", "--output",
			"json")
		var columns []string
		if err := json.Unmarshal([]byte(header), &columns); err != nil {
			t.Fatal(err)
		}
		job := c.create("foreign")
		upload(t, job.PreSignedURL, foreign(columns, 50_000))
		if got := c.job("start-user-import-job", job.JobID).Status; got != "Pending" {
			t.Errorf("the started job is %s", got)
		}
		id := c.drop("good.csv", "behind.csv")
		arn := contract.ExecutionARN(importUsers, id)
		for c.count(importJob, "--status-filter", "RUNNING") == 0 {
			time.Sleep(50 * time.Millisecond)
		}
		if got := c.job("describe-user-import-job", job.JobID).Status; got != "InProgress" {
			t.Fatalf("the other job is %s already", got)
		}
		if got := c.text("stepfunctions", "describe-execution", "--execution-arn", arn, "--query", "status", "--output",
			"text"); got != "RUNNING" {
			t.Errorf("the execution is %s", got)
		}
		if got := c.job("stop-user-import-job", job.JobID).Status; got != "Stopped" {
			t.Errorf("the stopped job is %s", got)
		}
		r := c.result(id)
		if other := c.job("describe-user-import-job", job.JobID); r.Verdict != contract.VerdictSucceeded || other.Imported == 0 ||
			float64(r.Jobs[0].StartedAt.UnixMilli()) < other.CompletionDate*1000 {
			t.Errorf("verdict %s, started at %v; the other job is %s with %d users", r.Verdict, r.Jobs[0].StartedAt,
				other.Status, other.Imported)
		}
	})

	t.Run("a job's life", func(t *testing.T) {
		c := cli{t}
		job := c.create("stopped")
		if job.Status != "Created" || job.JobName != "stopped" {
			t.Errorf("created: %+v", job)
		}
		if got := c.job("stop-user-import-job", job.JobID).Status; got != "Stopped" {
			t.Errorf("the stopped job is %s", got)
		}
		c.fails("PreconditionNotMetException", "cognito-idp", "start-user-import-job", "--user-pool-id", examplePool,
			"--job-id", job.JobID)
	})

	t.Run("files that are refused", func(t *testing.T) {
		c := cli{t}
		jobs := c.jobs()
		for name, text := range map[string]string{
			"header.csv": "colour,shape\nred,round\n", "empty.csv": "", "users.pdf": "%PDF-1.7\n\x00\x01\x02",
		} {
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			r := c.result(c.drop(name, name))
			if r.Verdict != contract.VerdictRejected || len(r.Problems) == 0 || len(r.Problems[0].Message) < 20 {
				t.Errorf("%s: %s, %+v", name, r.Verdict, r.Problems)
			}
		}
		if got := c.jobs(); got != jobs {
			t.Errorf("%d jobs, want %d", got, jobs)
		}
	})

	t.Run("stop an execution", func(t *testing.T) {
		c := cli{t}
		c.text("s3api", "put-object", "--bucket", "userdrop-work", "--key", "hold")
		arn := contract.ExecutionARN(importUsers, c.drop("good.csv", "stop.csv"))
		c.text("stepfunctions", "stop-execution", "--execution-arn", arn, "--error", "E", "--cause", "enough")
		got := c.text("stepfunctions", "describe-execution", "--execution-arn", arn, "--query", "[status,error,cause]",
			"--output", "text")
		if diff := cmp.Diff([]string{"ABORTED", "E", "enough"}, strings.Fields(got)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		c.text("s3", "rm", "s3://userdrop-work/hold")
	})

	for _, f := range []struct{ code, args string }{
		{"ResourceNotFoundException", "cognito-idp describe-user-pool --user-pool-id us-east-1_Nothing"},
		{
			"ResourceNotFoundException",
			"cognito-idp describe-user-import-job --user-pool-id " + examplePool + " --job-id import-0",
		},
		{"ResourceNotFoundException", "logs filter-log-events --log-group-name nothing"},
		{"ResourceNotFoundException", "lambda invoke --function-name nothing /dev/null"},
		{"ExecutionDoesNotExist", "stepfunctions describe-execution --execution-arn " + contract.ExecutionARN(importUsers, "nothing")},
		{"InvalidArn", "stepfunctions describe-execution --execution-arn nothing"},
		{"NoSuchBucket", "s3api list-objects-v2 --bucket nothing"},
		{"404", "s3 cp s3://userdrop-results/nothing/result.json -"},
		{"ValidationError", "cloudformation describe-stacks --stack-name nothing"},
	} {
		t.Run(f.code+" "+f.args, func(t *testing.T) { cli{t}.fails(f.code, strings.Fields(f.args)...) })
	}
}

// cli is the AWS CLI.
type cli struct{ t *testing.T }

func (c cli) run(args ...string) (stdout, stderr string, err error) {
	command := exec.CommandContext(c.t.Context(), "aws", args...)
	command.Env = append(os.Environ(), "AWS_PAGER=", "AWS_MAX_ATTEMPTS=1")
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	err = command.Run()
	return strings.TrimSpace(out.String()), errs.String(), err
}

func (c cli) text(args ...string) string {
	c.t.Helper()
	stdout, stderr, err := c.run(args...)
	if err != nil {
		c.t.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, stderr)
	}
	return stdout
}

// fails expects AWS's error with that code.
func (c cli) fails(code string, args ...string) {
	c.t.Helper()
	stdout, stderr, err := c.run(args...)
	if err == nil || !strings.Contains(stderr, "("+code+")") {
		c.t.Errorf("aws %s: %v, want %s\n%s%s", strings.Join(args, " "), err, code, stdout, stderr)
	}
}

// drop puts a file into the inbox, and waits for its import.
func (c cli) drop(file, key string) (importID string) {
	c.t.Helper()
	newest := func() string {
		return c.text("stepfunctions", "list-executions", "--state-machine-arn",
			"arn:aws:states:us-east-1:123456789012:stateMachine:userdrop-import-users", "--max-items", "1", "--query",
			"executions[0].name", "--output", "text")
	}
	before := newest()
	c.text("s3", "cp", "--quiet", file, "s3://userdrop-inbox/incoming/"+examplePool+"/"+key)
	for {
		// With --max-items the CLI prints the token of the next page, too.
		if id, _, _ := strings.Cut(newest(), "\n"); id != strings.Fields(before)[0] {
			return id
		}
	}
}

// result waits for the result of an import.
func (c cli) result(importID string) *contract.Result {
	c.t.Helper()
	for {
		if text, _, err := c.run("s3", "cp", "s3://userdrop-results/"+importID+"/result.json", "-"); err == nil {
			r, err := contract.UnmarshalResult([]byte(text))
			if err != nil {
				c.t.Fatal(err)
			}
			return r
		}
		if err := objects.Sleep(c.t.Context(), 50*time.Millisecond); err != nil {
			c.t.Fatal(err)
		}
	}
}

// count is the number of a machine's executions.
func (c cli) count(machine string, more ...string) int {
	c.t.Helper()
	var n int
	text := c.text(append([]string{
		"stepfunctions", "list-executions", "--state-machine-arn", machine, "--query", "length(executions)",
	}, more...)...)
	if err := json.Unmarshal([]byte(text), &n); err != nil {
		c.t.Fatal(err)
	}
	return n
}

// jobs is the number of the pool's import jobs.
func (c cli) jobs() int {
	c.t.Helper()
	var n int
	text := c.text("cognito-idp", "list-user-import-jobs", "--user-pool-id", examplePool, "--max-results", "50", "--query",
		"length(UserImportJobs)")
	if err := json.Unmarshal([]byte(text), &n); err != nil {
		c.t.Fatal(err)
	}
	return n
}

// job is what the AWS CLI prints of an import job.
type job struct {
	JobID          string `json:"JobId"`
	JobName        string
	PreSignedURL   string `json:"PreSignedUrl"`
	Status         string
	Imported       int `json:"ImportedUsers"`
	CompletionDate float64
}

func (c cli) create(name string) job {
	c.t.Helper()
	role := c.text("cloudformation", "describe-stack-resources", "--stack-name", "userdrop", "--query",
		"StackResources[?LogicalResourceId=='ImportLogsRole'].PhysicalResourceId", "--output", "text")
	return c.decode(c.text("cognito-idp", "create-user-import-job", "--user-pool-id", examplePool, "--job-name", name,
		"--cloud-watch-logs-role-arn", "arn:aws:iam::123456789012:role/"+role))
}

func (c cli) job(operation, id string) job {
	c.t.Helper()
	return c.decode(c.text("cognito-idp", operation, "--user-pool-id", examplePool, "--job-id", id))
}

func (c cli) decode(text string) job {
	c.t.Helper()
	var out struct{ UserImportJob job }
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		c.t.Fatalf("%v: %s", err, text)
	}
	return out.UserImportJob
}

// needsAWS reports whether a command deploys, or names what only its reader has: a bucket, or one version of an object.
func needsAWS(line string) bool {
	return strings.HasPrefix(line, "aws cloudformation deploy ") || strings.HasPrefix(line, "aws cloudformation package ") ||
		slices.ContainsFunc([]string{"YOUR-BUCKET", `"$bucket"`, "--version-id VERSION"}, func(words string) bool {
			return strings.Contains(line, words)
		})
}

// TestAWSCommands runs the commands of the AWS CLI that the documents show, with the names of the double's stack.
func TestAWSCommands(t *testing.T) {
	commands := shown(t)
	documentsPlace(t)
	checked := 0
	for _, c := range commands {
		if !strings.HasPrefix(c.line, "aws ") || needsAWS(c.line) {
			continue
		}
		checked++
		line := strings.NewReplacer("<InboxBucket>", "userdrop-inbox", "INBOX", "userdrop-inbox", "RESULTS", "userdrop-results",
			"<user pool id>", examplePool, "POOL", examplePool, examplePool, examplePool, "us-east-1_Example", examplePool,
			"STACK-", "userdrop-").Replace(c.line)
		if out, err := exec.Command("bash", "-c", line).CombinedOutput(); err != nil {
			t.Errorf("%s: `%s`: %v: %s", c.document, line, err, out)
		}
	}
	if checked < 10 {
		t.Errorf("only %d commands were found in the documents", checked)
	}
}

// foreign is a file in Cognito's own dialect.
func foreign(columns []string, rows int) string {
	columns = slices.DeleteFunc(columns, func(c string) bool { return c == "password_hash" })
	var b strings.Builder
	b.WriteString(strings.Join(columns, ",") + "\n")
	for i := range rows {
		cells := make([]string, len(columns))
		for j, column := range columns {
			switch column {
			case "cognito:username":
				cells[j] = fmt.Sprintf("foreign%d", i)
			case "email":
				cells[j] = fmt.Sprintf("foreign%d@example.com", i)
			case "email_verified":
				cells[j] = "true"
			case "phone_number_verified", "cognito:mfa_enabled":
				cells[j] = "false"
			}
		}
		b.WriteString(strings.Join(cells, ",") + "\n")
	}
	return b.String()
}

// upload does what Cognito's documentation does by curl.
func upload(t *testing.T, url, text string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("x-amz-server-side-encryption", "aws:kms")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("upload: %s", response.Status)
	}
}
