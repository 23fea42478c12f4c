package s3

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"userdrop/localaws/wire"
)

// source authorizes a read and finds the version. A caller who may not list the bucket does not learn that a key is
// missing.
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
	err = missing(err, key, versionID)
	if err == nil && !v.marker && c.r.Method != http.MethodHead {
		return v, c.mayUseKey(v.header, wire.Decrypt)
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
		return nil, missing(errNoSuchKey, key, "")
	}
	c.w.Header().Set("Allow", http.MethodDelete)
	c.w.Header().Set("Last-Modified", v.modified.Format(http.TimeFormat))
	return nil, errMethod
}

// missing names the key, and the version if one was asked for, in the refusal of an object that is not there.
func missing(err error, key, versionID string) error {
	e, ok := errors.AsType[*wire.Error](err)
	if !ok || e.Code != "NoSuchKey" && e.Code != "NoSuchVersion" {
		return err
	}
	named := *e
	named.Fields = map[string]any{"Key": key}
	if versionID != "" {
		named.Fields["VersionId"] = versionID
	}
	return &named
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
	if c.query.has("partnumber") && c.header.Get("Range") != "" {
		return whole, refuse(http.StatusBadRequest, "InvalidRequest",
			"Cannot specify both Range header and partNumber query parameter")
	}
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
