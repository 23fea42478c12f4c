package mapping

import (
	"bytes"
	"errors"
	"slices"
	"unicode"

	"userdrop/internal/contract"
	"userdrop/internal/usercsv"
)

// Source maps the records of one source, one at a time.
type Source struct {
	e     *Engine
	names []string // of the source's columns
	// attributes are those that mapped rows have, in the order of the pool's header.
	attributes []string

	outputs  []output
	columns  []int  // by variable: which of the source's columns it is, -1 if it has none
	computed []int  // the variables that have to be in the environment
	counted  []int  // by column: its place in the account
	values   []int  // by column: how many records have a value
	single   []bool // by column: it loses a leading apostrophe, whatever the others have
	address  []int  // columns whose leading apostrophe shows that all cells of the record have one
	login    []int  // the same where the addresses are blank
	idColumn int    // the column with the stable id, if the settings name it; -1 if not
	direct   []int  // the outputs' columns, if each is a column as it is and nothing else is to be done; else nil
	username int    // the output that is the username of a pool where it must be an address or a number; -1 if none

	// The current record:
	cells       [][]byte // of a CSV row, or
	members     []any    // of a JSON record
	apostrophes bool     // all cells lose a leading apostrophe
	dropped     bool     // one did
	text        []byte
	row         usercsv.Mapped
}

// output is an attribute of mapped rows.
type output struct {
	attribute string
	*expression
	column int // the source's column that is taken as it is, -1 if the value is computed
}

// Attributes implements [usercsv.RowMapper].
func (s *Source) Attributes() []string { return s.attributes }

// Map maps the cells of a CSV row. It implements [usercsv.RowMapper].
func (s *Source) Map(cells [][]byte) *usercsv.Mapped {
	size := 0
	for i, cell := range cells[:min(len(cells), len(s.values))] {
		if n := len(cell); n > 0 {
			size += n
			s.values[i]++
		}
	}
	s.cells, s.members = cells, nil
	return s.mapRecord(size)
}

// MapMembers maps a JSON record, whose members are in the order of the source's names. size is its length in bytes.
func (s *Source) MapMembers(members []any, size int) *usercsv.Mapped {
	for i, value := range members {
		if value != nil {
			s.values[i]++
		}
	}
	s.cells, s.members = nil, members
	return s.mapRecord(size)
}

// mapRecord maps the record that is set.
func (s *Source) mapRecord(size int) *usercsv.Mapped {
	e := s.e
	s.row = usercsv.Mapped{Values: s.row.Values[:0], Notes: s.row.Notes[:0]}
	row := &s.row
	s.findApostrophes()
	e.state.begin(size)
	e.account.Rows.Read++
	for _, v := range s.computed {
		e.env[e.keys[v]] = s.variable(v)
	}
	switch {
	case e.joined != nil && !s.joinRecord(row):
	case !s.exclude(row):
	case !s.identify(row):
	case row.Because != "":
	case s.isDirect():
		row.Columns = s.direct
	default:
		s.fill(row)
	}
	if s.dropped {
		row.Notes = append(row.Notes, contract.ApostropheDropped)
	}
	e.account.addRow(row)
	return row
}

// isDirect reports whether the rules can read the row's own cells. An apostrophe is taken off before they do.
func (s *Source) isDirect() bool {
	if s.direct == nil || s.cells == nil || s.apostrophes {
		return false
	}
	for _, column := range s.direct {
		if s.single[column] && s.first(column) == '\'' {
			return false
		}
	}
	return true
}

var errNoTruth = errors.New("the value is neither true nor false")

// exclude finds the first exclusion that fits. It reports whether all went well.
func (s *Source) exclude(row *usercsv.Mapped) bool {
	for i, x := range s.e.exclude {
		if !s.hasColumns(x) {
			continue // the account says so
		}
		value, err := s.run(x)
		if err != nil {
			return fail(row, x, err)
		}
		fits, ok := truth(value)
		if value != nil && !ok {
			return fail(row, x, errNoTruth)
		}
		if fits {
			row.Because, row.Text = s.e.mapping.Exclude[i].Because, s.e.mapping.Exclude[i].Text
			break
		}
	}
	return true
}

func (s *Source) identify(row *usercsv.Mapped) bool {
	if s.idColumn >= 0 {
		value, _ := toText(s.at(s.idColumn))
		row.ID, _ = value.(string)
	}
	if s.e.id == nil {
		return true
	}
	value, err := s.run(s.e.id)
	if err == nil {
		value, err = toText(value)
	}
	if err != nil {
		return fail(row, s.e.id, err)
	}
	row.ID, _ = value.(string)
	return true
}

// fill computes the values of a row that is not excluded.
func (s *Source) fill(row *usercsv.Mapped) {
	s.text = s.text[:0]
	hashes := &s.e.state.hashes
	for i := range s.outputs {
		o := &s.outputs[i]
		value, err := s.value(o)
		if err != nil {
			row.Failed, row.Reason = o.place(), err.Error()
			return
		}
		if o.attribute == attributeHash && len(value) > 0 {
			switch {
			case s.e.state.dropAll: // no function of hashes made it
				hashes.dropped++
				value = nil
			case o.expression == nil || !o.hashes:
				hashes.kept++
			}
		}
		row.Values = append(row.Values, value)
	}
	s.dropUsername(row)
	if s.e.current != nil {
		s.e.current.used = true
	}
	if hashes.dropped > 0 {
		row.Notes = append(row.Notes, contract.HashDropped)
	}
	account := &s.e.account.Hashes
	account.Kept += hashes.kept
	account.Rewritten += hashes.rewritten
	account.Dropped += hashes.dropped
}

// place returns the output's place in the mapping.
func (o *output) place() string {
	if o.expression == nil {
		return "columns." + o.attribute
	}
	return o.expression.place
}

// value returns the text of an output; nil is blank.
func (s *Source) value(o *output) ([]byte, error) {
	if o.column >= 0 && s.cells != nil {
		return s.cell(o.column), nil
	}
	var value any
	var err error
	if o.column >= 0 {
		value = s.member(o.column)
	} else if value, err = s.run(o.expression); err != nil {
		return nil, err
	}
	if value, err = toText(value); err != nil {
		return nil, err
	}
	text, _ := value.(string)
	if text == "" {
		return nil, nil
	}
	from := len(s.text)
	s.text = append(s.text, text...)
	return s.text[from:len(s.text):len(s.text)], nil
}

// dropUsername leaves out a username that a pool with UsernameAttributes would not take: one that is not an address or
// number of the row.
func (s *Source) dropUsername(row *usercsv.Mapped) {
	if s.username < 0 {
		return
	}
	name := row.Values[s.username]
	if name == nil {
		return
	}
	for i, o := range s.outputs {
		if slices.Contains(s.e.target.UsernameAttributes, o.attribute) && bytes.EqualFold(name, row.Values[i]) {
			return
		}
	}
	row.Values[s.username] = nil
	s.e.account.Usernames++
}

// run evaluates an expression for the current record.
func (s *Source) run(e *expression) (any, error) {
	if e.direct >= 0 {
		return s.variable(e.direct), nil
	}
	s.e.state.steps = maxSteps
	return s.e.vm.Run(e.program, s.e.env)
}

// variable returns the value of a variable, nil if the source has no such column.
func (s *Source) variable(v int) any {
	if column := s.columns[v]; column >= 0 {
		return s.at(column)
	}
	return nil
}

// at returns the value of a column.
func (s *Source) at(column int) any {
	if s.cells == nil {
		return s.member(column)
	}
	if cell := s.cell(column); cell != nil {
		return string(cell)
	}
	return nil
}

// member returns a member of a JSON record. A text is blank by the same rules as a cell.
func (s *Source) member(column int) any {
	text, isText := s.members[column].(string)
	if !isText {
		return s.members[column]
	}
	if cell := s.clean(column, []byte(text)); cell != nil {
		return string(cell)
	}
	return nil
}

// cell returns a cell of a CSV row, nil if it is blank.
func (s *Source) cell(column int) []byte {
	if column >= len(s.cells) {
		return nil
	}
	return s.clean(column, s.cells[column])
}

// clean applies the rules that come before a mapping: white space, apostrophes, ="text", and texts that mean blank.
func (s *Source) clean(column int, cell []byte) []byte {
	if cell = trim(cell); len(cell) == 0 {
		return nil
	}
	if c := cell[0]; c != '\'' && c != '=' && c != '\\' && len(s.e.nullText) == 0 {
		return cell
	}
	if cell[0] == '\'' && (s.apostrophes || s.single[column]) {
		s.dropped = true
		if cell = trim(cell[1:]); len(cell) == 0 {
			return nil
		}
	}
	if cell[0] == '=' {
		cell = unwrap(cell)
	}
	if string(cell) == `\N` {
		return nil
	}
	if slices.ContainsFunc(s.e.nullText, func(text string) bool { return string(cell) == text }) {
		return nil
	}
	return cell
}

// trim removes white space and invisible characters around a value.
func trim(value []byte) []byte {
	n := len(value)
	if n == 0 || value[0]-'!' < 0x7f-'!' && value[n-1]-'!' < 0x7f-'!' {
		return value
	}
	return bytes.TrimFunc(value, func(r rune) bool { return unicode.IsSpace(r) || invisible(r) })
}

// invisible reports whether a character takes no place on a page, by the list of the CSV rules.
func invisible(r rune) bool {
	switch {
	case r == 0xAD, r == 0x61C, r == 0x180E, r == 0xFEFF:
	case r >= 0x200B && r <= 0x200F, r >= 0x202A && r <= 0x202E, r >= 0x2060 && r <= 0x2064, r >= 0x2066 && r <= 0x206F:
	default:
		return false
	}
	return true
}

// unwrap returns the text of ="text", by which spreadsheets are kept from changing a value.
func unwrap(cell []byte) []byte {
	inner, ok := bytes.CutPrefix(cell, []byte(`="`))
	if !ok || !bytes.HasSuffix(inner, []byte(`"`)) {
		return cell
	}
	return trim(bytes.ReplaceAll(inner[:len(inner)-1], []byte(`""`), []byte(`"`)))
}

// findApostrophes decides whether all cells of the record begin with an apostrophe that a product put there: the
// address has one, or, where there is no address, the login.
func (s *Source) findApostrophes() {
	s.apostrophes, s.dropped = false, false
	blank := true
	for _, column := range s.address {
		c := s.first(column)
		blank = blank && c == 0
		s.apostrophes = s.apostrophes || c == '\''
	}
	if !blank {
		return
	}
	for _, column := range s.login {
		s.apostrophes = s.apostrophes || s.first(column) == '\''
	}
}

// first returns the first byte of a column's text, 0 if it is blank.
func (s *Source) first(column int) byte {
	var cell []byte
	if s.cells != nil && column < len(s.cells) {
		cell = s.cells[column]
	} else if s.cells == nil {
		text, _ := s.members[column].(string)
		cell = []byte(text)
	}
	if cell = trim(cell); len(cell) > 0 {
		return cell[0]
	}
	return 0
}

// fail notes that an expression failed for the row, and returns false.
func fail(row *usercsv.Mapped, e *expression, err error) bool {
	row.Failed, row.Reason = e.place, err.Error()
	return false
}
