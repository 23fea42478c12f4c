package s3_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"userdrop/localaws/s3"
	"userdrop/localaws/wire"
)

// double is S3 with two buckets, "versioned" with events and "plain" without, and a client of it.
type double struct {
	*s3.Service
	client *sdk.Client
	url    string

	mu     sync.Mutex
	events []wire.Event
}

func newDouble(t *testing.T) *double {
	d := new(double)
	account := &wire.Account{ID: "111122223333", Region: "eu-central-1", IDs: wire.NewIDs(1)}
	d.Service = s3.New(account, func(e wire.Event) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.events = append(d.events, e)
	})
	d.SpoolDir = t.TempDir()
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, b := range []s3.Bucket{{Name: "versioned", Versioned: true, EventBridge: true}, {Name: "plain"}} {
		if err := d.CreateBucket(b); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// start serves the double over a socket.
func start(t *testing.T) *double { return startAs(t, nil) }

// startAs serves the double to a caller with limited permissions.
func startAs(t *testing.T, caller wire.Principal) *double {
	d := newDouble(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if caller != nil {
			r = r.WithContext(wire.WithPrincipal(r.Context(), caller))
		}
		d.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	d.url = server.URL
	d.client = newClient(server.URL, true, server.Client())
	return d
}

// inProcess is a double without a socket, for a synctest bubble. TLS makes the SDK stream with a trailing checksum.
func inProcess(t *testing.T) *double {
	d := newDouble(t)
	d.client = newClient("https://s3.eu-central-1.amazonaws.com", false, &http.Client{Transport: roundTripper{d}})
	return d
}

type roundTripper struct{ http.Handler }

func (h roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), nil
}

func newClient(endpoint string, pathStyle bool, client *http.Client) *sdk.Client {
	return sdk.New(sdk.Options{
		BaseEndpoint: &endpoint,
		UsePathStyle: pathStyle,
		HTTPClient:   client,
		Region:       "eu-central-1",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "SECRET"}, nil
		}),
	})
}

// put stores over the wire and returns the version id.
func (d *double) put(t *testing.T, bucket, key, body string) string {
	t.Helper()
	out, err := d.client.PutObject(t.Context(), &sdk.PutObjectInput{
		Bucket: &bucket, Key: &key, Body: strings.NewReader(body),
	})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.VersionId)
}

// holds is what an object holds, or the error.
func (d *double) holds(t *testing.T, bucket, key string) string {
	t.Helper()
	body, err := d.Get(bucket, key)
	if err != nil {
		return err.Error()
	}
	return string(body)
}

// do sends a request as it stands and returns status and body.
func (d *double) do(t *testing.T, method, path string, header http.Header, body io.Reader) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, d.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(r.Header, header)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

// outcome is "ok", or status and code of the error.
func outcome(err error) string {
	if err == nil {
		return "ok"
	}
	status, code := 0, ""
	if e, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		status = e.HTTPStatusCode()
	}
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		code = e.ErrorCode()
	}
	if status == 0 {
		return err.Error()
	}
	return strings.TrimSpace(fmt.Sprint(status, " ", code))
}

// role allows some actions and notes what it is asked.
type role struct {
	allowed []string
	mu      sync.Mutex
	asked   []string
}

func (r *role) ARN() string { return "arn:aws:sts::111122223333:assumed-role/test/session" }

func (r *role) Allows(action, resource string, conditions map[string]string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	asked := action + " " + strings.TrimPrefix(resource, "arn:aws:s3:::")
	if prefix, ok := conditions["s3:prefix"]; ok {
		asked += " prefix=" + prefix
	}
	r.asked = append(r.asked, asked)
	return slices.Contains(r.allowed, action)
}

func bytesOf(n int) []byte { return bytes.Repeat([]byte("0123456789abcde\n"), n/16+1)[:n] }

// decoded is an event's detail as its readers get it.
func decoded(t *testing.T, detail any) (object map[string]any) {
	t.Helper()
	text, err := json.Marshal(detail)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &object); err != nil {
		t.Fatal(err)
	}
	return object
}
