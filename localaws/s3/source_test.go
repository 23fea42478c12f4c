package s3_test

import (
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"

	"userdrop/localaws/s3"
)

// counter is content of any size: each eight bytes hold their own offset.
type counter struct{ at int64 }

func (c *counter) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = fmt.Sprintf("%08x", c.at/8*8)[c.at%8]
		c.at++
	}
	return len(p), nil
}

func (c *counter) Seek(offset int64, _ int) (int64, error) {
	c.at = offset
	return offset, nil
}

func TestSource(t *testing.T) {
	const size = 3 << 30
	d := start(t)
	d.MinPart = 1
	source := s3.Source{Size: size, Open: func() io.Reader { return new(counter) }}
	if _, err := d.PutSource("versioned", "huge", source); err != nil {
		t.Fatal(err)
	}
	got, err := d.client.GetObject(t.Context(), &sdk.GetObjectInput{
		Bucket: aws.String("versioned"), Key: aws.String("huge"), Range: aws.String("bytes=2147483648-2147483663"),
	})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	if want := "8000000080000008"; string(body) != want || *got.ContentRange != "bytes 2147483648-2147483663/3221225472" {
		t.Errorf("got %s %s, want %s", body, *got.ContentRange, want)
	}
	if size := decoded(t, d.events[0].Detail)["object"].(map[string]any)["size"]; size != 3221225472.0 {
		t.Errorf("the event says %v bytes", size)
	}
	// A copy shares the content: it takes no time, whatever its size.
	if _, err := d.client.CopyObject(t.Context(), &sdk.CopyObjectInput{
		Bucket: aws.String("plain"), Key: aws.String("copy"), CopySource: aws.String("versioned/huge"),
	}); err != nil {
		t.Fatal(err)
	}
}

func TestSpoolIsRemoved(t *testing.T) {
	d := newDouble(t)
	d.SpoolAbove = 1
	server := httptest.NewServer(d)
	defer server.Close()
	d.client = newClient(server.URL, true, server.Client())
	d.put(t, "plain", "k", "on disk")
	count := func() int {
		entries, err := os.ReadDir(d.SpoolDir)
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	if got := count(); got != 1 {
		t.Errorf("%d directories while in use, want 1", got)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if got := count(); got != 0 {
		t.Errorf("%d directories after Close, want none", got)
	}
}
