package usercsv_test

import (
	"fmt"
	"strings"
	"testing"

	"userdrop/internal/contract"
	"userdrop/internal/usercsv"
)

func TestEmails(t *testing.T) {
	label := strings.Repeat("a", 63)
	for _, good := range []string{
		"ann+tag@example.com", "ann@bücher.example", "用户@example.com", "ANN@EXAMPLE.COM", "ann@xn--bcher-kva.example",
		"o'neil@example.com", "a.b.c@d.e.fg", "ann@ｅxample.com", "!#$%&*+/=?^_`{|}~-@example.com", "1@2.3d", "é\u0301@é\u0301.example",
		strings.Repeat("a", 64) + "@example.com", "a@" + label + ".com", "a@b-c.example", "a@example.con",
		strings.Repeat("é", 64) + "@example.com",
	} {
		cells{{"email", good, fmt.Sprintf("%+q", good)}}.testASCII(t)
	}
	for _, bad := range []string{
		"", "ann", "@example.com", "ann@", "ann@localhost", "ann@@example.com", "ann@example..com", "ann@example.com.", ".ann@example.com",
		"ann.@example.com", "ann..lee@example.com", "ann@-example.com", "ann@example-.com", "ann@.example.com", "ann@example.c",
		"ann@example.12", "ann@[127.0.0.1]", "ann at example.com", "ann@exam_ple.com", "Ann Lee <ann@example.com>", "<ann@example.com>",
		"mailto:ann@example.com", "ann@example.com;bob@example.com", "ann@example,com", "ann＠example.com", "ann@example.com。",
		"ann@example.com (work)", `"ann lee"@example.com`, "ann@exa mple.com", "ann\u00a0@example.com", "ann@example.com,",
		strings.Repeat("a", 65) + "@example.com", "a@" + label + "a.com", "a@" + strings.Repeat(label+".", 4) + "com",
		"a@b.example\u2026", "½@example.com", "a@½.example",
	} {
		if bad != "" {
			cells{{"email", bad, "BadEmail"}}.test(t, cellPool(), usercsv.Settings{})
		}
	}
	for cell, detail := range map[string]string{
		"ann\u00a0@example.com": "U+00A0", "ann\u2009@example.com": "U+2009", "ann lee@example.com": "a space", "ann<@example.com": "<",
		"ann＠example.com": "U+FF20",
	} {
		out := run(t, cellPool(), usercsv.Settings{}, "username,email,email_verified\nu,"+cell+",true\n")
		if failed := out.failed.String(); !strings.Contains(failed, detail) {
			t.Errorf("%q: failed.csv lacks %q:\n%s", cell, detail, failed)
		}
	}
}

// testASCII is test for values whose wanted text is quoted in ASCII.
func (c cells) testASCII(t *testing.T) {
	t.Helper()
	for i := range c {
		c[i].want = fmt.Sprintf("%q", c[i].cell)
	}
	c.test(t, cellPool(), usercsv.Settings{})
}

func TestPhoneNumbers(t *testing.T) {
	dashes := "\u2010\u2011\u2012\u2013\u2014\u2015\u2212-./"
	for _, dash := range dashes {
		cells{{"phone_number", "+1" + string(dash) + "432" + string(dash) + "555 1212", `"+14325551212"`}}.test(t, cellPool(), usercsv.Settings{})
	}
	for _, space := range "\u00a0\u2009\u202f\u3000 " {
		cells{{"phone_number", "+1" + string(space) + "4325551212", `"+14325551212"`}}.test(t, cellPool(), usercsv.Settings{})
	}
	cells{
		{"phone_number", "001 (432) 555-1212", `"+14325551212"`},
		{"phone_number", "+49 (0) 30 23125123", `"+493023125123"`},
		{"phone_number", "0049(0)3023125123", `"+493023125123"`},
		{"phone_number", "+39 (0)6 5550 1234", `"+390655501234"`},
		{"phone_number", "0039 06 5550 1234", `"+390655501234"`},
		{"phone_number", "+44 (0)(20) 7946 0018", `"+442079460018"`},
		{"phone_number", "(+44) 20 7946 0018", `"+442079460018"`},
		{"phone_number", "+378 (0549) 550123", `"+3780549550123"`},
		{"phone_number", "+800 1234 5678", `"+80012345678"`}, // of no country
		// Trunk digits behind the country code.
		{"phone_number", "+49 030 23125123", "BadPhone"},
		{"phone_number", "+44 020 7946 0018", "BadPhone"},
		{"phone_number", "+33 01 23 45 67 89", "BadPhone"},
		{"phone_number", "+31 020 1234567", "BadPhone"},
		{"phone_number", "+7 8 495 123-45-67", "BadPhone"},
		{"phone_number", "+36 06 1 234 5678", "BadPhone"},
		{"phone_number", "+81 03 1234 5678", "BadPhone"},
		{"phone_number", "+61 02 9876 5432", "BadPhone"},
		{"phone_number", "+1 1 432 555 1212", "BadPhone"},
		{"phone_number", "+1", "BadPhone"},
		{"phone_number", "+12", "BadPhone"},
		{"phone_number", "+0123456", "BadPhone"},
		{"phone_number", "+999 1234567", "BadPhone"},
		{"phone_number", "+143255512123", "BadPhone"},
		{"phone_number", "+1 432 555 1212 x5", "BadPhone"},
		{"phone_number", "tel:+14325551212", "BadPhone"},
		{"phone_number", "+1-800-FLOWERS", "BadPhone"},
		{"phone_number", "＋14325551212", "BadPhone"},
		{"phone_number", "+١٢٣٤٥٦٧", "BadPhone"},
		{"phone_number", "14325551212", "BadPhone"},
		{"phone_number", "0", "BadPhone"},
		{"phone_number", "+14325551212,+14325551213", "BadPhone"},
		{"phone_number", "+49(0)(0)30", "BadPhone"},
	}.test(t, cellPool(), usercsv.Settings{})
	for _, test := range []struct{ country, cell, want string }{
		{"HU", "06 1 234 5678", `"+3612345678"`},
		{"HU", "(1) 234-5678", `"+3612345678"`},
		{"RU", "8 (495) 123-45-67", `"+74951234567"`},
		{"RU", "79161234567", `"+79161234567"`},
		{"US", "(432) 555-1212", `"+14325551212"`},
		{"US", "555-1212", "BadPhone"},
		{"IT", "06 5550 1234", `"+390655501234"`},
		{"DE", "030/1234567", `"+49301234567"`},
		{"DE", "+43 1 234567", `"+431234567"`},
		{"DE", "0043 1 234567", `"+431234567"`},
		{"AR", "011 8765-4321", `"+541187654321"`},
	} {
		cells{{"phone_number", test.cell, test.want}}.test(t, cellPool(), usercsv.Settings{DefaultPhoneCountry: test.country})
	}
}

// Tests run on 2026-11-21.
func TestBirthdates(t *testing.T) {
	both := cells{
		{"birthdate", "1985-02-01", `"02/01/1985"`},
		{"birthdate", "1985-02-01 00:00:00", `"02/01/1985"`},
		{"birthdate", "1985-02-01T00:00:00Z", `"02/01/1985"`},
		{"birthdate", "1985-02-01 00:00", `"02/01/1985"`},
		{"birthdate", "1985-02-01T00:00:00.000+02:00", `"02/01/1985"`},
		{"birthdate", "1985-02-01 00:00:00 UTC", `"02/01/1985"`},
		{"birthdate", "1985-02-01 00:00:00-0500", `"02/01/1985"`},
		{"birthdate", "1985-02-01 00:00:01", "BadBirthdate"},
		{"birthdate", "1985-02-01 12:00:00", "BadBirthdate"},
		{"birthdate", "2026-11-21", `"11/21/2026"`},
		{"birthdate", "2026-11-22", "BadBirthdate"},
		{"birthdate", "1900-01-01", `"01/01/1900"`},
		{"birthdate", "1899-12-31", "BadBirthdate"},
		{"birthdate", "0000-00-00", "BadBirthdate"},
		{"birthdate", "1985-02-29", "BadBirthdate"},
		{"birthdate", "1985-2-1", "BadBirthdate"},
		{"birthdate", "1985/02/01", "BadBirthdate"},
		{"birthdate", "1-Feb-1985", "BadBirthdate"},
		{"birthdate", "31079", "BadBirthdate"},
		{"birthdate", "1/2/85", "BadBirthdate"},
		{"birthdate", "1/2-1985", "BadBirthdate"},
		{"birthdate", "32/01/1985", "BadBirthdate"},
		{"birthdate", "001/1/1985", "BadBirthdate"},
		{"birthdate", "4/4/1985", `"04/04/1985"`},
	}
	monthFirst := cells{
		{"birthdate", "2/1/1985", `"02/01/1985"`},
		{"birthdate", "12/25/1990", `"12/25/1990"`},
		{"birthdate", "25/12/1990", "BadBirthdate"},
		{"birthdate", "01.02.1985", "BadBirthdate"},
		{"birthdate", "01-02-1985", "BadBirthdate"},
		{"birthdate", "2/29/1985", "BadBirthdate"},
	}
	dayFirst := cells{
		{"birthdate", "2/1/1985", `"01/02/1985"`},
		{"birthdate", "25/12/1990", `"12/25/1990"`},
		{"birthdate", "12/25/1990", "BadBirthdate"},
		{"birthdate", "1.2.1985", `"02/01/1985"`},
		{"birthdate", "01-02-1985", `"02/01/1985"`},
		{"birthdate", "29.2.1985", "BadBirthdate"},
	}
	for _, order := range []usercsv.DateOrder{"", usercsv.DateAuto, usercsv.DateMonthFirst} {
		append(both, monthFirst...).test(t, cellPool(), usercsv.Settings{DateOrder: order})
	}
	append(both, dayFirst...).test(t, cellPool(), usercsv.Settings{DateOrder: usercsv.DateDayFirst})
}

func TestAmbiguousDates(t *testing.T) {
	for _, test := range []struct {
		name, dates string
		refused     bool
	}{
		{"both ways beside day first", "03/04/1985 25/12/1990", true},
		{"both ways beside as many of each", "03/04/1985 25/12/1990 12/25/1990", true},
		{"both ways beside more with the month first", "03/04/1985 25/12/1990 12/25/1990 12/26/1990", false},
		{"day first alone", "25/12/1990 26/12/1990", false},
		{"both ways alone", "03/04/1985 05/06/1985", false},
		{"the same either way", "04/04/1985 25/12/1990", false},
		{"no day of the calendar with the month first", "31/04/1985 03/04/1985", false},
		{"one way no day of the calendar", "29/02/1984 03/04/1985", true},
		{"day and month both over 12", "13/13/1985 03/04/1985", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			source := "username,email,email_verified,birthdate\n"
			for i, date := range strings.Fields(test.dates) {
				source += fmt.Sprintf("u%d,u%d@example.com,true,%s\n", i, i, date)
			}
			for _, order := range []usercsv.DateOrder{"", usercsv.DateMonthFirst, usercsv.DateDayFirst} {
				out := run(t, cellPool(), usercsv.Settings{DateOrder: order}, source)
				refused := len(out.Problems) > 0 && out.Problems[0].Code == contract.AmbiguousDates
				if want := test.refused && order == ""; refused != want {
					t.Errorf("%q: refused %t, want %t: %+v", order, refused, want, out.Problems)
				}
				settings := complete(usercsv.Settings{DateOrder: order})
				_, err := usercsv.Verify(t.Context(), strings.NewReader(source), cellPool(), settings)
				if (err != nil) != refused {
					t.Errorf("%q: Verify: %v", order, err)
				}
			}
		})
	}
}

func TestTimes(t *testing.T) {
	cells{
		{"updated_at", "1471453471", `"1471453471"`},
		{"updated_at", "999999999", `"999999999"`},
		{"updated_at", "1471453471.0", `"1471453471"`},
		{"updated_at", "1471453471.00", "BadUpdatedAt"},
		{"updated_at", "1508255889999", `"1508255889"`},
		{"updated_at", "2016-08-17T17:04:31Z", `"1471453471"`},
		{"updated_at", "2016-08-17 17:04:31.999z", `"1471453471"`},
		{"updated_at", "2016-08-17t19:04:31+02:00", `"1471453471"`},
		{"updated_at", "2016-08-17 19:04:31+0200", `"1471453471"`},
		{"updated_at", "2016-08-17 12:04:31 -05", `"1471453471"`},
		{"updated_at", "2016-08-17 22:34:31 +05:30", `"1471453471"`},
		{"updated_at", "2016-08-17 17:04:31 utc", `"1471453471"`},
		{"updated_at", "2016-08-17T17:04:31", `"1471453471" ZonelessTime`},
		{"updated_at", "2016-08-17", "BadUpdatedAt"},
		{"updated_at", "2016-08-17T17:04Z", "BadUpdatedAt"},
		{"updated_at", "2016-02-30T17:04:31Z", "BadUpdatedAt"},
		{"updated_at", "2016-08-17T25:04:31Z", "BadUpdatedAt"},
		{"updated_at", "2016-08-17T17:04:31 CET", "BadUpdatedAt"},
		{"updated_at", "1989-12-31T23:59:59Z", "BadUpdatedAt"},
		{"updated_at", "1990-01-01T00:00:00Z", `"631152000"`},
		{"updated_at", "2026-11-22T23:59:59Z", `"1795391999"`},
		{"updated_at", "2026-11-23T00:00:00Z", "BadUpdatedAt"},
		{"updated_at", "45321", "BadUpdatedAt"},
		{"updated_at", "45321.5", "BadUpdatedAt"},
		{"updated_at", "-1", "BadUpdatedAt"},
		{"updated_at", "17712345678", "BadUpdatedAt"},
		{"updated_at", "9999999999999", "BadUpdatedAt"},
		{"email_verified", "2024-11-21", `"true"`},
		{"email_verified", "2024-11-21 11:00:00.123456+00", `"true"`},
		{"email_verified", "1732186800", `"true"`},
		{"email_verified", "1732186800000", `"true"`},
		{"email_verified", "0001-01-01T00:00:00Z", "BadBoolean"},
		{"email_verified", "0000-00-00", "BadBoolean"},
		{"email_verified", "2085-01-01", "BadBoolean"},
		{"email_verified", "21.11.2024", "BadBoolean"},
		{"custom:flag", "2024-11-21", "BadBoolean"},
		{"custom:time", "2020-02-29", `"2020-02-29"`},
		{"custom:time", "2020-01-01T10:00Z", `"2020-01-01T10:00Z"`},
		{"custom:time", "2020-01-01T10:00:59.123-23:59", `"2020-01-01T10:00:59.123-23:59"`},
		{"custom:time", "2020-01-01T10:00", "BadDateTime"},
		{"custom:time", "2021-02-29", "BadDateTime"},
		{"custom:time", "2020-01-01 10:00Z", "BadDateTime"},
	}.test(t, cellPool(), usercsv.Settings{})
}

func TestNumbersAndBooleans(t *testing.T) {
	cells{
		{"custom:number", "12", `"12"`},
		{"custom:number", "12.0", `"12"`},
		{"custom:number", "+007", `"+007"`},
		{"custom:number", "-5.0", `"-5"`},
		{"custom:number", "1.000", "BadNumber"},
		{"custom:number", "250.000", "BadNumber"},
		{"custom:number", "12.00", "BadNumber"},
		{"custom:number", "12.", "BadNumber"},
		{"custom:number", ".0", "BadNumber"},
		{"custom:number", "1,000", "BadNumber"},
		{"custom:number", "1 000", "BadNumber"},
		{"custom:number", "0x1f", "BadNumber"},
		{"custom:number", "٣", "BadNumber"},
		{"custom:number", "9007199254740991", `"9007199254740991"`},
		{"custom:number", "-9007199254740991", `"-9007199254740991"`},
		{"custom:number", "9007199254740992", "NumberOutOfRange"},
		{"custom:number", "-9007199254740992", "NumberOutOfRange"},
		{"custom:number", "99999999999999999999", "NumberOutOfRange"},
		{"custom:number", strings.Repeat("0", 30) + "7", `"` + strings.Repeat("0", 30) + `7"`},
		{"custom:flag", "TRUE", `"true"`},
		{"custom:flag", "f", `"false"`},
		{"custom:flag", "Yes", `"true"`},
		{"custom:flag", "N", `"false"`},
		{"custom:flag", "1", `"true"`},
		{"custom:flag", "0", `"false"`},
		{"custom:flag", "", `""`},
		{"custom:flag", "1.0", "BadBoolean"},
		{"custom:flag", "on", "BadBoolean"},
		{"custom:flag", "x", "BadBoolean"},
		{"custom:flag", "WAHR", "BadBoolean"},
		{"custom:flag", "VRAI", "BadBoolean"},
		{"email_verified", "", "NotVerified"},
		{"email_verified", "no", "NotVerified"},
		{"email_verified", "maybe", "BadBoolean"},
		{"cognito:mfa_enabled", "", `"false"`},
		{"cognito:mfa_enabled", "T", `"true"`},
	}.test(t, cellPool(), usercsv.Settings{AssumeVerified: usercsv.AssumeBoth})
}

// A hash in the form of another product is refused with what to do, and the advice shows nothing of it.
func TestForeignHashes(t *testing.T) {
	const secret = "abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234"
	for hash, advice := range map[string]string{
		"{BCRYPT}$2y$10$" + secret: "braces", "$wp$2y$10$" + secret: "WordPress", "$P$B" + secret[:30]: "phpass",
		"pbkdf2_sha256$600000$salt$" + secret: "Django", "$argon2i$v=19$m=1,t=1,p=1$c2FsdA$aGFzaA": "Argon2id",
		"$2y$10$" + secret[:50]: "bcrypt hash that is cut", strings.Repeat("0a", 16): "MD5", "$6$salt$" + secret: "Unix",
		"$pbkdf2-sha512$1000$c2FsdA$aGFzaA": "SHA-256", "Blue-Kettle-42": "none of the forms",
	} {
		out := run(t, cellPool(), usercsv.Settings{}, "username,email,email_verified,password_hash\nu,u@example.com,true,"+quote(hash)+"\n")
		if got := out.codes[2]; got != contract.CodesOf(contract.BadHash) {
			t.Errorf("%s: %s", hash, got)
		}
		_, message, _ := strings.Cut(out.failed.String(), "BadHash")
		if !strings.Contains(message, advice) || strings.Contains(message, secret[:20]) || strings.Contains(message, "Kettle") {
			t.Errorf("%s: want %q in %s", hash, advice, message)
		}
	}
}
