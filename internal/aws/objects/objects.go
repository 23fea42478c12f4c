// Package objects reads and writes the small and the streamed objects of an import in one bucket.
package objects

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"userdrop/internal/aws/awserror"
	"userdrop/internal/contract"
)

// Store is one bucket.
type Store struct {
	Client *s3.Client
	Bucket string
}

// New returns the store of a bucket.
func New(client *s3.Client, bucket string) *Store { return &Store{client, bucket} }

// Exists reports whether the key has an object. It needs s3:ListBucket: without it S3 answers 403 for a missing one.
func (s *Store) Exists(ctx context.Context, key string) (bool, error) {
	_, found, err := s.Head(ctx, key)
	return found, err
}

// Head looks for an object and its version; found is false if there is none.
func (s *Store) Head(ctx context.Context, key string) (o contract.Object, found bool, err error) {
	out, err := s.Client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.Bucket, Key: &key})
	if status(err) == http.StatusNotFound {
		return contract.Object{}, false, nil
	}
	if err != nil {
		return contract.Object{}, false, fmt.Errorf("look for %s: %w", s.URL(key), err)
	}
	return contract.Object{
		Bucket: s.Bucket, Key: key, VersionID: aws.ToString(out.VersionId), Bytes: aws.ToInt64(out.ContentLength),
	}, true, nil
}

// Open streams an object.
func (s *Store) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	return OpenVersion(ctx, s.Client, contract.Object{Bucket: s.Bucket, Key: key})
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
	return s.put(ctx, key, contentType, text, func(in *s3.PutObjectInput) { in.IfNoneMatch = aws.String("*") })
}

// WriteIfAbsent writes a small text unless the key has one, and returns the text that the key has then.
func (s *Store) WriteIfAbsent(ctx context.Context, key, text string) (string, error) {
	won, err := s.WriteOnce(ctx, key, "text/plain", []byte(text))
	if won || err != nil {
		return text, err
	}
	there, _, err := s.Read(ctx, key)
	return string(there), err
}

// WriteJSONIfAbsent is WriteIfAbsent for a value. The value that the key has replaces the loser's as a whole: no member
// of the loser's stays.
func WriteJSONIfAbsent[T any](ctx context.Context, s *Store, key string, value T) (T, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return value, fmt.Errorf("encode %s: %w", key, err)
	}
	won, err := s.WriteOnce(ctx, key, "application/json", text)
	if won || err != nil {
		return value, err
	}
	var there T
	if found, err := s.ReadJSON(ctx, key, &there); err != nil || !found {
		return value, err
	}
	return there, nil
}

// Replace puts a small object if the key's is still the one with that entity tag.
func (s *Store) Replace(ctx context.Context, key, contentType string, text []byte, tag string) (won bool, err error) {
	return s.put(ctx, key, contentType, text, func(in *s3.PutObjectInput) { in.IfMatch = &tag })
}

// Tagged returns a small object with its entity tag and its age.
func (s *Store) Tagged(ctx context.Context, key string) (text, tag string, modified time.Time, err error) {
	out, err := s.Client.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.Bucket, Key: &key})
	if err != nil {
		return "", "", time.Time{}, fmt.Errorf("read %s: %w", s.URL(key), err)
	}
	defer out.Body.Close()
	body, err := io.ReadAll(out.Body)
	if err != nil {
		return "", "", time.Time{}, fmt.Errorf("read %s: %w", s.URL(key), err)
	}
	return string(body), aws.ToString(out.ETag), aws.ToTime(out.LastModified), nil
}

func (s *Store) put(
	ctx context.Context, key, contentType string, text []byte, condition func(*s3.PutObjectInput),
) (bool, error) {
	input := &s3.PutObjectInput{Bucket: &s.Bucket, Key: &key, Body: bytes.NewReader(text), ContentType: &contentType}
	if condition != nil {
		condition(input)
	}
	_, err := s.Client.PutObject(ctx, input)
	switch code := status(err); {
	case err == nil:
		return true, nil
	case condition != nil && code == http.StatusPreconditionFailed:
		return false, nil
	case condition != nil && code == http.StatusConflict: // another conditional write is under way
		return false, &contract.Error{Name: contract.Unavailable, Err: fmt.Errorf("write %s: %w", s.URL(key), err)}
	default:
		return false, fmt.Errorf("write %s: %w", s.URL(key), err)
	}
}

// Keys lists the keys that begin with prefix, in order.
func (s *Store) Keys(ctx context.Context, prefix string) ([]string, error) {
	var keys []string
	pages := s3.NewListObjectsV2Paginator(s.Client, &s3.ListObjectsV2Input{Bucket: &s.Bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", s.URL(prefix), err)
		}
		for _, o := range page.Contents {
			keys = append(keys, aws.ToString(o.Key))
		}
	}
	return keys, nil
}

// Erase removes all versions of what begins with prefix, but of the keys to keep: to delete a key only hides what it
// held in a bucket with versioning.
func (s *Store) Erase(ctx context.Context, prefix string, keep ...string) error {
	return s.erase(ctx, prefix, func(key string) bool { return !slices.Contains(keep, key) })
}

// EraseKeys removes all versions of keys that begin with prefix.
func (s *Store) EraseKeys(ctx context.Context, prefix string, keys []string) error {
	return s.erase(ctx, prefix, func(key string) bool { return slices.Contains(keys, key) })
}

func (s *Store) erase(ctx context.Context, prefix string, which func(key string) bool) error {
	pages := s3.NewListObjectVersionsPaginator(s.Client, &s3.ListObjectVersionsInput{Bucket: &s.Bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx) // of a thousand, which is also DeleteObjects' limit
		if err != nil {
			return fmt.Errorf("list the versions of %s: %w", s.URL(prefix), err)
		}
		var ids []types.ObjectIdentifier
		for _, v := range page.Versions {
			ids = append(ids, types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
		}
		for _, m := range page.DeleteMarkers {
			ids = append(ids, types.ObjectIdentifier{Key: m.Key, VersionId: m.VersionId})
		}
		ids = slices.DeleteFunc(ids, func(id types.ObjectIdentifier) bool { return !which(*id.Key) })
		if len(ids) == 0 {
			continue
		}
		out, err := s.Client.DeleteObjects(ctx, &s3.DeleteObjectsInput{
			Bucket: &s.Bucket, Delete: &types.Delete{Objects: ids, Quiet: aws.Bool(true)},
		})
		if err == nil && len(out.Errors) > 0 {
			err = fmt.Errorf("%d of them: %s", len(out.Errors), aws.ToString(out.Errors[0].Code))
		}
		if err != nil {
			return fmt.Errorf("delete objects of s3://%s: %w", s.Bucket, err)
		}
	}
	return nil
}

// Move puts one version of an object elsewhere in its bucket, and deletes that version alone: a newer one of the same
// key is not touched. A version that is not there is moved already.
func Move(ctx context.Context, client *s3.Client, from contract.Object, key string) error {
	return Mover{Client: client, MaxCopy: 5 << 30, Part: 1 << 30}.Move(ctx, from, key)
}

// Mover moves by its own limits; Move's are S3's.
type Mover struct {
	Client  *s3.Client
	MaxCopy int64 // the largest object that S3 copies at once
	Part    int64 // the size of the pieces of a larger one
}

// copies is how many pieces S3 copies at a time. One after another, those of a file of 100 GB, which nobody can import
// but anybody drop, would take longer than a function may run.
const copies = 16

// Move is Move by these limits.
func (m Mover) Move(ctx context.Context, from contract.Object, key string) error {
	err := m.copy(ctx, from, key)
	if awserror.Name(err) == contract.Gone { // not so NoSuchUpload, whose status is 404 as well
		return nil
	}
	if err != nil {
		return fmt.Errorf("move s3://%s/%s: %w", from.Bucket, from.Key, err)
	}
	input := &s3.DeleteObjectInput{Bucket: &from.Bucket, Key: &from.Key}
	if from.VersionID != "" {
		input.VersionId = &from.VersionID
	}
	if _, err := m.Client.DeleteObject(ctx, input); err != nil {
		return fmt.Errorf("delete s3://%s/%s: %w", from.Bucket, from.Key, err)
	}
	return nil
}

func (m Mover) copy(ctx context.Context, from contract.Object, key string) error {
	client := m.Client
	// A plus sign in a copy source is read as a space, so everything is escaped.
	source := from.Bucket + "/" + strings.ReplaceAll(url.QueryEscape(from.Key), "+", "%20")
	if from.VersionID != "" {
		source += "?versionId=" + url.QueryEscape(from.VersionID)
	}
	if from.Bytes <= m.MaxCopy {
		_, err := client.CopyObject(ctx, &s3.CopyObjectInput{
			Bucket: &from.Bucket, Key: &key, CopySource: &source,
			TaggingDirective: types.TaggingDirectiveReplace, // by none: to take tags along needs permissions of their own
		})
		return err
	}
	upload, err := client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &from.Bucket, Key: &key})
	if err != nil {
		return err
	}
	parts := make([]types.CompletedPart, (from.Bytes+m.Part-1)/m.Part)
	group, copying := errgroup.WithContext(ctx)
	group.SetLimit(copies)
	for i := range parts {
		group.Go(func() error {
			at, number := int64(i)*m.Part, int32(i+1)
			out, err := client.UploadPartCopy(copying, &s3.UploadPartCopyInput{
				Bucket: &from.Bucket, Key: &key, UploadId: upload.UploadId, PartNumber: &number, CopySource: &source,
				CopySourceRange: aws.String(fmt.Sprintf("bytes=%d-%d", at, min(at+m.Part, from.Bytes)-1)),
			})
			if err == nil {
				parts[i] = types.CompletedPart{ETag: out.CopyPartResult.ETag, PartNumber: &number}
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		_, abort := client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
			Bucket: &from.Bucket, Key: &key, UploadId: upload.UploadId,
		})
		return errors.Join(err, abort)
	}
	_, err = client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &from.Bucket, Key: &key, UploadId: upload.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	return err
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
		o.FailTimeout = 10 * time.Second // to give the pieces up even when ctx is over
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

// JSONLines is an object with a JSON value in each line. It is made only if there is one.
type JSONLines struct {
	store  *Store
	key    string
	upload *Upload
	out    *bufio.Writer
	bytes  int64
}

// JSONLines begins such an object.
func (s *Store) JSONLines(key string) *JSONLines { return &JSONLines{store: s, key: key} }

// Encode adds a value.
func (l *JSONLines) Encode(ctx context.Context, value any) error {
	if l.upload == nil {
		l.upload = l.store.Upload(ctx, l.key, "application/jsonl")
		l.out = bufio.NewWriterSize(l.upload, 64<<10)
	}
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode %s: %w", l.key, err)
	}
	l.bytes += int64(len(text)) + 1
	_, err = l.out.Write(append(text, '\n'))
	return err
}

// Close answers the object; its key is empty if there was no value.
func (l *JSONLines) Close() (contract.Object, error) {
	if l.upload == nil {
		return contract.Object{}, nil
	}
	if err := errors.Join(l.out.Flush(), l.upload.Close()); err != nil {
		return contract.Object{}, err
	}
	return contract.Object{Bucket: l.store.Bucket, Key: l.key, VersionID: l.upload.VersionID(), Bytes: l.bytes}, nil
}

// Discard gives the object up.
func (l *JSONLines) Discard() {
	if l.upload != nil {
		l.upload.Discard()
	}
}

// URL is the address of a key for people: s3://bucket/key.
func (s *Store) URL(key string) string { return "s3://" + s.Bucket + "/" + key }

func status(err error) int {
	if answer, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		return answer.HTTPStatusCode()
	}
	return 0
}
