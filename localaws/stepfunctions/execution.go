package stepfunctions

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"userdrop/localaws/wire"
)

// The statuses of an execution.
const (
	Running   = "RUNNING"
	Succeeded = "SUCCEEDED"
	Failed    = "FAILED"
	TimedOut  = "TIMED_OUT"
	Aborted   = "ABORTED"
)

// Execution is the state of one execution.
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

// listed returns the status that ListExecutions shows at a time; ok is false while it does not show the execution.
func (x *execution) listed(now time.Time) (status string, ok bool) {
	for _, c := range slices.Backward(x.shown) {
		if !c.at.After(now) {
			return c.status, true
		}
	}
	return "", false
}

// expired reports whether Step Functions has forgotten the execution.
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

// publish sends an execution's status to EventBridge. See
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

// asJSON returns the execution as DescribeExecution shows it.
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
