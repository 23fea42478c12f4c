package s3

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"userdrop/localaws/wire"
)

const (
	namespace          = "http://s3.amazonaws.com/doc/2006-03-01/"
	loopback           = "127.0.0.1"
	nullVersion        = "null"
	versionAlphabet    = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._"
	versionLength      = 32
	defaultContentType = "binary/octet-stream"
)

var (
	bucketPattern  = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	versionPattern = regexp.MustCompile(`^[A-Za-z0-9._]{32}$`)
)

var (
	errNoSuchKey = refuse(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
	errMethod    = refuse(http.StatusMethodNotAllowed, "MethodNotAllowed",
		"The specified method is not allowed against this resource.")
	errNoSuchVersion = refuse(http.StatusNotFound, "NoSuchVersion", "The specified version does not exist.")
	errNoSuchUpload  = refuse(http.StatusNotFound, "NoSuchUpload", "The specified multipart upload does not exist. "+
		"The upload ID may be invalid, or the upload may have been aborted or completed.")
)

func refuse(status int, code, format string, args ...any) *wire.Error {
	return &wire.Error{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

// notImplemented is S3's answer to what it does not know, and ours to what we do not.
func notImplemented(what string) error {
	return refuse(http.StatusNotImplemented, "NotImplemented",
		"A header or parameter you provided implies functionality that is not implemented: %s", what)
}

func invalidArgument(name, value string) error {
	e := refuse(http.StatusBadRequest, "InvalidArgument", "Provided %s is not valid", name)
	e.Fields = map[string]any{"ArgumentName": name, "ArgumentValue": value}
	return e
}

func preconditionFailed(condition string) error {
	e := refuse(http.StatusPreconditionFailed, "PreconditionFailed",
		"At least one of the pre-conditions you specified did not hold")
	e.Fields = map[string]any{"Condition": condition}
	return e
}

// values are query parameters by their names in lower case.
type values map[string]string

func (v values) has(name string) bool { _, ok := v[name]; return ok }

// number reads a parameter that counts something, at most and by default 1,000.
func (v values) number(name string) (int, error) {
	if v[name] == "" {
		return 1000, nil
	}
	n, err := strconv.ParseInt(v[name], 10, 32)
	if err != nil || n < 0 {
		return 0, invalidArgument(name, v[name])
	}
	return min(int(n), 1000), nil
}

// call is one request. Its header holds the x-amz- parameters of a presigned URL too.
type call struct {
	*Service
	w           http.ResponseWriter
	r           *http.Request
	header      http.Header
	query       values
	name        string // of the bucket
	key         string
	requestedID string
}

// ServeHTTP answers a request of the REST protocol, path-style or virtual-hosted.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w, r = s.paced(w, r)
	c := &call{Service: s, w: w, r: r, requestedID: cmp.Or(wire.RequestID(r.Context()), s.requestID())}
	c.name, c.key = s.target(r)
	w.Header().Set("Server", "AmazonS3")
	w.Header().Set("X-Amz-Request-Id", c.requestedID)
	if err := c.serve(); err != nil {
		c.fail(err)
	}
}

// target finds bucket and key. The path is taken as it is: "a//b" and "a/../b" are keys.
func (s *Service) target(r *http.Request) (bucket, key string) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	host := cmp.Or(r.Host, r.URL.Host)
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if bucket := s.virtualHost(host); bucket != "" {
		return bucket, path
	}
	bucket, key, _ = strings.Cut(path, "/")
	return bucket, key
}

// virtualHost returns the bucket that a host name names, or "".
func (s *Service) virtualHost(host string) string {
	for _, suffix := range []string{".s3." + s.account.Region + ".amazonaws.com", ".s3.amazonaws.com", ".localhost"} {
		if bucket, ok := strings.CutSuffix(host, suffix); ok && bucketPattern.MatchString(bucket) {
			return bucket
		}
	}
	return ""
}

// OwnHost reports whether a host name is the virtual-hosted name of a bucket that exists.
func (s *Service) OwnHost(name string) bool {
	_, err := s.bucket(s.virtualHost(name))
	return err == nil
}

func (c *call) serve() error {
	if err := c.parse(); err != nil {
		return err
	}
	if owner := c.header.Get("X-Amz-Expected-Bucket-Owner"); owner != "" && owner != c.account.ID {
		return refuse(http.StatusForbidden, "AccessDenied", "Access Denied")
	}
	if len(c.key) > 1024 {
		return refuse(http.StatusBadRequest, "KeyTooLongError", "Your key is too long")
	}
	for _, o := range operations {
		if o.is(c) {
			if err := o.knows(c); err != nil {
				return err
			}
			return o.serve(c)
		}
	}
	if len(c.query) > 0 {
		return notImplemented(c.r.Method + " ?" + strings.Join(slices.Sorted(maps.Keys(c.query)), "&"))
	}
	return errMethod
}

// parse reads query and header. Presigned URLs carry headers in the query.
func (c *call) parse() error {
	query, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil {
		return refuse(http.StatusBadRequest, "InvalidURI", "Couldn't parse the specified URI.")
	}
	c.header, c.query = c.r.Header.Clone(), values{}
	signed := presigned(query)
	signature := map[string]string{}
	for name, all := range query {
		lower := strings.ToLower(name)
		switch {
		case slices.Contains(signed, lower):
			signature[lower] = all[0]
		case signed == nil || !strings.HasPrefix(lower, "x-amz-"):
			c.query[lower] = all[0]
		case strings.HasPrefix(lower, "x-amz-checksum-") || lower == "x-amz-sdk-checksum-algorithm":
			// S3 takes checksums from headers alone: SDKs presign that of an empty body.
		case c.header.Get(name) == "":
			c.header.Set(name, all[0])
		}
	}
	return unexpired(signature)
}

// fail answers an error as S3 does: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html.
func (c *call) fail(err error) {
	e := wire.AsError(err)
	code, status := e.Code, e.Status
	switch code {
	case "AccessDeniedException":
		code, status = "AccessDenied", http.StatusForbidden
	case "InternalFailure":
		code = "InternalError"
	}
	if status == http.StatusNotModified {
		c.w.WriteHeader(status)
		return
	}
	type field struct {
		XMLName xml.Name
		Value   string `xml:",chardata"`
	}
	fields := c.details(e)
	answer := struct {
		XMLName   xml.Name `xml:"Error"`
		Code      string
		Message   string
		Fields    []field
		Resource  string
		RequestID string `xml:"RequestId"`
	}{Code: code, Message: e.Message, Resource: c.r.URL.Path, RequestID: c.requestedID}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		answer.Fields = append(answer.Fields, field{xml.Name{Local: name}, fmt.Sprint(fields[name])})
	}
	c.xml(status, answer)
}

// details are the further members of an error: those that it has, or else what the call named and is not there.
func (c *call) details(e *wire.Error) map[string]any {
	if len(e.Fields) > 0 {
		return e.Fields
	}
	switch e.Code {
	case "NoSuchKey":
		return map[string]any{"Key": c.key}
	case "NoSuchVersion":
		return map[string]any{"Key": c.key, "VersionId": c.query["versionid"]}
	case "NoSuchBucket", "BucketAlreadyOwnedByYou":
		return map[string]any{"BucketName": c.name}
	case "NoSuchUpload":
		return map[string]any{"UploadId": c.query["uploadid"]}
	}
	return nil
}

// answer writes a document with status 200.
func (c *call) answer(document any) error {
	c.xml(http.StatusOK, document)
	return nil
}

func (c *call) xml(status int, document any) {
	c.w.Header().Set("Content-Type", "application/xml")
	c.w.Header().Del("Content-Length")
	c.w.WriteHeader(status)
	if c.r.Method == http.MethodHead {
		return
	}
	text, err := xml.Marshal(document)
	if err != nil {
		panic(err) // a type of ours that XML cannot hold
	}
	_, _ = c.w.Write(append([]byte(xml.Header), text...))
}

// may asks whether the caller may do something with the call's bucket, or with an object in it.
func (c *call) may(action string) error { return c.mayOn(action, c.name, c.key) }

func (c *call) mayOn(action, bucket, key string) error {
	resource := "arn:aws:s3:::" + bucket
	if key != "" {
		resource += "/" + key
	}
	return wire.Authorize(c.r.Context(), action, resource, nil)
}

// origin describes the call to those who read its events.
func (c *call) origin(reason string) origin {
	ip, _, err := net.SplitHostPort(c.r.RemoteAddr)
	if err != nil {
		ip = loopback
	}
	return origin{reason: reason, requestID: c.requestedID, sourceIP: ip}
}
