package s3

import (
	"net/http"
	"net/url"
	"strings"
)

var (
	systemMetadata = []string{
		"Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Type", "Expires",
	}
	storageHeaders = []string{
		"X-Amz-Server-Side-Encryption", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id",
		"X-Amz-Server-Side-Encryption-Context", "X-Amz-Server-Side-Encryption-Bucket-Key-Enabled",
		"X-Amz-Storage-Class", "X-Amz-Website-Redirect-Location",
	}
	// encryptionHeaders are those that the answers to writes repeat.
	encryptionHeaders = storageHeaders[:4]
)

const metaPrefix = "x-amz-meta-"

// describe reads what a write says about its object.
func (c *call) describe(b *bucket) (http.Header, error) {
	kept, err := metadata(c.header)
	if err != nil {
		return nil, err
	}
	return kept, c.describeStorage(b, kept)
}

// metadata reads what a copy takes over from its source: system and user metadata, the latter's names in lower case.
func metadata(from http.Header) (http.Header, error) {
	kept := http.Header{}
	for _, name := range systemMetadata {
		if value := from.Get(name); value != "" {
			kept.Set(name, value)
		}
	}
	// "aws-chunked" is how the body came, not what the object holds.
	encoding := strings.TrimSuffix(strings.TrimPrefix(kept.Get("Content-Encoding"), "aws-chunked"), "aws-chunked")
	if encoding = strings.Trim(encoding, ", "); encoding == "" {
		kept.Del("Content-Encoding")
	} else {
		kept.Set("Content-Encoding", encoding)
	}
	if kept.Get("Content-Type") == "" {
		kept.Set("Content-Type", defaultContentType)
	}
	size := 0
	for name, all := range from {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, metaPrefix) {
			kept[lower] = []string{strings.Join(all, ",")}
			size += len(lower) - len(metaPrefix) + len(kept[lower][0])
		}
	}
	if size > 2048 {
		return nil, refuse(http.StatusBadRequest, "MetadataTooLarge",
			"Your metadata headers exceed the maximum allowed metadata size")
	}
	return kept, nil
}

// describeStorage reads how the object is to be stored.
func (c *call) describeStorage(b *bucket, kept http.Header) error {
	for _, name := range storageHeaders {
		if value := c.header.Get(name); value != "" {
			kept.Set(name, value)
		}
	}
	if err := c.encrypt(b, kept); err != nil {
		return err
	}
	switch class := kept.Get("X-Amz-Storage-Class"); class {
	case "STANDARD":
		kept.Del("X-Amz-Storage-Class") // S3 does not show it
	case "", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "REDUCED_REDUNDANCY":
	default:
		return notImplemented("x-amz-storage-class: " + class)
	}
	return nil
}

// tagging reads x-amz-tagging, which needs a permission of its own.
func (c *call) tagging() (string, error) {
	tagging := c.header.Get("X-Amz-Tagging")
	if tagging == "" {
		return "", nil
	}
	if tags, err := url.ParseQuery(tagging); err != nil || len(tags) > 10 {
		return "", refuse(http.StatusBadRequest, "InvalidArgument",
			"The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name "+
				"duplicates, at most 10.")
	}
	return tagging, c.may("s3:PutObjectTagging")
}
