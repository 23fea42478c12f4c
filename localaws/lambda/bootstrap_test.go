package lambda_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"userdrop/localaws/lambda"
	"userdrop/localaws/template"
	"userdrop/localaws/wire"
)

func account() *wire.Account {
	return &wire.Account{ID: "123456789012", Region: "eu-central-1", IDs: wire.NewIDs(1)}
}

// journal collects log lines of all streams.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) log(group, _ string, _ time.Time, line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, group+" "+line)
}

func (j *journal) has(line string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Contains(j.lines, line)
}

// build compiles the test's function as SAM would.
func build(t *testing.T) lambda.Bootstrap {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bootstrap")
	command := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", path, "./testdata/bootstrap")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return lambda.Bootstrap(path)
}

type answer struct {
	PID            int
	RequestID, ARN string
	Left           time.Duration
	Env            map[string]string
	Pad            []byte
}

type functionError struct {
	ErrorType, ErrorMessage string
}

func decode[T any](t *testing.T, payload []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(payload, &v); err != nil {
		t.Fatalf("%v: %s", err, payload)
	}
	return v
}

func TestBootstrap(t *testing.T) {
	code := build(t)
	var logs journal
	service := lambda.New(account(), lambda.Options{
		Endpoint:    "http://127.0.0.1:4566",
		Credentials: func(role string) (string, string, string) { return "key-" + role, "secret", "token" },
		Log:         logs.log,
	})
	t.Cleanup(service.Close)
	for _, f := range []lambda.Function{
		{Code: code, Function: template.Function{
			Name: "fn", RoleARN: "role", MemoryMB: 256, Timeout: 10 * time.Second,
			Environment: map[string]string{"BUCKET": "b"},
		}},
		{Code: code, Function: template.Function{Name: "short", Timeout: time.Second}},
		{Code: code, Function: template.Function{Name: "broken", Environment: map[string]string{"FAIL_INIT": "1"}}},
		{Code: lambda.Bootstrap("testdata/no-such-file"), Function: template.Function{Name: "absent"}},
	} {
		if err := service.Register(f); err != nil {
			t.Fatal(err)
		}
	}
	invoke := func(t *testing.T, function, payload string) lambda.Result {
		t.Helper()
		result, err := service.Invoke(t.Context(), function, []byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		return result
	}

	t.Run("success", func(t *testing.T) {
		result := invoke(t, "fn", `{"Do":"say"}`)
		got := decode[answer](t, result.Payload)
		want := map[string]string{
			"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "key-role", "AWS_SECRET_ACCESS_KEY": "secret",
			"AWS_SESSION_TOKEN": "token", "AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "BUCKET": "b",
			"AWS_LAMBDA_FUNCTION_NAME": "fn", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
			"AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/fn",
		}
		if diff := cmp.Diff(want, got.Env); diff != "" {
			t.Error("environment (-want +got):\n" + diff)
		}
		if got.RequestID != result.RequestID || got.ARN != "arn:aws:lambda:eu-central-1:123456789012:function:fn" {
			t.Errorf("request %q, ARN %q", got.RequestID, got.ARN)
		}
		if got.Left <= 0 || got.Left > 10*time.Second {
			t.Errorf("%v left of 10 s", got.Left)
		}
		if !logs.has("/aws/lambda/fn handling say") ||
			!strings.Contains(result.LogTail, "handling say\nEND RequestId: "+result.RequestID) {
			t.Errorf("the function's line is not in the log: %s", result.LogTail)
		}
	})
	t.Run("a process is used again", func(t *testing.T) {
		first := decode[answer](t, invoke(t, "fn", `{}`).Payload)
		second := decode[answer](t, invoke(t, "fn", `{}`).Payload)
		if first.PID != second.PID {
			t.Errorf("processes %d and %d", first.PID, second.PID)
		}
	})
	t.Run("two at once run in two processes", func(t *testing.T) {
		payload, err := json.Marshal(map[string]string{"Do": "meet", "Dir": t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		var wait sync.WaitGroup
		for range 2 {
			wait.Go(func() {
				if result, err := service.Invoke(t.Context(), "fn", payload); err != nil || result.FunctionError != "" {
					t.Errorf("they did not meet: %s, %v", result.Payload, err)
				}
			})
		}
		wait.Wait()
	})
	t.Run("a reader is streamed", func(t *testing.T) {
		if got := string(invoke(t, "fn", `{"Do":"stream"}`).Payload); got != `{"streamed":true}` {
			t.Error(got)
		}
	})
	t.Run("a big payload", func(t *testing.T) {
		result := invoke(t, "fn", `{"Size":3000000,"Do":"`+strings.Repeat("x", 5<<20)+`"}`)
		if got := decode[answer](t, result.Payload); !bytes.Equal(got.Pad, make([]byte, 3000000)) {
			t.Errorf("got %d bytes of padding", len(got.Pad))
		}
	})

	for _, c := range []struct {
		name, function, payload string
		want                    functionError // {id} is the request's id
	}{
		{"error", "fn", `{"Do":"error"}`, functionError{"customError", "custom"}},
		{"a reader that fails", "fn", `{"Do":"broken stream"}`, functionError{"customError", "custom"}},
		{"wrapped error", "fn", `{"Do":"wrapped"}`, functionError{"wrapError", "wrapped: custom"}},
		{"named error", "fn", `{"Do":"named"}`, functionError{"Busy", "come again"}},
		{"panic", "fn", `{"Do":"panic"}`, functionError{"errorString", "oops"}},
		{
			"exit", "fn", `{"Do":"exit"}`,
			functionError{"Runtime.ExitError", "RequestId: {id} Error: Runtime exited with error: exit status 3"},
		},
		{
			"time-out", "short", `{"Do":"sleep","Sleep":60000000000}`,
			functionError{"Sandbox.Timedout", "{id} Task timed out after 1.00 seconds"},
		},
		{
			"answer too large", "fn", `{"Size":5000000}`,
			functionError{"Function.ResponseSizeTooLarge", "exceeded maximum allowed payload size (6291456 bytes)."},
		},
		{
			"exit before the first event", "broken", `{}`,
			functionError{"Runtime.ExitError", "RequestId: {id} Error: Runtime exited with error: exit status 7"},
		},
		{"no executable", "absent", `{}`, functionError{"Runtime.InvalidEntrypoint", "no such file or directory"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			result := invoke(t, c.function, c.payload)
			got := decode[functionError](t, result.Payload)
			message := strings.ReplaceAll(c.want.ErrorMessage, "{id}", result.RequestID)
			if result.FunctionError != "Unhandled" || got.ErrorType != c.want.ErrorType ||
				!strings.HasSuffix(got.ErrorMessage, message) {
				t.Errorf("got %s %+v, want %+v", result.FunctionError, got, c.want)
			}
			// Whatever happened, the next invocation is served.
			if c.function == "fn" && invoke(t, "fn", `{}`).FunctionError != "" {
				t.Error("the next invocation failed")
			}
		})
	}
}

func TestCloseKillsWhatRuns(t *testing.T) {
	running := make(chan bool, 1)
	service := lambda.New(account(), lambda.Options{Log: func(_, _ string, _ time.Time, line string) {
		if line == "handling sleep" {
			running <- true
		}
	}})
	if err := service.Register(lambda.Function{
		Code: build(t), Function: template.Function{Name: "fn", Timeout: time.Minute},
	}); err != nil {
		t.Fatal(err)
	}
	done := make(chan lambda.Result)
	go func() {
		result, _ := service.Invoke(t.Context(), "fn", []byte(`{"Do":"sleep","Sleep":60000000000}`))
		done <- result
	}()
	<-running
	// A second process is idle.
	if _, err := service.Invoke(t.Context(), "fn", nil); err != nil {
		t.Fatal(err)
	}
	go service.Close()
	if got := decode[functionError](t, (<-done).Payload); got.ErrorType != "Runtime.ExitError" {
		t.Errorf("the busy process: %+v", got)
	}
	service.Close()
	if _, err := service.Invoke(t.Context(), "fn", nil); err == nil {
		t.Error("a closed service ran a function")
	}
}
