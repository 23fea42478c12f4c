package agreement_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
)

// generator makes pools and files of users out of a seed. What it cannot make: a pool whose header was given by hand,
// files of several megabytes, mappings, groups, and users who are in the pool before.
type generator struct{ *rand.Rand }

func newGenerator(seed uint64) generator { return generator{rand.New(rand.NewPCG(seed, 11))} }

func (g generator) pick(from ...string) string { return from[g.IntN(len(from))] }

func (g generator) one(n int) bool { return g.IntN(n) == 0 }

// attribute is one of a pool's SchemaAttributes, as describe-user-pool prints it.
type attribute struct {
	Name, AttributeDataType    string
	Required                   bool
	StringAttributeConstraints *struct{ MinLength, MaxLength string } `json:",omitempty"`
	NumberAttributeConstraints *struct{ MinValue, MaxValue string }   `json:",omitempty"`
}

// pool is what describe-user-pool prints of a pool.
type pool struct {
	ID                     string `json:"Id"`
	Name, MfaConfiguration string
	SchemaAttributes       []attribute
	AutoVerifiedAttributes []string
	UsernameAttributes     []string                      `json:",omitempty"`
	AliasAttributes        []string                      `json:",omitempty"`
	UsernameConfiguration  *struct{ CaseSensitive bool } `json:",omitempty"`
}

func (g generator) attributeLists() []string {
	return [][]string{{"email"}, {"phone_number"}, {"email", "phone_number"}}[g.IntN(3)]
}

func (g generator) pool() pool {
	p := pool{
		ID: "us-east-1_Example01", Name: "people", MfaConfiguration: g.pick("OFF", "ON", "OPTIONAL"),
		AutoVerifiedAttributes: g.attributeLists(),
	}
	switch g.IntN(3) {
	case 0:
		p.UsernameAttributes = g.attributeLists()
	case 1:
		p.AliasAttributes = g.attributeLists()
	}
	if g.one(2) {
		p.UsernameConfiguration = &struct{ CaseSensitive bool }{g.one(2)}
	}
	text := func(name, low, high string) attribute {
		return attribute{
			Name: name, AttributeDataType: "String", Required: g.one(4),
			StringAttributeConstraints: &struct{ MinLength, MaxLength string }{low, high},
		}
	}
	number := func(name string) attribute {
		return attribute{
			Name: name, AttributeDataType: "Number",
			NumberAttributeConstraints: &struct{ MinValue, MaxValue string }{
				g.pick("", "0", "-5", "1"), g.pick("", "9", "500", "9007199254740991", "99999999999999999999"),
			},
		}
	}
	p.SchemaAttributes = []attribute{
		{Name: "sub", AttributeDataType: "String", Required: true},
		text("email", "0", "2048"), text("name", "0", g.pick("2048", "20")), text("phone_number", "0", "2048"),
		text("birthdate", "10", "10"), number("updated_at"), text("custom:team", g.pick("0", "1", "3"), g.pick("5", "2048")),
		number("custom:points"),
		{Name: "custom:active", AttributeDataType: "Boolean"},
		{Name: "custom:joined", AttributeDataType: "DateTime"},
		text("dev:custom:secret", "0", "256"),
	}
	return p
}

func (p pool) json() []byte {
	text, err := json.Marshal(map[string]any{"UserPool": p})
	if err != nil {
		panic(err)
	}
	return text
}

// columns are the names that a file may have, with a generator of cells each.
var columns = map[string]func(g generator, row int) string{
	"username": func(g generator, row int) string {
		return g.pick(fmt.Sprintf("u%d", row), fmt.Sprintf("u%d@example.com", row), fmt.Sprintf("+1206555%04d", row), "",
			"Ünï"+fmt.Sprint(row), "u\u0308"+fmt.Sprint(row), "a b", "NULL", "'00123", "=1+1", "u,1", `u\1`, "1.2E+11", "U1", "u1")
	},
	"email": func(g generator, row int) string {
		return g.pick(fmt.Sprintf("u%d@example.com", row), fmt.Sprintf("U%d@Example.com", row), "é@ü.example", "a@b",
			"", "a@b..c", "'a@b.example", " x@y.example\u200b", "x@y.example,z", "ann@xn--bcher-kva.example", "a\tb@c.example")
	},
	"email_verified": func(g generator, _ int) string {
		return g.pick("true", "TRUE", "yes", "1", "false", "", "2024-11-21", "2024-11-21 11:00:00+00", "1732186800", "maybe")
	},
	"phone_number": func(g generator, row int) string {
		return g.pick(fmt.Sprintf("+1206555%04d", row), "+49 (0) 30 23125123", "+39 (0)6 5550 1234", "0049 30 23125123", "",
			"+49 030 23125123", "030 23125123", "+1", "+14325551212x5", "+880 1712-345678", "+2250123456789", "'+14325551212")
	},
	"phone_number_verified": func(g generator, _ int) string { return g.pick("true", "n", "", "t", "2020-01-01", "0") },
	"cognito:mfa_enabled":   func(g generator, _ int) string { return g.pick("", "", "true", "false", "Y") },
	"birthdate": func(g generator, _ int) string {
		return g.pick("1985-02-01", "2/1/1985", "02/29/2000", "02/29/1900", "1985-02-01 00:00:00", "", "2085-01-01", "1899-12-31")
	},
	"updated_at": func(g generator, _ int) string {
		return g.pick("1471453471", "1471453471000", "2016-08-17T17:04:31Z", "2016-08-17 17:04:31", "", "45321", "1732186800.0",
			"2016-08-17 19:04:31 +0200", "999999999")
	},
	"name":   generator.text,
	"team":   generator.text,
	"secret": generator.text,
	"points": func(g generator, _ int) string {
		return g.pick("0", "7", "-5", "+3", "007", "12.0", "1.000", "9007199254740991", "-9007199254740991", "9007199254740992", "",
			"00000000000000000000000000000007", "1e3", "500", "501")
	},
	"active": func(g generator, _ int) string { return g.pick("true", "F", "yes", "0", "", "on") },
	"joined": func(g generator, _ int) string {
		return g.pick("2020-02-29", "2021-02-29", "2020-01-01T10:00Z", "2020-01-01T10:00:59.123+02:00", "2020-01-01T10:00:00-23:59",
			"2020-01-01T10:00", "", "2020-01-01T23:59:60Z", "0001-01-01")
	},
	"password_hash": func(g generator, _ int) string {
		return g.pick("", "$2b$12$"+strings.Repeat("a", 53), "$2b$13$"+strings.Repeat("a", 53), "16384$8$1$ab$cd", "16384$8$1$abc$cd",
			"$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA", "$pbkdf2-sha256$600000$c2FsdA$aGFzaA==", "$pbkdf2-sha256$1$a.b$c/d",
			"$wp$2y$10$"+strings.Repeat("a", 53), "00016384$08$01$ab$cd")
	},
}

// text makes a value of a String attribute: words, signs, letters of many scripts, and every length up to the limits.
func (g generator) text(int) string {
	if g.one(6) {
		return strings.Repeat(g.pick("x", "é", "日", "😀", ","), 1+g.IntN(2100))
	}
	var b strings.Builder
	for range g.IntN(4) {
		b.WriteString(g.pick("Ann", "Lee, Ann", "日本", "\u200d", "é", "\u00ad", " ", "\t", "\u3000", `"`, `\`, `\,`, ",", "NULL", "#N/A",
			"'", "=", "1.2E+11", "\u0007", "\ufffd", "\u2028", "\n", "\ufdd0", "😀", "\u202e", "x", "-", "n/a", "\u3164"))
	}
	return b.String()
}

// file makes a file of users with some of the columns, in a random order, and how it is written.
func (g generator) file(p pool, rows int) string {
	var names []string
	for _, name := range []string{
		"username", "email", "email_verified", "phone_number", "phone_number_verified", "cognito:mfa_enabled", "birthdate",
		"updated_at", "name", "team", "secret", "points", "active", "joined", "password_hash",
	} {
		if name == "username" || name == "email" || !g.one(4) {
			names = append(names, name)
		}
	}
	g.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	delimiter, end := g.pick(",", ";", "\t", "|"), g.pick("\n", "\r\n")
	var b strings.Builder
	b.WriteString(g.pick("", "\ufeff") + strings.Join(names, delimiter) + end)
	// One row in two is plain, so that most others differ from a good one by a cell or two.
	for row := range rows {
		plain := g.one(2)
		for i, name := range names {
			if i > 0 {
				b.WriteString(delimiter)
			}
			cell := strings.ReplaceAll(goodCells[name], "#", fmt.Sprint(10+row))
			if name == "username" && len(p.UsernameAttributes) > 0 {
				cell = ""
			}
			if !plain && g.one(4) {
				cell = columns[name](g, row)
			}
			b.WriteString(`"` + strings.ReplaceAll(cell, `"`, `""`) + `"`)
		}
		b.WriteString(end)
	}
	return b.String()
}

// goodCells are cells that most pools accept; # is the number of the row.
var goodCells = map[string]string{
	"username": "u#", "email": "u#@example.com", "email_verified": "true", "phone_number": "+120655501#", "name": "Ann#",
	"phone_number_verified": "true", "cognito:mfa_enabled": "", "team": "red", "secret": "x#", "birthdate": "1985-02-01",
	"points": "7", "joined": "2020-02-29", "active": "", "updated_at": "1471453471", "password_hash": "",
}
