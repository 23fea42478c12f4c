// Package s3 is the local double's Amazon S3: buckets with versions, streaming and multipart uploads, server-side
// copies, conditional writes, and the events that S3 sends to EventBridge.
//
// It speaks the REST protocol of https://docs.aws.amazon.com/AmazonS3/latest/API/Welcome.html. A parameter or header
// that it does not know is answered with NotImplemented and named, never ignored.
package s3

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"userdrop/localaws/template"
	"userdrop/localaws/wire"
)

const (
	mebibyte = 1 << 20
	gibibyte = 1 << 30
)

// Service is S3 in one account and Region. The exported fields are set before it is used.
type Service struct {
	// SpoolDir is where content larger than SpoolAbove is kept, in a directory of its own that Close removes; the
	// system's directory for temporary files when empty.
	SpoolDir   string
	SpoolAbove int64
	// MaxOperation is the most that one PutObject, UploadPart, CopyObject or UploadPartCopy moves, and MinPart the
	// least that a part other than the last holds, see
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html.
	MaxOperation int64
	MinPart      int64
	// Pace limits each request by itself, however many there are.
	Pace Pace
	// Caller finds who signed the form of a presigned POST, by the access key id. Nil takes everybody for the
	// administrator.
	Caller func(accessKeyID string) (wire.Principal, error)

	account *wire.Account
	events  wire.Sink

	mu       sync.Mutex
	spoolDir string
	buckets  map[string]*bucket
	sequence uint32
}

// New returns S3 without a bucket. Events may be nil.
func New(account *wire.Account, events wire.Sink) *Service {
	return &Service{
		SpoolAbove:   4 * mebibyte,
		MaxOperation: 5 * gibibyte,
		MinPart:      5 * mebibyte,
		account:      account,
		events:       events,
		buckets:      map[string]*bucket{},
	}
}

// Close removes what was spooled to disk.
func (s *Service) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.spoolDir == "" {
		return nil
	}
	return os.RemoveAll(s.spoolDir)
}

// Bucket is an AWS::S3::Bucket. Nothing expires by its life cycle.
type Bucket = template.Bucket

// CreateBucket adds a bucket.
func (s *Service) CreateBucket(b Bucket) error {
	if !bucketPattern.MatchString(b.Name) {
		return refuse(http.StatusBadRequest, "InvalidBucketName", "The specified bucket is not valid.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buckets[b.Name] != nil {
		return refuse(http.StatusConflict, "BucketAlreadyOwnedByYou",
			"Your previous request to create the named bucket succeeded and you already own it.")
	}
	s.buckets[b.Name] = &bucket{
		Bucket:  b,
		created: now(),
		objects: map[string][]*version{},
		uploads: map[string]*upload{},
	}
	return nil
}

// Buckets lists the buckets by name.
func (s *Service) Buckets() []Bucket {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Bucket
	for _, b := range s.sorted() {
		all = append(all, b.Bucket)
	}
	return all
}

// Put stores body as PutObject does, event included, and returns its version id.
func (s *Service) Put(bucket, key string, body []byte) (versionID string, err error) {
	d := newDigest(crc64NVME)
	_, _ = d.Write(body) // a hash answers no error
	return s.put(bucket, key, memory(bytes.Clone(body)), d.etag(), d.checksum())
}

// PutSource is Put for content that is made when it is read.
func (s *Service) PutSource(bucket, key string, source Source) (versionID string, err error) {
	if source.ETag == "" {
		source.ETag = s.account.IDs.Draw("0123456789abcdef", 32)
	}
	return s.put(bucket, key, &source, source.ETag, checksum{})
}

func (s *Service) put(
	bucket, key string, body content, etag string, sum checksum,
) (versionID string, err error) {
	v := &version{key: key, etag: etag, content: body, header: http.Header{}, checksum: sum}
	v.header.Set("Content-Type", defaultContentType)
	b, err := s.bucket(bucket)
	if err != nil {
		return "", err
	}
	if err := s.encrypt(b, v.header); err != nil {
		return "", err
	}
	if err := s.commit(b, v, nil); err != nil {
		return "", err
	}
	s.created(b, v, origin{reason: "PutObject", requestID: s.requestID(), sourceIP: loopback})
	return v.id, nil
}

// Open reads the current version of an object.
func (s *Service) Open(bucket, key string) (io.ReadCloser, error) {
	b, err := s.bucket(bucket)
	if err != nil {
		return nil, err
	}
	v, err := s.find(b, key, "")
	if err != nil {
		return nil, err
	}
	if v.marker {
		return nil, errNoSuchKey
	}
	return v.content.open(0, v.content.size())
}

// Get returns what the current version of an object holds.
func (s *Service) Get(bucket, key string) ([]byte, error) {
	r, err := s.Open(bucket, key)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// ETag returns the ETag of the current version of an object, without quotes.
func (s *Service) ETag(bucket, key string) (string, error) {
	b, err := s.bucket(bucket)
	if err != nil {
		return "", err
	}
	v, err := s.find(b, key, "")
	if err != nil {
		return "", err
	}
	return v.etag, nil
}

// Keys lists the keys with the prefix that have a current version.
func (s *Service) Keys(bucket, prefix string) ([]string, error) {
	b, err := s.bucket(bucket)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := page(listing{prefix: prefix, max: len(b.keys)}, b.current(listing{prefix: prefix}))
	var keys []string
	for _, v := range found.items {
		keys = append(keys, v.key)
	}
	return keys, nil
}

// bucket holds objects. Service.mu guards what is in it; versions themselves never change.
type bucket struct {
	Bucket
	created time.Time
	keys    []string              // sorted
	objects map[string][]*version // by key, the current version last
	uploads map[string]*upload    // by id
}

func (b *bucket) arn() string { return "arn:aws:s3:::" + b.Name }

// version is an object, or a delete marker.
type version struct {
	key, id   string // id is "null" in a bucket without versioning
	modified  time.Time
	sequencer string
	marker    bool
	etag      string
	content   content
	parts     []int64     // sizes, when it was uploaded in parts
	header    http.Header // metadata as GetObject answers it
	tagging   string      // as in x-amz-tagging
	checksum  checksum
}

func (v *version) storageClass() string {
	if class := v.header.Get("X-Amz-Storage-Class"); class != "" {
		return class
	}
	return "STANDARD"
}

// now is the time in the whole seconds that S3 keeps.
func now() time.Time { return time.Now().UTC().Truncate(time.Second) }

func (s *Service) bucket(name string) (*bucket, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.buckets[name]; b != nil {
		return b, nil
	}
	return nil, refuse(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
}

// sorted lists the buckets by name; s.mu is held.
func (s *Service) sorted() []*bucket {
	return slices.SortedFunc(maps.Values(s.buckets), func(a, b *bucket) int { return strings.Compare(a.Name, b.Name) })
}

// find returns the named version, the current one when versionID is empty. It may be a delete marker.
func (s *Service) find(b *bucket, key, versionID string) (*version, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if versionID == "" {
		if v := b.latest(key); v != nil {
			return v, nil
		}
		return nil, errNoSuchKey
	}
	for _, v := range b.objects[key] {
		if v.id == versionID {
			return v, nil
		}
	}
	if versionID != nullVersion && !versionPattern.MatchString(versionID) {
		return nil, refuse(http.StatusBadRequest, "InvalidArgument", "Invalid version id specified")
	}
	return nil, errNoSuchVersion
}

// latest is the current version of key, a delete marker perhaps, or nil; s.mu is held.
func (b *bucket) latest(key string) *version {
	versions := b.objects[key]
	if len(versions) == 0 {
		return nil
	}
	return versions[len(versions)-1]
}

// commit makes v the current version of its key, if the conditions of the request's header hold.
func (s *Service) commit(b *bucket, v *version, conditions http.Header) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := b.mayWrite(v.key, conditions); err != nil {
		return err
	}
	s.append(b, v)
	return nil
}

// append is commit with s.mu held and the conditions known to hold.
func (s *Service) append(b *bucket, v *version) {
	v.modified, v.sequencer, v.etag = now(), s.sequencer(), s.seal(v.header, v.etag)
	versions := b.objects[v.key]
	if len(versions) == 0 {
		at, _ := slices.BinarySearch(b.keys, v.key)
		b.keys = slices.Insert(b.keys, at, v.key)
	}
	if b.Versioned {
		v.id = s.account.IDs.Draw(versionAlphabet, versionLength)
		b.objects[v.key] = append(versions, v)
	} else {
		v.id = nullVersion
		b.objects[v.key] = []*version{v}
	}
}

// mayWrite checks If-None-Match and If-Match of a write, see
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html; s.mu is held.
func (b *bucket) mayWrite(key string, conditions http.Header) error {
	current := b.latest(key)
	exists := current != nil && !current.marker
	if conditions.Get("If-None-Match") != "" && exists {
		return preconditionFailed("If-None-Match")
	}
	if etag := conditions.Get("If-Match"); etag != "" {
		if !exists {
			return errNoSuchKey
		}
		if !matches(etag, current.etag) {
			return preconditionFailed("If-Match")
		}
	}
	return nil
}

// remove takes a version away for good, and answers nil when there is none; s.mu is held.
func (b *bucket) remove(key, versionID string) *version {
	versions := b.objects[key]
	i := slices.IndexFunc(versions, func(v *version) bool { return v.id == versionID })
	if i < 0 {
		return nil
	}
	gone := versions[i]
	b.objects[key] = slices.Delete(versions, i, i+1)
	if len(b.objects[key]) == 0 {
		delete(b.objects, key)
		at, _ := slices.BinarySearch(b.keys, key)
		b.keys = slices.Delete(b.keys, at, at+1)
	}
	return gone
}

// sequencer orders the events of a key, as 16 hexadecimal digits; s.mu is held.
func (s *Service) sequencer() string {
	s.sequence++
	return fmt.Sprintf("%08x%08x", time.Now().Unix(), s.sequence)
}

// requestID draws an id such as S3 gives to requests.
func (s *Service) requestID() string {
	return s.account.IDs.Draw("0123456789ABCDEFGHJKMNPQRSTVWXYZ", 16)
}

// ownerID is the account's canonical user id: 64 hexadecimal digits that always belong to the same account.
func (s *Service) ownerID() string {
	sum := sha256.Sum256([]byte(s.account.ID))
	return hex.EncodeToString(sum[:])
}
