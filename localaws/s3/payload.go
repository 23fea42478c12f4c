package s3

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"net/http"
	"strconv"
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

// checksumXML stands in the answers and requests that name a checksum.
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

// payload is a request's body, received and verified.
type payload struct {
	content  content
	etag     string
	checksum checksum
}

// receive takes the body in and checks it against each digest that the client sent: Content-MD5,
// x-amz-content-sha256, and a checksum in a header or in the trailer of an aws-chunked body. Without a checksum from
// the client it makes one with the algorithm wanted, if any.
func (c *call) receive(wanted *algorithm) (*payload, error) {
	return c.receiveUpTo(c.MaxOperation, wanted)
}

func (c *call) receiveUpTo(limit int64, wanted *algorithm) (*payload, error) {
	body, length, err := c.body()
	if err != nil {
		return nil, err
	}
	if length > limit {
		return nil, refuse(http.StatusBadRequest, "EntityTooLarge",
			"Your proposed upload exceeds the maximum allowed size")
	}
	sent, inTrailer, err := c.sentChecksum()
	if err != nil {
		return nil, err
	}
	if sent.algorithm != nil {
		wanted = sent.algorithm
	}
	d, sha := newDigest(wanted), sha256.New()
	sums := io.Writer(d)
	claimed := c.header.Get("X-Amz-Content-Sha256")
	signed := claimed != "" && claimed != "UNSIGNED-PAYLOAD" && !strings.HasPrefix(claimed, "STREAMING-")
	if signed {
		sums = io.MultiWriter(d, sha)
	}
	stored, err := c.store(io.TeeReader(body, sums), length)
	if err == nil {
		err = endOf(body)
	}
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, refuse(http.StatusBadRequest, "IncompleteBody",
			"You did not provide the number of bytes specified by the Content-Length HTTP header")
	case err != nil:
		return nil, err
	}
	if inTrailer {
		if sent.value = body.(*chunked).trailer.Get(sent.header()); sent.value == "" {
			return nil, refuse(http.StatusBadRequest, "MalformedTrailerError",
				"The request contained trailing data that was not well-formed or did not conform to our published schema.")
		}
	}
	if signed && !strings.EqualFold(claimed, hex.EncodeToString(sha.Sum(nil))) {
		return nil, refuse(http.StatusBadRequest, "XAmzContentSHA256Mismatch",
			"The provided 'x-amz-content-sha256' header does not match what was computed.")
	}
	if claimed := c.header.Get("Content-Md5"); claimed != "" {
		sum, err := base64.StdEncoding.DecodeString(claimed)
		if err != nil || len(sum) != md5.Size {
			return nil, refuse(http.StatusBadRequest, "InvalidDigest", "The Content-MD5 you specified was invalid.")
		}
		if !bytes.Equal(sum, d.md5.Sum(nil)) {
			return nil, refuse(http.StatusBadRequest, "BadDigest",
				"The Content-MD5 you specified did not match what we received.")
		}
	}
	if sent.algorithm != nil && sent.value != d.checksum().value {
		return nil, refuse(http.StatusBadRequest, "BadDigest",
			"The %s you specified did not match the calculated checksum.", sent.name)
	}
	return &payload{stored, d.etag(), d.checksum()}, nil
}

// receiveXML decodes the body of the operations that take a document.
func (c *call) receiveXML(document any) error {
	const longest = 4 * mebibyte // 10,000 parts with checksums take less than half of it
	p, err := c.receiveUpTo(longest, nil)
	if err != nil {
		return err
	}
	r, err := p.content.open(0, p.content.size())
	if err != nil {
		return err
	}
	defer r.Close()
	if err := xml.NewDecoder(r).Decode(document); err != nil {
		return refuse(http.StatusBadRequest, "MalformedXML",
			"The XML you provided was not well-formed or did not validate against our published schema")
	}
	return nil
}

// sentChecksum is the checksum that the headers carry, or announce for the trailer.
func (c *call) sentChecksum() (sent checksum, inTrailer bool, err error) {
	trailer := c.header.Get("X-Amz-Trailer")
	for _, a := range algorithms {
		value := c.header.Get(a.header())
		announced := strings.EqualFold(trailer, a.header())
		if value == "" && !announced {
			continue
		}
		if sent.algorithm != nil {
			return sent, false, refuse(http.StatusBadRequest, "InvalidRequest",
				"Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		}
		sent, inTrailer = checksum{algorithm: a, value: value}, announced
	}
	if trailer != "" && !inTrailer {
		return sent, false, refuse(http.StatusBadRequest, "InvalidRequest",
			"The value specified in the x-amz-trailer header is not supported")
	}
	if _, isChunked := c.chunking(); inTrailer && !isChunked {
		return sent, false, refuse(http.StatusBadRequest, "InvalidRequest",
			"x-amz-trailer needs an aws-chunked body")
	}
	return sent, inTrailer, nil
}

// chunking is the kind of aws-chunked body that x-amz-content-sha256 announces.
func (c *call) chunking() (kind string, ok bool) {
	return strings.CutPrefix(c.header.Get("X-Amz-Content-Sha256"), "STREAMING-")
}

// body is the request's body without its chunk framing, and how long it says that it is. S3 takes no body of unknown
// length.
func (c *call) body() (io.Reader, int64, error) {
	if kind, ok := c.chunking(); ok {
		switch kind {
		case "UNSIGNED-PAYLOAD-TRAILER", "AWS4-HMAC-SHA256-PAYLOAD", "AWS4-HMAC-SHA256-PAYLOAD-TRAILER":
		default:
			return nil, 0, notImplemented("x-amz-content-sha256: STREAMING-" + kind)
		}
		length, err := strconv.ParseInt(c.header.Get("X-Amz-Decoded-Content-Length"), 10, 64)
		if err != nil || length < 0 {
			return nil, 0, errMissingLength
		}
		return newChunked(c.r.Body), length, nil
	}
	if c.r.ContentLength < 0 {
		if len(c.r.TransferEncoding) > 0 {
			return nil, 0, notImplemented("Transfer-Encoding")
		}
		return nil, 0, errMissingLength
	}
	if c.r.Body == nil {
		return http.NoBody, 0, nil
	}
	return c.r.Body, c.r.ContentLength, nil
}

// endOf reads on to the end, where a trailer may be, and fails when there is more than was announced.
func endOf(r io.Reader) error {
	switch _, err := io.ReadFull(r, make([]byte, 1)); err {
	case io.EOF:
		return nil
	case nil:
		return errIncomplete
	default:
		return err
	}
}

var (
	errMissingLength = refuse(http.StatusLengthRequired, "MissingContentLength",
		"You must provide the Content-Length HTTP header.")
	errIncomplete = refuse(http.StatusBadRequest, "IncompleteBody",
		"The request body does not have the length that it announced")
)

// chunked decodes the framing of aws-chunked bodies, signed or not, see
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html. It does not check signatures.
type chunked struct {
	r       *bufio.Reader
	left    int64 // of the current chunk
	started bool
	done    bool
	trailer http.Header
}

func newChunked(r io.Reader) *chunked {
	return &chunked{r: bufio.NewReader(r), trailer: http.Header{}}
}

func (c *chunked) Read(p []byte) (int, error) {
	if c.done {
		return 0, io.EOF
	}
	if c.left == 0 {
		if err := c.next(); err != nil {
			return 0, err
		}
		if c.done {
			return 0, io.EOF
		}
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// next reads a chunk's head, "<hex size>[;chunk-signature=…]", and after the last chunk, of size 0, the trailer.
func (c *chunked) next() error {
	if c.started {
		if line, err := c.line(); err != nil {
			return err
		} else if line != "" {
			return errMalformedChunk
		}
	}
	c.started = true
	head, err := c.line()
	if err != nil {
		return err
	}
	size, _, _ := strings.Cut(head, ";")
	c.left, err = strconv.ParseInt(size, 16, 64)
	if err != nil || c.left < 0 {
		return errMalformedChunk
	}
	if c.left > 0 {
		return nil
	}
	c.done = true
	for {
		line, err := c.line()
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return nil // some clients leave out the last line end
		}
		if err != nil || line == "" {
			return err
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return errMalformedChunk
		}
		c.trailer.Set(name, strings.TrimSpace(value))
	}
}

func (c *chunked) line() (string, error) {
	line, err := c.r.ReadSlice('\n')
	switch {
	case errors.Is(err, io.EOF):
		return "", io.ErrUnexpectedEOF
	case errors.Is(err, bufio.ErrBufferFull):
		return "", errMalformedChunk
	case err != nil:
		return "", err
	}
	return strings.TrimRight(string(line), "\r\n"), nil
}

var errMalformedChunk = refuse(http.StatusBadRequest, "InvalidRequest", "The aws-chunked body is not well-formed")
