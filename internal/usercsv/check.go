package usercsv

import (
	"bytes"
	"math/big"
	"slices"
	"unicode"
	"unicode/utf8"

	"userdrop/internal/phone"
)

// kind is how a column's cells are read.
type kind uint8

const (
	kindText kind = iota
	kindUsername
	kindEmail
	kindPhone
	kindBoolean
	kindBirthdate
	kindUpdatedAt
	kindNumber
	kindDateTime
	kindHash
)

// role is the part that a column plays in rules about several columns.
type role int8

const (
	roleNone role = iota
	roleUsername
	roleEmail
	roleEmailVerified
	rolePhone
	rolePhoneVerified
	roleMFA
	roleHash
	roles
)

// rolesOf are the columns that play a role.
var rolesOf = map[string]role{
	colUsername: roleUsername, colEmail: roleEmail, colEmailVerified: roleEmailVerified, colPhone: rolePhone,
	colPhoneVerified: rolePhoneVerified, colMFA: roleMFA, colHash: roleHash,
}

// column is one of the pool's columns, as the rules need it.
type column struct {
	name     string
	kind     kind
	role     role
	required bool
	source   int // the source's column, -1 if it has none
	commas   int // how many stand before its value in a line, since the column before that may have one
	minimum  int // characters
	maximum  int
	low      *big.Int
	high     *big.Int
}

// checker applies the rules to the rows of one source.
type checker struct {
	settings Settings
	seen     *seen
	country  *phone.Country // of national numbers, or nil
	pool     *Pool
	names    []string
	written  []column       // the columns that may have a value
	roles    [roles]*column // those that play a role, nil if the pool has none
	mapped   []*column      // those of them that the source has
	filled   []role         // those that it has not
	behind   []byte         // commas behind the last value
	commas   []byte         // as many as there are columns

	usernameFrom           []role // what a blank username is taken from
	autoEmail, autoPhone   bool
	aliasEmail, aliasPhone bool

	dates dateTally // of all rows

	// The current row:
	rowLine   int
	cells     [roles]cell
	codes     Codes
	faults    []Fault
	notes     noteSet
	algorithm Algorithm
	scratch   []byte
	lower     []byte
	hash      nameHash // of the username, zero if there is none that can be read
	line      []byte   // the row in Cognito's dialect, with LF
	changes   changes
}

// cell is a value that rules about several columns look at.
type cell struct {
	value  []byte
	unread bool // there is text, but it could not be read
	comma  bool // the value holds a comma
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
func newChecker(pool *Pool, settings Settings, seen *seen, header Header) *checker {
	names, offersHash := pool.columns()
	if offersHash && slices.Contains(header.Attributes, colHash) {
		names = append(slices.Clip(names), colHash)
	}
	c := &checker{settings: settings, seen: seen, pool: pool, names: names, changes: newChanges(header, settings.Groups)}
	c.country, _ = phone.Lookup(settings.DefaultPhoneCountry)
	last := 0
	for i, name := range names {
		col := newColumn(pool.attribute(name))
		col.source = slices.Index(header.Attributes, name)
		if col.source >= 0 || col.role != roleNone {
			col.commas, last = i-last, i
			c.written = append(c.written, col)
		}
	}
	c.commas = bytes.Repeat([]byte{','}, len(names))
	c.behind = bytes.Repeat([]byte{','}, len(names)-1-last)
	for i := range c.written {
		col := &c.written[i]
		switch {
		case col.role == roleNone:
			continue
		case col.source >= 0:
			c.mapped = append(c.mapped, col)
		default:
			c.filled = append(c.filled, col.role)
		}
		c.roles[col.role] = col
	}
	c.autoEmail = slices.Contains(pool.AutoVerified, colEmail)
	c.autoPhone = slices.Contains(pool.AutoVerified, colPhone)
	c.aliasEmail = slices.Contains(pool.AliasAttributes, colEmail)
	c.aliasPhone = slices.Contains(pool.AliasAttributes, colPhone)
	for _, name := range []string{colEmail, colPhone} {
		if r := rolesOf[name]; c.roles[r] != nil && slices.Contains(pool.UsernameAttributes, name) {
			c.usernameFrom = append(c.usernameFrom, r)
		}
	}
	return c
}

func newColumn(a Attribute) column {
	col := column{
		name: a.Name, role: rolesOf[a.Name], maximum: maxValue, low: a.Min, high: a.Max, required: a.Required,
	}
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
		col.kind = kindBoolean
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
	for i, name := range c.names {
		if i > 0 {
			line = append(line, ',')
		}
		line = appendCognito(line, []byte(name))
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

// fault notes a problem, nil standing for the row as a whole.
func (c *checker) fault(code Code, col *column) {
	c.codes |= 1 << code
	f := Fault{Code: code, Column: -1}
	if col != nil {
		f.Attribute, f.Column = col.name, col.source
	}
	c.faults = append(c.faults, f)
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

// check applies the rules to the row that s has split: its problems are in codes and faults; if there is none, what
// Cognito takes is in line.
func (c *checker) check(s *scanner) {
	c.codes, c.faults, c.notes = 0, c.faults[:0], 0
	c.rowLine = s.rowLine
	c.scratch, c.algorithm = c.scratch[:0], NoAlgorithm
	if s.code != 0 {
		c.hash = 0
		c.fault(s.code, nil)
		return
	}
	plain := s.plain()
	for _, r := range c.filled {
		c.cells[r].value = nil // it may have been filled in for the row before
		c.cells[r].unread = false
	}
	for _, col := range c.mapped {
		this := &c.cells[col.role]
		this.value, this.comma = s.value(col.source)
		this.unread = false
		if len(this.value) > 0 {
			this.value = c.read(col, this.value, plain)
			this.unread = this.value == nil
		}
	}
	c.deriveUsername()
	c.hashUsername()
	c.checkVerified()
	c.encode(s)
	c.checkChanges(s)
}

// checkText checks what is asked of every value.
func (c *checker) checkText(col *column, value []byte, plain bool) {
	n := len(value)
	if !plain {
		n = utf8.RuneCount(value)
		if !representable(value) {
			c.fault(Unrepresentable, col)
		}
	}
	switch {
	case n < col.minimum:
		c.fault(TooShort, col)
	case n > col.maximum:
		c.fault(TooLong, col)
	}
}

// read reads a cell with text. The answer is the normalised value. If the cell cannot be read it is nil: the cell gets
// no other code, and no rule that needs its value fires.
func (c *checker) read(col *column, value []byte, plain bool) []byte {
	value, code := c.normalise(col, value, plain)
	if code != 0 {
		c.fault(code, col)
		return nil
	}
	c.checkText(col, value, plain)
	return value
}

// normalise brings a cell with text into Cognito's form. The code says why it cannot be read.
func (c *checker) normalise(col *column, value []byte, plain bool) ([]byte, Code) {
	from := len(c.scratch)
	var ok bool
	switch col.kind {
	case kindText:
	case kindUsername:
		if !c.usernameFits(value, plain) {
			return nil, BadUsername
		}
	case kindEmail:
		if !validEmail(value, plain) {
			return nil, BadEmail
		}
	case kindPhone:
		if isE164(value) {
			break
		}
		if c.scratch, ok = appendPhone(c.scratch, value, c.country); !ok {
			return nil, BadPhone
		}
		value = c.scratch[from:]
	case kindBoolean:
		if string(value) == "true" || string(value) == "false" {
			break
		}
		b, ok := parseBoolean(value)
		if !ok {
			return nil, BadBoolean
		}
		value = booleanText(b)
	case kindBirthdate:
		c.dates.add(c.rowLine, orderOf(value))
		if c.scratch, ok = appendBirthdate(c.scratch, value); !ok {
			return nil, BadBirthdate
		}
		value = c.scratch[from:]
	case kindUpdatedAt:
		if len(value) > 10 || !isDigits(value) {
			if c.scratch, ok = appendUpdatedAt(c.scratch, value); !ok {
				return nil, BadUpdatedAt
			}
			value = c.scratch[from:]
		}
		c.checkRange(col, value)
	case kindNumber:
		if value, ok = wholeNumber(value); !ok {
			return nil, BadNumber
		}
		c.checkRange(col, value)
	case kindDateTime:
		if !isDateTime(value) {
			return nil, BadDateTime
		}
	case kindHash:
		algorithm, within, ok := parseHash(value)
		if !ok {
			return nil, BadHash
		}
		if !within {
			c.fault(HashOutOfBounds, col)
		}
		c.algorithm = algorithm
	}
	return value, 0
}

func (c *checker) checkRange(col *column, value []byte) {
	if len(value) <= maxValue && !inRange(value, col.low, col.high) {
		c.fault(NumberOutOfRange, col)
	}
}

// usernameFits tells whether a username may be one, in this pool. Plain text is printable ASCII.
func (c *checker) usernameFits(name []byte, plain bool) bool {
	return validUsername(name, plain) && !(c.aliasEmail && validEmail(name, plain)) &&
		!(c.aliasPhone && name[0] == '+' && isDigits(name[1:]))
}

// deriveUsername takes a blank username from the address or number that the pool's users sign in with.
func (c *checker) deriveUsername() {
	username := &c.cells[roleUsername]
	if len(username.value) > 0 || username.unread {
		return
	}
	for _, r := range c.usernameFrom {
		from := c.cells[r]
		if from.unread {
			return // whether there is a username cannot be told
		}
		if len(from.value) == 0 {
			continue
		}
		if *username = from; !c.usernameFits(from.value, false) {
			c.fault(BadUsername, c.roles[roleUsername])
			*username = cell{unread: true}
		}
		return
	}
	c.fault(MissingUsername, c.roles[roleUsername])
}

// checkVerified fills in the marks of verification and MFA, and checks them against the row and the pool.
func (c *checker) checkVerified() {
	email := c.verified(roleEmailVerified, roleEmail, c.settings.assumesEmail())
	phone := c.verified(rolePhoneVerified, rolePhone, c.settings.assumesPhone())
	if (!c.autoEmail || email == isFalse) && (!c.autoPhone || phone == isFalse) {
		c.fault(NotVerified, nil)
	}
	mfa := &c.cells[roleMFA]
	switch {
	case mfa.unread:
	case len(mfa.value) == 0:
		c.fillIn(roleMFA, c.pool.MFA == MFAOn)
	case c.pool.MFA == MFAOn && mfa.value[0] == 'f',
		c.pool.MFA != MFAOn && c.pool.MFA != MFAOptional && mfa.value[0] == 't':
		c.fault(MfaMismatch, c.roles[roleMFA])
	}
}

// fillIn fills in a Boolean that is blank.
func (c *checker) fillIn(r role, b bool) {
	c.cells[r].value = booleanText(b)
}

// truth is what is known of a Boolean.
type truth uint8

const (
	isFalse truth = iota
	isTrue
	isUnknown // the cell could not be read
)

// verified fills in a mark of verification of what is in another column.
func (c *checker) verified(mark, of role, assume bool) truth {
	if c.roles[mark] == nil {
		return isFalse
	}
	m, there := &c.cells[mark], len(c.cells[of].value) > 0 || c.cells[of].unread
	switch {
	case m.unread:
		return isUnknown
	case len(m.value) == 0:
		c.fillIn(mark, assume && there)
	}
	if m.value[0] == 'f' {
		return isFalse
	}
	if !there {
		c.fault(VerifiedButBlank, c.roles[of])
	}
	return isTrue
}

// encode checks the columns that play no role, writes the row in Cognito's dialect, and checks its length.
func (c *checker) encode(s *scanner) {
	plain := s.plain()
	line := c.line[:0]
	for i := range c.written {
		col := &c.written[i]
		line = append(line, c.commas[:col.commas]...)
		var value []byte
		var comma bool
		if col.role != roleNone {
			this := &c.cells[col.role]
			value, comma = this.value, this.comma
			if len(value) == 0 && col.required && !this.unread {
				c.fault(MissingRequired, col)
			}
		} else {
			value, comma = s.value(col.source)
			switch size := len(value); {
			case size == 0:
				if col.required {
					c.fault(MissingRequired, col)
				}
			case !plain || col.kind != kindText || size < col.minimum || size > col.maximum:
				value = c.read(col, value, plain)
			}
		}
		if comma {
			line = appendCognito(line, value)
		} else {
			line = append(line, value...)
		}
	}
	line = append(line, c.behind...)
	if n := len(line); n > maxLine && (plain || utf8.RuneCount(line) > maxLine) {
		c.fault(RowTooLong, nil)
	}
	c.line = append(line, '\n')
}

// hashUsername hashes the row's username, if it has one that can be read.
func (c *checker) hashUsername() {
	c.hash = 0
	if name := c.cells[roleUsername].value; len(name) > 0 {
		c.hash = c.hashOf(name)
	}
}

// hashOf hashes what a username is compared by.
func (c *checker) hashOf(name []byte) nameHash {
	if c.pool.CaseSensitive {
		return c.seen.hash(name)
	}
	c.lower = appendLower(c.lower[:0], name)
	return c.seen.hash(c.lower)
}

// appendLower appends a text in lower case, rune by rune as Unicode has it.
func appendLower(to, text []byte) []byte {
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		to = utf8.AppendRune(to, unicode.ToLower(r))
		text = text[n:]
	}
	return to
}

// verbatim tells whether the row's line is, byte for byte, what was read.
func (c *checker) verbatim(s *scanner) bool { return bytes.Equal(s.full, c.line) }
