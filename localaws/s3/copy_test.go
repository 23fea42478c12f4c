package s3_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"
)

func TestCopy(t *testing.T) {
	d := start(t)
	d.MaxOperation = 10
	old := d.put(t, "versioned", "k", "old")
	d.put(t, "versioned", "k", "new")
	d.put(t, "versioned", "a b+ü%?versionId=", "odd")
	d.put(t, "plain", "there", "x")
	if _, err := d.Put("plain", "large", []byte("01234567890")); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, source, key string
		in                sdk.CopyObjectInput
		want              string // the outcome, and what the target then holds
	}{
		{"current version", "versioned/k", "to", sdk.CopyObjectInput{}, "ok new"},
		{"leading slash", "/versioned/k", "to", sdk.CopyObjectInput{}, "ok new"},
		{"given version", "versioned/k?versionId=" + old, "to", sdk.CopyObjectInput{}, "ok old"},
		{"encoded key", "versioned/a%20b%2B%C3%BC%25%3FversionId%3D", "to + ü", sdk.CopyObjectInput{}, "ok odd"},
		{"plus stands for a space", "versioned/a+b%2B%C3%BC%25%3FversionId%3D", "to", sdk.CopyObjectInput{}, "ok odd"},
		{"missing key", "versioned/nothing", "fresh", sdk.CopyObjectInput{}, "404 NoSuchKey"},
		{"missing bucket", "nowhere/k", "fresh", sdk.CopyObjectInput{}, "404 NoSuchBucket"},
		{"too large", "plain/large", "fresh", sdk.CopyObjectInput{}, "400 InvalidRequest"},
		{"onto itself", "plain/there", "there", sdk.CopyObjectInput{}, "400 InvalidRequest"},
		{
			"onto itself with new metadata", "plain/there", "there",
			sdk.CopyObjectInput{MetadataDirective: types.MetadataDirectiveReplace},
			"ok x",
		},
		{
			"onto what is there", "versioned/k", "there",
			sdk.CopyObjectInput{IfNoneMatch: aws.String("*")},
			"412 PreconditionFailed",
		},
		{
			"another source than expected", "versioned/k", "fresh",
			sdk.CopyObjectInput{CopySourceIfMatch: aws.String(`"x"`)},
			"412 PreconditionFailed",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.in.Bucket, test.in.Key, test.in.CopySource = aws.String("plain"), &test.key, &test.source
			out, err := d.client.CopyObject(t.Context(), &test.in)
			got := outcome(err)
			if err == nil {
				got += " " + d.holds(t, "plain", test.key)
				if *out.CopyObjectResult.ETag == "" || out.CopyObjectResult.LastModified.IsZero() {
					t.Errorf("incomplete result %+v", out.CopyObjectResult)
				}
			}
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestCopyMetadata(t *testing.T) {
	d := start(t)
	if _, err := d.client.PutObject(t.Context(), &sdk.PutObjectInput{
		Bucket: aws.String("plain"), Key: aws.String("from"), Body: strings.NewReader("x"),
		ContentType: aws.String("text/csv"), Metadata: map[string]string{"a": "1"},
	}); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		directive types.MetadataDirective
		want      []string
	}{
		{types.MetadataDirectiveCopy, []string{"text/csv", "1", ""}},
		{types.MetadataDirectiveReplace, []string{"text/plain", "", "2"}},
	} {
		t.Run(string(test.directive), func(t *testing.T) {
			_, err := d.client.CopyObject(t.Context(), &sdk.CopyObjectInput{
				Bucket: aws.String("plain"), Key: aws.String("to"), CopySource: aws.String("plain/from"),
				MetadataDirective: test.directive, ContentType: aws.String("text/plain"), Metadata: map[string]string{"b": "2"},
			})
			if err != nil {
				t.Fatal(err)
			}
			head, err := d.client.HeadObject(t.Context(), &sdk.HeadObjectInput{
				Bucket: aws.String("plain"), Key: aws.String("to"),
			})
			if err != nil {
				t.Fatal(err)
			}
			got := []string{*head.ContentType, head.Metadata["a"], head.Metadata["b"]}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
