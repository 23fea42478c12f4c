package s3

import (
	"cmp"
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
