package s3

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"userdrop/localaws/wire"
)

// maxFields bounds what precedes the file of a form.
const maxFields = 20 << 10

// postObject takes the form of a presigned POST: its fields by their names in lower case, and last the file. See
// https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html. The signature is not checked, the policy is.
func (c *call) postObject() error {
	b, err := c.bucket(c.name)
	if err != nil {
		return err
	}
	form, err := c.r.MultipartReader()
	if err != nil {
		return refuse(http.StatusPreconditionFailed, "PreconditionFailed",
			"Bucket POST must be of the enclosure-type multipart/form-data")
	}
	fields, file, err := readFields(form)
	if err != nil {
		return err
	}
	c.key = strings.ReplaceAll(fields["key"], "${filename}", path.Base(strings.ReplaceAll(file.FileName(), `\`, "/")))
	if c.key == "" || len(c.key) > 1024 {
		return refuse(http.StatusBadRequest, "InvalidArgument", "Bucket POST must contain a field named 'key'.")
	}
	if err := c.postedBy(fields); err != nil {
		return err
	}
	policy, err := readPolicy(fields, c.name)
	if err != nil {
		return err
	}
	for name, value := range fields {
		if slices.Contains(systemMetadata, http.CanonicalHeaderKey(name)) || strings.HasPrefix(name, "x-amz-") {
			c.header.Set(name, value)
		}
	}
	if fields["content-type"] == "" {
		c.header.Del("Content-Type") // that of the form
	}
	v, err := c.postedVersion(b, file, policy)
	if err != nil {
		return err
	}
	if err := c.commit(b, v, http.Header{}); err != nil {
		return err
	}
	c.created(b, v, c.origin("PostObject"))
	c.written(v)
	return c.posted(v, fields)
}

// readFields reads the fields of a form up to its file.
func readFields(form *multipart.Reader) (map[string]string, *multipart.Part, error) {
	fields := map[string]string{}
	for size := 0; ; {
		part, err := form.NextPart()
		if err != nil {
			return nil, nil, refuse(http.StatusBadRequest, "InvalidArgument",
				"POST requires exactly one file upload per request.")
		}
		name := strings.ToLower(part.FormName())
		if name == "file" {
			return fields, part, nil
		}
		value, err := io.ReadAll(io.LimitReader(part, maxFields+1))
		if size += len(name) + len(value); err != nil || size > maxFields {
			return nil, nil, refuse(http.StatusBadRequest, "MaxPostPreDataLengthExceeded",
				"Your POST request fields preceding the upload file were too large.")
		}
		fields[name] = string(value)
	}
}

// postedBy authorizes the holder of the key that signed the form, or the administrator if it is not signed.
func (c *call) postedBy(fields map[string]string) error {
	key, _, _ := strings.Cut(fields["x-amz-credential"], "/")
	if key == "" {
		key = fields["awsaccesskeyid"]
	}
	if key != "" && c.Caller != nil {
		caller, err := c.Caller(key)
		if err != nil {
			return err
		}
		c.r = c.r.WithContext(wire.WithPrincipal(c.r.Context(), caller))
	}
	return c.may("s3:PutObject")
}

func (c *call) postedVersion(b *bucket, file io.Reader, policy *postPolicy) (*version, error) {
	header, err := c.describe(b)
	if err != nil {
		return nil, err
	}
	if err := c.mayUseKey(header, wire.GenerateDataKey); err != nil {
		return nil, err
	}
	d := newDigest(crc64NVME)
	stored, err := c.storeAll(io.TeeReader(file, d), c.MaxOperation)
	if err != nil {
		return nil, err
	}
	if policy != nil {
		if err := policy.length(stored.size()); err != nil {
			return nil, err
		}
	}
	return &version{key: c.key, etag: d.etag(), content: stored, header: header, checksum: d.checksum()}, nil
}

// posted answers as the form asks: a redirect, or the status 200, 201 with a document, or 204.
func (c *call) posted(v *version, fields map[string]string) error {
	h := c.w.Header()
	h.Set("ETag", quote(v.etag))
	location := "/" + c.name + "/" + (&url.URL{Path: c.key}).EscapedPath()
	h.Set("Location", location)
	target := fields["success_action_redirect"]
	if target == "" {
		target = fields["redirect"]
	}
	if u, err := url.Parse(target); target != "" && err == nil {
		query := u.Query()
		query.Set("bucket", c.name)
		query.Set("key", c.key)
		query.Set("etag", quote(v.etag))
		u.RawQuery = query.Encode()
		h.Set("Location", u.String())
		c.w.WriteHeader(http.StatusSeeOther)
		return nil
	}
	switch fields["success_action_status"] {
	case "200":
		c.w.WriteHeader(http.StatusOK)
	case "201":
		c.xml(http.StatusCreated, struct {
			XMLName                     xml.Name `xml:"PostResponse"`
			Location, Bucket, Key, ETag string
		}{Location: location, Bucket: c.name, Key: c.key, ETag: quote(v.etag)})
	default:
		c.w.WriteHeader(http.StatusNoContent)
	}
	return nil
}

// postPolicy is the policy of a form:
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
type postPolicy struct {
	Expiration time.Time
	Conditions []json.RawMessage

	atLeast, atMost int64
}

// readPolicy reads and checks a form's policy. A form without one has no limits.
func readPolicy(fields map[string]string, bucket string) (*postPolicy, error) {
	if fields["policy"] == "" {
		return nil, nil
	}
	invalid := func(why string) error {
		return refuse(http.StatusBadRequest, "InvalidPolicyDocument", "Invalid Policy: %s", why)
	}
	text, err := base64.StdEncoding.DecodeString(fields["policy"])
	if err != nil {
		return nil, invalid("Invalid Base64.")
	}
	p := &postPolicy{atMost: -1}
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(p); err != nil {
		return nil, invalid("Invalid JSON.")
	}
	if !time.Now().Before(p.Expiration) {
		return nil, refuse(http.StatusForbidden, "AccessDenied", "Invalid according to Policy: Policy expired.")
	}
	covered := map[string]bool{}
	for _, raw := range p.Conditions {
		if err := p.check(raw, fields, bucket, covered); err != nil {
			return nil, err
		}
	}
	for name := range fields {
		if !covered[name] && !slices.Contains(uncovered, name) && !strings.HasPrefix(name, "x-ignore-") {
			return nil, refuse(http.StatusForbidden, "AccessDenied", "Invalid according to Policy: Extra input fields: %s", name)
		}
	}
	return p, nil
}

// uncovered are the fields that no condition has to name.
var uncovered = []string{"policy", "x-amz-signature", "awsaccesskeyid", "signature", "file", "bucket"}

// check checks one condition: {"name": "value"}, ["eq" or "starts-with", "$name", "value"], or
// ["content-length-range", least, most].
func (p *postPolicy) check(
	raw json.RawMessage, fields map[string]string, bucket string, covered map[string]bool,
) error {
	failed := refuse(http.StatusForbidden, "AccessDenied", "Invalid according to Policy: Policy Condition failed: %s", raw)
	value := func(name string) string {
		covered[name] = true
		if name == "bucket" {
			return bucket
		}
		return fields[name]
	}
	var exact map[string]string
	if json.Unmarshal(raw, &exact) == nil {
		for name, want := range exact {
			if value(strings.ToLower(name)) != want {
				return failed
			}
		}
		return nil
	}
	var list []any
	if err := json.Unmarshal(raw, &list); err != nil || len(list) != 3 {
		return refuse(http.StatusBadRequest, "InvalidPolicyDocument", "Invalid Policy: Invalid condition: %s", raw)
	}
	operator := strings.ToLower(fmt.Sprint(list[0]))
	if operator == "content-length-range" {
		least, errLeast := whole(list[1])
		most, errMost := whole(list[2])
		p.atLeast, p.atMost = least, most
		return errors.Join(errLeast, errMost)
	}
	name := strings.ToLower(strings.TrimPrefix(fmt.Sprint(list[1]), "$"))
	want := fmt.Sprint(list[2])
	if got := value(name); operator == "eq" && got == want || operator == "starts-with" && strings.HasPrefix(got, want) {
		return nil
	}
	return failed
}

func whole(v any) (int64, error) {
	n, err := strconv.ParseFloat(fmt.Sprint(v), 64)
	if err != nil || n < 0 {
		return 0, refuse(http.StatusBadRequest, "InvalidPolicyDocument", "Invalid Policy: %v is no length", v)
	}
	return int64(n), nil
}

// length checks content-length-range.
func (p *postPolicy) length(size int64) error {
	switch {
	case p.atMost >= 0 && size > p.atMost:
		return errTooLarge
	case size < p.atLeast:
		return refuse(http.StatusBadRequest, "EntityTooSmall",
			"Your proposed upload is smaller than the minimum allowed size")
	}
	return nil
}
