package stepfunctions

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
)

// mapConcurrency is how many iterations of an inline Map run at once when the state does not set a limit. See
// https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html.
const mapConcurrency = 40

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

// iterate runs the iterations of a Map state. After a redrive it runs those that have not succeeded.
func (r *run) iterate(ctx context.Context, t *thread, s *State, sc *scope) (any, error) {
	iterations, err := r.iterations(t, s, sc)
	if err != nil {
		return nil, err
	}
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.work(inner, cancel, iterations, s.MaxConcurrency)
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

// work runs what is left of the iterations, so many at once, until one of them fails.
func (r *run) work(ctx context.Context, fail context.CancelCauseFunc, iterations []*thread, workers int) {
	pending := make(chan *thread, len(iterations))
	for _, i := range iterations {
		if !i.done {
			pending <- i
		}
	}
	close(pending)
	if workers == 0 || workers > mapConcurrency {
		workers = mapConcurrency
	}
	var wg sync.WaitGroup
	for range min(workers, len(pending)) {
		wg.Go(func() {
			for i := range pending {
				if ctx.Err() != nil {
					return
				}
				if err := r.iteration(ctx, i); err != nil {
					fail(err)
				}
			}
		})
	}
	wg.Wait()
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
