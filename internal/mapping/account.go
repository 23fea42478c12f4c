package mapping

import (
	"maps"
	"slices"
	"strings"

	"userdrop/internal/contract"
	"userdrop/internal/usercsv"
)

// Account says what a mapping made of an export: of every source column, of the rows, and of password hashes.
type Account struct {
	Mapping Named                   `json:"mapping"`
	Rows    RowAccount              `json:"rows"`
	Columns []contract.MappedColumn `json:"columns"`
	// Missing are columns that the mapping reads and the export does not have, with what follows from it.
	Missing []contract.AbsentColumn `json:"missing,omitempty"`
	Hashes  contract.HashCounts     `json:"hashes"`
	// Usernames counts those that were left out, since the pool's usernames are addresses or numbers.
	Usernames int          `json:"usernamesLeftOut,omitempty"`
	Join      *JoinAccount `json:"passwords,omitempty"`
}

// Named names a mapping.
type Named struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

// RowAccount counts records. Excluded counts them by the reason.
type RowAccount struct {
	Read     int            `json:"read"`
	Excluded int            `json:"excluded"`
	Failed   int            `json:"failed,omitempty"`
	Reasons  map[string]int `json:"excludedBecause,omitempty"`
}

// JoinAccount counts the records of the second file.
type JoinAccount struct {
	Read      int `json:"read"`
	Used      int `json:"used"`      // by a row that was taken
	Excluded  int `json:"excluded"`  // found by a row that was left out
	Unmatched int `json:"unmatched"` // found by no row
	Doubled   int `json:"doubled,omitempty"`
	NoKey     int `json:"withoutKey,omitempty"`
	Unread    int `json:"unreadable,omitempty"`
}

func newAccount(m *Mapping) Account {
	return Account{
		Mapping: Named{Name: m.Name, SHA256: m.sha256},
		Columns: []contract.MappedColumn{}, Rows: RowAccount{Reasons: map[string]int{}},
	}
}

// open enters the columns of a source and returns their places in the account.
func (a *Account) open(s *Source, mentioned []bool) []int {
	places := make([]int, len(s.names))
	for i, name := range s.names {
		column := contract.MappedColumn{Column: name}
		for _, o := range s.outputs {
			if slices.Contains(s.read(&o), i) {
				column.As = append(column.As, o.attribute)
			}
		}
		if s.readBy(s.e.id, i) || s.idColumn == i {
			column.As = append(column.As, "userdrop:id")
		}
		column.Decides = s.readBy(s.e.on, i)
		for _, x := range s.e.exclude {
			column.Decides = column.Decides || s.readBy(x, i)
		}
		if column.As == nil {
			column.LeftOut = s.e.leftOut(name, mentioned[i], column.Decides)
		}
		places[i] = slices.IndexFunc(a.Columns, func(c contract.MappedColumn) bool { return c.Column == name })
		if places[i] < 0 {
			places[i] = len(a.Columns)
			a.Columns = append(a.Columns, column)
		}
	}
	a.addMissing(s)
	return places
}

// readBy reports whether an expression reads a column.
func (s *Source) readBy(x *expression, column int) bool {
	return x != nil && slices.ContainsFunc(x.reads, func(v int) bool { return s.columns[v] == column })
}

// leftOut says why a column is not taken.
func (e *Engine) leftOut(name string, mentioned, decides bool) string {
	key := usercsv.FoldName(name)
	for column, reason := range e.mapping.Reasons {
		if usercsv.FoldName(column) == key {
			return reason
		}
	}
	switch {
	case usercsv.IsOurs(name):
		return "a column that userdrop added"
	case decides:
		return "it only decides which rows are taken"
	case mentioned:
		return "the user pool does not have the attribute"
	case e.ignoresByName(name):
		return "it is ignored by its name"
	case e.ignores(name):
		return "all other columns are ignored (*)"
	}
	return "the mapping does not mention it"
}

// addMissing enters the columns that the mapping reads and the source does not have.
func (a *Account) addMissing(s *Source) {
	for v, name := range s.e.variables {
		if s.columns[v] >= 0 {
			continue
		}
		missing := contract.AbsentColumn{Column: name}
		for _, c := range s.e.compiled.columns {
			if slices.Contains(c.reads, v) && !s.gives(c) {
				missing.Without = append(missing.Without, c.attribute)
			}
		}
		for i, x := range s.e.exclude {
			if slices.Contains(x.reads, v) && !s.hasColumns(x) {
				missing.Without = append(missing.Without, "exclusion as "+s.e.mapping.Exclude[i].Because)
			}
		}
		known := slices.ContainsFunc(a.Missing, func(m contract.AbsentColumn) bool {
			return strings.EqualFold(m.Column, name)
		})
		if len(missing.Without) > 0 && !known {
			a.Missing = append(a.Missing, missing)
		}
	}
}

// addRow counts a record.
func (a *Account) addRow(row *usercsv.Mapped) {
	switch {
	case row.Failed != "":
		a.Rows.Failed++
	case row.Because != "":
		a.Rows.Excluded++
		a.Rows.Reasons[row.Because]++
	}
}

// Account returns what was made of the sources so far.
func (e *Engine) Account() *Account {
	a := e.account
	a.Columns = slices.Clone(a.Columns)
	for _, s := range e.sources {
		for i, n := range s.values {
			a.Columns[s.counted[i]].Values += n
		}
	}
	if e.joined != nil {
		a.Join = e.joined.account()
	}
	return &a
}

// Excluded returns the reasons for which rows were left out, with counts.
func (a *Account) Excluded() []contract.ExcludedRows {
	var rows []contract.ExcludedRows
	for _, because := range slices.Sorted(maps.Keys(a.Rows.Reasons)) {
		rows = append(rows, contract.ExcludedRows{Because: because, Count: int64(a.Rows.Reasons[because])})
	}
	return rows
}

// Result returns the account as result.json has it.
func (a *Account) Result() *contract.Mapping {
	return &contract.Mapping{
		Name: a.Mapping.Name, SHA256: a.Mapping.SHA256, Columns: a.Columns, Missing: a.Missing, Hashes: a.Hashes,
		UsernamesLeftOut: a.Usernames,
	}
}
