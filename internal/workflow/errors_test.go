package workflow_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/aws/smithy-go"

	"userdrop/internal/workflow"
)

func TestClassify(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want workflow.ErrorName
	}{
		{"named by us", &workflow.Error{Name: workflow.Gone, Err: errors.New("deleted")}, workflow.Gone},
		{"a throttle", &smithy.GenericAPIError{Code: "SlowDown"}, workflow.Throttled},
		{"a missing permission", &smithy.GenericAPIError{Code: "AccessDeniedException"}, workflow.Denied},
		{"no object", &smithy.GenericAPIError{Code: "NoSuchKey"}, workflow.Gone},
		{"a fault of AWS's", &smithy.GenericAPIError{Code: "InternalError"}, workflow.Unavailable},
		{"a deadline", context.DeadlineExceeded, workflow.Unavailable},
		{"an answer cut short", io.ErrUnexpectedEOF, workflow.Unavailable},
		{"anything else", errors.New("a bug"), workflow.Unexpected},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := workflow.Classify(fmt.Errorf("in a call: %w", c.err)); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}
