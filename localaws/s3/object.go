package s3

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"userdrop/localaws/wire"
)

var (
	systemMetadata = []string{
		"Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Type", "Expires",
	}
	storageHeaders = []string{
		"X-Amz-Server-Side-Encryption", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id",
		"X-Amz-Server-Side-Encryption-Context", "X-Amz-Server-Side-Encryption-Bucket-Key-Enabled",
		"X-Amz-Storage-Class", "X-Amz-Website-Redirect-Location",
	}
	// encryptionHeaders are those that the answers to writes repeat.
	encryptionHeaders = storageHeaders[:4]
)

const metaPrefix = "x-amz-meta-"

// describe reads what a write says about its object.
func (c *call) describe() (http.Header, error) {
	kept, err := metadata(c.header)
	if err != nil {
		return nil, err
	}
	return kept, c.describeStorage(kept)
}

// metadata reads what a copy takes over from its source: system and user metadata, the latter's names in lower case.
func metadata(from http.Header) (http.Header, error) {
	kept := http.Header{}
	for _, name := range systemMetadata {
		if value := from.Get(name); value != "" {
			kept.Set(name, value)
		}
	}
	// "aws-chunked" is how the body came, not what the object holds.
	encoding := strings.TrimSuffix(strings.TrimPrefix(kept.Get("Content-Encoding"), "aws-chunked"), "aws-chunked")
	if encoding = strings.Trim(encoding, ", "); encoding == "" {
		kept.Del("Content-Encoding")
	} else {
		kept.Set("Content-Encoding", encoding)
	}
	if kept.Get("Content-Type") == "" {
		kept.Set("Content-Type", defaultContentType)
	}
	size := 0
	for name, all := range from {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, metaPrefix) {
			kept[lower] = []string{strings.Join(all, ",")}
			size += len(lower) - len(metaPrefix) + len(kept[lower][0])
		}
	}
	if size > 2048 {
		return nil, refuse(http.StatusBadRequest, "MetadataTooLarge",
			"Your metadata headers exceed the maximum allowed metadata size")
	}
	return kept, nil
}

// describeStorage reads how the object is to be stored. S3 encrypts all that says nothing else with AES256.
func (c *call) describeStorage(kept http.Header) error {
	for _, name := range storageHeaders {
		if value := c.header.Get(name); value != "" {
			kept.Set(name, value)
		}
	}
	switch encryption := kept.Get("X-Amz-Server-Side-Encryption"); encryption {
	case "":
		kept.Set("X-Amz-Server-Side-Encryption", "AES256")
	case "AES256", "aws:kms", "aws:kms:dsse":
	default:
		return refuse(http.StatusBadRequest, "InvalidEncryptionAlgorithmError",
			"The encryption request you specified is not valid: %s", encryption)
	}
	switch class := kept.Get("X-Amz-Storage-Class"); class {
	case "STANDARD":
		kept.Del("X-Amz-Storage-Class") // S3 does not show it
	case "", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "REDUCED_REDUNDANCY":
	default:
		return notImplemented("x-amz-storage-class: " + class)
	}
	return nil
}

// tagging reads x-amz-tagging, which needs a permission of its own.
func (c *call) tagging() (string, error) {
	tagging := c.header.Get("X-Amz-Tagging")
	if tagging == "" {
		return "", nil
	}
	if tags, err := url.ParseQuery(tagging); err != nil || len(tags) > 10 {
		return "", refuse(http.StatusBadRequest, "InvalidArgument",
			"The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name "+
				"duplicates, at most 10.")
	}
	return tagging, c.may("s3:PutObjectTagging")
}

// mayPut authorizes a write and its conditions. Only "*" may follow If-None-Match.
func (c *call) mayPut() error {
	if err := c.may("s3:PutObject"); err != nil {
		return err
	}
	if condition := c.header.Get("If-None-Match"); condition != "" && condition != "*" {
		return notImplemented("If-None-Match: " + condition)
	}
	if c.header.Get("If-Match") != "" {
		return c.may("s3:GetObject")
	}
	return nil
}

func (c *call) putObject() error {
	b, err := c.bucket(c.name)
	if err != nil {
		return err
	}
	if err := cmp.Or(c.mayPut(), c.mayUseKey(b, wire.GenerateDataKey)); err != nil {
		return err
	}
	header, err := c.describe()
	if err != nil {
		return err
	}
	tagging, err := c.tagging()
	if err != nil {
		return err
	}
	p, err := c.receive(nil)
	if err != nil {
		return err
	}
	v := &version{
		key: c.key, etag: p.etag, content: p.content, header: header, tagging: tagging, checksum: p.checksum,
	}
	if err := c.commit(b, v, c.header); err != nil {
		return err
	}
	c.created(b, v, c.origin("PutObject"))
	c.written(v)
	c.w.Header().Set("ETag", quote(v.etag))
	c.showChecksum(v.checksum)
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// written sets the headers that answer every kind of write.
func (c *call) written(v *version) {
	c.showVersion(v)
	for _, name := range encryptionHeaders {
		if value := v.header.Get(name); value != "" {
			c.w.Header().Set(name, value)
		}
	}
}

func (c *call) showVersion(v *version) {
	if v.id != nullVersion {
		c.w.Header().Set("X-Amz-Version-Id", v.id)
	}
}

func (c *call) showChecksum(sum checksum) {
	if sum.algorithm != nil {
		c.w.Header().Set(sum.header(), sum.value)
		c.w.Header().Set("X-Amz-Checksum-Type", sum.kind())
	}
}

// source authorizes and finds what is to be read. Who may not list the bucket is not told that a key is missing.
func (c *call) source(bucketName, key, versionID string) (*version, error) {
	b, err := c.bucket(bucketName)
	if err != nil {
		return nil, err
	}
	action := "s3:GetObject"
	if versionID != "" {
		action = "s3:GetObjectVersion"
	}
	if err := c.mayOn(action, bucketName, key); err != nil {
		return nil, err
	}
	v, err := c.find(b, key, versionID)
	if err == nil && !v.marker && c.r.Method != http.MethodHead {
		return v, c.mayUseKey(b, wire.Decrypt)
	}
	if err != nil && wire.AsError(err).Status != http.StatusNotFound || err == nil && !v.marker {
		return v, err
	}
	if err := c.mayOn("s3:ListBucket", bucketName, ""); err != nil {
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	c.showVersion(v)
	c.w.Header().Set("X-Amz-Delete-Marker", "true")
	if versionID == "" {
		return nil, errNoSuchKey
	}
	c.w.Header().Set("Allow", http.MethodDelete)
	c.w.Header().Set("Last-Modified", v.modified.Format(http.TimeFormat))
	return nil, refuse(http.StatusMethodNotAllowed, "MethodNotAllowed",
		"The specified method is not allowed against this resource.")
}

// getObject answers GetObject and HeadObject.
func (c *call) getObject() error {
	v, err := c.source(c.name, c.key, c.query["versionid"])
	if err != nil {
		return err
	}
	h := c.w.Header()
	if err := c.unchanged(v, ""); err != nil {
		h.Set("ETag", quote(v.etag))
		return err
	}
	part, err := c.span(v)
	if err != nil {
		return err
	}
	maps.Copy(h, v.header)
	h.Set("ETag", quote(v.etag))
	h.Set("Last-Modified", v.modified.Format(http.TimeFormat))
	h.Set("Accept-Ranges", "bytes")
	h.Set("Content-Length", strconv.FormatInt(part.length, 10))
	if tags, _ := url.ParseQuery(v.tagging); len(tags) > 0 {
		h.Set("X-Amz-Tagging-Count", strconv.Itoa(len(tags)))
	}
	c.showVersion(v)
	for name, value := range c.query {
		if header, ok := strings.CutPrefix(name, "response-"); ok {
			h.Set(header, value)
		}
	}
	status := http.StatusOK
	if part.partial {
		status = http.StatusPartialContent
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", part.offset, part.offset+part.length-1, v.content.size()))
	} else if strings.EqualFold(c.header.Get("X-Amz-Checksum-Mode"), "ENABLED") {
		c.showChecksum(v.checksum)
	}
	if c.r.Method == http.MethodHead {
		c.w.WriteHeader(status)
		return nil
	}
	r, err := v.content.open(part.offset, part.length)
	if err != nil {
		clear(h)
		return err
	}
	defer r.Close()
	c.w.WriteHeader(status)
	// An error here ends the body short of its Content-Length, which is how the client learns of it.
	_, _ = io.Copy(c.w, r)
	return nil
}

// unchanged checks If-Match and its like, or a copy's x-amz-copy-source-if-match and its like, in the order of RFC
// 9110, section 13.2.2. Copies are refused with 412 where reads are answered with 304.
func (c *call) unchanged(v *version, prefix string) error {
	after := func(name string) (bool, bool) {
		t, err := http.ParseTime(c.header.Get(prefix + name))
		return v.modified.After(t), err == nil
	}
	refused := func(name string) error {
		if prefix != "" {
			return preconditionFailed(prefix + name)
		}
		return &wire.Error{Status: http.StatusNotModified, Code: "NotModified"}
	}
	if etag := c.header.Get(prefix + "If-Match"); etag != "" {
		if !matches(etag, v.etag) {
			return preconditionFailed(prefix + "If-Match")
		}
	} else if changed, given := after("If-Unmodified-Since"); given && changed {
		return preconditionFailed(prefix + "If-Unmodified-Since")
	}
	if etag := c.header.Get(prefix + "If-None-Match"); etag != "" {
		if matches(etag, v.etag) {
			return refused("If-None-Match")
		}
	} else if changed, given := after("If-Modified-Since"); given && !changed {
		return refused("If-Modified-Since")
	}
	return nil
}

func quote(etag string) string { return `"` + etag + `"` }

func matches(condition, etag string) bool {
	return condition == "*" || strings.Trim(condition, `"`) == etag
}

// span is the part of an object that is asked for.
type span struct {
	offset, length int64
	partial        bool
}

// span reads partNumber, or Range. S3 answers with the whole object when Range is malformed or names several ranges.
func (c *call) span(v *version) (span, error) {
	size := v.content.size()
	whole := span{0, size, false}
	if c.query.has("partnumber") {
		return c.part(v)
	}
	first, last, ok := parseRange(c.header.Get("Range"), size)
	if !ok {
		return whole, nil
	}
	if first >= size {
		e := refuse(http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The requested range is not satisfiable")
		e.Fields = map[string]any{"ActualObjectSize": size, "RangeRequested": c.header.Get("Range")}
		return whole, e
	}
	return span{first, min(last, size-1) - first + 1, true}, nil
}

// part finds the bytes of one part of a multipart upload; every other object is one part.
func (c *call) part(v *version) (span, error) {
	parts := v.parts
	if len(parts) == 0 {
		parts = []int64{v.content.size()}
	} else {
		c.w.Header().Set("X-Amz-Mp-Parts-Count", strconv.Itoa(len(parts)))
	}
	number, err := strconv.Atoi(c.query["partnumber"])
	if err != nil || number < 1 || number > maxParts {
		return span{}, invalidArgument("partNumber", c.query["partnumber"])
	}
	if number > len(parts) {
		return span{}, refuse(http.StatusRequestedRangeNotSatisfiable, "InvalidPartNumber",
			"The requested partnumber is not satisfiable")
	}
	p := span{length: parts[number-1], partial: v.content.size() > 0}
	for _, size := range parts[:number-1] {
		p.offset += size
	}
	return p, nil
}

// parseRange reads "bytes=1-2", "bytes=1-" and "bytes=-2". The last byte may be past the end.
func parseRange(s string, size int64) (first, last int64, ok bool) {
	s, ok = strings.CutPrefix(s, "bytes=")
	from, to, dash := strings.Cut(strings.TrimSpace(s), "-")
	if !ok || !dash {
		return 0, 0, false
	}
	var err error
	if from == "" {
		n, err := strconv.ParseUint(to, 10, 63)
		if n == 0 {
			return size, size, err == nil // no last byte is never satisfiable
		}
		return max(0, size-int64(n)), size - 1, err == nil
	}
	unsigned, err := strconv.ParseUint(from, 10, 63)
	if err != nil {
		return 0, 0, false
	}
	if first, last = int64(unsigned), size-1; to == "" {
		return first, last, true
	}
	unsigned, err = strconv.ParseUint(to, 10, 63)
	last = int64(unsigned)
	return first, last, err == nil && first <= last
}

func (c *call) deleteObject() error {
	b, err := c.bucket(c.name)
	if err != nil {
		return err
	}
	d, err := c.delete(b, c.key, c.query["versionid"], c.header.Get("If-Match"), c.origin("DeleteObject"))
	if err != nil {
		return err
	}
	if d.version != "" {
		c.w.Header().Set("X-Amz-Version-Id", d.version)
	}
	if d.marker {
		c.w.Header().Set("X-Amz-Delete-Marker", "true")
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// deletion is what became of a delete: the version removed or the delete marker made, and whether it is one.
type deletion struct {
	version string
	marker  bool
}

// delete authorizes and deletes. Without a version a bucket with versioning gets a delete marker; to delete what is
// not there succeeds.
func (c *call) delete(b *bucket, key, versionID, ifMatch string, o origin) (deletion, error) {
	action := "s3:DeleteObject"
	if versionID != "" {
		action = "s3:DeleteObjectVersion"
	}
	if err := c.mayOn(action, b.Name, key); err != nil {
		return deletion{}, err
	}
	if versionID != "" {
		if _, err := c.find(b, key, versionID); err != nil && wire.AsError(err).Status != http.StatusNotFound {
			return deletion{}, err
		}
	}
	v, sequencer, err := c.deleteNow(b, key, versionID, ifMatch)
	switch {
	case err != nil:
		return deletion{}, err
	case v == nil:
		return deletion{version: versionID}, nil
	case versionID == "" && b.Versioned:
		c.deleted(b, v, o, sequencer, markerCreated)
		return deletion{v.id, true}, nil
	}
	c.deleted(b, v, o, sequencer, permanentlyDeleted)
	return deletion{versionID, v.marker}, nil
}

// deleteNow returns the version removed, the delete marker made, or nil when there was nothing to delete.
func (s *Service) deleteNow(b *bucket, key, versionID, ifMatch string) (*version, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ifMatch != "" {
		if err := b.mayWrite(key, http.Header{"If-Match": {ifMatch}}); err != nil {
			return nil, "", err
		}
	}
	if versionID == "" && b.Versioned {
		const etagOfNothing = "d41d8cd98f00b204e9800998ecf8427e"
		marker := &version{key: key, marker: true, etag: etagOfNothing, content: memory(nil), header: http.Header{}}
		s.append(b, marker)
		return marker, marker.sequencer, nil
	}
	return b.remove(key, cmp.Or(versionID, nullVersion)), s.sequencer(), nil
}

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
	if err := cmp.Or(c.mayPut(), c.mayUseKey(b, wire.GenerateDataKey)); err != nil {
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
	if err := c.copyMetadata(v, from, fromBucket == c.name && from.key == c.key && fromVersion == ""); err != nil {
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
func (c *call) copyMetadata(v, from *version, ontoItself bool) error {
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
	return c.describeStorage(v.header)
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
	if len(from.parts) == 0 && wanted == from.checksum.algorithm {
		return from.etag, from.checksum, nil
	}
	d, err := digestOf(from.content, wanted)
	if err != nil {
		return "", checksum{}, err
	}
	return d.etag(), d.checksum(), nil
}

// timestamp is a time as S3 writes it in XML.
type timestamp time.Time

func (t timestamp) MarshalText() ([]byte, error) {
	return []byte(time.Time(t).Format("2006-01-02T15:04:05.000Z")), nil
}
