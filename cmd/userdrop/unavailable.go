package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go"
)

// unavailable is an error of AWS, or on the way to it, in one line that says what to do.
type unavailable struct{ error }

func (u unavailable) Unwrap() error { return u.error }

func unavailablef(format string, args ...any) error { return unavailable{fmt.Errorf(format, args...)} }

// explain puts what an SDK says of a failed call into words for people. The SDK's own text is a chain of which only
// the last link helps.
func explain(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[unavailable](err); ok {
		return err
	}
	if e, ok := errors.AsType[config.SharedConfigProfileNotExistError](err); ok {
		return unavailablef("there is no AWS profile %q: see \"aws configure list-profiles\"", e.Profile)
	}
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		switch e.ErrorCode() {
		case "ExpiredToken", "ExpiredTokenException", "RequestExpired":
			return unavailablef("the AWS credentials have expired: log in again, such as by \"aws sso login\"")
		case "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "SignatureDoesNotMatch":
			return unavailablef("AWS does not accept these credentials (%s): see \"aws sts get-caller-identity\"",
				e.ErrorCode())
		case "AccessDenied", "AccessDeniedException":
			return unavailablef("these AWS credentials may not do that: %s", e.ErrorMessage())
		}
		return unavailablef("AWS refused: %s: %s", e.ErrorCode(), e.ErrorMessage())
	}
	if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == "dial" {
		return unavailablef("nothing answers at %s: is the network up, and is \"userdrop local\" running if "+
			"AWS_ENDPOINT_URL names it?", e.Addr)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return unavailablef("AWS did not answer in time")
	}
	return err
}

// lastLink is the last part of an error's text.
func lastLink(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 {
		return text[i+2:]
	}
	return text
}
