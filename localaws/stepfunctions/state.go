package stepfunctions

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"
)

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
