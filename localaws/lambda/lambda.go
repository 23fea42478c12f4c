// Package lambda plays AWS Lambda: functions that are real bootstrap executables, run over the Lambda Runtime API, or
// handlers in this process, invoked at once or asynchronously as Lambda does it, time-outs and retries included.
package lambda

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"userdrop/localaws/template"
	"userdrop/localaws/wire"
)

// Payload limits: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const (
	maxSyncPayload  = 6 << 20
	maxAsyncPayload = 1 << 20
	maxTimeout      = 15 * time.Minute
)

const latest = "$LATEST"

// Options are what the service needs of its surroundings. Each may be nil or empty.
type Options struct {
	// Endpoint becomes AWS_ENDPOINT_URL of the processes.
	Endpoint string
	// Credentials of a role, which a process finds in its environment.
	Credentials func(roleARN string) (key, secret, token string)
	// Principal is the role as a caller; a function's destination receives its record from it.
	Principal func(roleARN string) wire.Principal
	// Log appends a line to a log stream.
	Log func(group, stream string, t time.Time, line string)
	// Deliver hands the record of an asynchronous invocation to a destination.
	Deliver func(ctx context.Context, destinationARN string, record Record) error
	// Around wraps each attempt to run a function: it may wait (a cold start), call next
	// twice or never, and answer something else (see [TimedOut] and [Exited]). The context carries the request's id
	// and ends with the service.
	Around func(ctx context.Context, f Function, payload []byte, next func() Result) Result
	// Admit may refuse an invocation before it begins, with a *wire.Error such as TooManyRequestsException.
	Admit func(f Function) error
}

// Function is a function's configuration and code.
type Function struct {
	template.Function
	Aliases []string // besides $LATEST and version 1
	Code    Code
}

// Code is what a function runs: a [Bootstrap] or a [Handler].
type Code interface {
	open(*Service, *function) (environment, *failure)
}

// environment is one execution environment. It serves one invocation at a time.
type environment interface {
	journal() *journal
	// invoke runs an event. The environment serves no other when reusable is false.
	invoke(invocation) (result Result, reusable bool)
	close()
}

type invocation struct {
	id, arn, trace string
	payload        []byte
	clientContext  []byte
	deadline       time.Time
}

type function struct {
	Function
	running int
	idle    []environment
}

// Service is the Lambda of one account.
type Service struct {
	account    *wire.Account
	options    Options
	mux        *http.ServeMux
	operations []string
	ctx        context.Context
	cancel     context.CancelFunc
	wait       sync.WaitGroup

	mu        sync.Mutex
	functions map[string]*function
	closed    bool // no invocation may be added to wait during Close
}

// New returns a service without functions.
func New(account *wire.Account, options Options) *Service {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Service{
		account: account, options: options, ctx: ctx, cancel: cancel,
		functions: map[string]*function{},
	}
	s.mux = s.routes()
	return s
}

// Register adds a function, or replaces it. Environments of a replaced function end with the service.
func (s *Service) Register(f Function) error {
	f.Timeout = cmp.Or(f.Timeout, 3*time.Second)
	f.MemoryMB = cmp.Or(f.MemoryMB, 128)
	f.LogGroup = cmp.Or(f.LogGroup, "/aws/lambda/"+f.Name)
	f.LogFormat = cmp.Or(f.LogFormat, "Text")
	retries := &f.Asynchronous.MaximumRetryAttempts
	*retries = cmp.Or(*retries, new(2))
	f.Asynchronous.MaximumEventAge = cmp.Or(f.Asynchronous.MaximumEventAge, 6*time.Hour)
	switch {
	case f.Name == "" || strings.ContainsAny(f.Name, ":/ "):
		return fmt.Errorf("lambda: function name %q", f.Name)
	case f.Code == nil:
		return fmt.Errorf("lambda: function %s has no code", f.Name)
	case f.Timeout < time.Second || f.Timeout > maxTimeout:
		return fmt.Errorf("lambda: function %s: time-out %v is not within 1 s and 15 min", f.Name, f.Timeout)
	case **retries < 0 || **retries > 2:
		return fmt.Errorf("lambda: function %s: %d retries are not within 0 and 2", f.Name, **retries)
	case f.LogFormat != "JSON" && f.LogFormat != "Text":
		return fmt.Errorf("lambda: function %s: log format %q", f.Name, f.LogFormat)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.functions[f.Name] = &function{Function: f}
	return nil
}

// Operations returns the names of the operations, sorted.
func (s *Service) Operations() []string { return slices.Sorted(slices.Values(s.operations)) }

// Close stops the processes, cancels the contexts of handlers, and waits for both.
func (s *Service) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.wait.Wait()
	s.mu.Lock()
	var idle []environment
	for _, name := range slices.Sorted(maps.Keys(s.functions)) {
		f := s.functions[name]
		idle, f.idle = append(idle, f.idle...), nil
	}
	s.mu.Unlock()
	for _, e := range idle {
		e.close()
	}
}

// request is an accepted call of Invoke.
type request struct {
	function      *function
	arn           string // as invoked
	qualifier     string
	id            string
	payload       []byte
	clientContext []byte
}

// find resolves a name, a partial or a full ARN, with or without a qualifier.
func (s *Service) find(name, qualifier string) (f *function, arn, version string, err error) {
	short := name
	if rest, ok := strings.CutPrefix(name, s.account.ARN("lambda", "function:")); ok {
		short = rest
	} else if rest, ok := strings.CutPrefix(name, s.account.ID+":function:"); ok {
		short = rest
	}
	short, suffix, _ := strings.Cut(short, ":")
	if suffix != "" && qualifier != "" && suffix != qualifier {
		return nil, "", "", wire.Errorf("InvalidParameterValueException",
			"The derived qualifier from the function name does not match the specified qualifier.")
	}
	qualifier = cmp.Or(qualifier, suffix)
	arn = s.account.ARN("lambda", "function:"+short)
	if qualifier != "" {
		arn += ":" + qualifier
	}
	s.mu.Lock()
	f = s.functions[short]
	s.mu.Unlock()
	version = latest
	if f != nil && qualifier != "" && qualifier != latest {
		version = "1"
		if qualifier != "1" && !slices.Contains(f.Aliases, qualifier) {
			f = nil
		}
	}
	if f == nil {
		if strings.HasPrefix(name, "arn:") {
			arn = name
		}
		return nil, arn, "", &wire.Error{
			Code: "ResourceNotFoundException", Message: "Function not found: " + arn, Status: http.StatusNotFound,
			Fields: map[string]any{"Type": "User"},
		}
	}
	return f, arn, version, nil
}

// admit checks all that Lambda checks before it runs or queues an event.
func (s *Service) admit(ctx context.Context, name, qualifier string, payload []byte, limit int) (request, error) {
	f, arn, version, err := s.find(name, qualifier)
	// A caller who may not invoke a function does not learn whether it exists.
	if denied := wire.Authorize(ctx, "lambda:InvokeFunction", arn, nil); denied != nil {
		return request{}, denied
	}
	if err != nil {
		return request{}, err
	}
	if len(payload) == 0 {
		payload = []byte("{}")
	}
	if len(payload) > limit {
		return request{}, &wire.Error{
			Code:    "RequestTooLargeException",
			Message: fmt.Sprintf("Request must be smaller than %d bytes for the InvokeFunction operation", limit),
			Status:  http.StatusRequestEntityTooLarge,
		}
	}
	if !json.Valid(payload) {
		return request{}, wire.Errorf("InvalidRequestContentException",
			"Could not parse request body into json: Could not parse payload into json")
	}
	return request{function: f, arn: arn, qualifier: version, id: s.account.IDs.UUID(), payload: payload}, nil
}

// Invoke runs a function, given by name or ARN, and waits for its answer. When ctx ends first, Invoke returns and the
// function goes on, as it does when a client of Lambda hangs up.
func (s *Service) Invoke(ctx context.Context, name string, payload []byte) (Result, error) {
	r, err := s.admit(ctx, name, "", payload, maxSyncPayload)
	if err != nil {
		return Result{}, err
	}
	return s.run(ctx, r)
}

func (s *Service) run(ctx context.Context, r request) (Result, error) {
	if err := s.begin(r.function); err != nil {
		return Result{}, err
	}
	done := make(chan Result, 1)
	if !s.start(func() { done <- s.attempt(r) }) {
		return Result{}, errClosed
	}
	select {
	case result := <-done:
		return result, nil
	case <-ctx.Done():
		return Result{}, context.Cause(ctx)
	}
}

var errClosed = &wire.Error{
	Code: "ServiceException", Message: "the local double is closing", Status: http.StatusInternalServerError,
}

// start runs f in a goroutine unless the service is closed.
func (s *Service) start(f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.wait.Go(f)
	}
	return !s.closed
}

// begin takes one of the function's concurrent executions; attempt gives it back.
func (s *Service) begin(f *function) error {
	if s.options.Admit != nil {
		if err := s.options.Admit(f.Function); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Concurrency != nil && f.running >= *f.Concurrency {
		return &wire.Error{
			Code: "TooManyRequestsException", Message: "Rate Exceeded.", Status: http.StatusTooManyRequests,
			Fields: map[string]any{"Reason": "ReservedFunctionConcurrentInvocationLimitExceeded", "Type": "User"},
		}
	}
	f.running++
	return nil
}

func (s *Service) attempt(r request) Result {
	defer func() {
		s.mu.Lock()
		r.function.running--
		s.mu.Unlock()
	}()
	next := func() Result { return s.once(r) }
	if s.options.Around == nil {
		return next()
	}
	return s.options.Around(wire.WithRequestID(s.ctx, r.id), r.function.Function, r.payload, next)
}

// once runs the event in a warm environment, or in a new one.
func (s *Service) once(r request) Result {
	opened := time.Now()
	env, warm, failed := s.acquire(r.function)
	if failed != nil {
		result := failed.result(r.id)
		result.complete(r)
		return result
	}
	started := time.Now()
	var init time.Duration
	if !warm {
		init = started.Sub(opened)
	}
	log := env.journal()
	log.begin(r, started)
	result, reusable := env.invoke(invocation{
		id: r.id, arn: r.arn, payload: r.payload, clientContext: r.clientContext,
		trace:    "Root=1-" + s.account.IDs.Draw(hexDigits, 8) + "-" + s.account.IDs.Draw(hexDigits, 24) + ";Sampled=0",
		deadline: started.Add(r.function.Timeout),
	})
	if len(result.Payload) > maxSyncPayload && result.FunctionError == "" {
		result = tooLarge(len(result.Payload))
	}
	result.complete(r)
	result.LogTail = log.end(r, result, time.Since(started), init)
	if reusable && s.ctx.Err() == nil {
		s.mu.Lock()
		r.function.idle = append(r.function.idle, env)
		s.mu.Unlock()
	} else {
		env.close()
	}
	return result
}

const hexDigits = "0123456789abcdef"

func (s *Service) acquire(f *function) (env environment, warm bool, failed *failure) {
	s.mu.Lock()
	if n := len(f.idle); n > 0 {
		env, f.idle = f.idle[n-1], f.idle[:n-1]
	}
	s.mu.Unlock()
	if env != nil {
		return env, true, nil
	}
	env, failed = f.Code.open(s, f)
	return env, false, failed
}

func (s *Service) journalFor(f *function) *journal {
	stream := time.Now().UTC().Format("2006/01/02/") + "[" + latest + "]" + s.account.IDs.Draw(hexDigits, 32)
	return &journal{group: f.LogGroup, stream: stream, format: f.LogFormat, memory: f.MemoryMB, sink: s.options.Log}
}

// sleep waits for d; it answers false when the service is closed first.
func (s *Service) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.ctx.Done():
		return false
	}
}

// refused reports whether an invocation never began, by a throttle or a fault of Lambda's, and its own queue would try
// again.
func refused(err error) bool {
	e, ok := errors.AsType[*wire.Error](err)
	return ok && (e.Code == "TooManyRequestsException" || e.Code == "ServiceException")
}
