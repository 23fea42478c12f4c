package s3

import (
	"cmp"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"

	"userdrop/localaws/wire"
)

func (c *call) completeMultipartUpload() error {
	if err := c.mayPut(); err != nil {
		return err
	}
	b, u, err := c.upload()
	if err != nil {
		return err
	}
	if err := c.mayUseKey(u.header, wire.Decrypt); err != nil {
		return err
	}
	var request struct {
		Parts []partXML `xml:"Part"`
	}
	// The checksum in this request's header is the object's, not that of the list of its parts.
	claimed, _, err := c.sentChecksum()
	if err != nil {
		return err
	}
	for _, a := range algorithms {
		c.header.Del(a.header())
	}
	if err := c.receiveXML(&request); err != nil {
		return err
	}
	parts, err := c.chosenParts(u, request.Parts)
	if err != nil {
		return err
	}
	v, err := assemble(u, parts)
	if err != nil {
		return err
	}
	if err := c.asClaimed(u, v, claimed); err != nil {
		return err
	}
	if err := c.finish(b, u, v); err != nil {
		return err
	}
	c.created(b, v, c.origin("CompleteMultipartUpload"))
	c.written(v)
	answer := struct {
		XMLName  xml.Name
		Location string
		Bucket   string
		Key      string
		ETag     string
		checksumXML
		ChecksumType string `xml:",omitempty"`
	}{
		XMLName: named("CompleteMultipartUploadResult"), Location: "/" + c.name + "/" + c.key, Bucket: c.name, Key: c.key,
		ETag: quote(v.etag), checksumXML: v.checksum.xml(),
	}
	if v.checksum.algorithm != nil {
		answer.ChecksumType = v.checksum.kind()
	}
	return c.answer(answer)
}

// asClaimed compares an assembled object with the size and the checksum that the request names.
func (c *call) asClaimed(u *upload, v *version, claimed checksum) error {
	if size := c.header.Get("X-Amz-Mp-Object-Size"); size != "" && size != strconv.FormatInt(v.content.size(), 10) {
		return refuse(http.StatusBadRequest, "InvalidRequest", "The provided 'x-amz-mp-object-size' header does not match "+
			"what was computed.")
	}
	if claimed.algorithm != nil && claimed.algorithm == u.algorithm && claimed.value != v.checksum.value {
		return refuse(http.StatusBadRequest, "BadDigest",
			"The %s you specified did not match the calculated checksum.", claimed.name)
	}
	return nil
}

// chosenParts finds the parts that the request names, and refuses those that S3 refuses.
func (c *call) chosenParts(u *upload, named []partXML) ([]part, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(named) == 0 {
		return nil, refuse(http.StatusBadRequest, "MalformedXML", "You must specify at least one part")
	}
	var parts []part
	last := 0
	for i, n := range named {
		if n.PartNumber <= last {
			return nil, refuse(http.StatusBadRequest, "InvalidPartOrder", "The list of parts was not in ascending order. "+
				"The parts list must be specified in order by part number.")
		}
		last = n.PartNumber
		p, ok := u.parts[n.PartNumber]
		ok = ok && matches(n.ETag, p.etag)
		for _, a := range algorithms {
			if claimed := *n.of(a); claimed != "" && p.checksum.algorithm == a {
				ok = ok && claimed == p.checksum.value
			}
		}
		if !ok {
			return nil, refuse(http.StatusBadRequest, "InvalidPart", "One or more of the specified parts could not be "+
				"found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.")
		}
		if i < len(named)-1 && p.content.size() < c.MinPart {
			e := refuse(http.StatusBadRequest, "EntityTooSmall",
				"Your proposed upload is smaller than the minimum allowed size")
			e.Fields = map[string]any{
				"PartNumber": n.PartNumber, "ProposedSize": p.content.size(), "MinSizeAllowed": c.MinPart,
			}
			return nil, e
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// assemble makes an object of parts. Its ETag is the MD5 of the parts' MD5s and their number.
func assemble(u *upload, parts []part) (*version, error) {
	v := &version{key: u.key, header: u.header, tagging: u.tagging}
	var whole sequence
	etags := md5.New()
	for _, p := range parts {
		whole = append(whole, p.content)
		v.parts = append(v.parts, p.content.size())
		sum, err := hex.DecodeString(p.etag)
		if err != nil {
			return nil, err
		}
		etags.Write(sum)
	}
	v.content = whole
	v.etag = fmt.Sprintf("%x-%d", etags.Sum(nil), len(parts))
	switch {
	case u.composite:
		sums := u.algorithm.new()
		for _, p := range parts {
			sum, err := base64.StdEncoding.DecodeString(p.checksum.value)
			if err != nil {
				return nil, err
			}
			sums.Write(sum)
		}
		value := fmt.Sprintf("%s-%d", base64.StdEncoding.EncodeToString(sums.Sum(nil)), len(parts))
		v.checksum = checksum{u.algorithm, value, true}
	default:
		d, err := digestOf(whole, cmp.Or(u.algorithm, crc64NVME))
		if err != nil {
			return nil, err
		}
		v.checksum = d.checksum()
	}
	return v, nil
}

// finish ends the upload with its object. When a condition does not hold the upload stays.
func (c *call) finish(b *bucket, u *upload, v *version) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b.uploads[u.id] != u {
		return errNoSuchUpload
	}
	if err := b.mayWrite(v.key, c.header); err != nil {
		return err
	}
	delete(b.uploads, u.id)
	c.append(b, v)
	return nil
}
