package usercsv

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// Code names a problem. The names are a contract: they appear in result.json, in failed.csv and on the terminal. Codes
// are ordered as problems are listed: those of files, then those of rows.
type Code uint8

// What is wrong with a whole file: nothing of it is submitted.
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
	PoolNotAllowed
	TooLarge
	TooManyRejected
	ManifestMismatch
	JobLimit
	SourceGone
)

// What is wrong with one row: the others go on.
const (
	FieldCount Code = iota + SourceGone + 1
	BadQuoting
	MissingUsername
	BadUsername
	DuplicateUsername
	MissingRequired
	NotVerified
	VerifiedButBlank
	BadEmail
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
	CognitoFailed
	NotProcessed
	FateUnknown

	endOfCodes
)

// codeTexts gives each code's name and what to do about it. A message never holds a cell or a name of the source.
var codeTexts = [endOfCodes]struct{ name, message string }{
	EmptyFile: {"EmptyFile", "The file is empty. Export it again, with a header line and a line for each user."},
	NotCSV: {
		"NotCSV", "The file is not a text file of comma-separated values. " +
			"Open it in a spreadsheet and save it as CSV UTF-8.",
	},
	BadEncoding: {"BadEncoding", "The text is not valid UTF-8. Save the file as CSV UTF-8."},
	NoHeader: {
		"NoHeader", "The first line does not name the columns; it is taken for somebody's data. " +
			"Put a header line above the rows.",
	},
	PoolNotImportable: {
		"PoolNotImportable", "The user pool has no auto-verified attribute, so Cognito would not start an import " +
			"job. Turn on automatic verification of email or phone_number in the pool.",
	},
	UnknownColumn: {
		"UnknownColumn", "Some columns are no attribute of the user pool. Rename or remove them, or add custom " +
			"attributes to the pool.",
	},
	DuplicateColumn: {"DuplicateColumn", "Several columns stand for one attribute. Keep one of them."},
	MissingColumn:   {"MissingColumn", "The user pool needs columns that the file lacks. Add them."},
	NoRows:          {"NoRows", "There is a header line, but no row under it."},
	PoolNotAllowed: {
		"PoolNotAllowed", "The user pool does not exist, is in another Region, or is not among the pools of this " +
			"stack. Check the pool id in the object's key.",
	},
	TooLarge: {"TooLarge", "The drop is too large to be prepared in one run. Split it into several files."},
	TooManyRejected: {
		"TooManyRejected", "More rows are rejected than this stack allows, so none was submitted. Repair them and " +
			"drop the file again.",
	},
	ManifestMismatch: {"ManifestMismatch", "The file does not match its manifest. Upload both again."},
	JobLimit: {
		"JobLimit", "The user pool has used all its import jobs (1,000 by default). Ask AWS to raise the quota.",
	},
	SourceGone: {"SourceGone", "The file was overwritten or deleted before it could be read. Drop it again."},

	FieldCount: {
		"FieldCount", "The row has fewer or more fields than the header. Put values that hold the delimiter in " +
			"quotation marks.",
	},
	BadQuoting: {
		"BadQuoting", "A quotation mark is not closed, or text follows a closing one, or a quoted value runs over " +
			"several lines and leaves the wrong number of fields. Double a quotation mark inside a quoted value.",
	},
	MissingUsername: {"MissingUsername", "The row has no username. Fill it in."},
	BadUsername: {
		"BadUsername", "A username has 1 to 128 letters, marks, digits, symbols or punctuation, no white space; where " +
			"email or phone_number is an alias of the pool, it must not look like one.",
	},
	DuplicateUsername: {
		"DuplicateUsername", "An earlier row has the same username. The first good one is taken; remove the others.",
	},
	MissingRequired: {"MissingRequired", "An attribute that the user pool requires is blank. Fill it in."},
	NotVerified: {
		"NotVerified", "None of the attributes that the pool verifies automatically is marked as verified. Set " +
			"email_verified or phone_number_verified to true, or use the setting AssumeVerified.",
	},
	VerifiedButBlank: {
		"VerifiedButBlank", "email_verified or phone_number_verified is true, but the address or number is blank. " +
			"Fill it in, or set the mark to false.",
	},
	BadEmail: {"BadEmail", "An email address is one local part, one @ and one domain, without white space."},
	BadPhone: {
		"BadPhone", "A phone number starts with + and the country code, then digits, 15 at most, without letters or " +
			"an extension. For national numbers use the setting DefaultPhoneCountry.",
	},
	BadBoolean:   {"BadBoolean", "Write true or false (t/f, yes/no, y/n and 1/0 are understood, too)."},
	BadBirthdate: {"BadBirthdate", "Write a birthdate that exists as YYYY-MM-DD or MM/DD/YYYY."},
	BadUpdatedAt: {
		"BadUpdatedAt", "Write updated_at as seconds since 1970 or as an RFC 3339 time such as 2026-11-21T10:00:00Z.",
	},
	BadNumber:        {"BadNumber", "Write a whole number in digits, without separators."},
	NumberOutOfRange: {"NumberOutOfRange", "A number is below the minimum or above the maximum of the pool's schema."},
	BadDateTime: {
		"BadDateTime", "Write a date as YYYY-MM-DD or a date and time such as 2026-11-21T10:00:00Z.",
	},
	TooShort: {"TooShort", "A value has fewer characters than the pool's schema asks for."},
	TooLong: {
		"TooLong", "A value has more characters than the pool's schema allows, or more than 2,048. Shorten it.",
	},
	RowTooLong: {"RowTooLong", "The row has over 16,000 characters, Cognito's limit. Shorten its values."},
	Unrepresentable: {
		"Unrepresentable", "A value holds a line break, a quotation mark or a backslash: Cognito documents no way to " +
			"write it. Remove it from the value.",
	},
	MfaMismatch: {
		"MfaMismatch", "cognito:mfa_enabled contradicts the pool's MFA setting. Leave the cell blank to follow the pool.",
	},
	BadHash: {
		"BadHash", "password_hash is in none of the forms that Cognito takes: bcrypt, scrypt, Argon2id, PBKDF2-SHA256.",
	},
	HashOutOfBounds: {
		"HashOutOfBounds", "The parameters of password_hash are above Cognito's maxima: bcrypt cost 12; scrypt " +
			"N=65536, r=8, p=1; Argon2id m=19456, t=2, p=1; PBKDF2 600000 iterations.",
	},
	CognitoFailed: {"CognitoFailed", "Cognito refused the row; its reason stands in failed.csv."},
	NotProcessed:  {"NotProcessed", "The import job ended before it came to the row. Drop the row again."},
	FateUnknown: {
		"FateUnknown", "No log line tells what became of the row. Drop it again: a user who is there is skipped.",
	},
}

// AllCodes is every code, in order.
func AllCodes() []Code {
	all := make([]Code, 0, endOfCodes-1)
	for c := EmptyFile; c < endOfCodes; c++ {
		all = append(all, c)
	}
	return all
}

// ParseCode finds the code of a name.
func ParseCode(name string) (Code, error) {
	for c := EmptyFile; c < endOfCodes; c++ {
		if codeTexts[c].name == name {
			return c, nil
		}
	}
	return 0, fmt.Errorf("usercsv: no code %q", name)
}

func (c Code) String() string {
	if c == 0 || c >= endOfCodes {
		return fmt.Sprintf("Code(%d)", uint8(c))
	}
	return codeTexts[c].name
}

// Message is the code's text for people: what is wrong and what to do.
func (c Code) Message() string { return codeTexts[c].message }

// OfFile tells whether the code refuses a whole file.
func (c Code) OfFile() bool { return c <= SourceGone }

// MarshalText gives the code's name.
func (c Code) MarshalText() ([]byte, error) {
	if c == 0 || c >= endOfCodes {
		return nil, fmt.Errorf("usercsv: no code %d", uint8(c))
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

// CodesOf is the set of the given codes.
func CodesOf(codes ...Code) Codes {
	var set Codes
	for _, c := range codes {
		set |= 1 << c
	}
	return set
}

// Has tells whether the set holds c.
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

// Problem is one kind of problem in a drop, as result.json has it.
type Problem struct {
	Code Code `json:"code"`
	// Count is the rows that have it; for the codes about columns the columns; else 1.
	Count int `json:"count"`
	// Lines are the first ten lines, ascending. Only BadEncoding has one among the codes of files.
	Lines   []int  `json:"lines"`
	Message string `json:"message"`
	// Columns are names as the source has them (of attributes for MissingColumn). They may be anybody's data: they
	// stand in result.json, never in an event, message, report, state or log.
	Columns []string `json:"columns,omitempty"`
}

// maxLines is how many lines a problem names.
const maxLines = 10

// MergeProblems adds up problems of several sources or stages, in the order of their codes.
func MergeProblems(lists ...[]Problem) []Problem {
	merged := []Problem{}
	for _, p := range slices.Concat(lists...) {
		i, found := slices.BinarySearchFunc(merged, p, func(a, b Problem) int { return int(a.Code) - int(b.Code) })
		if !found {
			p.Lines, p.Columns = slices.Concat([]int{}, p.Lines), slices.Clone(p.Columns)
			merged = slices.Insert(merged, i, p)
			continue
		}
		m := &merged[i]
		m.Count += p.Count
		m.Lines = append(m.Lines, p.Lines...)
		slices.Sort(m.Lines)
		m.Lines = m.Lines[:min(len(m.Lines), maxLines)]
		m.Columns = append(m.Columns, p.Columns...)
	}
	return merged
}

// Tally counts the problems of rows as they come, in ascending order of lines.
type Tally struct {
	problems [endOfCodes]Problem
}

// Add counts one row that has the codes.
func (t *Tally) Add(line int, codes Codes) {
	for c := range codes.All() {
		p := &t.problems[c]
		p.Count++
		if len(p.Lines) < maxLines {
			p.Lines = append(p.Lines, line)
		}
	}
}

// addRow counts the row that s has split. The message of BadQuoting names the lines of the first record that went over
// several.
func (t *Tally) addRow(s *scanner, codes Codes) {
	t.Add(s.rowLine, codes)
	if p := &t.problems[BadQuoting]; s.code == BadQuoting && s.rowEnd > s.rowLine && p.Message == "" {
		p.Message = spanMessage(s.rowLine, s.rowEnd)
	}
}

// spanMessage is the message of BadQuoting for a record that runs over several lines.
func spanMessage(first, last int) string {
	return fmt.Sprintf("%s See lines %d to %d.", BadQuoting.Message(), first, last)
}

// Problems is what was counted, in the order of the codes.
func (t *Tally) Problems() []Problem {
	problems := []Problem{}
	for c, p := range t.problems {
		if p.Count == 0 {
			continue
		}
		p.Code = Code(c)
		if p.Message == "" {
			p.Message = p.Code.Message()
		}
		p.Lines = slices.Clone(p.Lines)
		problems = append(problems, p)
	}
	return problems
}

// Refusal is the error of a file that is refused as a whole.
type Refusal struct {
	Problems []Problem
	// Late says that rows of the file had already reached the sink: what was prepared from the drop must be discarded.
	Late bool
}

func (r *Refusal) Error() string {
	names := make([]string, len(r.Problems))
	for i, p := range r.Problems {
		names[i] = p.Code.String()
	}
	return "file refused: " + strings.Join(names, ", ")
}

// Refuse is a refusal for one reason; without a message it has the code's own.
func Refuse(code Code, message string) *Refusal {
	if message == "" {
		message = code.Message()
	}
	return &Refusal{Problems: []Problem{{Code: code, Count: 1, Lines: []int{}, Message: message}}}
}
