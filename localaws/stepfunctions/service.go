// Package stepfunctions is the double's AWS Step Functions: an interpreter of the Amazon States Language with JSONPath,
// and the API of Standard workflows. It runs the part of the language that it knows as AWS does, limits included, and
// refuses the rest by name.
package stepfunctions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"userdrop/localaws/template"
	"userdrop/localaws/wire"
)

// Limits of https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html.
const (
	maxPayload       = 262_144 // bytes of an input or output
	maxOpen          = 365 * 24 * time.Hour
	retention        = 90 * 24 * time.Hour
	redrivablePeriod = 14 * 24 * time.Hour
)

// Options are what a Service needs of the other services, and its faults. All are optional but Invoke, which is for
// machines that have Lambda tasks.
type Options struct {
	// Invoke calls a function and waits for it. The context carries the machine's role; it ends when the service is
	// closed, but not when the execution is stopped or the task times out, since Lambda goes on then.
	Invoke func(ctx context.Context, functionARN string, payload []byte) Invocation
	// Role finds the principal that a machine acts as. A nil one, and none at all, may do everything.
	Role func(roleARN string) wire.Principal
	// Assume returns an error unless Step Functions may assume a role for a machine.
	Assume func(roleARN, machineARN string) error
	// Events receives each change of an execution's status. Delivery is best effort at AWS: a fault drops it here.
	Events wire.Sink
	// ListDelay is how long the change number n (0 is the start) of an execution's status stays hidden from
	// ListExecutions, which is eventually consistent.
	ListDelay func(executionARN string, n int) time.Duration
	// StopChild says whether stopping a nested execution with its parent, which is best effort, works this time.
	StopChild func(executionARN string) bool
	// Latency is how long an execution takes over its step number n before anybody sees it; key is the execution's
	// name with its machine's and, in a Map, the item's index. See HashedLatency.
	Latency func(key string, n int) time.Duration
	// OnTransition is told of each state transition, as Step Functions bills them.
	OnTransition func(Transition)
}

// Transition is a state that was entered or retried.
type Transition struct {
	ExecutionARN string
	State        string
	Retry        bool
	Events       int // in the history so far
}

// Invocation is what became of a call of a Lambda function.
type Invocation struct {
	Payload       []byte // the answer, or a function error's payload
	FunctionError string // "Handled" or "Unhandled"; empty is success
	Err           error  // the call itself was refused: a *wire.Error such as TooManyRequestsException
}

// HashedLatency is between 1 and 50 ms, and differs between any two keys and steps, so that under virtual time no two
// executions act at the same instant, and which goroutine runs first does not matter.
func HashedLatency(key string, n int) time.Duration {
	return time.Millisecond + time.Duration(hash(key, n)%uint64(49*time.Millisecond))
}

func hash(key string, n int) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s#%d", key, n)
	// The last bytes of FNV hardly reach the high bits: mix as splitmix64 does.
	x := h.Sum64()
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Machine is a state machine of type STANDARD. Name, Definition, RoleARN and KMSKey matter.
type Machine = template.StateMachine

// Service is Step Functions in one account and Region.
type Service struct {
	*wire.API
	account *wire.Account
	options Options
	seed    string // of jitter

	ctx   context.Context
	close context.CancelCauseFunc
	runs  sync.WaitGroup

	mu         sync.Mutex
	machines   map[string]*machine   // by ARN
	executions map[string]*execution // by ARN
}

type machine struct {
	Machine
	arn        string
	created    time.Time
	definition *Definition
	executions []*execution // in the order of their positions, oldest first
}

// New returns a Service without machines. Close ends its executions.
func New(account *wire.Account, options Options) *Service {
	s := &Service{
		account: account, options: options, seed: account.IDs.UUID(),
		machines: map[string]*machine{}, executions: map[string]*execution{},
	}
	s.ctx, s.close = context.WithCancelCause(context.Background())
	s.API = s.api()
	return s
}

// errClosed is why an execution's goroutine ends when its service is closed.
var errClosed = errors.New("the service is closed")

// Close ends all executions where they stand, without a change of status, and waits for them and for the calls of
// functions that they made.
func (s *Service) Close() {
	s.mu.Lock()
	s.close(errClosed)
	s.mu.Unlock()
	s.runs.Wait()
}

// managedRule is the rule through which Step Functions learns of the end of nested executions.
const managedRule = "rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"

// CreateStateMachine parses the definition and returns the machine's ARN. The same machine again is no error.
func (s *Service) CreateStateMachine(ctx context.Context, m Machine) (arn string, err error) {
	arn = s.account.ARN("states", "stateMachine:"+m.Name)
	if err := wire.Authorize(ctx, "states:CreateStateMachine", arn, nil); err != nil {
		return "", err
	}
	passed := map[string]string{"iam:PassedToService": "states.amazonaws.com"}
	if err := wire.Authorize(ctx, "iam:PassRole", m.RoleARN, passed); err != nil {
		return "", err
	}
	if err := checkName(m.Name); err != nil {
		return "", err
	}
	if !wire.IsRoleARN(m.RoleARN) {
		return "", wire.Errorf("InvalidArn", "Invalid Role Arn: '%s'", m.RoleARN)
	}
	if s.options.Assume != nil && s.options.Assume(m.RoleARN, arn) != nil {
		return "", wire.Errorf("AccessDeniedException", "Neither the global service principal states.amazonaws.com, nor the "+
			"regional one is authorized to assume the provided role.")
	}
	if left := substitution.Find(m.Definition); left != nil {
		return "", wire.Errorf("InvalidDefinition", "Invalid State Machine Definition: %s is not substituted", left)
	}
	definition, err := Parse(m.Definition)
	if err != nil {
		return "", wire.Errorf("InvalidDefinition", "Invalid State Machine Definition: %v", err)
	}
	for state := range definition.All() {
		if state.Resource != resourceNested {
			continue
		}
		rule := s.account.ARN("events", managedRule)
		for _, action := range []string{"events:PutTargets", "events:PutRule", "events:DescribeRule"} {
			if wire.Authorize(s.as(ctx, m.RoleARN), action, rule, nil) != nil {
				return "", wire.Errorf("AccessDeniedException",
					"'%s' is not authorized to create managed-rule: %s on %s is missing.", m.RoleARN, action, rule)
			}
		}
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.machines[arn]; ok {
		if old.RoleARN == m.RoleARN && string(old.Definition) == string(m.Definition) {
			return arn, nil
		}
		return "", wire.Errorf("StateMachineAlreadyExists", "State Machine Already Exists: '%s'", arn)
	}
	s.machines[arn] = &machine{Machine: m, arn: arn, created: time.Now(), definition: definition}
	return arn, nil
}

// as returns a context whose calls the role makes.
func (s *Service) as(ctx context.Context, roleARN string) context.Context {
	var p wire.Principal
	if s.options.Role != nil {
		p = s.options.Role(roleARN)
	}
	return wire.WithPrincipal(ctx, p)
}

// invalidName matches what may not be in a name, invalid UTF-8 included.
var invalidName = regexp.MustCompile("[\\s<>{}\\[\\]?*\"#%\\\\^|~`$&,;:/\\x{00}-\\x{1F}\\x{7F}-\\x{9F}" +
	"\\x{FFFD}-\\x{FFFF}\\x{10FFFF}]")

func checkName(name string) error {
	if n := len([]rune(name)); n < 1 || n > 80 || invalidName.MatchString(name) {
		return wire.Errorf("InvalidName", "Invalid Name: '%s'", name)
	}
	return nil
}

// The statuses of an execution.
const (
	Running   = "RUNNING"
	Succeeded = "SUCCEEDED"
	Failed    = "FAILED"
	TimedOut  = "TIMED_OUT"
	Aborted   = "ABORTED"
)

// Execution is how one execution stands.
type Execution struct {
	ARN, Name, MachineARN string
	Status                string
	Started, Stopped      time.Time
	Input                 string
	Output                string // when it succeeded
	Error, Cause          string
	RedriveCount          int
	Redriven              time.Time
	States                []string // entered so far, in the order of the history, those of Maps included
	Transitions           int
	Events                int
}

// execution is an Execution and what only the interpreter knows. The service's mutex guards all of it.
type execution struct {
	Execution
	machine *machine
	input   any // decoded
	history []HistoryEvent
	shown   []change
	root    *thread
	run     *run // the present or last one
}

// change is a change of status and when ListExecutions shows it.
type change struct {
	status string
	at     time.Time
}

func (x *execution) snapshot() Execution {
	e := x.Execution
	e.Events = len(x.history)
	e.States = slices.Clone(x.States)
	return e
}

// listed is what ListExecutions tells at a time; ok is false while it does not know of the execution.
func (x *execution) listed(now time.Time) (status string, ok bool) {
	for _, c := range slices.Backward(x.shown) {
		if !c.at.After(now) {
			return c.status, true
		}
	}
	return "", false
}

// expired says whether Step Functions has forgotten the execution.
func (x *execution) expired(now time.Time) bool {
	return x.Status != Running && now.Sub(x.Stopped) > retention
}

// setStatus changes the status; the caller holds the mutex and publishes x's event after it has let it go.
func (s *Service) setStatus(x *execution, status string, now time.Time) {
	x.Status = status
	at := now
	if s.options.ListDelay != nil {
		at = now.Add(s.options.ListDelay(x.ARN, len(x.shown)))
	}
	x.shown = append(x.shown, change{status, at})
}

// publish tells EventBridge how an execution stands. See
// https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html.
func (s *Service) publish(x Execution) {
	if s.options.Events == nil {
		return
	}
	detail := map[string]any{
		"executionArn": x.ARN, "stateMachineArn": x.MachineARN, "name": x.Name, "status": x.Status,
		"startDate": x.Started.UnixMilli(), "stopDate": nil,
		"input": x.Input, "inputDetails": map[string]any{"included": true},
		"output": nil, "outputDetails": nil, "error": nil, "cause": nil,
		"stateMachineVersionArn": nil, "stateMachineAliasArn": nil,
		"redriveCount": x.RedriveCount, "redriveDate": nil, "redriveStatus": s.redriveStatus(x),
		"redriveStatusReason": nil,
	}
	if reason := s.notRedrivable(x); reason != "" {
		detail["redriveStatusReason"] = reason
	}
	if !x.Stopped.IsZero() {
		detail["stopDate"] = x.Stopped.UnixMilli()
	}
	if !x.Redriven.IsZero() {
		detail["redriveDate"] = x.Redriven.UnixMilli()
	}
	switch x.Status {
	case Running:
	case Succeeded:
		detail["output"], detail["outputDetails"] = x.Output, map[string]any{"included": true}
	default:
		detail["error"], detail["cause"] = x.Error, x.Cause
	}
	const most = 248 << 10 // of input and output, escaped, in one event: the input goes first
	if len(encode(x.Input))+len(encode(x.Output)) > most {
		detail["input"], detail["inputDetails"] = nil, map[string]any{"included": false}
	}
	if len(encode(x.Output)) > most {
		detail["output"], detail["outputDetails"] = nil, map[string]any{"included": false}
	}
	s.options.Events(wire.Event{
		Source: "aws.states", DetailType: "Step Functions Execution Status Change",
		Resources: []string{x.ARN}, Detail: detail,
	})
}

// StartInput is the request of StartExecution.
type StartInput struct {
	MachineARN string
	Name       string // one is made when empty
	Input      string // {} when empty
}

// StartExecution starts an execution, or returns the one that runs under the same name with the same input.
func (s *Service) StartExecution(ctx context.Context, in StartInput) (Execution, error) {
	if err := s.checkARN(in.MachineARN, "stateMachine"); err != nil {
		return Execution{}, err
	}
	if err := wire.Authorize(ctx, "states:StartExecution", in.MachineARN, nil); err != nil {
		return Execution{}, err
	}
	if in.Name == "" {
		in.Name = s.account.IDs.UUID()
	}
	if in.Input == "" {
		in.Input = "{}"
	}
	if err := checkName(in.Name); err != nil {
		return Execution{}, err
	}
	if len(in.Input) > maxPayload {
		return Execution{}, wire.Errorf("ValidationException", "1 validation error detected: Value at 'input' failed to "+
			"satisfy constraint: Member must have length less than or equal to %d", maxPayload)
	}
	input, err := decode([]byte(in.Input))
	if err != nil {
		return Execution{}, wire.Errorf("InvalidExecutionInput", "Invalid State Machine Execution Input: '%v'", err)
	}

	x, begin, err := s.start(in, input)
	if err != nil {
		return Execution{}, err
	}
	if begin != nil {
		s.publish(x)
		begin()
	}
	return x, nil
}

// start makes an execution and what begins its run, which is nil when the same execution runs already.
func (s *Service) start(in StartInput, input any) (x Execution, begin func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.ctx.Err() != nil {
		return x, nil, &wire.Error{Code: "ServiceUnavailable", Message: errClosed.Error(), Status: 503}
	}
	m, ok := s.machines[in.MachineARN]
	if !ok {
		return x, nil, wire.Errorf("StateMachineDoesNotExist", "State Machine Does Not Exist: '%s'", in.MachineARN)
	}
	// Step Functions uses the key as the machine's role, not as the caller:
	// https://docs.aws.amazon.com/step-functions/latest/dg/encryption-at-rest.html
	if wire.AuthorizeKey(s.as(s.ctx, m.RoleARN), m.KMSKey, wire.GenerateDataKey, wire.Decrypt) != nil {
		return x, nil, wire.Errorf("KmsAccessDeniedException", "The role %s may not use the key %s", m.RoleARN, m.KMSKey)
	}
	arn := s.executionARN(in.MachineARN, in.Name)
	if old, ok := s.executions[arn]; ok && !old.expired(now) {
		if old.Status == Running && old.Input == in.Input {
			return old.snapshot(), nil, nil
		}
		return x, nil, wire.Errorf("ExecutionAlreadyExists", "Execution Already Exists: '%s'", arn)
	} else if ok {
		m.executions = slices.DeleteFunc(m.executions, func(e *execution) bool { return e == old })
	}
	e := &execution{machine: m, input: input, Execution: Execution{
		ARN: arn, Name: in.Name, MachineARN: m.arn, Started: now, Input: in.Input,
	}}
	e.root = &thread{definition: m.definition, key: m.Name + ":" + in.Name, state: m.definition.StartAt}
	e.root.setInput(input)
	s.executions[arn] = e
	at, _ := slices.BinarySearchFunc(m.executions, e, func(a, b *execution) int {
		return a.position().compare(b.position())
	})
	m.executions = slices.Insert(m.executions, at, e)
	e.history = []HistoryEvent{{
		ID: 1, Time: now, Type: "ExecutionStarted",
		Details: inputDetails(in.Input, map[string]any{"roleArn": m.RoleARN}),
	}}
	s.setStatus(e, Running, now)
	begin = s.launch(e, nil)
	return e.snapshot(), begin, nil
}

func (s *Service) executionARN(machineARN, name string) string {
	return strings.Replace(machineARN, ":stateMachine:", ":execution:", 1) + ":" + name
}

// checkARN wants an ARN of Step Functions and of that kind; of another account or Region there is nothing to find.
func (s *Service) checkARN(arn, kind string) error {
	parts := strings.Split(arn, ":")
	fields := map[string]int{"stateMachine": 7, "execution": 8}[kind]
	if len(parts) != fields || parts[0] != "arn" || parts[2] != "states" || parts[5] != kind {
		return wire.Errorf("InvalidArn", "Invalid Arn: '%s'", arn)
	}
	return nil
}

// lookUp finds an execution for a caller who may do the action on it. The caller must not hold the mutex.
func (s *Service) lookUp(ctx context.Context, action, arn string) (*execution, error) {
	if err := s.checkARN(arn, "execution"); err != nil {
		return nil, err
	}
	if err := wire.Authorize(ctx, action, arn, nil); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	x, ok := s.executions[arn]
	if !ok || x.expired(time.Now()) {
		return nil, wire.Errorf("ExecutionDoesNotExist", "Execution Does Not Exist: '%s'", arn)
	}
	return x, nil
}

// DescribeExecution returns how an execution stands.
func (s *Service) DescribeExecution(ctx context.Context, arn string) (Execution, error) {
	x, err := s.lookUp(ctx, "states:DescribeExecution", arn)
	if err != nil {
		return Execution{}, err
	}
	// It shows input and output: https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
	if err := wire.AuthorizeKey(ctx, x.machine.KMSKey, wire.Decrypt); err != nil {
		return Execution{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return x.snapshot(), nil
}

// History returns an execution's events so far.
func (s *Service) History(ctx context.Context, arn string) ([]HistoryEvent, error) {
	x, err := s.lookUp(ctx, "states:GetExecutionHistory", arn)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(x.history), nil
}

// Executions returns the machine's executions as they are, oldest first, whatever ListExecutions shows.
func (s *Service) Executions(machineARN string) []Execution {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, ok := s.machines[machineARN]
	if !ok {
		return nil
	}
	all := make([]Execution, len(m.executions))
	for i, x := range m.executions {
		all[i] = x.snapshot()
	}
	return all
}

// Machines returns the machines by ARN.
func (s *Service) Machines() map[string]Machine {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]Machine{}
	for arn, m := range s.machines {
		all[arn] = m.Machine
	}
	return all
}

// Wait returns when the execution has ended, with how it stands then.
func (s *Service) Wait(ctx context.Context, arn string) (Execution, error) {
	s.mu.Lock()
	x, ok := s.executions[arn]
	if !ok {
		s.mu.Unlock()
		return Execution{}, wire.Errorf("ExecutionDoesNotExist", "Execution Does Not Exist: '%s'", arn)
	}
	done := x.run.done
	s.mu.Unlock()
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-s.ctx.Done():
		err = errClosed
	}
	select {
	case <-done: // an end at the last instant counts
	default:
		return Execution{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return x.snapshot(), nil
}

// StopExecution aborts an execution. One that has ended stays as it is, which is no error. A function that it called
// goes on; a nested execution is stopped too, as well as that goes.
func (s *Service) StopExecution(ctx context.Context, arn, errorName, cause string) (time.Time, error) {
	x, err := s.lookUp(ctx, "states:StopExecution", arn)
	if err != nil {
		return time.Time{}, err
	}
	s.mu.Lock()
	r := x.run
	s.mu.Unlock()
	r.end(Aborted, "", &failure{errorName, cause})
	s.mu.Lock()
	defer s.mu.Unlock()
	return x.Stopped, nil
}

func (s *Service) redriveStatus(x Execution) string {
	if s.notRedrivable(x) == "" {
		return "REDRIVABLE"
	}
	return "NOT_REDRIVABLE"
}

// notRedrivable is the reason why an execution cannot be redriven, or "". See
// https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html.
func (s *Service) notRedrivable(x Execution) string {
	now := time.Now()
	switch {
	case x.Status == Running, x.Status == Succeeded:
		return "Execution is " + x.Status + " and cannot be redriven"
	case now.Sub(x.Stopped) > redrivablePeriod:
		return "Execution redrivable period exceeded"
	case now.Sub(x.Started) > maxOpen:
		return "Execution has exceeded the max execution time"
	case x.Events >= maxEvents-1:
		return "Execution history event limit exceeded"
	}
	return ""
}

// RedriveExecution goes on with an execution that did not succeed, from the state in which it ended.
func (s *Service) RedriveExecution(ctx context.Context, arn string) (time.Time, error) {
	x, err := s.lookUp(ctx, "states:RedriveExecution", arn)
	if err != nil {
		return time.Time{}, err
	}
	after, begin, err := s.redrive(x)
	if err != nil {
		return time.Time{}, err
	}
	s.publish(after)
	begin()
	return after.Redriven, nil
}

func (s *Service) redrive(x *execution) (after Execution, begin func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if reason := s.notRedrivable(x.snapshot()); reason != "" {
		return after, nil, wire.Errorf("ExecutionNotRedrivable", "Execution Not Redrivable: '%s': %s.", x.ARN, reason)
	}
	if s.ctx.Err() != nil {
		return after, nil, &wire.Error{Code: "ServiceUnavailable", Message: errClosed.Error(), Status: 503}
	}
	now := time.Now()
	x.RedriveCount++
	x.Redriven, x.Stopped = now, time.Time{}
	x.Output, x.Error, x.Cause = "", "", ""
	x.Transitions++
	last := int64(len(x.history))
	x.history = append(x.history, HistoryEvent{
		ID: last + 1, PreviousID: last, Time: now, Type: "ExecutionRedriven",
		Details: map[string]any{"redriveCount": x.RedriveCount},
	})
	s.setStatus(x, Running, now)
	begin = s.launch(x, x.run)
	return x.snapshot(), begin, nil
}

// asJSON is the execution as DescribeExecution tells it.
func (s *Service) asJSON(x Execution) map[string]any {
	m := map[string]any{
		"executionArn": x.ARN, "stateMachineArn": x.MachineARN, "name": x.Name, "status": x.Status,
		"startDate": wire.Epoch(x.Started), "input": x.Input, "inputDetails": map[string]any{"included": true},
		"redriveCount": x.RedriveCount, "redriveStatus": s.redriveStatus(x),
	}
	if reason := s.notRedrivable(x); reason != "" {
		m["redriveStatusReason"] = reason
	}
	if !x.Redriven.IsZero() {
		m["redriveDate"] = wire.Epoch(x.Redriven)
	}
	maps.Copy(m, x.ending())
	if !x.Stopped.IsZero() {
		m["stopDate"] = wire.Epoch(x.Stopped)
	}
	return m
}

// ending is output, or error and cause.
func (x Execution) ending() map[string]any {
	switch x.Status {
	case Running:
		return nil
	case Succeeded:
		return map[string]any{"output": x.Output, "outputDetails": map[string]any{"included": true}}
	}
	m := map[string]any{}
	if x.Error != "" {
		m["error"] = x.Error
	}
	if x.Cause != "" {
		m["cause"] = x.Cause
	}
	return m
}

// nestedResult is the execution as a startExecution.sync task sees it: capitalised members and times in milliseconds.
// With sync:2 the input and output of one that succeeded are JSON, not text.
func (s *Service) nestedResult(x Execution) map[string]any {
	m := map[string]any{}
	for name, v := range s.asJSON(x) {
		switch t := v.(type) {
		case wire.Epoch:
			v = json.Number(fmt.Sprint(time.Time(t).UnixMilli()))
		case int:
			v = json.Number(fmt.Sprint(t))
		case map[string]any: // inputDetails, outputDetails
			v = map[string]any{"Included": true}
		case string:
			if x.Status == Succeeded && (name == "input" || name == "output") {
				v, _ = decode([]byte(t)) // was decoded before
			}
		}
		m[strings.ToUpper(name[:1])+name[1:]] = v
	}
	return m
}
