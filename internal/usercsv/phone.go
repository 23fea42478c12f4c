package usercsv

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// PhoneNumbers decides about phone numbers by the numbering plans of countries. Numbers in E.164 are + and digits.
type PhoneNumbers interface {
	// KnowsCountry reports whether country is the ISO 3166 code of a country with a numbering plan.
	KnowsCountry(country string) bool
	// International reports whether a number, + and digits, is in E.164, with a length that its country has and
	// without the digit that only calls inside the country begin with.
	International(number []byte) bool
	// National returns the digits of a national number of a country in E.164.
	National(digits, country string) (string, bool)
	// OptionalZero returns a number in E.164 whose writer put a zero in parentheses between code, + and the digits of
	// a country code, and rest.
	OptionalZero(code, rest string) (string, bool)
}

const maxE164 = len("+") + 15

// isE164 reports whether text is a plus sign and 2 to 15 digits, the first of which is not 0.
func isE164(text []byte) bool {
	return len(text) >= 3 && len(text) <= maxE164 && text[0] == '+' && text[1] != '0' && isDigits(text[1:])
}

// phone returns a number in E.164.
func (c *checker) phone(text []byte) ([]byte, bool) {
	if isE164(text) {
		return text, c.settings.PhoneNumbers.International(text)
	}
	from := len(c.scratch)
	var zeroAt int
	var ok bool
	if c.scratch, zeroAt, ok = appendDialled(c.scratch, text); !ok {
		return nil, false
	}
	number := c.scratch[from:]
	switch country := c.settings.DefaultPhoneCountry; {
	case zeroAt > 0:
		e164, ok := c.settings.PhoneNumbers.OptionalZero(string(number[:zeroAt]), string(number[zeroAt:]))
		return []byte(e164), ok
	case len(number) > 0 && number[0] == '+':
		return number, isE164(number) && c.settings.PhoneNumbers.International(number)
	case country == "" || len(number) == 0:
		return nil, false
	default:
		e164, ok := c.settings.PhoneNumbers.National(string(number), country)
		return []byte(e164), ok
	}
}

// appendDialled appends the + and the digits of a number, a leading 00 as +. The signs between them are dropped, and
// so is a (0) behind a country code: zeroAt is where it was, 0 if nowhere. It returns false if there is anything else.
func appendDialled(to, text []byte) (dialled []byte, zeroAt int, ok bool) {
	from := len(to)
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		number := to[from:]
		switch {
		case r >= '0' && r <= '9':
			to = append(to, byte(r))
			if string(to[from:]) == "00" {
				to = append(to[:from], '+')
			}
		case r == '+' && len(number) == 0:
			to = append(to, '+')
		case r == '(' && zeroAt == 0 && bytes.HasPrefix(text[i:], []byte("(0)")) && isCountryCode(number):
			zeroAt, n = len(number), len("(0)")
		case !isPhoneSign(r):
			return to, 0, false
		}
		i += n
	}
	return to, zeroAt, true
}

// isPhoneSign reports whether people write the character between the digits of a phone number.
func isPhoneSign(r rune) bool {
	switch r {
	case '-', '.', '/', '(', ')', '\u2212':
		return true
	}
	return r >= '\u2010' && r <= '\u2015' || unicode.Is(unicode.Zs, r)
}

// isCountryCode reports whether what was read of a number so far is + and one to three digits.
func isCountryCode(text []byte) bool { return len(text) >= 2 && len(text) <= 4 && text[0] == '+' }

// isDigits reports whether text is ASCII digits, at least one.
func isDigits(text []byte) bool {
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(text) > 0
}
