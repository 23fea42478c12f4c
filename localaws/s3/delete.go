package s3

import (
	"cmp"
	"encoding/xml"
	"net/http"

	"userdrop/localaws/wire"
)

func (c *call) deleteObject() error {
	b, err := c.bucket(c.name)
	if err != nil {
		return err
	}
	d, err := c.delete(b, c.key, c.query["versionid"], c.header.Get("If-Match"), c.origin("DeleteObject"))
	if err != nil {
		return err
	}
	if d.version != "" {
		c.w.Header().Set("X-Amz-Version-Id", d.version)
	}
	if d.marker {
		c.w.Header().Set("X-Amz-Delete-Marker", "true")
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// deletion is what became of a delete: the version removed or the delete marker made, and whether it is one.
type deletion struct {
	version string
	marker  bool
}

// delete authorizes and deletes. Without a version a bucket with versioning gets a delete marker; to delete what is
// not there succeeds.
func (c *call) delete(b *bucket, key, versionID, ifMatch string, o origin) (deletion, error) {
	action := "s3:DeleteObject"
	if versionID != "" {
		action = "s3:DeleteObjectVersion"
	}
	if err := c.mayOn(action, b.Name, key); err != nil {
		return deletion{}, err
	}
	if versionID != "" {
		if _, err := c.find(b, key, versionID); err != nil && wire.AsError(err).Status != http.StatusNotFound {
			return deletion{}, err
		}
	}
	v, sequencer, err := c.deleteNow(b, key, versionID, ifMatch)
	switch {
	case err != nil:
		return deletion{}, err
	case v == nil:
		return deletion{version: versionID}, nil
	case versionID == "" && b.Versioned:
		c.deleted(b, v, o, sequencer, markerCreated)
		return deletion{v.id, true}, nil
	}
	c.deleted(b, v, o, sequencer, permanentlyDeleted)
	return deletion{versionID, v.marker}, nil
}

// deleteNow returns the version removed, the delete marker made, or nil when there was nothing to delete.
func (s *Service) deleteNow(b *bucket, key, versionID, ifMatch string) (*version, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ifMatch != "" {
		if err := b.mayWrite(key, http.Header{"If-Match": {ifMatch}}); err != nil {
			return nil, "", err
		}
	}
	if versionID == "" && b.Versioned {
		const etagOfNothing = "d41d8cd98f00b204e9800998ecf8427e"
		marker := &version{key: key, marker: true, etag: etagOfNothing, content: memory(nil), header: http.Header{}}
		s.append(b, marker)
		return marker, marker.sequencer, nil
	}
	return b.remove(key, cmp.Or(versionID, nullVersion)), s.sequencer(), nil
}

// deleteRequest and deleteAnswer are the documents of DeleteObjects.
type (
	deleteRequest struct {
		Quiet   bool
		Objects []struct {
			Key              string
			VersionID        string `xml:"VersionId"`
			ETag             string
			LastModifiedTime string
			Size             string
		} `xml:"Object"`
	}
	deletedXML struct {
		Key                   string
		VersionID             string `xml:"VersionId,omitempty"`
		DeleteMarker          bool   `xml:",omitempty"`
		DeleteMarkerVersionID string `xml:"DeleteMarkerVersionId,omitempty"`
	}
	errorXML struct {
		Key       string
		VersionID string `xml:"VersionId,omitempty"`
		Code      string
		Message   string
	}
)

// deleteObjects deletes up to 1,000 keys, each for itself.
func (c *call) deleteObjects() error {
	b, err := c.bucket(c.name)
	if err != nil {
		return err
	}
	request, err := c.deleteRequest()
	if err != nil {
		return err
	}
	answer := struct {
		XMLName xml.Name
		Deleted []deletedXML
		Errors  []errorXML `xml:"Error"`
	}{XMLName: named("DeleteResult")}
	for _, o := range request.Objects {
		d, err := c.delete(b, o.Key, o.VersionID, o.ETag, c.origin("DeleteObject"))
		if err != nil {
			e := wire.AsError(err)
			code := e.Code
			if code == "AccessDeniedException" {
				code = "AccessDenied"
			}
			answer.Errors = append(answer.Errors, errorXML{o.Key, o.VersionID, code, e.Message})
			continue
		}
		if request.Quiet {
			continue
		}
		x := deletedXML{Key: o.Key, VersionID: o.VersionID, DeleteMarker: d.marker}
		if d.marker {
			x.DeleteMarkerVersionID = d.version
		}
		answer.Deleted = append(answer.Deleted, x)
	}
	return c.answer(answer)
}

// deleteRequest reads the document of DeleteObjects, which needs a checksum.
func (c *call) deleteRequest() (request deleteRequest, err error) {
	if c.header.Get("Content-Md5") == "" {
		sent, _, err := c.sentChecksum()
		if err != nil {
			return request, err
		}
		if sent.algorithm == nil {
			return request, refuse(http.StatusBadRequest, "InvalidRequest",
				"Missing required header for this request: Content-MD5")
		}
	}
	if err := c.receiveXML(&request); err != nil {
		return request, err
	}
	if len(request.Objects) == 0 || len(request.Objects) > 1000 {
		return request, refuse(http.StatusBadRequest, "MalformedXML",
			"The XML you provided was not well-formed or did not validate against our published schema")
	}
	for _, o := range request.Objects {
		if o.LastModifiedTime != "" || o.Size != "" {
			return request, notImplemented("DeleteObjects with LastModifiedTime or Size")
		}
	}
	return request, nil
}
