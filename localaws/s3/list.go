package s3

import (
	"encoding/base64"
	"encoding/xml"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"userdrop/localaws/wire"
)

// named is the name of a document's outermost element.
func named(local string) xml.Name { return xml.Name{Space: namespace, Local: local} }

// listing is what the listings have in common.
type listing struct {
	prefix, delimiter string
	after             string // the name after which the page starts
	max               int
	encoded           bool
}

// listing reads the common parameters; after and the limit have different names.
func (c *call) listing(after, limit string) (l listing, err error) {
	switch encoding := c.query["encoding-type"]; encoding {
	case "":
	case "url":
		l.encoded = true
	default:
		return l, invalidArgument("encoding-type", encoding)
	}
	l.prefix, l.delimiter, l.after = c.query["prefix"], c.query["delimiter"], after
	l.max, err = c.query.number(limit)
	return l, err
}

// encodingType is what the answer says.
func (l listing) encodingType() string {
	if l.encoded {
		return "url"
	}
	return ""
}

// text encodes a key or a part of one, if asked to, so that XML can hold it.
func (l listing) text(s string) string {
	if !l.encoded {
		return s
	}
	return strings.ReplaceAll(url.QueryEscape(s), "%2F", "/")
}

// found is a page of a listing.
type found[T any] struct {
	items     []T
	prefixes  []string
	last      string // the key or common prefix at which the page ends
	truncated bool
}

// page takes as many entries as fit. Entries are sorted by key, and begin where the page begins; what has the delimiter
// after the prefix counts once, as a common prefix.
func page[T any](l listing, entries iter.Seq2[string, T]) (f found[T]) {
	if l.max == 0 {
		return f
	}
	for key, item := range entries {
		rest, ok := strings.CutPrefix(key, l.prefix)
		if !ok {
			if key > l.prefix {
				break
			}
			continue
		}
		name, isPrefix := key, false
		if i := strings.Index(rest, l.delimiter); l.delimiter != "" && i >= 0 {
			name, isPrefix = l.prefix+rest[:i+len(l.delimiter)], true
			if name == l.after || name == f.last {
				continue
			}
		}
		if len(f.items)+len(f.prefixes) == l.max {
			f.truncated = true
			break
		}
		if f.last = name; isPrefix {
			f.prefixes = append(f.prefixes, name)
		} else {
			f.items = append(f.items, item)
		}
	}
	return f
}

// from iterates over the keys that can be in the listing, the key l.after included; Service.mu is held.
func (b *bucket) from(l listing) []string {
	at, _ := slices.BinarySearch(b.keys, max(l.after, l.prefix))
	return b.keys[at:]
}

// current iterates over the current versions after l.after; Service.mu is held.
func (b *bucket) current(l listing) iter.Seq2[string, *version] {
	return func(yield func(string, *version) bool) {
		for _, key := range b.from(l) {
			if v := b.latest(key); key != l.after && !v.marker && !yield(key, v) {
				return
			}
		}
	}
}

// versions iterates over all versions, those of a key from the newest. The page starts after l.after, or when
// afterVersion is not empty within that key after that version; Service.mu is held.
func (b *bucket) versions(l listing, afterVersion string) iter.Seq2[string, *version] {
	return func(yield func(string, *version) bool) {
		for _, key := range b.from(l) {
			skip := l.after != "" && key == l.after
			for _, v := range slices.Backward(b.objects[key]) {
				if skip {
					skip = afterVersion == "" || v.id != afterVersion
					continue
				}
				if !yield(key, v) {
					return
				}
			}
		}
	}
}

type ownerXML struct {
	ID string
}

type prefixXML struct {
	Prefix string
}

func (l listing) commonPrefixes(prefixes []string) []prefixXML {
	var all []prefixXML
	for _, p := range prefixes {
		all = append(all, prefixXML{l.text(p)})
	}
	return all
}

type objectXML struct {
	Key               string
	LastModified      timestamp
	ETag              string
	ChecksumAlgorithm string `xml:",omitempty"`
	ChecksumType      string `xml:",omitempty"`
	Size              int64
	StorageClass      string
	Owner             *ownerXML
}

func (l listing) objects(versions []*version, owner *ownerXML) []objectXML {
	var all []objectXML
	for _, v := range versions {
		o := objectXML{
			Key: l.text(v.key), LastModified: timestamp(v.modified), ETag: quote(v.etag), Size: v.content.size(),
			StorageClass: v.storageClass(), Owner: owner,
		}
		if v.checksum.algorithm != nil {
			o.ChecksumAlgorithm, o.ChecksumType = v.checksum.name, v.checksum.kind()
		}
		all = append(all, o)
	}
	return all
}

// mayList authorizes a listing with the condition keys that its request has, see
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html.
func (c *call) mayList(action string) (*bucket, error) {
	b, err := c.bucket(c.name)
	if err != nil {
		return nil, err
	}
	conditions := map[string]string{}
	for _, name := range []string{"prefix", "delimiter", "max-keys"} {
		if c.query.has(name) {
			conditions["s3:"+name] = c.query[name]
		}
	}
	return b, wire.Authorize(c.r.Context(), action, b.arn(), conditions)
}

func (c *call) listObjectsV2() error {
	if c.query["list-type"] != "2" {
		return invalidArgument("list-type", c.query["list-type"])
	}
	b, err := c.mayList("s3:ListBucket")
	if err != nil {
		return err
	}
	after := c.query["start-after"]
	if c.query.has("continuation-token") {
		last, err := base64.URLEncoding.DecodeString(c.query["continuation-token"])
		if err != nil || len(last) == 0 {
			return refuse(http.StatusBadRequest, "InvalidArgument", "The continuation token provided is incorrect")
		}
		after = string(last)
	}
	l, err := c.listing(after, "max-keys")
	if err != nil {
		return err
	}
	f := listed(c.Service, func() found[*version] { return page(l, b.current(l)) })
	var owner *ownerXML
	if c.query["fetch-owner"] == "true" {
		owner = &ownerXML{c.ownerID()}
	}
	var next string
	if f.truncated {
		next = base64.URLEncoding.EncodeToString([]byte(f.last))
	}
	return c.answer(struct {
		XMLName               xml.Name
		Name                  string
		Prefix                string
		Delimiter             string `xml:",omitempty"`
		MaxKeys               int
		EncodingType          string `xml:",omitempty"`
		KeyCount              int
		IsTruncated           bool
		StartAfter            string `xml:",omitempty"`
		ContinuationToken     string `xml:",omitempty"`
		NextContinuationToken string `xml:",omitempty"`
		Contents              []objectXML
		CommonPrefixes        []prefixXML
	}{
		named("ListBucketResult"), b.Name, l.text(l.prefix), l.text(l.delimiter), l.max, l.encodingType(),
		len(f.items) + len(f.prefixes), f.truncated, l.text(c.query["start-after"]), c.query["continuation-token"], next,
		l.objects(f.items, owner), l.commonPrefixes(f.prefixes),
	})
}

// listed makes a page while nothing changes.
func listed[T any](s *Service, list func() found[T]) found[T] {
	s.mu.Lock()
	defer s.mu.Unlock()
	return list()
}

func (c *call) listObjects() error {
	b, err := c.mayList("s3:ListBucket")
	if err != nil {
		return err
	}
	l, err := c.listing(c.query["marker"], "max-keys")
	if err != nil {
		return err
	}
	f := listed(c.Service, func() found[*version] { return page(l, b.current(l)) })
	var next string
	if f.truncated && l.delimiter != "" { // without a delimiter S3 has clients take the last key
		next = f.last
	}
	return c.answer(struct {
		XMLName        xml.Name
		Name           string
		Prefix         string
		Marker         string
		NextMarker     string `xml:",omitempty"`
		Delimiter      string `xml:",omitempty"`
		MaxKeys        int
		EncodingType   string `xml:",omitempty"`
		IsTruncated    bool
		Contents       []objectXML
		CommonPrefixes []prefixXML
	}{
		named("ListBucketResult"), b.Name, l.text(l.prefix), l.text(l.after), l.text(next), l.text(l.delimiter), l.max,
		l.encodingType(), f.truncated, l.objects(f.items, &ownerXML{c.ownerID()}), l.commonPrefixes(f.prefixes),
	})
}

// versionXML is a Version or a DeleteMarker, which come in one order.
type versionXML struct {
	XMLName           xml.Name
	Key               string
	VersionID         string `xml:"VersionId"`
	IsLatest          bool
	LastModified      timestamp
	ETag              string `xml:",omitempty"`
	ChecksumAlgorithm string `xml:",omitempty"`
	ChecksumType      string `xml:",omitempty"`
	Size              *int64
	StorageClass      string `xml:",omitempty"`
	Owner             ownerXML
}

// describeVersion describes a version, or a delete marker.
func (c *call) describeVersion(l listing, v *version, latest bool) versionXML {
	x := versionXML{
		XMLName: xml.Name{Local: "Version"}, Key: l.text(v.key), VersionID: v.id, IsLatest: latest,
		LastModified: timestamp(v.modified), Owner: ownerXML{c.ownerID()},
	}
	if v.marker {
		x.XMLName.Local = "DeleteMarker"
		return x
	}
	o := l.objects([]*version{v}, nil)[0]
	x.ETag, x.Size, x.StorageClass = o.ETag, &o.Size, o.StorageClass
	x.ChecksumAlgorithm, x.ChecksumType = o.ChecksumAlgorithm, o.ChecksumType
	return x
}

func (c *call) listObjectVersions() error {
	b, err := c.mayList("s3:ListBucketVersions")
	if err != nil {
		return err
	}
	keyMarker, versionMarker := c.query["key-marker"], c.query["version-id-marker"]
	if versionMarker != "" && keyMarker == "" {
		return refuse(http.StatusBadRequest, "InvalidArgument",
			"A version-id marker cannot be specified without a key marker.")
	}
	l, err := c.listing(keyMarker, "max-keys")
	if err != nil {
		return err
	}
	var latest []*version
	f := listed(c.Service, func() found[*version] {
		f := page(l, b.versions(l, versionMarker))
		for _, v := range f.items {
			latest = append(latest, b.latest(v.key))
		}
		return f
	})
	var all []versionXML
	for i, v := range f.items {
		all = append(all, c.describeVersion(l, v, v == latest[i]))
	}
	var nextKey, nextVersion string
	if f.truncated {
		nextKey = f.last
		if n := len(f.items); n > 0 && f.items[n-1].key == f.last {
			nextVersion = f.items[n-1].id
		}
	}
	return c.answer(struct {
		XMLName             xml.Name
		Name                string
		Prefix              string
		KeyMarker           string
		VersionIDMarker     string `xml:"VersionIdMarker"`
		NextKeyMarker       string `xml:",omitempty"`
		NextVersionIDMarker string `xml:"NextVersionIdMarker,omitempty"`
		Delimiter           string `xml:",omitempty"`
		MaxKeys             int
		EncodingType        string `xml:",omitempty"`
		IsTruncated         bool
		Versions            []versionXML
		CommonPrefixes      []prefixXML
	}{
		named("ListVersionsResult"), b.Name, l.text(l.prefix), l.text(keyMarker), versionMarker, l.text(nextKey),
		nextVersion, l.text(l.delimiter), l.max, l.encodingType(), f.truncated, all, l.commonPrefixes(f.prefixes),
	})
}
