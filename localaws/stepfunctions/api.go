package stepfunctions

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"userdrop/localaws/wire"
)

// api serves the operations of https://docs.aws.amazon.com/step-functions/latest/apireference/ that are implemented.
func (s *Service) api() *wire.API {
	return wire.JSON(map[string]wire.Operation{
		"CreateStateMachine":               strict(s.createStateMachine),
		"DescribeExecution":                strict(s.describeExecution),
		"DescribeStateMachine":             strict(s.describeStateMachine),
		"DescribeStateMachineForExecution": strict(s.describeStateMachineForExecution),
		"GetExecutionHistory":              strict(s.getExecutionHistory),
		"ListExecutions":                   strict(s.listExecutions),
		"ListStateMachines":                strict(s.listStateMachines),
		"RedriveExecution":                 strict(s.redriveExecution),
		"StartExecution":                   strict(s.startExecution),
		"StopExecution":                    strict(s.stopExecution),
	})
}

// strict is wire.StrictCamel, with the error that Step Functions has for bad input.
func strict[In any](op func(context.Context, In) (any, error)) wire.Operation {
	return func(ctx context.Context, raw json.RawMessage) (any, error) {
		var in In
		if len(raw) > 0 {
			if err := wire.Decode(raw, &in, wire.Camel); err != nil {
				return nil, wire.Errorf("ValidationException", "the local double cannot take the request: %v", err)
			}
		}
		return op(ctx, in)
	}
}

func (s *Service) createStateMachine(
	ctx context.Context, in struct{ Name, Definition, RoleARN, Type string },
) (any, error) {
	if in.Type != "" && in.Type != "STANDARD" {
		return nil, wire.Errorf("StateMachineTypeNotSupported", "the local double does not implement %s workflows", in.Type)
	}
	arn, err := s.CreateStateMachine(ctx, Machine{
		Name: in.Name, Definition: []byte(in.Definition), RoleARN: in.RoleARN,
	})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return map[string]any{"stateMachineArn": arn, "creationDate": wire.Epoch(s.machines[arn].created)}, nil
}

// machine finds a machine for a caller who may do the action on it.
func (s *Service) machine(ctx context.Context, action, arn string) (*machine, error) {
	if err := s.checkARN(arn, "stateMachine"); err != nil {
		return nil, err
	}
	if err := wire.Authorize(ctx, action, arn, nil); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m, ok := s.machines[arn]
	if !ok {
		return nil, wire.Errorf("StateMachineDoesNotExist", "State Machine Does Not Exist: '%s'", arn)
	}
	return m, nil
}

func (m *machine) asJSON() map[string]any {
	return map[string]any{
		"stateMachineArn": m.arn, "name": m.Name, "definition": string(m.Definition), "roleArn": m.RoleARN,
	}
}

func (s *Service) describeStateMachine(ctx context.Context, in struct{ StateMachineARN string }) (any, error) {
	m, err := s.machine(ctx, "states:DescribeStateMachine", in.StateMachineARN)
	if err != nil {
		return nil, err
	}
	answer := m.asJSON()
	answer["type"], answer["status"], answer["creationDate"] = "STANDARD", "ACTIVE", wire.Epoch(m.created)
	answer["loggingConfiguration"] = map[string]any{"level": "OFF", "includeExecutionData": false}
	answer["tracingConfiguration"] = map[string]any{"enabled": false}
	return answer, nil
}

func (s *Service) describeStateMachineForExecution(
	ctx context.Context, in struct{ ExecutionARN string },
) (any, error) {
	x, err := s.lookUp(ctx, "states:DescribeStateMachineForExecution", in.ExecutionARN)
	if err != nil {
		return nil, err
	}
	answer := x.machine.asJSON()
	answer["updateDate"] = wire.Epoch(x.machine.created)
	return answer, nil
}

func (s *Service) listStateMachines(ctx context.Context, in struct {
	MaxResults int
	NextToken  string
},
) (any, error) {
	if err := wire.Authorize(ctx, "states:ListStateMachines", "*", nil); err != nil {
		return nil, err
	}
	limit, err := pageSize(in.MaxResults)
	if err != nil {
		return nil, err
	}
	after, err := readToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*machine
	for _, m := range s.machines {
		if m.Name > after {
			all = append(all, m)
		}
	}
	slices.SortFunc(all, func(a, b *machine) int { return strings.Compare(a.Name, b.Name) })
	answer := map[string]any{}
	if len(all) > limit {
		all = all[:limit]
		answer["nextToken"] = makeToken(all[limit-1].Name)
	}
	list := make([]any, len(all))
	for i, m := range all {
		list[i] = map[string]any{
			"stateMachineArn": m.arn, "name": m.Name, "type": "STANDARD", "creationDate": wire.Epoch(m.created),
		}
	}
	answer["stateMachines"] = list
	return answer, nil
}

func (s *Service) startExecution(
	ctx context.Context, in struct{ StateMachineARN, Name, Input, TraceHeader string },
) (any, error) {
	x, err := s.StartExecution(ctx, StartInput{MachineARN: in.StateMachineARN, Name: in.Name, Input: in.Input})
	if err != nil {
		return nil, err
	}
	return map[string]any{"executionArn": x.ARN, "startDate": wire.Epoch(x.Started)}, nil
}

func (s *Service) stopExecution(ctx context.Context, in struct{ ExecutionARN, Error, Cause string }) (any, error) {
	stopped, err := s.StopExecution(ctx, in.ExecutionARN, in.Error, in.Cause)
	if err != nil {
		return nil, err
	}
	return map[string]any{"stopDate": wire.Epoch(stopped)}, nil
}

// redriveExecution does not remember client tokens: a second redrive of a running execution is refused by itself.
func (s *Service) redriveExecution(ctx context.Context, in struct{ ExecutionARN, ClientToken string }) (any, error) {
	redriven, err := s.RedriveExecution(ctx, in.ExecutionARN)
	if err != nil {
		return nil, err
	}
	return map[string]any{"redriveDate": wire.Epoch(redriven)}, nil
}

func (s *Service) describeExecution(ctx context.Context, in struct{ ExecutionARN, IncludedData string }) (any, error) {
	if in.IncludedData != "" && in.IncludedData != "ALL_DATA" {
		return nil, wire.Errorf("ValidationException", "the local double does not implement includedData %q", in.IncludedData)
	}
	x, err := s.DescribeExecution(ctx, in.ExecutionARN)
	if err != nil {
		return nil, err
	}
	return s.asJSON(x), nil
}

// listItem is one execution in the list.
type listItem struct {
	ExecutionARN    string     `json:"executionArn"`
	Name            string     `json:"name"`
	StateMachineARN string     `json:"stateMachineArn"`
	Status          string     `json:"status"`
	StartDate       wire.Epoch `json:"startDate"`
	StopDate        wire.Epoch `json:"stopDate,omitzero"`
	RedriveCount    int        `json:"redriveCount"`
	RedriveDate     wire.Epoch `json:"redriveDate,omitzero"`
}

// listExecutions lists a machine's executions, the newest first, as far as the list knows of them.
func (s *Service) listExecutions(ctx context.Context, in struct {
	StateMachineARN, StatusFilter, RedriveFilter, NextToken string
	MaxResults                                              int
},
) (any, error) {
	m, err := s.machine(ctx, "states:ListExecutions", in.StateMachineARN)
	if err != nil {
		return nil, err
	}
	limit, err := pageSize(in.MaxResults)
	if err != nil {
		return nil, err
	}
	if !slices.Contains([]string{"", Running, Succeeded, Failed, TimedOut, Aborted, "PENDING_REDRIVE"}, in.StatusFilter) {
		return nil, wire.Errorf("ValidationException", "statusFilter: %q is no status", in.StatusFilter)
	}
	if !slices.Contains([]string{"", "REDRIVEN", "NOT_REDRIVEN"}, in.RedriveFilter) {
		return nil, wire.Errorf("ValidationException", "redriveFilter: %q is no filter", in.RedriveFilter)
	}
	token, err := readToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	last, err := parsePosition(token)
	if err != nil {
		return nil, err
	}

	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []listItem{}
	answer := map[string]any{}
	for _, x := range slices.Backward(m.executions) {
		status, ok := x.listed(now)
		switch {
		case !ok, x.expired(now), token != "" && x.position().compare(last) >= 0,
			in.StatusFilter != "" && in.StatusFilter != status,
			in.RedriveFilter != "" && (in.RedriveFilter == "REDRIVEN") != (x.RedriveCount > 0):
			continue
		}
		if len(list) == limit {
			answer["nextToken"] = makeToken(last.String())
			break
		}
		last = x.position()
		item := listItem{
			ExecutionARN: x.ARN, Name: x.Name, StateMachineARN: x.MachineARN, Status: status,
			StartDate: wire.Epoch(x.Started), RedriveCount: x.RedriveCount, RedriveDate: wire.Epoch(x.Redriven),
		}
		if status != Running {
			item.StopDate = wire.Epoch(x.Stopped)
		}
		list = append(list, item)
	}
	answer["executions"] = list
	return answer, nil
}

// position is an execution's place in the list.
type position struct {
	started int64 // nanoseconds
	name    string
}

func (x *execution) position() position { return position{x.Started.UnixNano(), x.Name} }

func (p position) compare(q position) int {
	return cmp.Or(cmp.Compare(p.started, q.started), strings.Compare(p.name, q.name))
}

func (p position) String() string { return strconv.FormatInt(p.started, 10) + " " + p.name }

func parsePosition(s string) (position, error) {
	if s == "" {
		return position{}, nil
	}
	started, name, ok := strings.Cut(s, " ")
	n, err := strconv.ParseInt(started, 10, 64)
	if !ok || err != nil {
		return position{}, errInvalidToken()
	}
	return position{n, name}, nil
}

func errInvalidToken() error { return wire.Errorf("InvalidToken", "Invalid Token") }

func makeToken(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) }

func readToken(token string) (string, error) {
	s, err := base64.URLEncoding.DecodeString(token)
	if err != nil {
		return "", errInvalidToken()
	}
	return string(s), nil
}

// pageSize is maxResults: 100 when it is 0, and 1,000 at most.
func pageSize(maxResults int) (int, error) {
	if maxResults < 0 || maxResults > 1000 {
		return 0, wire.Errorf("ValidationException", "1 validation error detected: Value '%d' at 'maxResults' failed to "+
			"satisfy constraint: Member must have value between 0 and 1000", maxResults)
	}
	return cmp.Or(maxResults, 100), nil
}

func (s *Service) getExecutionHistory(ctx context.Context, in struct {
	ExecutionARN, NextToken string
	MaxResults              int
	ReverseOrder            bool
	IncludeExecutionData    *bool
},
) (any, error) {
	events, err := s.History(ctx, in.ExecutionARN)
	if err != nil {
		return nil, err
	}
	limit, err := pageSize(in.MaxResults)
	if err != nil {
		return nil, err
	}
	token, err := readToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	if in.ReverseOrder {
		slices.Reverse(events)
	}
	if token != "" { // the id of the last event of the page before
		last, err := strconv.ParseInt(token, 10, 64)
		i := slices.IndexFunc(events, func(e HistoryEvent) bool { return e.ID == last })
		if err != nil || i < 0 {
			return nil, errInvalidToken()
		}
		events = events[i+1:]
	}
	answer := map[string]any{}
	if len(events) > limit {
		events = events[:limit]
		answer["nextToken"] = makeToken(strconv.FormatInt(events[limit-1].ID, 10))
	}
	if in.IncludeExecutionData != nil && !*in.IncludeExecutionData {
		for i, e := range events {
			events[i] = e.withoutData()
		}
	}
	answer["events"] = events
	return answer, nil
}
