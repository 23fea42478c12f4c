package s3

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
)

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
		return nil, errTooLarge
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
	errTooLarge = refuse(http.StatusBadRequest, "EntityTooLarge",
		"Your proposed upload exceeds the maximum allowed size")
	errMissingLength = refuse(http.StatusLengthRequired, "MissingContentLength",
		"You must provide the Content-Length HTTP header.")
	errIncomplete = refuse(http.StatusBadRequest, "IncompleteBody",
		"The request body does not have the length that it announced")
)
