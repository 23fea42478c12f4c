package s3

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"

	"userdrop/localaws/wire"
)

// copySource reads x-amz-copy-source, "/bucket/key?versionId=id" URL-encoded, and finds that version. Like S3 it takes
// a plus for a space, so that who forgets to encode learns of it here.
func (c *call) copySource() (v *version, bucketName string, versionID string, err error) {
	encoded, versionID, _ := strings.Cut(c.header.Get("X-Amz-Copy-Source"), "?versionId=")
	decoded, err := url.QueryUnescape(encoded)
	bucketName, key, ok := strings.Cut(strings.TrimPrefix(decoded, "/"), "/")
	if err != nil || !ok || key == "" || strings.HasPrefix(bucketName, "arn:") {
		return nil, "", "", invalidArgument("x-amz-copy-source", c.header.Get("X-Amz-Copy-Source"))
	}
	if owner := c.header.Get("X-Amz-Source-Expected-Bucket-Owner"); owner != "" && owner != c.account.ID {
		return nil, "", "", refuse(http.StatusForbidden, "AccessDenied", "Access Denied")
	}
	v, err = c.source(bucketName, key, versionID)
	if err != nil && wire.AsError(err).Code == "MethodNotAllowed" {
		clear(c.w.Header())
		err = refuse(http.StatusBadRequest, "InvalidRequest",
			"The source of a copy request may not specifically refer to a delete marker by version id.")
	}
	if err != nil {
		return nil, "", "", err
	}
	return v, bucketName, versionID, c.unchanged(v, "X-Amz-Copy-Source-")
}

// replaces reads a directive, COPY or REPLACE.
func (c *call) replaces(directive string) (bool, error) {
	switch value := c.header.Get(directive); value {
	case "", "COPY":
		return false, nil
	case "REPLACE":
		return true, nil
	default:
		return false, invalidArgument(strings.ToLower(directive), value)
	}
}

type copyResult struct {
	XMLName      xml.Name
	LastModified timestamp
	ETag         string
	checksumXML
	ChecksumType string `xml:",omitempty"`
}

func (c *call) copyObject() error {
	b, err := c.bucket(c.name)
	if err != nil {
		return err
	}
	if err := c.mayPut(); err != nil {
		return err
	}
	from, fromBucket, fromVersion, err := c.copySource()
	if err != nil {
		return err
	}
	if from.content.size() > c.MaxOperation {
		return errSourceTooLarge(c.MaxOperation)
	}
	v := &version{key: c.key, content: from.content}
	ontoItself := fromBucket == c.name && from.key == c.key && fromVersion == ""
	if err := c.copyMetadata(b, v, from, ontoItself); err != nil {
		return err
	}
	if err := c.mayUseKey(v.header, wire.GenerateDataKey); err != nil {
		return err
	}
	if err := c.copyTagging(v, from, fromBucket, fromVersion); err != nil {
		return err
	}
	if v.etag, v.checksum, err = c.copyDigest(from); err != nil {
		return err
	}
	if err := c.commit(b, v, c.header); err != nil {
		return err
	}
	c.created(b, v, c.origin("CopyObject"))
	c.written(v)
	if from.id != nullVersion {
		c.w.Header().Set("X-Amz-Copy-Source-Version-Id", from.id)
	}
	result := copyResult{
		XMLName: named("CopyObjectResult"), LastModified: timestamp(v.modified), ETag: quote(v.etag),
		checksumXML: v.checksum.xml(),
	}
	if v.checksum.algorithm != nil {
		result.ChecksumType = v.checksum.kind()
	}
	return c.answer(result)
}

func errSourceTooLarge(limit int64) error {
	return refuse(http.StatusBadRequest, "InvalidRequest",
		"The specified copy source is larger than the maximum allowable size for a copy source: %d", limit)
}

// copyMetadata takes the metadata of the source or of the request. How the copy is stored is always the request's. A
// copy onto itself must change something.
func (c *call) copyMetadata(b *bucket, v, from *version, ontoItself bool) error {
	replace, err := c.replaces("X-Amz-Metadata-Directive")
	if err != nil {
		return err
	}
	described := c.header
	if !replace {
		described = from.header
	}
	if v.header, err = metadata(described); err != nil {
		return err
	}
	changes := replace
	for _, name := range storageHeaders {
		changes = changes || c.header.Get(name) != ""
	}
	if ontoItself && !changes {
		return refuse(http.StatusBadRequest, "InvalidRequest",
			"This copy request is illegal because it is trying to copy an object to itself without changing the object's "+
				"metadata, storage class, website redirect location or encryption attributes.")
	}
	return c.describeStorage(b, v.header)
}

// copyTagging takes the tags of the source or of the request. To copy tags needs the permission to read them.
func (c *call) copyTagging(v, from *version, fromBucket, fromVersion string) error {
	replace, err := c.replaces("X-Amz-Tagging-Directive")
	if err != nil {
		return err
	}
	if replace {
		v.tagging, err = c.tagging()
		return err
	}
	if from.tagging == "" {
		return nil
	}
	action := "s3:GetObjectTagging"
	if fromVersion != "" {
		action = "s3:GetObjectVersionTagging"
	}
	if err := c.mayOn(action, fromBucket, from.key); err != nil {
		return err
	}
	v.tagging = from.tagging
	return c.may("s3:PutObjectTagging")
}

// copyDigest is the ETag and the checksum of a copy made in one piece. The content is read only if it came in parts,
// or if another checksum is wanted.
func (c *call) copyDigest(from *version) (etag string, sum checksum, err error) {
	wanted := from.checksum.algorithm
	if name := c.header.Get("X-Amz-Checksum-Algorithm"); name != "" {
		if wanted, err = algorithmNamed(name); err != nil {
			return "", checksum{}, err
		}
	}
	if len(from.parts) == 0 && wanted == from.checksum.algorithm && !underKMS(from.header) {
		return from.etag, from.checksum, nil
	}
	d, err := digestOf(from.content, wanted)
	if err != nil {
		return "", checksum{}, err
	}
	return d.etag(), d.checksum(), nil
}
