package stepfunctions

import (
	"context"
	"slices"
	"strings"
	"time"

	"userdrop/localaws/wire"
)

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
