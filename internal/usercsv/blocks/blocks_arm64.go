package blocks

//go:noescape
func classify(to *Classes, text *byte, n int, delim byte)

func rewrite(to, text *byte, n int, delim byte) int { return rewrite16(to, text, n, delim, &shuffles) }
