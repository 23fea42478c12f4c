package s3

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
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
