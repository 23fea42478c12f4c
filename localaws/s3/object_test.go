package s3_test

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"
)

func TestPutThenGet(t *testing.T) {
	for _, test := range []struct {
		name, key string
		body      []byte
	}{
		{"empty", "empty", nil},
		{"in memory", "small", bytesOf(1024)},
		{"spooled", "large", bytesOf(1025)},
		{"key with space, plus and unicode", "a b/c+d/ü %2F?&.txt", []byte("x")},
		{"key that a path cleaner would change", "a//b/../c/./", []byte("x")},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := start(t)
			d.SpoolAbove = 1024
			put, err := d.client.PutObject(t.Context(), &sdk.PutObjectInput{
				Bucket: aws.String("versioned"), Key: &test.key, Body: bytes.NewReader(test.body),
				ContentType: aws.String("text/csv"), Metadata: map[string]string{"Rows": "2"},
				ServerSideEncryption: types.ServerSideEncryptionAes256, Tagging: aws.String("a=1&b=2"),
			})
			if err != nil {
				t.Fatal(err)
			}
			got, err := d.client.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String("versioned"), Key: &test.key})
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(got.Body) // the SDK checks the CRC32 that it sent
			if err != nil {
				t.Fatal(err)
			}
			sum := md5.Sum(test.body)
			type object struct {
				Body, ETag, Type, Version, SSE, Rows string
				Length                               int64
				Tags                                 int32
			}
			want := object{
				string(test.body), `"` + hex.EncodeToString(sum[:]) + `"`, "text/csv", *put.VersionId, "AES256", "2",
				int64(len(test.body)), 2,
			}
			if diff := cmp.Diff(want, object{
				string(body), *got.ETag, *got.ContentType, *got.VersionId, string(got.ServerSideEncryption),
				got.Metadata["rows"], *got.ContentLength, aws.ToInt32(got.TagCount),
			}); diff != "" {
				t.Error(diff)
			}
			if n := len(*put.VersionId); n != 32 {
				t.Errorf("version id has %d characters, want 32", n)
			}
		})
	}
}

func TestRange(t *testing.T) {
	d := start(t)
	d.put(t, "plain", "digits", "0123456789")
	d.put(t, "plain", "empty", "")
	for _, test := range []struct{ key, header, want, contentRange string }{
		{"digits", "bytes=0-0", "0", "bytes 0-0/10"},
		{"digits", "bytes=3-5", "345", "bytes 3-5/10"},
		{"digits", "bytes=8-", "89", "bytes 8-9/10"},
		{"digits", "bytes=8-99", "89", "bytes 8-9/10"},
		{"digits", "bytes=-3", "789", "bytes 7-9/10"},
		{"digits", "bytes=-99", "0123456789", "bytes 0-9/10"},
		{"digits", "bytes=5-3", "0123456789", ""},
		{"digits", "bytes=0-1,4-5", "0123456789", ""},
		{"digits", "lines=1-2", "0123456789", ""},
		{"digits", "bytes=10-", "416 InvalidRange", ""},
		{"digits", "bytes=-0", "416 InvalidRange", ""},
		{"empty", "bytes=0-", "416 InvalidRange", ""},
	} {
		t.Run(test.key+" "+test.header, func(t *testing.T) {
			out, err := d.client.GetObject(t.Context(), &sdk.GetObjectInput{
				Bucket: aws.String("plain"), Key: &test.key, Range: &test.header,
			})
			if err != nil {
				if got := outcome(err); got != test.want {
					t.Errorf("got %s, want %s", got, test.want)
				}
				return
			}
			body, err := io.ReadAll(out.Body)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(body); got != test.want || aws.ToString(out.ContentRange) != test.contentRange {
				t.Errorf("got %q, %q, want %q, %q", got, aws.ToString(out.ContentRange), test.want, test.contentRange)
			}
		})
	}
}

func TestConditions(t *testing.T) {
	d := start(t)
	d.put(t, "versioned", "there", "x")
	d.put(t, "versioned", "deleted", "x")
	if _, err := d.client.DeleteObject(t.Context(), &sdk.DeleteObjectInput{
		Bucket: aws.String("versioned"), Key: aws.String("deleted"),
	}); err != nil {
		t.Fatal(err)
	}
	sum := md5.Sum([]byte("x"))
	etag, other := `"`+hex.EncodeToString(sum[:])+`"`, `"00000000000000000000000000000000"`
	past, future := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	put := func(key string, in sdk.PutObjectInput) error {
		in.Bucket, in.Key, in.Body = aws.String("versioned"), &key, strings.NewReader("x")
		_, err := d.client.PutObject(t.Context(), &in)
		return err
	}
	get := func(in sdk.GetObjectInput) error {
		in.Bucket, in.Key = aws.String("versioned"), aws.String("there")
		_, err := d.client.GetObject(t.Context(), &in)
		return err
	}
	for _, test := range []struct {
		name string
		err  error
		want string
	}{
		{"create what is there", put("there", sdk.PutObjectInput{IfNoneMatch: aws.String("*")}), "412 PreconditionFailed"},
		{"create what is not there", put("new", sdk.PutObjectInput{IfNoneMatch: aws.String("*")}), "ok"},
		{"create it again", put("new", sdk.PutObjectInput{IfNoneMatch: aws.String("*")}), "412 PreconditionFailed"},
		{"create what was deleted", put("deleted", sdk.PutObjectInput{IfNoneMatch: aws.String("*")}), "ok"},
		{"only * is possible", put("there", sdk.PutObjectInput{IfNoneMatch: &other}), "501 NotImplemented"},
		{"replace this one", put("there", sdk.PutObjectInput{IfMatch: &etag}), "ok"},
		{"replace another", put("there", sdk.PutObjectInput{IfMatch: &other}), "412 PreconditionFailed"},
		{"replace nothing", put("nothing", sdk.PutObjectInput{IfMatch: &etag}), "404 NoSuchKey"},
		{"read this one", get(sdk.GetObjectInput{IfMatch: &etag}), "ok"},
		{"read another", get(sdk.GetObjectInput{IfMatch: &other}), "412 PreconditionFailed"},
		{"read anything but this", get(sdk.GetObjectInput{IfNoneMatch: &etag}), "304 NotModified"},
		{"read anything but another", get(sdk.GetObjectInput{IfNoneMatch: &other}), "ok"},
		{"read newer", get(sdk.GetObjectInput{IfModifiedSince: &future}), "304 NotModified"},
		{"read new", get(sdk.GetObjectInput{IfModifiedSince: &past}), "ok"},
		{"read old", get(sdk.GetObjectInput{IfUnmodifiedSince: &past}), "412 PreconditionFailed"},
		{"the ETag goes before the date", get(sdk.GetObjectInput{IfMatch: &etag, IfUnmodifiedSince: &past}), "ok"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := outcome(test.err); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// The SDK computes the checksums of the good cases, so that ours are compared with another implementation's.
func TestChecksums(t *testing.T) {
	for _, algorithm := range types.ChecksumAlgorithm("").Values() {
		switch algorithm {
		case "CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256":
		default:
			continue // newer than this double, which refuses it by name
		}
		t.Run(string(algorithm), func(t *testing.T) {
			for name, d := range map[string]*double{"header": start(t), "trailer": inProcess(t)} {
				_, err := d.client.PutObject(t.Context(), &sdk.PutObjectInput{
					Bucket: aws.String("plain"), Key: aws.String("k"), Body: bytes.NewReader(bytesOf(100_000)),
					ChecksumAlgorithm: algorithm,
				})
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if got := d.holds(t, "plain", "k"); got != string(bytesOf(100_000)) {
					t.Errorf("%s: stored %d bytes, another content", name, len(got))
				}
				head, err := d.client.HeadObject(t.Context(), &sdk.HeadObjectInput{
					Bucket: aws.String("plain"), Key: aws.String("k"), ChecksumMode: types.ChecksumModeEnabled,
				})
				if err != nil {
					t.Fatal(err)
				}
				sums := map[types.ChecksumAlgorithm]*string{
					"CRC32": head.ChecksumCRC32, "CRC32C": head.ChecksumCRC32C, "CRC64NVME": head.ChecksumCRC64NVME,
					"SHA1": head.ChecksumSHA1, "SHA256": head.ChecksumSHA256,
				}
				if sums[algorithm] == nil || head.ChecksumType != types.ChecksumTypeFullObject {
					t.Errorf("%s: HeadObject does not show the checksum", name)
				}
			}
		})
	}
}

func TestVersions(t *testing.T) {
	d := start(t)
	first := d.put(t, "versioned", "k", "one")
	second := d.put(t, "versioned", "k", "two")
	remove := func(version *string) *sdk.DeleteObjectOutput {
		out, err := d.client.DeleteObject(t.Context(), &sdk.DeleteObjectInput{
			Bucket: aws.String("versioned"), Key: aws.String("k"), VersionId: version,
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	get := func(version *string) string {
		out, err := d.client.GetObject(t.Context(), &sdk.GetObjectInput{
			Bucket: aws.String("versioned"), Key: aws.String("k"), VersionId: version,
		})
		if err != nil {
			return outcome(err)
		}
		body, err := io.ReadAll(out.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	marker := remove(nil)
	if !aws.ToBool(marker.DeleteMarker) || aws.ToString(marker.VersionId) == "" {
		t.Errorf("delete without a version: %+v, want a delete marker", marker)
	}
	unknown := strings.Repeat("x", 32)
	got := map[string]string{
		"current": get(nil), "first": get(&first), "second": get(&second), "marker": get(marker.VersionId),
		"unknown": get(&unknown), "malformed": get(aws.String("?")), "null": get(aws.String("null")),
	}
	want := map[string]string{
		"current": "404 NoSuchKey", "first": "one", "second": "two", "marker": "405 MethodNotAllowed",
		"unknown": "404 NoSuchVersion", "malformed": "400 InvalidArgument", "null": "404 NoSuchVersion",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	type entry struct {
		Version string
		Latest  bool
	}
	list := func() (versions, markers []entry) {
		out, err := d.client.ListObjectVersions(t.Context(), &sdk.ListObjectVersionsInput{Bucket: aws.String("versioned")})
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range out.Versions {
			versions = append(versions, entry{*v.VersionId, *v.IsLatest})
		}
		for _, m := range out.DeleteMarkers {
			markers = append(markers, entry{*m.VersionId, *m.IsLatest})
		}
		return versions, markers
	}
	versions, markers := list()
	if diff := cmp.Diff([]entry{{second, false}, {first, false}}, versions); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]entry{{*marker.VersionId, true}}, markers); diff != "" {
		t.Error(diff)
	}
	if out := remove(marker.VersionId); !aws.ToBool(out.DeleteMarker) {
		t.Error("removing a delete marker does not say so")
	}
	remove(&second)
	remove(&second) // what is gone can be deleted again
	versions, markers = list()
	if diff := cmp.Diff([]entry{{first, true}}, versions); diff != "" || markers != nil {
		t.Error(diff, markers)
	}
	if got := get(nil); got != "one" {
		t.Errorf("after the newer version went, current is %q", got)
	}
}

func TestDeleteObjects(t *testing.T) {
	d := start(t)
	for _, key := range []string{"a", "b", "c + ü"} {
		d.put(t, "plain", key, key)
	}
	out, err := d.client.DeleteObjects(t.Context(), &sdk.DeleteObjectsInput{
		Bucket: aws.String("plain"),
		Delete: &types.Delete{Objects: []types.ObjectIdentifier{
			{Key: aws.String("c + ü")},
			{Key: aws.String("a")},
			{Key: aws.String("never there")},
			{Key: aws.String("b"), VersionId: aws.String("malformed")},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var deleted, refused []string
	for _, o := range out.Deleted {
		deleted = append(deleted, *o.Key)
	}
	for _, e := range out.Errors {
		refused = append(refused, *e.Key+" "+*e.Code)
	}
	if diff := cmp.Diff([]string{"c + ü", "a", "never there"}, deleted); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"b InvalidArgument"}, refused); diff != "" {
		t.Error(diff)
	}
	left, err := d.Keys("plain", "")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"b"}, left); diff != "" {
		t.Error(diff)
	}
}
