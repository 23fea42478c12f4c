package localaws_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"userdrop/localaws"
	"userdrop/localaws/tempdir"
)

const inboxOnly = `
Resources:
  Inbox: {Type: AWS::S3::Bucket, Properties: {BucketName: inbox}}
`

func bootText(t *testing.T, text string, o localaws.Options) *localaws.Double {
	t.Helper()
	o.Deployed = fstest.MapFS{"template.yaml": {Data: []byte(text)}}
	d, err := localaws.Boot(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

const signature = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/s3/aws4_request, " +
	"SignedHeaders=host, Signature=0"

func TestWebPagesCannotDriveTheDouble(t *testing.T) {
	const endpoint = "http://192.0.2.7:4566"
	d := bootText(t, inboxOnly, localaws.Options{Endpoint: endpoint})
	presigned, err := s3.NewPresignClient(s3.NewFromConfig(d.Config(""))).PresignGetObject(t.Context(),
		&s3.GetObjectInput{Bucket: aws.String("inbox"), Key: aws.String("k")})
	if err != nil {
		t.Fatal(err)
	}
	_, query, _ := strings.Cut(presigned.URL, "?")
	if _, err := d.S3.Put("inbox", "k", []byte("x")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, host, path string
		header           map[string]string
		want             int
	}{
		{"a client without a signature", "127.0.0.1:4566", "/inbox/k", nil, 200},
		{"localhost", "localhost:4566", "/inbox/k", nil, 200},
		{"another loopback address", "127.9.9.9", "/inbox/k", nil, 200},
		{"IPv6", "[::1]:4566", "/inbox/k", nil, 200},
		{"the double's own address", "192.0.2.7:4566", "/inbox/k", nil, 200},
		{"virtual-hosted", "inbox.s3.us-east-1.amazonaws.com", "/k", nil, 200},
		{"virtual-hosted, another Region's name", "inbox.s3.amazonaws.com", "/k", nil, 200},
		{"virtual-hosted on localhost", "inbox.localhost:4566", "/k", nil, 200},
		{"virtual-hosted, no such bucket", "outbox.s3.us-east-1.amazonaws.com", "/k", nil, 403},
		{"no such bucket on localhost", "outbox.localhost:4566", "/k", nil, 404},
		{"a rebound name", "attacker.example:4566", "/inbox/k", nil, 403},
		{"a rebound name, signed", "attacker.example:4566", "/inbox/k", map[string]string{"Authorization": signature}, 403},
		{"another address", "192.0.2.8:4566", "/inbox/k", nil, 403},
		{
			"another origin", "localhost:4566", "/inbox/k",
			map[string]string{"Authorization": signature, "Origin": "https://attacker.example"},
			403,
		},
		{
			"a sandboxed page", "localhost:4566", "/inbox/k",
			map[string]string{"Authorization": signature, "Origin": "null"},
			403,
		},
		{
			"another port's page", "localhost:4566", "/inbox/k",
			map[string]string{"Authorization": signature, "Origin": "http://localhost:3000"},
			403,
		},
		{
			"the double's own origin", "localhost:4566", "/inbox/k",
			map[string]string{"Authorization": signature, "Origin": "http://localhost:4566"},
			200,
		},
		{
			"an image on a page", "localhost:4566", "/inbox/k?" + query, map[string]string{"Sec-Fetch-Site": "cross-site"}, 403,
		},
		{
			"a presigned link, typed", "localhost:4566", "/inbox/k?" + query,
			map[string]string{"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "User-Agent": "Mozilla/5.0"},
			200,
		},
		{
			"an unsigned request of a browser", "localhost:4566", "/inbox/k",
			map[string]string{"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"},
			403,
		},
		{"an unsigned request of an old browser", "localhost:4566", "/inbox/k", map[string]string{
			"User-Agent": "Mozilla/5.0",
		}, 403},
		{"an unsigned form", "localhost:4566", "/inbox/k", map[string]string{"Referer": "https://attacker.example/"}, 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "http://"+c.host+c.path, nil)
			for name, value := range c.header {
				r.Header.Set(name, value)
			}
			w := httptest.NewRecorder()
			d.ServeHTTP(w, r)
			if w.Code != c.want {
				t.Errorf("%d, want %d: %s", w.Code, c.want, w.Body)
			}
		})
	}
}

func TestServerLimits(t *testing.T) {
	d := bootText(t, inboxOnly, localaws.Options{})
	server := d.Server()
	if server.ReadHeaderTimeout <= 0 || server.IdleTimeout <= 0 || server.MaxHeaderBytes <= 0 {
		t.Errorf("the server has no limits: %+v", server)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	defer func() { _ = server.Close() }()
	url := "http://" + listener.Addr().String()
	signed := strings.Replace(signature, "/s3/", "/events/", 1)
	for name, body := range map[string]io.Reader{
		"announced": strings.NewReader(strings.Repeat("x", 17<<20)),
		"chunked":   io.LimitReader(endless{}, 17<<20),
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, body)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", signed)
			r.Header.Set("X-Amz-Target", "AWSEvents.PutEvents")
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				return // the connection was closed while the client still wrote
			}
			defer response.Body.Close()
			if response.StatusCode != http.StatusRequestEntityTooLarge {
				t.Errorf("a body of 17 MiB: %s", response.Status)
			}
		})
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// TestSlowBody shows that a body has a deadline for each piece of it, and that none is left when it is over.
func TestSlowBody(t *testing.T) {
	d := bootText(t, inboxOnly, localaws.Options{})
	connection := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	r := httptest.NewRequest(http.MethodPut, "http://localhost/inbox/k", strings.NewReader("text"))
	d.ServeHTTP(connection, r)
	if connection.Code != http.StatusOK || len(connection.set) < 2 || connection.set[0].Before(time.Now()) ||
		!connection.set[len(connection.set)-1].IsZero() {
		t.Errorf("status %d, deadlines %v", connection.Code, connection.set)
	}
}

type deadlines struct {
	*httptest.ResponseRecorder
	set []time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error {
	d.set = append(d.set, t)
	return nil
}

func TestServerRemovesWhatAKilledRunLeft(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	dead := exec.CommandContext(context.Background(), "go", "version")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, name := range []string{"localaws-s3", "localaws-upload"} {
		own, err := tempdir.Make("", name)
		if err != nil {
			t.Fatal(err)
		}
		left = append(left, strings.Replace(own, "-"+strconv.Itoa(os.Getpid())+"-", fmt.Sprintf("-%d-", dead.Process.Pid), 1))
		if err := os.Rename(own, left[len(left)-1]); err != nil {
			t.Fatal(err)
		}
	}
	d := bootText(t, inboxOnly, localaws.Options{})
	d.Server()
	for _, dir := range left {
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("%s is still there", dir)
		}
	}
}
