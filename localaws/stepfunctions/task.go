package stepfunctions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"userdrop/localaws/wire"
)

// task calls the resource of a Task state and returns its result.
func (r *run) task(ctx context.Context, t *thread, s *State, sc *scope) (any, error) {
	input := sc.input
	var err error
	if s.Parameters != nil {
		if input, err = s.Parameters.eval(sc); err != nil {
			return nil, err
		}
	}
	payload := encode(input)
	if len(payload) > maxPayload {
		return nil, tooLarge(s)
	}
	timeout := time.Duration(s.TimeoutSeconds) * time.Second
	if s.TimeoutSecondsPath != nil {
		if timeout, err = secondsAt(s.TimeoutSecondsPath, sc, "TimeoutSecondsPath", 1); err != nil {
			return nil, err
		}
	}
	c := &taskCall{run: r, thread: t, state: s, timeout: timeout}
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, r.deadline(s, timeout), &failure{name: errTimeout})
		defer cancel()
	}
	switch s.Resource {
	case resourceInvoke:
		return c.invoke(ctx, input.(map[string]any))
	case resourceNested:
		return c.nest(ctx, input.(map[string]any))
	}
	return c.function(ctx, payload)
}

// deadline returns how long a Task may really take. What a nested execution waits for passes faster by the account's
// speed, and so does its time-out. A function's work takes its real time, as does the function's own time-out.
func (r *run) deadline(s *State, timeout time.Duration) time.Duration {
	if s.Resource == resourceNested {
		return r.s.account.Hurry(timeout)
	}
	return timeout
}

// taskCall is one call of a Task's resource.
type taskCall struct {
	*run
	thread  *thread
	state   *State
	timeout time.Duration
}

func (c *taskCall) event(kind string, details map[string]any) { c.record(c.thread, kind, details) }

// scheduled adds the time-out to the details of a scheduled event.
func (c *taskCall) scheduled(kind string, details map[string]any) {
	if c.timeout > 0 {
		details["timeoutInSeconds"] = int64(c.timeout / time.Second)
	}
	c.event(kind, details)
}

// outcome records how the call ended and returns its result.
func (c *taskCall) outcome(ctx context.Context, kind string, more map[string]any, result any, err error) (any, error) {
	if err == nil {
		text := encode(result)
		if len(text) <= maxPayload {
			c.event(kind+"Succeeded", outputDetails(text, more))
			return result, nil
		}
		err = tooLarge(c.state)
	}
	f, ok := errors.AsType[*failure](err)
	switch {
	case !ok: // the execution ends
	case f.name == errTimeout && ctx.Err() != nil:
		c.event(kind+"TimedOut", failureDetails(f, more))
	default:
		c.event(kind+"Failed", failureDetails(f, more))
	}
	return nil, err
}

// function is a Task whose resource is the ARN of a Lambda function.
func (c *taskCall) function(ctx context.Context, payload string) (any, error) {
	c.scheduled("LambdaFunctionScheduled", inputDetails(payload, map[string]any{"resource": c.state.Resource}))
	c.event("LambdaFunctionStarted", nil)
	result, err := c.call(ctx, c.state.Resource, payload)
	return c.outcome(ctx, "LambdaFunction", nil, result, err)
}

// invoke is a Task whose resource is lambda:invoke: the function is a parameter, and its answer comes in an envelope.
func (c *taskCall) invoke(ctx context.Context, parameters map[string]any) (any, error) {
	service := map[string]any{"resourceType": "lambda", "resource": "invoke"}
	c.submit(service, parameters)
	name, _ := parameters["FunctionName"].(string)
	if !strings.Contains(name, ":") {
		name = c.s.account.ARN("lambda", "function:"+name)
	}
	payload, ok := parameters["Payload"]
	if !ok {
		payload = map[string]any{}
	}
	result, err := c.call(ctx, name, encode(payload))
	if err == nil {
		result = map[string]any{
			"ExecutedVersion": "$LATEST", "Payload": result, "StatusCode": json.Number("200"),
		}
	}
	return c.outcome(ctx, "Task", service, result, err)
}

// submit records the first events of an optimised integration.
func (c *taskCall) submit(service, parameters map[string]any) {
	details := map[string]any{"region": c.s.account.Region, "parameters": encode(parameters)}
	maps.Copy(details, service)
	c.scheduled("TaskScheduled", details)
	c.event("TaskStarted", service)
}

// call invokes a function and waits for its answer, at most until ctx ends. The function then goes on.
func (c *taskCall) call(ctx context.Context, functionARN, payload string) (any, error) {
	s := c.s
	as := s.as(s.ctx, c.x.machine.RoleARN)
	if err := wire.Authorize(as, "lambda:InvokeFunction", functionARN, nil); err != nil {
		return nil, lambdaRefusal(err)
	}
	answers := make(chan Invocation, 1)
	s.runs.Go(func() { answers <- s.options.Invoke(as, functionARN, []byte(payload)) })
	var answer Invocation
	select {
	case answer = <-answers:
	case <-ctx.Done():
		select { // an answer that came at the last instant counts
		case answer = <-answers:
		default:
			return nil, context.Cause(ctx)
		}
	}
	switch {
	case answer.Err != nil:
		return nil, lambdaRefusal(answer.Err)
	case answer.FunctionError != "":
		return nil, functionFailure(answer.Payload)
	case len(answer.Payload) == 0:
		return nil, nil
	}
	result, err := decode(answer.Payload)
	if err != nil {
		return nil, failf(errRuntime, "The function %s did not answer with JSON: %v", functionARN, err)
	}
	return result, nil
}

// functionFailure names an error after the errorType of a function error, with the whole payload as its cause. A
// function that timed out or died has the errorType Sandbox.Timedout or Runtime.ExitError.
func functionFailure(payload []byte) *failure {
	var e struct{ ErrorType string }
	if err := json.Unmarshal(payload, &e); err != nil || e.ErrorType == "" {
		return failf("Lambda.Unknown", "The cause could not be determined because Lambda did not return an error type. "+
			"Returned payload: %s", payload)
	}
	return &failure{e.ErrorType, string(payload)}
}

// lambdaRefusal names the error of an invocation that did not reach the function.
func lambdaRefusal(err error) *failure {
	e, ok := errors.AsType[*wire.Error](err)
	if !ok {
		return failf("Lambda.SdkClientException", "%v", err)
	}
	code := e.Code
	if code == "AccessDeniedException" || !strings.HasSuffix(code, "Exception") {
		code = "AWSLambdaException"
	}
	return failf("Lambda."+code, "%s (Service: Lambda, Status Code: %d)", e.Message, max(e.Status, 400))
}

// nest is a Task that starts an execution and waits for its end.
func (c *taskCall) nest(ctx context.Context, parameters map[string]any) (any, error) {
	service := map[string]any{"resourceType": "states", "resource": "startExecution.sync:2"}
	c.submit(service, parameters)
	child, err := c.startChild(parameters)
	if err != nil {
		f := childRefusal(err)
		c.event("TaskFailed", failureDetails(f, service))
		return nil, f
	}
	submitted := encode(map[string]any{
		"ExecutionArn": child.ARN, "StartDate": json.Number(fmt.Sprint(child.Started.UnixMilli())),
	})
	c.event("TaskSubmitted", outputDetails(submitted, service))
	ended, err := c.s.Wait(ctx, child.ARN)
	if err != nil {
		c.stopChild(child.ARN, err)
		return c.outcome(ctx, "Task", service, nil, err)
	}
	result := c.s.nestedResult(ended)
	if ended.Status != Succeeded {
		err = failf(errTaskFailed, "%s", encode(result))
	}
	return c.outcome(ctx, "Task", service, result, err)
}

// startChild starts the nested execution with the machine's role, which must be allowed to watch and stop it too.
func (c *taskCall) startChild(parameters map[string]any) (Execution, error) {
	s := c.s
	in := StartInput{}
	in.MachineARN, _ = parameters["StateMachineArn"].(string)
	in.Name, _ = parameters["Name"].(string)
	if in.Name == "" {
		in.Name = s.account.IDs.UUID()
	}
	if input, ok := parameters["Input"]; ok {
		in.Input = encode(input)
	}
	as := s.as(s.ctx, c.x.machine.RoleARN)
	for _, action := range []string{"states:DescribeExecution", "states:StopExecution"} {
		if err := wire.Authorize(as, action, s.executionARN(in.MachineARN, in.Name), nil); err != nil {
			return Execution{}, err
		}
	}
	return s.StartExecution(as, in)
}

// stopChild stops the nested execution when its parent ended or the task timed out, but not when the service closes.
func (c *taskCall) stopChild(arn string, why error) {
	s := c.s
	if errors.Is(why, errClosed) || s.options.StopChild != nil && !s.options.StopChild(arn) {
		return
	}
	// It may have ended by itself: then there is nothing to stop.
	_, _ = s.StopExecution(s.as(s.ctx, c.x.machine.RoleARN), arn, "", "")
}

// childRefusal names the error of a nested execution that did not start: StepFunctions. and the exception.
func childRefusal(err error) *failure {
	e := wire.AsError(err)
	code := e.Code
	switch {
	case code == "AccessDeniedException":
		code = "AWSStepFunctionsException"
	case !strings.HasSuffix(code, "Exception"):
		code += "Exception"
	}
	return failf("StepFunctions."+code, "%s (Service: AWSStepFunctions; Status Code: %d; Error Code: %s)",
		e.Message, max(e.Status, 400), e.Code)
}
