// Package phone makes national phone numbers international.
//
// It knows of libphonenumber what that needs, and decides as libphonenumber does; the tests compare the two. It is not
// the library because that decodes protocol buffers: reflection which keeps the linker from dropping code, so that
// every Lambda function would get 3 MB larger. See docs/adr/0012-package-size.md.
package phone

import (
	"regexp"
	"slices"
	"strings"
)

//go:generate go run ./generate plans.go

// plan is what a country's numbering plan says, in patterns of whole numbers or of what stands before one.
type plan struct {
	country   string // ISO 3166
	code      string // for calls from abroad
	main      bool   // the first of the countries that share the code: its lengths are those of all
	lengths   lengths
	local     lengths // that do without the area code
	abroad    string  // the prefix of calls to abroad
	trunk     string  // the prefix of calls within the country
	transform string  // what the trunk prefix becomes, if it does not just go
	valid     string  // numbers without any prefix
}

// lengths is a set of numbers of digits: bit n stands for n.
type lengths uint32

func (l lengths) has(n int) bool { return l>>n&1 == 1 }

// A Country understands its national numbers.
type Country struct {
	plan
	abroad, trunk, valid *regexp.Regexp
	main                 *Country // of those with the same calling code
}

// Lookup finds a country by its ISO 3166 code in capitals.
func Lookup(iso string) (*Country, bool) {
	i, ok := slices.BinarySearchFunc(plans[:], iso, func(p plan, iso string) int {
		return strings.Compare(p.country, iso)
	})
	if !ok {
		return nil, false
	}
	c := compile(plans[i])
	c.main = c
	if !c.plan.main {
		c.main = compile(plans[slices.IndexFunc(plans[:], func(p plan) bool { return p.main && p.code == c.code })])
	}
	return c, true
}

func compile(p plan) *Country {
	return &Country{
		plan:   p,
		abroad: regexp.MustCompile("^(?:" + p.abroad + ")"),
		trunk:  regexp.MustCompile("^(?:" + p.trunk + ")"),
		valid:  regexp.MustCompile("^(?:" + p.valid + ")$"),
	}
}

// E164 returns the digits of a national number, dialed from within the country, in E.164. It is false where their
// number can not be that of a phone number of the country.
func (c *Country) E164(digits string) (string, bool) {
	const shortest, longest = 2, 17 // libphonenumber's bounds of every country
	digits, plan, ok := c.withoutCode(digits)
	if !ok || len(digits) < shortest {
		return "", false
	}
	// A number that is too short without what may be a trunk prefix may have begun with these digits.
	if rest := plan.withoutTrunk(digits); plan.isPossible(rest) || plan.isTooLong(rest) {
		digits = rest
	}
	if len(digits) < shortest || len(digits) > longest || !c.main.isPossible(digits) {
		return "", false
	}
	return "+" + c.code + digits, true
}

// withoutCode takes away the country's calling code, if it is there: after the prefix of calls to abroad, or where the
// number makes sense only so. It returns the country whose plan then holds, and false for another country's number.
func (c *Country) withoutCode(digits string) (string, *Country, bool) {
	// No calling code starts with a zero.
	if prefix := c.abroad.FindStringIndex(digits); prefix != nil && !strings.HasPrefix(digits[prefix[1]:], "0") {
		rest, ok := strings.CutPrefix(digits[prefix[1]:], c.code)
		return rest, c.main, ok
	}
	if rest, ok := strings.CutPrefix(digits, c.code); ok {
		rest = c.withoutTrunk(rest)
		if c.isTooLong(digits) || !c.valid.MatchString(digits) && c.valid.MatchString(rest) {
			return rest, c.main, true
		}
	}
	return digits, c, true
}

// withoutTrunk takes away the prefix of calls within the country, unless that would make an invalid number of a valid
// one.
func (c *Country) withoutTrunk(digits string) string {
	groups := c.trunk.FindStringSubmatchIndex(digits)
	if c.plan.trunk == "" || groups == nil {
		return digits
	}
	rest := digits[groups[1]:]
	if last := groups[len(groups)-1]; c.transform != "" && last >= 0 {
		rest = c.trunk.ReplaceAllString(digits, c.transform)
	}
	if c.valid.MatchString(digits) && !c.valid.MatchString(rest) {
		return digits
	}
	return rest
}

func (c *Country) isPossible(digits string) bool {
	return c.lengths.has(len(digits)) && !c.local.has(len(digits))
}

func (c *Country) isTooLong(digits string) bool {
	return c.lengths>>len(digits) == 0 && !c.local.has(len(digits))
}
