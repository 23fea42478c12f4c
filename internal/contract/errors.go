package contract

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"

	"github.com/aws/aws-lambda-go/lambda/messages"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

// ErrorName is the name under which Step Functions sees an error: an ErrorEquals of the state machines has it. A test
// compares both lists.
type ErrorName string

const (
	// Throttled: AWS asked for fewer calls. Tried again for hours.
	Throttled ErrorName = "Throttled"
	// Unavailable: AWS, or the way to it, had a fault of its own. Tried again for hours.
	Unavailable ErrorName = "Unavailable"
	// Denied: a permission is missing. Trying again does not help.
	Denied ErrorName = "Denied"
	// Gone: the pool, the bucket or the object is not there any more. Trying again does not help.
	Gone ErrorName = "Gone"
	// JobStillActive: a result can't be published while a job of the import runs, or may run since a part broke;
	// abort-import stops it first.
	JobStillActive ErrorName = "JobStillActive"
	// Unexpected: everything else.
	Unexpected ErrorName = "Unexpected"
)

// ErrorNames lists them all.
var ErrorNames = []ErrorName{Throttled, Unavailable, Denied, Gone, JobStillActive, Unexpected}

// Error is an error with a name for Step Functions.
type Error struct {
	Name ErrorName
	Err  error
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Classify names an error: by an Error inside, else by what the AWS SDK says of it.
func Classify(err error) ErrorName {
	if named, ok := errors.AsType[*Error](err); ok {
		return named.Name
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		switch api.ErrorCode() {
		case "TooManyRequestsException", "ThrottlingException", "Throttling", "Throttled", "ThrottledException",
			"RequestLimitExceeded", "SlowDown", "TooManyRequests", "RequestThrottled":
			return Throttled
		case "AccessDenied", "AccessDeniedException", "NotAuthorizedException", "KMS.AccessDeniedException":
			return Denied
		case "ResourceNotFoundException", "NoSuchKey", "NoSuchVersion", "NoSuchBucket", "NotFound",
			"StateMachineDoesNotExist":
			return Gone
		case "InternalErrorException", "InternalFailure", "InternalError", "ServiceUnavailable",
			"ServiceUnavailableException", "RequestTimeout", "RequestTimeoutException":
			return Unavailable
		}
	}
	if answer, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		switch status := answer.HTTPStatusCode(); {
		case status == http.StatusTooManyRequests:
			return Throttled
		case status == http.StatusForbidden: // a HEAD has no body to name the error
			return Denied
		case status >= http.StatusInternalServerError:
			return Unavailable
		}
	}
	if _, ok := errors.AsType[net.Error](err); ok || errors.Is(err, context.DeadlineExceeded) {
		return Unavailable
	}
	if errors.Is(err, io.ErrUnexpectedEOF) { // an answer that was cut short
		return Unavailable
	}
	if _, ok := errors.AsType[*smithy.CanceledError](err); ok {
		return Unavailable
	}
	return Unexpected
}

// AtBoundary gives an error its name for the Lambda runtime, which looks only at the outermost type: it must be an
// InvokeResponse_Error, by value.
func AtBoundary(err error) error {
	if err == nil {
		return nil
	}
	return messages.InvokeResponse_Error{Type: string(Classify(err)), Message: err.Error()}
}
