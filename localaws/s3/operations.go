package s3

import (
	"maps"
	"slices"
	"strings"
)

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

	{name: "PostObject", method: "POST", on: onBucket, serve: (*call).postObject},

	{
		name: "GetObjectTagging", method: "GET", on: onObject, needs: "tagging", query: "versionid",
		serve: (*call).getObjectTagging,
	},
	{
		name: "PutObjectTagging", method: "PUT", on: onObject, needs: "tagging", query: "versionid", amz: streamed,
		serve: (*call).putObjectTagging,
	},
	{
		name: "DeleteObjectTagging", method: "DELETE", on: onObject, needs: "tagging", query: "versionid",
		serve: (*call).deleteObjectTagging,
	},
	{
		name: "GetObjectAttributes", method: "GET", on: onObject, needs: "attributes", query: "versionid",
		amz: "object-attributes", serve: (*call).getObjectAttributes,
	},
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

// is reports whether the call is this operation.
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

// Operations returns the names of the operations, sorted.
func (s *Service) Operations() []string {
	var names []string
	for _, o := range operations {
		names = append(names, o.name)
	}
	slices.Sort(names)
	return names
}
