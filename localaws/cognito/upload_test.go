package cognito_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"userdrop/localaws/cognito"
)

func TestUploadIsVerifiedAsS3Does(t *testing.T) {
	tests := []struct {
		name   string
		after  time.Duration
		change func(r *http.Request)
		want   string
		start  string // what Start then says
	}{
		{"as it should be", 0, func(*http.Request) {}, "200", ""},
		{"in the last second", 899 * time.Second, func(*http.Request) {}, "200", ""},
		{"too late", 900 * time.Second, func(*http.Request) {}, "403 AccessDenied", "No csv file"},
		{
			"no encryption header", 0,
			func(r *http.Request) { r.Header.Del("X-Amz-Server-Side-Encryption") },
			"403 SignatureDoesNotMatch", "No csv file",
		},
		{
			"another encryption", 0,
			func(r *http.Request) { r.Header.Set("X-Amz-Server-Side-Encryption", "AES256") },
			"403 SignatureDoesNotMatch", "No csv file",
		},
		{
			"a content type is free", 0,
			func(r *http.Request) { r.Header.Set("Content-Type", "text/csv") }, "200", "",
		},
		{
			"an unsigned header", 0,
			func(r *http.Request) { r.Header.Set("X-Amz-Acl", "public-read") }, "403 AccessDenied", "No csv file",
		},
		{"wrong method", 0, func(r *http.Request) { r.Method = http.MethodPost }, "403 SignatureDoesNotMatch", "No csv file"},
		{
			"another host", 0, func(r *http.Request) { r.Host = "aws-cognito-idp-user-import-iad.s3.eu-west-1.amazonaws.com" },
			"403 SignatureDoesNotMatch", "No csv file",
		},
		{
			"longer life", 0, editQuery("X-Amz-Expires", "9999"), "403 SignatureDoesNotMatch", "No csv file",
		},
		{
			"another token", 0, editQuery("X-Amz-Security-Token", "token"), "403 SignatureDoesNotMatch", "No csv file",
		},
		{"no signature", 0, editQuery("X-Amz-Signature", ""), "403 AccessDenied", "No csv file"},
		{
			"another job", 0, func(r *http.Request) { r.URL.Path += "x" }, "403 InvalidAccessKeyId", "No csv file",
		},
		{"unknown length", 0, func(r *http.Request) { r.ContentLength = -1 }, "501 NotImplemented", "No csv file"},
		{"length left out", 0, func(r *http.Request) { r.ContentLength = 0 }, "501 NotImplemented", "No csv file"},
		{"cut short", 0, func(r *http.Request) { r.ContentLength++ }, "400 IncompleteBody", "No csv file"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := setUp(t, nil)
				id, target := f.create(t, "")
				time.Sleep(test.after)
				r, err := http.NewRequest(http.MethodPut, target, strings.NewReader(file(person("ann"))))
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("X-Amz-Server-Side-Encryption", "aws:kms")
				test.change(r)
				if diff := cmp.Diff(test.want, f.send(t, r)); diff != "" {
					t.Error(diff)
				}
				err = f.start(t.Context(), id)
				if test.start == "" && err != nil || test.start != "" && (err == nil || !strings.Contains(code(err), test.start)) {
					t.Errorf("Start: %v", err)
				}
			})
		})
	}
}

func editQuery(name, value string) func(*http.Request) {
	return func(r *http.Request) {
		query := r.URL.Query()
		query.Set(name, value)
		r.URL.RawQuery = query.Encode()
	}
}

// The address is AWS's own where no endpoint is set, and carries all that AWS's does.
func TestUploadURL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := setUp(t, nil)
		id, target := f.create(t, "")
		u, err := url.Parse(target)
		if err != nil {
			t.Fatal(err)
		}
		query := u.Query()
		got := []string{u.Host, u.Path, query.Get("X-Amz-Expires"), query.Get("X-Amz-SignedHeaders"), query.Get("X-Amz-Date")}
		want := []string{
			"aws-cognito-idp-user-import-iad.s3.us-east-1.amazonaws.com", "/111122223333/" + poolID + "/" + id, "899",
			"host;x-amz-server-side-encryption", time.Now().UTC().Format("20060102T150405Z"),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if len(query.Get("X-Amz-Security-Token")) < 100 || len(target) > 2048 {
			t.Errorf("token of %d, URL of %d characters", len(query.Get("X-Amz-Security-Token")), len(target))
		}
		if f.Jobs(poolID)[0].PreSignedURL != "" {
			t.Error("the URL is shown in process")
		}
	})
}

func TestDescribeURL(t *testing.T) {
	for _, answer := range []string{"original", "resigned", "absent"} {
		t.Run(answer, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := setUp(t, func(s *cognito.Settings) { s.DescribeURL = answer })
				id, original := f.create(t, "")
				time.Sleep(20 * time.Minute)
				got := f.describedURL(t, id)
				switch {
				case answer == "original" && (got != original || f.put(t, got, file()) != "403 AccessDenied"):
					t.Error("not the original URL, or it has not lapsed")
				case answer == "resigned" && (got == original || f.put(t, got, file()) != "200"):
					t.Error("not a new URL, or it does not work")
				case answer == "absent" && got != "":
					t.Error("there is a URL")
				}
			})
		})
	}
}

func TestReupload(t *testing.T) {
	for _, allowed := range []bool{true, false} {
		t.Run(fmt.Sprintf("allowed=%v", allowed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := setUp(t, func(s *cognito.Settings) { s.ReuploadAllowed = allowed })
				id, target := f.create(t, "")
				f.put(t, target, file(person("ann")))
				again := f.put(t, target, file(people(2)...))
				if err := f.start(t.Context(), id); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				got := fmt.Sprint(again, " ", f.job(t, id).ImportedUsers)
				want := map[bool]string{true: "200 2", false: "403 AccessDenied 1"}[allowed]
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// Over a real connection: what Go sends without a length, and a client that hangs up half-way. A large file goes to the
// disk and is gone when the service is.
func TestUploadOverTheNetwork(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	f := setUp(t, nil)
	server := httptest.NewServer(f.Service)
	defer server.Close()
	f.Endpoint = func() string { return server.URL }
	f.http = server.Client()
	id, target := f.create(t, "")
	if !strings.HasPrefix(target, server.URL+"/aws-cognito-idp-user-import-iad/111122223333/") {
		t.Error("the URL is not below the endpoint")
	}

	chunked, err := http.NewRequest(http.MethodPut, target, struct{ io.Reader }{strings.NewReader(file(person("ann")))})
	if err != nil {
		t.Fatal(err)
	}
	chunked.Header.Set("X-Amz-Server-Side-Encryption", "aws:kms")
	if diff := cmp.Diff("501 NotImplemented", f.send(t, chunked)); diff != "" {
		t.Error(diff)
	}

	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	connection, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprintf(connection, "PUT %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 1000\r\n"+
		"X-Amz-Server-Side-Encryption: aws:kms\r\n\r\nonly this", u.RequestURI(), u.Host)
	if err != nil {
		t.Fatal(err)
	}
	if err := connection.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answer, err := bufio.NewReader(connection).ReadString('\n')
	if err != nil || !strings.Contains(answer, "400") {
		t.Errorf("a cut upload: %q, %v", answer, err)
	}
	if err := f.start(t.Context(), id); err == nil || !strings.Contains(err.Error(), "No csv file was uploaded") {
		t.Errorf("after a cut upload: %v", err)
	}

	large := header + "\n" + strings.Repeat(strings.Repeat("x", 99)+"\n", 90_000)
	if got := f.put(t, target, large); got != "200" {
		t.Errorf("9 MB: %s", got)
	}
	if n := files(t, temporary); n != 1 {
		t.Errorf("%d files on the disk", n)
	}
	f.Close()
	if n := files(t, temporary); n != 0 {
		t.Errorf("%d files left behind", n)
	}
}
