package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go"

	"userdrop/internal/aws/awserror"
	"userdrop/internal/contract"
)

// Kind groups the errors of AWS by what a script can do about them.
type Kind int

const (
	Refused   Kind = iota // AWS, or the local double, refused the call
	NotFound              // there is no such stack, pool or import
	Unreached             // no answer: the network, or a double that is not running
)

// Error is an error of AWS, or on the way to it, in one line that says what to do.
type Error struct {
	Kind Kind
	err  error
}

func (e *Error) Error() string { return e.err.Error() }
func (e *Error) Unwrap() error { return e.err }

// Refusedf returns an error of the kind Refused.
func Refusedf(format string, args ...any) error { return &Error{Refused, fmt.Errorf(format, args...)} }

// NotFoundf returns an error of the kind NotFound.
func NotFoundf(format string, args ...any) error {
	return &Error{NotFound, fmt.Errorf(format, args...)}
}

func unreachedf(format string, args ...any) error {
	return &Error{Unreached, fmt.Errorf(format, args...)}
}

// Explain puts what an SDK reports about a failed call into words for people. The SDK's own text is a chain of which
// only the last link helps. It returns any other error as it is.
func Explain(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	if e, ok := errors.AsType[config.SharedConfigProfileNotExistError](err); ok {
		return fmt.Errorf("there is no AWS profile %q: see \"aws configure list-profiles\"", e.Profile)
	}
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		switch e.ErrorCode() {
		case "ExpiredToken", "ExpiredTokenException", "RequestExpired":
			return Refusedf("the AWS credentials have expired: log in again, for example with \"%s\"", loginCommand(""))
		case "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "SignatureDoesNotMatch":
			return Refusedf("AWS does not accept these credentials (%s): see \"aws sts get-caller-identity\"", e.ErrorCode())
		case "AccessDenied", "AccessDeniedException":
			return Refusedf("these AWS credentials may not do that: %s", e.ErrorMessage())
		}
		return Refusedf("AWS refused: %s: %s", e.ErrorCode(), e.ErrorMessage())
	}
	if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == "dial" {
		return unreachedf("nothing answers at %s: check the network, and if AWS_ENDPOINT_URL is set, that "+
			"\"userdrop local\" is running", address(e))
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return unreachedf("the name %s cannot be resolved: check the network and the Region", e.Name)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return unreachedf("AWS did not answer in time: check the network, and try again")
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return unreachedf("the connection to AWS broke (%s): check the network, and try again", lastLink(err))
	}
	return err
}

// address is what a connection was meant for: a name that could not be resolved has no address.
func address(e *net.OpError) string {
	if e.Addr != nil {
		return e.Addr.String()
	}
	if dns, ok := errors.AsType[*net.DNSError](e); ok {
		return dns.Name
	}
	return "the address of AWS"
}

// transient reports whether the next look may well succeed.
func transient(err error) bool {
	name := awserror.Name(err)
	_, final := errors.AsType[*Error](err)
	return !final && (name == contract.Throttled || name == contract.Unavailable)
}

// lastLink is the last part of an error's text.
func lastLink(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 {
		return text[i+2:]
	}
	return text
}
