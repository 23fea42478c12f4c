// Package stepfunctions is the double's AWS Step Functions: an interpreter of the Amazon States Language with JSONPath,
// and the API of Standard workflows. It runs the part of the language that it knows as AWS does, limits included, and
// refuses the rest by name.
package stepfunctions

import (
	"context"
	"errors"
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

// DescribeExecution returns an execution's state.
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

// Wait returns the execution when it has ended.
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
