package usercsv

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"userdrop/internal/contract"
	"userdrop/internal/usercsv/dialect"
)

// The columns of what is applied after the import, where Pool.ApplyGroups is true.
const (
	colGroups  = "groups"
	colEnabled = "enabled"
)

// maxGroupName is Cognito's limit of a group's name, in characters (API reference, CreateGroup).
const maxGroupName = 128

// Wanted is what a row asks for after the import.
type Wanted struct {
	// Groups are the groups that the user becomes a member of, each once. Nobody is ever taken out of a group.
	Groups []string
	// Enabled is nil where the cell is blank: a new user is enabled, and an existing one stays as it is.
	Enabled *bool
}

// Empty reports whether nothing is wanted.
func (w Wanted) Empty() bool { return len(w.Groups) == 0 && w.Enabled == nil }

// Groups holds the groups of a pool while a drop is prepared. A nil *Groups takes every name that may be one.
type Groups struct {
	known map[string]bool
	room  int
	// Missing are the groups that rows want and the pool lacks, in the order in which they came: at most as many as may
	// be created.
	Missing []string
}

// NewGroups takes the names of a pool's groups, and how many more may be created.
func NewGroups(names []string, room int) *Groups {
	g := &Groups{known: make(map[string]bool, len(names)), room: room}
	for _, name := range names {
		g.known[name] = true
	}
	return g
}

// take reports whether all groups are there or will be. Where one is not, none is created. A missing name with a comma is
// more likely a list of groups, so it is not created.
func (g *Groups) take(names []string) bool {
	if g == nil {
		return true
	}
	var missing []string
	for _, name := range names {
		if !g.known[name] {
			missing = append(missing, name)
		}
	}
	if len(missing) > g.room-len(g.Missing) || slices.ContainsFunc(missing, hasComma) {
		return len(missing) == 0
	}
	for _, name := range missing {
		g.known[name] = true
		g.Missing = append(g.Missing, name)
	}
	return true
}

// ChangeSink is a [Sink] that also receives what accepted rows want after the import.
type ChangeSink interface {
	Sink
	// Want receives what the row at place, in a part, wants. Username is valid until Want returns.
	Want(ctx context.Context, part Part, place Place, username []byte, wanted Wanted) error
}

// Fate is what becomes of an accepted row, by whether its user exists.
type Fate uint8

// The fates of rows.
const (
	Submitted Fate = iota // it goes into a part
	Kept                  // the user exists, and the sink has the row: it goes into no part
	Exists                // the user exists, and the row is rejected for it
)

// ExistingSink is a [Sink] that knows which users exist.
type ExistingSink interface {
	Sink
	// Existing decides what becomes of a row that the rules accept. Values are those of columns, in Cognito's form.
	Existing(ctx context.Context, place Place, username []byte, columns, values []string, wanted Wanted) (Fate, error)
}

// AcceptSink is a [Sink] that receives every accepted row.
type AcceptSink interface {
	Sink
	// Accepts reports whether the sink wants them.
	Accepts() bool
	// Accept receives the row at place. Username and id, the cell of IdColumn, are valid until Accept returns. Kept rows
	// go into no part.
	Accept(ctx context.Context, place Place, username, id []byte, kept bool) error
}

// accept hands an accepted row to the sink.
func (p *Preparer) accept(ctx context.Context, place Place, row *checker) error {
	if p.accepts == nil {
		return nil
	}
	var id []byte
	switch {
	case row.s.mapped != nil:
		id = []byte(row.s.mapped.outcome.ID)
	case row.id != nil:
		id = row.clean(row.id)
	}
	return p.accepts.Accept(ctx, place, row.cells[roleUsername].value, id, row.changes.kept)
}

// askExisting asks the sink what becomes of the row that was checked, and reports whether it is still accepted.
func (p *Preparer) askExisting(ctx context.Context, place Place, row *checker) (accepted bool, err error) {
	row.changes.kept = false
	if p.existing == nil {
		return true, nil
	}
	name := row.cells[roleUsername].value
	fate, err := p.existing.Existing(ctx, place, name, row.names, dialect.Values(string(row.line)), row.changes.wanted)
	switch {
	case err != nil:
		return false, err
	case fate == Exists:
		row.fault(contract.UserExists, row.roles[roleUsername], "")
		return false, nil
	}
	row.changes.kept = fate == Kept
	return true, nil
}

// changeColumns are the columns that a drop may have beside the pool's.
func (p *Pool) changeColumns() []string {
	if !p.ApplyGroups {
		return nil
	}
	return []string{colGroups, colEnabled}
}

// changes reads the columns groups and enabled of one source.
type changes struct {
	groups, enabled *column // nil if the source has none
	known           *Groups
	wanted          Wanted // of the current row
	kept            bool   // the current row goes into no part
}

func newChanges(header Header, known *Groups) changes {
	find := func(name string, kind kind) *column {
		if i := slices.Index(header.Attributes, name); i >= 0 {
			return &column{name: name, kind: kind, source: i, maximum: maxValue}
		}
		return nil
	}
	return changes{groups: find(colGroups, kindText), enabled: find(colEnabled, kindBoolean), known: known}
}

// checkChanges reads what the row wants after the import.
func (c *checker) checkChanges() {
	c.changes.wanted = Wanted{}
	if col := c.changes.enabled; col != nil {
		if value := c.read(col).value; len(value) > 0 {
			enabled := value[0] == 't'
			c.changes.wanted.Enabled = &enabled
		}
	}
	col := c.changes.groups
	if col == nil {
		return
	}
	value := c.clean(col)
	if code, detail := c.damage(col, value, classify(value)); code != 0 {
		c.fault(code, col, detail)
		return
	}
	names := splitGroups(string(value))
	// A group that only rejected rows want is not created.
	if slices.ContainsFunc(names, func(name string) bool { return !validGroup(name) }) ||
		c.codes == 0 && !c.changes.known.take(names) {
		detail := ""
		if slices.ContainsFunc(names, hasComma) {
			detail = "Separate groups by ; or |. A comma is part of a name, and groups with one are never created."
		}
		c.fault(contract.UnknownGroup, col, detail)
	}
	c.changes.wanted.Groups = names
}

// splitGroups splits a cell at ; and |. Blank names are none, and a name that comes twice is one.
func splitGroups(cell string) []string {
	var names []string
	for name := range strings.FieldsFuncSeq(cell, func(r rune) bool { return r == ';' || r == '|' }) {
		if name = strings.TrimSpace(name); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func hasComma(name string) bool { return strings.Contains(name, ",") }

// validGroup reports whether Cognito takes the name: the characters of a username, at most 128.
func validGroup(name string) bool {
	return utf8.RuneCountInString(name) <= maxGroupName && !strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.In(r, unicode.L, unicode.M, unicode.S, unicode.N, unicode.P)
	})
}
