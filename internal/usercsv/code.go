package usercsv

import (
	"fmt"
	"slices"
	"strings"

	"userdrop/internal/contract"
)

// Tally counts the problems of rows as they come, in ascending order of lines.
type Tally struct {
	fields   [fieldAdvices]bool // advice for FieldCount
	problems [contract.EndOfCodes]contract.Problem
}

// Add counts one row that has the codes.
func (t *Tally) Add(line int, codes contract.Codes) {
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
func (t *Tally) addRow(s *scanner, codes contract.Codes) {
	t.Add(s.rowLine, codes)
	if s.code == contract.FieldCount {
		t.fields[s.fieldAdvice()] = true
	}
	if p := &t.problems[contract.BadQuoting]; s.code == contract.BadQuoting && s.rowEnd > s.rowLine && p.Message == "" {
		p.Message = spanMessage(s.rowLine, s.rowEnd)
	}
}

// spanMessage is the message of BadQuoting for a record that runs over several lines.
func spanMessage(first, last int) string {
	return fmt.Sprintf("%s See lines %d to %d.", contract.BadQuoting.Message(), first, last)
}

// Problems is what was counted, in the order of the codes.
func (t *Tally) Problems() []contract.Problem {
	problems := []contract.Problem{}
	for c, p := range t.problems {
		if p.Count == 0 {
			continue
		}
		p.Code = contract.Code(c)
		if p.Message == "" {
			p.Message = p.Code.Message()
		}
		for advice, given := range t.fields {
			if given && p.Code == contract.FieldCount {
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
	Problems []contract.Problem
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
func (r *Refusal) Has(code contract.Code) bool {
	return slices.ContainsFunc(r.Problems, func(p contract.Problem) bool { return p.Code == code })
}

// Refuse is a refusal for one reason; without a message it has the code's own.
func Refuse(code contract.Code, message string) *Refusal {
	if message == "" {
		message = code.Message()
	}
	return &Refusal{Problems: []contract.Problem{{Code: code, Count: 1, Lines: []int{}, Message: message}}}
}
