package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"userdrop/internal/contract"
	"userdrop/internal/report"
)

// Result reads the published result of an import, and its text; nil if there is none yet.
func (s *Stack) Result(ctx context.Context, importID string) (*contract.Result, []byte, error) {
	text, found, err := s.results.Read(ctx, contract.ResultKey(importID))
	if err != nil || !found {
		return nil, nil, Explain(err)
	}
	r, err := contract.UnmarshalResult(text)
	return r, text, err
}

// Fetch copies the files of a result into a directory, in place of those of an earlier one, and returns where they are.
// The report is written anew with links to the copies; docs is the address of the documentation for it.
func (s *Stack) Fetch(ctx context.Context, importID, dir, docs string) (contract.Files, error) {
	if err := ClearResult(dir); err != nil {
		return contract.Files{}, err
	}
	keys, err := s.results.Keys(ctx, contract.WorkPrefix(importID))
	if err != nil {
		return contract.Files{}, Explain(err)
	}
	var files contract.Files
	for _, key := range keys {
		name := filepath.Join(dir, path.Base(key))
		if err := s.download(ctx, key, name); err != nil {
			return files, err
		}
		switch path.Base(key) {
		case "result.json":
			files.Result = name
		case "failed.csv":
			files.Failed = name
		case "excluded.csv":
			files.Excluded = name
		case "users.csv":
			files.Users = name
		case "report.html":
			files.Report = name
		}
	}
	if files.Report == "" || files.Result == "" {
		return files, nil
	}
	return files, s.localReport(files, docs)
}

// localReport writes the report of a result that was copied, with links to the copies.
func (s *Stack) localReport(files contract.Files, docs string) error {
	text, err := os.ReadFile(files.Result)
	if err != nil {
		return err
	}
	r, err := contract.UnmarshalResult(text)
	if err != nil {
		return err
	}
	var page bytes.Buffer
	options := report.ReportOptions{Region: s.Region, Stack: s.Name, Local: true, NoConsole: s.Local, Docs: docs}
	if err := report.WriteReport(&page, r, options); err != nil {
		return err
	}
	return os.WriteFile(files.Report, page.Bytes(), 0o600)
}

// ClearResult makes a directory, and removes the files of an earlier result from it.
func ClearResult(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	old, err := earlierResult(dir, earlierFiles)
	for _, name := range old {
		err = errors.Join(err, os.Remove(name))
	}
	return err
}

// Spares returns an error for a directory from which ClearResult would remove the file to drop: a failed.csv that
// somebody repaired.
func Spares(dir, file string) error {
	dropped, err := os.Stat(file)
	if err != nil {
		return nil // opening it reports the error
	}
	old, err := earlierResult(dir, append(slices.Clip(earlierFiles), "users.csv"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, name := range old {
		if info, err := os.Stat(name); err == nil && os.SameFile(info, dropped) {
			return fmt.Errorf("%s would be overwritten: choose another directory for --out", name)
		}
	}
	return err
}

// earlierFiles are the names of the files that Fetch and userdrop check write.
var earlierFiles = []string{
	"result.json", "report.html", "failed.csv", "failed-[0-9]*.csv", "excluded.csv", "excluded-[0-9]*.csv",
}

// earlierResult returns the files of a result in a directory.
func earlierResult(dir string, patterns []string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		for _, pattern := range patterns {
			if matched, _ := filepath.Match(pattern, e.Name()); matched {
				names = append(names, filepath.Join(dir, e.Name()))
			}
		}
	}
	return names, err
}

func (s *Stack) download(ctx context.Context, key, name string) error {
	body, err := s.results.Open(ctx, key)
	if err != nil {
		return Explain(err)
	}
	defer body.Close()
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) // it holds personal data
	if err != nil {
		return err
	}
	_, err = io.Copy(file, body)
	return errors.Join(Explain(err), file.Close())
}
