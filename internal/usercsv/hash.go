package usercsv

import (
	"regexp"
	"strconv"
)

// Algorithm is the password hash algorithm of an import job, as CreateUserImportJob names it; empty for none.
type Algorithm string

// The algorithms of password hashes.
const (
	NoAlgorithm  Algorithm = ""
	BCRYPT       Algorithm = "BCRYPT"
	SCRYPT       Algorithm = "SCRYPT"
	ARGON2ID     Algorithm = "ARGON2ID"
	PBKDF2SHA256 Algorithm = "PBKDF2_SHA256"
)

// hashForms are the forms of password hashes and the maxima of their parameters (developer guide, "Importing users
// into user pools from a CSV file", password hashes).
var hashForms = []struct {
	algorithm Algorithm
	form      *regexp.Regexp
	maxima    []int // of the groups
}{
	{BCRYPT, regexp.MustCompile(`^\$2[abxy]\$(\d\d)\$[./A-Za-z0-9]{53}$`), []int{12}},
	{SCRYPT, regexp.MustCompile(`^(\d+)\$(\d+)\$(\d+)\$(?:[0-9A-Fa-f]{2})+\$(?:[0-9A-Fa-f]{2})+$`), []int{65536, 8, 1}},
	{
		ARGON2ID,
		regexp.MustCompile(`^\$argon2id\$v=\d+\$m=(\d+),t=(\d+),p=(\d+)(?:\$[A-Za-z0-9+/]+={0,2}){2}$`),
		[]int{19456, 2, 1},
	},
	{
		PBKDF2SHA256,
		regexp.MustCompile(`^\$pbkdf2-sha256\$(\d+)(?:\$[A-Za-z0-9+/.]+={0,2}){2}$`),
		[]int{600000},
	},
}

// foreignHashes are forms of other products, and what to do about each. The texts name the form, never the hash.
var foreignHashes = []struct {
	form   *regexp.Regexp
	advice string
}{
	{regexp.MustCompile(`^\{(?i:bcrypt|crypt|scrypt|pbkdf2[^}]*)\}`), "Remove the word in braces before the hash."},
	{regexp.MustCompile(`^\$wp\$`), "It is WordPress's form, which hashes twice: Cognito cannot check it."},
	{regexp.MustCompile(`^\$[PH]\$`), "It is the form of phpass, which Cognito does not take."},
	{
		regexp.MustCompile(`^(bcrypt|bcrypt_sha256|pbkdf2_sha(1|256)|argon2|md5|scrypt)\$`),
		"It is Django's form: userdrop convert --mapping django brings it into Cognito's where that is possible.",
	},
	{regexp.MustCompile(`^\$argon2(i|d)\$`), "It is Argon2i or Argon2d; Cognito takes Argon2id."},
	{regexp.MustCompile(`^\$pbkdf2(-sha512)?\$`), "It is PBKDF2 with another hash function; Cognito takes SHA-256."},
	{regexp.MustCompile(`^\$2[abxy]\$`), "It is a bcrypt hash that is cut or has characters too many."},
	{regexp.MustCompile(`^\$[156]\$`), "It is the form of a Unix password file, which Cognito does not take."},
	{regexp.MustCompile(`^[0-9A-Fa-f]{32,128}$`), "It is a plain digest such as MD5 or SHA-256, which Cognito does not take."},
}

// hashAdvice returns what to do about a hash in none of Cognito's forms, or "" where the form is not known either.
func hashAdvice(text []byte) string {
	for _, f := range foreignHashes {
		if f.form.Match(text) {
			return f.advice
		}
	}
	return ""
}

// parseHash finds a hash's algorithm and whether its parameters are within Cognito's maxima.
func parseHash(text []byte) (algorithm Algorithm, within, ok bool) {
	for _, f := range hashForms {
		m := f.form.FindSubmatchIndex(text)
		if m == nil {
			continue
		}
		within = true
		for i, maximum := range f.maxima {
			n, err := strconv.Atoi(string(text[m[2*i+2]:m[2*i+3]]))
			within = within && err == nil && n <= maximum
		}
		return f.algorithm, within, true
	}
	return "", false, false
}
