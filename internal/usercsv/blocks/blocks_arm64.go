package blocks

//go:noescape
func classify(to *Classes, text *byte, n int, delim byte)
