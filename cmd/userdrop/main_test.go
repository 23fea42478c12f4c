package main

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"userdrop/internal/aws/objects"
	"userdrop/internal/client"
	"userdrop/internal/contract"
	"userdrop/localaws"
)

// TestMain lets the test's executable be the functions of a double, as the command's own is.
func TestMain(m *testing.M) {
	actAsFunction()
	os.Exit(m.Run())
}

// good is a file of users for examplePool that pass all the rules.
const good = "username,email,email_verified\nada,ada@example.com,true\ngrace,grace@example.com,true\n"

const examplePool = "us-east-1_Example1"

// workplace is a directory with the example's files and a good one.
func workplace(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	for name, from := range map[string]string{"pool.json": "pool.json", "users.csv": "users.csv"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "examples", from))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "good.csv"), []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
}

// deploy boots a double in a workplace, and points the user's AWS settings at it.
func deploy(t *testing.T, o doubleOptions) *localaws.Double {
	t.Helper()
	workplace(t)
	o.pools = []string{"pool.json"}
	o.speed = max(o.speed, 1)
	d, endpoint, stop, err := o.boot("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	awsSettings(t, endpoint, d.Account.Region)
	return d
}

func awsSettings(t *testing.T, endpoint, region string) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": region, "AWS_DEFAULT_REGION": region,
		"AWS_ACCESS_KEY_ID": localKeyID, "AWS_SECRET_ACCESS_KEY": localSecret, "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	t.Setenv("AWS_PROFILE", "") // to have it back at the end
	if err := os.Unsetenv("AWS_PROFILE"); err != nil {
		t.Fatal(err) // the AWS CLI takes an empty one for a profile's name
	}
}

// importIDs stand for themselves in a text.
var importIDs = regexp.MustCompile(`\b(good|users)-[0-9a-f]{24}\b`)

func TestDemo(t *testing.T) {
	workplace(t)
	for _, c := range []struct {
		name, args string
		code       int
		verdict    string
		rows       contract.Rows
		files      []string
	}{
		{
			"the example", "demo", 0, "\n\n◐ PARTIAL\n  6 of 14 users are in the pool.\n",
			contract.Rows{Read: 14, Rejected: 8, Submitted: 6, RowOutcomes: &contract.RowOutcomes{Imported: 6}},
			[]string{"failed.csv", "report.html", "result.json"},
		},
		{
			"a good file, into the same directory", "demo good.csv --pool pool.json", 0,
			"\n\n✔ SUCCEEDED\n  All 2 users are in the pool.\n",
			contract.Rows{Read: 2, Submitted: 2, RowOutcomes: &contract.RowOutcomes{Imported: 2}},
			[]string{"report.html", "result.json"},
		},
		{
			"a file with bad rows", "demo users.csv --pool pool.json", 1, "\n\n◐ PARTIAL\n",
			contract.Rows{Read: 14, Rejected: 8, Submitted: 6, RowOutcomes: &contract.RowOutcomes{Imported: 6}},
			[]string{"failed.csv", "report.html", "result.json"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, stdout, stderr := userdrop(append(strings.Fields(c.args), "--speed", "100")...)
			if code != c.code || strings.Count(stdout, c.verdict) != 1 ||
				!strings.HasSuffix(stdout, "\n\nreport      out/demo/report.html\n") {
				t.Fatalf("exit %d, want %d\n%s%s", code, c.code, stdout, stderr)
			}
			for _, told := range []string{"✔ Dropped ", "✔ Checked: "} {
				if !strings.Contains(stderr, told) {
					t.Errorf("standard error does not tell %q:\n%s", told, stderr)
				}
			}
			if strings.Contains(stdout+stderr, "\x1b") {
				t.Error("there are colours or cursor movements in what is no terminal")
			}
			text, err := os.ReadFile("out/demo/result.json")
			if err != nil {
				t.Fatal(err)
			}
			r, err := contract.UnmarshalResult(text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.rows, r.Rows); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.files, files(t, "out/demo")); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestRepaired drops the failed.csv of the result before: what somebody has repaired must not be lost.
func TestRepaired(t *testing.T) {
	deploy(t, doubleOptions{speed: 100})
	for _, args := range []string{
		"demo out/demo/failed.csv --pool pool.json", "drop out/demo/failed.csv --watch --out out/demo",
	} {
		if err := os.MkdirAll("out/demo", 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("out/demo/failed.csv", []byte(good), 0o600); err != nil {
			t.Fatal(err)
		}
		code, _, stderr := userdrop(strings.Fields(args)...)
		if code != exitUsage || !strings.Contains(stderr, "failed.csv would be overwritten: choose another directory") {
			t.Errorf("%s: %s", args, stderr)
		}
		if text, err := os.ReadFile("out/demo/failed.csv"); err != nil || string(text) != good {
			t.Errorf("%s: %v\n%s", args, err, text)
		}
	}
	args := strings.Fields("drop out/demo/failed.csv --watch --interval 20ms --out again")
	if code, _, stderr := userdrop(args...); code != 0 {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

// TestExecutable runs the built command, which is one file that has all its functions within.
func TestExecutable(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "userdrop")
	build := exec.Command("go", "build", "-ldflags", "-X main.version=v1.2.3", "-o", binary, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	workplace(t)
	demo := exec.Command(binary, "demo", "good.csv", "--pool", "pool.json", "--speed", "100")
	if out, err := demo.CombinedOutput(); err != nil {
		t.Errorf("demo: %v\n%s", err, out)
	}
	if out, err := exec.Command(binary, "version").CombinedOutput(); err != nil || string(out) != "userdrop v1.2.3\n" {
		t.Errorf("version: %v %q", err, out)
	}
	function := exec.Command(binary)
	function.Env = append(os.Environ(), functionVariable+"=no-such-function")
	if err := function.Run(); err == nil || function.ProcessState.ExitCode() != exitUsage {
		t.Errorf("a function that is not there: %v", err)
	}
}

func TestUsage(t *testing.T) {
	workplace(t)
	if err := os.WriteFile("settings.json", []byte(`{"busyError": "Busy"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("unknown.json", []byte(`{"buzyError": "Busy"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	for _, name := range []string{"REGION", "DEFAULT_REGION", "PROFILE", "ACCESS_KEY_ID", "ENDPOINT_URL"} {
		t.Setenv("AWS_"+name, "")
	}
	for _, c := range []struct {
		args   string
		code   int
		stderr string
	}{
		{"nonsense", 64, `unknown command "nonsense": see "userdrop --help"`},
		{"chek users.csv", 64, `unknown command "chek": did you mean "check"?`},
		{"list --limits 3", 64, `unknown flag: --limits (see "userdrop list --help")`},
		{"demo none.csv", 64, "open none.csv: no such file or directory"},
		{"demo users.csv --pool a.json --pool b.json", 64, "demo needs one --pool POOL.json: " + howToGetPool},
		{"drop s3://inbox/users.csv --region us-east-1", 64, "no AWS credentials were found ("},
		{"demo --pool pool.json", 64, "--pool needs a FILE to import"},
		{"demo users.csv --pool users.csv", 64, "users.csv: not the JSON of describe-user-pool"},
		{"demo none.csv --pool pool.json", 64, "open none.csv: no such file or directory"},
		{"demo --settings settings.json", 64, `settings.json: setting busyError: "Busy" is none of `},
		{"demo --settings unknown.json", 64, `settings.json: json: unknown field "buzyError"`},
		{"demo --functions none", 64, "stat none: no such file or directory"},
		{"local", 64, "local needs a user pool, --pool POOL.json: " + howToGetPool},
		{"local --pool none.json", 64, "open none.json: no such file or directory"},
		{"local --pool pool.json --listen nowhere", 64, "can't listen at nowhere: missing port in address"},
		{"local --pool pool.json --speed 0", 64, "--speed 0 is no number above 0"},
		{"local --pool pool.json --speed NaN", 64, "--speed NaN is no number above 0"},
		{"drop", 64, `usage: userdrop drop FILE... [flags] (see "userdrop drop --help")`},
		{"mappings show", 64, `usage: userdrop mappings show NAME [flags] (see "userdrop mappings show --help")`},
		{"mappings shw", 64, `usage: userdrop mappings [show NAME | schema] [flags] (see "userdrop mappings --help")`},
		{"convert users.csv", 64, `convert needs --mapping NAME|FILE: see "userdrop mappings"`},
		{"convert users.csv --mapping okta", 64, "convert needs a user pool, --pool POOL.json: " + howToGetPool},
		{"convert users.csv --mapping okta --pool pool.json", 64, "convert needs --out DIR"},
		{"pause now", 64, `usage: userdrop pause [flags] (see "userdrop pause --help")`},
		{"drop users.csv --out dir", 64, "--out needs --watch"},
		{"list --limit 0", 64, "--limit 0 is not above 0"},
		{"list", 64, "no AWS Region is set: use --region, AWS_REGION or a profile that has one"},
		{"list --region us-east-1", 64, "no AWS credentials were found ("},
		{"list --region us-east-1 --profile none", 64, `there is no AWS profile "none"`},
		{"check users.csv --pool-id us-east-1_A", 64, "no AWS Region is set"},
	} {
		t.Run(c.args, func(t *testing.T) {
			code, stdout, stderr := userdrop(strings.Fields(c.args)...)
			if want := strings.Replace(c.stderr, "settings.json: json", "unknown.json: json", 1); code != c.code ||
				!strings.HasPrefix(stderr, "userdrop: "+want) || strings.Count(stderr, "\n") != 1 || stdout != "" {
				t.Errorf("exit %d, want %d and %q\n%s%s", code, c.code, want, stdout, stderr)
			}
		})
	}
}

// TestCompletion asks as a shell does.
func TestCompletion(t *testing.T) {
	deploy(t, doubleOptions{speed: 100})
	code, id, stderr := userdrop("drop", "good.csv")
	if code != 0 {
		t.Fatalf("drop: exit %d: %s", code, stderr)
	}
	id = strings.TrimSpace(id)
	if code, _, stderr := userdrop("watch", id); code != 0 {
		t.Fatalf("watch: exit %d: %s", code, stderr)
	}
	ids := id + "\tsucceeded\n:36\n" // as they come, and no files
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"watch", ""}, ids},
		{[]string{"cancel", ""}, ids},
		{[]string{"cancel", id, ""}, ":4\n"},
		{[]string{"pause", ""}, ":4\n"},
		{[]string{"drop", ""}, ":0\n"}, // files
		{[]string{"check", "--assume-verified", ""}, "none\nemail\nphone_number\nboth\n:4\n"},
	} {
		if _, stdout, _ := userdrop(append([]string{"__complete"}, c.args...)...); stdout != c.want {
			t.Errorf("%q is completed by %q, want %q", c.args, stdout, c.want)
		}
	}
}

// TestHelp proves that every command lists its exit codes, with an example.
func TestHelp(t *testing.T) {
	for _, c := range newRootCommand().Commands() {
		if c.GroupID == "" {
			continue
		}
		t.Run(c.Name(), func(t *testing.T) {
			code, stdout, _ := userdrop(c.Name(), "--help")
			if code != 0 || !strings.Contains(stdout, "Exit codes: 0 ") || !strings.Contains(stdout, "userdrop "+c.Name()) ||
				c.Example == "" {
				t.Errorf("exit %d\n%s", code, stdout)
			}
			for line := range strings.Lines(stdout) {
				if len([]rune(line)) > 121 {
					t.Errorf("a line has more than 120 characters: %s", line)
				}
			}
		})
	}
}

func TestLocal(t *testing.T) {
	workplace(t)
	ctx, interrupt := context.WithCancel(t.Context())
	read, write := io.Pipe()
	ended := make(chan int, 1)
	var stderr strings.Builder
	go func() {
		ended <- execute(ctx, strings.Fields("local --pool pool.json --listen 127.0.0.1:0 --speed 100"),
			strings.NewReader(""), write, &stderr)
		_ = write.Close()
	}()
	buffer := make([]byte, 4096)
	n, err := read.Read(buffer)
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	greeting := string(buffer[:n])
	exports := map[string]string{}
	for line := range strings.Lines(greeting) {
		if assignment, ok := strings.CutPrefix(strings.TrimSpace(line), "export "); ok {
			name, value, _ := strings.Cut(assignment, "=")
			exports[name] = value
		}
	}
	if !strings.HasPrefix(greeting, "ready\n") || !strings.Contains(greeting, "/incoming/"+examplePool+"/") {
		t.Errorf("it greets with\n%s", greeting)
	}
	awsSettings(t, exports["AWS_ENDPOINT_URL"], exports["AWS_REGION"])

	if code, stdout, stderr := userdrop("list"); code != 0 || !strings.HasPrefix(stdout, "No imports yet") {
		t.Errorf("list: exit %d\n%s%s", code, stdout, stderr)
	}
	if code, stdout, stderr := userdrop("drop", "good.csv", "--watch"); code != 0 {
		t.Errorf("drop: exit %d\n%s%s", code, stdout, stderr)
	}
	address := strings.TrimPrefix(exports["AWS_ENDPOINT_URL"], "http://")
	if code, _, stderr := userdrop("local", "--pool", "pool.json", "--listen", address); code != exitUsage ||
		!strings.Contains(stderr, "address already in use (choose another address") {
		t.Errorf("its address a second time: exit %d, %s", code, stderr)
	}
	interrupt()
	if code := <-ended; code != 0 {
		t.Errorf("exit %d: %s", code, stderr.String())
	}
	logged := regexp.MustCompile(`(?m)^[\d:]{8}  dropped  incoming/` + examplePool + `/good\.csv\n` +
		`[\d:]{8}  SUCCEEDED  good-[0-9a-f]{24}  All 2 users are in the pool\.`)
	if !logged.MatchString(stderr.String()) {
		t.Errorf("it logs\n%s", stderr.String())
	}
	if _, err := http.Get(exports["AWS_ENDPOINT_URL"]); err == nil {
		t.Error("it still serves")
	}
}

func TestParameters(t *testing.T) {
	d := deploy(t, doubleOptions{set: []string{"MaxImportDays=14", "AssumeVerified=email"}})
	got := map[string]string{}
	for _, p := range d.Stack.Parameters {
		got[p.Key] = p.Value
	}
	if got["MaxImportDays"] != "14" || got["AssumeVerified"] != "email" {
		t.Errorf("parameters %v", got)
	}
	for flag, want := range map[string]string{
		"MaxImportDays":     "give each parameter once, as KEY=VALUE",
		"=14":               "give each parameter once, as KEY=VALUE",
		"MaxImportDays=no":  "MaxImportDays",
		"MaxImportHours=14": "[MaxImportHours] do not exist in the template",
	} {
		code, _, stderr := userdrop("demo", "--parameter", flag)
		if code != exitUsage || !strings.Contains(stderr, want) {
			t.Errorf("--parameter %s: exit %d, %s", flag, code, stderr)
		}
	}
}

// TestEnvJSON: `make external-sam-local` has SAM use it.
func TestEnvJSON(t *testing.T) {
	d := deploy(t, doubleOptions{})
	if err := writeEnvJSON("env.json", d, "http://192.0.2.7:4566"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("env.json")
	if err != nil {
		t.Fatal(err)
	}
	var environments map[string]map[string]string
	if err := json.Unmarshal(text, &environments); err != nil {
		t.Fatal(err)
	}
	for _, f := range d.Stack.Functions {
		// SAM passes on what the template names, and nothing else.
		if diff := cmp.Diff(slices.Sorted(maps.Keys(f.Environment)),
			slices.Sorted(maps.Keys(environments[f.LogicalID]))); diff != "" {
			t.Errorf("variables of %s (-template +env.json):\n%s", f.LogicalID, diff)
		}
	}
	if e := environments["PrepareImportFunction"]; e["AWS_ENDPOINT_URL"] != "http://192.0.2.7:4566" ||
		e["WORK_BUCKET"] != "userdrop-work" {
		t.Errorf("env.json: %s", text)
	}
	if code, _, stderr := userdrop("local", "--pool", "pool.json", "--env-json", "env.json"); code != exitUsage ||
		!strings.Contains(stderr, "containers") {
		t.Errorf("at an address that no container reaches: exit %d, %s", code, stderr)
	}
}

func TestStack(t *testing.T) {
	d := deploy(t, doubleOptions{speed: 100})
	command := func(t *testing.T, want int, args string) (stdout, stderr string) {
		t.Helper()
		code, stdout, stderr := userdrop(strings.Fields(args)...)
		if code != want {
			t.Fatalf("%s: exit %d, want %d\n%s%s", args, code, want, stdout, stderr)
		}
		return stdout, stderr
	}
	// ids checks a text with its import ids replaced.
	expect := func(t *testing.T, got, want string) {
		t.Helper()
		got = importIDs.ReplaceAllString(got, "$1-ID")
		got = regexp.MustCompile(`\d+ s ago|\d{4}-\d\d-\d\d \d\d:\d\d UTC`).ReplaceAllString(got, "TIME")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error("(-want +got):\n" + diff)
		}
	}

	t.Run("drop, watch, list", func(t *testing.T) {
		id, stderr := command(t, 0, "drop good.csv")
		expect(t, id, "good-ID\n")
		expect(t, stderr, "Uploading  100%  84 bytes of 84 bytes\n"+
			"✔ Dropped good.csv (84 bytes) into s3://userdrop-inbox/incoming/us-east-1_Example1/\nWatch it: userdrop watch good-ID\n")
		stdout, _ := command(t, 0, "watch "+strings.TrimSpace(id)+" --interval 50ms --out fetched")
		if !strings.Contains(stdout, "\n\n✔ SUCCEEDED\n") || !strings.HasSuffix(stdout, "fetched/report.html\n") {
			t.Error(stdout)
		}
		if diff := cmp.Diff([]string{"report.html", "result.json"}, files(t, "fetched")); diff != "" {
			t.Errorf("files (-want +got):\n%s", diff)
		}
		if n := d.Cognito.UserCount(examplePool); n != 2 {
			t.Errorf("%d users in the pool, want 2", n)
		}
		stdout, _ = command(t, 0, "list")
		expect(t, stdout, "VERDICT    ROWS  IN POOL  STARTED  IMPORT\nSUCCEEDED     2        2  TIME  good-ID\n")
	})

	t.Run("the result of a dry run as JSON", func(t *testing.T) {
		stdout, _ := command(t, 1, "drop users.csv --check --watch --json --interval 50ms")
		r, err := contract.UnmarshalResult([]byte(stdout))
		if err != nil || r.Verdict != contract.VerdictChecked || r.Rows.Rejected != 8 {
			t.Errorf("%v\n%s", err, stdout)
		}
		stdout, _ = command(t, 0, "drop good.csv --check --watch --json --interval 50ms")
		if r, err := contract.UnmarshalResult([]byte(stdout)); err != nil || r.Verdict != contract.VerdictChecked {
			t.Errorf("%v\n%s", err, stdout)
		}
	})

	t.Run("list as JSON, limited", func(t *testing.T) {
		stdout, _ := command(t, 0, "list --json --limit 2")
		var imports []client.Listed
		if err := json.Unmarshal([]byte(stdout), &imports); err != nil {
			t.Fatal(err)
		}
		if len(imports) != 2 || imports[0].Verdict != contract.VerdictChecked || imports[0].Rows.Read != 2 ||
			imports[1].Rows.Read != 14 {
			t.Error(stdout)
		}
	})

	t.Run("the latest import, over already", func(t *testing.T) {
		command(t, 1, "drop users.csv --watch --interval 50ms")
		stdout, stderr := command(t, 1, "watch")
		if !strings.Contains(stdout, "\n\n◐ PARTIAL\n") || stderr != "" {
			t.Error(stdout + stderr)
		}
	})

	t.Run("a result that has expired", func(t *testing.T) {
		stdout, _ := command(t, 0, "drop good.csv --watch --json --interval 50ms")
		r, err := contract.UnmarshalResult([]byte(stdout))
		if err != nil {
			t.Fatal(err)
		}
		results := objects.New(s3.NewFromConfig(d.Config("")), d.Stack.Bucket("ResultsBucket").Name)
		if err := results.Erase(t.Context(), r.ImportID+"/"); err != nil {
			t.Fatal(err)
		}
		stdout, _ = command(t, 0, "list --limit 1")
		if !strings.Contains(stdout, "\nresult gone ") {
			t.Error(stdout)
		}
		_, stderr := command(t, 66, "watch "+r.ImportID)
		if want := `userdrop: the stack "userdrop" has no result of "` + r.ImportID; !strings.HasPrefix(stderr, want) {
			t.Error(stderr)
		}
	})

	t.Run("check by the stack's settings", func(t *testing.T) {
		stdout, _ := command(t, 1, "check users.csv --stack userdrop")
		if !strings.HasPrefix(stdout, "! users.csv: 6 of 14") {
			t.Error(stdout)
		}
		command(t, 0, "check good.csv --pool-id "+examplePool)
	})

	t.Run("pause, cancel, resume", func(t *testing.T) {
		stdout, _ := command(t, 0, "pause")
		expect(t, stdout, "Paused: a part that is being imported is finished, and nothing new is started until\n"+
			"\"userdrop resume --stack userdrop\".\n")
		first, _ := command(t, 0, "drop good.csv")

		// Interrupted while it waits.
		ctx, interrupt := context.WithCancel(t.Context())
		var watched watcher
		watched.said = func(text string) {
			if strings.Contains(text, "paused until") {
				interrupt()
			}
		}
		code := execute(ctx, []string{"watch", strings.TrimSpace(first), "--interval", "50ms"}, nil, io.Discard, &watched)
		if want := "The import goes on: userdrop watch good-ID\n"; code != int(exitInterrupted) ||
			!strings.HasSuffix(importIDs.ReplaceAllString(watched.String(), "$1-ID"), want) {
			t.Errorf("exit %d\n%s", code, watched.String())
		}

		second, _ := command(t, 0, "drop good.csv")
		if first == second {
			t.Error("the same content put again is another drop")
		}
		for stdout := ""; !strings.Contains(stdout, strings.TrimSpace(second)); { // its event is on the way
			stdout, _ = command(t, 0, "list --limit 2")
		}
		stdout, _ = command(t, 0, "cancel "+strings.TrimSpace(second))
		if !strings.Contains(stdout, " is stopped.\n") {
			t.Error(stdout)
		}
		stdout, _ = command(t, 0, "list --limit 2")
		expect(t, stdout, `Paused since TIME: nothing new is started until "userdrop resume".

VERDICT     ROWS  IN POOL  STARTED  IMPORT
winding up                 TIME  good-ID
waiting                    TIME  good-ID
  paused until "userdrop resume"
`)
		stdout, _ = command(t, 0, "resume")
		expect(t, stdout, "Resumed: the queue goes on within a minute or so.\n")
		stdout, _ = command(t, 0, "resume")
		expect(t, stdout, "It is not paused.\n")
		_, stderr := command(t, 0, "watch "+strings.TrimSpace(first)+" --interval 50ms")
		if !strings.Contains(stderr, "✔ Checked: 2 rows to import\n") {
			t.Error(stderr)
		}
		stdout, _ = command(t, 0, "cancel "+strings.TrimSpace(first))
		if !strings.Contains(stdout, "is over already") {
			t.Error(stdout)
		}
	})

	for _, c := range []struct {
		args   string
		code   int
		stderr string
	}{
		{"watch nothing", 66, `the stack "userdrop" has no import "nothing": see "userdrop list"`},
		{"cancel nothing", 66, `the stack "userdrop" has no import "nothing": see "userdrop list"`},
		{"list --stack other", 66, `there is no stack "other" in us-east-1: name it with --stack, or its Region with `},
		{"list --region eu-central-1 --stack other", 66, `there is no stack "other" in eu-central-1: name it`},
		{
			"drop good.csv --pool-id us-east-1_Other", 64,
			`the stack "userdrop" does not import into us-east-1_Other: it is for ` + examplePool,
		},
		{"check good.csv --pool-id us-east-1_Other", 66, "there is no user pool us-east-1_Other in us-east-1"},
		{"drop none.csv", 64, "open none.csv: no such file or directory"},
		{"drop B\xfccher.csv", 64, `the name "B\xfccher.csv" is not UTF-8, which S3 wants: rename the file`},
	} {
		t.Run(c.args, func(t *testing.T) {
			if _, stderr := command(t, c.code, c.args); !strings.HasPrefix(stderr, "userdrop: "+c.stderr) {
				t.Errorf("want %q: %s", c.stderr, stderr)
			}
		})
	}
	t.Run("nothing answers", func(t *testing.T) {
		t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
		t.Setenv("AWS_MAX_ATTEMPTS", "1")
		if _, stderr := command(t, 68, "list"); !strings.HasPrefix(stderr, "userdrop: nothing answers at 127.0.0.1:1: ") {
			t.Error(stderr)
		}
	})
	t.Run("no execution is left", func(t *testing.T) {
		for _, m := range d.Stack.StateMachines {
			if strings.HasSuffix(m.Name, "-abort-import") {
				continue // of the import that was cancelled: it waits for zombies
			}
			for _, e := range d.StepFunctions.Executions(m.ARN) {
				if e.Status == "RUNNING" {
					t.Errorf("%s runs", e.ARN)
				}
			}
		}
	})
}

// watcher is a standard error that somebody reads.
type watcher struct {
	strings.Builder
	said func(string)
}

func (w *watcher) Write(p []byte) (int, error) {
	w.said(string(p))
	return w.Builder.Write(p)
}
