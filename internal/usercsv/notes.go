package usercsv

import (
	"math/bits"
	"slices"

	"userdrop/internal/contract"
)

// noteSet is the set of notes that a row gives cause to.
type noteSet uint16

func (s *noteSet) add(code contract.NoteCode) { *s |= 1 << code }

// noteTally counts the notes of rows as they come, in ascending order of lines.
type noteTally struct {
	notes [contract.EndOfNotes]contract.Note
}

// add counts one row, accepted or rejected.
func (t *noteTally) add(line int, set noteSet) {
	for ; set != 0; set &= set - 1 {
		n := &t.notes[bits.TrailingZeros16(uint16(set))]
		n.Count++
		if len(n.Lines) < contract.MaxLines {
			n.Lines = append(n.Lines, line)
		}
	}
}

// all returns what was counted, in the order of the codes, after the columns that the header leaves out.
func (t *noteTally) all(header *Header) []contract.Note {
	var notes []contract.Note
	if n := header.ignoredNote(); n.Count > 0 {
		notes = append(notes, n)
	}
	for c, n := range t.notes {
		if n.Count == 0 {
			continue
		}
		n.Code = contract.NoteCode(c)
		n.Message = n.Code.Message()
		n.Lines = slices.Clone(n.Lines)
		notes = append(notes, n)
	}
	return notes
}
