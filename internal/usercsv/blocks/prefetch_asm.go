//go:build amd64 || arm64

package blocks

import "unsafe"

// Prefetch asks the processor to bring what stands at p into its cache, and does not wait for it.
//
//go:noescape
func Prefetch(p unsafe.Pointer)
