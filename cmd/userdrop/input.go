package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"userdrop/localaws/tempdir"
)

// input is an open file of users.
type input struct {
	*os.File
	name      string // as given
	size      int64
	temporary bool // it holds what came from standard input
}

func (i *input) Close() error {
	err := i.File.Close()
	if i.temporary {
		err = errors.Join(err, os.RemoveAll(filepath.Dir(i.File.Name())))
	}
	return err
}

// openInput opens a file of users; "-" is standard input, which is copied into a temporary file, since an upload that
// fails is read again.
func openInput(name string, stdin io.Reader) (*input, error) {
	if name == "-" {
		return spool(stdin)
	}
	if strings.HasPrefix(name, "s3://") {
		return nil, fmt.Errorf("%[1]s is in S3, and FILE is a file on this machine: copy it here with \"aws s3 cp %[1]s .\", or, to "+
			"import it, into the inbox with \"aws s3 cp %[1]s s3://INBOX/incoming/USER-POOL-ID/\"", printable(name, 200))
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		err = fmt.Errorf("%s is a directory: name the files in it, such as %s", name, filepath.Join(name, "*.csv"))
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &input{File: file, name: name, size: info.Size()}, nil
}

// spool copies standard input into a temporary file, which only its owner can read. The next command that does so removes
// what this one leaves if it is killed.
func spool(stdin io.Reader) (*input, error) {
	dir, err := tempdir.Make("", "userdrop-stdin")
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(dir, stdinName), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, errors.Join(err, os.Remove(dir))
	}
	i := &input{File: file, name: "-", temporary: true}
	if i.size, err = io.Copy(file, stdin); err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read standard input: %w", err), i.Close())
	}
	return i, nil
}

// stdinName is the name of standard input in the inbox.
const stdinName = "stdin.csv"

// base returns the name of the file in the inbox.
func (i *input) base() string {
	if i.temporary {
		return stdinName
	}
	return filepath.Base(i.name)
}

// refuseWorkbook refuses what a spreadsheet program saved in its own format: an upload and an import would be wasted.
func (i *input) refuseWorkbook() error {
	start := make([]byte, 8)
	n, err := i.ReadAt(start, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	for _, magic := range []string{"PK\x03\x04", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"} {
		if bytes.HasPrefix(start[:n], []byte(magic)) {
			return fmt.Errorf("%s is a spreadsheet workbook, not CSV: open it and save it as CSV UTF-8", i.name)
		}
	}
	return nil
}

// expand replaces patterns such as *.csv by the files that they match, for shells that do not, and refuses a name that
// occurs twice.
func expand(args []string) ([]string, error) {
	var names []string
	seen := map[string]bool{}
	for _, arg := range args {
		matched := []string{arg}
		if _, err := os.Stat(arg); err != nil && strings.ContainsAny(arg, "*?[") && !strings.HasPrefix(arg, "s3://") {
			found, err := filepath.Glob(arg)
			if err != nil || len(found) == 0 {
				return nil, fmt.Errorf("no file matches %s", printable(arg, 200))
			}
			matched = found
		}
		for _, name := range matched {
			if seen[filepath.Clean(name)] {
				return nil, fmt.Errorf("%s is named twice", printable(name, 200))
			}
			seen[filepath.Clean(name)] = true
			names = append(names, name)
		}
	}
	return names, nil
}
