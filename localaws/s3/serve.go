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
	"time"

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
	errNoSuchKey     = refuse(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
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

// scope is what a path names.
type scope int

const (
	onService scope = iota
	onBucket
	onObject
)

// operation is a row of the protocol: a request that has the method, the query parameters and the headers that are
// needed is this operation, and may have what is optional too. Names stand in lower case, with spaces between them.
type operation struct {
	name   string
	method string
	on     scope
	needs  string // query parameters
	header string // a header
	query  string // further query parameters
	amz    string // further x-amz- headers, without that prefix
	serve  func(*call) error
}

const (
	byPage   = "prefix delimiter max-keys encoding-type "
	override = "response-cache-control response-content-disposition response-content-encoding " +
		"response-content-language response-content-type response-expires"
	summed    = "checksum-crc32 checksum-crc32c checksum-crc64nvme checksum-sha1 checksum-sha256 "
	streamed  = summed + "decoded-content-length trailer "
	described = "server-side-encryption server-side-encryption-aws-kms-key-id server-side-encryption-context " +
		"server-side-encryption-bucket-key-enabled storage-class tagging website-redirect-location meta- "
	copied = "copy-source copy-source-if-match copy-source-if-none-match copy-source-if-modified-since " +
		"copy-source-if-unmodified-since source-expected-bucket-owner "
	always = "algorithm content-sha256 date expected-bucket-owner sdk-checksum-algorithm security-token user-agent"
)

// operations are tried in this order.
var operations = []operation{
	{name: "ListBuckets", method: "GET", on: onService, serve: (*call).listBuckets},

	{name: "CreateBucket", method: "PUT", on: onBucket, amz: streamed, serve: (*call).createBucket},
	{name: "HeadBucket", method: "HEAD", on: onBucket, serve: (*call).headBucket},
	{name: "GetBucketLocation", method: "GET", on: onBucket, needs: "location", serve: (*call).getBucketLocation},
	{name: "GetBucketVersioning", method: "GET", on: onBucket, needs: "versioning", serve: (*call).getBucketVersioning},
	{
		name: "ListObjectVersions", method: "GET", on: onBucket, needs: "versions",
		query: byPage + "key-marker version-id-marker", serve: (*call).listObjectVersions,
	},
	{
		name: "ListMultipartUploads", method: "GET", on: onBucket, needs: "uploads",
		query: "prefix delimiter max-uploads encoding-type key-marker upload-id-marker", serve: (*call).listMultipartUploads,
	},
	{
		name: "ListObjectsV2", method: "GET", on: onBucket, needs: "list-type",
		query: byPage + "continuation-token start-after fetch-owner", serve: (*call).listObjectsV2,
	},
	{name: "ListObjects", method: "GET", on: onBucket, query: byPage + "marker", serve: (*call).listObjects},
	{name: "DeleteObjects", method: "POST", on: onBucket, needs: "delete", amz: streamed, serve: (*call).deleteObjects},

	{
		name: "UploadPartCopy", method: "PUT", on: onObject, needs: "uploadid partnumber", header: "X-Amz-Copy-Source",
		amz: copied + "copy-source-range", serve: (*call).uploadPartCopy,
	},
	{
		name: "UploadPart", method: "PUT", on: onObject, needs: "uploadid partnumber",
		amz: streamed, serve: (*call).uploadPart,
	},
	{
		name: "CopyObject", method: "PUT", on: onObject, header: "X-Amz-Copy-Source",
		amz: copied + described + "checksum-algorithm metadata-directive tagging-directive", serve: (*call).copyObject,
	},
	{name: "PutObject", method: "PUT", on: onObject, amz: streamed + described, serve: (*call).putObject},
	{
		name: "CreateMultipartUpload", method: "POST", on: onObject, needs: "uploads",
		amz: described + "checksum-algorithm checksum-type", serve: (*call).createMultipartUpload,
	},
	{
		name: "CompleteMultipartUpload", method: "POST", on: onObject, needs: "uploadid",
		amz: summed + "checksum-type mp-object-size", serve: (*call).completeMultipartUpload,
	},
	{name: "AbortMultipartUpload", method: "DELETE", on: onObject, needs: "uploadid", serve: (*call).abortMultipartUpload},
	{
		name: "ListParts", method: "GET", on: onObject, needs: "uploadid",
		query: "max-parts part-number-marker", serve: (*call).listParts,
	},
	{
		name: "GetObject", method: "GET", on: onObject,
		query: "versionid partnumber " + override, amz: "checksum-mode", serve: (*call).getObject,
	},
	{
		name: "HeadObject", method: "HEAD", on: onObject,
		query: "versionid partnumber " + override, amz: "checksum-mode", serve: (*call).getObject,
	},
	{name: "DeleteObject", method: "DELETE", on: onObject, query: "versionid", serve: (*call).deleteObject},
}

// is says whether the call is this operation.
func (o *operation) is(c *call) bool {
	if o.method != c.r.Method || o.on != c.scope() || o.header != "" && c.header.Get(o.header) == "" {
		return false
	}
	for name := range strings.FieldsSeq(o.needs) {
		if !c.query.has(name) {
			return false
		}
	}
	return true
}

// knows refuses parameters and headers that the operation does not know. Others than x-amz- headers change nothing, or
// are HTTP's.
func (o *operation) knows(c *call) error {
	query := strings.Fields(o.needs + " " + o.query + " x-id")
	for _, name := range slices.Sorted(maps.Keys(c.query)) {
		if !slices.Contains(query, name) {
			return notImplemented(c.r.Method + " ?" + name)
		}
	}
	headers := strings.Fields(o.amz + " " + always)
	for _, name := range slices.Sorted(maps.Keys(c.header)) {
		short, isAmz := strings.CutPrefix(strings.ToLower(name), "x-amz-")
		if !isAmz || slices.Contains(headers, short) {
			continue
		}
		if strings.HasPrefix(short, "meta-") && slices.Contains(headers, "meta-") {
			continue
		}
		return notImplemented(strings.ToLower(name))
	}
	return nil
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

func (c *call) scope() scope {
	switch {
	case c.name == "":
		return onService
	case c.key == "":
		return onBucket
	default:
		return onObject
	}
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
	return refuse(http.StatusMethodNotAllowed, "MethodNotAllowed",
		"The specified method is not allowed against this resource.")
}

// parse reads query and header. Presigned URLs carry headers in the query.
func (c *call) parse() error {
	query, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil {
		return refuse(http.StatusBadRequest, "InvalidURI", "Couldn't parse the specified URI.")
	}
	c.header, c.query = c.r.Header.Clone(), values{}
	signature := map[string]string{}
	for name, all := range query {
		lower := strings.ToLower(name)
		switch {
		case !query.Has("X-Amz-Signature") || !strings.HasPrefix(lower, "x-amz-"):
			c.query[lower] = all[0]
		case slices.Contains(presigning, lower):
			signature[lower] = all[0]
		case c.header.Get(name) == "":
			c.header.Set(name, all[0])
		}
	}
	if len(signature) == 0 {
		return nil
	}
	return unexpired(signature)
}

// presigning are the parameters of a presigned URL that are no headers.
var presigning = []string{
	"x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-signedheaders", "x-amz-signature",
}

// unexpired refuses a presigned URL whose time is over, see
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html. The signature is not checked.
func unexpired(signature map[string]string) error {
	signed, err := time.Parse("20060102T150405Z", signature["x-amz-date"])
	if err != nil {
		return refuse(http.StatusBadRequest, "AuthorizationQueryParametersError",
			`X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'"`)
	}
	seconds, err := strconv.Atoi(signature["x-amz-expires"])
	switch {
	case err != nil:
		return refuse(http.StatusBadRequest, "AuthorizationQueryParametersError", "X-Amz-Expires should be a number")
	case seconds < 0:
		return refuse(http.StatusBadRequest, "AuthorizationQueryParametersError", "X-Amz-Expires must be non-negative")
	case seconds > 604800:
		return refuse(http.StatusBadRequest, "AuthorizationQueryParametersError",
			"X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than "+
				"604800 seconds")
	}
	expires, serverTime := signed.Add(time.Duration(seconds)*time.Second), time.Now().UTC()
	if serverTime.Before(expires) {
		return nil
	}
	e := refuse(http.StatusForbidden, "AccessDenied", "Request has expired")
	e.Fields = map[string]any{
		"X-Amz-Expires": seconds,
		"Expires":       expires.Format(time.RFC3339),
		"ServerTime":    serverTime.Format(time.RFC3339),
	}
	return e
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
	answer := struct {
		XMLName   xml.Name `xml:"Error"`
		Code      string
		Message   string
		Fields    []field
		Resource  string
		RequestID string `xml:"RequestId"`
	}{Code: code, Message: e.Message, Resource: c.r.URL.Path, RequestID: c.requestedID}
	for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
		answer.Fields = append(answer.Fields, field{xml.Name{Local: name}, fmt.Sprint(e.Fields[name])})
	}
	c.xml(status, answer)
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

// mayUseKey asks whether the caller may use the bucket's customer managed key, if it has one: S3 uses it with the
// caller's permissions. https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
func (c *call) mayUseKey(b *bucket, action string) error {
	return wire.AuthorizeKey(c.r.Context(), b.KMSKey, action)
}

// origin describes the call to those who read its events.
func (c *call) origin(reason string) origin {
	ip, _, err := net.SplitHostPort(c.r.RemoteAddr)
	if err != nil {
		ip = loopback
	}
	return origin{reason: reason, requestID: c.requestedID, sourceIP: ip}
}
