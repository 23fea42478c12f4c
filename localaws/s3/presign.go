package s3

import (
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// The parameters of presigned URLs that are no headers, in Signature Version 4 and 2.
var (
	presigning = []string{
		"x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-signedheaders", "x-amz-signature",
	}
	presigning2 = []string{"awsaccesskeyid", "expires", "signature"}
)

// presigned returns the parameters of a URL's signature, or nil if it has none.
func presigned(query url.Values) []string {
	switch {
	case query.Has("X-Amz-Signature"):
		return presigning
	case query.Has("AWSAccessKeyId") && query.Has("Signature"):
		return presigning2
	}
	return nil
}

// unexpired refuses a presigned URL that has expired. The signature itself is not checked. See
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html and
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html.
func unexpired(signature map[string]string) error {
	switch {
	case len(signature) == 0:
		return nil
	case signature["signature"] != "":
		seconds, err := strconv.ParseInt(signature["expires"], 10, 64)
		if err != nil {
			return refuse(http.StatusForbidden, "AccessDenied", "Invalid date (should be seconds since epoch): %s",
				signature["expires"])
		}
		return expired(time.Unix(seconds, 0), nil)
	}
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
	return expired(signed.Add(time.Duration(seconds)*time.Second), seconds)
}

// expired returns S3's refusal of a URL that expired, nil before. Lifetime is what the URL says, or nil.
func expired(at time.Time, lifetime any) error {
	now := time.Now()
	if now.Before(at) {
		return nil
	}
	e := refuse(http.StatusForbidden, "AccessDenied", "Request has expired")
	e.Fields = map[string]any{
		"Expires": at.UTC().Format(time.RFC3339), "ServerTime": now.UTC().Format(time.RFC3339),
	}
	if lifetime != nil {
		e.Fields["X-Amz-Expires"] = lifetime
	}
	return e
}
