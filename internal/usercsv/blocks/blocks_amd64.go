package blocks

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

//go:noescape
func classify16(to *Classes, text *byte, n int, delim byte)

//go:noescape
func classify32(to *Classes, text *byte, n int, delim byte)

func classify(to *Classes, text *byte, n int, delim byte) {
	if cpu.X86.HasAVX2 {
		classify32(to, text, n, delim)
	} else {
		classify16(to, text, n, delim)
	}
}

func rewrite(to, text *byte, n int, delim byte) int {
	if cpu.X86.HasSSSE3 && cpu.X86.HasPOPCNT {
		return rewrite16(to, text, n, delim, &shuffles)
	}
	return rewriteBytes(unsafe.Slice(to, n+Slack), unsafe.Slice(text, n), delim)
}
