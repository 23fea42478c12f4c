package s3

import "userdrop/localaws/wire"

// detail is the documented detail of S3's events, see
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html. The key is not URL-encoded.
type detail struct {
	Version         string       `json:"version"`
	Bucket          bucketDetail `json:"bucket"`
	Object          objectDetail `json:"object"`
	RequestID       string       `json:"request-id"`
	Requester       string       `json:"requester"`
	SourceIPAddress string       `json:"source-ip-address"`
	Reason          string       `json:"reason,omitempty"`
	DeletionType    string       `json:"deletion-type,omitempty"`
}

type bucketDetail struct {
	Name string `json:"name"`
}

type objectDetail struct {
	Key       string `json:"key"`
	Size      *int64 `json:"size,omitempty"` // of created objects only
	ETag      string `json:"etag"`
	VersionID string `json:"version-id,omitempty"`
	Sequencer string `json:"sequencer,omitempty"`
}

// origin is the request that caused an event.
type origin struct {
	reason, requestID, sourceIP string
}

const (
	markerCreated      = "Delete Marker Created"
	permanentlyDeleted = "Permanently Deleted"
)

func (s *Service) created(b *bucket, v *version, o origin) {
	s.send(b, v, o, "Object Created", detail{
		Object: objectDetail{Size: new(v.content.size()), Sequencer: v.sequencer},
	})
}

// deleted sends the event of a new delete marker, or of a version that was deleted. The sequencer is that of the
// deletion.
func (s *Service) deleted(b *bucket, v *version, o origin, sequencer, deletionType string) {
	s.send(b, v, o, "Object Deleted", detail{
		Object: objectDetail{Sequencer: sequencer}, DeletionType: deletionType,
	})
}

func (s *Service) send(b *bucket, v *version, o origin, detailType string, d detail) {
	if s.events == nil || !b.EventBridge {
		return
	}
	d.Version = "0"
	d.Bucket.Name = b.Name
	d.Object.Key, d.Object.ETag = v.key, v.etag
	if v.id != nullVersion {
		d.Object.VersionID = v.id
	}
	d.RequestID, d.Requester, d.SourceIPAddress, d.Reason = o.requestID, s.account.ID, o.sourceIP, o.reason
	s.events(wire.Event{Source: "aws.s3", DetailType: detailType, Resources: []string{b.arn()}, Detail: d})
}
