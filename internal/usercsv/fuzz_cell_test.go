package usercsv_test

import (
	"strconv"
	"strings"
	"testing"

	"userdrop/internal/usercsv"
)

// What reaches Cognito is in its form: read again it is the same. FuzzCell tries single cells of every column. It cannot
// make rows in which several cells are at fault, nor cells over some hundred characters; FuzzPrepare and the tests of
// test/agreement do.
func FuzzCell(f *testing.F) {
	columns := []string{
		"cognito:username", "email", "email_verified", "phone_number", "birthdate", "updated_at", "custom:text", "custom:number",
		"custom:flag", "custom:time", "cognito:mfa_enabled", "password_hash",
	}
	for i, cell := range []string{
		"'00123", `="+14325551212"`, `="a""b"`, "+49 (0) 30 23125123", "+39 (0)6 5550 1234", "1.23457E+11", "#N/A", "(null)", `\N`, `\,`,
		"2024-11-21 11:00:00 +0100", "1508255889.0", "02/29/2000", "1985-02-01 00:00:00", "12.0", "ann@example.com\u200b", "\ufeffx",
		"$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA", "2020-01-01T10:00:59.123+02:00", "u\u0308", "a\u00a0b", "\u2028", "x\x1b[31m",
	} {
		for column := range columns {
			f.Add(uint8(column), cell, i%2 == 0)
		}
	}
	f.Fuzz(func(t *testing.T, column uint8, cell string, national bool) {
		if strings.ContainsAny(cell, "\x00") || len(cell) > 500 || strings.HasPrefix(cell, "'") {
			return // one apostrophe is dropped, the next one is the value's
		}
		name := columns[int(column)%len(columns)]
		settings := usercsv.Settings{DateOrder: usercsv.DateMonthFirst}
		if national {
			settings.DefaultPhoneCountry = "DE"
		}
		got, _, _ := strings.Cut(readCell(t, cellPool(), settings, name, strings.ToValidUTF8(cell, "")), " ")
		value, err := strconv.Unquote(got)
		if err != nil || value == "" || strings.HasPrefix(value, "'") {
			return
		}
		if again, _, _ := strings.Cut(readCell(t, cellPool(), settings, name, value), " "); again != got {
			t.Errorf("%s: %q becomes %s, and that %s", name, cell, got, again)
		}
	})
}
