package s3

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"userdrop/localaws/tempdir"
)

// content is what an object holds. It never changes, so that objects, copies and parts share it.
type content interface {
	size() int64
	// open reads length bytes from offset; the caller keeps within size.
	open(offset, length int64) (io.ReadCloser, error)
}

// Source is content that is made when it is read, so that a test can have an object of any size without storing it.
type Source struct {
	Size int64
	// ETag is what S3 would show, without quotes. When empty, one is drawn.
	ETag string
	// Open starts the content from its first byte. Reading from the middle seeks when the reader can.
	Open func() io.Reader
}

func (s *Source) size() int64 { return s.Size }

func (s *Source) open(offset, length int64) (io.ReadCloser, error) {
	r := s.Open()
	if seeker, ok := r.(io.Seeker); ok {
		if _, err := seeker.Seek(offset, io.SeekStart); err != nil {
			return nil, err
		}
	} else if _, err := io.CopyN(io.Discard, r, offset); err != nil {
		return nil, fmt.Errorf("skipping to byte %d: %w", offset, err)
	}
	return io.NopCloser(io.LimitReader(r, length)), nil
}

// memory is content small enough to be kept.
type memory []byte

func (m memory) size() int64 { return int64(len(m)) }

func (m memory) open(offset, length int64) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(m[offset : offset+length])), nil
}

// file is content spooled to disk. It is removed when nothing refers to it any more.
type file struct {
	path   string
	length int64
}

func (f *file) size() int64 { return f.length }

func (f *file) open(offset, length int64) (io.ReadCloser, error) {
	opened, err := os.Open(f.path)
	runtime.KeepAlive(f) // its clean-up removes the path
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.NewSectionReader(opened, offset, length), opened}, nil
}

// section is a range of other content: a part made by UploadPartCopy.
type section struct {
	of             content
	offset, length int64
}

func (s section) size() int64 { return s.length }

func (s section) open(offset, length int64) (io.ReadCloser, error) {
	return s.of.open(s.offset+offset, length)
}

// sequence is content after content: the parts of a multipart upload.
type sequence []content

func (s sequence) size() int64 {
	var n int64
	for _, part := range s {
		n += part.size()
	}
	return n
}

func (s sequence) open(offset, length int64) (io.ReadCloser, error) {
	r := new(sequenceReader)
	for _, part := range s {
		n := min(part.size()-offset, length)
		if n > 0 {
			r.rest = append(r.rest, section{part, offset, n})
			length -= n
		}
		offset = max(0, offset-part.size())
	}
	return r, nil
}

// sequenceReader has one part open at a time.
type sequenceReader struct {
	rest    []section
	current io.ReadCloser
}

func (r *sequenceReader) Read(p []byte) (int, error) {
	for {
		if r.current == nil {
			if len(r.rest) == 0 {
				return 0, io.EOF
			}
			opened, err := r.rest[0].open(0, r.rest[0].length)
			if err != nil {
				return 0, err
			}
			r.current, r.rest = opened, r.rest[1:]
		}
		n, err := r.current.Read(p)
		if errors.Is(err, io.EOF) {
			err = r.Close()
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

func (r *sequenceReader) Close() error {
	if r.current == nil {
		return nil
	}
	err := r.current.Close()
	r.current = nil
	return err
}

// store keeps the length bytes of r, in memory or, above SpoolAbove, in a file.
func (s *Service) store(r io.Reader, length int64) (content, error) {
	if length <= s.SpoolAbove {
		m := make(memory, length)
		_, err := io.ReadFull(r, m)
		return m, err
	}
	spooled, err := s.storeFile(io.LimitReader(r, length))
	if err == nil && spooled.length < length {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	return spooled, nil
}

// storeAll keeps all of r, which may have limit bytes.
func (s *Service) storeAll(r io.Reader, limit int64) (content, error) {
	begin, err := io.ReadAll(io.LimitReader(r, s.SpoolAbove+1))
	if err != nil {
		return nil, err
	}
	var stored content = memory(begin)
	if int64(len(begin)) > s.SpoolAbove {
		rest := io.LimitReader(r, limit+1-int64(len(begin)))
		if stored, err = s.storeFile(io.MultiReader(bytes.NewReader(begin), rest)); err != nil {
			return nil, err
		}
	}
	if stored.size() > limit {
		return nil, errTooLarge
	}
	return stored, nil
}

// storeFile keeps all of r in a file, which is removed when nothing refers to it any more.
func (s *Service) storeFile(r io.Reader) (*file, error) {
	f, err := s.spool()
	if err != nil {
		return nil, err
	}
	n, err := io.Copy(f, r)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, errors.Join(err, os.Remove(f.Name()))
	}
	spooled := &file{path: f.Name(), length: n}
	runtime.AddCleanup(spooled, func(path string) { _ = os.Remove(path) }, spooled.path)
	return spooled, nil
}

// SpoolName begins the name of each service's directory of spooled content.
const SpoolName = "localaws-s3"

// spool creates a file in the service's own directory under SpoolDir.
func (s *Service) spool() (*os.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.spoolDir == "" {
		dir, err := tempdir.Make(s.SpoolDir, SpoolName)
		if err != nil {
			return nil, err
		}
		s.spoolDir = dir
	}
	return os.CreateTemp(s.spoolDir, "object-")
}
