package cognito

import (
	"cmp"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"userdrop/localaws/wire"
)

const (
	bucketPrefix = "aws-cognito-idp-user-import-"
	urlLives     = 899 * time.Second // X-Amz-Expires in AWS's samples
	headerSSE    = "X-Amz-Server-Side-Encryption"
	amzDate      = "20060102T150405Z"
)

// airports are the codes in the names of AWS's upload buckets, by Region.
var airports = map[string]string{
	"us-east-1": "iad", "us-east-2": "cmh", "us-west-1": "sfo", "us-west-2": "pdx", "ca-central-1": "yul",
	"sa-east-1": "gru", "eu-west-1": "dub", "eu-west-2": "lhr", "eu-west-3": "cdg", "eu-central-1": "fra",
	"eu-north-1": "arn", "ap-northeast-1": "nrt", "ap-northeast-2": "icn", "ap-south-1": "bom",
	"ap-southeast-1": "sin", "ap-southeast-2": "syd",
}

// IsUpload reports whether a request goes to an upload bucket of import jobs, by its path or by its host.
func IsUpload(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/"+bucketPrefix) || strings.HasPrefix(requestHost(r), bucketPrefix)
}

// OwnHost reports whether a host name is that of the bucket that takes the files of import jobs.
func (s *Service) OwnHost(name string) bool {
	bucket, _, _ := strings.Cut(name, ".")
	return bucket == s.bucket()
}

func requestHost(r *http.Request) string { return cmp.Or(r.Host, r.URL.Host) }

func (s *Service) bucket() string {
	return bucketPrefix + cmp.Or(airports[s.account.Region], strings.ReplaceAll(s.account.Region, "-", ""))
}

func (s *Service) newCredentials() aws.Credentials {
	const (
		key    = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
		secret = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	)
	return aws.Credentials{
		AccessKeyID:     "ASIA" + s.account.IDs.Draw(key, 16),
		SecretAccessKey: s.account.IDs.Draw(secret, 40),
		SessionToken:    "IQoJb3JpZ2luX2Vj" + s.account.IDs.Draw(secret, 320) + "==",
	}
}

// uploadURL is the job's URL as signed at a time. It is a secret: it carries a session token.
func (s *Service) uploadURL(j *job, signed time.Time) (string, error) {
	base := "https://" + s.bucket() + ".s3." + s.account.Region + ".amazonaws.com"
	if s.Endpoint != nil {
		base = strings.TrimSuffix(s.Endpoint(), "/") + "/" + s.bucket()
	}
	r, err := http.NewRequest(http.MethodPut, base+"/"+s.account.ID+"/"+j.UserPoolID+"/"+j.JobID, nil)
	if err != nil {
		return "", err
	}
	r.URL.RawQuery = "X-Amz-Expires=" + strconv.Itoa(int(urlLives.Seconds()))
	r.Header.Set(headerSSE, "aws:kms")
	return s.sign(r, j.credentials, signed)
}

func (s *Service) sign(r *http.Request, credentials aws.Credentials, at time.Time) (string, error) {
	signed, _, err := v4.NewSigner().PresignHTTP(context.Background(), credentials, r, "UNSIGNED-PAYLOAD", "s3",
		s.account.Region, at, func(o *v4.SignerOptions) {
			o.DisableURIPathEscaping = true
			o.DisableHeaderHoisting = true
		})
	return signed, err
}

// Upload is S3's answer to a PUT on an upload URL: it verifies the URL as S3 does, and takes the body as the job's
// file.
func (s *Service) Upload(w http.ResponseWriter, r *http.Request) {
	etag, err := s.upload(r)
	if err != nil {
		answerS3(w, r, wire.AsError(err))
		return
	}
	w.Header().Set("X-Amz-Server-Side-Encryption", "aws:kms")
	w.Header().Set("ETag", etag)
	w.Header().Set("X-Amz-Request-Id", wire.RequestID(r.Context()))
	w.WriteHeader(http.StatusOK)
}

func (s *Service) upload(r *http.Request) (etag string, err error) {
	// A request that comes without a network between has length 0 and a body where a client would send chunks.
	if r.ContentLength < 0 || r.ContentLength == 0 && r.Body != nil && r.Body != http.NoBody {
		return "", &wire.Error{
			Code: "NotImplemented", Status: http.StatusNotImplemented,
			Message: "A header you provided implies functionality that is not implemented",
			Fields:  map[string]any{"Header": "Transfer-Encoding"},
		}
	}
	j, credentials, err := s.uploadTarget(r)
	if err != nil {
		return "", err
	}
	if err := s.verify(r, credentials); err != nil {
		return "", err
	}
	f, err := receive(r.Body, r.ContentLength)
	if err != nil {
		return "", s3Error(http.StatusBadRequest, "IncompleteBody",
			"You did not provide the number of bytes specified by the Content-Length HTTP header")
	}

	defer s.lock()()
	switch {
	case j.file != nil && !s.settings.ReuploadAllowed:
		f.remove()
		return "", s3Error(http.StatusForbidden, "AccessDenied", "Access Denied")
	case s.closed || j.Status != statusCreated && j.Status != statusPending:
		f.remove() // nobody reads it any more
	default:
		if j.file != nil {
			j.file.remove()
		}
		j.file = f
	}
	return fmt.Sprintf("%q", s.account.IDs.Draw("0123456789abcdef", 32)), nil
}

// uploadTarget finds the job that a request's path names.
func (s *Service) uploadTarget(r *http.Request) (*job, aws.Credentials, error) {
	key := strings.TrimPrefix(r.URL.Path, "/"+s.bucket())
	prefix, id := "/"+s.account.ID+"/", key[strings.LastIndex(key, "/")+1:]
	defer s.lock()()
	j := s.jobs[id]
	if j == nil || key != prefix+j.UserPoolID+"/"+j.JobID {
		return nil, aws.Credentials{}, s3Error(http.StatusForbidden, "InvalidAccessKeyId",
			"The AWS Access Key Id you provided does not exist in our records.")
	}
	return j, j.credentials, nil
}

// verify signs the request again, as it came, and compares.
func (s *Service) verify(r *http.Request, credentials aws.Credentials) error {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || query.Get("X-Amz-Signature") == "" {
		return s3Error(http.StatusForbidden, "AccessDenied", "Access Denied")
	}
	signed, err := time.Parse(amzDate, query.Get("X-Amz-Date"))
	lives, convErr := strconv.Atoi(query.Get("X-Amz-Expires"))
	if err != nil || convErr != nil {
		return s3Error(http.StatusForbidden, "AuthorizationQueryParametersError",
			"X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
	}
	if now, end := time.Now(), signed.Add(time.Duration(lives)*time.Second); now.After(end) {
		expired := s3Error(http.StatusForbidden, "AccessDenied", "Request has expired")
		expired.Fields = map[string]any{
			"X-Amz-Expires": lives,
			"Expires":       end.UTC().Format(time.RFC3339), "ServerTime": now.UTC().Format(time.RFC3339),
		}
		return expired
	}

	names := strings.Split(query.Get("X-Amz-SignedHeaders"), ";")
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		lower := strings.ToLower(name)
		if strings.HasPrefix(lower, "x-amz-") && lower != "x-amz-content-sha256" && !slices.Contains(names, lower) {
			unsigned := s3Error(http.StatusForbidden, "AccessDenied",
				"There were headers present in the request which were not signed")
			unsigned.Fields = map[string]any{"HeadersNotSigned": lower}
			return unsigned
		}
	}
	expected, err := s.signedQuery(r, query, names, credentials, signed)
	if err != nil {
		return err
	}
	if expected.Encode() != query.Encode() {
		return mismatch(r, query, names, credentials)
	}
	return nil
}

// signedQuery returns the query that the request's URL has if it is signed as AWS signs it. The signer writes its own
// credential, token and signed headers: a URL in which any of them differs has another query.
func (s *Service) signedQuery(
	r *http.Request, query url.Values, names []string, credentials aws.Credentials, signed time.Time,
) (url.Values, error) {
	again := &http.Request{Method: r.Method, Host: requestHost(r), Header: http.Header{}, URL: &url.URL{
		Scheme: "https", Host: requestHost(r), Path: r.URL.Path, RawPath: r.URL.RawPath,
	}}
	for _, name := range names {
		if values := r.Header.Values(name); name != "host" && len(values) > 0 {
			again.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	unsigned := maps.Clone(query)
	unsigned.Del("X-Amz-Signature")
	again.URL.RawQuery = unsigned.Encode()
	text, err := s.sign(again, credentials, signed)
	if err != nil {
		return nil, err
	}
	expected, err := url.Parse(text)
	if err != nil {
		return nil, err
	}
	return expected.Query(), nil
}

// mismatch is S3's answer to a wrong signature. It shows the canonical request, session token and all: whoever logs it
// leaks the URL.
func mismatch(r *http.Request, query url.Values, names []string, credentials aws.Credentials) error {
	e := s3Error(http.StatusForbidden, "SignatureDoesNotMatch",
		"The request signature we calculated does not match the signature you provided. Check your key and signing method.")
	given := query.Get("X-Amz-Signature")
	unsigned := maps.Clone(query)
	unsigned.Del("X-Amz-Signature")
	canonical := r.Method + "\n" + r.URL.EscapedPath() + "\n" + unsigned.Encode() + "\n"
	for _, name := range names {
		value := r.Header.Get(name)
		if name == "host" {
			value = requestHost(r)
		}
		canonical += name + ":" + value + "\n"
	}
	e.Fields = map[string]any{
		"AWSAccessKeyId": credentials.AccessKeyID, "SignatureProvided": given,
		"CanonicalRequest": canonical + "\n" + strings.Join(names, ";") + "\nUNSIGNED-PAYLOAD",
	}
	return e
}

func s3Error(status int, code, message string) *wire.Error {
	return &wire.Error{Code: code, Message: message, Status: status}
}

// answerS3 writes an error as S3 does, without reading what is left of the body.
func answerS3(w http.ResponseWriter, r *http.Request, e *wire.Error) {
	type element struct {
		XMLName xml.Name
		Text    string `xml:",chardata"`
	}
	name := func(local string) xml.Name { return xml.Name{Local: local} }
	answer := struct {
		XMLName   xml.Name `xml:"Error"`
		Code      string
		Message   string
		Fields    []element
		RequestID string `xml:"RequestId"`
		HostID    string `xml:"HostId"`
	}{Code: e.Code, Message: e.Message, RequestID: wire.RequestID(r.Context()), HostID: "localaws"}
	for _, key := range slices.Sorted(maps.Keys(e.Fields)) {
		answer.Fields = append(answer.Fields, element{XMLName: name(key), Text: fmt.Sprint(e.Fields[key])})
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(max(e.Status, http.StatusBadRequest))
	_, _ = io.WriteString(w, xml.Header)
	_ = xml.NewEncoder(w).Encode(answer)
}
