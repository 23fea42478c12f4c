package s3

import (
	"net/http"
	"time"

	"userdrop/localaws/wire"
)

// mayPut authorizes a write and its conditions. Only "*" may follow If-None-Match.
func (c *call) mayPut() error {
	if err := c.may("s3:PutObject"); err != nil {
		return err
	}
	if condition := c.header.Get("If-None-Match"); condition != "" && condition != "*" {
		return notImplemented("If-None-Match: " + condition)
	}
	if c.header.Get("If-Match") != "" {
		return c.may("s3:GetObject")
	}
	return nil
}

func (c *call) putObject() error {
	b, err := c.bucket(c.name)
	if err != nil {
		return err
	}
	if err := c.mayPut(); err != nil {
		return err
	}
	header, err := c.describe(b)
	if err != nil {
		return err
	}
	if err := c.mayUseKey(header, wire.GenerateDataKey); err != nil {
		return err
	}
	tagging, err := c.tagging()
	if err != nil {
		return err
	}
	p, err := c.receive(crc64NVME)
	if err != nil {
		return err
	}
	v := &version{
		key: c.key, etag: p.etag, content: p.content, header: header, tagging: tagging, checksum: p.checksum,
	}
	if err := c.commit(b, v, c.header); err != nil {
		return err
	}
	c.created(b, v, c.origin("PutObject"))
	c.written(v)
	c.w.Header().Set("ETag", quote(v.etag))
	c.showChecksum(v.checksum)
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// written sets the headers that answer every kind of write.
func (c *call) written(v *version) {
	c.showVersion(v)
	for _, name := range encryptionHeaders {
		if value := v.header.Get(name); value != "" {
			c.w.Header().Set(name, value)
		}
	}
}

func (c *call) showVersion(v *version) {
	if v.id != nullVersion {
		c.w.Header().Set("X-Amz-Version-Id", v.id)
	}
}

func (c *call) showChecksum(sum checksum) {
	if sum.algorithm != nil {
		c.w.Header().Set(sum.header(), sum.value)
		c.w.Header().Set("X-Amz-Checksum-Type", sum.kind())
	}
}

func quote(etag string) string { return `"` + etag + `"` }

// timestamp is a time as S3 writes it in XML.
type timestamp time.Time

func (t timestamp) MarshalText() ([]byte, error) {
	return []byte(time.Time(t).Format("2006-01-02T15:04:05.000Z")), nil
}
