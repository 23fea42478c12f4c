package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"userdrop/internal/contract"
)

// Source is a file to drop.
type Source struct {
	Name string // its base name in the inbox
	Body io.Reader
	Size int64 // in bytes
	// Manifest is put beside the file before it, nil if there is none.
	Manifest []byte
}

// CheckName returns an error for a name that a dropped file cannot have.
func CheckName(name string) error {
	switch {
	case !utf8.ValidString(name): // S3 would answer that it can't parse an address
		return fmt.Errorf("the name %q is not UTF-8, which S3 wants: rename the file", name)
	case name == "" || strings.Contains(name, "/"):
		return fmt.Errorf("%q is not the name of a file", name)
	case strings.HasSuffix(name, contract.ManifestSuffix):
		return fmt.Errorf("%s is no drop: a name that ends in %s is that of a manifest", name, contract.ManifestSuffix)
	}
	return nil
}

// Upload puts a file into the inbox and returns the import that it becomes.
func (s *Stack) Upload(ctx context.Context, file Source, pool string, mode contract.Mode, progress Progress,
) (contract.Drop, error) {
	if err := CheckName(file.Name); err != nil {
		return contract.Drop{}, err
	}
	prefix := map[contract.Mode]string{contract.ModeImport: "incoming", contract.ModeCheck: "check"}[mode]
	key := path.Join(prefix, pool, file.Name)
	if file.Manifest != nil {
		manifest := key + contract.ManifestSuffix
		if _, err := s.s3.PutObject(ctx, &s3.PutObjectInput{
			Bucket: &s.inbox.Bucket, Key: &manifest, Body: bytes.NewReader(file.Manifest),
			ContentType: aws.String("application/json"),
		}); err != nil {
			return contract.Drop{}, Explain(err)
		}
	}
	uploads := transfermanager.New(s.s3, func(o *transfermanager.Options) {
		o.FailTimeout = 5 * time.Second // of the clean-up after Ctrl-C, too
		o.ObjectProgressListeners.Register(&uploadListener{progress, file.Size})
	})
	out, err := uploads.UploadObject(ctx, &transfermanager.UploadObjectInput{
		Bucket: &s.inbox.Bucket, Key: &key, Body: file.Body, ContentType: aws.String("text/csv"),
	})
	if err != nil {
		return contract.Drop{}, errors.Join(Explain(err), s.withdraw(file, key))
	}
	object := contract.Object{
		Bucket: s.inbox.Bucket, Key: key, Bytes: file.Size,
		VersionID: aws.ToString(out.VersionID), ETag: strings.Trim(aws.ToString(out.ETag), `"`),
	}
	progress.Finish(fmt.Sprintf("Dropped %s (%s) into s3://%s/%s", file.Name, Bytes(file.Size), object.Bucket,
		path.Dir(key)+"/"))
	// The same name that start-import gives to the event's object.
	return contract.Drop{
		Schema: contract.Schema, ImportID: contract.ImportID(object), UserPoolID: pool, Mode: mode, Source: object,
	}, nil
}

// withdraw deletes the manifest of a file whose upload failed: it would speak for the next file of that name.
func (s *Stack) withdraw(file Source, key string) error {
	if file.Manifest == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second) // after Ctrl-C, too
	defer cancel()
	manifest := key + contract.ManifestSuffix
	_, err := s.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.inbox.Bucket, Key: &manifest})
	if err != nil {
		return fmt.Errorf("remove s3://%s/%s, which is left in the inbox and would speak for the next file of that name",
			s.inbox.Bucket, manifest)
	}
	return nil
}

// uploadListener shows an upload's progress.
type uploadListener struct {
	progress Progress
	size     int64
}

// OnObjectBytesTransferred implements transfermanager.ObjectBytesTransferredListener.
func (l *uploadListener) OnObjectBytesTransferred(_ context.Context, e *transfermanager.ObjectBytesTransferredEvent) {
	text := Bytes(e.BytesTransferred) + " of " + Bytes(l.size)
	l.progress.Show(Step{Name: "Uploading", Share: share(e.BytesTransferred, l.size), Text: text})
}
