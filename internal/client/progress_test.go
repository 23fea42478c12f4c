package client_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/client"
)

func TestWords(t *testing.T) {
	var got []string
	for _, d := range []time.Duration{
		0, 29 * time.Second, 90 * time.Second, 59*time.Minute + 10*time.Second, 26*time.Hour + 5*time.Minute, 75 * time.Hour,
	} {
		got = append(got, client.About(d))
	}
	for _, n := range []int64{0, 1, 999, 1062, 84_800, 123_456_789, 5_000_000_000} {
		got = append(got, client.Bytes(n))
	}
	want := []string{
		"1 s", "29 s", "2 min", "59 min", "26 h 5 min", "3 d 3 h",
		"0 bytes", "1 byte", "999 bytes", "1.1 KB", "84.8 KB", "123 MB", "5.0 GB",
	}
	if !slices.Equal(got, want) {
		t.Errorf("(-want +got):\n%s", cmp.Diff(want, got))
	}
}
