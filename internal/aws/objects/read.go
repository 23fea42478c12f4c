package objects

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"userdrop/internal/contract"
)

// OpenVersion streams one version of an object of any bucket; without a version, the one that the key has now. The SDK
// tries to get an answer again, but not to read it on: where the connection breaks, or S3 ends one whose reader had
// other things to do for a while, another goes on at the same byte.
func OpenVersion(ctx context.Context, client *s3.Client, o contract.Object) (io.ReadCloser, error) {
	r := &reader{ctx: ctx, client: client, input: s3.GetObjectInput{Bucket: &o.Bucket, Key: &o.Key}}
	if o.VersionID != "" {
		r.input.VersionId = &o.VersionID
	}
	out, err := r.open()
	if err != nil {
		return nil, err
	}
	r.size, r.input.IfMatch = aws.ToInt64(out.ContentLength), out.ETag
	return r, nil
}

// maxBroken is how many connections in a row may break without a byte.
const maxBroken = 5

type reader struct {
	ctx      context.Context // that of the stream as a whole
	client   *s3.Client
	input    s3.GetObjectInput
	body     io.ReadCloser
	at, size int64
	broken   int
}

func (r *reader) open() (*s3.GetObjectOutput, error) {
	if r.at > 0 {
		r.input.Range = aws.String(fmt.Sprintf("bytes=%d-", r.at))
	}
	out, err := r.client.GetObject(r.ctx, &r.input)
	if err != nil {
		return nil, fmt.Errorf("read s3://%s/%s: %w", *r.input.Bucket, *r.input.Key, err)
	}
	r.body = out.Body
	return out, nil
}

func (r *reader) Read(p []byte) (n int, err error) {
	for n == 0 && err == nil {
		n, err = r.body.Read(p)
		r.at += int64(n)
		if n > 0 {
			r.broken = 0
		}
		// At the end an error is none of the connection: the checksum may be wrong.
		if err == nil || r.at >= r.size {
			return n, err
		}
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if r.broken++; r.broken <= maxBroken && r.ctx.Err() == nil {
			_ = r.body.Close()
			_, err = r.open()
		}
	}
	return n, err
}

func (r *reader) Close() error { return r.body.Close() }
