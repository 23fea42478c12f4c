package mapping

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"userdrop/internal/contract"
	"userdrop/internal/usercsv"
)

// SuggestFrom is how much of a file [Suggest] looks at.
const SuggestFrom = 64 << 10

// Suggest returns the built-in mapping whose export a file looks like by its beginning, and whether there is one. It is
// for messages: nothing is mapped unless somebody asks for it.
func Suggest(beginning []byte) (name, title string, ok bool) {
	fits := fitsCSV(beginning)
	if text, err := usercsv.Text(bytes.NewReader(beginning)); err == nil {
		if decoded, err := io.ReadAll(text); err == nil && beginsAsJSON(decoded) {
			fits = fitsJSON(decoded)
		}
	}
	most := 0
	for _, n := range BuiltinNames() {
		m, _ := Builtin(n)
		for _, signature := range m.Recognise {
			if size := fits(signature); size > most {
				name, title, most = m.Name, m.Title, size
			}
		}
	}
	return name, title, most > 0
}

func beginsAsJSON(text []byte) bool {
	text = bytes.TrimSpace(text)
	return len(text) > 0 && (text[0] == '{' || text[0] == '[')
}

// fitsCSV returns a function that says by how many names a signature fits a CSV file; 0 is not at all.
func fitsCSV(beginning []byte) func(Signature) int {
	rows, err := usercsv.OpenRows(bytes.NewReader(beginning), 0, nil, 0)
	if err != nil {
		return func(Signature) int { return 0 }
	}
	names := rows.Header.Names
	var folded []string
	for _, name := range names {
		folded = append(folded, usercsv.FoldName(name))
	}
	headless := slices.ContainsFunc(names, func(n string) bool {
		return strings.Contains(n, "@") || n == "true" || n == "false"
	})
	return func(s Signature) int {
		missing := func(c string) bool { return !slices.Contains(folded, usercsv.FoldName(c)) }
		switch {
		case s.Fields > 0 && headless && rows.Fields() == s.Fields:
			return s.Fields
		case slices.ContainsFunc(s.Columns, missing):
			return 0
		}
		return len(s.Columns)
	}
}

// fitsJSON does the same for a JSON text, of which only a beginning is known.
func fitsJSON(text []byte) func(Signature) int {
	return func(s Signature) int {
		for _, key := range s.Keys {
			if !regexp.MustCompile(`"` + regexp.QuoteMeta(key) + `"\s*:`).Match(text) {
				return 0
			}
		}
		return len(s.Keys)
	}
}

// Hint adds, to the problems of a file that is refused, the built-in mapping that it looks to need instead of the one
// that is used, "" for none. The hint is empty if it looks to need no other.
func Hint(problems []contract.Problem, beginning []byte, used string) (hinted []contract.Problem, hint string) {
	helped := slices.IndexFunc(problems, func(p contract.Problem) bool {
		switch p.Code {
		case contract.NotCSV, contract.NoHeader, contract.UnknownColumn, contract.DuplicateColumn, contract.MissingColumn:
			return true
		}
		return false
	})
	if helped < 0 {
		return problems, ""
	}
	name, title, ok := Suggest(beginning)
	if !ok || name == used {
		return problems, ""
	}
	problems = slices.Clone(problems)
	p := &problems[helped]
	hint = fmt.Sprintf("The file looks like an export of %s: import it as it is by the setting Mapping %s.", title, name)
	switch {
	case used != "":
		hint = fmt.Sprintf("The file looks like an export of %s: take the setting Mapping %s instead of %s.", title, name, used)
	case p.Code == contract.NotCSV:
		hint = fmt.Sprintf("The file looks like an export of %s: userdrop convert --mapping %s makes a CSV file of it.",
			title, name)
	}
	p.Message = hint + " " + p.Message
	return problems, hint
}
