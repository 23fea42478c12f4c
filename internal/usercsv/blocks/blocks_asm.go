//go:build amd64 || arm64

package blocks

import "unsafe"

//go:noescape
func classify(to *Classes, text *byte, n int, delim byte)

// Prefetch asks the processor to bring what stands at p into its cache, and does not wait for it.
//
//go:noescape
func Prefetch(p unsafe.Pointer)
