package mapping

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"userdrop/internal/contract"
	"userdrop/internal/usercsv"
)

// Open prepares the engine for a CSV source that has columns of the given names. It implements [usercsv.Mapping]. An
// error is a *usercsv.Refusal: columns that the mapping neither takes nor ignores, or of which it cannot tell which is
// meant.
func (e *Engine) Open(names []string) (usercsv.RowMapper, error) { return e.open(names) }

func (e *Engine) open(names []string) (*Source, error) {
	s := &Source{e: e, names: names, username: -1}
	s.columns = make([]int, len(e.variables))
	s.single = make([]bool, len(names))
	mentioned := make([]bool, len(names))
	doubled := map[int]bool{}
	for v, name := range e.variables {
		found := e.find(names, name)
		s.columns[v] = -1
		for _, column := range found {
			mentioned[column] = true
			s.columns[v] = found[0]
			doubled[column] = doubled[column] || len(found) > 1
		}
	}
	s.idColumn = -1
	if e.id == nil && e.target.IDColumn != "" {
		if found := e.find(names, e.target.IDColumn); found != nil {
			s.idColumn = found[0]
			mentioned[found[0]] = true
		}
	}
	s.bindOutputs(mentioned)
	s.bindVariables()
	if problems := s.problems(mentioned, doubled); len(problems) > 0 {
		return nil, &usercsv.Refusal{Problems: problems}
	}
	return s, nil
}

// find returns the columns that a name means: those of exactly that name, else those that compare equal.
func (e *Engine) find(names []string, name string) []int {
	var exact, folded []int
	key := usercsv.FoldName(name)
	for i, n := range names {
		switch {
		case n == name:
			exact = append(exact, i)
		case usercsv.FoldName(n) == key:
			folded = append(folded, i)
		}
	}
	if exact != nil {
		return exact
	}
	return folded
}

// bindOutputs decides which attributes mapped rows have: those with an expression that reads a column of the source,
// and those that a column is named after exactly.
func (s *Source) bindOutputs(mentioned []bool) {
	e := s.e
	for _, attribute := range e.target.Attributes {
		i := slices.IndexFunc(e.compiled.columns, func(c mappedColumn) bool { return c.attribute == attribute })
		if i >= 0 {
			if x := e.compiled.columns[i].expression; s.gives(e.compiled.columns[i]) {
				o := output{attribute: attribute, expression: x, column: -1}
				if x.direct >= 0 {
					o.column = s.columns[x.direct]
				}
				s.outputs = append(s.outputs, o)
			}
			continue
		}
		column := slices.Index(s.names, attribute)
		if column >= 0 && !mentioned[column] && !e.ignoresByName(attribute) {
			mentioned[column] = true
			s.outputs = append(s.outputs, output{attribute: attribute, column: column})
		}
	}
	for i, o := range s.outputs {
		s.attributes = append(s.attributes, o.attribute)
		if o.attribute == attributeUsername && len(e.target.UsernameAttributes) > 0 {
			s.username = i
		}
	}
}

// hasColumns reports whether the source has a column that an expression reads, or the expression reads none at all.
func (s *Source) hasColumns(x *expression) bool {
	if x.joined && (s.e.joined != nil || len(x.reads) == 0) {
		return s.e.joined != nil
	}
	return len(x.reads) == 0 || slices.ContainsFunc(x.reads, func(v int) bool { return s.columns[v] >= 0 })
}

// gives reports whether the mapping gives an attribute for this source. That an address or number was verified must
// follow from a column beside those of the address or number itself: without one there is no evidence, and a column
// full of false would be believed.
func (s *Source) gives(column mappedColumn) bool {
	if !s.hasColumns(column.expression) || column.joined || !slices.Contains(verifiedAttributes, column.attribute) {
		return s.hasColumns(column.expression)
	}
	value := strings.TrimSuffix(column.attribute, "_verified")
	var own []int // the variables that the address or number is made of
	if v := slices.Index(s.e.variables, value); v >= 0 {
		own = append(own, v)
	}
	for _, c := range s.e.compiled.columns {
		if c.attribute == value {
			own = append(own, c.reads...)
		}
	}
	evidence := slices.DeleteFunc(slices.Clone(column.reads), func(v int) bool { return slices.Contains(own, v) })
	return len(evidence) == 0 || slices.ContainsFunc(evidence, func(v int) bool { return s.columns[v] >= 0 })
}

// bindVariables decides which columns have to be in the environment, and which may have a product's apostrophes.
func (s *Source) bindVariables() {
	computed := map[int]bool{}
	add := func(x *expression) {
		if x == nil || x.direct >= 0 {
			return
		}
		for _, v := range x.reads {
			computed[v] = true
		}
	}
	for _, x := range s.e.exclude {
		add(x)
	}
	add(s.e.id)
	add(s.e.on)
	for _, o := range s.outputs {
		add(o.expression)
		switch o.attribute {
		case attributeEmail:
			s.address = s.read(&o)
		case attributeUsername:
			s.login = s.read(&o)
		case attributePhone, attributeHash:
		default:
			continue
		}
		for _, column := range s.read(&o) {
			s.single[column] = true
		}
	}
	if s.idColumn >= 0 {
		s.single[s.idColumn] = true
	}
	if s.e.id != nil {
		for _, v := range s.e.id.reads {
			if column := s.columns[v]; column >= 0 {
				s.single[column] = true
			}
		}
	}
	s.computed = slices.Sorted(maps.Keys(computed))
	if s.username >= 0 || s.e.joined != nil {
		return
	}
	var direct []int
	for _, o := range s.outputs {
		if o.column < 0 || o.attribute == attributeHash {
			return
		}
		direct = append(direct, o.column)
	}
	s.direct = direct
}

// read returns the source's columns that an output is made of.
func (s *Source) read(o *output) []int {
	if o.column >= 0 {
		return []int{o.column}
	}
	var columns []int
	for _, v := range o.reads {
		if column := s.columns[v]; column >= 0 {
			columns = append(columns, column)
		}
	}
	return columns
}

// problems lists the columns that the mapping does not cover, and those that are there twice.
func (s *Source) problems(mentioned []bool, doubled map[int]bool) []contract.Problem {
	e := s.e
	var unknown, twice []string
	var unknownAt, twiceAt []int
	for i, name := range s.names {
		switch {
		case doubled[i]:
			twice, twiceAt = append(twice, name), append(twiceAt, i)
		case mentioned[i] || usercsv.IsOurs(name) || e.ignores(name):
		case name == "":
			unknown, unknownAt = append(unknown, fmt.Sprintf("column %d", i+1)), append(unknownAt, i)
		default:
			unknown, unknownAt = append(unknown, name), append(unknownAt, i)
		}
	}
	s.counted = e.account.open(s, mentioned)
	s.values = make([]int, len(s.names))
	e.sources = append(e.sources, s)
	var problems []contract.Problem
	if unknown != nil {
		problems = append(problems, columnProblem(contract.UnknownColumn, unknown, unknownAt,
			"The mapping neither takes nor ignores some columns. Is it the mapping for this file? If so, name them in its "+
				"list ignore, or give them an attribute."))
	}
	if twice != nil {
		problems = append(problems, columnProblem(contract.DuplicateColumn, twice, twiceAt,
			"The mapping reads a column that is there more than once. Keep one of them."))
	}
	return problems
}

func columnProblem(code contract.Code, names []string, at []int, message string) contract.Problem {
	const most = 20
	for i, column := range at[:min(len(at), most)] {
		if i == 0 {
			message += " (column "
		} else {
			message += ", "
		}
		message += fmt.Sprint(column + 1)
	}
	if n := len(at) - most; n > 0 {
		message += fmt.Sprintf(" and %d more", n)
	}
	return contract.Problem{Code: code, Count: len(names), Lines: []int{}, Message: message + ")", Columns: names}
}

// ignores reports whether the mapping leaves a column out.
func (e *Engine) ignores(name string) bool {
	return e.ignoresByName(name) || slices.Contains(e.ignored(), usercsv.AllUnknown) && !usercsv.IsStatusColumn(name)
}

// ignored returns the lists of columns that are left out, the mapping's and the settings'.
func (e *Engine) ignored() []string { return slices.Concat(e.mapping.Ignore, e.target.Ignore) }

// ignoresByName reports whether a column is left out by its own name.
func (e *Engine) ignoresByName(name string) bool {
	key := usercsv.FoldName(name)
	return name != "" && slices.ContainsFunc(e.ignored(), func(n string) bool {
		return n != usercsv.AllUnknown && usercsv.FoldName(n) == key
	})
}

// Knows reports whether a column's name means something to the mapping, by which the delimiter of a file is found.
func (e *Engine) Knows(name string) bool {
	key := usercsv.FoldName(name)
	equal := func(n string) bool { return usercsv.FoldName(n) == key }
	return name != "" && (slices.ContainsFunc(e.variables, equal) || slices.Contains(e.target.Attributes, name) ||
		slices.ContainsFunc(e.ignored(), equal))
}
