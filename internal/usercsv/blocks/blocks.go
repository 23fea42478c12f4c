// Package blocks tells of text, 64 bytes at a time, which bytes are which: a bit for each byte, so that a reader of CSV
// visits only the bytes that mean something. The technique is that of simdjson (Langdale and Lemire, "Parsing Gigabytes
// of JSON per Second", 2019).
//
// On amd64 and arm64 vector instructions do it, elsewhere words of eight bytes. All ways come out the same.
package blocks

// Size is how many bytes a block has.
const Size = 64

// Slack is how many bytes more Rewrite may touch.
const Slack = Size

// Classes are a block's bytes as bit sets, by what they are. Bit 0 is the first byte.
type Classes struct {
	Delims uint64 // the delimiter
	Quotes uint64 // quotation marks
	Spaces uint64 // spaces, U+0020 alone
	Others uint64 // backslashes, and all but printable ASCII
	High   uint64 // what is not ASCII, a subset of Others
	Lines  uint64 // line feeds, a subset of Others
}

// Classify tells of as many blocks as to has room for what text holds. It panics if text is shorter.
func Classify(to []Classes, text []byte, delim byte) {
	if len(to) == 0 {
		return
	}
	classify(&to[0], &text[: len(to)*Size : len(text)][0], len(to), delim)
}

// Positions writes the numbers of a set's bits, each added to base. Whatever else is in to may be overwritten.
func Positions(to *[Size]int32, base int32, set uint64) { positions(to, base, set) }

// Rewrite copies text to to, but for quotation marks, and with a comma for each delimiter, and tells how much that is.
// It may touch Slack bytes more of to, for which there must be room, and look at as many behind text.
func Rewrite(to, text []byte, delim byte) int {
	if len(text) == 0 {
		return 0
	}
	_, _ = to[:len(text)+Slack], text[:len(text)+Slack]
	return rewrite(&to[0], &text[0], len(text), delim)
}

// ASCII tells how many bytes at the beginning of text are ASCII and not NUL, or fewer.
func ASCII(text []byte) int {
	if len(text) < Size {
		return 0
	}
	return ascii(&text[0], len(text)/Size)
}
