package stepfunctions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// mapConcurrency is how many iterations of an inline Map run at once when the state does not set a limit. See
// https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html.
const mapConcurrency = 40

// failure is an error of the language: it has a name that Retry and Catch know, and fails the execution otherwise.
type failure struct{ name, cause string }

func (f *failure) Error() string { return f.name + ": " + f.cause }

func failf(name, format string, args ...any) *failure {
	return &failure{name, fmt.Sprintf(format, args...)}
}

// thread is where a machine stands: an execution's own, or an iteration of a Map. It outlives a run, and a redrive goes
// on from it. What Stop and a redrive need of it, the service's mutex guards.
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
	done   chan struct{} // closed when the execution has ended and EventBridge was told
	gone   chan struct{} // closed when nothing of the run is left
}

// The reasons for a run to end from outside.
var (
	errStopped  = errors.New("the execution was stopped")
	errTimedOut = errors.New("the execution timed out")
)

// launch makes x's next run, which follows what is left of the one before. The caller holds the mutex, and calls begin
// when it has let it go and told that the execution is running.
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

// end closes the execution, unless it is closed, and tells EventBridge.
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

// abortIteration is abort for an iteration of a Map, when it is under way. The caller holds the mutex.
func (r *run) abortIteration(t *thread) {
	if t.active {
		r.abort(t)
		r.append(t, "MapIterationAborted", t.iterationDetails())
		t.active = false
	}
}

func (t *thread) iterationDetails() map[string]any {
	return map[string]any{"name": t.iteration.Name, "index": t.index}
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

// locate tells in which state an error arose that the interpreter itself found.
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

// state does the work of a state and returns its output and the name of the next one, "" at the end.
func (r *run) state(ctx context.Context, t *thread, s *State) (output any, next string, err error) {
	switch s.Type {
	case "Task":
		return r.attempts(ctx, t, s, r.task)
	case "Map":
		return r.attempts(ctx, t, s, r.iterate)
	}
	sc := r.scope(t, s, 0)
	if s.Type == "Fail" {
		return nil, "", s.fail(sc)
	}
	raw := sc.input
	if sc.input, err = apply(s.InputPath, sc, "InputPath"); err != nil {
		return nil, "", err
	}
	result, next := sc.input, s.Next
	switch s.Type {
	case "Pass":
		if s.Parameters != nil {
			if result, err = s.Parameters.eval(sc); err != nil {
				return nil, "", err
			}
		}
		if s.HasResult {
			result = s.Result
		}
		result, err = s.store(raw, result)
	case "Wait":
		var d time.Duration
		if d, err = s.wait(sc); err == nil {
			err = sleep(ctx, r.s.account.Hurry(d))
		}
	case "Choice":
		next, err = s.choose(sc)
	}
	if err != nil {
		return nil, "", err
	}
	sc.input = result
	output, err = apply(s.OutputPath, sc, "OutputPath")
	return output, next, err
}

// store puts a result into the raw input by ResultPath.
func (s *State) store(raw, result any) (any, error) {
	if s.ResultPath == nil {
		return raw, nil
	}
	return s.ResultPath.set(raw, result)
}

// fail is the failure that a Fail state ends with.
func (s *State) fail(sc *scope) error {
	f := &failure{s.Error, s.Cause}
	for _, dynamic := range []struct {
		from expression
		to   *string
	}{{s.errorPath, &f.name}, {s.causePath, &f.cause}} {
		if dynamic.from == nil {
			continue
		}
		v, err := dynamic.from.eval(sc)
		if err != nil {
			return err
		}
		text, ok := v.(string)
		if !ok {
			return failf(errRuntime, "The ErrorPath or CausePath of the state '%s' does not give a string", s.Name)
		}
		*dynamic.to = text
	}
	return f
}

// wait is how long a Wait state waits at the normal speed.
func (s *State) wait(sc *scope) (time.Duration, error) {
	switch {
	case s.Seconds != nil:
		return time.Duration(*s.Seconds) * time.Second, nil
	case s.Timestamp != nil:
		return time.Until(*s.Timestamp), nil
	case s.SecondsPath != nil:
		return secondsAt(s.SecondsPath, sc, "SecondsPath", 0)
	}
	v, err := s.TimestampPath.get(sc, "TimestampPath")
	if err != nil {
		return 0, err
	}
	text, _ := v.(string)
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0, failf(errRuntime, "The TimestampPath '%s' does not give a time stamp", s.TimestampPath)
	}
	return time.Until(at), nil
}

func secondsAt(p *Path, sc *scope, field string, least int64) (time.Duration, error) {
	v, err := p.get(sc, field)
	if err != nil {
		return 0, err
	}
	n, _ := v.(json.Number)
	seconds, err := n.Int64()
	if err != nil || seconds < least || seconds > maxSeconds {
		return 0, failf(errRuntime, "The %s '%s' does not give an integer from %d to %d", field, p, least, maxSeconds)
	}
	return time.Duration(seconds) * time.Second, nil
}

// choose is the name of the state that the first rule that holds goes on to.
func (s *State) choose(sc *scope) (next string, err error) {
	for _, rule := range s.Choices {
		if ok, err := rule.holds(sc); ok || err != nil {
			return rule.Next, err
		}
	}
	if s.Default == "" {
		return "", failf(errNoChoice, "Failed to transition out of the state. "+
			"No choice matched, and there is no default.")
	}
	return s.Default, nil
}

// attempts does the work of a Task or Map state until it succeeds, is caught or fails.
func (r *run) attempts(
	ctx context.Context, t *thread, s *State,
	work func(ctx context.Context, t *thread, s *State, sc *scope) (any, error),
) (output any, next string, err error) {
	retries := make([]int64, len(s.Retry))
	for retry := 0; ; retry++ {
		output, err := r.attempt(ctx, t, s, retry, work)
		if err == nil {
			return output, s.Next, nil
		}
		f, ok := errors.AsType[*failure](err)
		if !ok || ctx.Err() != nil { // stopped, or out of events: not for Retry and Catch
			return nil, "", err
		}
		i := slices.IndexFunc(s.Retry, func(re Retrier) bool { return matches(re.ErrorEquals, f.name) })
		if i >= 0 && retries[i] < s.Retry[i].MaxAttempts {
			retries[i]++
			random := float64(hash(r.s.seed+t.key+s.Name, t.steps)>>11) / (1 << 53)
			if err := sleep(ctx, r.s.account.Hurry(s.Retry[i].Delay(int(retries[i]), random))); err != nil {
				return nil, "", err
			}
			if err := r.latency(ctx, t); err != nil {
				return nil, "", err
			}
			r.s.mu.Lock()
			t.iterations = nil // a retry runs all of a Map's again, other than a redrive
			r.s.mu.Unlock()
			r.transition(t, true)
			continue
		}
		for _, c := range s.Catch {
			if matches(c.ErrorEquals, f.name) {
				output := t.input
				if c.ResultPath != nil {
					output, err = c.ResultPath.set(t.input, map[string]any{"Error": f.name, "Cause": f.cause})
				} else {
					err = nil
				}
				return output, c.Next, err
			}
		}
		return nil, "", f
	}
}

// attempt is one try: InputPath, the work, then ResultSelector, ResultPath and OutputPath.
func (r *run) attempt(
	ctx context.Context, t *thread, s *State, retry int,
	work func(ctx context.Context, t *thread, s *State, sc *scope) (any, error),
) (any, error) {
	sc := r.scope(t, s, retry)
	var err error
	if sc.input, err = apply(s.InputPath, sc, "InputPath"); err != nil {
		return nil, err
	}
	result, err := work(ctx, t, s, sc)
	if err != nil {
		return nil, err
	}
	if s.ResultSelector != nil {
		if result, err = s.ResultSelector.eval(&scope{result, sc.context}); err != nil {
			return nil, err
		}
	}
	stored, err := s.store(t.input, result)
	if err != nil {
		return nil, err
	}
	output, err := apply(s.OutputPath, &scope{stored, sc.context}, "OutputPath")
	if err == nil && len(encode(output)) > maxPayload {
		err = tooLarge(s)
	}
	return output, err
}

// iterate runs the iterations of a Map state. After a redrive it runs those that have not succeeded.
func (r *run) iterate(ctx context.Context, t *thread, s *State, sc *scope) (any, error) {
	iterations, err := r.iterations(t, s, sc)
	if err != nil {
		return nil, err
	}
	pending := make(chan *thread, len(iterations))
	for _, i := range iterations {
		if !i.done {
			pending <- i
		}
	}
	close(pending)
	workers := s.MaxConcurrency
	if workers == 0 || workers > mapConcurrency {
		workers = mapConcurrency
	}
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for range min(workers, len(pending)) {
		wg.Go(func() {
			for i := range pending {
				if inner.Err() != nil {
					return
				}
				if err := r.iteration(inner, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}

	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	t.previous = int64(len(r.x.history))
	if inner.Err() != nil {
		for _, i := range iterations {
			r.abortIteration(i)
		}
		r.append(t, "MapStateFailed", nil)
		return nil, context.Cause(inner)
	}
	results := make([]any, len(iterations))
	size := 0
	for n, i := range iterations {
		results[n] = i.result
		size += len(encode(i.result))
	}
	if size > maxPayload {
		t.iterations = nil // a redrive runs all of them again
		r.append(t, "MapStateFailed", nil)
		return nil, tooLarge(s)
	}
	r.append(t, "MapStateSucceeded", nil)
	return results, nil
}

// iterations returns the Map's iterations: those of the run before when it is redriven, otherwise new ones.
func (r *run) iterations(t *thread, s *State, sc *scope) ([]*thread, error) {
	if t.iterations != nil {
		for _, i := range t.iterations {
			i.previous = t.previous
		}
		return t.iterations, nil
	}
	value, err := s.ItemsPath.get(sc, "ItemsPath")
	if err != nil {
		return nil, err
	}
	items, ok := value.([]any)
	if !ok {
		return nil, failf(errRuntime, "Reference path \"%s\" must point to array.", s.ItemsPath)
	}
	started := r.record(t, "MapStateStarted", map[string]any{"length": len(items)})
	iterations := make([]*thread, len(items))
	for n, item := range items {
		i := &thread{
			key: fmt.Sprintf("%s#%d", t.key, n), definition: s.ItemProcessor, index: n, iteration: s,
			item:  map[string]any{"Index": json.Number(strconv.Itoa(n)), "Value": item},
			state: s.ItemProcessor.StartAt, previous: started,
		}
		if s.ItemSelector != nil {
			sc.context["Map"] = map[string]any{"Item": i.item}
			if item, err = s.ItemSelector.eval(sc); err != nil {
				return nil, err
			}
		}
		if i.setInput(item); len(i.inputText) > maxPayload {
			return nil, tooLarge(s)
		}
		iterations[n] = i
	}
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	t.iterations = iterations
	return iterations, nil
}

// iteration runs one iteration of a Map.
func (r *run) iteration(ctx context.Context, t *thread) error {
	if err := r.latency(ctx, t); err != nil {
		return err
	}
	r.s.mu.Lock()
	r.append(t, "MapIterationStarted", t.iterationDetails())
	t.active = true
	r.s.mu.Unlock()
	output, err := r.follow(ctx, t)
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	switch {
	case r.closed || ctx.Err() != nil: // the Map or the execution records what became of it
		return context.Cause(ctx)
	case err != nil:
		r.append(t, "MapIterationFailed", t.iterationDetails())
		t.active = false
		return err
	}
	r.append(t, "MapIterationSucceeded", t.iterationDetails())
	t.active, t.done, t.result = false, true, output
	return nil
}
