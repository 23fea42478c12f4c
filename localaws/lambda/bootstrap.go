package lambda

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"
)

// Bootstrap is the path of an executable that speaks the Lambda Runtime API:
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
type Bootstrap string

// initTimeout is how long a new process has until it asks for its first event.
const initTimeout = 10 * time.Second

// process is an environment with a running bootstrap and the Runtime API server that it talks to.
type process struct {
	service *Service
	timeout time.Duration
	log     *journal
	command *exec.Cmd
	server  *http.Server

	ready   chan struct{}   // the process has asked for an event
	events  chan invocation // and is given one
	answers chan Result     // which it answers
	initErr chan Result     // or it failed before the first
	exited  chan struct{}   // closed when the process is gone
	reason  string          // how it ended; to be read once exited is closed

	output  *os.File      // our copy of the end that the process writes to
	flushed chan struct{} // a marker came out of the pipe
	drained chan struct{} // closed when the pipe's reader has ended
}

func (b Bootstrap) open(s *Service, f *function) (environment, *failure) {
	p := &process{
		service: s, timeout: f.Timeout, log: s.journalFor(f),
		ready: make(chan struct{}), events: make(chan invocation), answers: make(chan Result, 1),
		initErr: make(chan Result, 1), exited: make(chan struct{}),
		flushed: make(chan struct{}, 1), drained: make(chan struct{}),
	}
	if err := p.start(string(b), f); err != nil {
		return nil, &failure{"Runtime.InvalidEntrypoint", func(id string) string {
			return fmt.Sprintf("RequestId: %s Error: %v", id, err)
		}}
	}
	if failed := p.await(initTimeout); failed != nil {
		p.close()
		return nil, failed
	}
	return p, nil
}

func (p *process) start(path string, f *function) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	input, output, err := os.Pipe()
	if err != nil {
		return closeAfter(err, listener)
	}
	p.output = output
	p.command = exec.Command(path)
	p.command.Dir = filepath.Dir(path)
	p.command.Env = p.environ(f, listener.Addr().String())
	p.command.Stdout, p.command.Stderr = output, output
	if err := p.command.Start(); err != nil {
		return closeAfter(err, listener, input, output)
	}
	p.server = &http.Server{Handler: p.runtimeAPI()}
	go func() { _ = p.server.Serve(listener) }()
	go p.read(input)
	go func() {
		if err := p.command.Wait(); err != nil {
			p.reason = err.Error()
		}
		close(p.exited)
	}()
	return nil
}

func closeAfter(err error, closers ...io.Closer) error {
	for _, c := range closers {
		_ = c.Close()
	}
	return err
}

// environ is the function's environment with the variables that Lambda reserves:
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
func (p *process) environ(f *function, address string) []string {
	region := p.service.account.Region
	env := maps.Clone(f.Environment)
	if env == nil {
		env = map[string]string{}
	}
	maps.Copy(env, map[string]string{
		"PATH":                            os.Getenv("PATH"),
		"TZ":                              ":UTC",
		"LANG":                            "en_US.UTF-8",
		"_HANDLER":                        "bootstrap",
		"LAMBDA_TASK_ROOT":                p.command.Dir,
		"AWS_REGION":                      region,
		"AWS_DEFAULT_REGION":              region,
		"AWS_EXECUTION_ENV":               "AWS_Lambda_provided.al2023",
		"AWS_LAMBDA_RUNTIME_API":          address,
		"AWS_LAMBDA_FUNCTION_NAME":        f.Name,
		"AWS_LAMBDA_FUNCTION_VERSION":     latest,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(f.MemoryMB),
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME":       p.log.group,
		"AWS_LAMBDA_LOG_STREAM_NAME":      p.log.stream,
		"AWS_LAMBDA_LOG_FORMAT":           f.LogFormat,
	})
	if p.service.options.Endpoint != "" {
		env["AWS_ENDPOINT_URL"] = p.service.options.Endpoint
	}
	if p.service.options.Credentials != nil {
		key, secret, token := p.service.options.Credentials(f.RoleARN)
		env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], env["AWS_SESSION_TOKEN"] = key, secret, token
	}
	list := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		list = append(list, name+"="+env[name])
	}
	return list
}

func (p *process) journal() *journal { return p.log }

// await waits until the process asks for an event.
func (p *process) await(limit time.Duration) *failure {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.ready:
		return nil
	case result := <-p.initErr:
		return asFailure(result)
	case <-timer.C:
		return timedOut(limit)
	case <-p.service.ctx.Done():
		return exited("signal: killed")
	case <-p.exited:
		select {
		case result := <-p.initErr: // posted just before the end
			return asFailure(result)
		default:
			return exited(p.reason)
		}
	}
}

func asFailure(r Result) *failure {
	var e messages.InvokeResponse_Error
	if err := json.Unmarshal(r.Payload, &e); err != nil {
		e = messages.InvokeResponse_Error{Type: "Runtime.InitError", Message: string(r.Payload)}
	}
	return &failure{e.Type, func(string) string { return e.Message }}
}

func (p *process) invoke(inv invocation) (Result, bool) {
	timer := time.NewTimer(time.Until(inv.deadline))
	defer timer.Stop()
	select {
	case p.events <- inv:
	case <-p.exited: // killed while it was idle
		return Exited(inv.id, p.reason), false
	}
	var result Result
	select {
	case result = <-p.answers:
	case <-p.exited:
		select {
		case result = <-p.answers: // posted just before the end
		default:
			p.flush()
			return Exited(inv.id, p.reason), false
		}
	case <-timer.C:
		p.kill()
		return TimedOut(inv.id, p.timeout), false
	case <-p.service.ctx.Done():
		p.kill()
		return Exited(inv.id, "signal: killed"), false
	}
	// An invocation is complete when the process asks for the next.
	reusable := p.await(time.Until(inv.deadline)) == nil
	p.flush()
	return result, reusable
}

func (p *process) kill() {
	_ = p.command.Process.Kill()
	<-p.exited
	p.flush()
}

func (p *process) close() {
	p.kill()
	_ = p.output.Close()
	<-p.drained
	_ = p.server.Close()
}

// flushMark ends a line that only this package writes.
const flushMark = "\x00\n"

// flush waits until all that the process has written so far is logged. It writes a mark into the same pipe.
func (p *process) flush() {
	select {
	case <-p.flushed:
	default:
	}
	if _, err := io.WriteString(p.output, flushMark); err == nil {
		<-p.flushed
	}
}

func (p *process) read(pipe *os.File) {
	defer close(p.drained)
	defer pipe.Close()
	lines := bufio.NewReader(pipe)
	for {
		line, err := lines.ReadBytes('\n')
		line, marked := bytes.CutSuffix(line, []byte(flushMark))
		if text := bytes.TrimSuffix(line, []byte("\n")); len(text) > 0 {
			p.log.write(time.Now(), string(text))
		}
		if marked {
			select {
			case p.flushed <- struct{}{}:
			default:
			}
		}
		if err != nil {
			return
		}
	}
}

// runtimeAPI serves one process: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
func (p *process) runtimeAPI() http.Handler {
	const root = "/2018-06-01/runtime/"
	mux := http.NewServeMux()
	current := make(chan string, 1) // the id of the event that the process works on
	mux.HandleFunc("GET "+root+"invocation/next", func(w http.ResponseWriter, _ *http.Request) { p.next(w, current) })
	mux.HandleFunc("POST "+root+"invocation/{id}/response", func(w http.ResponseWriter, r *http.Request) {
		p.answer(w, r, current, "")
	})
	mux.HandleFunc("POST "+root+"invocation/{id}/error", func(w http.ResponseWriter, r *http.Request) {
		p.answer(w, r, current, "Unhandled")
	})
	mux.HandleFunc("POST "+root+"init/error", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		select {
		case p.initErr <- Result{Payload: body}:
		default: // it reported one already
		}
		accepted(w)
	})
	return mux
}

// next hands the process its next event when there is one.
func (p *process) next(w http.ResponseWriter, current chan string) {
	select {
	case p.ready <- struct{}{}:
	case <-p.exited:
		return
	}
	select {
	case inv := <-p.events:
		select {
		case <-current: // the last one was never answered
		default:
		}
		current <- inv.id
		header := w.Header()
		header.Set("Content-Type", "application/json")
		header.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
		header.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(inv.deadline.UnixMilli(), 10))
		header.Set("Lambda-Runtime-Invoked-Function-Arn", inv.arn)
		header.Set("Lambda-Runtime-Trace-Id", inv.trace)
		if len(inv.clientContext) > 0 {
			header.Set("Lambda-Runtime-Client-Context", string(inv.clientContext))
		}
		_, _ = w.Write(inv.payload)
	case <-p.exited:
	}
}

// answer takes the process's answer to its current event.
func (p *process) answer(w http.ResponseWriter, r *http.Request, current chan string, functionError string) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSyncPayload+1<<20))
	if err != nil {
		runtimeError(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", err.Error())
		return
	}
	select {
	case id := <-current:
		if id != r.PathValue("id") {
			current <- id
			runtimeError(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
			return
		}
	default:
		runtimeError(w, http.StatusBadRequest, "InvalidStateTransition", "no invocation is in progress")
		return
	}
	// A handler that answers with a reader reports its failure in a trailer.
	if r.Trailer.Get("Lambda-Runtime-Function-Error-Type") != "" {
		p.answers <- functionErrorOf(r.Trailer)
	} else {
		p.answers <- Result{Payload: body, FunctionError: functionError}
	}
	accepted(w)
}

func accepted(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`)
}

func runtimeError(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"errorType": kind, "errorMessage": message})
}

// functionErrorOf reads the error of a stream that broke off: its type, and its JSON in base64.
func functionErrorOf(trailer http.Header) Result {
	body, err := base64.StdEncoding.DecodeString(trailer.Get("Lambda-Runtime-Function-Error-Body"))
	if err != nil || !json.Valid(body) {
		return functionError(messages.InvokeResponse_Error{Type: trailer.Get("Lambda-Runtime-Function-Error-Type")})
	}
	return Result{FunctionError: "Unhandled", Payload: body}
}
