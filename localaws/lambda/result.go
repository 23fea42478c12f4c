package lambda

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"
)

// Result is the answer to an invocation. Payload is the error's JSON when FunctionError is not empty.
type Result struct {
	StatusCode    int
	FunctionError string // "" or "Unhandled"
	Payload       []byte
	Version       string
	RequestID     string
	LogTail       string // the last 4 KB of what was logged
}

func (r *Result) complete(req request) {
	r.StatusCode, r.Version, r.RequestID = http.StatusOK, req.qualifier, req.id
}

// failure is a function error before the request that met it is known.
type failure struct {
	kind    string
	message func(requestID string) string
}

func (f *failure) result(requestID string) Result {
	return functionError(messages.InvokeResponse_Error{Type: f.kind, Message: f.message(requestID)})
}

func functionError(e messages.InvokeResponse_Error) Result {
	payload, err := json.Marshal(e)
	if err != nil {
		panic(err) // strings and integers only
	}
	return Result{FunctionError: "Unhandled", Payload: payload}
}

// TimedOut is the answer to an invocation that was still running at the function's time-out.
func TimedOut(requestID string, timeout time.Duration) Result {
	return timedOut(timeout).result(requestID)
}

func timedOut(after time.Duration) *failure {
	now := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	return &failure{"Sandbox.Timedout", func(id string) string {
		return fmt.Sprintf("%s %s Task timed out after %.2f seconds", now, id, after.Seconds())
	}}
}

// Exited is the answer to an invocation whose process ended, for example for "signal: killed".
func Exited(requestID, reason string) Result { return exited(reason).result(requestID) }

func exited(reason string) *failure {
	return &failure{"Runtime.ExitError", func(id string) string {
		if reason == "" {
			return fmt.Sprintf("RequestId: %s Error: Runtime exited without providing a reason", id)
		}
		return fmt.Sprintf("RequestId: %s Error: Runtime exited with error: %s", id, reason)
	}}
}

func tooLarge(size int) Result {
	return functionError(messages.InvokeResponse_Error{
		Type: "Function.ResponseSizeTooLarge",
		Message: fmt.Sprintf(
			"Response payload size (%d bytes) exceeded maximum allowed payload size (%d bytes).", size, maxSyncPayload,
		),
	})
}

// named turns an error or a panic's value into the message that aws-lambda-go sends: a messages.InvokeResponse_Error
// that is returned by value keeps its type, anything else is named after its outermost Go type.
func named(v any, message string) messages.InvokeResponse_Error {
	if e, ok := v.(messages.InvokeResponse_Error); ok {
		return e
	}
	t := reflect.TypeOf(v)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return messages.InvokeResponse_Error{Type: t.Name(), Message: message}
}

// journal is the log stream of one environment, with the platform's own lines:
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
type journal struct {
	group, stream, format string
	memory                int
	sink                  func(group, stream string, t time.Time, line string)

	mu   sync.Mutex
	tail string
}

func (j *journal) write(t time.Time, line string) {
	const tailSize = 4 << 10
	j.mu.Lock()
	j.tail += line + "\n"
	j.tail = j.tail[max(0, len(j.tail)-tailSize):]
	j.mu.Unlock()
	if j.sink != nil {
		j.sink(j.group, j.stream, t, line)
	}
}

func (j *journal) begin(r request, now time.Time) {
	j.mu.Lock()
	j.tail = ""
	j.mu.Unlock()
	if j.format == "JSON" {
		j.platform(now, "platform.start", map[string]any{"requestId": r.id, "version": r.qualifier})
		return
	}
	j.write(now, fmt.Sprintf("START RequestId: %s Version: %s", r.id, r.qualifier))
}

// end writes the report and returns the tail of the log.
func (j *journal) end(r request, result Result, took, init time.Duration) string {
	now := time.Now()
	if platformError(result) {
		var e messages.InvokeResponse_Error
		_ = json.Unmarshal(result.Payload, &e) // our own JSON
		j.write(now, e.Message)
	}
	milliseconds := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	billed := (took + init + time.Millisecond - 1) / time.Millisecond
	if j.format == "JSON" {
		metrics := map[string]any{
			"durationMs": milliseconds(took), "billedDurationMs": int64(billed), "memorySizeMB": j.memory,
		}
		if init > 0 {
			metrics["initDurationMs"] = milliseconds(init)
		}
		status := "success"
		if result.FunctionError != "" {
			status = "error"
		}
		j.platform(now, "platform.report", map[string]any{"requestId": r.id, "metrics": metrics, "status": status})
	} else {
		line := fmt.Sprintf("REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %d ms\tMemory Size: %d MB",
			r.id, milliseconds(took), billed, j.memory)
		if init > 0 {
			line += fmt.Sprintf("\tInit Duration: %.2f ms", milliseconds(init))
		}
		j.write(now, "END RequestId: "+r.id)
		j.write(now, line)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.tail
}

// platformError reports whether Lambda, and not the function, wrote the error.
func platformError(r Result) bool {
	return r.FunctionError != "" &&
		(strings.Contains(string(r.Payload), `"errorType":"Sandbox.`) ||
			strings.Contains(string(r.Payload), `"errorType":"Runtime.ExitError"`))
}

func (j *journal) platform(t time.Time, kind string, record map[string]any) {
	line, err := json.Marshal(struct {
		Time   string         `json:"time"`
		Type   string         `json:"type"`
		Record map[string]any `json:"record"`
	}{t.UTC().Format("2006-01-02T15:04:05.000Z"), kind, record})
	if err != nil {
		panic(err) // strings and numbers only
	}
	j.write(t, string(line))
}
