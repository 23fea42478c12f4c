package usercsv

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// Columns that have a meaning of their own.
const (
	colUsername      = "cognito:username"
	colMFA           = "cognito:mfa_enabled"
	colEmail         = "email"
	colEmailVerified = "email_verified"
	colPhone         = "phone_number"
	colPhoneVerified = "phone_number_verified"
	colBirthdate     = "birthdate"
	colUpdatedAt     = "updated_at"
	colHash          = "password_hash"
)

// ourColumns begins the names of the columns that failed.csv adds. In a source they are ignored.
const ourColumns = "userdrop:"

// standardColumns stand first in the header of every pool, in this order (API reference, GetCSVHeader).
var standardColumns = []string{
	"name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile", "picture",
	"website", colEmail, colEmailVerified, "gender", colBirthdate, "zoneinfo", "locale", colPhone, colPhoneVerified,
	"address", colUpdatedAt,
}

// DataType is the type of an attribute's values, as the API names it.
type DataType string

// The data types of attributes. Any other name counts as String.
const (
	String   DataType = "String"
	Number   DataType = "Number"
	DateTime DataType = "DateTime"
	Boolean  DataType = "Boolean"
)

// Attribute is one of a pool's SchemaAttributes.
type Attribute struct {
	Name     string
	Type     DataType
	Required bool
	// Immutable attributes of existing users cannot be changed.
	Immutable bool `json:",omitempty"`
	// MinLength and MaxLength bound a String in characters, Min and Max a Number; nil is no bound.
	MinLength, MaxLength *int
	Min, Max             *big.Int
}

// DecodePool reads a Pool that was kept as JSON. It returns nil for no text.
func DecodePool(text []byte) (*Pool, error) {
	if len(text) == 0 {
		return nil, nil
	}
	pool := &Pool{}
	if err := json.Unmarshal(text, pool); err != nil {
		return nil, fmt.Errorf("decode the pool of a plan: %w", err)
	}
	return pool, nil
}

// SetBounds takes bounds as the API writes them: decimal text, empty where there is none.
func (a *Attribute) SetBounds(minLength, maxLength, minValue, maxValue string) error {
	var errs []error
	length := func(text string) *int {
		if text == "" {
			return nil
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("attribute %s: length constraint %q is no number", a.Name, text))
		}
		return &n
	}
	value := func(text string) *big.Int {
		if text == "" {
			return nil
		}
		n, ok := new(big.Int).SetString(text, 10)
		if !ok {
			errs = append(errs, fmt.Errorf("attribute %s: number constraint %q is no whole number", a.Name, text))
		}
		return n
	}
	a.MinLength, a.MaxLength = length(minLength), length(maxLength)
	a.Min, a.Max = value(minValue), value(maxValue)
	return errors.Join(errs...)
}

// MFA is a pool's MfaConfiguration.
type MFA string

// The values of MfaConfiguration.
const (
	MFAOff      MFA = "OFF"
	MFAOn       MFA = "ON"
	MFAOptional MFA = "OPTIONAL"
)

// Pool is what the rules need to know of a user pool.
type Pool struct {
	ID         string
	Attributes []Attribute
	// UsernameAttributes, AliasAttributes and AutoVerified name email, phone_number (and preferred_username).
	UsernameAttributes []string
	AliasAttributes    []string
	AutoVerified       []string
	// CaseSensitive says whether usernames that differ in case are two. A pool without UsernameConfiguration is.
	CaseSensitive bool
	MFA           MFA // empty means OFF
	// Header is what GetCSVHeader answers. Without one it follows from the attributes, with a password_hash at the end
	// if the file has that column.
	Header []string
	// ApplyGroups says that a drop may have the columns groups and enabled, which are applied after the import.
	ApplyGroups bool `json:",omitempty"`
}

// ParsePool reads what `aws cognito-idp describe-user-pool` prints.
func ParsePool(text []byte) (*Pool, error) {
	type schemaAttribute struct {
		Name                       string
		AttributeDataType          string
		Required                   bool
		StringAttributeConstraints struct{ MinLength, MaxLength string }
		NumberAttributeConstraints struct{ MinValue, MaxValue string }
	}
	var answer struct {
		UserPool *struct {
			ID                     string `json:"Id"`
			SchemaAttributes       []schemaAttribute
			UsernameAttributes     []string
			AliasAttributes        []string
			AutoVerifiedAttributes []string
			MfaConfiguration       string
			UsernameConfiguration  *struct{ CaseSensitive *bool }
		}
	}
	if err := unmarshal(text, &answer); err != nil {
		return nil, fmt.Errorf("not the JSON of describe-user-pool: %w", err)
	}
	if answer.UserPool == nil {
		return nil, errors.New("not the JSON of describe-user-pool: it has no UserPool")
	}
	up := answer.UserPool
	pool := &Pool{
		ID:                 up.ID,
		UsernameAttributes: up.UsernameAttributes,
		AliasAttributes:    up.AliasAttributes,
		AutoVerified:       up.AutoVerifiedAttributes,
		MFA:                MFA(up.MfaConfiguration),
		CaseSensitive:      true,
	}
	if c := up.UsernameConfiguration; c != nil && c.CaseSensitive != nil {
		pool.CaseSensitive = *c.CaseSensitive
	}
	for _, sa := range up.SchemaAttributes {
		a := Attribute{Name: sa.Name, Type: DataType(sa.AttributeDataType), Required: sa.Required}
		err := a.SetBounds(sa.StringAttributeConstraints.MinLength, sa.StringAttributeConstraints.MaxLength,
			sa.NumberAttributeConstraints.MinValue, sa.NumberAttributeConstraints.MaxValue)
		if err != nil {
			return nil, err
		}
		pool.Attributes = append(pool.Attributes, a)
	}
	return pool, nil
}

// ParseHeader reads what `aws cognito-idp get-csv-header` prints.
func ParseHeader(text []byte) ([]string, error) {
	var answer struct{ CSVHeader []string }
	if err := unmarshal(text, &answer); err != nil {
		return nil, fmt.Errorf("not the JSON of get-csv-header: %w", err)
	}
	if len(answer.CSVHeader) == 0 {
		return nil, errors.New("not the JSON of get-csv-header: it has no CSVHeader")
	}
	return answer.CSVHeader, nil
}

// unmarshal reads JSON in any encoding that a source may have: Windows PowerShell redirects in UTF-16.
func unmarshal(text []byte, into any) error {
	r, err := decode(bytes.NewReader(text))
	if err != nil {
		return err
	}
	if text, err = io.ReadAll(r); err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// columns is the pool's header, and whether a password_hash at its end waits for a source that has one.
func (p *Pool) columns() (header []string, offersHash bool) {
	if p.Header != nil {
		return p.Header, false
	}
	header = slices.Clone(standardColumns)
	for _, prefix := range []string{"custom:", "dev:custom:"} {
		for _, a := range p.Attributes {
			if strings.HasPrefix(a.Name, prefix) {
				header = append(header, a.Name)
			}
		}
	}
	return append(header, colMFA, colUsername), true
}

func (p *Pool) attribute(name string) Attribute {
	for _, a := range p.Attributes {
		if a.Name == name {
			return a
		}
	}
	return Attribute{Name: name, Type: String}
}
