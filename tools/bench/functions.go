package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Function is what was measured of one function.
type Function struct {
	Name        string  `json:"name"`
	ZippedMB    float64 `json:"zippedMB"`    // built for arm64, as deployed
	ColdStartMS Spread  `json:"coldStartMS"` // from the start of the process to its first look for work
}

// sizes builds the functions as they are deployed for their sizes, and starts those for this machine for their times.
func sizes(dir string) ([]Function, error) {
	built, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(built)
	_, err = command([]string{"CGO_ENABLED=0", "GOOS=linux", "GOARCH=arm64"},
		"go", "build", "-tags=lambda.norpc", "-trimpath", "-ldflags=-s", "-buildvcs=false", "-o", built, "./functions/...")
	if err != nil {
		return nil, err
	}
	binaries, err := os.ReadDir(built)
	if err != nil {
		return nil, err
	}
	var all []Function
	for _, binary := range binaries {
		f := Function{Name: binary.Name()}
		if f.ZippedMB, err = zipped(filepath.Join(built, f.Name)); err != nil {
			return nil, err
		}
		var starts []float64
		for range rounds {
			p, err := start(filepath.Join(dir, f.Name, "bootstrap"), nil)
			if err != nil {
				return nil, err
			}
			starts = append(starts, p.cold.Seconds()*1000)
			p.stop()
		}
		f.ColdStartMS = spread(starts)
		all = append(all, f)
	}
	return all, nil
}

func zipped(binary string) (float64, error) {
	text, err := os.ReadFile(binary)
	if err != nil {
		return 0, err
	}
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	w, err := z.Create("bootstrap")
	if err == nil {
		_, err = w.Write(text)
	}
	err = errors.Join(err, z.Close())
	return float64(archive.Len()) / 1e6, err
}

// process is a bootstrap that runs under a Runtime API of its own.
type process struct {
	cmd    *exec.Cmd
	cold   time.Duration
	events chan []byte
	done   chan []byte
	server *http.Server
}

// start runs a bootstrap until it asks for its first event.
func start(binary string, environment map[string]string) (*process, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &process{events: make(chan []byte), done: make(chan []byte, 1)}
	ready := make(chan struct{}, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case ready <- struct{}{}:
		default:
		}
		select {
		case event := <-p.events:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "bench")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(15*time.Minute).UnixMilli()))
			w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:bench")
			_, _ = w.Write(event)
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("POST /2018-06-01/runtime/", func(w http.ResponseWriter, r *http.Request) {
		answer, _ := io.ReadAll(r.Body)
		if !strings.HasSuffix(r.URL.Path, "/response") {
			answer = append([]byte("error: "), answer...)
		}
		w.WriteHeader(http.StatusAccepted)
		p.done <- answer
	})
	p.server = &http.Server{Handler: mux} //nolint:gosec // it serves one process of our own
	go func() { _ = p.server.Serve(listener) }()
	p.cmd = exec.Command(binary)
	p.cmd.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + listener.Addr().String(), "AWS_LAMBDA_FUNCTION_NAME=bench", "AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY=secret", "STACK_NAME=bench",
	}
	for name, value := range defaults {
		if _, ok := environment[name]; !ok {
			p.cmd.Env = append(p.cmd.Env, name+"="+value)
		}
	}
	for name, value := range environment {
		p.cmd.Env = append(p.cmd.Env, name+"="+value)
	}
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w (make build makes it)", err)
	}
	select {
	case <-ready:
		p.cold = time.Since(began)
	case answer := <-p.done:
		p.stop()
		return nil, fmt.Errorf("%s: %s", binary, answer)
	case <-time.After(30 * time.Second):
		p.stop()
		return nil, fmt.Errorf("%s does not ask for work", binary)
	}
	return p, nil
}

// defaults are enough for each function to start.
var defaults = map[string]string{
	"INBOX_BUCKET": "inbox", "WORK_BUCKET": "work", "RESULTS_BUCKET": "results", "EVENT_BUS_NAME": "default",
	"USER_POOL_ARNS":   "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_Bench",
	"IMPORT_USERS_ARN": "arn:aws:states:us-east-1:123456789012:stateMachine:import-users", "IMPORT_JOB_ARN": "arn",
	"ABORT_IMPORT_ARN": "arn", "RESULT_TOPIC_ARN": "arn", "CLOUDWATCH_LOGS_ROLE_ARN": "arn", "ASSUME_VERIFIED": "none",
	"MAX_REJECTED_PERCENT": "100", "MAX_IMPORT_DAYS": "90", "MAX_WAIT_FOR_OTHERS_DAYS": "14", "SCHEDULE_TIMEZONE": "UTC",
	"CHECK_EXISTING_USERS": "false",
}

// work hands the process an event, and answers what it answers.
func (p *process) work(event any) ([]byte, error) {
	text, err := json.Marshal(event)
	if err != nil {
		return nil, err
	}
	p.events <- text
	answer := <-p.done
	if bytes.HasPrefix(answer, []byte("error: ")) {
		return nil, errors.New(string(answer))
	}
	return answer, nil
}

// memory is a process's memory in MB, by one of the names that Linux has for it; 0 on other systems.
func (p *process) memory(name string) float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), name+":")
	var kB float64
	if _, err := fmt.Sscan(rest, &kB); err != nil {
		return 0
	}
	return kB * 1024 / 1e6
}

func (p *process) stop() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	_ = p.server.Close()
}
