package cognito

import (
	"errors"
	"regexp"
	"strconv"
)

// hashForms are the password hashes that an import job takes, each with the highest value of its cost parameters in the
// order of the form's groups. See "Importing users with password hashes" in the Cognito developer guide.
var hashForms = map[string]struct {
	form *regexp.Regexp
	most []int64
}{
	"BCRYPT":        {regexp.MustCompile(`^\$2[abxy]\$(\d\d)\$[./A-Za-z0-9]{53}$`), []int64{12}},
	"SCRYPT":        {regexp.MustCompile(`^(\d+)\$(\d+)\$(\d+)\$(?:[0-9a-fA-F]{2})+\$(?:[0-9a-fA-F]{2})+$`), []int64{65536, 8, 1}},
	"ARGON2ID":      {regexp.MustCompile(`^\$argon2id\$v=\d+\$m=(\d+),t=(\d+),p=(\d+)\$[+/A-Za-z0-9]+={0,2}\$[+/A-Za-z0-9]+={0,2}$`), []int64{19456, 2, 1}},
	"PBKDF2_SHA256": {regexp.MustCompile(`^\$pbkdf2-sha256\$(\d+)\$[-+/_.A-Za-z0-9]+={0,2}\$[-+/_.A-Za-z0-9]+={0,2}$`), []int64{600000}},
}

var (
	errHashMalformed = errors.New("Malformed hash.")
	errHashMismatch  = errors.New("Algorithm mismatch.")
	errHashBounds    = errors.New("Parameter out of bounds.")
)

// checkHash says why a hash does not go into a job of that algorithm.
func checkHash(algorithm, hash string) error {
	groups := hashForms[algorithm].form.FindStringSubmatch(hash)
	if groups == nil {
		for _, other := range hashForms {
			if other.form.MatchString(hash) {
				return errHashMismatch
			}
		}
		return errHashMalformed
	}
	for i, most := range hashForms[algorithm].most {
		if n, err := strconv.ParseInt(groups[i+1], 10, 64); err != nil || n > most {
			return errHashBounds
		}
	}
	return nil
}
