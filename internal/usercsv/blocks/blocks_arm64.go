package blocks

//go:noescape
func classify(to *Classes, text *byte, n int, delim byte)

func rewrite(to, text *byte, n int, delim byte) int { return rewrite16(to, text, n, delim, &shuffles) }

func positions(to *[Size]int32, base int32, set uint64) { positionsByBits(to, base, set) }

// ascii leaves the text to the standard library, which reads it by words.
func ascii(*byte, int) int { return 0 }
