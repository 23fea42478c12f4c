package s3

import (
	"cmp"
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"
	"time"

	"userdrop/localaws/wire"
)

const maxParts = 10000

// upload is a multipart upload, see https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html.
// Service.mu guards its parts.
type upload struct {
	key, id   string
	started   time.Time
	header    http.Header
	tagging   string
	algorithm *algorithm // nil when none was asked for
	composite bool
	parts     map[int]part
}

type part struct {
	content  content
	modified time.Time
	etag     string
	checksum checksum
}

func (c *call) createMultipartUpload() error {
	b, err := c.bucket(c.name)
	if err != nil {
		return err
	}
	if err := c.may("s3:PutObject"); err != nil {
		return err
	}
	u := &upload{key: c.key, started: now(), parts: map[int]part{}}
	if u.header, err = c.describe(b); err != nil {
		return err
	}
	if err := c.mayUseKey(u.header, wire.GenerateDataKey); err != nil {
		return err
	}
	if u.tagging, err = c.tagging(); err != nil {
		return err
	}
	if err := c.chooseChecksum(u); err != nil {
		return err
	}
	u.id = c.account.IDs.Draw(versionAlphabet, 64)
	c.mu.Lock()
	b.uploads[u.id] = u
	c.mu.Unlock()
	return c.answer(struct {
		XMLName  xml.Name
		Bucket   string
		Key      string
		UploadID string `xml:"UploadId"`
	}{named("InitiateMultipartUploadResult"), c.name, c.key, u.id})
}

// chooseChecksum reads which checksum the object is to have: of its parts' checksums, or of the whole. CRC64NVME is
// always the latter, SHA always the former.
func (c *call) chooseChecksum(u *upload) (err error) {
	name, kind := c.header.Get("X-Amz-Checksum-Algorithm"), c.header.Get("X-Amz-Checksum-Type")
	if name == "" {
		if kind != "" {
			return refuse(http.StatusBadRequest, "InvalidRequest",
				"The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
		}
		return nil
	}
	if u.algorithm, err = algorithmNamed(name); err != nil {
		return err
	}
	whole := u.algorithm.name == "CRC64NVME"
	switch kind {
	case "":
		u.composite = !whole
	case "COMPOSITE":
		u.composite = true
	case "FULL_OBJECT":
	default:
		return invalidArgument("x-amz-checksum-type", kind)
	}
	if u.composite && whole || !u.composite && strings.HasPrefix(u.algorithm.name, "SHA") {
		return refuse(http.StatusBadRequest, "InvalidRequest", "The %s checksum type cannot be used with the %s "+
			"checksum algorithm.", kind, strings.ToLower(name))
	}
	c.w.Header().Set("X-Amz-Checksum-Algorithm", u.algorithm.name)
	c.w.Header().Set("X-Amz-Checksum-Type", checksum{composite: u.composite}.kind())
	return nil
}

// upload finds the upload that the call names.
func (c *call) upload() (*bucket, *upload, error) {
	b, err := c.bucket(c.name)
	if err != nil {
		return nil, nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if u := b.uploads[c.query["uploadid"]]; u != nil && u.key == c.key {
		return b, u, nil
	}
	return nil, nil, errNoSuchUpload
}

// partTarget authorizes a part and reads where it belongs.
func (c *call) partTarget() (*bucket, *upload, int, error) {
	if err := c.may("s3:PutObject"); err != nil {
		return nil, nil, 0, err
	}
	number, err := strconv.Atoi(c.query["partnumber"])
	if err != nil || number < 1 || number > maxParts {
		return nil, nil, 0, invalidArgument("partNumber", c.query["partnumber"])
	}
	b, u, err := c.upload()
	if err == nil {
		err = c.mayUseKey(u.header, wire.Decrypt) // the upload's data key is there, encrypted
	}
	return b, u, number, err
}

// keepPart adds a part, or replaces it, if the upload is still there.
func (c *call) keepPart(b *bucket, u *upload, number int, p part) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b.uploads[u.id] != u {
		return errNoSuchUpload
	}
	u.parts[number] = p
	return nil
}

func (c *call) uploadPart() error {
	b, u, number, err := c.partTarget()
	if err != nil {
		return err
	}
	p, err := c.receive(cmp.Or(u.algorithm, crc64NVME))
	if err != nil {
		return err
	}
	if u.algorithm != nil && p.checksum.algorithm != u.algorithm {
		return refuse(http.StatusBadRequest, "InvalidRequest",
			"Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s",
			strings.ToLower(u.algorithm.name), strings.ToLower(p.checksum.name))
	}
	p.etag = c.seal(u.header, p.etag)
	if err := c.keepPart(b, u, number, part{p.content, now(), p.etag, p.checksum}); err != nil {
		return err
	}
	c.written(&version{id: nullVersion, header: u.header})
	c.w.Header().Set("ETag", quote(p.etag))
	if p.checksum.algorithm != nil {
		c.w.Header().Set(p.checksum.header(), p.checksum.value)
	}
	c.w.WriteHeader(http.StatusOK)
	return nil
}

func (c *call) uploadPartCopy() error {
	b, u, number, err := c.partTarget()
	if err != nil {
		return err
	}
	from, _, _, err := c.copySource()
	if err != nil {
		return err
	}
	taken := section{from.content, 0, from.content.size()}
	if asked := c.header.Get("X-Amz-Copy-Source-Range"); asked != "" {
		first, last, ok := parseRange(asked, taken.length)
		if !ok || strings.HasPrefix(asked, "bytes=-") || strings.HasSuffix(asked, "-") {
			return refuse(http.StatusBadRequest, "InvalidArgument", "The x-amz-copy-source-range value must be of the form "+
				"bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy")
		}
		if last >= taken.length {
			return refuse(http.StatusBadRequest, "InvalidArgument", "Range specified is not valid for source object of "+
				"size: %d", taken.length)
		}
		taken.offset, taken.length = first, last-first+1
	}
	if taken.length > c.MaxOperation {
		return errSourceTooLarge(c.MaxOperation)
	}
	d, err := digestOf(taken, u.algorithm)
	if err != nil {
		return err
	}
	p := part{taken, now(), c.seal(u.header, d.etag()), d.checksum()}
	if err := c.keepPart(b, u, number, p); err != nil {
		return err
	}
	c.written(&version{id: nullVersion, header: u.header})
	if from.id != nullVersion {
		c.w.Header().Set("X-Amz-Copy-Source-Version-Id", from.id)
	}
	return c.answer(copyResult{
		XMLName: named("CopyPartResult"), LastModified: timestamp(p.modified), ETag: quote(p.etag),
		checksumXML: p.checksum.xml(),
	})
}

// partXML names a part in a completion and in ListParts.
type partXML struct {
	PartNumber   int
	LastModified *timestamp
	ETag         string
	Size         *int64
	checksumXML
}

func (c *call) abortMultipartUpload() error {
	if err := c.may("s3:AbortMultipartUpload"); err != nil {
		return err
	}
	b, u, err := c.upload()
	if err != nil {
		return err
	}
	c.mu.Lock()
	delete(b.uploads, u.id)
	c.mu.Unlock()
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}
