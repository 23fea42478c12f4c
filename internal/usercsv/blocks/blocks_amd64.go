package blocks

import "golang.org/x/sys/cpu"

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
