package s3_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"
)

type listed struct{ Keys, Prefixes []string }

func (l *listed) add(objects []types.Object, prefixes []types.CommonPrefix) {
	for _, o := range objects {
		l.Keys = append(l.Keys, *o.Key)
	}
	for _, p := range prefixes {
		l.Prefixes = append(l.Prefixes, *p.Prefix)
	}
}

func TestList(t *testing.T) {
	d := start(t)
	for _, key := range []string{"b/2", "a", "b/1", "b/c/3", "d e+ü", "z", "B", "gone", "b"} {
		d.put(t, "versioned", key, key)
	}
	if _, err := d.client.DeleteObject(t.Context(), &sdk.DeleteObjectInput{
		Bucket: aws.String("versioned"), Key: aws.String("gone"),
	}); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name                     string
		prefix, delimiter, after string
		encoding                 types.EncodingType
		want                     listed
	}{
		{name: "all", want: listed{Keys: []string{"B", "a", "b", "b/1", "b/2", "b/c/3", "d e+ü", "z"}}},
		{
			name: "folders", delimiter: "/",
			want: listed{[]string{"B", "a", "b", "d e+ü", "z"}, []string{"b/"}},
		},
		{name: "one folder", prefix: "b/", delimiter: "/", want: listed{[]string{"b/1", "b/2"}, []string{"b/c/"}}},
		{name: "prefix", prefix: "b", want: listed{Keys: []string{"b", "b/1", "b/2", "b/c/3"}}},
		{name: "prefix of nothing", prefix: "x"},
		{name: "after", after: "b/2", want: listed{Keys: []string{"b/c/3", "d e+ü", "z"}}},
		{
			name: "after a key inside a folder", after: "b/1", delimiter: "/",
			want: listed{[]string{"d e+ü", "z"}, []string{"b/"}},
		},
		{name: "after what is before the prefix", after: "a", prefix: "z", want: listed{Keys: []string{"z"}}},
		{
			name: "encoded", prefix: "d ", encoding: types.EncodingTypeUrl,
			want: listed{Keys: []string{"d+e%2B%C3%BC"}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			for pageSize := int32(1); pageSize <= 10; pageSize++ {
				var v1, v2 listed
				pages := sdk.NewListObjectsV2Paginator(d.client, &sdk.ListObjectsV2Input{
					Bucket: aws.String("versioned"), Prefix: &test.prefix, Delimiter: &test.delimiter, StartAfter: &test.after,
					EncodingType: test.encoding, MaxKeys: &pageSize,
				})
				for pages.HasMorePages() {
					out, err := pages.NextPage(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					if n := len(out.Contents) + len(out.CommonPrefixes); n != int(*out.KeyCount) || n > int(pageSize) {
						t.Errorf("%d entries on a page of %d, KeyCount %d", n, pageSize, *out.KeyCount)
					}
					v2.add(out.Contents, out.CommonPrefixes)
				}
				for marker, more := test.after, true; more; {
					out, err := d.client.ListObjects(t.Context(), &sdk.ListObjectsInput{
						Bucket: aws.String("versioned"), Prefix: &test.prefix, Delimiter: &test.delimiter, Marker: &marker,
						EncodingType: test.encoding, MaxKeys: &pageSize,
					})
					if err != nil {
						t.Fatal(err)
					}
					v1.add(out.Contents, out.CommonPrefixes)
					if more = *out.IsTruncated; more {
						if marker = aws.ToString(out.NextMarker); marker == "" {
							marker = *out.Contents[len(out.Contents)-1].Key
						}
					}
				}
				if diff := cmp.Diff(test.want, v2); diff != "" {
					t.Errorf("ListObjectsV2 by %d: %s", pageSize, diff)
				}
				if diff := cmp.Diff(test.want, v1); diff != "" {
					t.Errorf("ListObjects by %d: %s", pageSize, diff)
				}
			}
		})
	}
}

func TestListObjectVersionsByPages(t *testing.T) {
	d := start(t)
	var want []string
	for _, key := range []string{"a", "b", "b/1"} {
		second := []string{d.put(t, "versioned", key, "1"), d.put(t, "versioned", key, "2")}
		want = append(want, key+" "+second[1], key+" "+second[0]) // the newest first
	}
	for pageSize := int32(1); pageSize <= 7; pageSize++ {
		var got []string
		in := &sdk.ListObjectVersionsInput{Bucket: aws.String("versioned"), MaxKeys: &pageSize}
		for more := true; more; {
			out, err := d.client.ListObjectVersions(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range out.Versions {
				got = append(got, *v.Key+" "+*v.VersionId)
			}
			more, in.KeyMarker, in.VersionIdMarker = *out.IsTruncated, out.NextKeyMarker, out.NextVersionIdMarker
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("by %d: %s", pageSize, diff)
		}
	}
}

func TestBuckets(t *testing.T) {
	d := start(t)
	ctx := t.Context()
	location, err := d.client.GetBucketLocation(ctx, &sdk.GetBucketLocationInput{Bucket: aws.String("plain")})
	if err != nil || location.LocationConstraint != "eu-central-1" {
		t.Errorf("location %v, %v", location, err)
	}
	for bucket, want := range map[string]types.BucketVersioningStatus{"plain": "", "versioned": "Enabled"} {
		out, err := d.client.GetBucketVersioning(ctx, &sdk.GetBucketVersioningInput{Bucket: &bucket})
		if err != nil || out.Status != want {
			t.Errorf("versioning of %s: %v, %v, want %q", bucket, out, err, want)
		}
	}
	create := func(name string, region types.BucketLocationConstraint) string {
		_, err := d.client.CreateBucket(ctx, &sdk.CreateBucketInput{
			Bucket: &name, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: region},
		})
		return outcome(err)
	}
	head := func(name string) string {
		_, err := d.client.HeadBucket(ctx, &sdk.HeadBucketInput{Bucket: &name})
		return outcome(err)
	}
	got := []string{
		head("fresh"), create("fresh", "eu-central-1"), head("fresh"), create("fresh", "eu-central-1"),
		create("other", "eu-west-1"), create("Not-A-Name", "eu-central-1"),
	}
	want := []string{
		"404 NotFound", "ok", "ok", "409 BucketAlreadyOwnedByYou", "400 IllegalLocationConstraintException",
		"400 InvalidBucketName",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	out, err := d.client.ListBuckets(ctx, &sdk.ListBucketsInput{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, b := range out.Buckets {
		names = append(names, *b.Name)
	}
	if diff := cmp.Diff([]string{"fresh", "plain", "versioned"}, names); diff != "" {
		t.Error(diff)
	}
}
