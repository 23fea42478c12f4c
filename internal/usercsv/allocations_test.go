package usercsv_test

import (
	"bytes"
	"testing"
)

// TestAllocations holds preparing a row to almost no allocation of memory: what the rows of a longer file allocate beside
// those of a shorter one.
func TestAllocations(t *testing.T) {
	const atMost = 0.01 // for a row
	for _, f := range benchFiles() {
		t.Run(f.name, func(t *testing.T) {
			allocated := func(size int) (allocations float64, rows int) {
				text := f.text(size)
				allocations = testing.AllocsPerRun(1, func() {
					if err := prepareText(f, text); err != nil {
						t.Fatal(err)
					}
				})
				return allocations, bytes.Count(text, []byte{'\n'}) - 1
			}
			short, shortRows := allocated(1 << 20)
			long, longRows := allocated(4 << 20)
			if each := (long - short) / float64(longRows-shortRows); each > atMost {
				t.Errorf("%.4f allocations for a row, want at most %v", each, atMost)
			}
		})
	}
}
