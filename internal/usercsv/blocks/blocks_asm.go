//go:build amd64 || arm64

package blocks

import "unsafe"

//go:noescape
func rewrite16(to, text *byte, n int, delim byte, shuffles *[256]uint64) int

// shuffles are, for each set of eight bytes, where the others stand.
var shuffles = func() (all [256]uint64) {
	for set := range all {
		for i, n := 0, 0; i < 8; i++ {
			if set>>i&1 == 0 {
				all[set] |= uint64(i) << n
				n += 8
			}
		}
	}
	return all
}()

// Prefetch asks the processor to bring what stands at p into its cache, and does not wait for it.
//
//go:noescape
func Prefetch(p unsafe.Pointer)
