package mapping

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/crypto/scrypt"
)

const password = "orchard-lamp-1"

var salt = []byte("a salt that has + and / in base64: \xfb\xff")

func derive(t testing.TB, size, iterations int, salt []byte) []byte {
	t.Helper()
	key, err := pbkdf2.Key(sha256.New, password, salt, iterations, size)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// verifies reports whether a password fits a hash in Cognito's form, by independent implementations of the algorithms.
func verifies(t testing.TB, hash, password string) bool {
	t.Helper()
	fields := strings.Split(hash, "$")
	plain64 := func(text string) []byte {
		data, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.ReplaceAll(text, ".", "+"), "="))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	number := func(text string) int {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	switch {
	case strings.HasPrefix(hash, "$2"):
		return bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) == nil
	case strings.HasPrefix(hash, "$pbkdf2-sha256$"):
		want := plain64(fields[4])
		key, err := pbkdf2.Key(sha256.New, password, plain64(fields[3]), number(fields[2]), len(want))
		return err == nil && hmac.Equal(key, want)
	case strings.HasPrefix(hash, "$argon2id$"):
		var m, time, p int
		if _, err := fmt.Sscanf(fields[3], "m=%d,t=%d,p=%d", &m, &time, &p); err != nil {
			t.Fatal(err)
		}
		want := plain64(fields[5])
		key := argon2.IDKey([]byte(password), plain64(fields[4]), uint32(time), uint32(m), uint8(p), uint32(len(want)))
		return hmac.Equal(key, want)
	default:
		salt, err1 := hex.DecodeString(fields[3])
		want, err2 := hex.DecodeString(fields[4])
		key, err3 := scrypt.Key([]byte(password), salt, number(fields[0]), number(fields[1]), number(fields[2]), len(want))
		return err1 == nil && err2 == nil && err3 == nil && hmac.Equal(key, want)
	}
}

// aspnet makes a hash of ASP.NET Core Identity, version 3.
func aspnet(prf uint32, key []byte) string {
	data := []byte{1}
	for _, n := range []uint32{prf, 1000, uint32(len(salt))} {
		data = binary.BigEndian.AppendUint32(data, n)
	}
	return base64.StdEncoding.EncodeToString(append(append(data, salt...), key...))
}

func object(t testing.TB, members map[string]any) string {
	t.Helper()
	text, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestHashesVerifyBeforeAndAfter makes each product's hash of a known password by the product's own algorithm, and has
// the password verify against what the mapping makes of it.
func TestHashesVerifyBeforeAndAfter(t *testing.T) {
	b := func(data []byte) string { return base64.StdEncoding.EncodeToString(data) }
	crypted, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	key, key64 := derive(t, 32, 1000, salt), derive(t, 64, 1000, salt)
	text := "textSalt"
	argon := argon2.IDKey([]byte(password), salt, 1, 1024, 1, 32)
	argonText := fmt.Sprintf("$argon2id$v=19$m=1024,t=1,p=1$%s$%s", base64.RawStdEncoding.EncodeToString(salt),
		base64.RawStdEncoding.EncodeToString(argon))
	scrypted, err := scrypt.Key([]byte(password), salt, 1024, 8, 1, 32)
	if err != nil {
		t.Fatal(err)
	}
	secret := object(t, map[string]any{"value": b(key64), "salt": b(salt)})
	parameters := object(t, map[string]any{"hashIterations": 1000, "algorithm": "pbkdf2-sha256"})
	for _, test := range []struct {
		name, expression string
		cells            []string
		rewritten        bool
	}{
		{"bcrypt", "bcrypt(a)", []string{string(crypted)}, false},
		{"bcrypt of PHP", "phc(a)", []string{strings.Replace(string(crypted), "$2a$", "$2y$", 1)}, false},
		{"Argon2id", "phc(a)", []string{argonText}, false},
		{"Django, PBKDF2", "django(a)", []string{
			"pbkdf2_sha256$1000$" + text + "$" + b(derive(t, 32, 1000, []byte(text))),
		}, true},
		{"Django, bcrypt", "django(a)", []string{"bcrypt$" + string(crypted)}, true},
		{"Django, Argon2id", "django(a)", []string{"argon2" + argonText}, true},
		{"ASP.NET Identity", "aspnet(a)", []string{aspnet(1, key)}, true},
		{"Keycloak, 64 bytes", "keycloak(a, b)", []string{secret, parameters}, true},
		{"PBKDF2 in base64", "pbkdf2(1000, a, b)", []string{b(salt), b(key)}, true},
		{"PBKDF2 in hexadecimal", "pbkdf2('1000', a, b, 'hex')", []string{
			hex.EncodeToString(salt), hex.EncodeToString(key),
		}, true},
		{"PBKDF2 with a salt of text", "pbkdf2(1000, a, b, 'text')", []string{
			text, b(derive(t, 32, 1000, []byte(text))),
		}, true},
		{"scrypt in PHC's form", "phc(a)", []string{fmt.Sprintf("$scrypt$ln=10,r=8,p=1$%s$%s",
			base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(scrypted))}, true},
		{"PBKDF2 in PHC's form", "phc(a)", []string{fmt.Sprintf("$pbkdf2-sha256$i=1000,l=32$%s$%s",
			base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			hash, failed := evaluate(t, test.expression, []string{"a", "b"}[:len(test.cells)], test.cells...)
			if failed != "" || hash == "" {
				t.Fatalf("no hash %s", failed)
			}
			if !keepable(hash) {
				t.Errorf("%s is not in Cognito's form", hash)
			}
			if !verifies(t, hash, password) || verifies(t, hash, password+"!") {
				t.Errorf("%s does not verify", hash)
			}
			if rewritten := hash != test.cells[0]; rewritten != test.rewritten {
				t.Errorf("rewritten: %v", rewritten)
			}
		})
	}
}

func keepable(hash string) bool { return phcHash(hash).text == hash }

// TestHashesThatCannotBeKept are dropped, never passed on in a form that looks right and never verifies.
func TestHashesThatCannotBeKept(t *testing.T) {
	b := func(data []byte) string { return base64.StdEncoding.EncodeToString(data) }
	crypted, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	key512, err := pbkdf2.Key(sha512.New, password, salt, 1000, 32)
	if err != nil {
		t.Fatal(err)
	}
	bcrypted := string(crypted)
	for _, test := range []struct {
		name, expression string
		cells            []string
		nothingLost      bool
	}{
		{"WordPress 6.8", "bcrypt(a)", []string{"$wp" + bcrypted}, false},
		{"WordPress, phpass", "bcrypt(a)", []string{"$P$BsampleSampleSampleSampleSamp.1"}, false},
		{"bcrypt above Cognito's cost", "bcrypt(a)", []string{strings.Replace(bcrypted, "$04$", "$13$", 1)}, false},
		{"bcrypt with a pepper behind", "bcrypt(a)", []string{bcrypted + "$pepper"}, false},
		{"Django, bcrypt of SHA-256", "django(a)", []string{"bcrypt_sha256$" + bcrypted}, false},
		{"Django, too many iterations", "django(a)", []string{"pbkdf2_sha256$870000$s$" + b(derive(t, 32, 1, salt))}, false},
		{"Django, SHA-1", "django(a)", []string{"pbkdf2_sha1$1000$s$" + b(derive(t, 32, 1, salt))}, false},
		{"Django, no password", "django(a)", []string{"!aBcDeF"}, true},
		{"ASP.NET, SHA-512", "aspnet(a)", []string{aspnet(2, key512)}, false},
		{"ASP.NET, version 2", "aspnet(a)", []string{b(append([]byte{0}, key512...))}, false},
		{"ASP.NET, a salt that is too long", "aspnet(a)", []string{
			b([]byte{1, 0, 0, 0, 1, 0, 0, 3, 232, 255, 255, 255, 255, 1}),
		}, false},
		{"Keycloak, SHA-512", "keycloak(a, b)", []string{
			object(t, map[string]any{"value": b(key512), "salt": b(salt)}),
			object(t, map[string]any{"hashIterations": 1000, "algorithm": "pbkdf2-sha512"}),
		}, false},
		{"Keycloak, no password", "keycloak(a, b)", []string{"", ""}, true},
		{"Argon2id above Cognito's maxima", "phc(a)", []string{"$argon2id$v=19$m=65536,t=4,p=1$c2FsdA$aGFzaA"}, false},
		{"a key that is too short", "pbkdf2(1000, a, b)", []string{b(salt), b(derive(t, 20, 1000, salt))}, false},
		{"Firebase", "drop(a)", []string{"c29tZS1oYXNo"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			names := []string{"a", "b"}[:len(test.cells)]
			m, err := Parse(hashMapping(t, test.expression))
			if err != nil {
				t.Fatal(err)
			}
			e, err := New(m, target)
			if err != nil {
				t.Fatal(err)
			}
			s, err := e.Open(names)
			if err != nil {
				t.Fatal(err)
			}
			var cells [][]byte
			for _, c := range test.cells {
				cells = append(cells, []byte(c))
			}
			row := s.Map(cells)
			dropped := e.Account().Hashes.Dropped
			if row.Failed != "" || row.Values[0] != nil || (dropped == 0) != test.nothingLost || len(row.Notes) != dropped {
				t.Errorf("failed %q, value %s, dropped %d, notes %v", row.Reason, row.Values[0], dropped, row.Notes)
			}
		})
	}
}

func hashMapping(t testing.TB, expression string) []byte {
	return mappingText(t, map[string]any{
		"columns": map[string]string{"password_hash": expression}, "ignore": []string{"*"},
	})
}
