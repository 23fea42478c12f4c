// Package inbox lists the files that wait in the inbox bucket.
package inbox

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"userdrop/internal/contract"
)

// Inbox is the inbox bucket.
type Inbox struct {
	client *s3.Client
	bucket string
}

// New returns the inbox of a bucket.
func New(client *s3.Client, bucket string) Inbox { return Inbox{client, bucket} }

// File is an object of the inbox, and since when it is there.
type File struct {
	contract.Object
	Since time.Time
}

// List returns the current versions under a prefix, the oldest first, without folders and manifests. Keys come encoded:
// S3 puts a control character of a key into its XML as it is, which no parser reads, and no file would be found any
// more.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
func (b Inbox) List(ctx context.Context, prefix string) ([]File, error) {
	var found []File
	input := s3.ListObjectVersionsInput{Bucket: &b.bucket, Prefix: &prefix, EncodingType: s3types.EncodingTypeUrl}
	for more := true; more; { // the SDK's paginator takes the next page's marker for a key that is not encoded
		page, err := b.client.ListObjectVersions(ctx, &input)
		if err != nil {
			return nil, fmt.Errorf("list s3://%s/%s: %w", b.bucket, prefix, err)
		}
		for _, v := range page.Versions {
			key, err := url.QueryUnescape(aws.ToString(v.Key))
			if err != nil {
				return nil, fmt.Errorf("list s3://%s/%s: %w", b.bucket, prefix, err)
			}
			if !aws.ToBool(v.IsLatest) || strings.HasSuffix(key, "/") || strings.HasSuffix(key, contract.ManifestSuffix) {
				continue
			}
			found = append(found, File{contract.Object{
				Bucket: b.bucket, Key: key, VersionID: aws.ToString(v.VersionId),
				ETag: strings.Trim(aws.ToString(v.ETag), `"`), Bytes: aws.ToInt64(v.Size),
			}, aws.ToTime(v.LastModified)})
		}
		next, err := url.QueryUnescape(aws.ToString(page.NextKeyMarker))
		if err != nil {
			return nil, fmt.Errorf("list s3://%s/%s: %w", b.bucket, prefix, err)
		}
		input.KeyMarker, input.VersionIdMarker, more = &next, page.NextVersionIdMarker, aws.ToBool(page.IsTruncated)
	}
	slices.SortStableFunc(found, func(a, b File) int {
		if c := a.Since.Compare(b.Since); c != 0 {
			return c
		}
		return strings.Compare(a.Key, b.Key)
	})
	return found, nil
}
