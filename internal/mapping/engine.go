package mapping

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/expr-lang/expr/vm"

	"userdrop/internal/usercsv"
)

// Target is what an engine needs to know of the pool that rows are made for.
type Target struct {
	// Attributes are the pool's columns, as GetCSVHeader lists them.
	Attributes []string
	// UsernameAttributes name email and phone_number where users sign in with them.
	UsernameAttributes []string
	// Ignore names columns that are left out beside those that the mapping names.
	Ignore []string
	// IDColumn is the column with the stable id where the mapping gives none.
	IDColumn string
	// NullText are the texts that mean blank where the mapping has none of its own.
	NullText []string
	// KnowsCountry reports whether a code is that of a country with phone numbers; nil if all are taken.
	KnowsCountry func(country string) bool
	// Now is the time that the function now returns: of the drop, so that a second run maps alike.
	Now time.Time
}

// standardAttributes exist in every pool's schema. A mapping that gives one which a pool's header lacks is still good
// for that pool.
var standardAttributes = []string{
	"name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile", "picture",
	"website", attributeEmail, "email_verified", "gender", "birthdate", "zoneinfo", "locale", attributePhone,
	"phone_number_verified", "address", "updated_at", "cognito:mfa_enabled", attributeUsername, attributeHash,
	"groups", "enabled",
}

// Engine applies a mapping to the records of the sources of one drop. It is not safe for concurrent use.
type Engine struct {
	mapping *Mapping
	target  Target
	*compiled
	state    state
	vm       vm.VM
	env      map[string]any
	keys     []string // of variables in env
	sources  []*Source
	joined   *Joined       // nil without a second file
	current  *joinedRecord // of the row, nil if there is none
	nullText []string
	account  Account
}

// New makes an engine. An error is an *Invalid: the mapping gives an attribute that the pool does not have.
func New(m *Mapping, target Target) (*Engine, error) {
	e := &Engine{mapping: m, target: target, env: map[string]any{}, nullText: m.Settings.NullText}
	if e.nullText == nil {
		e.nullText = target.NullText
	}
	e.state.now = target.Now
	e.state.dropAll = m.Hashes == "drop" || !slices.Contains(target.Attributes, attributeHash)
	var mistakes []Mistake
	if e.compiled, mistakes = compileAll(m, &e.state); len(mistakes) > 0 {
		return nil, &Invalid{Mistakes: mistakes, mapping: m}
	}
	for _, name := range e.variables {
		e.keys = append(e.keys, rowPrefix+name)
	}
	if mistakes := target.mistakes(m); len(mistakes) > 0 {
		return nil, &Invalid{Mistakes: mistakes, mapping: m}
	}
	e.account = newAccount(m)
	return e, nil
}

// mistakes returns what of a mapping does not fit the pool.
func (t *Target) mistakes(m *Mapping) []Mistake {
	var mistakes []Mistake
	for _, attribute := range slices.Sorted(maps.Keys(m.Columns)) {
		place := "columns." + attribute
		switch {
		case slices.Contains(t.Attributes, attribute):
		case attribute == "groups", attribute == "enabled":
			mistakes = append(mistakes, Mistake{
				Place: place, Message: attribute + " is applied only where the parameter ApplyGroups is true",
			})
		case !slices.Contains(standardAttributes, attribute):
			mistakes = append(mistakes, Mistake{
				Place: place, Message: fmt.Sprintf("the user pool has no attribute %q", attribute),
			})
		}
	}
	if country := m.Settings.DefaultPhoneCountry; country != "" && t.KnowsCountry != nil && !t.KnowsCountry(country) {
		mistakes = append(mistakes, Mistake{
			Place: "settings.defaultPhoneCountry", Message: "this is no ISO country code such as US or DE",
		})
	}
	return mistakes
}

// Name returns the name of the mapping.
func (e *Engine) Name() string { return e.mapping.Name }

// Positions returns the names of the columns of a CSV export without a header. It implements [usercsv.Mapping].
func (e *Engine) Positions() []string { return e.mapping.Positions }

// Rules returns the settings of the CSV rules under a mapping: its own go before the others.
func (m *Mapping) Rules(settings usercsv.Settings) usercsv.Settings {
	s := m.Settings
	if s.AssumeVerified != "" {
		settings.AssumeVerified = usercsv.AssumeVerified(s.AssumeVerified)
	}
	if s.DefaultPhoneCountry != "" {
		settings.DefaultPhoneCountry = s.DefaultPhoneCountry
	}
	if s.DateOrder != "" {
		settings.DateOrder = usercsv.DateOrder(s.DateOrder)
	}
	if s.NullText != nil {
		settings.NullText = s.NullText
	}
	return settings
}

// TargetOf returns the target that a pool is.
func TargetOf(pool *usercsv.Pool, settings usercsv.Settings) Target {
	target := Target{
		Attributes: pool.Columns(), UsernameAttributes: pool.UsernameAttributes, NullText: settings.NullText,
		Ignore: settings.IgnoreColumns, IDColumn: settings.IDColumn, Now: settings.Began,
	}
	if settings.PhoneNumbers != nil {
		target.KnowsCountry = settings.PhoneNumbers.KnowsCountry
	}
	return target
}
