package usercsv

import (
	"bytes"
	"math/big"
	"regexp"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"userdrop/internal/phone"
)

const (
	maxValue    = 2048  // characters of a value (API model, AttributeValueType)
	maxUsername = 128   // characters of a username (API model, UsernameType)
	maxLine     = 16000 // characters of a row (developer guide, "Importing users into user pools from a CSV file")
)

// isASCII tells whether text is printable ASCII throughout: no control character either.
func isASCII(text []byte) bool {
	for _, c := range text {
		if c < ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}

// representable tells whether Cognito's dialect has a way to write text. None is documented for line breaks, quotation
// marks and backslashes.
func representable(text []byte) bool {
	return !bytes.ContainsAny(text, "\"\\\r\n\v\f\u0085\u2028\u2029")
}

// parseBoolean understands true/false, t/f, yes/no, y/n and 1/0 in any case.
func parseBoolean(text []byte) (value, ok bool) {
	if len(text) > len("false") {
		return false, false
	}
	var lower [len("false")]byte
	for i, c := range text {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		lower[i] = c
	}
	switch string(lower[:len(text)]) {
	case "true", "t", "yes", "y", "1":
		return true, true
	case "false", "f", "no", "n", "0":
		return false, true
	}
	return false, false
}

// validEmail tells whether text is one local part, one @ and one domain, without white space and control characters.
// Plain text is printable ASCII.
func validEmail(text []byte, plain bool) bool {
	at := bytes.IndexByte(text, '@')
	if at <= 0 || at == len(text)-1 || bytes.IndexByte(text[at+1:], '@') >= 0 {
		return false
	}
	if plain || isASCII(text) {
		return bytes.IndexByte(text, ' ') < 0
	}
	return bytes.IndexFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) < 0
}

// validUsername tells whether text has at most 128 characters, all of them of the classes that UsernameType allows
// (API model: [\p{L}\p{M}\p{S}\p{N}\p{P}]+). None of them is white space. Plain text is printable ASCII.
func validUsername(text []byte, plain bool) bool {
	if plain || isASCII(text) {
		return len(text) <= maxUsername && bytes.IndexByte(text, ' ') < 0
	}
	if utf8.RuneCount(text) > maxUsername {
		return false
	}
	return bytes.IndexFunc(text, func(r rune) bool {
		return !unicode.In(r, unicode.L, unicode.M, unicode.S, unicode.N, unicode.P)
	}) < 0
}

// isE164 tells whether text is + and 2 to 15 digits, the first not 0.
func isE164(text []byte) bool {
	return len(text) >= 3 && len(text) <= 16 && text[0] == '+' && text[1] != '0' && isDigits(text[1:])
}

// isDigits tells whether text is ASCII digits, at least one.
func isDigits(text []byte) bool {
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(text) > 0
}

// appendPhone appends the number in E.164. country is that of national numbers, if any.
func appendPhone(to, text []byte, country *phone.Country) ([]byte, bool) {
	if isE164(text) {
		return append(to, text...), true
	}
	from := len(to)
	trunk := false // the (0) of a number with a country code was met
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c >= '0' && c <= '9', c == '+' && len(to) == from:
			to = append(to, c)
		case c == '(' && !trunk && bytes.HasPrefix(text[i:], []byte("(0)")) && isCountryCode(to[from:]):
			trunk = true
			i += len("(0)") - 1
		case c == ' ', c == '-', c == '.', c == '(', c == ')':
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRune(text[i:])
			if !unicode.Is(unicode.Zs, r) {
				return to, false
			}
			i += n - 1
		default:
			return to, false
		}
	}
	number := to[from:]
	switch {
	case bytes.HasPrefix(number, []byte("00")):
		number = append(number[:0], number[1:]...)
		number[0] = '+'
		to = to[:from+len(number)]
	case len(number) > 0 && number[0] != '+':
		if country == nil {
			return to, false
		}
		international, _ := country.E164(string(number))
		to = append(to[:from], international...)
	}
	return to, isE164(to[from:])
}

// isCountryCode tells whether what was read of a number so far is + or 00 and one to three digits.
func isCountryCode(text []byte) bool {
	code, ok := bytes.CutPrefix(text, []byte("+"))
	if !ok {
		code, ok = bytes.CutPrefix(text, []byte("00"))
	}
	return ok && len(code) >= 1 && len(code) <= 3
}

// appendBirthdate appends a date as MM/DD/YYYY. It takes that, with one or two digits, and YYYY-MM-DD.
func appendBirthdate(to, text []byte) ([]byte, bool) {
	var year, month, day []byte
	if isDate(text) {
		year, month, day = text[:4], text[5:7], text[8:]
	} else {
		month, text, _ = bytes.Cut(text, []byte("/"))
		day, year, _ = bytes.Cut(text, []byte("/"))
		if !isDigits(month) || !isDigits(day) || !isDigits(year) || len(month) > 2 || len(day) > 2 || len(year) != 4 {
			return to, false
		}
	}
	if !isDay(number(year), number(month), number(day)) {
		return to, false
	}
	to = append(to, "00"[len(month):]...)
	to = append(to, month...)
	to = append(to, '/')
	to = append(to, "00"[len(day):]...)
	to = append(to, day...)
	to = append(to, '/')
	return append(to, year...), true
}

// isDate tells whether text has the form YYYY-MM-DD.
func isDate(text []byte) bool {
	return len(text) == len("2006-01-02") && text[4] == '-' && text[7] == '-' &&
		isDigits(text[:4]) && isDigits(text[5:7]) && isDigits(text[8:])
}

// isDay tells whether the date is in the calendar.
func isDay(year, month, day int) bool {
	if year < 1 || month < 1 || month > 12 || day < 1 {
		return false
	}
	return day <= 28 || time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Day() == day
}

// number is the value of a few digits.
func number(digits []byte) int {
	n := 0
	for _, c := range digits[:min(len(digits), 4)] {
		n = n*10 + int(c-'0')
	}
	return n
}

// appendUpdatedAt appends a time as seconds since 1970. It takes those, and RFC 3339 with T or a space in any case.
func appendUpdatedAt(to, text []byte) ([]byte, bool) {
	if isDigits(text) {
		return append(to, text...), len(text) <= 10
	}
	upper := bytes.ToUpper(text)
	if len(upper) > 10 && upper[10] == ' ' {
		upper[10] = 'T'
	}
	if !isDateTime(upper) || len(upper) < len("2006-01-02T15:04:05Z") || upper[16] != ':' {
		return to, false
	}
	t, err := time.Parse(time.RFC3339, string(upper))
	if err != nil || t.Unix() < 0 {
		return to, false
	}
	return strconv.AppendInt(to, t.Unix(), 10), true
}

var dateTime = regexp.MustCompile(
	`^\d{4}-\d\d-\d\d(T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d))?$`)

// isDateTime tells whether text is YYYY-MM-DD, alone or with Thh:mm[:ss[.f]] and Z or ±hh:mm.
func isDateTime(text []byte) bool {
	return len(text) >= 10 && isDate(text[:10]) && isDay(number(text[:4]), number(text[5:7]), number(text[8:10])) &&
		(len(text) == 10 || dateTime.Match(text))
}

// wholeNumber is text without a fraction of zeros, if that is a whole number.
func wholeNumber(text []byte) ([]byte, bool) {
	whole, fraction, dot := bytes.Cut(text, []byte("."))
	if dot && (len(fraction) == 0 || len(bytes.Trim(fraction, "0")) > 0) {
		return nil, false
	}
	digits := whole
	if len(whole) > 0 && (whole[0] == '+' || whole[0] == '-') {
		digits = whole[1:]
	}
	return whole, isDigits(digits)
}

// inRange tells whether a whole number is within the bounds, nil being none.
func inRange(text []byte, low, high *big.Int) bool {
	if low == nil && high == nil {
		return true
	}
	if len(text) <= 18 && (low == nil || low.IsInt64()) && (high == nil || high.IsInt64()) {
		n, err := strconv.ParseInt(string(text), 10, 64)
		return err == nil && (low == nil || n >= low.Int64()) && (high == nil || n <= high.Int64())
	}
	n, ok := new(big.Int).SetString(string(text), 10)
	return ok && (low == nil || n.Cmp(low) >= 0) && (high == nil || n.Cmp(high) <= 0)
}

// Algorithm is the password hash algorithm of an import job, as CreateUserImportJob names it; empty for none.
type Algorithm string

// The algorithms of password hashes.
const (
	NoAlgorithm  Algorithm = ""
	BCRYPT       Algorithm = "BCRYPT"
	SCRYPT       Algorithm = "SCRYPT"
	ARGON2ID     Algorithm = "ARGON2ID"
	PBKDF2SHA256 Algorithm = "PBKDF2_SHA256"
)

// hashForms are the forms of password hashes and the maxima of their parameters (developer guide, "Importing users
// into user pools from a CSV file", password hashes).
var hashForms = []struct {
	algorithm Algorithm
	form      *regexp.Regexp
	maxima    []int // of the groups
}{
	{BCRYPT, regexp.MustCompile(`^\$2[abxy]\$(\d\d)\$[./A-Za-z0-9]{53}$`), []int{12}},
	{SCRYPT, regexp.MustCompile(`^(\d+)\$(\d+)\$(\d+)\$[0-9A-Fa-f]+\$[0-9A-Fa-f]+$`), []int{65536, 8, 1}},
	{
		ARGON2ID,
		regexp.MustCompile(`^\$argon2id\$v=\d+\$m=(\d+),t=(\d+),p=(\d+)\$[A-Za-z0-9+/]+=*\$[A-Za-z0-9+/]+=*$`),
		[]int{19456, 2, 1},
	},
	{
		PBKDF2SHA256,
		regexp.MustCompile(`^\$pbkdf2-sha256\$(\d+)\$[A-Za-z0-9+/.]+=*\$[A-Za-z0-9+/.]+=*$`),
		[]int{600000},
	},
}

// parseHash finds a hash's algorithm and whether its parameters are within Cognito's maxima.
func parseHash(text []byte) (algorithm Algorithm, within, ok bool) {
	for _, f := range hashForms {
		m := f.form.FindSubmatchIndex(text)
		if m == nil {
			continue
		}
		within = true
		for i, maximum := range f.maxima {
			n, err := strconv.Atoi(string(text[m[2*i+2]:m[2*i+3]]))
			within = within && err == nil && n <= maximum
		}
		return f.algorithm, within, true
	}
	return "", false, false
}
