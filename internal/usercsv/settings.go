package usercsv

import (
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// AssumeVerified says which addresses and numbers count as verified in a file without the column that would say so.
type AssumeVerified string

// The values of AssumeVerified; empty means none.
const (
	AssumeNone  AssumeVerified = "none"
	AssumeEmail AssumeVerified = "email"
	AssumePhone AssumeVerified = "phone_number"
	AssumeBoth  AssumeVerified = "both"
)

// DateOrder says how a date such as 03/04/1985 is read.
type DateOrder string

// The values of DateOrder; empty means auto.
const (
	// DateAuto reads month first, and refuses a file whose dates show that it may mean day first.
	DateAuto       DateOrder = "auto"
	DateMonthFirst DateOrder = "month-first"
	DateDayFirst   DateOrder = "day-first"
)

// AllUnknown, in IgnoreColumns, leaves out every unknown column that is no status column.
const AllUnknown = "*"

// Settings are what a stack, the command line or a mapping adds to the rules.
type Settings struct {
	AssumeVerified AssumeVerified `json:"assumeVerified,omitempty"`
	// DefaultPhoneCountry is the ISO 3166 country whose national phone numbers are understood; empty is none.
	DefaultPhoneCountry string    `json:"defaultPhoneCountry,omitempty"`
	DateOrder           DateOrder `json:"dateOrder,omitempty"`
	// NullText are the texts that mean a blank cell.
	NullText []string `json:"nullText,omitempty"`
	// IgnoreColumns names the columns that are left out; see AllUnknown.
	IgnoreColumns []string `json:"ignoreColumns,omitempty"`
	// IdColumn is the column whose cells come back in users.csv and go nowhere else; empty is none.
	IDColumn string `json:"idColumn,omitempty"`
	// Mapping maps the rows of an export before the rules see them; nil if the file is not mapped.
	Mapping Mapping `json:"-"`
	// Groups are those of the pool, for the column groups; nil takes every name that may be one.
	Groups *Groups `json:"-"`

	// PhoneNumbers decides about phone numbers, and Began is when the drop's execution began: a birthdate after that day
	// (UTC) is refused, so that a second run makes the same parts. Both must be set.
	PhoneNumbers PhoneNumbers `json:"-"`
	Began        time.Time    `json:"-"`
}

// SettingTexts are the settings as parameters and flags have them.
type SettingTexts struct {
	AssumeVerified, DefaultPhoneCountry, DateOrder string
	NullText, IgnoreColumns                        string // lists; see ParseList
	IDColumn                                       string
}

// ParseSettings reads the settings, and reports all that is wrong with them at once.
func ParseSettings(t SettingTexts, numbers PhoneNumbers) (Settings, error) {
	s := Settings{
		PhoneNumbers:        numbers,
		AssumeVerified:      AssumeVerified(t.AssumeVerified),
		DefaultPhoneCountry: strings.ToUpper(strings.TrimSpace(t.DefaultPhoneCountry)),
		DateOrder:           DateOrder(t.DateOrder),
		IDColumn:            strings.TrimSpace(t.IDColumn),
	}
	var errs []error
	var err error
	if s.NullText, err = ParseList(t.NullText); err != nil {
		errs = append(errs, fmt.Errorf("null-text: %w", err))
	}
	if s.IgnoreColumns, err = ParseList(t.IgnoreColumns); err != nil {
		errs = append(errs, fmt.Errorf("ignore-columns: %w", err))
	}
	return s, errors.Join(append(errs, s.Validate())...)
}

// ParseList splits a list at its commas. A text that holds a comma is put in quotation marks, as in CSV.
func ParseList(text string) ([]string, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	r := csv.NewReader(strings.NewReader(text))
	r.TrimLeadingSpace = true
	texts, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("%q is not a list with commas: %w", text, err)
	}
	for i := range texts {
		texts[i] = strings.TrimSpace(texts[i])
	}
	return slices.DeleteFunc(texts, func(t string) bool { return t == "" }), nil
}

// Validate reports all that is wrong with the settings.
func (s Settings) Validate() error {
	var errs []error
	switch s.AssumeVerified {
	case "", AssumeNone, AssumeEmail, AssumePhone, AssumeBoth:
	default:
		errs = append(errs, fmt.Errorf("assume-verified %q is none of none, email, phone_number, both",
			string(s.AssumeVerified)))
	}
	if c := s.DefaultPhoneCountry; c != "" {
		if s.PhoneNumbers != nil && !s.PhoneNumbers.KnowsCountry(c) {
			errs = append(errs, fmt.Errorf("default-phone-country %q is no ISO country code such as US or DE", c))
		}
	}
	switch s.DateOrder {
	case "", DateAuto, DateMonthFirst, DateDayFirst:
	default:
		errs = append(errs, fmt.Errorf("date-order %q is none of auto, month-first, day-first", string(s.DateOrder)))
	}
	return errors.Join(errs...)
}

// autoDates reports whether the order of month and day follows from the file.
func (s Settings) autoDates() bool { return s.DateOrder == "" || s.DateOrder == DateAuto }

func (s Settings) assumesEmail() bool {
	return s.AssumeVerified == AssumeEmail || s.AssumeVerified == AssumeBoth
}

func (s Settings) assumesPhone() bool {
	return s.AssumeVerified == AssumePhone || s.AssumeVerified == AssumeBoth
}
