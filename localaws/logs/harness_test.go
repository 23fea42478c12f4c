package logs_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/smithy-go"

	"userdrop/localaws/logs"
	"userdrop/localaws/wire"
)

func setUp(t *testing.T) (*logs.Service, *cloudwatchlogs.Client) {
	t.Helper()
	service := logs.New(&wire.Account{ID: "111122223333", Region: "us-east-1", IDs: wire.NewIDs(1)})
	return service, cloudwatchlogs.New(cloudwatchlogs.Options{
		Region: "us-east-1", HTTPClient: direct{service}, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

// direct calls a service without a network. Over one, the SDK closes a request's body with the first bytes of the
// answer; net/http, which may be about to look for the body's end, then takes the connection for broken, and a large
// answer with it (smithy-go's safeWriteToReadCloser). The SDK retries; a client without retries fails.
type direct struct{ http.Handler }

func (d direct) Do(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w.Result(), nil
}

// at is a time stamp of n milliseconds after some moment.
func at(n int) time.Time { return time.UnixMilli(1_700_000_000_000 + int64(n)) }

func code(err error) string {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return fmt.Sprint(err)
	}
	return api.ErrorCode() + ": " + api.ErrorMessage()
}

type witness struct{ asked []string }

func (w *witness) ARN() string { return "arn:aws:sts::111122223333:assumed-role/someone/session" }

func (w *witness) Allows(action, resource string, _ map[string]string) bool {
	w.asked = append(w.asked, action+" "+resource)
	return false
}
