package awserror_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/aws/smithy-go"

	"userdrop/internal/aws/awserror"
	"userdrop/internal/contract"
)

func TestName(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want contract.ErrorName
	}{
		{"named by us", &contract.Error{Name: contract.Gone, Err: errors.New("deleted")}, contract.Gone},
		{"a throttle", &smithy.GenericAPIError{Code: "SlowDown"}, contract.Throttled},
		{"a missing permission", &smithy.GenericAPIError{Code: "AccessDeniedException"}, contract.Denied},
		{"no object", &smithy.GenericAPIError{Code: "NoSuchKey"}, contract.Gone},
		{"a fault of AWS's", &smithy.GenericAPIError{Code: "InternalError"}, contract.Unavailable},
		{"a deadline", context.DeadlineExceeded, contract.Unavailable},
		{"an answer cut short", io.ErrUnexpectedEOF, contract.Unavailable},
		{"anything else", errors.New("a bug"), contract.Unexpected},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := awserror.Name(fmt.Errorf("in a call: %w", c.err)); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}
