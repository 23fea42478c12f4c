// Package phonenumber decides about phone numbers as libphonenumber does: which countries there are, which lengths
// their numbers have, and what only calls inside a country begin with. It links the library with its tables, some two
// megabytes, so only what prepares files imports it; package usercsv gets it as a value.
package phonenumber

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"

	"github.com/nyaruka/phonenumbers"
)

// Numbers are the numbering plans of all countries. It implements usercsv.PhoneNumbers.
type Numbers struct{ plans [1000]*plan }

// plan is what decides about most numbers of a calling code without the library, which takes microseconds.
type plan struct {
	lengths uint32 // bit n: n digits behind the calling code are possible from abroad
	trunk   uint16 // bit d: what only calls inside the country begin with may begin with the digit d
	keeps   bool   // numbers keep a leading zero
}

// maxDigits is the longest number in E.164.
const maxDigits = 15

// New returns the plans. They are read once in a process.
var New = sync.OnceValue(func() *Numbers {
	n := &Numbers{}
	collection, err := phonenumbers.MetadataCollection()
	if err != nil {
		panic(fmt.Sprintf("the tables in the binary cannot be read: %v", err)) // they are part of it
	}
	for _, country := range collection.GetMetadata() {
		code := int(country.GetCountryCode())
		if region := phonenumbers.GetRegionCodeForCountryCode(code); region == country.GetId() {
			n.plans[code] = newPlan(code, country)
		}
	}
	return n
})

func newPlan(code int, country *phonenumbers.PhoneMetadata) *plan {
	p := &plan{}
	national := uint64(1)
	for n := 1; n <= maxDigits; n++ {
		number := &phonenumbers.PhoneNumber{}
		number.CountryCode, number.NationalNumber = new(int32(code)), &national
		if phonenumbers.IsPossibleNumberWithReason(number) == phonenumbers.IS_POSSIBLE {
			p.lengths |= 1 << n
		}
		national *= 10
	}
	if prefix := country.GetNationalPrefixForParsing(); prefix != "" {
		p.trunk = firstDigits(prefix)
	}
	if country.GetNationalPrefix() == "" {
		example := phonenumbers.GetExampleNumber(country.GetId())
		p.keeps = example != nil && strings.HasPrefix(phonenumbers.GetNationalSignificantNumber(example), "0")
	}
	return p
}

// firstDigits returns the digits that a match of a pattern may begin with, as bits.
func firstDigits(pattern string) uint16 {
	const all = 1<<10 - 1
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return all
	}
	digits, empty := firstOf(re)
	if empty {
		return all
	}
	return digits
}

// firstOf returns the digits that a match may begin with, and whether it may be empty.
func firstOf(re *syntax.Regexp) (digits uint16, empty bool) {
	switch re.Op {
	case syntax.OpLiteral:
		return digitBits(re.Rune[0], re.Rune[0]), false
	case syntax.OpCharClass:
		for i := 0; i < len(re.Rune); i += 2 {
			digits |= digitBits(re.Rune[i], re.Rune[i+1])
		}
		return digits, false
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			first, empty := firstOf(sub)
			if digits |= first; !empty {
				return digits, false
			}
		}
		return digits, true
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			first, none := firstOf(sub)
			digits, empty = digits|first, empty || none
		}
		return digits, empty
	case syntax.OpCapture, syntax.OpPlus:
		return firstOf(re.Sub[0])
	case syntax.OpStar, syntax.OpQuest:
		digits, _ = firstOf(re.Sub[0])
		return digits, true
	case syntax.OpRepeat:
		digits, empty = firstOf(re.Sub[0])
		return digits, empty || re.Min == 0
	}
	return 0, true // an assertion, or something else that decides nothing
}

func digitBits(low, high rune) (digits uint16) {
	for d := max(low, '0'); d <= min(high, '9'); d++ {
		digits |= 1 << (d - '0')
	}
	return digits
}

// Countries returns the ISO 3166 codes of all countries, in alphabetical order.
func Countries() []string {
	var all []string
	for country := range phonenumbers.GetSupportedRegions() {
		all = append(all, country)
	}
	slices.Sort(all)
	return all
}

// KnowsCountry reports whether country is the ISO 3166 code of a country with a numbering plan.
func (*Numbers) KnowsCountry(country string) bool { return phonenumbers.GetSupportedRegions()[country] }

// International reports whether a number, + and digits, is in E.164, with a length that its country has and without
// the digits that only calls inside the country begin with.
func (n *Numbers) International(number []byte) bool {
	p, national := n.plan(number)
	if p == nil || len(national) < 2 || len(number) > 1+maxDigits {
		return false
	}
	if p.trunk>>(national[0]-'0')&1 == 0 {
		return p.lengths>>len(national)&1 == 1
	}
	_, ok := parse(string(number), "ZZ", string(number))
	return ok
}

// plan returns the plan of a number's calling code, which no other begins with, and the digits behind the code.
func (n *Numbers) plan(number []byte) (*plan, []byte) {
	code := 0
	for i := 1; i < len(number) && i <= 3; i++ {
		if code = code*10 + int(number[i]-'0'); n.plans[code] != nil {
			return n.plans[code], number[i+1:]
		}
	}
	return nil, nil
}

// parse parses a number and returns it in E.164 if its length is possible, and if it is want where that is not empty.
func parse(text, country, want string) (*phonenumbers.PhoneNumber, bool) {
	number, err := phonenumbers.Parse(text, country)
	if err != nil || phonenumbers.IsPossibleNumberWithReason(number) != phonenumbers.IS_POSSIBLE {
		return nil, false
	}
	return number, want == "" || phonenumbers.Format(number, phonenumbers.E164) == want
}

// National returns the digits of a national number of a country in E.164. Another country's number, behind the prefix
// of calls to abroad, is none.
func (*Numbers) National(digits, country string) (string, bool) {
	number, ok := parse(digits, country, "")
	if !ok || int(number.GetCountryCode()) != phonenumbers.GetCountryCodeForRegion(country) {
		return "", false
	}
	e164 := phonenumbers.Format(number, phonenumbers.E164)
	return e164, len(e164) <= 1+maxDigits
}

// OptionalZero returns a number in E.164 whose writer put a zero in parentheses between code, + and the digits of a
// country code, and rest. The zero stays where only the number with it is a valid one; where neither decides, it stays
// if the country's numbers keep a leading zero.
func (n *Numbers) OptionalZero(code, rest string) (string, bool) {
	with, without := code+"0"+rest, code+rest
	validWith, validWithout := n.valid(with), n.valid(without)
	p, _ := n.plan([]byte(without))
	chosen := without
	if validWith && !validWithout || validWith == validWithout && p != nil && p.keeps {
		chosen = with
	}
	return chosen, n.International([]byte(chosen))
}

func (*Numbers) valid(text string) bool {
	number, ok := parse(text, "ZZ", text)
	return ok && phonenumbers.IsValidNumber(number)
}
