package s3_test

import (
	"bytes"
	"crypto/md5"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"
)

// begin starts an upload and returns its id.
func (d *double) begin(t *testing.T, key string, in sdk.CreateMultipartUploadInput) string {
	t.Helper()
	in.Bucket, in.Key = aws.String("versioned"), &key
	out, err := d.client.CreateMultipartUpload(t.Context(), &in)
	if err != nil {
		t.Fatal(err)
	}
	return *out.UploadId
}

func (d *double) uploadPart(t *testing.T, key, id string, number int32, body string) types.CompletedPart {
	t.Helper()
	out, err := d.client.UploadPart(t.Context(), &sdk.UploadPartInput{
		Bucket: aws.String("versioned"), Key: &key, UploadId: &id, PartNumber: &number, Body: strings.NewReader(body),
	})
	if err != nil {
		t.Fatal(err)
	}
	return types.CompletedPart{PartNumber: &number, ETag: out.ETag, ChecksumCRC32: out.ChecksumCRC32}
}

func (d *double) complete(
	t *testing.T, key, id string, in sdk.CompleteMultipartUploadInput, parts ...types.CompletedPart,
) (*sdk.CompleteMultipartUploadOutput, error) {
	in.Bucket, in.Key, in.UploadId = aws.String("versioned"), &key, &id
	in.MultipartUpload = &types.CompletedMultipartUpload{Parts: parts}
	return d.client.CompleteMultipartUpload(t.Context(), &in)
}

func TestMultipart(t *testing.T) {
	d := start(t)
	d.MinPart, d.SpoolAbove = 4, 4 // parts in memory and on disk
	id := d.begin(t, "k", sdk.CreateMultipartUploadInput{ContentType: aws.String("text/csv")})
	two := d.uploadPart(t, "k", id, 7, "efghi")
	d.uploadPart(t, "k", id, 1, "replaced")
	one := d.uploadPart(t, "k", id, 1, "abcd")
	d.uploadPart(t, "k", id, 8, "left out")
	three := d.uploadPart(t, "k", id, 9, "j")

	var listed []string
	pages := sdk.NewListPartsPaginator(d.client, &sdk.ListPartsInput{
		Bucket: aws.String("versioned"), Key: aws.String("k"), UploadId: &id, MaxParts: aws.Int32(3),
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range out.Parts {
			listed = append(listed, fmt.Sprint(*p.PartNumber, " ", *p.Size))
		}
	}
	if diff := cmp.Diff([]string{"1 4", "7 5", "8 8", "9 1"}, listed); diff != "" {
		t.Error(diff)
	}
	uploads, err := d.client.ListMultipartUploads(t.Context(), &sdk.ListMultipartUploadsInput{
		Bucket: aws.String("versioned"), Prefix: aws.String("k"),
	})
	if err != nil || len(uploads.Uploads) != 1 || *uploads.Uploads[0].UploadId != id {
		t.Errorf("uploads %+v, %v", uploads, err)
	}

	out, err := d.complete(t, "k", id, sdk.CompleteMultipartUploadInput{}, one, two, three)
	if err != nil {
		t.Fatal(err)
	}
	sum := md5.New()
	for _, part := range []string{"abcd", "efghi", "j"} {
		one := md5.Sum([]byte(part))
		sum.Write(one[:])
	}
	if want := fmt.Sprintf(`"%x-3"`, sum.Sum(nil)); *out.ETag != want {
		t.Errorf("ETag %s, want %s", *out.ETag, want)
	}
	if got := d.holds(t, "versioned", "k"); got != "abcdefghij" {
		t.Errorf("holds %q", got)
	}
	for _, test := range []struct {
		name string
		in   sdk.GetObjectInput
		want string
	}{
		{"range over parts", sdk.GetObjectInput{Range: aws.String("bytes=3-9")}, "bytes 3-9/10 defghij"},
		{"range in a part", sdk.GetObjectInput{Range: aws.String("bytes=5-6")}, "bytes 5-6/10 fg"},
		{"second part", sdk.GetObjectInput{PartNumber: aws.Int32(2)}, "bytes 4-8/10 efghi"},
		{"fourth part", sdk.GetObjectInput{PartNumber: aws.Int32(4)}, "416 InvalidPartNumber"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.in.Bucket, test.in.Key = aws.String("versioned"), aws.String("k")
			out, err := d.client.GetObject(t.Context(), &test.in)
			got := outcome(err)
			if err == nil {
				body, err := io.ReadAll(out.Body)
				if err != nil {
					t.Fatal(err)
				}
				got = *out.ContentRange + " " + string(body)
			}
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestCompleteRefuses(t *testing.T) {
	d := start(t)
	d.MinPart = 4
	d.put(t, "versioned", "k", "x")
	id := d.begin(t, "k", sdk.CreateMultipartUploadInput{})
	one, two := d.uploadPart(t, "k", id, 1, "abcd"), d.uploadPart(t, "k", id, 2, "efgh")
	small := d.uploadPart(t, "k", id, 3, "i")
	wrong := two
	wrong.ETag = one.ETag
	absent := two
	absent.PartNumber = aws.Int32(5)
	for _, test := range []struct {
		name, id string
		in       sdk.CompleteMultipartUploadInput
		parts    []types.CompletedPart
		want     string
	}{
		{"out of order", id, sdk.CompleteMultipartUploadInput{}, []types.CompletedPart{two, one}, "400 InvalidPartOrder"},
		{"another ETag", id, sdk.CompleteMultipartUploadInput{}, []types.CompletedPart{one, wrong}, "400 InvalidPart"},
		{"never uploaded", id, sdk.CompleteMultipartUploadInput{}, []types.CompletedPart{one, absent}, "400 InvalidPart"},
		{"no parts", id, sdk.CompleteMultipartUploadInput{}, nil, "400 MalformedXML"},
		{
			"too small in the middle", id,
			sdk.CompleteMultipartUploadInput{},
			[]types.CompletedPart{small, func() types.CompletedPart { p := one; p.PartNumber = aws.Int32(4); return p }()},
			"400 EntityTooSmall",
		},
		{
			"key is there", id,
			sdk.CompleteMultipartUploadInput{IfNoneMatch: aws.String("*")},
			[]types.CompletedPart{one, two},
			"412 PreconditionFailed",
		},
		{
			"another size", id,
			sdk.CompleteMultipartUploadInput{MpuObjectSize: aws.Int64(9)},
			[]types.CompletedPart{one, two},
			"400 InvalidRequest",
		},
		{"unknown upload", "x", sdk.CompleteMultipartUploadInput{}, []types.CompletedPart{one}, "404 NoSuchUpload"},
		{"all is well", id, sdk.CompleteMultipartUploadInput{}, []types.CompletedPart{one, two}, "ok"},
		{"twice", id, sdk.CompleteMultipartUploadInput{}, []types.CompletedPart{one, two}, "404 NoSuchUpload"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := d.complete(t, "k", test.id, test.in, test.parts...); outcome(err) != test.want {
				t.Errorf("got %s, want %s", outcome(err), test.want)
			}
		})
	}
}

func TestAbort(t *testing.T) {
	d := start(t)
	id := d.begin(t, "k", sdk.CreateMultipartUploadInput{})
	part := d.uploadPart(t, "k", id, 1, "x")
	abort := func() string {
		_, err := d.client.AbortMultipartUpload(t.Context(), &sdk.AbortMultipartUploadInput{
			Bucket: aws.String("versioned"), Key: aws.String("k"), UploadId: &id,
		})
		return outcome(err)
	}
	got := []string{abort(), abort()}
	_, err := d.complete(t, "k", id, sdk.CompleteMultipartUploadInput{}, part)
	got = append(got, outcome(err))
	if diff := cmp.Diff([]string{"ok", "404 NoSuchUpload", "404 NoSuchUpload"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestUploadPartCopy(t *testing.T) {
	d := start(t)
	d.MinPart, d.MaxOperation = 1, 8
	version := d.put(t, "versioned", "from + ü", "01234567")
	d.put(t, "versioned", "from + ü", "newer")
	if _, err := d.Put("plain", "large", []byte("0123456789")); err != nil {
		t.Fatal(err)
	}
	source := "versioned/from%20%2B%20%C3%BC?versionId=" + version
	for _, test := range []struct{ name, source, bytes, want string }{
		{"whole", source, "", "01234567"},
		{"range", source, "bytes=2-4", "234"},
		{"past the end", source, "bytes=2-8", "400 InvalidArgument"},
		{"open range", source, "bytes=2-", "400 InvalidArgument"},
		{"too large", "plain/large", "", "400 InvalidRequest"},
		{"part of what is too large", "plain/large", "bytes=4-9", "456789"},
		{"missing", "plain/none", "", "404 NoSuchKey"},
	} {
		t.Run(test.name, func(t *testing.T) {
			id := d.begin(t, "to", sdk.CreateMultipartUploadInput{})
			in := &sdk.UploadPartCopyInput{
				Bucket: aws.String("versioned"), Key: aws.String("to"), UploadId: &id, PartNumber: aws.Int32(1),
				CopySource: &test.source,
			}
			if test.bytes != "" {
				in.CopySourceRange = &test.bytes
			}
			out, err := d.client.UploadPartCopy(t.Context(), in)
			got := outcome(err)
			if err == nil {
				part := types.CompletedPart{PartNumber: aws.Int32(1), ETag: out.CopyPartResult.ETag}
				if _, err := d.complete(t, "to", id, sdk.CompleteMultipartUploadInput{}, part); err != nil {
					t.Fatal(err)
				}
				got = d.holds(t, "versioned", "to")
			}
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestMultipartChecksum(t *testing.T) {
	for _, test := range []struct {
		name, want string
		kind       types.ChecksumType
	}{
		// CRC-32 of "abcdefgh", and of the CRC-32s of "abcd" and "efgh" one after the other.
		{"whole object", "ru8qUA==", types.ChecksumTypeFullObject},
		{"of the parts", "BtEzQg==-2", types.ChecksumTypeComposite},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := start(t)
			d.MinPart = 1
			id := d.begin(t, "k", sdk.CreateMultipartUploadInput{
				ChecksumAlgorithm: types.ChecksumAlgorithmCrc32, ChecksumType: test.kind,
			})
			one, two := d.uploadPart(t, "k", id, 1, "abcd"), d.uploadPart(t, "k", id, 2, "efgh")
			out, err := d.complete(t, "k", id, sdk.CompleteMultipartUploadInput{ChecksumType: test.kind}, one, two)
			if err != nil {
				t.Fatal(err)
			}
			if aws.ToString(out.ChecksumCRC32) != test.want || out.ChecksumType != test.kind {
				t.Errorf("got %s %s, want %s %s", aws.ToString(out.ChecksumCRC32), out.ChecksumType, test.want, test.kind)
			}
		})
	}
}

// What the project's own code moves large objects with.
func TestTransferManager(t *testing.T) {
	d := start(t)
	d.SpoolAbove = 1 << 20
	manager := transfermanager.New(d.client)
	want := bytesOf(17 << 20)
	if _, err := manager.UploadObject(t.Context(), &transfermanager.UploadObjectInput{
		Bucket: aws.String("versioned"), Key: aws.String("k"), Body: bytes.NewReader(want),
	}); err != nil {
		t.Fatal(err)
	}
	out, err := manager.GetObject(t.Context(), &transfermanager.GetObjectInput{
		Bucket: aws.String("versioned"), Key: aws.String("k"),
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("%d bytes came back, not the %d sent", len(got), len(want))
	}
}
