package report

import (
	"cmp"
	"slices"

	"userdrop/internal/usercsv"
)

// Problem is one kind of problem, of a file or of rows.
type Problem = usercsv.Problem

// titles word the codes for people.
var titles = map[usercsv.Code]string{
	usercsv.EmptyFile:         "The file is empty",
	usercsv.NotCSV:            "The file is not CSV",
	usercsv.BadEncoding:       "The text is not UTF-8",
	usercsv.NoHeader:          "The header line is missing",
	usercsv.PoolNotImportable: "The user pool cannot take imports",
	usercsv.UnknownColumn:     "Columns that the user pool does not have",
	usercsv.DuplicateColumn:   "Two columns for one attribute",
	usercsv.MissingColumn:     "Columns that the user pool needs",
	usercsv.NoRows:            "There are no rows",
	usercsv.PoolNotAllowed:    "This user pool is not served here",
	usercsv.TooLarge:          "The file is too large",
	usercsv.TooManyRejected:   "Too many rows were rejected",
	usercsv.ManifestMismatch:  "The file is not what its manifest says",
	usercsv.JobLimit:          "The user pool's import jobs are used up",
	usercsv.SourceGone:        "The file was gone before it was read",
	usercsv.FieldCount:        "Too few or too many fields",
	usercsv.BadQuoting:        "Quotation marks do not match",
	usercsv.MissingUsername:   "No username",
	usercsv.BadUsername:       "Username not usable",
	usercsv.DuplicateUsername: "Username given twice",
	usercsv.MissingRequired:   "A required attribute is blank",
	usercsv.NotVerified:       "No verified email address or phone number",
	usercsv.VerifiedButBlank:  "Verified, but blank",
	usercsv.BadEmail:          "Email address not usable",
	usercsv.BadPhone:          "Phone number not usable",
	usercsv.BadBoolean:        "Neither true nor false",
	usercsv.BadBirthdate:      "Birthdate is not a date",
	usercsv.BadUpdatedAt:      "Update time is not a time",
	usercsv.BadNumber:         "Not a whole number",
	usercsv.NumberOutOfRange:  "Number out of range",
	usercsv.BadDateTime:       "Not a date and time",
	usercsv.TooShort:          "Value too short",
	usercsv.TooLong:           "Value too long",
	usercsv.RowTooLong:        "Row too long",
	usercsv.Unrepresentable:   "Value that cannot be written for Cognito",
	usercsv.MfaMismatch:       "MFA setting does not fit the user pool",
	usercsv.BadHash:           "Password hash not understood",
	usercsv.HashOutOfBounds:   "Password hash beyond Cognito's limits",
	usercsv.CognitoFailed:     "Cognito refused the row",
	usercsv.NotProcessed:      "The import ended before the row",
	usercsv.FateUnknown:       "No log line tells what became of the row",
}

// title words a code for people.
func title(code usercsv.Code) string { return titles[code] }

// tidy puts problems into the order of the rules, those of files before those of rows. In JSON, no line is an empty
// list.
func tidy(problems []Problem) {
	for i := range problems {
		if problems[i].Lines == nil {
			problems[i].Lines = []int{}
		}
	}
	slices.SortStableFunc(problems, func(a, b Problem) int { return cmp.Compare(a.Code, b.Code) })
}

// reasons returns the problems as they are told to people: line numbers of several files mixed tell nothing.
func reasons(r *Result) []Problem {
	if len(r.Sources) < 2 {
		return r.Problems
	}
	told := slices.Clone(r.Problems)
	for i := range told {
		told[i].Lines = nil
	}
	return told
}

// costliest returns the problems with the highest counts, at most n of them.
func costliest(problems []Problem, n int) []Problem {
	top := slices.Clone(problems)
	slices.SortStableFunc(top, func(a, b Problem) int { return cmp.Compare(b.Count, a.Count) })
	return top[:min(n, len(top))]
}

// extent says how much a problem covers: rows, columns, or just the file.
func extent(p Problem) string {
	switch {
	case p.Code == usercsv.UnknownColumn || p.Code == usercsv.DuplicateColumn || p.Code == usercsv.MissingColumn:
		return count(int64(p.Count), "column")
	case p.Code.OfFile():
		return ""
	default:
		return count(int64(p.Count), "row")
	}
}
