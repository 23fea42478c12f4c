package blocks

// ways are the ways to classify that this processor has: whichever Classify does not take is tested all the same.
var ways = map[string]func([]Classes, []byte, byte){
	"Classify": Classify,
	"by words": classifyWords,
	"by 16 bytes": func(to []Classes, text []byte, delim byte) {
		if len(to) > 0 {
			classify16(&to[0], &text[0], len(to), delim)
		}
	},
}
