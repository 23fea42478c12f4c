// Package wire holds what the services of the local double have in common: the account that they play, AWS's error
// shapes, the JSON and Query protocols, and authorization.
//
// A service is an [http.Handler]. It never reads a clock other than package time's, so that it runs under virtual
// time in a testing/synctest bubble, and never draws a random number other than from [Account.IDs], so that a seed
// repeats a run.
package wire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Account is the one AWS account and Region that a double plays.
type Account struct {
	ID     string // 12 digits
	Region string
	IDs    *IDs
	// Speed divides waits, retries, job durations and the time-outs of states; 0 means 1. Time stamps, signatures,
	// expiries and the time-outs of functions stay real.
	Speed float64
}

// Hurry returns d divided by the account's speed.
func (a *Account) Hurry(d time.Duration) time.Duration {
	if a.Speed <= 0 {
		return d
	}
	return time.Duration(float64(d) / a.Speed)
}

// ARN builds arn:aws:<service>:<region>:<account>:<resource>.
func (a *Account) ARN(service, resource string) string {
	return fmt.Sprintf("arn:aws:%s:%s:%s:%s", service, a.Region, a.ID, resource)
}

// IDs is a seeded source of identifiers, safe for concurrent use.
type IDs struct {
	mu  sync.Mutex
	rng *rand.Rand
}

// NewIDs returns a source that repeats itself for the same seed.
func NewIDs(seed uint64) *IDs {
	return &IDs{rng: rand.New(rand.NewPCG(seed, 0x5eed))}
}

// Draw returns n characters out of alphabet.
func (s *IDs) Draw(alphabet string, n int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[s.rng.IntN(len(alphabet))]
	}
	return string(b)
}

// UUID returns a version 4 UUID.
func (s *IDs) UUID() string {
	const hex = "0123456789abcdef"
	return s.Draw(hex, 8) + "-" + s.Draw(hex, 4) + "-4" + s.Draw(hex, 3) + "-" +
		s.Draw("89ab", 1) + s.Draw(hex, 3) + "-" + s.Draw(hex, 12)
}

// Float64 returns a number in [0, 1).
func (s *IDs) Float64() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rng.Float64()
}

// Error is an answer of AWS that is not a success. Code is the name that clients switch on, such as
// "ResourceNotFoundException"; Status is the HTTP status, 400 when zero.
type Error struct {
	Code    string
	Message string
	Status  int
	// QueryCode is the error's code in the Query protocol, for services whose JSON protocol once was that one: clients
	// read it from the header x-amzn-query-error.
	QueryCode string
	// Fields are further members of the error shape, such as reasonCode.
	Fields map[string]any
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Errorf builds an Error with HTTP status 400.
func Errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Status: http.StatusBadRequest}
}

// AsError turns any error into one that can be answered: what is no *Error is an internal one.
func AsError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Code: "InternalFailure", Message: err.Error(), Status: http.StatusInternalServerError}
}

// Operation answers one decoded call of the JSON protocols. A nil answer is an empty body.
type Operation func(ctx context.Context, input json.RawMessage) (any, error)

// Strict makes an Operation of a function with a typed input. A member that In lacks is refused by its name.
func Strict[In, Out any](op func(context.Context, In) (Out, error)) Operation {
	return decoded(op, Pascal)
}

// StrictCamel is Strict for protocols whose members begin in lower case.
func StrictCamel[In, Out any](op func(context.Context, In) (Out, error)) Operation {
	return decoded(op, Camel)
}

func decoded[In, Out any](op func(context.Context, In) (Out, error), naming Naming) Operation {
	return func(ctx context.Context, raw json.RawMessage) (any, error) {
		var in In
		if len(raw) > 0 {
			if err := Decode(raw, &in, naming); err != nil {
				return nil, Errorf("SerializationException", "%s", strings.TrimPrefix(err.Error(), "json: "))
			}
		}
		return op(ctx, in)
	}
}

// JSON serves the awsJson1.0 and awsJson1.1 protocols: POST /, the operation in X-Amz-Target after the dot.
func JSON(operations map[string]Operation) *API {
	return newAPI(operations, func(w http.ResponseWriter, r *http.Request) {
		out, err := call(operations, r)
		w.Header().Set("X-Amzn-RequestId", RequestID(r.Context()))
		if err != nil {
			e := AsError(err)
			writeJSONError(w, r, e, max(e.Status, http.StatusBadRequest))
			return
		}
		contentType := r.Header.Get("Content-Type")
		if contentType == "" {
			contentType = "application/x-amz-json-1.1"
		}
		w.Header().Set("Content-Type", contentType)
		if out == nil {
			out = struct{}{}
		}
		_ = json.NewEncoder(w).Encode(out)
	})
}

// call runs the operation that a request names.
func call(operations map[string]Operation, r *http.Request) (any, error) {
	_, name, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	operation, ok := operations[name]
	if !ok {
		return nil, Errorf("UnknownOperationException", "the local double does not know the operation %q", name)
	}
	body, err := io.ReadAll(r.Body)
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, &Error{
			Code: "RequestEntityTooLarge", Message: err.Error(), Status: http.StatusRequestEntityTooLarge,
		}
	}
	if err != nil {
		return nil, Errorf("SerializationException", "reading the request: %v", err)
	}
	return operation(r.Context(), body)
}

// Epoch is a time stamp as the JSON protocols write it: seconds since 1970 with a fraction of milliseconds.
type Epoch time.Time

// MarshalJSON writes the seconds with three digits after the point; a zero time is null.
func (e Epoch) MarshalJSON() ([]byte, error) {
	t := time.Time(e)
	if t.IsZero() {
		return []byte("null"), nil
	}
	return fmt.Appendf(nil, "%d.%03d", t.Unix(), t.Nanosecond()/int(time.Millisecond)), nil
}

// Principal is who calls. The front door puts one into each request's context.
type Principal interface {
	// ARN names the caller, as AWS shows it in an AccessDenied message.
	ARN() string
	// Allows reports whether the caller's statements allow the action on the resource. Context holds condition keys,
	// such as "iam:PassedToService".
	Allows(action, resource string, conditions map[string]string) bool
}

type contextKey int

const (
	principalKey contextKey = iota
	requestIDKey
)

// WithPrincipal returns a context whose calls are made by p.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey, p)
}

// Caller returns the context's principal, or nil for the account's administrator, who may do everything.
func Caller(ctx context.Context) Principal {
	p, _ := ctx.Value(principalKey).(Principal)
	return p
}

// WithRequestID returns a context that carries the id of the HTTP request.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey, id)
}

// RequestID returns the id of the HTTP request.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey).(string)
	return id
}

// Authorize answers nil when the caller may do action ("s3:GetObject") on resource (an ARN, or "*"), and AWS's
// AccessDeniedException otherwise. Every operation of the double asks it once for each action that AWS would check.
func Authorize(ctx context.Context, action, resource string, conditions map[string]string) error {
	p := Caller(ctx)
	if p == nil || p.Allows(action, resource, conditions) {
		return nil
	}
	return &Error{
		Code: "AccessDeniedException",
		Message: fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s "+
			"because no identity-based policy allows the %s action", p.ARN(), action, resource, action),
		Status: http.StatusBadRequest,
	}
}

// What AWS asks of a customer managed key on behalf of a caller.
const (
	Decrypt         = "kms:Decrypt"
	GenerateDataKey = "kms:GenerateDataKey"
)

// AuthorizeKey asks for actions on a customer managed key, given by its ARN. A key that AWS owns or manages lets
// everybody in who may use the resource behind it: for these key is empty or an alias, such as alias/aws/sns.
func AuthorizeKey(ctx context.Context, key string, actions ...string) error {
	for _, action := range actions {
		if !strings.HasPrefix(key, "arn:") {
			break
		}
		if err := Authorize(ctx, action, key, nil); err != nil {
			return err
		}
	}
	return nil
}

// Event is an event that a service sends to EventBridge, without id and time.
type Event struct {
	Source     string
	DetailType string
	Resources  []string
	Detail     any
}

// Sink receives a service's events.
type Sink func(Event)
