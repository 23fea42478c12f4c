//go:build !amd64 && !arm64

package blocks

import "unsafe"

func classify(to *Classes, text *byte, n int, delim byte) {
	classifyWords(unsafe.Slice(to, n), unsafe.Slice(text, n*Size), delim)
}

func rewrite(to, text *byte, n int, delim byte) int {
	return rewriteBytes(unsafe.Slice(to, n), unsafe.Slice(text, n), delim)
}

func positions(to *[Size]int32, base int32, set uint64) { positionsByBits(to, base, set) }

// ascii leaves the text to the standard library, which reads it by words.
func ascii(*byte, int) int { return 0 }

// Prefetch does nothing where no instruction for it is at hand.
func Prefetch(unsafe.Pointer) {}
