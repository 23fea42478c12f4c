package localaws

import (
	"bytes"
	"io"
	"net/http"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Config returns the AWS configuration of a role of the template, or of the administrator if roleARN is empty, for
// calls without a network.
func (d *Double) Config(roleARN string) aws.Config {
	provider := credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", "secret", "")
	if roleARN != "" {
		c := d.keys.Issue(d.role(roleARN))
		provider = credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken)
	}
	return aws.Config{
		Region: d.Account.Region, Credentials: provider, HTTPClient: d.Client(), BaseEndpoint: aws.String(d.endpoint),
	}
}

// Client returns a client that calls the double without a network.
func (d *Double) Client() *http.Client { return &http.Client{Transport: transport{d}} }

type transport struct{ handler http.Handler }

// RoundTrip answers a request by the handler. If the handler panics with http.ErrAbortHandler, the client sees a broken
// connection: before the answer, or inside its body if the handler flushed a part of it.
func (t transport) RoundTrip(r *http.Request) (response *http.Response, err error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	answer := &recorder{header: http.Header{}}
	defer func() {
		switch p := recover(); {
		case p == nil:
		case p != http.ErrAbortHandler: //nolint:errorlint // a panic's value, compared as net/http does
			panic(p)
		case answer.flushed:
			response, err = answer.response(r, broken{}), nil //nolint:bodyclose // the caller closes it
		default:
			response, err = nil, io.ErrUnexpectedEOF
		}
	}()
	server := r.Clone(r.Context())
	if server.Body == nil {
		server.Body = http.NoBody
	}
	t.handler.ServeHTTP(answer, server)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return answer.response(r, eof{}), nil
}

// recorder is an http.ResponseWriter that keeps the answer.
type recorder struct {
	header  http.Header
	sent    http.Header // header as it was when the status was written
	status  int
	body    bytes.Buffer
	flushed bool
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status, w.sent = status, w.header.Clone()
	}
}

func (w *recorder) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

func (w *recorder) Flush() {
	w.WriteHeader(http.StatusOK)
	w.flushed = true
}

// response returns the answer, whose body ends with more.
func (w *recorder) response(r *http.Request, more io.Reader) *http.Response {
	w.WriteHeader(http.StatusOK)
	response := &http.Response{
		Status: strconv.Itoa(w.status) + " " + http.StatusText(w.status), StatusCode: w.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, Body: io.NopCloser(io.MultiReader(&w.body, more)), ContentLength: -1, Request: r,
	}
	if length := w.sent.Get("Content-Length"); length != "" {
		if n, err := strconv.ParseInt(length, 10, 64); err == nil {
			response.ContentLength = n
		}
	}
	return response
}

// broken is a connection that breaks at the first read.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// eof has nothing to read.
type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }
