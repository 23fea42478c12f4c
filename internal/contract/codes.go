package contract

import (
	"fmt"
	"math/bits"
	"strings"
)

// Code names a problem. The names are a contract: they appear in result.json, in failed.csv and on the terminal. Codes
// are ordered as problems are listed: those of files, then those of rows.
type Code uint8

// Codes of a whole file: nothing of it is submitted.
const (
	EmptyFile Code = iota + 1
	NotCSV
	BadEncoding
	NoHeader
	PoolNotImportable
	UnknownColumn
	DuplicateColumn
	MissingColumn
	NoRows
	AmbiguousDates
	PoolNotAllowed
	TooLarge
	TooManyRejected
	ManifestMismatch
	JobLimit
	SourceGone
	BadMapping
)

// Codes of one row: the others go on.
const (
	FieldCount Code = iota + BadMapping + 1
	BadQuoting
	MissingUsername
	BadUsername
	DuplicateUsername
	MissingRequired
	NotVerified
	VerifiedButBlank
	BadEmail
	BadCharacter
	SpreadsheetValue
	BadPhone
	BadBoolean
	BadBirthdate
	BadUpdatedAt
	BadNumber
	NumberOutOfRange
	BadDateTime
	TooShort
	TooLong
	RowTooLong
	Unrepresentable
	MfaMismatch
	BadHash
	HashOutOfBounds
	UnknownGroup
	UserExists
	MappingFailed
	CognitoFailed
	NotProcessed
	FateUnknown
	ChangeFailed

	endOfCodes
)

// EndOfCodes is one more than the last code, the size of a table by code.
const EndOfCodes = int(endOfCodes)

// codeText is a code's name, its title for a list, and what is wrong and what to do about it. A message never holds a
// cell or a name of the source's header, and names settings as parameters of the stack (see NameFlags).
type codeText struct{ name, title, message string }

var codeTexts = [endOfCodes]codeText{
	EmptyFile: {
		"EmptyFile", "The file is empty", "The file is empty. Export it again, with a header line and a line for each user.",
	},
	NotCSV: {
		"NotCSV", "The file is not CSV",
		"The file is not a text file of comma-separated values. Open it in a spreadsheet and save it as CSV UTF-8.",
	},
	BadEncoding: {
		"BadEncoding", "The text is not UTF-8", "The text is not valid UTF-8. Save the file as CSV UTF-8.",
	},
	NoHeader: {
		"NoHeader", "The header line is missing",
		"The first line does not name the columns; it is taken for somebody's data. Put a header line above the rows.",
	},
	PoolNotImportable: {
		"PoolNotImportable", "The user pool cannot take imports",
		"The user pool has no auto-verified attribute, so Cognito would not start an import job. Turn on automatic " +
			"verification of email or phone_number in the pool.",
	},
	UnknownColumn: {
		"UnknownColumn", "Columns that the user pool does not have",
		"Some columns are not attributes of the user pool. Rename them, add custom attributes to the pool, or leave them " +
			"out by the setting IgnoreColumns.",
	},
	DuplicateColumn: {
		"DuplicateColumn", "Two columns for one attribute", "Several columns mean the same attribute. Keep one of them.",
	},
	MissingColumn: {
		"MissingColumn", "Columns that the user pool needs", "The user pool needs columns that the file lacks. Add them.",
	},
	NoRows: {
		"NoRows", "There are no rows",
		"There is a header line, but no row below it. Export the file again, with a line for each user.",
	},
	AmbiguousDates: {
		"AmbiguousDates", "Dates that can be read in two ways",
		"Some birthdates can be read month first or day first, and others in the file are day first. Say which is meant " +
			"by the setting DateOrder.",
	},
	PoolNotAllowed: {
		"PoolNotAllowed", "This user pool is not served here",
		"The user pool does not exist, is in another Region, or is not among the pools of this stack. Check the pool id " +
			"in the object's key.",
	},
	TooLarge: {
		"TooLarge", "The file is too large", "The drop is too large to be prepared in one run. Split it into several files.",
	},
	TooManyRejected: {
		"TooManyRejected", "Too many rows were rejected",
		"More rows are rejected than this stack allows, so none was submitted. Fix them and drop the file again.",
	},
	ManifestMismatch: {
		"ManifestMismatch", "The file is not what its manifest says",
		"The file does not match its manifest. Upload both again.",
	},
	JobLimit: {
		"JobLimit", "The user pool's import jobs are used up",
		"The user pool has used all its import jobs (1,000 by default). Ask AWS to raise the quota.",
	},
	SourceGone: {
		"SourceGone", "The file was gone before it was read",
		"The file was overwritten or deleted before it could be read. Drop it again.",
	},
	BadMapping: {
		"BadMapping", "The mapping is not usable", "The mapping of the file has mistakes. Correct them and drop the " +
			"file again.",
	},

	FieldCount: {
		"FieldCount", "Too few or too many fields",
		"The row has fewer or more fields than the header.",
	},
	BadQuoting: {
		"BadQuoting", "Quotation marks do not match",
		"A quotation mark is not closed, or text follows a closing one, or a quoted value runs over several lines and " +
			"leaves the wrong number of fields. Double a quotation mark inside a quoted value.",
	},
	MissingUsername: {"MissingUsername", "No username", "The row has no username. Fill it in."},
	BadUsername: {
		"BadUsername", "Username not usable",
		"A username has 1 to 128 letters, marks, digits, symbols or punctuation, no white space, and is not a word such as " +
			"NULL. Where email or phone_number is an alias of the pool, it must not look like one; where users sign in with " +
			"them, it is blank or the same.",
	},
	DuplicateUsername: {
		"DuplicateUsername", "Username given twice",
		"An earlier row has the same username. The first good one is taken; remove the others.",
	},
	MissingRequired: {
		"MissingRequired", "A required attribute is blank",
		"An attribute that the user pool requires is blank. Fill it in.",
	},
	NotVerified: {
		"NotVerified", "No verified email address or phone number",
		"None of the attributes that the pool verifies automatically is marked as verified. If the address or " +
			"number was verified, set email_verified or phone_number_verified to true.",
	},
	VerifiedButBlank: {
		"VerifiedButBlank", "Verified, but blank",
		"email_verified or phone_number_verified is true, but the address or number is blank. Fill it in, or set the " +
			"mark to false.",
	},
	BadEmail: {
		"BadEmail", "Email address not usable",
		"An email address is a name, one @ and a domain with a dot, such as ann@example.com, and nothing around it.",
	},
	BadCharacter: {
		"BadCharacter", "A character that does not belong there",
		"A value holds a character that cannot be seen, or that shows that a program has damaged the text. Type the " +
			"value anew.",
	},
	SpreadsheetValue: {
		"SpreadsheetValue", "A value that a spreadsheet has damaged",
		"A cell holds a spreadsheet's error, or a number that a spreadsheet has shortened. Take the value from the source " +
			"of the file.",
	},
	BadPhone: {
		"BadPhone", "Phone number not usable",
		"Write + and the country code, then the number without its national prefix (such as the 0 in 020), letters or an " +
			"extension. It needs as many digits as numbers of that country have. For national numbers use the setting " +
			"DefaultPhoneCountry.",
	},
	BadBoolean: {
		"BadBoolean", "Neither true nor false", "Write true or false (t/f, yes/no, y/n and 1/0 are understood, too).",
	},
	BadBirthdate: {
		"BadBirthdate", "Birthdate is not a date", "Write a birthdate from 1900 on as YYYY-MM-DD or MM/DD/YYYY. If " +
			"the day comes first, use the setting DateOrder.",
	},
	BadUpdatedAt: {
		"BadUpdatedAt", "Update time is not a time",
		"Write updated_at as seconds since 1970 or as a time such as 2026-11-21T10:00:00Z, from 1990 on.",
	},
	BadNumber: {"BadNumber", "Not a whole number", "Write a whole number in digits, without separators or decimals."},
	NumberOutOfRange: {
		"NumberOutOfRange", "Number out of range",
		"A number is below the minimum or above the maximum of the pool's schema, or beyond ±9007199254740991, which " +
			"no program holds exactly.",
	},
	BadDateTime: {
		"BadDateTime", "Not a date and time",
		"Write a date as YYYY-MM-DD or a date and time such as 2026-11-21T10:00:00Z.",
	},
	TooShort: {"TooShort", "Value too short", "A value has fewer characters than the pool's schema requires. Write a longer one."},
	TooLong: {
		"TooLong", "Value too long",
		"A value has more characters than the pool's schema allows, or more than 2,048. Shorten it.",
	},
	RowTooLong: {
		"RowTooLong", "Row too long", "The row has over 16,000 characters, Cognito's limit. Shorten its values.",
	},
	Unrepresentable: {
		"Unrepresentable", "Value that cannot be written for Cognito",
		"A value holds a line break, a quotation mark or a backslash: Cognito documents no way to write it. Remove it " +
			"from the value.",
	},
	MfaMismatch: {
		"MfaMismatch", "MFA setting does not fit the user pool",
		"cognito:mfa_enabled contradicts the pool's MFA setting. Leave the cell blank to follow the pool.",
	},
	BadHash: {
		"BadHash", "Password hash not understood",
		"password_hash is in none of the forms that Cognito takes: bcrypt, scrypt, Argon2id, PBKDF2-SHA256. Clear the " +
			"cell: the user then sets a new password at the first sign-in.",
	},
	HashOutOfBounds: {
		"HashOutOfBounds", "Password hash beyond Cognito's limits",
		"The parameters of password_hash are above Cognito's maxima: bcrypt cost 12; scrypt N=65536, r=8, p=1; Argon2id " +
			"m=19456, t=2, p=1; PBKDF2 600000 iterations. Clear the cell: the user then sets a new " +
			"password at the first sign-in.",
	},
	UnknownGroup: {
		"UnknownGroup", "A group that the user pool does not have",
		"The user pool has no group of that name. Create it in the pool, or correct the name.",
	},
	UserExists: {
		"UserExists", "The user is in the pool already",
		"The user is in the pool already, and this import takes new users only. Remove the row.",
	},
	MappingFailed: {
		"MappingFailed", "The mapping fails for the row",
		"An expression of the mapping fails for the row. Correct the mapping or the row.",
	},
	CognitoFailed: {
		"CognitoFailed", "Cognito refused the row", "Cognito refused the row; its reason is in failed.csv.",
	},
	NotProcessed: {
		"NotProcessed", "The import ended before the row",
		"The import job ended before it came to the row. Drop the row again.",
	},
	FateUnknown: {
		"FateUnknown", "No log line gives the row's outcome",
		"No log line gives the outcome of the row. Drop it again: a user who is in the pool is skipped.",
	},
	ChangeFailed: {
		"ChangeFailed", "A change after the import failed",
		"The user is in the pool, but a change after the import failed; its reason is in failed.csv.",
	},
}

// AllCodes returns every code, in order.
func AllCodes() []Code {
	all := make([]Code, 0, endOfCodes-1)
	for c := EmptyFile; c < endOfCodes; c++ {
		all = append(all, c)
	}
	return all
}

// ParseCode returns the code of a name.
func ParseCode(name string) (Code, error) {
	for c := EmptyFile; c < endOfCodes; c++ {
		if codeTexts[c].name == name {
			return c, nil
		}
	}
	return 0, fmt.Errorf("no code %q", name)
}

func (c Code) String() string {
	if c == 0 || c >= endOfCodes {
		return fmt.Sprintf("Code(%d)", uint8(c))
	}
	return codeTexts[c].name
}

// Title is the code's heading in a list of problems.
func (c Code) Title() string { return codeTexts[c].title }

// Message is the code's text for people: what is wrong and what to do.
func (c Code) Message() string { return codeTexts[c].message }

// OfFile reports whether the code refuses a whole file.
func (c Code) OfFile() bool { return c <= BadMapping }

// OfColumns reports whether problems with the code count columns.
func (c Code) OfColumns() bool {
	return c == UnknownColumn || c == DuplicateColumn || c == MissingColumn
}

// MarshalText returns the code's name.
func (c Code) MarshalText() ([]byte, error) {
	if c == 0 || c >= endOfCodes {
		return nil, fmt.Errorf("no code %d", uint8(c))
	}
	return []byte(codeTexts[c].name), nil
}

// UnmarshalText takes a code's name.
func (c *Code) UnmarshalText(text []byte) (err error) {
	*c, err = ParseCode(string(text))
	return err
}

// Codes is a set of codes.
type Codes uint64

// CodesOf returns the set of the given codes.
func CodesOf(codes ...Code) Codes {
	var set Codes
	for _, c := range codes {
		set |= 1 << c
	}
	return set
}

// Has reports whether the set holds c.
func (s Codes) Has(c Code) bool { return s&(1<<c) != 0 }

// All yields the codes in order.
func (s Codes) All() func(yield func(Code) bool) {
	return func(yield func(Code) bool) {
		for ; s != 0; s &= s - 1 {
			if !yield(Code(bits.TrailingZeros64(uint64(s)))) {
				return
			}
		}
	}
}

// String joins the codes with semicolons, as failed.csv has them.
func (s Codes) String() string {
	var names []string
	for c := range s.All() {
		names = append(names, c.String())
	}
	return strings.Join(names, ";")
}
