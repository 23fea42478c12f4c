package events

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"userdrop/localaws/wire"
)

// Targets are the services that events are delivered to. A nil function refuses its kind of target.
type Targets struct {
	// Lambda accepts an event for asynchronous invocation.
	Lambda       func(ctx context.Context, functionARN string, event []byte) error
	StateMachine func(ctx context.Context, stateMachineARN, executionName string, input []byte) error
	Topic        func(ctx context.Context, topicARN string, message []byte) error
	// Queue is the target sqs, and where dead letters go, with attributes of type String.
	Queue    func(ctx context.Context, queueARN string, body []byte, attributes map[string]string) error
	LogGroup func(ctx context.Context, logGroupARN string, t time.Time, message []byte) error
	// Assume returns an error unless the service may assume a role for a rule or a schedule. Nil checks nothing.
	Assume func(service, sourceARN, roleARN string) error
	// Principal is the caller of a target: the role, or the service on behalf of a rule when there is no role.
	Principal func(service, sourceARN, roleARN string) wire.Principal
}

// check refuses a target that the double cannot deliver to.
func (t Targets) check(arn, roleARN string) error {
	refuse := func(what string) error {
		return wire.Errorf("ValidationException", "the local double does not know %s as a target: %s", what, arn)
	}
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" {
		return wire.Errorf(
			"ValidationException", "Parameter %s is not valid. Reason: Provided Arn is not in correct format.", arn,
		)
	}
	known := map[string]bool{
		"lambda": t.Lambda != nil, "states": t.StateMachine != nil, "sns": t.Topic != nil, "sqs": t.Queue != nil,
		"logs": t.LogGroup != nil,
	}
	kind, _, _ := strings.Cut(parts[5], "/")
	switch {
	case parts[2] == "events" || parts[2] == "scheduler":
		return refuse(parts[2] + " " + kind)
	case !known[parts[2]]:
		return refuse(parts[2])
	case roleARN != "" && !wire.IsRoleARN(roleARN):
		return wire.Errorf("ValidationException", "Parameter %s is not valid. Reason: Provided Arn is not in correct format.",
			roleARN)
	case parts[2] == "states" && roleARN == "":
		return wire.Errorf("ValidationException", "RoleArn is required for target %s.", arn)
	}
	return nil
}

func (t Targets) send(ctx context.Context, arn, name string, payload []byte) error {
	switch strings.SplitN(arn, ":", 4)[2] {
	case "lambda":
		return t.Lambda(ctx, arn, payload)
	case "states":
		return t.StateMachine(ctx, arn, name, payload)
	case "sns":
		return t.Topic(ctx, arn, payload)
	case "sqs":
		return t.Queue(ctx, arn, payload, nil)
	default: // logs: check let nothing else pass
		return t.LogGroup(ctx, strings.TrimSuffix(arn, ":*"), time.Now(), payload)
	}
}

// dispatcher delivers to targets in goroutines that end with it.
type dispatcher struct {
	account *wire.Account
	targets Targets
	service string // the principal, such as "events.amazonaws.com"
	ctx     context.Context
	cancel  context.CancelFunc
	wait    sync.WaitGroup

	mu     sync.Mutex
	closed bool // no goroutine may be added to wait during close
}

func newDispatcher(account *wire.Account, service string, targets Targets) *dispatcher {
	ctx, cancel := context.WithCancel(context.Background())
	return &dispatcher{account: account, targets: targets, service: service, ctx: ctx, cancel: cancel}
}

func (d *dispatcher) close() {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	d.cancel()
	d.wait.Wait()
}

// start runs f unless the dispatcher is closed.
func (d *dispatcher) start(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.wait.Go(f)
	}
}

func (d *dispatcher) as(source, role string) context.Context {
	if d.targets.Principal == nil {
		return d.ctx
	}
	return wire.WithPrincipal(d.ctx, d.targets.Principal(d.service, source, role))
}

// sleep answers false when the dispatcher is closed first.
func (d *dispatcher) sleep(pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-d.ctx.Done():
		return false
	}
}

// parcel is one delivery to one target.
type parcel struct {
	source  string // the ARN of the rule or schedule
	target  string
	role    string
	name    string // of an execution
	payload func(attempt int) ([]byte, error)
	retry   RetryPolicy
	dead    DeadLetterConfig
	// letter makes the dead letter of a failure.
	letter func(failure) (body []byte, attributes map[string]string)
}

// failure is why a delivery was given up.
type failure struct {
	code, message string
	exhausted     string // "MaximumRetryAttempts", "MaximumEventAgeInSeconds" or ""
	retries       int
}

// attributes that dead letters of rules and schedules share:
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
func (f failure) attributes() map[string]string {
	a := map[string]string{
		"ERROR_CODE": f.code, "ERROR_MESSAGE": f.message, "RETRY_ATTEMPTS": strconv.Itoa(f.retries),
	}
	if f.exhausted != "" {
		a["EXHAUSTED_RETRY_CONDITION"] = f.exhausted
	}
	return a
}

// deliver tries until the target accepts, refuses for good, or the retry policy is exhausted; then the dead letter is
// sent.
func (d *dispatcher) deliver(p parcel) {
	failed, ok := d.try(p)
	if ok || d.ctx.Err() != nil || p.dead.Arn == "" || d.targets.Queue == nil {
		return
	}
	body, attributes := p.letter(failed)
	// A rule's dead letters are EventBridge's own to send, a schedule's its role's:
	// https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html
	role := ""
	if d.service == schedulerService {
		role = p.role
	}
	// AWS drops what the dead-letter queue refuses, too.
	_ = d.targets.Queue(d.as(p.source, role), p.dead.Arn, body, attributes)
}

func (d *dispatcher) try(p parcel) (failure, bool) {
	attempts, age := 185, 24*time.Hour
	if p.retry.MaximumRetryAttempts != nil {
		attempts = *p.retry.MaximumRetryAttempts
	}
	if p.retry.MaximumEventAgeInSeconds != nil {
		age = time.Duration(*p.retry.MaximumEventAgeInSeconds) * time.Second
	}
	expires := time.Now().Add(d.account.Hurry(age))
	ctx := d.as(p.source, p.role)
	for n := 0; ; n++ {
		payload, err := p.payload(n + 1)
		if err == nil && p.role != "" && d.targets.Assume != nil {
			err = d.targets.Assume(d.service, p.source, p.role)
		}
		if err == nil {
			err = d.targets.send(ctx, p.target, p.name, payload)
		}
		if err == nil {
			return failure{}, true
		}
		failed := failure{message: err.Error(), retries: n}
		var again bool
		failed.code, again = classify(err)
		if !again {
			return failed, false
		}
		// AWS says "exponential backoff and jitter" and no more.
		pause := min(time.Second<<min(n, 20), 10*time.Minute)
		pause = d.account.Hurry(pause/2 + time.Duration(d.account.IDs.Float64()*float64(pause)/2))
		switch {
		case n >= attempts:
			failed.exhausted = "MaximumRetryAttempts"
			return failed, false
		case time.Now().Add(pause).After(expires):
			failed.exhausted = "MaximumEventAgeInSeconds"
			return failed, false
		case !d.sleep(pause):
			return failed, false
		}
	}
}

// classify names an error as dead letters do and reports whether it is worth another try. A target that is gone or that
// refuses its caller is not tried again.
func classify(err error) (code string, again bool) {
	e := wire.AsError(err)
	switch {
	case e.Code == "InvalidJson":
		return "INVALID_JSON", false
	case strings.HasPrefix(e.Code, "AccessDenied"), e.Code == "AuthorizationError":
		return "NO_PERMISSIONS", false
	case strings.Contains(e.Code, "NotFound"), strings.Contains(e.Code, "DoesNotExist"):
		return "NO_RESOURCE", false
	case e.Code == "ExecutionAlreadyExists":
		return "RESOURCE_ALREADY_EXISTS", false
	case e.Status == http.StatusTooManyRequests, strings.HasPrefix(e.Code, "Throttl"), strings.HasPrefix(
		e.Code, "TooManyRequests",
	):
		return "THROTTLING", true
	case e.Status >= http.StatusInternalServerError:
		return "INTERNAL_ERROR", true
	}
	return "SDK_CLIENT_ERROR", false
}

// loop runs fire at each time of an expression until stop is closed.
func (d *dispatcher) loop(expression Expression, stop <-chan struct{}, fire func(scheduled time.Time)) {
	for last := time.Now(); ; {
		next, ok := expression.Next(last)
		if !ok {
			return
		}
		timer := time.NewTimer(time.Until(next))
		select {
		case <-timer.C:
		case <-stop:
			timer.Stop()
			return
		case <-d.ctx.Done():
			timer.Stop()
			return
		}
		fire(next)
		last = next
		if now := time.Now(); now.After(next) {
			last = now // what a sleeping machine missed is not made up for
		}
	}
}

// mustJSON is JSON of our own types, with < and > as they are.
func mustJSON(v any) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
