package contract

import (
	"fmt"
	"slices"
)

// NoteCode names what was taken otherwise than it was written, or may be wrong. A note rejects nothing. The names are a
// contract: they appear in result.json and on the terminal.
type NoteCode uint8

// The codes of notes, in the order in which they are listed.
const (
	ColumnIgnored     NoteCode = iota + 1 // counts columns
	FormulaUnwrapped                      // ="text" was taken as text
	ApostropheDropped                     // a leading ' was dropped
	ZonelessTime                          // a time without a zone was taken as UTC
	NullText                              // NULL, None and the like were taken as text
	HashDropped                           // a mapping left out a hash that Cognito does not take

	endOfNotes
)

// EndOfNotes is one more than the last code of a note, the size of a table by code.
const EndOfNotes = int(endOfNotes)

// noteTexts give each note's name, its title, and its message, which obeys the same rule as a problem's.
var noteTexts = [endOfNotes]codeText{
	ColumnIgnored: {
		"ColumnIgnored", "Columns left out",
		"These columns are left out by the setting IgnoreColumns or by the mapping.",
	},
	FormulaUnwrapped: {
		"FormulaUnwrapped", "Spreadsheet formulas taken as text", `="text" was taken as the text inside.`,
	},
	ApostropheDropped: {
		"ApostropheDropped", "Leading apostrophes dropped",
		"An apostrophe at the beginning of a value, by which a spreadsheet marks text, was dropped.",
	},
	ZonelessTime: {"ZonelessTime", "Times without a zone", "A time without a zone was taken as UTC."},
	NullText: {
		"NullText", "NULL and the like taken as text",
		"A value such as NULL or None was taken as text. If it means that there is none, name it in the setting NullText.",
	},
	HashDropped: {
		"HashDropped", "Password hashes left out",
		"The mapping left out password hashes that Cognito does not take. These users set a new password.",
	},
}

func (c NoteCode) String() string {
	if c == 0 || c >= endOfNotes {
		return fmt.Sprintf("NoteCode(%d)", uint8(c))
	}
	return noteTexts[c].name
}

// Title is the note's heading in a list.
func (c NoteCode) Title() string { return noteTexts[c].title }

// Message is the note's text for people.
func (c NoteCode) Message() string { return noteTexts[c].message }

// OfColumns reports whether the note counts columns, not rows.
func (c NoteCode) OfColumns() bool { return c == ColumnIgnored }

// MarshalText returns the note's name.
func (c NoteCode) MarshalText() ([]byte, error) {
	if c == 0 || c >= endOfNotes {
		return nil, fmt.Errorf("no note %d", uint8(c))
	}
	return []byte(noteTexts[c].name), nil
}

// UnmarshalText takes a note's name.
func (c *NoteCode) UnmarshalText(text []byte) error {
	for n := ColumnIgnored; n < endOfNotes; n++ {
		if noteTexts[n].name == string(text) {
			*c = n
			return nil
		}
	}
	return fmt.Errorf("no note %q", text)
}

// AllNoteCodes returns the code of every note, in order.
func AllNoteCodes() []NoteCode {
	var all []NoteCode
	for c := ColumnIgnored; c < endOfNotes; c++ {
		all = append(all, c)
	}
	return all
}

// Note is one kind of note about a drop, as result.json has it. Notes count accepted and rejected rows.
type Note struct {
	Code    NoteCode `json:"code"`
	Count   int      `json:"count"` // rows; columns for ColumnIgnored
	Lines   []int    `json:"lines"` // the first ten, ascending; none for ColumnIgnored
	Message string   `json:"message"`
	// Columns are the names of ColumnIgnored, under the same rule as a Problem's.
	Columns []string `json:"columns,omitempty"`
}

// MergeNotes adds up notes of several sources, in the order of their codes.
func MergeNotes(lists ...[]Note) []Note {
	merged := []Note{}
	for _, n := range slices.Concat(lists...) {
		i, found := slices.BinarySearchFunc(merged, n, func(a, b Note) int { return int(a.Code) - int(b.Code) })
		if !found {
			n.Lines, n.Columns = append([]int{}, n.Lines...), slices.Clone(n.Columns)
			merged = slices.Insert(merged, i, n)
			continue
		}
		m := &merged[i]
		m.Count += n.Count
		m.Lines = firstLines(m.Lines, n.Lines)
		m.Columns = append(m.Columns, n.Columns...)
	}
	return merged
}
