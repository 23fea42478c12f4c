package mapping

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"userdrop/internal/contract"
	"userdrop/internal/usercsv"
)

// maxJoined is about how much memory the records of the second file may take, in bytes.
const maxJoined = 1 << 30

// Joined holds the records of a second file by their keys.
type Joined struct {
	keys    *Source // of the second file: it evaluates join.with
	records map[string]*joinedRecord
	size    int
	counts  JoinAccount
}

type joinedRecord struct {
	members map[string]any
	found   bool // by a row
	used    bool // by a row that was taken
}

// join begins the second file, whose records have columns or members of the given names. The engine must not have
// opened a source yet.
func (e *Engine) join(names []string) error {
	if e.mapping.Join == nil {
		return fmt.Errorf("the mapping %s takes no second file", e.mapping.Name)
	}
	second := &Engine{
		mapping: e.mapping, compiled: &compiled{variables: e.withVariables}, env: map[string]any{}, nullText: e.nullText,
	}
	second.account = newAccount(e.mapping)
	s := &Source{e: second, names: names, username: -1, idColumn: -1, single: make([]bool, len(names))}
	for v, name := range e.withVariables {
		second.keys = append(second.keys, rowPrefix+name)
		s.columns = append(s.columns, -1)
		if found := second.find(names, name); found != nil {
			s.columns[v] = found[0]
		}
		s.computed = append(s.computed, v)
	}
	if !s.hasColumns(e.with) {
		return usercsv.Refuse(contract.MissingColumn, fmt.Sprintf(
			"The second file has no column that the mapping's join.with reads (%s).", e.mapping.Join.With))
	}
	e.joined = &Joined{keys: s, records: map[string]*joinedRecord{}}
	return nil
}

// JoinCSV reads the second file from CSV.
func (e *Engine) JoinCSV(r io.Reader) error {
	rows, err := usercsv.OpenRows(r, 0, nil, 0)
	if err != nil {
		return err
	}
	if err := e.join(rows.Header.Names); err != nil {
		return err
	}
	for line := 0; ; {
		row, err := rows.Seek(line + 1)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case row.Code != 0:
			e.joined.counts.Read++
			e.joined.counts.Unread++
		default:
			e.joined.keys.cells, e.joined.keys.members = row.Cells, nil
			if err := e.addJoined(); err != nil {
				return err
			}
		}
		line = row.Line
	}
}

// JoinRecords reads the second file from JSON. names are its members' (see [Names]).
func (e *Engine) JoinRecords(r io.Reader, names []string) error {
	if err := e.join(names); err != nil {
		return err
	}
	records := NewRecords(r, &Mapping{})
	for {
		record, err := records.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case record.Fault != nil:
			e.joined.counts.Read++
			e.joined.counts.Unread++
			continue
		}
		members := make([]any, len(names))
		for i, name := range names {
			members[i] = record.Members[name]
		}
		e.joined.keys.cells, e.joined.keys.members = nil, members
		if err := e.addJoined(); err != nil {
			return err
		}
	}
}

func (e *Engine) addJoined() error {
	j := e.joined
	s := j.keys
	j.counts.Read++
	for _, v := range s.computed {
		s.e.env[s.e.keys[v]] = s.variable(v)
	}
	e.state.begin(0)
	key, err := s.run(e.with)
	if err == nil {
		key, err = toText(key)
	}
	if err != nil {
		return &Invalid{Mistakes: []Mistake{{
			Place:   "join.with",
			Message: fmt.Sprintf("the expression fails for record %d of the second file", j.counts.Read),
		}}}
	}
	text, _ := key.(string)
	switch {
	case text == "":
		j.counts.NoKey++
		return nil
	case j.records[text] != nil:
		j.counts.Doubled++
		return nil
	}
	record := &joinedRecord{members: map[string]any{}}
	for i, name := range s.names {
		if !e.joinedWhole && !slices.Contains(e.joinedNames, name) {
			continue
		}
		var value any
		if s.cells == nil {
			value = s.member(i)
		} else if cell := s.cell(i); cell != nil {
			value = string(cell)
		}
		record.members[name] = value
		j.size += sizeOf(value)
	}
	const overhead = 256
	if j.size += len(text) + overhead; j.size > maxJoined {
		return usercsv.Refuse(contract.TooLarge, "The records of the second file do not fit in 1 GB of memory. Split it, "+
			"and the export, into several files.")
	}
	j.records[text] = record
	return nil
}

// sizeOf estimates the memory of a value.
func sizeOf(value any) int {
	switch value := value.(type) {
	case string:
		return 16 + len(value)
	case []any:
		size := 24
		for _, v := range value {
			size += 16 + sizeOf(v)
		}
		return size
	case map[string]any:
		size := 48
		for name, v := range value {
			size += 48 + len(name) + sizeOf(v)
		}
		return size
	}
	return 16
}

// joinRecord finds the second file's record of the current one. It reports whether all went well.
func (s *Source) joinRecord(row *usercsv.Mapped) bool {
	e := s.e
	e.env[joinedName] = nil
	e.current = nil
	key, err := s.run(e.on)
	if err == nil {
		key, err = toText(key)
	}
	if err != nil {
		return fail(row, e.on, err)
	}
	text, _ := key.(string)
	if record := e.joined.records[text]; record != nil {
		record.found = true
		e.current = record
		e.env[joinedName] = record.members
	}
	return true
}

// account counts what became of the second file's records.
func (j *Joined) account() *JoinAccount {
	counts := j.counts
	for _, record := range j.records {
		switch {
		case record.used:
			counts.Used++
		case record.found:
			counts.Excluded++
		default:
			counts.Unmatched++
		}
	}
	return &counts
}
