package s3

import (
	"encoding/xml"
	"net/http"
	"slices"
	"strings"
)

// objectAttributes are those that GetObjectAttributes can be asked for.
var objectAttributes = []string{"ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"}

// getObjectAttributes answers what x-amz-object-attributes asks for, see
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html. Of parts it knows the number.
func (c *call) getObjectAttributes() error {
	v, err := c.source(c.name, c.key, c.query["versionid"])
	if err != nil {
		return err
	}
	action := "s3:GetObjectAttributes"
	if c.query["versionid"] != "" {
		action = "s3:GetObjectVersionAttributes"
	}
	if err := c.may(action); err != nil {
		return err
	}
	wanted := map[string]bool{}
	for name := range strings.SplitSeq(strings.Join(c.header.Values("X-Amz-Object-Attributes"), ","), ",") {
		if name = strings.TrimSpace(name); !slices.Contains(objectAttributes, name) {
			return refuse(http.StatusBadRequest, "InvalidArgument", "Invalid attribute name specified.")
		}
		wanted[name] = true
	}
	type checksumAnswer struct {
		checksumXML
		ChecksumType string
	}
	type partsAnswer struct{ PartsCount int }
	answer := struct {
		XMLName      xml.Name
		ETag         string `xml:",omitempty"`
		Checksum     *checksumAnswer
		ObjectParts  *partsAnswer
		StorageClass string `xml:",omitempty"`
		ObjectSize   *int64
	}{XMLName: named("GetObjectAttributesResponse")}
	if wanted["ETag"] {
		answer.ETag = v.etag
	}
	if wanted["Checksum"] && v.checksum.algorithm != nil {
		answer.Checksum = &checksumAnswer{v.checksum.xml(), v.checksum.kind()}
	}
	if wanted["ObjectParts"] && len(v.parts) > 0 {
		answer.ObjectParts = &partsAnswer{len(v.parts)}
	}
	if wanted["StorageClass"] {
		answer.StorageClass = v.storageClass()
	}
	if wanted["ObjectSize"] {
		answer.ObjectSize = new(v.content.size())
	}
	c.showVersion(v)
	c.w.Header().Set("Last-Modified", v.modified.Format(http.TimeFormat))
	return c.answer(answer)
}
