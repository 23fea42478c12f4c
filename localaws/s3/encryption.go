package s3

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"

	"userdrop/localaws/wire"
)

const (
	headerEncryption = "X-Amz-Server-Side-Encryption"
	headerKey        = "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"
)

// encrypt completes what a write says of encryption by the default of its bucket: the method, and for SSE-KMS the key,
// which is that of Amazon S3 (aws/s3) where nobody names another.
func (s *Service) encrypt(b *bucket, kept http.Header) error {
	if kept.Get(headerEncryption) == "" {
		method := b.Encryption
		if method == "" {
			method = "AES256"
		}
		kept.Set(headerEncryption, method)
	}
	switch method := kept.Get(headerEncryption); method {
	case "AES256":
		if kept.Get(headerKey) != "" {
			return refuse(http.StatusBadRequest, "InvalidArgument",
				"Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms")
		}
	case "aws:kms", "aws:kms:dsse":
		kept.Set(headerKey, s.key(b, kept.Get(headerKey)))
	default:
		return refuse(http.StatusBadRequest, "InvalidEncryptionAlgorithmError",
			"The encryption request you specified is not valid: %s", method)
	}
	return nil
}

// key returns the ARN of the KMS key that a write names, or of the bucket's, or of S3's own.
func (s *Service) key(b *bucket, named string) string {
	if named == "" {
		named = b.KMSKey
	}
	switch {
	case named == "" || named == "alias/aws/s3":
		return s.managedKey()
	case strings.HasPrefix(named, "arn:"):
		return named
	case strings.HasPrefix(named, "alias/"):
		return s.account.ARN("kms", named)
	}
	return s.account.ARN("kms", "key/"+named)
}

// managedKey is the ARN of the key aws/s3, whose id always belongs to the same account.
func (s *Service) managedKey() string {
	sum := sha256.Sum256([]byte("aws/s3 " + s.account.ID))
	return s.account.ARN("kms", "key/"+fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16]))
}

// underKMS reports whether an object of that metadata is encrypted with a KMS key, which makes its ETag no MD5.
func underKMS(header http.Header) bool {
	return strings.HasPrefix(header.Get(headerEncryption), "aws:kms")
}

// seal returns the ETag of content that is stored with that metadata: with SSE-KMS it is not the MD5 of the content.
// See https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html.
func (s *Service) seal(header http.Header, etag string) string {
	if !underKMS(header) {
		return etag
	}
	_, parts, multipart := strings.Cut(etag, "-")
	etag = s.account.IDs.Draw("0123456789abcdef", 32)
	if multipart {
		etag += "-" + parts
	}
	return etag
}

// mayUseKey asks whether the caller may use the key of an object with that metadata: S3 uses a customer managed key
// with the caller's permissions. https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
func (c *call) mayUseKey(header http.Header, action string) error {
	key := header.Get(headerKey)
	if !underKMS(header) || key == c.managedKey() {
		return nil
	}
	return wire.AuthorizeKey(c.r.Context(), key, action)
}
