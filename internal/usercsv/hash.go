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
