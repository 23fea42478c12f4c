package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// Handler is code in this process, such as lambda.NewHandler(f). It sees the deadline and the lambdacontext that a
// process would. A handler that ignores its deadline goes on, and its caller gets a time-out.
type Handler struct{ lambda.Handler }

func (h Handler) open(s *Service, f *function) (environment, *failure) { //nolint:unparam // a Bootstrap can fail
	return &inProcess{service: s, handler: h.Handler, timeout: f.Timeout, log: s.journalFor(f)}, nil
}

type inProcess struct {
	service *Service
	handler lambda.Handler
	timeout time.Duration
	log     *journal
}

func (e *inProcess) journal() *journal { return e.log }
func (e *inProcess) close()            {}

func (e *inProcess) invoke(inv invocation) (Result, bool) {
	ctx, cancel := context.WithDeadline(e.service.ctx, inv.deadline)
	lc := lambdacontext.LambdaContext{AwsRequestID: inv.id, InvokedFunctionArn: inv.arn}
	if len(inv.clientContext) > 0 {
		if err := json.Unmarshal(inv.clientContext, &lc.ClientContext); err != nil {
			cancel()
			return functionError(named(err, err.Error())), true
		}
	}
	type answer struct {
		Result
		reusable bool
	}
	done := make(chan answer, 1)
	started := e.service.start(func() {
		defer cancel()
		result, reusable := e.call(lambdacontext.NewContext(ctx, &lc), inv.payload)
		done <- answer{result, reusable}
	})
	if !started {
		cancel()
		return Exited(inv.id, "signal: killed"), false
	}
	select {
	case a := <-done:
		if time.Now().Before(inv.deadline) {
			return a.Result, a.reusable
		}
	case <-ctx.Done():
		// The handler's return cancels ctx too, after its answer.
		if time.Now().Before(inv.deadline) && e.service.ctx.Err() == nil {
			a := <-done
			return a.Result, a.reusable
		}
	}
	if e.service.ctx.Err() != nil {
		return Exited(inv.id, "signal: killed"), false
	}
	return TimedOut(inv.id, e.timeout), false
}

// call answers what aws-lambda-go would post. A panic ends a process, so the environment is not used again.
func (e *inProcess) call(ctx context.Context, payload []byte) (result Result, reusable bool) {
	defer func() {
		if v := recover(); v != nil {
			result, reusable = functionError(named(v, fmt.Sprint(v))), false
			e.log.write(time.Now(), string(result.Payload))
		}
	}()
	out, err := e.handler.Invoke(ctx, payload)
	if err != nil {
		result = functionError(named(err, err.Error()))
		e.log.write(time.Now(), string(result.Payload))
		return result, true
	}
	return Result{Payload: out}, true
}
