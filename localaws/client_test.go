package localaws_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"

	"userdrop/localaws"
	"userdrop/localaws/s3"
)

// TestPace measures in virtual time what one request of S3 takes, and that its body arrives piece by piece.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := bootText(t, inboxOnly, localaws.Options{})
		d.S3.Pace = s3.Pace{Latency: 30 * time.Millisecond, BytesPerSecond: 1e6}
		client := sdk.NewFromConfig(d.Config(""))
		began := time.Now()
		lap := func(what string, want time.Duration) {
			t.Helper()
			if got := time.Since(began); (got - want).Abs() > time.Millisecond {
				t.Errorf("%s after %s, want %s", what, got, want)
			}
			began = time.Now()
		}
		bucket, key := aws.String("inbox"), aws.String("k")
		text := bytes.Repeat([]byte("0123456789"), 100_000)
		if _, err := client.PutObject(t.Context(), &sdk.PutObjectInput{
			Bucket: bucket, Key: key, Body: bytes.NewReader(text),
		}); err != nil {
			t.Fatal(err)
		}
		lap("stored", 1030*time.Millisecond)
		out, err := client.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: bucket, Key: key})
		if err != nil {
			t.Fatal(err)
		}
		defer out.Body.Close()
		half := make([]byte, len(text)/2)
		if _, err := io.ReadFull(out.Body, half); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second) // the server does not read ahead, but for 20 ms
		rest, err := io.ReadAll(out.Body)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(text, append(half, rest...)) {
			t.Error("another text arrives")
		}
		lap("read", 30*time.Millisecond+500*time.Millisecond+time.Second+480*time.Millisecond)
	})
}

// TestStream ends a response in each way while its body is on the way.
func TestStream(t *testing.T) {
	over, end := context.WithCancel(t.Context())
	defer end()
	for name, test := range map[string]struct {
		ctx    context.Context
		handle func(w http.ResponseWriter)
		want   error
	}{
		"whole":  {t.Context(), func(w http.ResponseWriter) { _, _ = io.WriteString(w, ", second") }, nil},
		"broken": {t.Context(), func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, io.ErrUnexpectedEOF},
		"over": {over, func(w http.ResponseWriter) {
			end()
			_, _ = io.Copy(w, endless{})
		}, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			d := bootText(t, inboxOnly, localaws.Options{Calls: func(localaws.Call, http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					_, _ = io.WriteString(w, "first")
					_ = http.NewResponseController(w).Flush()
					test.handle(w)
				})
			}})
			request, err := http.NewRequestWithContext(test.ctx, http.MethodGet, "http://localhost:4566/inbox/k", nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := d.Client().Do(request)
			if errors.Is(err, test.want) && err != nil {
				return // the context was over before the response was there
			}
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			text, err := io.ReadAll(response.Body)
			if !errors.Is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			}
			if err == nil && string(text) != "first, second" {
				t.Errorf("text %q", text)
			}
		})
	}
}
