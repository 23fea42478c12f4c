package tempdir_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"userdrop/localaws/tempdir"
)

func TestMakeRemovesWhatAKilledRunLeft(t *testing.T) {
	parent := t.TempDir()
	own, err := tempdir.Make(parent, "spool")
	if err != nil {
		t.Fatal(err)
	}
	self := "-" + strconv.Itoa(os.Getpid()) + "-"
	dead := exec.Command("go", "version")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	left := strings.Replace(own, self, "-"+strconv.Itoa(dead.Process.Pid)+"-", 1)
	for _, dir := range []string{left, filepath.Join(parent, "other-host-1-x"), filepath.Join(parent, "spool-x")} {
		if err := os.MkdirAll(filepath.Join(dir, "object"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	again, err := tempdir.Make(parent, "spool")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Error("the directory of a process that ended is still there")
	}
	for _, dir := range []string{own, again, filepath.Join(parent, "other-host-1-x"), filepath.Join(parent, "spool-x")} {
		if _, err := os.Stat(dir); err != nil {
			t.Errorf("%s is gone", dir)
		}
	}
}
