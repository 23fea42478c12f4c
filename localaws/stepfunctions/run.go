package stepfunctions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// failure is an error of the language: it has a name that Retry and Catch know, and fails the execution otherwise.
type failure struct{ name, cause string }

func (f *failure) Error() string { return f.name + ": " + f.cause }

func failf(name, format string, args ...any) *failure {
	return &failure{name, fmt.Sprintf(format, args...)}
}

// thread is the progress through a machine, of an execution or of an iteration of a Map. It outlives a run, and a
// redrive goes on from it. What Stop and a redrive need of it, the service's mutex guards.
type thread struct {
	key        string // of latency and jitter
	definition *Definition
	item       map[string]any // $$.Map.Item of the innermost Map; nil outside
	index      int            // of the item
	iteration  *State         // the Map state that this is an iteration of; nil outside

	state     string // the present one
	input     any
	inputText string // input as JSON
	entered   time.Time
	inside    bool // the state was entered and not yet left
	enteredID int64
	previous  int64 // the last event of this thread

	iterations []*thread // of the Map state that it is in, once that began
	active     bool      // an iteration that began and did not end
	done       bool      // an iteration that succeeded
	result     any

	steps int // counts latencies
}

func (t *thread) setInput(v any) { t.input, t.inputText = v, encode(v) }

// run is one go at an execution: from its start or a redrive until it ends.
type run struct {
	s      *Service
	x      *execution
	cancel context.CancelCauseFunc
	closed bool          // guarded by the service's mutex: the execution ended, nothing is recorded any more
	done   chan struct{} // closed when the execution has ended and its event was sent
	gone   chan struct{} // closed when nothing of the run is left
}

// The reasons for a run to end from outside.
var (
	errStopped  = errors.New("the execution was stopped")
	errTimedOut = errors.New("the execution timed out")
)

// launch makes x's next run, which follows what is left of the one before. The caller holds the mutex, and calls begin
// after it has released it and published that the execution is running.
func (s *Service) launch(x *execution, before *run) (begin func()) {
	r := &run{s: s, x: x, done: make(chan struct{}), gone: make(chan struct{})}
	open := maxOpen
	if seconds := x.machine.definition.TimeoutSeconds; seconds > 0 {
		open = min(open, time.Duration(seconds)*time.Second)
	}
	open = s.account.Hurry(open)
	ctx, cancel := context.WithCancelCause(s.ctx)
	r.cancel = cancel
	x.run = r
	event := int64(len(x.history))
	s.runs.Add(1)
	work := func() {
		defer s.runs.Done()
		defer close(r.gone)
		defer cancel(nil)
		ctx, stop := context.WithTimeoutCause(ctx, open, errTimedOut)
		defer stop()
		if before != nil {
			<-before.gone
			x.root.previous = event
		}
		output, err := r.follow(ctx, x.root)
		if late := r.latency(ctx, x.root); late != nil {
			err = late
		}
		if f, ok := errors.AsType[*failure](err); ok {
			r.end(Failed, "", f)
			return
		}
		switch {
		case err == nil:
			r.end(Succeeded, encode(output), nil)
		case errors.Is(err, errTimedOut):
			r.end(TimedOut, "", &failure{name: errTimeout})
		}
	}
	return func() { go work() }
}

// end closes the execution, unless it is closed, and publishes its event.
func (r *run) end(status, output string, f *failure) {
	now := time.Now()
	s, x := r.s, r.x
	s.mu.Lock()
	if r.closed {
		s.mu.Unlock()
		return
	}
	kind := map[string]string{
		Succeeded: "ExecutionSucceeded", Failed: "ExecutionFailed", TimedOut: "ExecutionTimedOut",
		Aborted: "ExecutionAborted",
	}[status]
	if status == TimedOut || status == Aborted {
		r.abort(x.root)
	}
	details := map[string]any{}
	if f == nil {
		x.Output = output
		details = outputDetails(output, nil)
	} else {
		x.Error, x.Cause = f.name, f.cause
		if f.name != "" {
			details["error"] = f.name
		}
		if f.cause != "" {
			details["cause"] = f.cause
		}
	}
	x.history = append(x.history, HistoryEvent{
		ID: int64(len(x.history)) + 1, PreviousID: x.root.previous, Time: now, Type: kind, Details: details,
	})
	x.Stopped = now
	s.setStatus(x, status, now)
	r.closed = true
	after := x.snapshot()
	s.mu.Unlock()

	s.publish(after) // before those who wait for the end, or are stopped with it, tell of theirs
	close(r.done)
	r.cancel(errStopped)
}

// abort records that what the thread was doing was cut short. The caller holds the mutex.
func (r *run) abort(t *thread) {
	if !t.inside {
		return
	}
	kind := t.definition.State(t.state).Type
	for _, i := range t.iterations {
		r.abortIteration(i)
	}
	switch kind {
	case "Task", "Wait", "Map":
		r.append(t, kind+"StateAborted", nil)
	}
}

// record appends an event to the history and returns its id.
func (r *run) record(t *thread, kind string, details map[string]any) int64 {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	return r.append(t, kind, details)
}

// append is record for a caller who holds the mutex. The last event that an execution may have is that of its end.
func (r *run) append(t *thread, kind string, details map[string]any) int64 {
	if r.closed {
		return t.previous
	}
	id := int64(len(r.x.history)) + 1
	if id >= maxEvents {
		r.cancel(failf(errRuntime, "The execution reached the maximum number of history events (%d).", maxEvents))
		return t.previous
	}
	r.x.history = append(r.x.history, HistoryEvent{
		ID: id, PreviousID: t.previous, Time: time.Now(), Type: kind, Details: details,
	})
	t.previous = id
	return id
}

// transition counts a state that is entered or retried.
func (r *run) transition(t *thread, retry bool) {
	r.s.mu.Lock()
	r.x.Transitions++
	n := Transition{ExecutionARN: r.x.ARN, State: t.state, Retry: retry, Events: len(r.x.history)}
	r.s.mu.Unlock()
	if r.s.options.OnTransition != nil {
		r.s.options.OnTransition(n)
	}
}

// sleep waits for d, or for the end of ctx, whose cause it returns then.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 || ctx.Err() != nil {
		return context.Cause(ctx)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (r *run) latency(ctx context.Context, t *thread) error {
	t.steps++
	if r.s.options.Latency == nil {
		return context.Cause(ctx)
	}
	return sleep(ctx, r.s.options.Latency(t.key, t.steps))
}

// follow runs the thread from its present state to the end of its machine. An error is a *failure, or the cause of the
// end of ctx.
func (r *run) follow(ctx context.Context, t *thread) (output any, err error) {
	for {
		if err := r.latency(ctx, t); err != nil {
			return nil, err
		}
		s := t.definition.State(t.state)
		r.enter(t, s)
		output, next, err := r.state(ctx, t, s)
		if err != nil {
			return nil, t.locate(err)
		}
		text := encode(output)
		if len(text) > maxPayload {
			return nil, tooLarge(s)
		}
		r.leave(t, s, next, output, text)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if next == "" {
			return output, nil
		}
	}
}

func tooLarge(s *State) *failure {
	return failf(errDataLimit,
		"The state/task '%s' returned a result with a size exceeding the maximum number of bytes service limit.", s.Name)
}

// locate adds the name of the state to an error that the interpreter itself found.
func (t *thread) locate(err error) error {
	const head = "An error occurred while executing the state"
	f, ok := errors.AsType[*failure](err)
	if !ok || f.name != errRuntime && f.name != errNoChoice || strings.HasPrefix(f.cause, head) {
		return err
	}
	return failf(f.name, "%s '%s' (entered at the event id #%d). %s", head, t.state, t.enteredID, f.cause)
}

// enter records the entry of a state. A state that a redrive comes back to is not entered again, but for Fail.
func (r *run) enter(t *thread, s *State) {
	r.s.mu.Lock()
	again := t.inside && s.Type != "Fail"
	if !again {
		t.entered = time.Now()
		details := inputDetails(t.inputText, map[string]any{"name": s.Name})
		t.enteredID = r.append(t, s.Type+"StateEntered", details)
		if !r.closed {
			t.inside = true
			r.x.States = append(r.x.States, s.Name)
		}
	}
	r.s.mu.Unlock()
	if !again {
		r.transition(t, false)
	}
}

// leave records the exit of a state and moves on to the next.
func (r *run) leave(t *thread, s *State, next string, output any, text string) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.append(t, s.Type+"StateExited", outputDetails(text, map[string]any{"name": s.Name}))
	if r.closed {
		return
	}
	t.inside, t.iterations = false, nil
	if next != "" {
		t.state, t.input, t.inputText = next, output, text
	}
}

func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// scope is what the state's paths see before its InputPath.
func (r *run) scope(t *thread, s *State, retries int) *scope {
	m := r.x.machine
	r.s.mu.Lock()
	x := r.x.Execution
	r.s.mu.Unlock()
	execution := map[string]any{
		"Id": x.ARN, "Name": x.Name, "RoleArn": m.RoleARN, "StartTime": timestamp(x.Started),
		"RedriveCount": json.Number(strconv.Itoa(x.RedriveCount)), "Input": r.x.input,
	}
	if x.RedriveCount > 0 {
		execution["RedriveTime"] = timestamp(x.Redriven)
	}
	c := map[string]any{
		"Execution": execution,
		"State": map[string]any{
			"Name": s.Name, "EnteredTime": timestamp(t.entered), "RetryCount": json.Number(strconv.Itoa(retries)),
		},
		"StateMachine": map[string]any{"Id": m.arn, "Name": m.Name},
	}
	if t.item != nil {
		c["Map"] = map[string]any{"Item": t.item}
	}
	return &scope{input: t.input, context: c}
}

// apply gives what p points at in s; a nil path is an empty object.
func apply(p *Path, s *scope, field string) (any, error) {
	if p == nil {
		return map[string]any{}, nil
	}
	return p.get(s, field)
}
