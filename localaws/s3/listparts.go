package s3

import (
	"cmp"
	"encoding/xml"
	"iter"
	"maps"
	"slices"
	"strconv"
)

func (c *call) listParts() error {
	if err := c.may("s3:ListMultipartUploadParts"); err != nil {
		return err
	}
	_, u, err := c.upload()
	if err != nil {
		return err
	}
	limit, err := c.query.number("max-parts")
	if err != nil {
		return err
	}
	marker, err := strconv.Atoi(cmp.Or(c.query["part-number-marker"], "0"))
	if err != nil || marker < 0 {
		return invalidArgument("part-number-marker", c.query["part-number-marker"])
	}
	answer := struct {
		XMLName              xml.Name
		Bucket               string
		Key                  string
		UploadID             string `xml:"UploadId"`
		Initiator            ownerXML
		Owner                ownerXML
		StorageClass         string
		ChecksumAlgorithm    string `xml:",omitempty"`
		ChecksumType         string `xml:",omitempty"`
		PartNumberMarker     int
		NextPartNumberMarker int
		MaxParts             int
		IsTruncated          bool
		Parts                []partXML `xml:"Part"`
	}{
		XMLName: named("ListPartsResult"), Bucket: c.name, Key: c.key, UploadID: u.id,
		Initiator: ownerXML{c.ownerID()}, Owner: ownerXML{c.ownerID()}, PartNumberMarker: marker, MaxParts: limit,
		StorageClass: (&version{header: u.header}).storageClass(),
	}
	if u.algorithm != nil {
		answer.ChecksumAlgorithm = u.algorithm.name
		answer.ChecksumType = checksum{composite: u.composite}.kind()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, number := range slices.Sorted(maps.Keys(u.parts)) {
		if number <= marker {
			continue
		}
		if len(answer.Parts) == limit {
			answer.IsTruncated = true
			break
		}
		p := u.parts[number]
		answer.Parts = append(answer.Parts, partXML{
			number, new(timestamp(p.modified)), quote(p.etag), new(p.content.size()), p.checksum.xml(),
		})
		answer.NextPartNumberMarker = number
	}
	return c.answer(answer)
}

// sortedUploads are the uploads by key and, of one key, in the order of their start. They begin after the key marker,
// or within that key after the upload marker; Service.mu is held.
func (b *bucket) sortedUploads(keyMarker, uploadMarker string) iter.Seq2[string, *upload] {
	all := slices.SortedFunc(maps.Values(b.uploads), func(x, y *upload) int {
		return cmp.Or(cmp.Compare(x.key, y.key), x.started.Compare(y.started), cmp.Compare(x.id, y.id))
	})
	return func(yield func(string, *upload) bool) {
		passed := false
		for _, u := range all {
			if u.key < keyMarker || keyMarker != "" && u.key == keyMarker && !passed {
				passed = u.key == keyMarker && uploadMarker != "" && u.id == uploadMarker
				continue
			}
			if !yield(u.key, u) {
				return
			}
		}
	}
}

func (c *call) listMultipartUploads() error {
	b, err := c.mayList("s3:ListBucketMultipartUploads")
	if err != nil {
		return err
	}
	keyMarker, uploadMarker := c.query["key-marker"], c.query["upload-id-marker"]
	l, err := c.listing(keyMarker, "max-uploads")
	if err != nil {
		return err
	}
	f := listed(c.Service, func() found[*upload] { return page(l, b.sortedUploads(keyMarker, uploadMarker)) })
	type entry struct {
		Key          string
		UploadID     string `xml:"UploadId"`
		Initiator    ownerXML
		Owner        ownerXML
		StorageClass string
		Initiated    timestamp
	}
	answer := struct {
		XMLName            xml.Name
		Bucket             string
		KeyMarker          string
		UploadIDMarker     string `xml:"UploadIdMarker"`
		NextKeyMarker      string
		NextUploadIDMarker string `xml:"NextUploadIdMarker"`
		Prefix             string
		Delimiter          string `xml:",omitempty"`
		MaxUploads         int
		EncodingType       string `xml:",omitempty"`
		IsTruncated        bool
		Uploads            []entry `xml:"Upload"`
		CommonPrefixes     []prefixXML
	}{
		XMLName: named("ListMultipartUploadsResult"), Bucket: b.Name, KeyMarker: l.text(keyMarker),
		UploadIDMarker: uploadMarker, Prefix: l.text(l.prefix), Delimiter: l.text(l.delimiter), MaxUploads: l.max,
		EncodingType: l.encodingType(), IsTruncated: f.truncated, CommonPrefixes: l.commonPrefixes(f.prefixes),
	}
	for _, u := range f.items {
		answer.Uploads = append(answer.Uploads, entry{
			l.text(u.key), u.id,
			ownerXML{c.ownerID()},
			ownerXML{c.ownerID()},
			(&version{header: u.header}).storageClass(), timestamp(u.started),
		})
	}
	if f.truncated {
		answer.NextKeyMarker = l.text(f.last)
		if n := len(f.items); n > 0 && f.items[n-1].key == f.last {
			answer.NextUploadIDMarker = f.items[n-1].id
		}
	}
	return c.answer(answer)
}
