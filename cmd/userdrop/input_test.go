package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOpenInput(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"users.csv": "email\n", "users.xlsx": "PK\x03\x04rest", "old.xls": "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "empty.csv": "",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir("exports", 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, want string }{
		{"users.csv", ""},
		{"empty.csv", ""},
		{"-", ""},
		{"users.xlsx", "users.xlsx is a spreadsheet workbook, not CSV: open it and save it as CSV UTF-8"},
		{"old.xls", "old.xls is a spreadsheet workbook"},
		{"exports", "exports is a directory: name the files in it, such as " + filepath.Join("exports", "*.csv")},
		{"s3://inbox/users.csv", `s3://inbox/users.csv is in S3, and FILE is a file on this machine: copy it here with "aws s3 cp s3://inbox/users.csv .", or`},
		{"none.csv", "no such file"},
	} {
		file, err := openInput(c.name, strings.NewReader("email\nann@example.com\n"))
		if err == nil {
			err = errors.Join(file.refuseWorkbook(), file.Close())
		}
		if (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestSpool(t *testing.T) {
	file, err := openInput("-", strings.NewReader("email\nann@example.com\n"))
	if err != nil {
		t.Fatal(err)
	}
	temporary := file.File.Name()
	if file.size != 22 || file.base() != "stdin.csv" {
		t.Errorf("%d bytes, name %s", file.size, file.base())
	}
	if err := file.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(temporary); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", temporary, err)
	}
}

func TestExpand(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"a.csv", "b.csv", "c[1].csv"} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args, want []string
		err        string
	}{
		{args: []string{"a.csv"}, want: []string{"a.csv"}},
		{args: []string{"[ab].csv", "-"}, want: []string{"a.csv", "b.csv", "-"}},
		{args: []string{"c[1].csv"}, want: []string{"c[1].csv"}}, // a file of that name comes first
		{args: []string{"s3://inbox/*.csv"}, want: []string{"s3://inbox/*.csv"}},
		{args: []string{"*.txt"}, err: "no file matches *.txt"},
		{args: []string{"a.csv", "?.csv"}, err: "a.csv is named twice"},
	} {
		got, err := expand(c.args)
		if c.err != "" {
			if err == nil || err.Error() != c.err {
				t.Errorf("%q: %v, want %s", c.args, err, c.err)
			}
			continue
		}
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%q: %v\n%s", c.args, err, diff)
		}
	}
}
