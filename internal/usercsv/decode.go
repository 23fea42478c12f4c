package usercsv

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"userdrop/internal/contract"
)

// invalid is a byte that no UTF-8 text holds. The UTF-16 decoder writes it where half a character stands, so that
// whoever validates the text need not know where it came from.
const invalid = 0xFF

// decode looks at the first bytes of a source and returns its text as UTF-8 without a byte order mark. The text may
// still be invalid. The error is a *Refusal if the source is no text at all.
func decode(r io.Reader) (io.Reader, error) {
	first := make([]byte, 512)
	n, err := readFull(r, first)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	first = first[:n]
	if message := binaryFormat(first); message != "" {
		return nil, Refuse(contract.NotCSV, message)
	}
	whole := func(skip int) io.Reader { return io.MultiReader(bytes.NewReader(first[skip:]), r) }
	switch {
	case bytes.HasPrefix(first, []byte("\xEF\xBB\xBF")):
		return whole(3), nil
	case bytes.HasPrefix(first, []byte("\xFF\xFE")):
		return &utf16Reader{r: whole(2), order: binary.LittleEndian}, nil
	case bytes.HasPrefix(first, []byte("\xFE\xFF")):
		return &utf16Reader{r: whole(2), order: binary.BigEndian}, nil
	}
	return whole(0), nil
}

// readFull is io.ReadFull, but it returns io.EOF for a source that ended: io.ErrUnexpectedEOF means one
// whose connection broke, and whose rest is elsewhere.
func readFull(r io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var more int
		more, err = r.Read(p[n:])
		n += more
	}
	if n == len(p) {
		err = nil
	}
	return n, err
}

// utf16Reader converts UTF-16 to UTF-8.
type utf16Reader struct {
	r     io.Reader
	order binary.ByteOrder
	in    [4096]byte
	have  int    // bytes of in that wait for their other half
	out   []byte // what in became
	next  int    // where the rest of out begins
	err   error
}

func (u *utf16Reader) Read(p []byte) (int, error) {
	for u.next == len(u.out) {
		if u.err != nil {
			return 0, u.err
		}
		u.convert()
	}
	n := copy(p, u.out[u.next:])
	u.next += n
	return n, nil
}

func (u *utf16Reader) convert() {
	n, err := u.r.Read(u.in[u.have:])
	u.have += n
	u.err = err
	ended := errors.Is(err, io.EOF)
	u.out, u.next = u.out[:0], 0
	in := u.in[:u.have]
	for len(in) >= 2 {
		c := rune(u.order.Uint16(in))
		size := 2
		if utf16.IsSurrogate(c) {
			if len(in) < 4 && !ended {
				break
			}
			low := rune(0)
			if len(in) >= 4 {
				low = rune(u.order.Uint16(in[2:]))
			}
			if c = utf16.DecodeRune(c, low); c == utf8.RuneError {
				u.out = append(u.out, invalid)
				in = in[2:]
				continue
			}
			size = 4
		}
		u.out = utf8.AppendRune(u.out, c)
		in = in[size:]
	}
	if ended && len(in) > 0 {
		u.out = append(u.out, invalid)
		in = nil
	}
	u.have = copy(u.in[:], in)
}
