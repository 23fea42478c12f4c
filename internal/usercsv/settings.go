package usercsv

import (
	"errors"
	"fmt"
	"strings"

	"userdrop/internal/phone"
)

// AssumeVerified says for which addresses and numbers a blank email_verified or phone_number_verified means true.
type AssumeVerified string

// The values of AssumeVerified; empty means none.
const (
	AssumeNone  AssumeVerified = "none"
	AssumeEmail AssumeVerified = "email"
	AssumePhone AssumeVerified = "phone_number"
	AssumeBoth  AssumeVerified = "both"
)

// Settings are what a stack, or a command line, adds to the rules.
type Settings struct {
	AssumeVerified AssumeVerified
	// DefaultPhoneCountry is the ISO 3166 country whose national phone numbers are understood; empty is none.
	DefaultPhoneCountry string
	// Groups are those of the pool, for the column groups; nil takes every name that may be one.
	Groups *Groups `json:"-"`
}

// ParseSettings takes the settings as text, and tells all that is wrong with them at once.
func ParseSettings(assumeVerified, defaultPhoneCountry string) (Settings, error) {
	s := Settings{
		AssumeVerified:      AssumeVerified(assumeVerified),
		DefaultPhoneCountry: strings.ToUpper(strings.TrimSpace(defaultPhoneCountry)),
	}
	return s, s.Validate()
}

// Validate tells all that is wrong with the settings.
func (s Settings) Validate() error {
	var errs []error
	switch s.AssumeVerified {
	case "", AssumeNone, AssumeEmail, AssumePhone, AssumeBoth:
	default:
		errs = append(errs, fmt.Errorf("assume-verified %q is none of none, email, phone_number, both",
			string(s.AssumeVerified)))
	}
	if c := s.DefaultPhoneCountry; c != "" {
		if _, ok := phone.Lookup(c); !ok {
			errs = append(errs, fmt.Errorf("default-phone-country %q is no ISO country code such as US or DE", c))
		}
	}
	return errors.Join(errs...)
}

func (s Settings) assumesEmail() bool {
	return s.AssumeVerified == AssumeEmail || s.AssumeVerified == AssumeBoth
}

func (s Settings) assumesPhone() bool {
	return s.AssumeVerified == AssumePhone || s.AssumeVerified == AssumeBoth
}
