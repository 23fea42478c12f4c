package usercsv

import (
	"fmt"
	"slices"
	"strings"

	"userdrop/internal/contract"
)

// The codes of problems, which package contract defines.
type (
	Code    = contract.Code
	Codes   = contract.Codes
	Problem = contract.Problem
)

// The codes that the rules give.
const (
	EmptyFile         = contract.EmptyFile
	NotCSV            = contract.NotCSV
	BadEncoding       = contract.BadEncoding
	NoHeader          = contract.NoHeader
	PoolNotImportable = contract.PoolNotImportable
	UnknownColumn     = contract.UnknownColumn
	DuplicateColumn   = contract.DuplicateColumn
	MissingColumn     = contract.MissingColumn
	NoRows            = contract.NoRows
	AmbiguousDates    = contract.AmbiguousDates
	TooLarge          = contract.TooLarge
	FieldCount        = contract.FieldCount
	BadQuoting        = contract.BadQuoting
	MissingUsername   = contract.MissingUsername
	BadUsername       = contract.BadUsername
	DuplicateUsername = contract.DuplicateUsername
	MissingRequired   = contract.MissingRequired
	NotVerified       = contract.NotVerified
	VerifiedButBlank  = contract.VerifiedButBlank
	BadEmail          = contract.BadEmail
	BadCharacter      = contract.BadCharacter
	SpreadsheetValue  = contract.SpreadsheetValue
	BadPhone          = contract.BadPhone
	BadBoolean        = contract.BadBoolean
	BadBirthdate      = contract.BadBirthdate
	BadUpdatedAt      = contract.BadUpdatedAt
	BadNumber         = contract.BadNumber
	NumberOutOfRange  = contract.NumberOutOfRange
	BadDateTime       = contract.BadDateTime
	TooShort          = contract.TooShort
	TooLong           = contract.TooLong
	RowTooLong        = contract.RowTooLong
	Unrepresentable   = contract.Unrepresentable
	MfaMismatch       = contract.MfaMismatch
	BadHash           = contract.BadHash
	HashOutOfBounds   = contract.HashOutOfBounds
)

// Tally counts the problems of rows as they come, in ascending order of lines.
type Tally struct {
	fields   [fieldAdvices]bool // advice for FieldCount
	problems [contract.EndOfCodes]Problem
}

// Add counts one row that has the codes.
func (t *Tally) Add(line int, codes Codes) {
	for c := range codes.All() {
		p := &t.problems[c]
		p.Count++
		if len(p.Lines) < contract.MaxLines {
			p.Lines = append(p.Lines, line)
		}
	}
}

// addRow counts the row that s has split. The message of BadQuoting names the lines of the first record that went over
// several.
func (t *Tally) addRow(s *scanner, codes Codes) {
	t.Add(s.rowLine, codes)
	if s.code == FieldCount {
		t.fields[s.fieldAdvice()] = true
	}
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
		for advice, given := range t.fields {
			if given && p.Code == FieldCount {
				p.Message += " " + fieldAdviceTexts[advice]
			}
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

// Has reports whether the code is among the reasons.
func (r *Refusal) Has(code Code) bool {
	return slices.ContainsFunc(r.Problems, func(p Problem) bool { return p.Code == code })
}

// Refuse is a refusal for one reason; without a message it has the code's own.
func Refuse(code Code, message string) *Refusal {
	if message == "" {
		message = code.Message()
	}
	return &Refusal{Problems: []Problem{{Code: code, Count: 1, Lines: []int{}, Message: message}}}
}
