package s3

import (
	"cmp"
	"encoding/xml"
	"net/http"

	"userdrop/localaws/wire"
)

func (c *call) listBuckets() error {
	if err := wire.Authorize(c.r.Context(), "s3:ListAllMyBuckets", "*", nil); err != nil {
		return err
	}
	type bucketXML struct {
		Name         string
		CreationDate timestamp
	}
	answer := struct {
		XMLName xml.Name
		Owner   ownerXML
		Buckets []bucketXML `xml:"Buckets>Bucket"`
	}{XMLName: named("ListAllMyBucketsResult"), Owner: ownerXML{c.ownerID()}}
	c.mu.Lock()
	for _, b := range c.sorted() {
		answer.Buckets = append(answer.Buckets, bucketXML{b.Name, timestamp(b.created)})
	}
	c.mu.Unlock()
	return c.answer(answer)
}

// createBucket makes a bucket without versioning and events; the template's buckets come through CreateBucket.
func (c *call) createBucket() error {
	if err := c.may("s3:CreateBucket"); err != nil {
		return err
	}
	if c.r.ContentLength != 0 {
		var configuration struct {
			LocationConstraint string
		}
		if err := c.receiveXML(&configuration); err != nil {
			return err
		}
		if region := cmp.Or(configuration.LocationConstraint, "us-east-1"); region != c.account.Region {
			return refuse(http.StatusBadRequest, "IllegalLocationConstraintException",
				"The %s location constraint is incompatible for the region specific endpoint this request was sent to.", region)
		}
	}
	err := c.CreateBucket(Bucket{Name: c.name})
	// In us-east-1 S3 takes the bucket of one's own again.
	if owned := err != nil && wire.AsError(err).Code == "BucketAlreadyOwnedByYou"; err != nil &&
		!(owned && c.account.Region == "us-east-1") {
		return err
	}
	c.w.Header().Set("Location", "/"+c.name)
	c.w.WriteHeader(http.StatusOK)
	return nil
}

func (c *call) headBucket() error {
	b, err := c.bucket(c.name)
	if err != nil {
		return err
	}
	if err := wire.Authorize(c.r.Context(), "s3:ListBucket", b.arn(), nil); err != nil {
		return err
	}
	c.w.Header().Set("X-Amz-Bucket-Region", c.account.Region)
	c.w.WriteHeader(http.StatusOK)
	return nil
}

func (c *call) getBucketLocation() error {
	if _, err := c.bucket(c.name); err != nil {
		return err
	}
	if err := c.may("s3:GetBucketLocation"); err != nil {
		return err
	}
	region := c.account.Region
	if region == "us-east-1" { // which has no name here
		region = ""
	}
	return c.answer(struct {
		XMLName xml.Name
		Region  string `xml:",chardata"`
	}{named("LocationConstraint"), region})
}

func (c *call) getBucketVersioning() error {
	b, err := c.bucket(c.name)
	if err != nil {
		return err
	}
	if err := c.may("s3:GetBucketVersioning"); err != nil {
		return err
	}
	var status string
	if b.Versioned {
		status = "Enabled"
	}
	return c.answer(struct {
		XMLName xml.Name
		Status  string `xml:",omitempty"`
	}{named("VersioningConfiguration"), status})
}
