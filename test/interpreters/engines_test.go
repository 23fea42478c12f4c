//go:build interpreters

package interpreters_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"userdrop/localaws/stepfunctions"
)

// execution is how an execution ended, on whichever interpreter.
type execution struct {
	Status   string     `json:"status"`
	Output   any        `json:"output"`
	Error    string     `json:"error"`
	Cause    string     `json:"cause"`
	States   []string   `json:"states"`
	Children [][]string `json:"children"` // states of nested executions
}

// engine is an interpreter. It runs an execution of a machine, by its name in statemachine/, in a world.
type engine interface {
	run(w *world, machine, name string, input []byte) execution
}

// ours is the double's interpreter.
type ours struct{}

func (ours) run(w *world, machine, name string, input []byte) execution {
	w.t.Helper()
	x, err := w.StepFunctions.StartExecution(w.t.Context(), stepfunctions.StartInput{
		MachineARN: w.Machine(machine), Name: name, Input: string(input),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if x, err = w.StepFunctions.Wait(w.t.Context(), x.ARN); err != nil {
		w.t.Fatal(err)
	}
	e := execution{Status: x.Status, Error: x.Error, Cause: x.Cause, States: entered(w, x.ARN)}
	_ = json.Unmarshal([]byte(x.Output), &e.Output)
	if machine == "import-users" {
		for _, child := range w.StepFunctions.Executions(w.Machine("import-job")) {
			e.Children = append(e.Children, entered(w, child.ARN))
		}
	}
	return e
}

func entered(w *world, arn string) []string {
	w.t.Helper()
	history, err := w.StepFunctions.History(w.t.Context(), arn)
	if err != nil {
		w.t.Fatal(err)
	}
	var states []string
	for _, event := range history {
		if strings.HasSuffix(event.Type, "StateEntered") {
			states = append(states, event.Details["name"].(string))
		}
	}
	return states
}

// stand starts the stand-in of an execution that runs elsewhere, and returns what stops it.
func stand(w *world, machine, name string, input []byte) (stop func()) {
	w.t.Helper()
	if machine != "import-job" {
		return func() {}
	}
	x, err := w.StepFunctions.StartExecution(w.t.Context(), stepfunctions.StartInput{
		MachineARN: w.Machine(machine), Name: name, Input: string(input),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return func() {
		if _, err := w.StepFunctions.StopExecution(context.WithoutCancel(w.t.Context()), x.ARN, "", ""); err != nil {
			w.t.Error(err)
		}
	}
}

// front serves the double of the scenario at hand at an address that stays.
type front struct {
	*http.Server
	address string
	double  atomic.Pointer[http.Handler]
}

func newFront(t *testing.T) *front {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &front{address: listener.Addr().String()}
	f.Server = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) { (*f.double.Load()).ServeHTTP(w, r) },
	)}
	go func() { _ = f.Serve(listener) }()
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func (f *front) serve(h http.Handler) { f.double.Store(&h) }
func (f *front) url() string          { return "http://" + f.address }

// moto is moto's interpreter, in a server of its own. Its integrations call the front, since MOTO_PORT says so.
type moto struct {
	client *sfn.Client
	url    string
}

func newMoto(t *testing.T, f *front) *moto {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	_, ours, _ := net.SplitHostPort(f.address)
	_ = listener.Close()
	server := exec.CommandContext(t.Context(), tool(t, "moto/bin/moto_server"), "-H", "127.0.0.1", "-p", port)
	server.Env = append(os.Environ(), "MOTO_PORT="+ours)
	server.Cancel = func() error { return server.Process.Signal(syscall.SIGTERM) }
	server.WaitDelay = 5 * time.Second
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Cancel(); _ = server.Wait() })
	m := &moto{url: "http://127.0.0.1:" + port}
	within(t, func() bool {
		response, err := http.Post(m.url+"/moto-api/config", "application/json",
			strings.NewReader(`{"stepfunctions": {"execute_state_machine": true}}`))
		if err == nil {
			_ = response.Body.Close()
		}
		return err == nil && response.StatusCode == http.StatusCreated
	})
	m.client = sfn.New(sfn.Options{
		Region: "us-east-1", BaseEndpoint: &m.url,
		Credentials: credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", "secret", ""),
	})
	return m
}

func (m *moto) run(w *world, machine, name string, input []byte) execution {
	t := w.t
	t.Helper()
	response, err := http.Post(m.url+"/moto-api/reset", "", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	arn := w.Machine(machine)
	created, err := m.client.CreateStateMachine(t.Context(), &sfn.CreateStateMachineInput{
		Name: aws.String(arn[strings.LastIndex(arn, ":")+1:]), Definition: aws.String(string(definition(t, machine))),
		RoleArn: aws.String("arn:aws:iam::123456789012:role/moto"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if *created.StateMachineArn != arn {
		t.Fatalf("moto calls the machine %s, not %s", *created.StateMachineArn, arn)
	}
	defer stand(w, machine, name, input)()
	started, err := m.client.StartExecution(t.Context(), &sfn.StartExecutionInput{
		StateMachineArn: &arn, Name: &name, Input: aws.String(string(input)),
	})
	if err != nil {
		t.Fatal(err)
	}
	var x *sfn.DescribeExecutionOutput
	within(t, func() bool {
		x, err = m.client.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: started.ExecutionArn})
		return err != nil || x.Status != types.ExecutionStatusRunning
	})
	if err != nil {
		t.Fatal(err)
	}
	e := execution{Status: string(x.Status), Error: aws.ToString(x.Error), Cause: aws.ToString(x.Cause)}
	_ = json.Unmarshal([]byte(aws.ToString(x.Output)), &e.Output)
	history, err := m.client.GetExecutionHistory(t.Context(), &sfn.GetExecutionHistoryInput{
		ExecutionArn: started.ExecutionArn, MaxResults: 1000,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range history.Events {
		if event.StateEnteredEventDetails != nil {
			e.States = append(e.States, *event.StateEnteredEventDetails.Name)
		}
	}
	return e
}

// als is the npm package aws-local-stepfunctions. Where it differs from AWS:
//
//   - It looks for TimeoutSecondsPath in the input after Parameters; AWS looks in the state's input. So the one path of
//     the definitions is replaced by its value, which is a change of time alone.
//   - It has neither names nor Redrive counts in the context object: they are given to it.
//   - A caught error's Cause is a sentence; AWS gives the function's whole answer as JSON. Causes are not compared.
type als struct {
	front *front
}

// timeouts is a definition with a time-out in place of the path to it.
func timeouts(definition []byte) json.RawMessage {
	return bytes.ReplaceAll(definition,
		[]byte(`"TimeoutSecondsPath": "$.timeoutSeconds"`), []byte(`"TimeoutSeconds": 1209600`))
}

func (a als) run(w *world, machine, name string, input []byte) execution {
	t := w.t
	t.Helper()
	request := map[string]any{
		"definition": timeouts(definition(t, machine)), "input": json.RawMessage(input),
		// What the package does not put into the context object.
		"context": map[string]any{
			"Execution":    map[string]any{"Name": name, "RedriveCount": 0},
			"StateMachine": map[string]any{"Id": w.Machine(machine)},
		},
	}
	if machine == "import-users" {
		request["child"] = json.RawMessage(definition(t, "import-job"))
	}
	defer stand(w, machine, name, input)()
	packages, err := filepath.Abs("../../.tools/npm/package.json")
	if err != nil {
		t.Fatal(err)
	}
	node := exec.CommandContext(t.Context(), tool(t, "npm/node_modules/.bin/node"), "als.mjs", packages)
	node.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+a.front.url(), "AWS_REGION=us-east-1")
	node.Stdin = bytes.NewReader(encode(t, request))
	node.Stderr = os.Stderr
	answer, err := node.Output()
	var e execution
	if err == nil {
		err = json.Unmarshal(answer, &e)
	}
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// definition is a definition as it is deployed.
func definition(t *testing.T, machine string) []byte {
	t.Helper()
	w := newWorld(t, scenario{}, "", false)
	defer w.Close()
	return w.StepFunctions.Machines()[w.Machine(machine)].Definition
}

func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs("../../.tools/" + name)
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		t.Fatalf("%v: make external-interpreters installs it", err)
	}
	return path
}

// collapse leaves one turn of each loop with a Wait state, since how many there are is a matter of time, and joins
// what is left for people.
func collapse(states []string) string {
	for i := 0; i+6 <= len(states); {
		turn, next := states[i:i+3], states[i+3:i+6]
		if slices.Equal(turn, next) && slices.ContainsFunc(turn, isWait) {
			states = slices.Delete(slices.Clone(states), i, i+3)
			continue
		}
		i++
	}
	return strings.Join(states, " ")
}

func isWait(state string) bool { return strings.HasPrefix(state, "WaitFor") }
