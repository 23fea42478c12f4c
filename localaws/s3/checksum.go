package s3

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"net/http"
	"strings"
)

// algorithm is one of the checksums that S3 verifies and keeps, see
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html.
type algorithm struct {
	name string // as in x-amz-checksum-algorithm
	new  func() hash.Hash
}

var algorithms = []*algorithm{
	{"CRC32", func() hash.Hash { return crc32.NewIEEE() }},
	{"CRC32C", func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) }},
	{"CRC64NVME", func() hash.Hash { return crc64.New(crc64.MakeTable(0x9a6c9329ac4bc9b5)) }},
	{"SHA1", sha1.New},
	{"SHA256", sha256.New},
}

// crc64NVME is the checksum that S3 computes for an object whose writer sends none.
var crc64NVME = algorithms[2]

func (a *algorithm) header() string { return "X-Amz-Checksum-" + a.name }

func algorithmNamed(name string) (*algorithm, error) {
	for _, a := range algorithms {
		if strings.EqualFold(a.name, name) {
			return a, nil
		}
	}
	return nil, refuse(http.StatusBadRequest, "InvalidRequest",
		"Checksum algorithm provided is unsupported. Please try again with any of the valid types: "+
			"[CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
}

// checksum is a value in base64; that of a multipart upload may be one of its parts' checksums ("…-3").
type checksum struct {
	*algorithm
	value     string
	composite bool
}

// kind is the value of x-amz-checksum-type.
func (c checksum) kind() string {
	if c.composite {
		return "COMPOSITE"
	}
	return "FULL_OBJECT"
}

// checksumXML is the part of answers and requests that names a checksum.
type checksumXML struct {
	ChecksumCRC32     string `xml:",omitempty"`
	ChecksumCRC32C    string `xml:",omitempty"`
	ChecksumCRC64NVME string `xml:",omitempty"`
	ChecksumSHA1      string `xml:",omitempty"`
	ChecksumSHA256    string `xml:",omitempty"`
}

func (x *checksumXML) of(a *algorithm) *string {
	return map[string]*string{
		"CRC32": &x.ChecksumCRC32, "CRC32C": &x.ChecksumCRC32C, "CRC64NVME": &x.ChecksumCRC64NVME,
		"SHA1": &x.ChecksumSHA1, "SHA256": &x.ChecksumSHA256,
	}[a.name]
}

func (c checksum) xml() (x checksumXML) {
	if c.algorithm != nil {
		*x.of(c.algorithm) = c.value
	}
	return x
}

// digest sums content: its MD5 in hex, which is the ETag of what is not multipart, and its checksum if there is an
// algorithm.
type digest struct {
	md5       hash.Hash
	algorithm *algorithm
	sum       hash.Hash
}

func newDigest(a *algorithm) *digest {
	d := &digest{md5: md5.New(), algorithm: a}
	if a != nil {
		d.sum = a.new()
	}
	return d
}

func (d *digest) Write(p []byte) (int, error) {
	d.md5.Write(p)
	if d.sum != nil {
		d.sum.Write(p)
	}
	return len(p), nil
}

func (d *digest) etag() string { return hex.EncodeToString(d.md5.Sum(nil)) }

func (d *digest) checksum() checksum {
	if d.sum == nil {
		return checksum{}
	}
	return checksum{algorithm: d.algorithm, value: base64.StdEncoding.EncodeToString(d.sum.Sum(nil))}
}

// digestOf reads content that is already here.
func digestOf(c content, a *algorithm) (*digest, error) {
	r, err := c.open(0, c.size())
	if err != nil {
		return nil, err
	}
	defer r.Close()
	d := newDigest(a)
	_, err = io.Copy(d, r)
	return d, err
}
