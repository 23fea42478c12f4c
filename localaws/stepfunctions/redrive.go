package stepfunctions

import (
	"context"
	"time"

	"userdrop/localaws/wire"
)

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
