package usercsv

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"userdrop/internal/contract"
)

const (
	maxValue = 2048  // characters of a value (API model, AttributeValueType)
	maxLine  = 16000 // characters of a row (developer guide, "Importing users into user pools from a CSV file")
)

// nullWords are what programs write where there is no value.
var nullWords = []string{"NULL", "(null)", "None", "nil", "nan", "undefined", "N/A"}

func isNullWord(text []byte) bool {
	return len(text) <= len("undefined") && slices.ContainsFunc(nullWords, func(word string) bool {
		return len(word) == len(text) && strings.EqualFold(word, string(text))
	})
}

// sheetErrors are what a spreadsheet shows where a formula failed.
var sheetErrors = []string{"#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!"}

// isShortened reports whether text is a number as a spreadsheet shows it that has more digits than its cell has room
// for: 1.23457E+11, also with a comma.
func isShortened(text []byte) bool {
	n := len(text)
	return n >= len("1E+11") && (text[n-4]|0x20 == 'e' || text[n-5]|0x20 == 'e') && shortened.Match(text)
}

var shortened = regexp.MustCompile(`^[+-]?\d([.,]\d+)?[Ee][+-]\d{2,3}$`)

// firstByte says what a value with this first byte may be.
type firstByte uint8

const (
	firstUnusual firstByte = 1 << iota // a formula, an apostrophe, an error of a spreadsheet, white space, a text of NullText
	firstOfNull                        // a word for nothing
	firstOfNumber
)

// firstBytes says it of every byte.
func firstBytes(nullText []string) (table [256]firstByte) {
	for _, b := range []byte(" ='#") {
		table[b] |= firstUnusual
	}
	for _, text := range nullText {
		if text != "" {
			table[text[0]] |= firstUnusual
		}
	}
	for _, word := range nullWords {
		table[strings.ToUpper(word)[0]] |= firstOfNull
		table[strings.ToLower(word)[0]] |= firstOfNull
	}
	for _, b := range []byte("+-0123456789") {
		table[b] |= firstOfNumber
	}
	return table
}

// read reads the cell of a column that the source has, brings it into Cognito's form and checks it. A cell that cannot
// be read gets one code, and no rule that needs its value fires.
func (c *checker) read(col *column) cell {
	f := &c.s.fields[col.source]
	value, found := c.s.buf[f.start:f.end], f.found
	if len(value) == 0 {
		return cell{}
	}
	first := c.first[value[0]]
	if found > classComma || first&firstUnusual != 0 || value[len(value)-1] == ' ' {
		if value = c.clean(col); len(value) == 0 {
			return cell{}
		}
		found, first = classify(value), c.first[value[0]]
		if code, detail := c.damage(col, value, found); code != 0 {
			return c.unreadable(code, col, detail)
		}
	}
	if first&firstOfNumber != 0 && col.text && isShortened(value) {
		return c.unreadable(contract.SpreadsheetValue, col, "")
	}
	switch col.kind {
	case kindText:
		if first&firstOfNull != 0 && isNullWord(value) {
			c.note(contract.NullText)
		}
	case kindUsername:
		if fault := c.usernameFault(value, found); fault != "" {
			return c.unreadable(contract.BadUsername, col, fault)
		}
	case kindEmail:
		if fault := emailFault(value); fault != "" {
			return c.unreadable(contract.BadEmail, col, fault)
		}
	default:
		var code contract.Code
		read := value
		if value, code = c.rewrite(col, read); code != 0 {
			return c.unreadable(code, col, adviceFor(code, read))
		}
	}
	if n := len(value); found > classComma || n < col.minimum || n > col.maximum {
		c.checkText(col, value, found)
	}
	return cell{value: value, comma: found&classComma != 0}
}

// adviceFor returns what to do about a value that rewrite refuses, or "" where the code's message says it all.
func adviceFor(code contract.Code, value []byte) string {
	if code == contract.BadHash {
		return hashAdvice(value)
	}
	return ""
}

// unreadable notes why a cell cannot be read.
func (c *checker) unreadable(code contract.Code, col *column, detail string) cell {
	c.fault(code, col, detail)
	return cell{unread: true}
}

// clean returns a field's value without what its writer did not mean: white space and invisible characters around it,
// a spreadsheet's ="text" or apostrophe, and texts that mean blank. The notes say so.
func (c *checker) clean(col *column) []byte {
	value := c.tidy(col.source)
	if len(value) > 0 && value[0] == '\'' && (c.apostrophes || takesApostrophe(col.kind)) {
		c.note(contract.ApostropheDropped)
		value = trim(value[1:])
	}
	return value
}

// takesApostrophe reports whether a leading apostrophe is none of the value's own.
func takesApostrophe(k kind) bool {
	return k == kindUsername || k == kindEmail || k == kindPhone || k == kindHash
}

// tidy is what of clean comes before the apostrophe.
func (c *checker) tidy(n int) []byte {
	value := c.s.cell(n)
	value = trim(value)
	if text, ok := unwrap(value); ok {
		c.note(contract.FormulaUnwrapped)
		value = trim(text)
	}
	if string(value) == `\N` || slices.Contains(c.settings.NullText, string(value)) {
		return nil
	}
	return value
}

// unwrap returns the text of ="text", by which people keep a spreadsheet from taking it for a number.
func unwrap(value []byte) ([]byte, bool) {
	if len(value) < len(`=""`) || value[0] != '=' || value[1] != '"' || value[len(value)-1] != '"' {
		return nil, false
	}
	text := value[2 : len(value)-1]
	single := bytes.ReplaceAll(text, []byte(`""`), []byte(`"`))
	if bytes.Count(text, []byte(`"`)) != 2*bytes.Count(single, []byte(`"`)) {
		return nil, false // another formula, such as ="a"&"b"
	}
	return single, true
}

// marked reports whether the cell of a role begins with an apostrophe. A spreadsheet writes one before the username or
// address of a row only if somebody put one before every cell.
func (c *checker) marked(r role) bool {
	col := c.roles[r]
	if col == nil || col.source < 0 {
		return false
	}
	f := &c.s.fields[col.source]
	if f.start == f.end {
		return false
	}
	if b := c.s.buf[f.start]; b > ' ' && b < utf8.RuneSelf && b != '=' && b != '\'' {
		return false
	}
	value := c.tidy(col.source)
	return len(value) > 0 && value[0] == '\''
}

// damage returns the code of a cell whose text a program has damaged: with characters that nobody types, a spreadsheet's
// error in place of a value.
func (c *checker) damage(col *column, value []byte, found class) (contract.Code, string) {
	strict := col.kind == kindUsername || col.kind == kindEmail || col.kind == kindPhone
	if r, bad := badRune(value, found, strict); bad {
		return contract.BadCharacter, notAllowed(r)
	}
	if slices.Contains(sheetErrors, string(value)) {
		return contract.SpreadsheetValue, ""
	}
	return 0, ""
}

// rewrite brings a value that is no text into Cognito's form. The code says why it cannot be read.
func (c *checker) rewrite(col *column, value []byte) ([]byte, contract.Code) {
	var ok bool
	switch col.kind {
	case kindBoolean:
		b, ok := parseBoolean(value)
		if !ok && (col.role == roleEmailVerified || col.role == rolePhoneVerified) && c.verifiedAt(value) {
			b, ok = true, true
		}
		if !ok {
			return nil, contract.BadBoolean
		}
		value = booleanText(b)
	case kindPhone:
		if value, ok = c.phone(value); !ok {
			return nil, contract.BadPhone
		}
	case kindBirthdate:
		if value, c.scratch, ok = c.birthdates.read(value, c.scratch, c.s.rowLine); !ok {
			return nil, contract.BadBirthdate
		}
	case kindUpdatedAt:
		if value, ok = c.updatedAt(value, col); !ok {
			return nil, contract.BadUpdatedAt
		}
	case kindNumber:
		if value, ok = wholeNumber(value); !ok {
			return nil, contract.BadNumber
		}
		if n, err := strconv.ParseInt(string(value), 10, 64); err != nil || n < col.least || n > col.most {
			c.fault(contract.NumberOutOfRange, col, "")
		}
	case kindDateTime:
		if !isDateTime(value) {
			return nil, contract.BadDateTime
		}
	case kindHash:
		algorithm, within, ok := parseHash(value)
		if !ok {
			return nil, contract.BadHash
		}
		if !within {
			c.fault(contract.HashOutOfBounds, col, "")
		}
		c.algorithm = algorithm
	}
	return value, 0
}

// checkText checks what is asked of every value.
func (c *checker) checkText(col *column, value []byte, found class) {
	n := len(value)
	if found&(classWide|classMark|classControl) != 0 {
		n = utf8.RuneCount(value)
		if !representable(value) {
			c.fault(contract.Unrepresentable, col, "")
		}
	}
	switch {
	case n < col.minimum:
		c.fault(contract.TooShort, col, "")
	case n > col.maximum:
		c.fault(contract.TooLong, col, "")
	}
}

// The texts of Booleans.
var (
	textTrue  = []byte("true")
	textFalse = []byte("false")
)

func booleanText(b bool) []byte {
	if b {
		return textTrue
	}
	return textFalse
}
