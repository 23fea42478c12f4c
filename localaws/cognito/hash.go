package cognito

import (
	"regexp"
	"strconv"
)

// hashForms are the password hashes that an import job takes, each with the highest value of its cost parameters in the
// order of the form's groups. See "Importing users with password hashes" in the Cognito developer guide.
var hashForms = map[string]hashForm{
	"BCRYPT": {regexp.MustCompile(`^\$2[abxy]\$(\d\d)\$[./A-Za-z0-9]{53}$`), []int64{12}},
	"SCRYPT": {
		regexp.MustCompile(`^(\d+)\$(\d+)\$(\d+)\$(?:[0-9a-fA-F]{2})+\$(?:[0-9a-fA-F]{2})+$`),
		[]int64{65536, 8, 1},
	},
	"ARGON2ID": {
		regexp.MustCompile(`^\$argon2id\$v=\d+\$m=(\d+),t=(\d+),p=(\d+)(?:\$[+/A-Za-z0-9]+={0,2}){2}$`),
		[]int64{19456, 2, 1},
	},
	"PBKDF2_SHA256": {
		regexp.MustCompile(`^\$pbkdf2-sha256\$(\d+)(?:\$[-+/_.A-Za-z0-9]+={0,2}){2}$`),
		[]int64{600000},
	},
}

type hashForm struct {
	form *regexp.Regexp
	most []int64
}

// The texts are headings of the guide's section; those of the log are not known.
const (
	hashMalformed = "Malformed hash."
	hashMismatch  = "Algorithm mismatch."
	hashBounds    = "Parameter out of bounds."
)

// checkHash says why a hash does not go into a job of that algorithm, or "" when it does.
func checkHash(algorithm, hash string) (problem string) {
	groups := hashForms[algorithm].form.FindStringSubmatch(hash)
	if groups == nil {
		for _, other := range hashForms {
			if other.form.MatchString(hash) {
				return hashMismatch
			}
		}
		return hashMalformed
	}
	for i, most := range hashForms[algorithm].most {
		if n, err := strconv.ParseInt(groups[i+1], 10, 64); err != nil || n > most {
			return hashBounds
		}
	}
	return ""
}
