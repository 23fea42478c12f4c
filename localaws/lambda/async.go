package lambda

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"userdrop/localaws/wire"
)

// Record is what a destination receives:
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
type Record struct {
	Version         string           `json:"version"`
	Timestamp       string           `json:"timestamp"`
	RequestContext  RequestContext   `json:"requestContext"`
	RequestPayload  json.RawMessage  `json:"requestPayload"`
	ResponseContext *ResponseContext `json:"responseContext,omitempty"`
	ResponsePayload json.RawMessage  `json:"responsePayload,omitempty"`
}

// RequestContext says what was invoked, how often, and why it ended: "Success", "RetriesExhausted" or
// "EventAgeExceeded".
type RequestContext struct {
	RequestID   string `json:"requestId"`
	FunctionARN string `json:"functionArn"`
	Condition   string `json:"condition"`
	InvokeCount int    `json:"approximateInvokeCount"`
}

// ResponseContext describes the last answer.
type ResponseContext struct {
	StatusCode      int    `json:"statusCode"`
	ExecutedVersion string `json:"executedVersion"`
	FunctionError   string `json:"functionError,omitempty"`
}

// DetailType is the detail-type of a record on an event bus, whose source is "lambda".
func (r Record) DetailType() string {
	if r.RequestContext.Condition == "Success" {
		return "Lambda Function Invocation Result - Success"
	}
	return "Lambda Function Invocation Result - Failure"
}

// InvokeAsync queues an event. Lambda runs it, retries a function error after one and two more minutes, retries a
// throttle or a fault of its own until the event is too old, and hands the outcome to the destination:
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
func (s *Service) InvokeAsync(ctx context.Context, name string, payload []byte) (Result, error) {
	r, err := s.admit(ctx, name, "", payload, maxAsyncPayload)
	if err != nil {
		return Result{}, err
	}
	return s.queue(r)
}

func (s *Service) queue(r request) (Result, error) {
	if !s.start(func() { s.drain(r) }) {
		return Result{}, errClosed
	}
	return Result{StatusCode: http.StatusAccepted, RequestID: r.id}, nil
}

func (s *Service) drain(r request) {
	asynchronous := r.function.Asynchronous
	retries := *asynchronous.MaximumRetryAttempts
	expires := time.Now().Add(s.account.Hurry(asynchronous.MaximumEventAge))
	for count := 1; ; count++ {
		result, invoked := s.unrefused(r, expires)
		switch {
		case s.ctx.Err() != nil:
			return
		case !invoked:
			s.conclude(r, Result{}, "EventAgeExceeded", count-1)
			return
		case result.FunctionError == "":
			s.conclude(r, result, "Success", count)
			return
		case count > retries:
			s.conclude(r, result, "RetriesExhausted", count)
			return
		}
		pause := s.account.Hurry(time.Duration(count) * time.Minute)
		if time.Now().Add(pause).After(expires) {
			s.conclude(r, result, "EventAgeExceeded", count)
			return
		}
		if !s.sleep(pause) {
			return
		}
	}
}

// unrefused waits out throttles and faults, from one second up to five minutes a time, as long as the event is young
// enough.
func (s *Service) unrefused(r request, expires time.Time) (result Result, invoked bool) {
	for pause := time.Second; ; pause = min(2*pause, 5*time.Minute) {
		result, err := s.run(s.ctx, r)
		if !refused(err) {
			return result, err == nil
		}
		hurried := s.account.Hurry(pause)
		if time.Now().Add(hurried).After(expires) || !s.sleep(hurried) {
			return Result{}, false
		}
	}
}

func (s *Service) conclude(r request, result Result, condition string, count int) {
	destination := r.function.Asynchronous.OnFailure
	if condition == "Success" {
		destination = r.function.Asynchronous.OnSuccess
	}
	if destination == "" || s.options.Deliver == nil {
		return
	}
	arn := r.arn
	if r.qualifier == latest {
		arn = s.account.ARN("lambda", "function:"+r.function.Name+":"+latest)
	}
	record := Record{
		Version:   "1.0",
		Timestamp: time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
		RequestContext: RequestContext{
			RequestID: r.id, FunctionARN: arn, Condition: condition, InvokeCount: count,
		},
		RequestPayload: r.payload,
	}
	if result.StatusCode != 0 {
		record.ResponseContext = &ResponseContext{result.StatusCode, result.Version, result.FunctionError}
		record.ResponsePayload = result.Payload
	}
	ctx := s.ctx
	if s.options.Principal != nil {
		ctx = wire.WithPrincipal(ctx, s.options.Principal(r.function.RoleARN))
	}
	if err := s.options.Deliver(ctx, destination, record); err != nil {
		// Lambda only counts such failures, in the metric DestinationDeliveryFailures.
		s.journalFor(r.function).write(time.Now(), "DestinationDeliveryFailures: "+wire.AsError(err).Error())
	}
}
