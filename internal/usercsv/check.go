package usercsv

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"userdrop/internal/contract"
	"userdrop/internal/usercsv/dialect"
)

// checker applies the rules to the rows of one source.
type checker struct {
	settings   Settings
	seen       *seen
	pool       *Pool
	names      []string
	written    []column       // the columns that may have a value
	roles      [roles]*column // those that play a role, nil if the pool has none
	mapped     []*column      // those of them that the source has
	id         *column        // of the setting IdColumn, nil if it is none or an attribute
	filled     []role         // those that it has not
	behind     []byte         // commas behind the last value
	first      [256]firstByte // what a value may be, by its first byte
	birthdates birthdates
	birthdate  *column // nil if the source has none
	latest     int64   // of updated_at
	changes    changes

	usernameFrom           []role // what a blank username is taken from
	autoEmail, autoPhone   bool
	aliasEmail, aliasPhone bool

	// The current row:
	s           *scanner
	cells       [roles]cell
	codes       contract.Codes
	notes       noteSet
	faults      []Fault
	apostrophes bool // its username or address has a leading '
	derivedFrom role // where a blank username was taken from
	algorithm   Algorithm
	scratch     []byte
	key         []byte
	hash        nameHash // of the username, zero if there is none that can be read
	line        []byte   // the row in Cognito's dialect, with LF
}

// cell is a value in Cognito's form.
type cell struct {
	value  []byte
	unread bool // there is text, but it could not be read
	comma  bool // the value holds a comma
}

// Fault is one problem of a row.
type Fault struct {
	Code contract.Code
	// Attribute is the column at fault as the pool names it, empty if it is the row as a whole.
	Attribute string
	// Column is where the cell is in the source, -1 if nowhere.
	Column int
	// Detail says more than the code's message, empty if there is no more to say. It may name a character of the cell:
	// it is for failed.csv and the terminal of the file's owner.
	Detail string
}

// newChecker makes a checker for the rows of a source with the given header.
func newChecker(pool *Pool, settings Settings, seen *seen, header Header) *checker {
	names, offersHash := pool.columns()
	if offersHash && slices.Contains(header.Attributes, colHash) {
		names = append(slices.Clip(names), colHash)
	}
	c := &checker{settings: settings, seen: seen, pool: pool, names: names}
	c.first = firstBytes(settings.NullText)
	c.changes = newChanges(header, settings.Groups)
	c.birthdates = birthdates{settings: settings, today: dateOf(settings.Began)}
	c.latest = endOfTomorrow(settings.Began)
	if header.ID >= 0 && header.Attributes[header.ID] == "" {
		c.id = &column{name: "IdColumn", kind: kindText, source: header.ID}
	}
	last := 0
	for i, name := range names {
		col := newColumn(pool.attribute(name))
		col.source = slices.Index(header.Attributes, name)
		if col.source >= 0 || col.role != roleNone {
			col.commas, last = i-last, i
			col.follows = len(c.written) > 0 && col.followsText(&c.written[len(c.written)-1])
			c.written = append(c.written, col)
		}
	}
	c.behind = bytes.Repeat([]byte{','}, len(names)-1-last)
	for i := range c.written {
		col := &c.written[i]
		if col.kind == kindBirthdate && col.source >= 0 {
			c.birthdate = col
		}
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

// header returns the pool's header line in Cognito's dialect, with LF.
func (c *checker) header() []byte { return dialect.AppendHeader(nil, c.names) }

// fault notes a problem, nil standing for the row as a whole.
func (c *checker) fault(code contract.Code, col *column, detail string) {
	c.codes |= 1 << code
	f := Fault{Code: code, Column: -1, Detail: detail}
	if col != nil && col.role == roleUsername && c.derivedFrom != roleNone {
		col = c.roles[c.derivedFrom]
	}
	if col != nil {
		f.Attribute, f.Column = col.name, col.source
		if c.s.mapped != nil {
			f.Column = -1 // the cell is not the source's
		}
	}
	c.faults = append(c.faults, f)
}

// begin forgets the row before.
func (c *checker) begin(s *scanner) {
	c.s, c.codes, c.notes, c.faults = s, 0, 0, c.faults[:0]
	c.scratch, c.algorithm, c.derivedFrom, c.hash = c.scratch[:0], NoAlgorithm, roleNone, 0
}

// check applies the rules to the row that s has split: its problems are in codes and faults; if there is none, what
// Cognito takes is in line.
func (c *checker) check(s *scanner) {
	c.begin(s)
	if s.code != 0 {
		c.fault(s.code, nil, s.detail())
		return
	}
	if s.mapped != nil && !c.takeMapped(s.mapped.outcome) {
		return
	}
	c.apostrophes = c.marked(roleUsername) || c.marked(roleEmail)
	for _, r := range c.filled {
		c.cells[r] = cell{}
	}
	for _, col := range c.mapped {
		c.cells[col.role] = c.read(col)
	}
	c.checkUsername()
	c.checkVerified()
	c.encode()
	c.checkChanges()
	c.checkID()
}

// checkID checks the cell of the setting IdColumn, which goes into users.csv as it is: a damaged id finds nobody.
func (c *checker) checkID() {
	if c.id == nil || c.s.mapped != nil {
		return
	}
	if value := c.clean(c.id); len(value) > 0 {
		if code, detail := c.damage(c.id, value, classify(value)); code != 0 {
			c.fault(code, c.id, detail)
		}
	}
}

// countBirthdate counts the birthdate of a row, if it has one, and does nothing else.
func (c *checker) countBirthdate(s *scanner) {
	if c.begin(s); s.code == 0 && c.birthdate != nil {
		c.apostrophes = c.marked(roleUsername) || c.marked(roleEmail)
		c.read(c.birthdate)
	}
}

// encode checks the columns that play no role, writes the row in Cognito's dialect, and checks its length.
func (c *checker) encode() {
	line := c.line[:0]
	for i := 0; i < len(c.written); i++ {
		col := &c.written[i]
		for range col.commas {
			line = append(line, ',')
		}
		var this cell
		if col.role != roleNone {
			this = c.cells[col.role]
		} else {
			if col.kind == kindText {
				if n := c.plainTexts(i); n > 0 {
					line = c.appendTexts(line, i, n)
					i += n - 1
					continue
				}
			}
			this = c.read(col)
		}
		switch {
		case len(this.value) == 0:
			if col.required && !this.unread {
				c.fault(contract.MissingRequired, col, "")
			}
		case this.comma:
			line = dialect.AppendValue(line, this.value)
		default:
			line = append(line, this.value...)
		}
	}
	line = append(line, c.behind...)
	if len(line) > maxLine && utf8.RuneCount(line) > maxLine {
		c.fault(contract.RowTooLong, nil, "")
	}
	c.line = append(line, '\n')
}

// verbatim reports whether the row's line is, byte for byte, what was read.
func (c *checker) verbatim(s *scanner) bool { return bytes.Equal(s.full, c.line) }

func (c *checker) note(code contract.NoteCode) { c.notes.add(code) }
