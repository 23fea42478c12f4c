package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"userdrop/internal/contract"
	"userdrop/localaws"
)

// TestUploadFaults breaks the first uploads of a part to its job, on a real network. Each is tried again until it
// works, and the upload's URL, which is a credential, is told nowhere.
func TestUploadFaults(t *testing.T) {
	answer := func(status int, code string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(status)
			fmt.Fprintf(w, "<Error><Code>%s</Code><Message>X-Amz-Signature=1</Message></Error>", code)
		}
	}
	for _, c := range []struct {
		name  string
		fault func(http.ResponseWriter) // nil: the connection is refused
		told  string
	}{
		{"refused", nil, "connection refused"},
		{"reset", func(w http.ResponseWriter) {
			connection, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_ = connection.(*net.TCPConn).SetLinger(0)
			_ = connection.Close()
		}, "upload to the import job: "},
		{"timed out", answer(http.StatusBadRequest, "RequestTimeout"), "S3 answered RequestTimeout"},
		{"throttled", answer(http.StatusServiceUnavailable, "SlowDown"), "S3 answered SlowDown"},
	} {
		t.Run(c.name, func(t *testing.T) {
			const faults = 2
			var uploads, urls atomic.Int32
			d := deploy(t, doubleOptions{speed: 100, calls: func(call localaws.Call, next http.Handler) http.Handler {
				if call.Service != "upload" || uploads.Add(1) > faults || c.fault == nil {
					return next
				}
				return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { c.fault(w) })
			}})
			if c.fault == nil {
				endpoint := d.Cognito.Endpoint
				d.Cognito.Endpoint = func() string {
					if urls.Add(1) <= faults {
						return "http://127.0.0.1:1"
					}
					return endpoint()
				}
			}
			code, stdout, stderr := userdrop("drop", "good.csv", "--watch", "--json", "--interval", "20ms")
			r, err := contract.UnmarshalResult([]byte(stdout))
			if err != nil || code != 0 || r.Verdict != contract.VerdictSucceeded || d.Cognito.UserCount(examplePool) != 2 {
				t.Fatalf("exit %d, %v\n%s%s", code, err, stdout, stderr)
			}
			told := everything(t, d)
			if !strings.Contains(told, c.told) {
				t.Errorf("neither log nor history tells %q:\n%s", c.told, told)
			}
			for _, secret := range []string{"X-Amz-", "aws-cognito-idp-user-import"} {
				if at := strings.Index(told+stdout, secret); at >= 0 {
					t.Errorf("the upload's URL is told: %s", told[max(at-200, 0):min(at+100, len(told))])
				}
			}
		})
	}
}

// TestDropInterrupted: what an interrupted drop has uploaded is not left, and paid for, in the inbox.
func TestDropInterrupted(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	d := deploy(t, doubleOptions{calls: func(_ localaws.Call, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Has("partNumber") {
				interrupt()
			}
			next.ServeHTTP(w, r)
		})
	}})
	if err := os.WriteFile("large.csv", make([]byte, 20<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	code := execute(ctx, []string{"drop", "large.csv"}, nil, io.Discard, &stderr)
	if code != int(exitInterrupted) || !strings.HasSuffix(stderr.String(), "userdrop: interrupted\n") {
		t.Errorf("exit %d: %s", code, stderr.String())
	}
	uploads, err := s3.NewFromConfig(d.Config("")).ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{
		Bucket: &d.Stack.Bucket("InboxBucket").Name,
	})
	if err != nil || len(uploads.Uploads) > 0 {
		t.Errorf("%d uploads are left: %v", len(uploads.Uploads), err)
	}
}

// everything is all that people can read of imports: the histories of executions, and the functions' logs.
func everything(t *testing.T, d *localaws.Double) string {
	t.Helper()
	var text strings.Builder
	ctx, cfg := t.Context(), d.Config("")
	machines, logs := sfn.NewFromConfig(cfg), cloudwatchlogs.NewFromConfig(cfg)
	for _, m := range d.Stack.StateMachines {
		for _, e := range d.StepFunctions.Executions(m.ARN) {
			history, err := machines.GetExecutionHistory(ctx, &sfn.GetExecutionHistoryInput{
				ExecutionArn: &e.ARN, MaxResults: 1000,
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, event := range history.Events {
				if f := event.LambdaFunctionFailedEventDetails; f != nil {
					text.WriteString(aws.ToString(f.Error) + aws.ToString(f.Cause) + "\n")
				}
				if s := event.StateExitedEventDetails; s != nil {
					text.WriteString(aws.ToString(s.Output) + "\n")
				}
			}
		}
	}
	groups, err := logs.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups.LogGroups {
		pages := cloudwatchlogs.NewFilterLogEventsPaginator(logs, &cloudwatchlogs.FilterLogEventsInput{
			LogGroupName: g.LogGroupName,
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Events {
				text.WriteString(aws.ToString(e.Message) + "\n")
			}
		}
	}
	return text.String()
}
