package objects_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"userdrop/internal/aws/objects"
	"userdrop/internal/contract"
)

var errBroken = errors.New("connection reset by peer")

// breaking breaks each connection after so many bytes of the body.
type breaking struct {
	to    func(*http.Request) (*http.Response, error)
	after int64
	err   error
}

func (b breaking) Do(r *http.Request) (*http.Response, error) {
	response, err := b.to(r)
	if err == nil && r.Method == http.MethodGet {
		cut := io.MultiReader(io.LimitReader(response.Body, b.after), failing{b.err})
		if b.after >= response.ContentLength {
			cut = response.Body
		}
		response.Body = struct {
			io.Reader
			io.Closer
		}{cut, response.Body}
	}
	return response, err
}

type failing struct{ error }

func (f failing) Read([]byte) (int, error) { return 0, f.error }

// TestOpenVersion reads over connections that break; what arrives is the whole of one version, or an error.
func TestOpenVersion(t *testing.T) {
	text := make([]byte, 1<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(text)
	for name, test := range map[string]struct {
		after   int64 // bytes, each connection breaks
		err     error
		newer   bool // somebody else writes to the key after the first bytes
		version bool // is asked for by its id
		want    error
	}{
		"a reset every 100 KB":    {after: 100_000, err: errBroken, version: true},
		"an end every 100 KB":     {after: 100_000, err: io.EOF, version: true},
		"overwritten, by version": {after: 100_000, err: errBroken, version: true, newer: true},
		"without a version":       {after: 100_000, err: errBroken},
		"overwritten, without a version": {
			after: 100_000, err: errBroken, newer: true, want: status(http.StatusPreconditionFailed),
		},
		"not a byte":                       {after: 0, err: errBroken, version: true, want: errBroken},
		"not a byte, and an end":           {after: 0, err: io.EOF, version: true, want: io.ErrUnexpectedEOF},
		"all at once":                      {after: 1 << 20, version: true},
		"the last byte of each is missing": {after: 1<<20 - 1, err: io.EOF, version: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := world(t)
				object := contract.Object{Bucket: w.Inbox(), Key: "elsewhere/text"}
				version, err := w.S3.Put(object.Bucket, object.Key, text)
				if err != nil {
					t.Fatal(err)
				}
				if test.version {
					object.VersionID = version
				}
				config := w.Config("")
				config.HTTPClient = breaking{config.HTTPClient.Do, test.after, test.err}
				body, err := objects.OpenVersion(t.Context(), s3.NewFromConfig(config), object)
				if err != nil {
					t.Fatal(err)
				}
				defer body.Close()
				first := make([]byte, 10)
				_, err = io.ReadFull(body, first)
				if test.newer {
					if _, err := w.S3.Put(object.Bucket, object.Key, []byte("newer")); err != nil {
						t.Fatal(err)
					}
				}
				var rest []byte
				if err == nil {
					rest, err = io.ReadAll(body)
				}
				if response, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
					err = status(response.HTTPStatusCode())
				}
				if !errors.Is(err, test.want) {
					t.Errorf("error %v, want %v", err, test.want)
				}
				if test.want == nil && !bytes.Equal(text, append(first, rest...)) {
					t.Errorf("%d bytes arrive, not those of the object", len(first)+len(rest))
				}
			})
		})
	}
}

type status int

func (s status) Error() string { return http.StatusText(int(s)) }

// TestUploadOver: an upload whose time is over leaves no pieces behind.
func TestUploadOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := world(t)
		client := s3.NewFromConfig(w.Config(""))
		ctx, over := context.WithCancel(t.Context())
		upload := objects.New(client, w.Inbox()).Upload(ctx, "elsewhere/text", "text/plain")
		if _, err := upload.Write(make([]byte, 12<<20)); err != nil {
			t.Fatal(err)
		}
		over()
		if err := upload.Close(); !errors.Is(err, context.Canceled) {
			t.Errorf("it ends with %v", err)
		}
		left, err := client.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String(w.Inbox())})
		if err != nil || len(left.Uploads) > 0 {
			t.Errorf("%d uploads are left: %v", len(left.Uploads), err)
		}
	})
}
