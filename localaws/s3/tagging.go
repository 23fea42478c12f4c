package s3

import (
	"encoding/xml"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"unicode/utf8"
)

// tagsXML is the document of the operations on an object's tags.
type tagsXML struct {
	XMLName xml.Name
	Tags    []struct{ Key, Value string } `xml:"TagSet>Tag"`
}

// tagged authorizes an operation on the tags of a version, and finds it.
func (c *call) tagged(operation string) (*bucket, *version, error) {
	b, err := c.bucket(c.name)
	if err != nil {
		return nil, nil, err
	}
	versionID := c.query["versionid"]
	action := "s3:" + operation + "ObjectTagging"
	if versionID != "" {
		action = "s3:" + operation + "ObjectVersionTagging"
	}
	if err := c.may(action); err != nil {
		return nil, nil, err
	}
	v, err := c.find(b, c.key, versionID)
	switch {
	case err != nil:
		return nil, nil, missing(err, c.key, versionID)
	case v.marker && versionID == "":
		return nil, nil, missing(errNoSuchKey, c.key, "")
	case v.marker:
		return nil, nil, errMethod
	}
	c.showVersion(v)
	return b, v, nil
}

func (c *call) getObjectTagging() error {
	_, v, err := c.tagged("Get")
	if err != nil {
		return err
	}
	answer := tagsXML{XMLName: named("Tagging")}
	tags, _ := url.ParseQuery(v.tagging) // it was checked when it was stored
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		answer.Tags = append(answer.Tags, struct{ Key, Value string }{key, tags.Get(key)})
	}
	return c.answer(answer)
}

func (c *call) putObjectTagging() error {
	b, v, err := c.tagged("Put")
	if err != nil {
		return err
	}
	var request tagsXML
	if err := c.receiveXML(&request); err != nil {
		return err
	}
	tags := url.Values{}
	for _, tag := range request.Tags {
		switch {
		case tags.Has(tag.Key):
			return refuse(http.StatusBadRequest, "InvalidTag", "Cannot provide multiple Tags with the same key")
		case tag.Key == "" || utf8.RuneCountInString(tag.Key) > 128:
			return refuse(http.StatusBadRequest, "InvalidTag", "The TagKey you have provided is invalid")
		case utf8.RuneCountInString(tag.Value) > 256:
			return refuse(http.StatusBadRequest, "InvalidTag", "The TagValue you have provided is invalid")
		}
		tags.Set(tag.Key, tag.Value)
	}
	if len(tags) > 10 {
		return refuse(http.StatusBadRequest, "BadRequest", "Object tags cannot be greater than 10")
	}
	v = c.retag(b, v, tags.Encode())
	c.tags(b, v, "Object Tags Added")
	c.w.WriteHeader(http.StatusOK)
	return nil
}

func (c *call) deleteObjectTagging() error {
	b, v, err := c.tagged("Delete")
	if err != nil {
		return err
	}
	v = c.retag(b, v, "")
	c.tags(b, v, "Object Tags Deleted")
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// retag puts a copy with other tags in a version's place: versions themselves never change.
func (s *Service) retag(b *bucket, v *version, tagging string) *version {
	s.mu.Lock()
	defer s.mu.Unlock()
	changed := *v
	changed.tagging = tagging
	if i := slices.Index(b.objects[v.key], v); i >= 0 {
		b.objects[v.key][i] = &changed
	}
	return &changed
}

// tags sends the event of changed tags.
func (c *call) tags(b *bucket, v *version, detailType string) {
	c.send(b, v, c.origin(""), detailType, detail{})
}
