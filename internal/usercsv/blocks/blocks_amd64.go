package blocks

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

// What processors have: AVX2 nearly all since 2013, AVX-512 with VBMI2 many servers since 2020.
var (
	hasAVX2   = cpu.X86.HasAVX2 && cpu.X86.HasPOPCNT
	hasAVX512 = hasAVX2 && cpu.X86.HasBMI2 && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VBMI2
)

//go:noescape
func classify32(to *Classes, text *byte, n int, delim byte)

//go:noescape
func classify64(to *Classes, text *byte, n int, delim byte)

func classify(to *Classes, text *byte, n int, delim byte) {
	switch {
	case hasAVX512:
		classify64(to, text, n, delim)
	case hasAVX2:
		classify32(to, text, n, delim)
	default:
		classifyWords(unsafe.Slice(to, n), unsafe.Slice(text, n*Size), delim)
	}
}

//go:noescape
func rewrite64(to, text *byte, n int, delim byte) int

func rewrite(to, text *byte, n int, delim byte) int {
	switch {
	case hasAVX512:
		return rewrite64(to, text, n, delim)
	case hasAVX2:
		return rewrite16(to, text, n, delim, &shuffles)
	default:
		return rewriteBytes(unsafe.Slice(to, n), unsafe.Slice(text, n), delim)
	}
}

//go:noescape
func positions64(to *[Size]int32, base int32, set uint64, numbers *[Size]byte)

// numbers are those of a block's bytes.
var numbers = func() (all [Size]byte) {
	for i := range all {
		all[i] = byte(i)
	}
	return all
}()

func positions(to *[Size]int32, base int32, set uint64) {
	if hasAVX512 {
		positions64(to, base, set, &numbers)
	} else {
		positionsByBits(to, base, set)
	}
}

//go:noescape
func ascii32(text *byte, n int) int

func ascii(text *byte, n int) int {
	if hasAVX2 {
		return ascii32(text, n)
	}
	return 0
}
