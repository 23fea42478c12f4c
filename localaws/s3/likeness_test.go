package s3_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash/crc64"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"userdrop/localaws/s3"
	"userdrop/localaws/wire"
)

// TestChecksumInQueryIsIgnored: the SDK for JavaScript presigns the CRC32 of an empty body.
func TestChecksumInQueryIsIgnored(t *testing.T) {
	d := start(t)
	put, err := sdk.NewPresignClient(d.client).PresignPutObject(t.Context(), &sdk.PutObjectInput{
		Bucket: aws.String("plain"), Key: aws.String("k"),
	})
	if err != nil {
		t.Fatal(err)
	}
	_, query, _ := strings.Cut(put.URL, "?")
	code, answer := d.do(t, "PUT", "/plain/k?x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32&"+query,
		nil, strings.NewReader("text"))
	if code != http.StatusOK || d.holds(t, "plain", "k") != "text" {
		t.Errorf("%d %s", code, answer)
	}
}

// TestSignatureVersion2: "aws s3 presign" and boto3 make such URLs for us-east-1.
func TestSignatureVersion2(t *testing.T) {
	d := start(t)
	url := func(expires time.Time) string {
		return fmt.Sprintf("/plain/k?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=c2lnbmF0dXJl%%3D&Expires=%d"+
			"&x-amz-security-token=token", expires.Unix())
	}
	for _, c := range []struct {
		name, method string
		expires      time.Time
		code         int
		answer       string
	}{
		{"put", "PUT", time.Now().Add(time.Hour), 200, ""},
		{"get", "GET", time.Now().Add(time.Hour), 200, "text"},
		{"expired", "GET", time.Now().Add(-time.Second), 403, "Request has expired"},
	} {
		code, answer := d.do(t, c.method, url(c.expires), nil, strings.NewReader("text"))
		if code != c.code || !strings.Contains(answer, c.answer) {
			t.Errorf("%s: %d %s", c.name, code, answer)
		}
	}
}

func TestPresignedPost(t *testing.T) {
	d := start(t)
	d.Caller = func(id string) (wire.Principal, error) {
		if id != "AKID" {
			return nil, wire.Errorf("InvalidAccessKeyId", "%s", id)
		}
		return nil, nil
	}
	presigned, err := sdk.NewPresignClient(d.client).PresignPostObject(t.Context(), &sdk.PutObjectInput{
		Bucket: aws.String("plain"), Key: aws.String("in/${filename}"),
	}, func(o *sdk.PresignPostOptions) {
		o.Conditions = []any{
			[]any{"content-length-range", 1, 10},
			[]any{"starts-with", "$Content-Type", "text/"},
			map[string]string{"success_action_status": "201"},
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, body string
		change     map[string]string
		code       int
		answer     string
	}{
		{"as signed", "text", nil, 201, "<Key>in/users.csv</Key>"},
		{"too long", "more than ten", nil, 400, "<Code>EntityTooLarge<"},
		{"too short", "", nil, 400, "<Code>EntityTooSmall<"},
		{"another key", "text", map[string]string{"key": "out"}, 403, "Policy Condition failed"},
		{"another type", "text", map[string]string{"Content-Type": "image/png"}, 403, "Policy Condition failed"},
		{"an extra field", "text", map[string]string{"x-amz-meta-a": "b"}, 403, "Extra input fields: x-amz-meta-a"},
		{"an unknown key id", "text", map[string]string{
			"X-Amz-Credential": "AKIAX/20260101/us-east-1/s3/aws4_request",
		}, 400, "InvalidAccessKeyId"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fields := map[string]string{"success_action_status": "201", "Content-Type": "text/csv"}
			maps.Copy(fields, presigned.Values)
			maps.Copy(fields, c.change)
			var form bytes.Buffer
			w := multipart.NewWriter(&form)
			for name, value := range fields {
				if err := w.WriteField(name, value); err != nil {
					t.Fatal(err)
				}
			}
			file, err := w.CreateFormFile("file", "users.csv")
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(file, c.body)
			_ = w.Close()
			code, answer := d.do(t, "POST", "/plain", http.Header{"Content-Type": {w.FormDataContentType()}}, &form)
			if code != c.code || !strings.Contains(answer, c.answer) {
				t.Errorf("%d %s", code, answer)
			}
		})
	}
	got, err := d.client.GetObject(t.Context(), &sdk.GetObjectInput{
		Bucket: aws.String("plain"), Key: aws.String("in/users.csv"),
	})
	if err != nil || *got.ContentType != "text/csv" {
		t.Errorf("%v %+v", err, got)
	}
}

func TestKMS(t *testing.T) {
	d := start(t)
	const key = "arn:aws:kms:eu-central-1:111122223333:key/own"
	if err := d.CreateBucket(s3.Bucket{Name: "secret", Encryption: "aws:kms", KMSKey: key}); err != nil {
		t.Fatal(err)
	}
	sum := md5.Sum([]byte("x"))
	for _, c := range []struct {
		name string
		in   sdk.PutObjectInput
		key  string // "managed" for that of S3
	}{
		{"the bucket's default", sdk.PutObjectInput{Bucket: aws.String("secret")}, key},
		{
			"asked for", sdk.PutObjectInput{
				Bucket: aws.String("plain"), ServerSideEncryption: types.ServerSideEncryptionAwsKms,
			}, "managed",
		},
		{
			"with a key id", sdk.PutObjectInput{
				Bucket: aws.String("plain"), ServerSideEncryption: types.ServerSideEncryptionAwsKms,
				SSEKMSKeyId: aws.String("other"),
			}, "arn:aws:kms:eu-central-1:111122223333:key/other",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.in.Key, c.in.Body = aws.String("k"), strings.NewReader("x")
			put, err := d.client.PutObject(t.Context(), &c.in)
			if err != nil {
				t.Fatal(err)
			}
			head, err := d.client.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: c.in.Bucket, Key: c.in.Key})
			if err != nil {
				t.Fatal(err)
			}
			id := aws.ToString(head.SSEKMSKeyId)
			if id != c.key && (c.key != "managed" || !strings.HasPrefix(id, "arn:aws:kms:eu-central-1:111122223333:key/")) ||
				id != aws.ToString(put.SSEKMSKeyId) {
				t.Errorf("key %s", id)
			}
			if *head.ETag == `"`+hex.EncodeToString(sum[:])+`"` || *head.ETag != *put.ETag || len(*head.ETag) != 34 {
				t.Errorf("ETag %s", *head.ETag)
			}
		})
	}
	copied, err := d.client.CopyObject(t.Context(), &sdk.CopyObjectInput{
		Bucket: aws.String("versioned"), Key: aws.String("k"), CopySource: aws.String("secret/k"),
	})
	if err != nil || *copied.CopyObjectResult.ETag != `"`+hex.EncodeToString(sum[:])+`"` {
		t.Errorf("a copy that is not under KMS: %v, ETag %s", err, *copied.CopyObjectResult.ETag)
	}
}

func TestDefaultChecksum(t *testing.T) {
	d := start(t)
	whole := func(text string) string {
		sum := crc64.Checksum([]byte(text), crc64.MakeTable(0x9a6c9329ac4bc9b5))
		var b []byte
		for shift := 56; shift >= 0; shift -= 8 {
			b = append(b, byte(sum>>shift))
		}
		return base64.StdEncoding.EncodeToString(b)
	}
	if code, answer := d.do(t, "PUT", "/plain/k", nil, strings.NewReader("text")); code != 200 {
		t.Fatal(code, answer)
	}
	got, err := d.client.GetObjectAttributes(t.Context(), &sdk.GetObjectAttributesInput{
		Bucket: aws.String("plain"), Key: aws.String("k"), ObjectAttributes: []types.ObjectAttributes{
			types.ObjectAttributesEtag, types.ObjectAttributesChecksum, types.ObjectAttributesObjectSize,
			types.ObjectAttributesStorageClass,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	sum := md5.Sum([]byte("text"))
	type attributes struct {
		ETag, CRC64NVME, Type, Class string
		Size                         int64
	}
	want := attributes{hex.EncodeToString(sum[:]), whole("text"), "FULL_OBJECT", "STANDARD", 4}
	if diff := cmp.Diff(want, attributes{
		*got.ETag, aws.ToString(got.Checksum.ChecksumCRC64NVME), string(got.Checksum.ChecksumType),
		string(got.StorageClass), *got.ObjectSize,
	}); diff != "" {
		t.Error("(-want +got):\n" + diff)
	}
	if _, err := d.Put("plain", "direct", []byte("text")); err != nil {
		t.Fatal(err)
	}
	head, err := d.client.HeadObject(t.Context(), &sdk.HeadObjectInput{
		Bucket: aws.String("plain"), Key: aws.String("direct"), ChecksumMode: types.ChecksumModeEnabled,
	})
	if err != nil || aws.ToString(head.ChecksumCRC64NVME) != whole("text") {
		t.Errorf("%v, CRC64NVME %v", err, head.ChecksumCRC64NVME)
	}
}

func TestObjectTagging(t *testing.T) {
	d := start(t)
	version := d.put(t, "versioned", "k", "x")
	d.put(t, "versioned", "k", "y")
	tags := func(version *string) string {
		out, err := d.client.GetObjectTagging(t.Context(), &sdk.GetObjectTaggingInput{
			Bucket: aws.String("versioned"), Key: aws.String("k"), VersionId: version,
		})
		if err != nil {
			return outcome(err)
		}
		var text []string
		for _, tag := range out.TagSet {
			text = append(text, *tag.Key+"="+*tag.Value)
		}
		return strings.Join(text, "&")
	}
	put := func(version *string, set ...string) string {
		var list []types.Tag
		for _, pair := range set {
			key, value, _ := strings.Cut(pair, "=")
			list = append(list, types.Tag{Key: &key, Value: &value})
		}
		_, err := d.client.PutObjectTagging(t.Context(), &sdk.PutObjectTaggingInput{
			Bucket: aws.String("versioned"), Key: aws.String("k"), VersionId: version, Tagging: &types.Tagging{TagSet: list},
		})
		return outcome(err)
	}
	many := []string{}
	for i := range 11 {
		many = append(many, fmt.Sprintf("k%d=v", i))
	}
	for _, c := range []struct{ name, want, got string }{
		{"none", "", tags(nil)},
		{"put", "ok", put(nil, "b=2", "a=1")},
		{"got", "a=1&b=2", tags(nil)},
		{"the old version has none", "", tags(&version)},
		{"put on the old version", "ok", put(&version, "c=3")},
		{"got from it", "c=3", tags(&version)},
		{"eleven", "400 BadRequest", put(nil, many...)},
		{"twice the same key", "400 InvalidTag", put(nil, "a=1", "a=2")},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", c.name, c.got, c.want)
		}
	}
	_, err := d.client.DeleteObjectTagging(t.Context(), &sdk.DeleteObjectTaggingInput{
		Bucket: aws.String("versioned"), Key: aws.String("k"),
	})
	if err != nil || tags(nil) != "" || d.holds(t, "versioned", "k") != "y" {
		t.Errorf("after deleting: %v, tags %q", err, tags(nil))
	}
	var told []string
	for _, e := range d.events {
		if strings.HasPrefix(e.DetailType, "Object Tags") {
			told = append(told, e.DetailType)
		}
	}
	if diff := cmp.Diff([]string{"Object Tags Added", "Object Tags Added", "Object Tags Deleted"}, told); diff != "" {
		t.Error("events (-want +got):\n" + diff)
	}
}

func TestSmallLikenesses(t *testing.T) {
	d := start(t)
	d.put(t, "plain", "k", "x")
	if code, answer := d.do(t, "GET", "/plain/k?partNumber=1", http.Header{"Range": {"bytes=0-0"}}, nil); code != 400 ||
		!strings.Contains(answer, "Cannot specify both Range header and partNumber query parameter") {
		t.Errorf("part and range: %d %s", code, answer)
	}
	if code, answer := d.do(t, "GET", "/plain/not+there", nil, nil); code != 404 ||
		!strings.Contains(answer, "<Key>not+there</Key>") {
		t.Errorf("NoSuchKey: %d %s", code, answer)
	}
	_, err := d.client.CopyObject(t.Context(), &sdk.CopyObjectInput{
		Bucket: aws.String("plain"), Key: aws.String("to"), CopySource: aws.String("plain/from"),
	})
	if outcome(err) != "404 NoSuchKey" {
		t.Errorf("copy of nothing: %v", err)
	}
}

func TestCreateBucketAgain(t *testing.T) {
	for region, want := range map[string]string{"us-east-1": "ok", "eu-central-1": "409 BucketAlreadyOwnedByYou"} {
		t.Run(region, func(t *testing.T) {
			account := &wire.Account{ID: "111122223333", Region: region, IDs: wire.NewIDs(1)}
			service := s3.New(account, nil)
			client := newClient("https://s3."+region+".amazonaws.com", false, &http.Client{Transport: roundTripper{service}})
			create := func() error {
				in := &sdk.CreateBucketInput{Bucket: aws.String("mine")}
				if region != "us-east-1" {
					in.CreateBucketConfiguration = &types.CreateBucketConfiguration{
						LocationConstraint: types.BucketLocationConstraint(region),
					}
				}
				_, err := client.CreateBucket(context.Background(), in, func(o *sdk.Options) { o.Region = region })
				return err
			}
			if err := create(); err != nil {
				t.Fatal(err)
			}
			if got := outcome(create()); got != want {
				t.Errorf("again: %s, want %s", got, want)
			}
		})
	}
}
