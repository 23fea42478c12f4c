// Package awserror maps errors of the AWS SDK to the error names of the state machines.
package awserror

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"userdrop/internal/contract"
)

// Name returns the name of an error: that of a contract.Error in its chain, otherwise one derived from the AWS SDK's
// error code or HTTP status.
func Name(err error) contract.ErrorName {
	if named, ok := errors.AsType[*contract.Error](err); ok {
		return named.Name
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		switch api.ErrorCode() {
		case "TooManyRequestsException", "ThrottlingException", "Throttling", "Throttled", "ThrottledException",
			"RequestLimitExceeded", "SlowDown", "TooManyRequests", "RequestThrottled":
			return contract.Throttled
		case "AccessDenied", "AccessDeniedException", "NotAuthorizedException", "KMS.AccessDeniedException":
			return contract.Denied
		case "ResourceNotFoundException", "NoSuchKey", "NoSuchVersion", "NoSuchBucket", "NotFound",
			"StateMachineDoesNotExist":
			return contract.Gone
		case "InternalErrorException", "InternalFailure", "InternalError", "ServiceUnavailable",
			"ServiceUnavailableException", "RequestTimeout", "RequestTimeoutException":
			return contract.Unavailable
		}
	}
	if answer, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		switch status := answer.HTTPStatusCode(); {
		case status == http.StatusTooManyRequests:
			return contract.Throttled
		case status == http.StatusForbidden: // a HEAD has no body to name the error
			return contract.Denied
		case status >= http.StatusInternalServerError:
			return contract.Unavailable
		}
	}
	if _, ok := errors.AsType[net.Error](err); ok || errors.Is(err, context.DeadlineExceeded) {
		return contract.Unavailable
	}
	if errors.Is(err, io.ErrUnexpectedEOF) { // an answer that was cut short
		return contract.Unavailable
	}
	if _, ok := errors.AsType[*smithy.CanceledError](err); ok {
		return contract.Unavailable
	}
	return contract.Unexpected
}
