package usercsv

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Advice about unknown columns: what the column is, if its name is a usual one, and what to do about it.
const (
	adviceNameless = "no name. Name the column, remove it, or leave out all unknown columns by the setting " +
		"IgnoreColumns " +
		"(*)."
	adviceID = "Cognito gives each user a new sub, and other products' ids are not imported. Carry old ids along by the " +
		"setting IdColumn, or leave the column out."
	advicePassword = "plain passwords are never imported. Take the column out of the file; users set a new password at " +
		"their first sign-in."
	adviceHash = "this pool takes no password hashes: its header has no password_hash column. Leave the column out; " +
		"users set a new password at their first sign-in."
	adviceTime = "Cognito sets its own times and has no attribute for this one. Leave the column out, or add a custom " +
		"attribute to the pool."
	adviceStatus = "Cognito's import cannot disable users, and without the column, users who were shut out come back. " +
		"Remove their rows, then leave the column out by its own name in the setting IgnoreColumns."
	adviceEnabled = "taken only by a stack with ApplyGroups=true (the setting ApplyGroups). Without the column, disabled " +
		"users come back enabled: remove their rows, then leave the column out by its own name in the setting " +
		"IgnoreColumns."
	adviceGroups = "groups are taken from a column named groups, and only by a stack with ApplyGroups=true (the setting " +
		"ApplyGroups). Otherwise leave the column out."
	adviceOther = "not an attribute of the user pool."
)

// knownNames are names that exports of other products have, folded, with the advice for each.
var knownNames = func() map[string]string {
	advice := map[string]string{}
	for text, names := range map[string]string{
		adviceID: "sub id _id userid user_id uid uuid guid objectid object_id localid local_id externalid external_id " +
			"accountid account_id memberid member_id customerid customer_id legacyid legacy_id oldid old_id sid " +
			"immutableid immutable_id objectguid objectsid contactid contact_id auth0id auth0_id uidnumber employeeid",
		advicePassword: "password passwd pwd passphrase plainpassword plain_password plaintextpassword cleartextpassword " +
			"userpassword user_password temporarypassword temporary_password temppassword temp_password " +
			"initialpassword initial_password newpassword defaultpassword rawpassword passwordplain password1",
		adviceTime: "created created_at createdat creationdate creationtime creation_date created_on createdon createddate " +
			"created_date created_time createdtime createtime createdatetime datecreated date_created date_joined joined " +
			"registered registered_at registrationdate registration_date user_registered signup_date signed_up_at " +
			"usercreatedate " +
			"last_login lastlogin last_login_at lastloginat lastlogindate last_login_date last_login_time lastlogintime " +
			"lastlogon lastlogontimestamp last_sign_in_at lastsignin last_signin lastsigninat last_sign_in " +
			"last_signed_in_at lastsignedinat last_seen lastseen last_seen_at last_active last_active_at last_access " +
			"lastaccess logins_count login_count updated modified modified_at last_modified lastmodified " +
			"lastmodifieddate userlastmodifieddate last_updated lastupdated last_password_reset passwordchangedat " +
			"password_changed_at password_last_set pwdlastset whencreated whenchanged",
		adviceGroups: "groups group group_names groupnames groupname memberof member_of role roles user_role userrole " +
			"user_roles permissions",
		adviceHash: "password_hash passwordhash hash encrypted_password password_digest hashed_password crypted_password",
	} {
		for name := range strings.FieldsSeq(names) {
			advice[fold(name)] = text
		}
	}
	for word := range statusWords {
		advice[word] = adviceStatus
	}
	advice["enabled"] = adviceEnabled
	return advice
}()

// advise returns what to do about an unknown name. taken has the attributes that other columns of the file mean: none
// of them is suggested.
func (r *resolver) advise(name string, taken map[string]bool) string {
	folded := fold(name)
	switch text := knownNames[folded]; {
	case folded == "":
		return adviceNameless
	case text != "":
		return text
	}
	if column := r.suggest(folded, taken); column != "" {
		return "not an attribute of the user pool; perhaps " + column + " is meant."
	}
	return adviceOther
}

const (
	// maxSlip is the largest distance of a name from the one that is suggested for it.
	maxSlip = 2
	// maxAliasSlip is the same for aliases, which are short words of everyday language.
	maxAliasSlip = 1
	// longestSlip is the longest name that is compared, in characters.
	longestSlip = 64
)

// suggest returns the attribute whose name, or an alias of it, a folded name is a plausible slip of; "" if none. The
// distance is at most 2 and at most a third of the longer name. Where a wrong guess would do harm it is at most 1.
func (r *resolver) suggest(name string, taken map[string]bool) string {
	size := utf8.RuneCountInString(name)
	if size > longestSlip {
		return ""
	}
	best, least := "", maxSlip+1
	try := func(known, column string, most int) {
		other := utf8.RuneCountInString(known)
		if max(size, other)-min(size, other) > maxSlip || taken[column] {
			return
		}
		d := distance(name, known)
		limit := min(most, max(size, other)/3)
		if isDelicate(column) {
			limit = min(limit, 1)
		}
		if d <= limit && d < least {
			best, least = column, d
		}
	}
	for _, c := range r.columns {
		try(fold(c), c, maxSlip)
		if bare, ok := bareName(c); ok {
			try(fold(bare), c, maxSlip)
		}
	}
	for _, alias := range slices.Sorted(maps.Keys(r.steps[2])) {
		try(alias, r.steps[2][alias], maxAliasSlip)
	}
	return best
}

// Closest returns the name that a misspelled one is probably meant to be; "" if none is close.
func Closest(name string, names []string) string {
	best, least := "", maxSlip+1
	for _, known := range names {
		longer := max(len(name), len(known))
		if longer > longestSlip {
			continue
		}
		if d := distance(name, known); d < least && d <= longer/3 {
			best, least = known, d
		}
	}
	return best
}

// isDelicate reports whether a column would do harm if it were filled from the wrong one.
func isDelicate(column string) bool {
	return column == colUsername || column == colMFA || column == colHash || strings.HasSuffix(column, "_verified")
}

// distance is the Damerau-Levenshtein distance of two names: insertions, deletions, replacements, and swaps of two
// neighbours, between which text may be inserted.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	far := len(x) + len(y)
	d := make([][]int, len(x)+2)
	for i := range d {
		d[i] = make([]int, len(y)+2)
		d[i][0] = far
		if i > 0 {
			d[i][1] = i - 1
		}
	}
	for j := range d[0] {
		d[0][j] = far
		if j > 0 {
			d[1][j] = j - 1
		}
	}
	lastRow := map[rune]int{}
	for i := 1; i <= len(x); i++ {
		lastColumn := 0
		for j := 1; j <= len(y); j++ {
			k, l := lastRow[y[j-1]], lastColumn
			cost := 1
			if x[i-1] == y[j-1] {
				cost, lastColumn = 0, j
			}
			d[i+1][j+1] = min(d[i][j]+cost, d[i+1][j]+1, d[i][j+1]+1, d[k][l]+(i-k-1)+1+(j-l-1))
		}
		lastRow[x[i-1]] = i
	}
	return d[len(x)+1][len(y)+1]
}
