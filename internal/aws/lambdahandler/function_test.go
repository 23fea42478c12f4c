package lambdahandler

import (
	"os"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
)

// TestEndpoint: the template names AWS_ENDPOINT_URL for `sam local invoke` and leaves it empty. The SDK must take that
// for AWS itself.
func TestEndpoint(t *testing.T) {
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	for _, endpoint := range []string{"", "http://192.0.2.7:4566"} {
		t.Setenv("AWS_ENDPOINT_URL", endpoint)
		if _, err := load(func(cfg aws.Config, _ map[string]string) (lambda.Handler, error) {
			if got := aws.ToString(cfg.BaseEndpoint); got != endpoint || (cfg.BaseEndpoint == nil) != (endpoint == "") {
				t.Errorf("AWS_ENDPOINT_URL=%q: the clients call %q", endpoint, got)
			}
			return nil, nil
		}); err != nil {
			t.Error(err)
		}
	}
}
