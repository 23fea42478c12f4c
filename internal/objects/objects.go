// Package objects reads and writes the small and the streamed objects of an import in one bucket.
package objects

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"userdrop/internal/workflow"
)

// Store is one bucket.
type Store struct {
	Client *s3.Client
	Bucket string
}

// New returns the store of a bucket.
func New(client *s3.Client, bucket string) *Store { return &Store{client, bucket} }

// Exists tells whether the key has an object. It needs s3:ListBucket: without it S3 answers 403 for a missing one.
func (s *Store) Exists(ctx context.Context, key string) (bool, error) {
	_, err := s.Client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.Bucket, Key: &key})
	if status(err) == http.StatusNotFound {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for %s: %w", s.URL(key), err)
	}
	return true, nil
}

// Open streams an object.
func (s *Store) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	return OpenVersion(ctx, s.Client, workflow.Object{Bucket: s.Bucket, Key: key})
}

// OpenVersion streams one version of an object of any bucket.
func OpenVersion(ctx context.Context, client *s3.Client, o workflow.Object) (io.ReadCloser, error) {
	input := &s3.GetObjectInput{Bucket: &o.Bucket, Key: &o.Key}
	if o.VersionID != "" {
		input.VersionId = &o.VersionID
	}
	out, err := client.GetObject(ctx, input)
	if err != nil {
		return nil, fmt.Errorf("read s3://%s/%s: %w", o.Bucket, o.Key, err)
	}
	return out.Body, nil
}

// ReadJSON decodes an object; found is false if there is none.
func (s *Store) ReadJSON(ctx context.Context, key string, into any) (found bool, err error) {
	text, found, err := s.Read(ctx, key)
	if err != nil || !found {
		return found, err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return true, fmt.Errorf("decode %s: %w", s.URL(key), err)
	}
	return true, nil
}

// Read returns a small object; found is false if there is none.
func (s *Store) Read(ctx context.Context, key string) (text []byte, found bool, err error) {
	body, err := s.Open(ctx, key)
	if status(err) == http.StatusNotFound {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	defer body.Close()
	if text, err = io.ReadAll(body); err != nil {
		return nil, true, fmt.Errorf("read %s: %w", s.URL(key), err)
	}
	return text, true, nil
}

// Write puts a small object.
func (s *Store) Write(ctx context.Context, key, contentType string, text []byte) error {
	_, err := s.put(ctx, key, contentType, text, nil)
	return err
}

// WriteJSON puts a small object.
func (s *Store) WriteJSON(ctx context.Context, key string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode %s: %w", key, err)
	}
	return s.Write(ctx, key, "application/json", text)
}

// WriteOnce puts a small object unless the key has one; won is false then.
func (s *Store) WriteOnce(ctx context.Context, key, contentType string, text []byte) (won bool, err error) {
	return s.put(ctx, key, contentType, text, aws.String("*"))
}

func (s *Store) put(ctx context.Context, key, contentType string, text []byte, ifNoneMatch *string) (bool, error) {
	_, err := s.Client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &s.Bucket, Key: &key, Body: bytes.NewReader(text), ContentType: &contentType, IfNoneMatch: ifNoneMatch,
	})
	switch code := status(err); {
	case err == nil:
		return true, nil
	case ifNoneMatch != nil && code == http.StatusPreconditionFailed:
		return false, nil
	case ifNoneMatch != nil && code == http.StatusConflict: // another conditional write is under way
		return false, &workflow.Error{Name: workflow.Unavailable, Err: fmt.Errorf("write %s: %w", s.URL(key), err)}
	default:
		return false, fmt.Errorf("write %s: %w", s.URL(key), err)
	}
}

// Upload is an object that is being streamed to S3. It is there whole once Close returns nil, or not at all.
type Upload struct {
	pipe    *io.PipeWriter
	done    chan struct{}
	version string
	err     error
}

// ErrDiscarded is what an upload that was given up ends with.
var ErrDiscarded = errors.New("discarded")

// Upload streams to key in pieces of 5 MB, two in memory at a time; a smaller object is put in one.
func (s *Store) Upload(ctx context.Context, key, contentType string) *Upload {
	const piece = 5 << 20
	manager := transfermanager.New(s.Client, func(o *transfermanager.Options) {
		o.PartSizeBytes = piece
		o.MultipartUploadThreshold = piece
		o.Concurrency = 2
	})
	body, pipe := io.Pipe()
	u := &Upload{pipe: pipe, done: make(chan struct{})}
	go func() {
		defer close(u.done)
		out, err := manager.UploadObject(ctx, &transfermanager.UploadObjectInput{
			Bucket: &s.Bucket, Key: &key, ContentType: &contentType, Body: body,
		})
		if err != nil {
			u.err = fmt.Errorf("write %s: %w", s.URL(key), err)
			body.CloseWithError(u.err)
			return
		}
		u.version = aws.ToString(out.VersionID)
	}()
	return u
}

// Write hands bytes to S3.
func (u *Upload) Write(p []byte) (int, error) { return u.pipe.Write(p) }

// Close ends the object and waits until S3 has it.
func (u *Upload) Close() error {
	u.pipe.Close()
	<-u.done
	return u.err
}

// VersionID is known after Close, where the bucket has versions.
func (u *Upload) VersionID() string { return u.version }

// Discard gives the object up: nothing of it stays.
func (u *Upload) Discard() {
	u.pipe.CloseWithError(ErrDiscarded)
	<-u.done
}

// URL is the address of a key for people: s3://bucket/key.
func (s *Store) URL(key string) string { return "s3://" + s.Bucket + "/" + key }

func status(err error) int {
	if answer, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		return answer.HTTPStatusCode()
	}
	return 0
}
