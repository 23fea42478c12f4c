// Package signedurl uploads files to presigned URLs of Amazon S3 without ever showing one: a URL is a credential.
package signedurl

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"userdrop/internal/contract"
)

// Client uploads over HTTP. It follows no redirect: a URL is signed for one host, and a redirect would carry the file
// to another.
type Client struct{ http *http.Client }

// New returns a client that shares the transport of the SDK's clients.
func New(cfg aws.Config) *Client {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	switch c := cfg.HTTPClient.(type) {
	case *awshttp.BuildableClient:
		client.Transport = c.GetTransport()
	case *http.Client:
		client.Transport = c.Transport
	}
	return &Client{client}
}

// Parse reads a URL. ok is false if it is none; an error would show it.
func Parse(address string) (target *url.URL, ok bool) {
	target, err := url.Parse(address)
	return target, err == nil && target.Host != ""
}

// Expires returns when a presigned URL ends: X-Amz-Date plus X-Amz-Expires. A URL that lacks either is taken as good
// for an hour.
func Expires(signed *url.URL) time.Time {
	query := signed.Query()
	date, errDate := time.Parse("20060102T150405Z", query.Get("X-Amz-Date"))
	seconds, errExpires := strconv.Atoi(query.Get("X-Amz-Expires"))
	if errDate != nil || errExpires != nil {
		return time.Now().Add(time.Hour)
	}
	return date.Add(time.Duration(seconds) * time.Second)
}

// Put uploads a file to the upload URL of a Cognito import job and returns S3's error code, empty for success. Faults
// that pass are contract.Unavailable. No error shows the URL.
//
// https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-using-import-tool.html demands the
// header, which the URL signs; S3 takes no chunked body.
func (c *Client) Put(ctx context.Context, target *url.URL, body io.Reader, size int64) (code string, err error) {
	request := (&http.Request{
		Method: http.MethodPut, URL: target, Host: target.Host, ContentLength: size,
		Header: http.Header{"X-Amz-Server-Side-Encryption": {"aws:kms"}},
		Body:   io.NopCloser(body),
	}).WithContext(ctx)
	response, err := c.http.Do(request)
	if err != nil {
		// A url.Error prints the whole URL, token and all: take only its cause.
		if at, ok := errors.AsType[*url.Error](err); ok {
			err = at.Err
		}
		return "", &contract.Error{Name: contract.Unavailable, Err: fmt.Errorf("upload to the import job: %w", err)}
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusOK {
		return "", nil
	}
	code = errorCode(response)
	if passes(response.StatusCode, code) {
		return "", &contract.Error{
			Name: contract.Unavailable, Err: fmt.Errorf("upload to the import job: S3 answered %s", code),
		}
	}
	return code, nil
}

// errorCode reads the code of a refusal alone: its body repeats the signature and the token.
func errorCode(response *http.Response) string {
	var refusal struct {
		Code string `xml:"Code"`
	}
	text, _ := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if xml.Unmarshal(text, &refusal) != nil || refusal.Code == "" {
		return "HTTP" + strconv.Itoa(response.StatusCode)
	}
	return refusal.Code
}

// passes reports whether a refusal is a fault that a retry may not meet again.
func passes(status int, code string) bool {
	broken := code == "RequestTimeout" || code == "IncompleteBody" // our connection, not what it brings
	return broken || status >= http.StatusInternalServerError && status != http.StatusNotImplemented
}
