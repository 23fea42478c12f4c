package s3_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
)

func TestAuthorization(t *testing.T) {
	const denied = "403 AccessDenied"
	versioned, plain, k := aws.String("versioned"), aws.String("plain"), aws.String("k")
	for _, test := range []struct {
		name    string
		allowed string
		call    func(*sdk.Client, string) error // with the version id of versioned/k
		want    string
		asked   []string
	}{
		{
			"get", "s3:GetObject",
			func(c *sdk.Client, _ string) error {
				_, err := c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: plain, Key: k})
				return err
			},
			"ok",
			[]string{"s3:GetObject plain/k"},
		},
		{
			"get a version", "s3:GetObject",
			func(c *sdk.Client, version string) error {
				_, err := c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: versioned, Key: k, VersionId: &version})
				return err
			},
			denied,
			[]string{"s3:GetObjectVersion versioned/k"},
		},
		{
			"get what is missing", "s3:GetObject",
			func(c *sdk.Client, _ string) error {
				_, err := c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: plain, Key: aws.String("none")})
				return err
			},
			denied,
			[]string{"s3:GetObject plain/none", "s3:ListBucket plain"},
		},
		{
			"get what is missing and may be listed", "s3:GetObject s3:ListBucket",
			func(c *sdk.Client, _ string) error {
				_, err := c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: plain, Key: aws.String("none")})
				return err
			},
			"404 NoSuchKey",
			[]string{"s3:GetObject plain/none", "s3:ListBucket plain"},
		},
		{
			"head what is missing", "s3:GetObject",
			func(c *sdk.Client, _ string) error {
				_, err := c.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: plain, Key: aws.String("none")})
				return err
			},
			"403 Forbidden",
			[]string{"s3:GetObject plain/none", "s3:ListBucket plain"},
		},
		{
			"head a bucket", "s3:ListBucket",
			func(c *sdk.Client, _ string) error {
				_, err := c.HeadBucket(t.Context(), &sdk.HeadBucketInput{Bucket: plain})
				return err
			},
			"ok",
			[]string{"s3:ListBucket plain"},
		},
		{
			"list a prefix", "s3:ListBucket",
			func(c *sdk.Client, _ string) error {
				_, err := c.ListObjectsV2(t.Context(), &sdk.ListObjectsV2Input{Bucket: plain, Prefix: aws.String("in/")})
				return err
			},
			"ok",
			[]string{"s3:ListBucket plain prefix=in/"},
		},
		{
			"list versions", "s3:ListBucket",
			func(c *sdk.Client, _ string) error {
				_, err := c.ListObjectVersions(t.Context(), &sdk.ListObjectVersionsInput{Bucket: plain})
				return err
			},
			denied,
			[]string{"s3:ListBucketVersions plain"},
		},
		{
			"put", "s3:PutObject",
			func(c *sdk.Client, _ string) error {
				_, err := c.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: plain, Key: k})
				return err
			},
			"ok",
			[]string{"s3:PutObject plain/k"},
		},
		{
			"put with tags", "s3:PutObject",
			func(c *sdk.Client, _ string) error {
				_, err := c.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: plain, Key: k, Tagging: aws.String("a=b")})
				return err
			},
			denied,
			[]string{"s3:PutObject plain/k", "s3:PutObjectTagging plain/k"},
		},
		{
			"delete", "s3:DeleteObject",
			func(c *sdk.Client, _ string) error {
				_, err := c.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: plain, Key: k})
				return err
			},
			"ok",
			[]string{"s3:DeleteObject plain/k"},
		},
		{
			"delete a version", "s3:DeleteObject",
			func(c *sdk.Client, version string) error {
				_, err := c.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: versioned, Key: k, VersionId: &version})
				return err
			},
			denied,
			[]string{"s3:DeleteObjectVersion versioned/k"},
		},
		{
			"copy a version", "s3:GetObjectVersion s3:PutObject",
			func(c *sdk.Client, version string) error {
				_, err := c.CopyObject(t.Context(), &sdk.CopyObjectInput{
					Bucket: plain, Key: aws.String("to"), CopySource: aws.String("versioned/k?versionId=" + version),
				})
				return err
			},
			"ok",
			[]string{"s3:PutObject plain/to", "s3:GetObjectVersion versioned/k"},
		},
		{
			"copy without reading", "s3:PutObject",
			func(c *sdk.Client, _ string) error {
				_, err := c.CopyObject(t.Context(), &sdk.CopyObjectInput{
					Bucket: plain, Key: aws.String("to"), CopySource: aws.String("versioned/k"),
				})
				return err
			},
			denied,
			[]string{"s3:PutObject plain/to", "s3:GetObject versioned/k"},
		},
		{
			"abort", "s3:PutObject",
			func(c *sdk.Client, _ string) error {
				_, err := c.AbortMultipartUpload(t.Context(), &sdk.AbortMultipartUploadInput{
					Bucket: plain, Key: k, UploadId: aws.String("x"),
				})
				return err
			},
			denied,
			[]string{"s3:AbortMultipartUpload plain/k"},
		},
		{
			"list parts", "s3:ListMultipartUploadParts",
			func(c *sdk.Client, _ string) error {
				_, err := c.ListParts(t.Context(), &sdk.ListPartsInput{Bucket: plain, Key: k, UploadId: aws.String("x")})
				return err
			},
			"404 NoSuchUpload",
			[]string{"s3:ListMultipartUploadParts plain/k"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			caller := &role{allowed: strings.Fields(test.allowed)}
			d := startAs(t, caller)
			var version string
			for _, bucket := range []string{"plain", "versioned"} {
				var err error
				if version, err = d.Put(bucket, "k", []byte("x")); err != nil {
					t.Fatal(err)
				}
			}
			if got := outcome(test.call(d.client, version)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			if diff := cmp.Diff(test.asked, caller.asked); diff != "" {
				t.Error(diff)
			}
		})
	}
}
