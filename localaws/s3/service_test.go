package s3_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"userdrop/localaws/s3"
	"userdrop/localaws/wire"
)

func TestEvents(t *testing.T) {
	d := start(t)
	d.MinPart = 1
	key := "a b/ü+1.csv"
	put := d.put(t, "versioned", key, "x")
	d.put(t, "plain", key, "x") // which tells nobody
	copied, err := d.client.CopyObject(t.Context(), &sdk.CopyObjectInput{
		Bucket: aws.String("versioned"), Key: &key, CopySource: aws.String("plain/a%20b/%C3%BC%2B1.csv"),
	})
	if err != nil {
		t.Fatal(err)
	}
	id := d.begin(t, key, sdk.CreateMultipartUploadInput{})
	completed, err := d.complete(t, key, id, sdk.CompleteMultipartUploadInput{}, d.uploadPart(t, key, id, 1, "xyz"))
	if err != nil {
		t.Fatal(err)
	}
	var marker *string
	for _, version := range []*string{nil, &put, &put} {
		out, err := d.client.DeleteObject(t.Context(), &sdk.DeleteObjectInput{
			Bucket: aws.String("versioned"), Key: &key, VersionId: version,
		})
		if err != nil {
			t.Fatal(err)
		}
		if version == nil {
			marker = out.VersionId
		}
	}

	detail := func(object map[string]any, reason, deletion string) map[string]any {
		object["key"] = key
		d := map[string]any{
			"version": "0", "bucket": map[string]any{"name": "versioned"}, "object": object, "requester": "111122223333",
			"source-ip-address": "127.0.0.1", "reason": reason,
		}
		if deletion != "" {
			d["deletion-type"] = deletion
		}
		return d
	}
	const x, nothing = "9dd4e461268c8034f5c8564e155c67a6", "d41d8cd98f00b204e9800998ecf8427e"
	type event struct {
		Type   string
		Detail map[string]any
	}
	want := []event{
		{"Object Created", detail(map[string]any{"size": 1.0, "etag": x, "version-id": put}, "PutObject", "")},
		{"Object Created", detail(map[string]any{"size": 1.0, "etag": x, "version-id": *copied.VersionId}, "CopyObject", "")},
		{"Object Created", detail(map[string]any{
			"size": 3.0, "etag": strings.Trim(*completed.ETag, `"`), "version-id": *completed.VersionId,
		}, "CompleteMultipartUpload", "")},
		{"Object Deleted", detail(map[string]any{"etag": nothing, "version-id": *marker},
			"DeleteObject", "Delete Marker Created")},
		{"Object Deleted", detail(map[string]any{"etag": x, "version-id": put}, "DeleteObject", "Permanently Deleted")},
	}
	var got []event
	last := ""
	for _, e := range d.events {
		if e.Source != "aws.s3" || !cmp.Equal(e.Resources, []string{"arn:aws:s3:::versioned"}) {
			t.Errorf("event of %s about %v", e.Source, e.Resources)
		}
		detail := decoded(t, e.Detail)
		object := detail["object"].(map[string]any)
		if sequencer := object["sequencer"].(string); sequencer <= last {
			t.Errorf("sequencer %s after %s", sequencer, last)
		} else {
			last = sequencer
		}
		if id := detail["request-id"].(string); len(id) != 16 {
			t.Errorf("request id %q", id)
		}
		delete(object, "sequencer")
		delete(detail, "request-id")
		got = append(got, event{e.DetailType, detail})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Virtual-hosted addresses, presigned URLs and their expiry, in virtual time and without a socket.
func TestPresigned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := inProcess(t)
		presigner := sdk.NewPresignClient(d.client)
		expires := sdk.WithPresignExpires(15 * time.Minute)
		put, err := presigner.PresignPutObject(t.Context(), &sdk.PutObjectInput{
			Bucket: aws.String("plain"), Key: aws.String("a b+ü"), ServerSideEncryption: types.ServerSideEncryptionAwsKms,
		}, expires)
		if err != nil {
			t.Fatal(err)
		}
		get, err := presigner.PresignGetObject(t.Context(), &sdk.GetObjectInput{
			Bucket: aws.String("plain"), Key: aws.String("a b+ü"), ResponseContentType: aws.String("text/csv"),
			ChecksumMode: types.ChecksumModeEnabled,
		}, expires)
		if err != nil {
			t.Fatal(err)
		}
		send := func(method, url string, header http.Header, body string) *httptest.ResponseRecorder {
			r := httptest.NewRequest(method, url, strings.NewReader(body))
			r.Header = header
			w := httptest.NewRecorder()
			d.ServeHTTP(w, r)
			return w
		}
		time.Sleep(15*time.Minute - time.Second)
		if w := send(put.Method, put.URL, put.SignedHeader, "hello"); w.Code != http.StatusOK ||
			w.Header().Get("X-Amz-Server-Side-Encryption") != "aws:kms" {
			t.Errorf("put: %d %v %s", w.Code, w.Header(), w.Body)
		}
		if w := send(get.Method, get.URL, get.SignedHeader, ""); w.Body.String() != "hello" ||
			w.Header().Get("Content-Type") != "text/csv" {
			t.Errorf("get: %d %v %s", w.Code, w.Header(), w.Body)
		}
		time.Sleep(time.Second)
		for _, late := range []*httptest.ResponseRecorder{
			send(put.Method, put.URL, put.SignedHeader, "late"), send(get.Method, get.URL, get.SignedHeader, ""),
		} {
			if late.Code != http.StatusForbidden || !strings.Contains(late.Body.String(), "<Message>Request has expired<") {
				t.Errorf("after expiry: %d %s", late.Code, late.Body)
			}
		}
		if got := d.holds(t, "plain", "a b+ü"); got != "hello" {
			t.Errorf("an expired URL wrote %q", got)
		}
	})
}

func TestAddresses(t *testing.T) {
	d := newDouble(t)
	for key, body := range map[string]string{"k": "bucket and key", "plain/k": "key alone"} {
		if _, err := d.Put("plain", key, []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct{ url, want string }{
		{"http://127.0.0.1:4566/plain/k", "bucket and key"},
		{"http://localhost/plain/k", "bucket and key"},
		{"http://s3.eu-central-1.amazonaws.com/plain/k", "bucket and key"},
		{"http://plain.localhost:4566/plain/k", "key alone"},
		{"http://plain.s3.eu-central-1.amazonaws.com/plain/k", "key alone"},
		{"http://plain.s3.amazonaws.com/k", "bucket and key"},
	} {
		t.Run(test.url, func(t *testing.T) {
			w := httptest.NewRecorder()
			d.ServeHTTP(w, httptest.NewRequest(http.MethodGet, test.url, nil))
			if got := w.Body.String(); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	d := start(t)
	d.put(t, "plain", "k", "x")
	header := func(pairs ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h.Set(pairs[i], pairs[i+1])
		}
		return h
	}
	unsized := func(s string) io.Reader { return io.MultiReader(strings.NewReader(s)) }
	const unsigned = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	for _, test := range []struct {
		name, method, path string
		header             http.Header
		body               io.Reader
		status             int
		want               string // in the answer
	}{
		{"sub-resource of a bucket", "GET", "/plain?acl", nil, nil, 501, "GET ?acl"},
		{"sub-resource of an object", "PUT", "/plain/k?retention", nil, nil, 501, "PUT ?retention"},
		{"operation", "POST", "/plain/k?select&select-type=2", nil, nil, 501, "POST ?select&amp;select-type"},
		{"header", "PUT", "/plain/k", header("X-Amz-Acl", "public-read"), nil, 501, "x-amz-acl"},
		{"storage class", "PUT", "/plain/k", header("X-Amz-Storage-Class", "GLACIER"), nil, 501, "GLACIER"},
		{"method", "PATCH", "/plain/k", nil, nil, 405, "<Code>MethodNotAllowed<"},
		{"no length", "PUT", "/plain/k", nil, unsized("x"), 501, "Transfer-Encoding"},
		{"bucket", "GET", "/none/k", nil, nil, 404, "<Code>NoSuchBucket<"},
		{"owner", "GET", "/plain/k", header("X-Amz-Expected-Bucket-Owner", "0"), nil, 403, "<Code>AccessDenied<"},
		{"long key", "PUT", "/plain/" + strings.Repeat("k", 1025), nil, nil, 400, "<Code>KeyTooLongError<"},
		{"much metadata", "PUT", "/plain/k", header("X-Amz-Meta-A", strings.Repeat("a", 2048)), nil, 400, "MetadataTooLarge"},
		{"max-keys", "GET", "/plain?list-type=2&max-keys=-1", nil, nil, 400, "<ArgumentName>max-keys<"},
		{"token", "GET", "/plain?list-type=2&continuation-token=%21", nil, nil, 400, "continuation token"},
		{"no delete list", "POST", "/plain?delete", header("X-Amz-Checksum-Crc32", "AAAAAA=="), nil, 400, "MalformedXML"},
		{"Content-MD5", "PUT", "/plain/k", header("Content-Md5", "AAAAAAAAAAAAAAAAAAAAAA=="), nil, 400, "<Code>BadDigest<"},
		{"no Content-MD5", "PUT", "/plain/k", header("Content-Md5", "x"), nil, 400, "<Code>InvalidDigest<"},
		{"CRC-32", "PUT", "/plain/k", header("X-Amz-Checksum-Crc32", "BBBBBB=="), nil, 400, "<Code>BadDigest<"},
		{
			"two checksums", "PUT", "/plain/k",
			header("X-Amz-Checksum-Crc32", "AAAAAA==", "X-Amz-Checksum-Sha1", "x"), nil, 400, "Multiple checksum Types",
		},
		{
			"SHA-256 of the body", "PUT", "/plain/k",
			header("X-Amz-Content-Sha256", strings.Repeat("0", 64)), nil, 400, "XAmzContentSHA256Mismatch",
		},
		{
			"CRC-32 in the trailer", "PUT", "/plain/k",
			header("X-Amz-Content-Sha256", unsigned, "X-Amz-Decoded-Content-Length", "3",
				"X-Amz-Trailer", "x-amz-checksum-crc32"),
			unsized("3\r\nabc\r\n0\r\nx-amz-checksum-crc32:BBBBBB==\r\n\r\n"), 400, "<Code>BadDigest<",
		},
		{
			"no trailer", "PUT", "/plain/k",
			header("X-Amz-Content-Sha256", unsigned, "X-Amz-Decoded-Content-Length", "3",
				"X-Amz-Trailer", "x-amz-checksum-crc32"),
			unsized("3\r\nabc\r\n0\r\n\r\n"), 400, "<Code>MalformedTrailerError<",
		},
		{
			"fewer bytes", "PUT", "/plain/k",
			header("X-Amz-Content-Sha256", unsigned, "X-Amz-Decoded-Content-Length", "4"),
			unsized("3\r\nabc\r\n0\r\n\r\n"), 400, "<Code>IncompleteBody<",
		},
		{
			"more bytes", "PUT", "/plain/k",
			header("X-Amz-Content-Sha256", unsigned, "X-Amz-Decoded-Content-Length", "2"),
			unsized("3\r\nabc\r\n0\r\n\r\n"), 400, "<Code>IncompleteBody<",
		},
		{
			"no decoded length", "PUT", "/plain/k", header("X-Amz-Content-Sha256", unsigned), unsized("0\r\n\r\n"),
			411, "<Code>MissingContentLength<",
		},
		{
			"signed chunks", "PUT", "/plain/signed",
			header("X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "X-Amz-Decoded-Content-Length", "5",
				"Content-Encoding", "aws-chunked"),
			unsized("3;chunk-signature=ab\r\nabc\r\n2;chunk-signature=cd\r\nde\r\n0;chunk-signature=ef\r\n\r\n"), 200, "",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, answer := d.do(t, test.method, test.path, test.header, test.body)
			if status != test.status || !strings.Contains(answer, test.want) {
				t.Errorf("got %d %s, want %d with %s", status, answer, test.status, test.want)
			}
		})
	}
	if got := d.holds(t, "plain", "k"); got != "x" {
		t.Errorf("a refused write left %q", got)
	}
	if got := d.holds(t, "plain", "signed"); got != "abcde" {
		t.Errorf("signed chunks left %q", got)
	}
}

func TestInProcess(t *testing.T) {
	run := func() (ids []string) {
		d := newDouble(t)
		for range 3 {
			id, err := d.Put("versioned", "k", []byte("x"))
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, id)
		}
		return ids
	}
	if diff := cmp.Diff(run(), run()); diff != "" {
		t.Errorf("one seed gives two runs: %s", diff)
	}
	d := newDouble(t)
	if _, err := d.Get("plain", "none"); wire.AsError(err).Code != "NoSuchKey" {
		t.Errorf("missing key: %v", err)
	}
	if _, err := d.Put("none", "k", nil); wire.AsError(err).Code != "NoSuchBucket" {
		t.Errorf("missing bucket: %v", err)
	}
	body := []byte("mine")
	if _, err := d.Put("plain", "k", body); err != nil {
		t.Fatal(err)
	}
	body[0] = 'x'
	if got := d.holds(t, "plain", "k"); got != "mine" {
		t.Errorf("holds %q after the caller changed its slice", got)
	}
	want := []s3.Bucket{{Name: "plain"}, {Name: "versioned", Versioned: true, EventBridge: true}}
	if diff := cmp.Diff(want, d.Buckets()); diff != "" {
		t.Error(diff)
	}
}

// FuzzChunked sends a body in chunks of a fuzzed size, and then garbage in its place.
func FuzzChunked(f *testing.F) {
	f.Add([]byte("hello"), 2, false)
	f.Add([]byte("3;chunk-signature=ab\r\nabc\r\n0;chunk-signature=cd\r\n\r\n"), 3, true)
	f.Add([]byte("3\r\nabc\r\n0\r\nx-amz-checksum-crc32:AAAA\r\n\r\n"), 3, true)
	f.Add([]byte("ffffffffffffffff\r\n"), 0, true)
	f.Add([]byte("-1\r\n"), 0, true)
	f.Fuzz(func(t *testing.T, data []byte, n int, raw bool) {
		d := newDouble(t)
		framed, length := data, n
		if !raw {
			var b bytes.Buffer
			for rest := data; len(rest) > 0; {
				chunk := rest[:min(max(n, 1), len(rest))]
				fmt.Fprintf(&b, "%x\r\n%s\r\n", len(chunk), chunk)
				rest = rest[len(chunk):]
			}
			b.WriteString("0\r\n\r\n")
			framed, length = b.Bytes(), len(data)
		}
		r := httptest.NewRequest(http.MethodPut, "/plain/k", bytes.NewReader(framed))
		r.Header.Set("X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
		r.Header.Set("X-Amz-Decoded-Content-Length", strconv.Itoa(length))
		if length > 1<<20 {
			return // nothing to learn from a large allocation
		}
		w := httptest.NewRecorder()
		d.ServeHTTP(w, r)
		got, err := d.Get("plain", "k")
		switch {
		case !raw && !bytes.Equal(got, data):
			t.Errorf("%d bytes in chunks of %d gave %d, %v", len(data), n, len(got), err)
		case w.Code == http.StatusOK && len(got) != length:
			t.Errorf("took %d bytes for %d", len(got), length)
		case w.Code != http.StatusOK && w.Code != http.StatusBadRequest && w.Code != http.StatusLengthRequired:
			t.Errorf("answered %d %s", w.Code, w.Body)
		}
	})
}

// FuzzRange compares what comes back with what Content-Range says.
func FuzzRange(f *testing.F) {
	for _, header := range []string{"bytes=0-1", "bytes=-2", "bytes=3-", "bytes=9-", "bytes=--1", "bytes=+1-2", "bytes="} {
		f.Add(header)
	}
	const body = "0123456"
	f.Fuzz(func(t *testing.T, header string) {
		d := newDouble(t)
		if _, err := d.Put("plain", "k", []byte(body)); err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, "/plain/k", nil)
		r.Header.Set("Range", header)
		w := httptest.NewRecorder()
		d.ServeHTTP(w, r)
		want := ""
		switch w.Code {
		case http.StatusOK:
			want = body
		case http.StatusPartialContent:
			var first, last, size int
			said := w.Header().Get("Content-Range")
			if _, err := fmt.Sscanf(said, "bytes %d-%d/%d", &first, &last, &size); err != nil || size != len(body) {
				t.Fatalf("Content-Range %q", said)
			}
			want = body[first : last+1]
		case http.StatusRequestedRangeNotSatisfiable:
			return
		default:
			t.Fatalf("answered %d", w.Code)
		}
		if got := w.Body.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}
