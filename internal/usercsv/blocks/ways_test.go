//go:build !amd64

package blocks

// ways are the ways to classify that this processor has.
var ways = map[string]func([]Classes, []byte, byte){"Classify": Classify, "by words": classifyWords}
