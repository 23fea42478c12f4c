package usercsv

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// aliases are names that people give to standard columns, folded.
var aliases = map[string]string{
	"username": colUsername, "user": colUsername, "login": colUsername,
	"mfa": colMFA, "mfaenabled": colMFA,
	"firstname": "given_name",
	"lastname":  "family_name", "surname": "family_name",
	"fullname": "name", "displayname": "name",
	"mail": colEmail, "emailaddress": colEmail, "primaryemail": colEmail, "primaryemailaddress": colEmail,
	"useremail":      colEmail,
	"emailconfirmed": colEmailVerified, "emailconfirmedat": colEmailVerified, "emailverifiedat": colEmailVerified,
	"confirmedat": colEmailVerified,
	"phone":       colPhone, "mobile": colPhone, "phonenumber": colPhone, "mobilephone": colPhone,
	"primaryphone": colPhone, "primaryphonenumber": colPhone,
	"phoneverified": colPhoneVerified, "phoneconfirmedat": colPhoneVerified, "phoneverifiedat": colPhoneVerified,
	"encryptedpassword": colHash, "passworddigest": colHash, "hashedpassword": colHash,
	"dob": colBirthdate, "dateofbirth": colBirthdate,
	"timezone": "zoneinfo",
}

// resolver finds the attributes that a source's names mean.
type resolver struct {
	columns []string
	exact   map[string]string
	steps   []map[string]string // by folded name, in the order in which they are tried
}

// newResolver takes the pool's header and whether the pool takes a password_hash that is not in it.
func newResolver(columns []string, offersHash bool) *resolver {
	if offersHash {
		columns = append(slices.Clip(columns), colHash)
	}
	r := &resolver{columns: columns, exact: map[string]string{}}
	folded, bare, alias := map[string]string{}, map[string]string{}, map[string]string{}
	first := func(m map[string]string, name, column string) {
		if _, taken := m[name]; !taken && name != "" {
			m[name] = column
		}
	}
	for _, c := range columns {
		first(r.exact, c, c)
		first(folded, fold(c), c)
		if name, ok := bareName(c); ok {
			first(bare, fold(name), c)
		}
	}
	for name, c := range aliases {
		if slices.Contains(columns, c) {
			alias[name] = c
		}
	}
	r.steps = []map[string]string{folded, bare, alias}
	return r
}

// bareName returns a custom attribute's name without its prefix.
func bareName(column string) (name string, custom bool) {
	return strings.CutPrefix(strings.TrimPrefix(column, "dev:"), "custom:")
}

// resolve returns the attribute that a name means. The name is trimmed.
func (r *resolver) resolve(name string) (column string, ok bool) {
	if column, ok = r.exact[name]; ok {
		return column, true
	}
	name = fold(name)
	for _, step := range r.steps {
		if column, ok = step[name]; ok {
			return column, true
		}
	}
	return "", false
}

// label is what a form or a spreadsheet adds to the end of a name.
var label = regexp.MustCompile(`(?i)(\*|\(\s*required\s*\)|\[[^][]*\])$`)

// fold returns what names are compared by: without case, spaces, _, -, quotation marks around it and labels at its end.
// A leading _ stays: _website is another name than website.
func fold(name string) string {
	for {
		name = trimName(name)
		n := len(name)
		name = strings.Trim(name, `"'`)
		if name != "" && strings.IndexByte("*)]", name[len(name)-1]) >= 0 {
			if at := label.FindStringIndex(name); at != nil && at[0] > 0 {
				name = name[:at[0]]
			}
		}
		if len(name) == n {
			break
		}
	}
	rest := strings.TrimLeft(name, "_")
	under := name[:len(name)-len(rest)]
	return under + strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '_' || r == '-' {
			return -1
		}
		return unicode.ToLower(r)
	}, rest)
}

// trimName removes white space and invisible characters around a name.
func trimName(name string) string {
	return strings.TrimFunc(name, func(r rune) bool { return unicode.IsSpace(r) || isInvisible(r) })
}

// statusWords are the names of columns that say who is shut out. Importing such a file without that column would let
// these people in again, so IgnoreColumns takes them by name only.
var statusWords = func() map[string]bool {
	words := map[string]bool{}
	for _, w := range []string{
		"status", "state", "enabled", "disabled", "active", "inactive", "blocked", "banned", "suspended", "locked",
		"deleted", "deleted_at", "accountenabled", "userstatus",
	} {
		for _, before := range []string{"", "is_", "account_"} {
			words[fold(before+w)] = true
		}
	}
	return words
}()

// isStatus reports whether a folded name is that of a status column.
func isStatus(folded string) bool { return statusWords[folded] }
