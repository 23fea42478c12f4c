package result

import "slices"

// codes lists the problem codes in the order of the CSV rules, files first, each with its title for people. The codes
// are a contract; the titles are not.
var codes = []struct{ code, title string }{
	// The file
	{"EmptyFile", "The file is empty"},
	{"NotCSV", "The file is not CSV"},
	{"BadEncoding", "The text is not UTF-8"},
	{"NoHeader", "The header line is missing"},
	{"PoolNotImportable", "The user pool cannot take imports"},
	{"UnknownColumn", "Columns that the user pool does not have"},
	{"DuplicateColumn", "Two columns for one attribute"},
	{"MissingColumn", "Columns that the user pool needs"},
	{"NoRows", "There are no rows"},
	{"PoolNotAllowed", "This user pool is not served here"},
	{"TooLarge", "The file is too large"},
	{"TooManyRejected", "Too many rows were rejected"},
	{"ManifestMismatch", "The file is not what its manifest says"},
	{"JobLimit", "The user pool's import jobs are used up"},
	{"SourceGone", "The file was gone before it was read"},
	// The row
	{"FieldCount", "Too few or too many fields"},
	{"BadQuoting", "Quotation marks do not match"},
	{"MissingUsername", "No username"},
	{"BadUsername", "Username not usable"},
	{"DuplicateUsername", "Username given twice"},
	{"MissingRequired", "A required attribute is blank"},
	{"NotVerified", "Neither email nor phone is verified"},
	{"VerifiedButBlank", "Verified, but blank"},
	{"BadEmail", "Email address not usable"},
	{"BadPhone", "Phone number not usable"},
	{"BadBoolean", "Neither true nor false"},
	{"BadBirthdate", "Birthdate is not a date"},
	{"BadUpdatedAt", "Update time is not a time"},
	{"BadNumber", "Not a whole number"},
	{"NumberOutOfRange", "Number out of range"},
	{"BadDateTime", "Not a date and time"},
	{"TooShort", "Value too short"},
	{"TooLong", "Value too long"},
	{"RowTooLong", "Row too long"},
	{"Unrepresentable", "Value that cannot be written for Cognito"},
	{"MfaMismatch", "MFA setting does not fit the user pool"},
	{"BadHash", "Password hash not understood"},
	{"HashOutOfBounds", "Password hash beyond Cognito's limits"},
	{"CognitoFailed", "Cognito refused the row"},
	{"NotProcessed", "The job ended before the row"},
	{"FateUnknown", "No log line tells what became of the row"},
}

// firstRowCode is where the codes of rows begin.
const firstRowCode = "FieldCount"

// rank is a code's place in the order of the rules; one that is not known comes last.
func rank(code string) int {
	if i := index(code); i >= 0 {
		return i
	}
	return len(codes)
}

// title words a code for people.
func title(code string) string {
	if i := index(code); i >= 0 {
		return codes[i].title
	}
	return clean(code, 60)
}

// ofFile reports whether the code refuses a whole file.
func ofFile(code string) bool { return rank(code) < rank(firstRowCode) }

func index(code string) int {
	return slices.IndexFunc(codes, func(c struct{ code, title string }) bool { return c.code == code })
}
