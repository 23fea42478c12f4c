package mapping

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// Names of attributes that have a meaning of their own here.
const (
	attributeUsername = "cognito:username"
	attributeEmail    = "email"
	attributePhone    = "phone_number"
	attributeHash     = "password_hash"
)

// verifiedAttributes say that an address or a number was verified: by the record alone, never by a constant.
var verifiedAttributes = []string{"email_verified", "phone_number_verified"}

// compiled is a mapping with its expressions compiled for one state.
type compiled struct {
	variables []string // the columns that expressions read
	columns   []mappedColumn
	exclude   []*expression
	id        *expression // nil if there is none
	on, with  *expression // of the join; nil if there is none
	// withVariables are the columns of the second file that with reads; joinedNames are the members of the joined record
	// that expressions read, all of them if joinedWhole.
	withVariables []string
	joinedNames   []string
	joinedWhole   bool
}

// mappedColumn is an attribute with its expression.
type mappedColumn struct {
	attribute string
	*expression
}

// compileAll compiles all expressions of a mapping and returns all mistakes.
func compileAll(m *Mapping, s *state) (*compiled, []Mistake) {
	c := &compilation{state: s}
	result := &compiled{}
	for _, attribute := range slices.Sorted(maps.Keys(m.Columns)) {
		place := "columns." + attribute
		before := len(c.mistakes)
		e := c.compile(place, m.Columns[attribute])
		result.columns = append(result.columns, mappedColumn{attribute, e})
		if slices.Contains(verifiedAttributes, attribute) && len(e.reads) == 0 && !e.joined && len(c.mistakes) == before {
			c.mistake(place, "the expression reads no column: whether it is verified must follow from the record; "+
				"for all users use the setting AssumeVerified")
		}
	}
	for i, exclusion := range m.Exclude {
		result.exclude = append(result.exclude, c.compile("exclude."+strconv.Itoa(i)+".if", exclusion.If))
	}
	if m.ID != "" {
		result.id = c.compile("id", m.ID)
	}
	result.variables = c.variables
	if m.Join != nil {
		result.on = c.compile("join.on", m.Join.On)
		result.variables = c.variables
		// The second file has columns of its own.
		other := &compilation{state: s}
		result.with = other.compile("join.with", m.Join.With)
		result.withVariables = other.variables
		c.mistakes = append(c.mistakes, other.mistakes...)
	} else if c.readsJoined(result) {
		c.mistake("join", "an expression reads joined, but the mapping joins no second file")
	}
	result.joinedNames, result.joinedWhole = c.joinedNames, c.joinedWhole
	c.checkNames(m)
	slices.SortStableFunc(c.mistakes, func(a, b Mistake) int { return cmp.Compare(a.Place, b.Place) })
	return result, c.mistakes
}

func (c *compilation) readsJoined(result *compiled) bool {
	for _, column := range result.columns {
		if column.joined {
			return true
		}
	}
	return slices.ContainsFunc(result.exclude, func(e *expression) bool { return e.joined })
}

// checkNames finds lists of columns that name one twice, or name one that an expression reads.
func (c *compilation) checkNames(m *Mapping) {
	for _, list := range []struct {
		place string
		names []string
	}{{"positions", m.Positions}, {"ignore", m.Ignore}} {
		seen := map[string]bool{}
		for i, name := range list.names {
			if seen[name] {
				c.mistake(fmt.Sprintf("%s.%d", list.place, i), "%q is there twice", name)
			}
			seen[name] = true
		}
	}
	for i, name := range m.Ignore {
		if slices.Contains(c.variables, name) {
			c.mistake(fmt.Sprintf("ignore.%d", i), "an expression reads the column %q", name)
		}
	}
}
