package usercsv_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"userdrop/internal/contract"
	"userdrop/internal/usercsv"
)

// checkInvariants proves what is true of any source.
func checkInvariants(t testing.TB, pool *usercsv.Pool, settings usercsv.Settings, source string) {
	t.Helper()
	out := run(t, pool, settings, source)
	submitted := 0
	for _, part := range out.parts {
		rows := parseCognito(t, part.String())
		for _, row := range rows {
			if len(row) != len(rows[0]) {
				t.Fatalf("%d values under %d columns: %q", len(row), len(rows[0]), row)
			}
		}
		if places := part.places(t); len(places) != part.sum.Rows || len(rows)-1 != part.sum.Rows {
			t.Fatalf("%d rows, %d lines, %d said", len(rows)-1, len(places), part.sum.Rows)
		}
		if part.sum.Bytes != int64(part.Len()) {
			t.Fatalf("%d bytes, %d said", part.Len(), part.sum.Bytes)
		}
		if part.sum.SourceIsPart != (len(out.parts) == 1 && part.String() == source) {
			t.Fatalf("source is part: %t", part.sum.SourceIsPart)
		}
		submitted += part.sum.Rows
	}
	if out.Read != out.Rejected+submitted || out.Rejected != len(out.codes) {
		t.Fatalf("read %d, rejected %d (%d), submitted %d", out.Read, out.Rejected, len(out.codes), submitted)
	}
	if !slices.IsSortedFunc(out.Problems, func(a, b contract.Problem) int { return int(a.Code) - int(b.Code) }) {
		t.Fatalf("problems out of order: %v", out.Problems)
	}
	if out.Rejected == 0 {
		return
	}
	// failed.csv can be read back, and what was not repaired is rejected again, unless it was only a duplicate.
	again := run(t, pool, settings, out.failed.String())
	duplicates := 0
	for _, codes := range out.codes {
		if codes == contract.CodesOf(contract.DuplicateUsername) {
			duplicates++
		}
	}
	if again.Read != out.Rejected || again.Rejected < out.Rejected-duplicates {
		t.Fatalf("rejected %d, %d of them duplicates; dropped again %d of %d are\n%s\n%s",
			out.Rejected, duplicates, again.Rejected, again.Read, out.failed.String(), again.failed.String())
	}
}

// Any byte string gives a verdict, and what comes out of it adds up.
func FuzzPrepare(f *testing.F) {
	for _, source := range []string{
		"", "\ufeff", "email,username\na@b.example,ann\n", "user;mail;email_verified\r\n\"a\";a@b.example;t\r\n\"b;x\r\n",
		"username,email\rü,\"a\"\"@b\"\r\r\"x\ny\",z\n", "\xff\xfeu\x00s\x00e\x00r\x00\n\x00\xd8\x00",
		"email,username\n\\,,\"\\,\"\n\\\\,x\n,,,\n\"\"\n", "username\temail\tpassword_hash\na\ta@b.example\t1$1$1$a$b\n",
		"email,username,phone,dob,updated_at\na@b.example,c,+1 (0)2,1/2/1999,2020-01-01 00:00:00z\n",
		"email,email_verified,cognito:mfa_enabled,cognito:username\na@b.example,true,false,a\n", "PK\x03\x04", "a\x00b\n",
	} {
		f.Add([]byte(source), uint8(0))
		f.Add([]byte(source), uint8(255))
	}
	f.Fuzz(func(t *testing.T, source []byte, options uint8) {
		pool := testPool()
		bit := func(n uint8) bool { return options&(1<<n) != 0 }
		if bit(0) {
			pool.UsernameAttributes = []string{"email", "phone_number"}
		}
		if bit(1) {
			pool.AliasAttributes = []string{"email", "phone_number"}
		}
		if bit(2) {
			pool.Header = []string{"email", "email_verified", "cognito:mfa_enabled", "cognito:username"}
		}
		if bit(3) {
			pool.MFA = usercsv.MFAOn
		}
		pool.CaseSensitive = bit(4)
		var settings usercsv.Settings
		if bit(5) {
			settings.AssumeVerified = usercsv.AssumeBoth
		}
		if bit(6) {
			settings.DefaultPhoneCountry = "DE"
		}
		pool.Attributes = []usercsv.Attribute{
			{Name: "custom:n", Type: usercsv.Number},
			{Name: "custom:d", Type: usercsv.DateTime},
			{Name: "custom:b", Type: usercsv.Boolean},
			{Name: "dev:custom:s", Type: usercsv.String},
		}
		checkInvariants(t, pool, settings, string(source))
		if _, err := usercsv.Verify(t.Context(), bytes.NewReader(source), pool, complete(usercsv.Settings{})); err != nil {
			if _, ok := errors.AsType[*usercsv.Refusal](err); !ok {
				t.Fatal(err)
			}
		}
	})
}
