package usercsv

import (
	"bytes"
	"math/big"
	"slices"
	"unicode"
	"unicode/utf8"
)

// kind is how a column's cells are read.
type kind uint8

const (
	kindText kind = iota
	kindUsername
	kindEmail
	kindPhone
	kindBoolean
	kindMFA
	kindBirthdate
	kindUpdatedAt
	kindNumber
	kindDateTime
	kindHash
)

// column is one of the pool's columns, as the rules need it.
type column struct {
	name     string
	kind     kind
	source   int // the source's column, -1 if it has none
	minimum  int // characters
	maximum  int
	low      *big.Int
	high     *big.Int
	required bool
}

// written is a column that may have a value, and how many commas stand between it and the one before.
type written struct{ column, commas int }

// checker applies the rules to the rows of one source.
type checker struct {
	settings Settings
	pool     *Pool
	columns  []column
	mapped   []int     // the columns that the source has
	written  []written // the columns that may have a value, in order
	required []int
	// Where the columns with a meaning of their own stand, -1 if nowhere.
	username, email, emailVerified, phone, phoneVerified, mfa, hash int
	usernameFrom                                                    []int // what a blank username is taken from
	autoEmail, autoPhone                                            bool
	aliasEmail, aliasPhone                                          bool

	// The current row:
	values    [][]byte // normalised, by column
	commas    []bool   // values that hold a comma
	anyComma  bool
	unread    []bool // cells that could not be read
	anyUnread bool
	codes     Codes
	faults    []Fault
	algorithm Algorithm
	scratch   []byte
	lower     []byte
	line      []byte // the row in Cognito's dialect, with LF
}

// Fault is one problem of a row.
type Fault struct {
	Code Code
	// Attribute is the column at fault as the pool names it, empty if it is the row as a whole.
	Attribute string
	// Column is where the cell stands in the source, -1 if nowhere.
	Column int
}

// newChecker makes a checker for the rows of a source with the given header.
func newChecker(pool *Pool, settings Settings, header Header) *checker {
	names, offersHash := pool.columns()
	if offersHash && slices.Contains(header.Attributes, colHash) {
		names = append(slices.Clip(names), colHash)
	}
	c := &checker{
		settings: settings, pool: pool,
		values: make([][]byte, len(names)), commas: make([]bool, len(names)), unread: make([]bool, len(names)),
	}
	for i, name := range names {
		col := newColumn(pool.attribute(name))
		col.source = slices.Index(header.Attributes, name)
		if col.source >= 0 {
			c.mapped = append(c.mapped, i)
		}
		if col.required {
			c.required = append(c.required, i)
		}
		c.columns = append(c.columns, col)
	}
	find := func(name string) int { return slices.Index(names, name) }
	c.username, c.mfa, c.hash = find(colUsername), find(colMFA), find(colHash)
	c.email, c.emailVerified = find(colEmail), find(colEmailVerified)
	c.phone, c.phoneVerified = find(colPhone), find(colPhoneVerified)
	before := 0
	for i, col := range c.columns {
		if col.source >= 0 || i == c.username || i == c.mfa || i == c.emailVerified || i == c.phoneVerified {
			c.written = append(c.written, written{i, i - before})
			before = i
		}
	}
	for _, name := range []string{colEmail, colPhone} {
		if i := find(name); i >= 0 && slices.Contains(pool.UsernameAttributes, name) {
			c.usernameFrom = append(c.usernameFrom, i)
		}
	}
	c.autoEmail = slices.Contains(pool.AutoVerified, colEmail)
	c.autoPhone = slices.Contains(pool.AutoVerified, colPhone)
	c.aliasEmail = slices.Contains(pool.AliasAttributes, colEmail)
	c.aliasPhone = slices.Contains(pool.AliasAttributes, colPhone)
	return c
}

func newColumn(a Attribute) column {
	col := column{name: a.Name, maximum: maxValue, low: a.Min, high: a.Max, required: a.Required}
	switch a.Type {
	case Number:
		col.kind = kindNumber
	case Boolean:
		col.kind = kindBoolean
	case DateTime:
		col.kind = kindDateTime
	default:
		if a.MinLength != nil {
			col.minimum = *a.MinLength
		}
		if a.MaxLength != nil {
			col.maximum = min(*a.MaxLength, maxValue)
		}
	}
	switch a.Name {
	case colUsername:
		col.kind = kindUsername
	case colEmail:
		col.kind = kindEmail
	case colPhone:
		col.kind = kindPhone
	case colEmailVerified, colPhoneVerified:
		col.kind = kindBoolean
	case colMFA:
		col.kind = kindMFA
	case colBirthdate:
		col.kind = kindBirthdate
	case colUpdatedAt:
		col.kind = kindUpdatedAt
	case colHash:
		col.kind = kindHash
	}
	return col
}

// header is the pool's header line in Cognito's dialect, with LF.
func (c *checker) header() []byte {
	var line []byte
	for i, col := range c.columns {
		if i > 0 {
			line = append(line, ',')
		}
		line = appendCognito(line, []byte(col.name))
	}
	return append(line, '\n')
}

// appendCognito appends a value in Cognito's dialect: a comma is written \, and nothing else is escaped.
func appendCognito(to, value []byte) []byte {
	for {
		comma := bytes.IndexByte(value, ',')
		if comma < 0 {
			return append(to, value...)
		}
		to = append(to, value[:comma]...)
		to = append(to, '\\', ',')
		value = value[comma+1:]
	}
}

func (c *checker) fault(code Code, col int) {
	c.codes |= 1 << code
	f := Fault{Code: code, Column: -1}
	if col >= 0 {
		f.Attribute, f.Column = c.columns[col].name, c.columns[col].source
	}
	c.faults = append(c.faults, f)
}

// The texts of Booleans; encode copies 16 bytes at once.
var (
	textTrue  = []byte("true            ")[:4]
	textFalse = []byte("false           ")[:5]
)

func booleanText(b bool) []byte {
	if b {
		return textTrue
	}
	return textFalse
}

// check applies the rules to the row that s has split: its problems are in codes and faults; if there is none, what
// Cognito takes is in line.
func (c *checker) check(s *scanner) {
	c.codes, c.faults = 0, c.faults[:0]
	if s.code != 0 {
		c.values[c.username] = nil
		c.fault(s.code, -1)
		return
	}
	if c.anyUnread {
		clear(c.unread)
		c.anyUnread = false
	}
	if c.anyComma {
		clear(c.commas)
		c.anyComma = false
	}
	for _, i := range [...]int{c.username, c.emailVerified, c.phoneVerified, c.mfa} {
		if i >= 0 {
			c.values[i] = nil // it may have been filled in for the row before
		}
	}
	c.algorithm = NoAlgorithm
	c.scratch = c.scratch[:0]
	plain := s.form&rowRare == 0
	mayComma := s.delim != ','
	for _, i := range c.mapped {
		col := &c.columns[i]
		f := s.fields[col.source]
		value := s.buf[f.start:f.end]
		if f.form&^formQuoted != 0 || mayComma {
			value = c.value(s, i)
		}
		if value = trim(value); len(value) == 0 {
			c.values[i] = nil
			continue
		}
		if col.kind != kindText {
			if value = c.read(i, value, plain); value == nil {
				c.values[i] = nil
				continue
			}
		}
		c.values[i] = value
		if plain {
			if n := len(value); n > col.maximum || n < col.minimum {
				c.checkLength(i, n)
			}
			continue
		}
		if !isASCII(value) {
			c.checkLength(i, utf8.RuneCount(value))
		} else {
			c.checkLength(i, len(value))
		}
		if !representable(value) {
			c.fault(Unrepresentable, i)
		}
	}
	c.deriveUsername()
	c.checkVerified()
	for _, i := range c.required {
		if len(c.values[i]) == 0 && !c.unread[i] {
			c.fault(MissingRequired, i)
		}
	}
	c.encode(plain, len(s.row))
}

// value is the cell of a column as read, and whether it holds a comma is noted.
func (c *checker) value(s *scanner, i int) []byte {
	value := s.cell(c.columns[i].source)
	if bytes.IndexByte(value, ',') >= 0 {
		c.commas[i] = true
		c.anyComma = true
	}
	return value
}

func (c *checker) checkLength(i, n int) {
	switch col := &c.columns[i]; {
	case n < col.minimum:
		c.fault(TooShort, i)
	case n > col.maximum:
		c.fault(TooLong, i)
	}
}

// unreadable notes that the cell could not be read. It gets no other code, and no rule that needs its value fires.
func (c *checker) unreadable(i int, code Code) []byte {
	c.fault(code, i)
	c.unread[i] = true
	c.anyUnread = true
	return nil
}

// read reads a cell that is more than text. The answer is the normalised value, or nil if it cannot be read.
func (c *checker) read(i int, value []byte, plain bool) []byte {
	col := &c.columns[i]
	from := len(c.scratch)
	var ok bool
	switch col.kind {
	case kindUsername:
		if !c.usernameFits(value, plain) {
			return c.unreadable(i, BadUsername)
		}
	case kindEmail:
		if !validEmail(value, plain) {
			return c.unreadable(i, BadEmail)
		}
	case kindPhone:
		if isE164(value) {
			return value
		}
		if c.scratch, ok = appendPhone(c.scratch, value, c.settings.DefaultPhoneCountry); !ok {
			return c.unreadable(i, BadPhone)
		}
		return c.scratch[from:]
	case kindBoolean, kindMFA:
		b, ok := parseBoolean(value)
		if !ok {
			return c.unreadable(i, BadBoolean)
		}
		return booleanText(b)
	case kindBirthdate:
		if c.scratch, ok = appendBirthdate(c.scratch, value); !ok {
			return c.unreadable(i, BadBirthdate)
		}
		return c.scratch[from:]
	case kindUpdatedAt:
		if c.scratch, ok = appendUpdatedAt(c.scratch, value); !ok {
			return c.unreadable(i, BadUpdatedAt)
		}
		value = c.scratch[from:]
		if !inRange(value, col.low, col.high) {
			c.fault(NumberOutOfRange, i)
		}
	case kindNumber:
		if value, ok = wholeNumber(value); !ok {
			return c.unreadable(i, BadNumber)
		}
		if len(value) <= maxValue && !inRange(value, col.low, col.high) {
			c.fault(NumberOutOfRange, i)
		}
	case kindDateTime:
		if !isDateTime(value) {
			return c.unreadable(i, BadDateTime)
		}
	case kindHash:
		algorithm, within, ok := parseHash(value)
		if !ok {
			return c.unreadable(i, BadHash)
		}
		if !within {
			c.fault(HashOutOfBounds, i)
		}
		c.algorithm = algorithm
	}
	return value
}

// usernameFits tells whether a username may be one, in this pool. Plain text is printable ASCII.
func (c *checker) usernameFits(name []byte, plain bool) bool {
	return validUsername(name, plain) && !(c.aliasEmail && validEmail(name, plain)) &&
		!(c.aliasPhone && name[0] == '+' && isDigits(name[1:]))
}

// deriveUsername takes a blank username from the address or number that the pool's users sign in with.
func (c *checker) deriveUsername() {
	if len(c.values[c.username]) > 0 || c.unread[c.username] {
		return
	}
	for _, i := range c.usernameFrom {
		if c.unread[i] {
			return // whether there is a username cannot be told
		}
		if name := c.values[i]; len(name) > 0 {
			c.values[c.username] = name
			c.commas[c.username] = c.commas[i]
			if !c.usernameFits(name, false) {
				c.values[c.username] = c.unreadable(c.username, BadUsername)
			}
			return
		}
	}
	c.fault(MissingUsername, c.username)
}

// checkVerified fills in the marks of verification and MFA, and checks them against the row and the pool.
func (c *checker) checkVerified() {
	email := c.verified(c.emailVerified, c.email, c.settings.assumesEmail())
	phone := c.verified(c.phoneVerified, c.phone, c.settings.assumesPhone())
	if (!c.autoEmail || email == isFalse) && (!c.autoPhone || phone == isFalse) {
		c.fault(NotVerified, -1)
	}
	if c.mfa < 0 || c.unread[c.mfa] {
		return
	}
	mfa := c.values[c.mfa]
	switch {
	case len(mfa) == 0:
		c.values[c.mfa] = booleanText(c.pool.MFA == MFAOn)
	case c.pool.MFA == MFAOn && mfa[0] == 'f', c.pool.MFA != MFAOn && c.pool.MFA != MFAOptional && mfa[0] == 't':
		c.fault(MfaMismatch, c.mfa)
	}
}

// truth is what is known of a Boolean.
type truth uint8

const (
	isFalse truth = iota
	isTrue
	isUnknown // the cell could not be read
)

// verified fills in a mark of verification of what is in another column.
func (c *checker) verified(mark, of int, assume bool) truth {
	if mark < 0 {
		return isFalse
	}
	if c.unread[mark] {
		return isUnknown
	}
	there := of >= 0 && (len(c.values[of]) > 0 || c.unread[of])
	value := c.values[mark]
	if len(value) == 0 {
		value = booleanText(assume && there)
		c.values[mark] = value
	}
	if value[0] == 'f' {
		return isFalse
	}
	if !there {
		c.fault(VerifiedButBlank, of)
	}
	return isTrue
}

// encode writes the row in Cognito's dialect, and checks its length.
func (c *checker) encode(plain bool, size int) {
	// A value may be written twice (a username taken from an address), each byte of it may become two, and 16 bytes
	// are copied at once.
	if most := 4*(size+len(c.scratch)) + 8*len(c.columns) + 64; cap(c.line) < most {
		c.line = make([]byte, 2*most)
	}
	line := c.line[:cap(c.line)]
	n, column := 0, 0
	for _, next := range c.written {
		for range next.commas {
			line[n] = ','
			n++
		}
		column = next.column
		value := c.values[column]
		switch {
		case c.anyComma && c.commas[column]:
			n = len(appendCognito(line[:n], value))
		case len(value) <= 16 && cap(value) >= 16:
			*(*[16]byte)(line[n:]) = [16]byte(value[:16])
			n += len(value)
		default:
			n += copy(line[n:], value)
		}
	}
	for range len(c.columns) - 1 - column {
		line[n] = ','
		n++
	}
	line[n] = '\n'
	c.line = line[:n+1]
	if n > maxLine && (plain || utf8.RuneCount(line[:n]) > maxLine) {
		c.fault(RowTooLong, -1)
	}
}

// usernameKey is what the row's username is compared by, nil if it has none that can be read.
func (c *checker) usernameKey() []byte {
	name := c.values[c.username]
	if len(name) == 0 || c.pool.CaseSensitive {
		return name
	}
	lower := c.lower[:0]
	for i := 0; i < len(name); {
		b := name[i]
		if b < utf8.RuneSelf {
			if 'A' <= b && b <= 'Z' {
				b += 'a' - 'A'
			}
			lower = append(lower, b)
			i++
			continue
		}
		r, n := utf8.DecodeRune(name[i:])
		lower = utf8.AppendRune(lower, unicode.ToLower(r))
		i += n
	}
	c.lower = lower
	return lower
}
