package usercsv

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxEmail      = 254 // characters of an address (RFC 5321, section 4.5.3.1)
	maxEmailLocal = 64
	maxLabel      = 63
)

// localSigns are the signs that the part before the @ may hold beside letters, digits and marks (RFC 5322, atext).
const localSigns = "!#$%&'*+/=?^_`{|}~-"

// localBytes and labelBytes are the ASCII characters of the part before the @ and of a label of the domain.
var localBytes, labelBytes = emailBytes(localSigns), emailBytes("-")

func emailBytes(signs string) (table [256]bool) {
	for b := range utf8.RuneSelf {
		r := rune(b)
		table[b] = unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(signs, r)
	}
	return table
}

// emailFault returns what is wrong with an email address, or "" if it is one.
func emailFault(address []byte) string {
	at, fault := localFault(address)
	if fault == "" {
		fault = domainFault(address[at+1:])
	}
	if fault == "" && len(address) > maxEmail && utf8.RuneCount(address) > maxEmail {
		fault = fmt.Sprintf("It has over %d characters.", maxEmail)
	}
	return fault
}

// localFault returns where the @ is, or what is wrong with the part before it.
func localFault(address []byte) (at int, fault string) {
	dot := true // a dot may not be first, nor follow another
	for ; at < len(address) && address[at] != '@'; at++ {
		switch {
		case localBytes[address[at]]:
			dot = false
		case address[at] == '.' && dot:
			return 0, "A dot before the @ is not between two other characters."
		case address[at] == '.':
			dot = true
		default:
			n, wrong := addressRune(address[at:])
			if wrong != 0 {
				return 0, notAllowed(wrong)
			}
			at, dot = at+n-1, false
		}
	}
	switch {
	case at == len(address):
		return 0, "It has no @."
	case at == 0:
		return 0, "Nothing comes before the @."
	case dot:
		return 0, "A dot before the @ is not between two other characters."
	case address[0] == '\'':
		return 0, "It begins with an apostrophe."
	case at > maxEmailLocal && utf8.RuneCount(address[:at]) > maxEmailLocal:
		return 0, fmt.Sprintf("It has over %d characters before the @.", maxEmailLocal)
	}
	return at, ""
}

// domainFault returns what is wrong with a domain, or "".
func domainFault(domain []byte) string {
	start, dots := 0, 0 // where a label begins
	for at := 0; ; at++ {
		for at < len(domain) && labelBytes[domain[at]] {
			at++
		}
		if at < len(domain) && domain[at] != '.' {
			n, wrong := addressRune(domain[at:])
			if wrong != 0 {
				return notAllowed(wrong)
			}
			at += n - 1
			continue
		}
		if fault := labelFault(domain[start:at]); fault != "" {
			return fault
		}
		if at >= len(domain) {
			break
		}
		start, dots = at+1, dots+1
	}
	switch last := domain[start:]; {
	case dots == 0:
		return "The domain has no dot."
	case utf8.RuneCount(last) < 2:
		return "The domain's last part has one character alone."
	case isDigits(last):
		return "The domain's last part is a number."
	}
	return ""
}

// labelFault returns what is wrong with a part of a domain, beside characters that no domain holds.
func labelFault(label []byte) string {
	switch {
	case len(label) == 0:
		return "A dot in the domain is not between two other characters."
	case label[0] == '-' || label[len(label)-1] == '-':
		return "A hyphen in the domain is not between two other characters."
	case len(label) > maxLabel && utf8.RuneCount(label) > maxLabel:
		return fmt.Sprintf("A part of the domain has over %d characters.", maxLabel)
	}
	return ""
}

// addressRune returns the length of the character at the beginning of text, and the character itself where an address
// may not hold it, else 0. It may hold letters, digits and marks of every script.
func addressRune(text []byte) (n int, wrong rune) {
	r, n := utf8.DecodeRune(text)
	if r >= utf8.RuneSelf && unicode.In(r, unicode.L, unicode.Nd, unicode.M) {
		return n, 0
	}
	return n, r
}

// notAllowed names a character that is not allowed.
func notAllowed(r rune) string { return "It holds " + nameRune(r) + "." }

// nameRune names a character for people: by its code point unless it is printable ASCII.
func nameRune(r rune) string {
	switch {
	case r == ' ':
		return "a space"
	case r > ' ' && r < 0x7f:
		return "the character " + string(r)
	case unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S):
		return fmt.Sprintf("the character %c (U+%04X)", r, r)
	}
	return fmt.Sprintf("the character U+%04X", r)
}
