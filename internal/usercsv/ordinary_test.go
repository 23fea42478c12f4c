package usercsv_test

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"userdrop/internal/usercsv"
)

// Rows that are nearly ordinary, and ordinary ones beside them, come out the same whether or not the engine takes its
// short way; run compares. Rows of many lengths bring each byte to each place of a block.
func TestOrdinaryRows(t *testing.T) {
	one, nine := 1, 9
	values := map[string][]string{
		"cognito:username": {
			"ann", "bob", "u1", "U1", "a@b", "+12", "", "x y", strings.Repeat("u", 128), strings.Repeat("u", 129),
			"ÄNNE", "änne", "日本", "x\u200by", strings.Repeat("é", 128), strings.Repeat("é", 129),
		},
		"email": {
			"ann@example.com", "a@b", "", "@example.com", "example@", "two@ats@example", "has space@example.com",
			"nothing.at.all",
			"é@example.com", "ann@münchen.example", "a\u00a0nn@example.com", "ann@\u0080example",
			"ends.with.at.the.very.end@", strings.Repeat("e", 60) + "@b",
		},
		"email_verified":        {"true", "false", "True", "1", "n", "", "maybe"},
		"phone_number_verified": {"true", "false", "F", "", "perhaps"},
		"cognito:mfa_enabled":   {"false", "true", "", "no"},
		"phone_number": {
			"+12065550100", "+1 206 555 0100", "", "0049 30 1234", "+0123456789", "+123456789012345", "12",
			"+1206555010x",
		},
		"birthdate": {
			"02/03/1985", "1985-02-03", "2/3/1985", "", "02/30/1985", "02/29/2000", "00/01/1985", "01/01/0000",
			"0x/01/1985", "02x03/1985",
		},
		"updated_at": {"1471412345", "14714123456", "2020-01-01T00:00:00Z", "", "1", "14714x2345"},
		"address": {
			"1 Main Street", "1 Main Street, Springfield", "", "x", strings.Repeat("long ", 30) + "y",
			strings.Repeat("z", 2049),
		},
		"name": {
			"Maria", "María", "", "exactly 9", "ten chars!", "x", "éxactly 9", "tén chars!", "山田", "山田\u3000太郎",
			"a\u2028b", "a\u0085b", "\ufeffa", "👩‍🚀",
		},
		"custom:n": {"1", "12.0", "7x", "", "123", "+5"},
		"custom:d": {"2020-01-01", "", "2020-1-1"},
		"password_hash": {
			"", "", "$2b$10$" + strings.Repeat("a", 53), "$argon2id$v=19$m=19456,t=2,p=1$YWJj$YWJj", "nonsense",
		},
	}
	const seeds = 200
	for seed := range uint64(seeds) {
		rng := rand.New(rand.NewPCG(seed, 2))
		pick := func(choices ...string) string { return choices[rng.IntN(len(choices))] }
		chance := func(percent int) bool { return rng.IntN(100) < percent }
		pool := testPool()
		pool.CaseSensitive = chance(50)
		if chance(20) {
			pool.AutoVerified = []string{"phone_number"}
		}
		pool.Attributes = []usercsv.Attribute{
			{Name: "name", Type: usercsv.String, MinLength: &one, MaxLength: &nine, Required: chance(20)},
			{Name: "email", Type: usercsv.String, Required: chance(20)},
			{Name: "custom:n", Type: usercsv.Number, Max: big.NewInt(100)},
			{Name: "custom:d", Type: usercsv.DateTime},
		}
		if chance(30) {
			pool.UsernameAttributes = []string{"email", "phone_number"}
		}
		if chance(30) {
			pool.AliasAttributes = []string{"email", "phone_number"}
		}
		settings := usercsv.Settings{AssumeVerified: usercsv.AssumeVerified(pick("none", "both"))}
		columns := []string{"cognito:username"}
		for _, name := range []string{
			"name", "email", "email_verified", "birthdate", "phone_number", "phone_number_verified", "address", "updated_at",
			"custom:n", "custom:d", "cognito:mfa_enabled", "password_hash", "userdrop:line",
		} {
			if chance(70) || name == "name" {
				columns = append(columns, name)
			}
		}
		if chance(50) {
			rng.Shuffle(len(columns), func(i, j int) { columns[i], columns[j] = columns[j], columns[i] })
		}
		delim, end := pick(",", ",", ";", "\t"), pick("\n", "\n", "\r\n", "\r")
		quoting, oddity := rng.IntN(3)*50, rng.IntN(3)*2
		var source strings.Builder
		source.WriteString(strings.Join(columns, delim) + end)
		for range 60 {
			cells := make([]string, len(columns))
			for i, name := range columns {
				choices := values[name]
				if choices == nil {
					choices = []string{"7"}
				}
				cell := choices[0]
				if chance(12) {
					cell = pick(choices...)
				}
				if name == "cognito:username" && chance(80) {
					cell = fmt.Sprintf("user%d", rng.IntN(1000))
				}
				if chance(oddity) {
					at := rng.IntN(len(cell) + 1)
					cell = cell[:at] + pick(" ", `"`, `\`, `\,`, "\t", "\v", "\x7f", "é", "\u00ac", "日", "\u3000", "\u1680",
						"\u2029", ",", ";", end) + cell[at:]
				}
				if chance(quoting) || strings.ContainsAny(cell, delim) && chance(95) {
					cell = `"` + cell + `"`
				}
				if chance(oddity) {
					cell = pick(" ", `"`, "\u00a0", "\u3000") + cell
				}
				if chance(oddity) {
					cell += pick(" ", `"`, "x")
				}
				cells[i] = cell
			}
			if chance(2) {
				cells = cells[:rng.IntN(len(cells))]
			}
			if chance(2) {
				cells = append(cells, pick("", "x", `""`))
			}
			source.WriteString(strings.Join(cells, delim) + end)
		}
		text := source.String()
		run(t, pool, settings, text[:len(text)-rng.IntN(3)])
	}
}
