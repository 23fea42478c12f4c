package cognito

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"unicode/utf8"

	"userdrop/localaws/tempdir"
)

// inMemory is the size above which an uploaded file goes to the disk.
const inMemory = 8 << 20

// blanks are what a blank line may be made of.
const blanks = " \t\r\v\f"

// file is an uploaded CSV with what was seen of it on its way in.
type file struct {
	size int64
	rows int64 // lines after the first that are not blank
	utf8 bool
	data []byte
	path string // instead of data
}

func (f *file) open() (io.ReadCloser, error) {
	if f.path == "" {
		return io.NopCloser(bytes.NewReader(f.data)), nil
	}
	return os.Open(f.path)
}

func (f *file) remove() {
	if f.path != "" {
		_ = os.RemoveAll(filepath.Dir(f.path))
	}
}

// receive stores a body, whole or not at all.
func receive(body io.Reader, size int64) (_ *file, err error) {
	f := &file{}
	seen := &survey{}
	body = io.TeeReader(body, seen)
	if size <= inMemory {
		f.data, err = io.ReadAll(body)
	} else {
		f.path, err = spool(body)
	}
	if err == nil && seen.size != size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		f.remove()
		return nil, err
	}
	f.size, f.rows, f.utf8 = seen.size, seen.rows(), seen.utf8()
	return f, nil
}

// SpoolName begins the name of each directory of an uploaded file.
const SpoolName = "localaws-upload"

func spool(body io.Reader) (path string, err error) {
	dir, err := tempdir.Make("", SpoolName)
	if err != nil {
		return "", err
	}
	temporary, err := os.Create(filepath.Join(dir, "users.csv"))
	if err != nil {
		return "", err
	}
	_, err = io.Copy(temporary, body)
	if closeErr := temporary.Close(); err == nil {
		err = closeErr
	}
	return temporary.Name(), err
}

// survey counts rows and checks the encoding of what is written to it.
type survey struct {
	size    int64
	lines   int64 // after the first that are not blank
	first   bool  // the first line is over
	text    bool  // the current line is not blank
	partial []byte
	broken  bool
}

func (s *survey) Write(b []byte) (int, error) {
	s.size += int64(len(b))
	s.encoding(b)
	for rest := b; len(rest) > 0; {
		line, after, ended := bytes.Cut(rest, []byte{'\n'})
		s.text = s.text || len(bytes.Trim(line, blanks)) > 0
		if ended {
			s.endLine()
		}
		rest = after
	}
	return len(b), nil
}

func (s *survey) endLine() {
	if s.first && s.text {
		s.lines++
	}
	s.first, s.text = true, false
}

// encoding checks b, and keeps the beginning of a character that b's end cuts.
func (s *survey) encoding(b []byte) {
	if len(s.partial) > 0 {
		b = append(s.partial, b...)
		s.partial = nil
	}
	end := len(b)
	for i := 1; i < utf8.UTFMax && i <= len(b); i++ {
		if tail := b[len(b)-i:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				end -= i
			}
			break
		}
	}
	s.broken = s.broken || !utf8.Valid(b[:end])
	s.partial = bytes.Clone(b[end:])
}

func (s *survey) rows() int64 {
	if s.first && s.text {
		return s.lines + 1
	}
	return s.lines
}

func (s *survey) utf8() bool { return !s.broken && len(s.partial) == 0 }
