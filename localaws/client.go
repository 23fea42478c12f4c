package localaws

import (
	"bytes"
	"cmp"
	"context"
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

// RoundTrip answers a request by the handler. The response is there when the handler flushes, and its body arrives as it
// is written; or it is there whole when the handler has returned. If the handler panics with http.ErrAbortHandler, the
// client sees a broken connection: before the response, or inside its body if the handler flushed a part of it.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	w := &recorder{header: http.Header{}, begun: make(chan struct{})}
	w.more, w.pipe = io.Pipe()
	server := r.Clone(r.Context())
	if server.Body == nil {
		server.Body = http.NoBody
	}
	go w.serve(t.handler, server)
	<-w.begun
	if err := cmp.Or(r.Context().Err(), w.err); err != nil {
		w.more.CloseWithError(err)
		return nil, err
	}
	return w.response(r), nil
}

// recorder is an http.ResponseWriter that keeps the response until it is flushed, and hands on what is written then.
type recorder struct {
	header  http.Header
	sent    http.Header // header as it was when the status was written
	status  int
	body    bytes.Buffer // until it is flushed
	more    *io.PipeReader
	pipe    *io.PipeWriter
	flushed bool
	begun   chan struct{} // closed when the response is there, or err
	err     error
}

// serve lets the handler write the response.
func (w *recorder) serve(handler http.Handler, r *http.Request) {
	defer func() {
		_ = r.Body.Close()
		var err error
		if p := recover(); p == http.ErrAbortHandler { //nolint:errorlint // a panic's value, compared as net/http does
			err = io.ErrUnexpectedEOF
		} else if p != nil {
			panic(p)
		}
		w.pipe.CloseWithError(err)
		if !w.flushed {
			w.err = err
			close(w.begun)
		}
	}()
	handler.ServeHTTP(w, r)
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status, w.sent = status, w.header.Clone()
	}
}

func (w *recorder) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.flushed {
		return w.pipe.Write(p)
	}
	return w.body.Write(p)
}

func (w *recorder) Flush() {
	w.WriteHeader(http.StatusOK)
	if !w.flushed {
		w.flushed = true
		close(w.begun)
	}
}

// response returns the response. Its body ends with the request's context.
func (w *recorder) response(r *http.Request) *http.Response {
	if !w.flushed {
		w.WriteHeader(http.StatusOK)
	}
	ctx := r.Context()
	stop := context.AfterFunc(ctx, func() { w.more.CloseWithError(ctx.Err()) })
	response := &http.Response{
		Status: strconv.Itoa(w.status) + " " + http.StatusText(w.status), StatusCode: w.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, Body: body{io.MultiReader(&w.body, w.more), w.more, stop}, ContentLength: -1, Request: r,
	}
	if length := w.sent.Get("Content-Length"); length != "" {
		if n, err := strconv.ParseInt(length, 10, 64); err == nil {
			response.ContentLength = n
		}
	}
	return response
}

// body is a response's body.
type body struct {
	io.Reader
	pipe *io.PipeReader
	stop func() bool
}

func (b body) Close() error {
	b.stop()
	return b.pipe.Close()
}
