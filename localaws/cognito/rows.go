package cognito

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	maxRowLength   = 16_000 // characters
	maxValueLength = 2_048
)

type outcome string

const (
	succeeded outcome = "SUCCEEDED"
	skipped   outcome = "SKIPPED"
	failed    outcome = "FAILED"
)

// The messages of rows. Only the first three are known to the letter; "The user data doesn't match the schema" and
// "Invalid attribute value" are names of classes in AWS's troubleshooting page.
const (
	rowSucceeded   = "The import succeeded."
	rowExists      = "The user already exists."
	rowNotVerified = "The User Record does not set any of the auto verified attributes to true. " +
		"(Example: email_verified to true)."
	rowSchema   = "The user data doesn't match the schema."
	rowValue    = "Invalid attribute value."
	rowFields   = "The number of columns doesn't match the header."
	rowLong     = "The row is too long."
	rowUsername = "Invalid username."
	rowBlank    = "A verified attribute has no value."
	rowMFA      = "The MFA setting doesn't match the user pool."
	rowAlias    = "An account with the given alias already exists."
	rowHash     = "The job names no password hashing algorithm."
)

func logLine(o outcome, number int, message string) string {
	return fmt.Sprintf("[%s] Line Number %d - %s", o, number, message)
}

// open looks at a file as a whole: its size, its rows, its header. What is wrong with it fails the job.
func (s *Service) open(j *job) (_ *reader, problem string) {
	switch {
	case j.file.size > s.settings.ByteLimit:
		return nil, "The CSV file is too large."
	case !j.file.utf8:
		return nil, "The CSV file cannot be parsed: it is not UTF-8."
	case j.file.rows > s.settings.RowLimit:
		return nil, "The CSV file has too many users."
	}
	source, err := j.file.open()
	if err != nil {
		return nil, "Internal error."
	}
	r := newReader(&s.settings, source)
	problem = s.readHeader(j, r)
	if problem != "" {
		r.close()
		return nil, problem
	}
	return r, ""
}

func (s *Service) readHeader(j *job, r *reader) (problem string) {
	const unexpected = "The CSV file has unexpected headers."
	header, err := r.line()
	if err != nil {
		return "The CSV file is empty."
	}
	r.columns = strings.Split(header, ",")
	r.index = make(map[string]int, len(r.columns))
	for i, name := range r.columns {
		if _, twice := r.index[name]; twice || !slices.Contains(j.pool.header, name) && name != columnHash {
			return unexpected
		}
		r.index[name] = i
	}
	_, hashes := r.index[columnHash]
	if j.PasswordHashingAlgorithm != "" && !hashes {
		return "The CSV file has no password_hash column."
	}
	if hashes && j.PasswordHashingAlgorithm == "" && !slices.Contains(j.pool.header, columnHash) {
		return unexpected
	}
	for _, name := range j.pool.header {
		_, there := r.index[name]
		optional := s.settings.FewerColumnsAccepted && name != columnUsername ||
			s.settings.HashColumnOptional && name == columnHash
		if !there && !optional {
			return unexpected
		}
	}
	// The header is line 1 of the log's count, or not counted at all.
	r.number = s.settings.LineBase - 1
	return ""
}

// take imports one row, and says what the log says of it.
func (s *Service) take(j *job, line string) (outcome, string) {
	p, r := j.pool, j.reader
	if line == "" || utf8.RuneCountInString(line) > maxRowLength {
		return failed, rowLong
	}
	values := r.split(line)
	if len(values) != len(r.columns) {
		return failed, rowFields
	}
	if s.settings.Quotes == "refused" && strings.Contains(line, `"`) {
		return failed, rowValue
	}
	row := row{values: values, index: r.index}
	if problem := s.checkRow(p, r.columns, row); problem != "" {
		return failed, problem
	}
	status := statusResetRequired
	if hash := row.get(columnHash); hash != "" {
		if j.PasswordHashingAlgorithm == "" {
			return failed, rowHash
		}
		if problem := checkHash(j.PasswordHashingAlgorithm, hash); problem != "" {
			return failed, problem
		}
		status = statusConfirmed
	}
	name := row.get(columnUsername)
	if u, exists := p.find(name); exists {
		if u.job == j && s.settings.DuplicateInFile == "failed" {
			return failed, rowExists
		}
		return skipped, rowExists
	}
	var aliases []string
	for _, attribute := range []string{"email", "phone_number", "preferred_username"} {
		value := row.get(attribute)
		if value != "" && p.passwordless(attribute) {
			status = statusConfirmed
		}
		verified := attribute == "preferred_username" || strings.EqualFold(row.get(attribute+"_verified"), "true")
		if value == "" || !verified || !p.signsInBy(attribute) {
			continue
		}
		if p.taken(attribute, value) {
			if s.settings.AliasClash == "skipped" {
				return skipped, rowExists
			}
			return failed, rowAlias
		}
		aliases = append(aliases, attribute+"="+value)
	}
	p.add(user{
		name: strings.Clone(name), attributes: s.keep(p, r.columns, values), created: time.Now().UnixMilli(),
		status: status, job: j,
	}, aliases...)
	return succeeded, rowSucceeded
}

// keep packs the attributes of a row that a user keeps: those that users sign in by always, the others by setting.
func (s *Service) keep(p *pool, columns, values []string) string {
	var pairs []string
	for i, name := range columns {
		if values[i] == "" || name == columnUsername || name == columnMFA || name == columnHash ||
			!s.settings.KeepAttributes && !p.signsInBy(name) {
			continue
		}
		value := values[i]
		if isVerifiedFlag(name) {
			value = strings.ToLower(value)
		}
		pairs = append(pairs, name, value)
	}
	return pack(pairs)
}

type row struct {
	values []string
	index  map[string]int
}

func (r row) get(column string) string {
	i, ok := r.index[column]
	if !ok {
		return ""
	}
	return r.values[i]
}

func isVerifiedFlag(name string) bool {
	return name == "email_verified" || name == "phone_number_verified"
}

// checkRow applies the rules that the developer guide gives for a row.
func (s *Service) checkRow(p *pool, columns []string, r row) (problem string) {
	for i, name := range columns {
		value := r.values[i]
		switch {
		case value == "":
		case utf8.RuneCountInString(value) > maxValueLength:
			return rowValue
		case name == columnUsername:
			if !validUsername(p, value) {
				return rowUsername
			}
		case !validFormat(name, value):
			return rowValue
		case !validType(p.schema[name], value):
			return rowSchema
		}
	}
	if r.get(columnUsername) == "" {
		return rowUsername
	}
	for _, a := range p.SchemaAttributes {
		if a.Required && slices.Contains(p.header, a.Name) && r.get(a.Name) == "" {
			return rowSchema
		}
	}
	verified := false
	for _, name := range []string{"email", "phone_number"} {
		flag := r.get(name + "_verified")
		_, there := r.index[name+"_verified"]
		switch {
		case flag == "" && there && s.settings.BlankVerifiedFails:
			return rowValue
		case !strings.EqualFold(flag, "true"):
			continue
		case r.get(name) == "":
			return rowBlank
		}
		verified = verified || slices.Contains(p.AutoVerifiedAttributes, name)
	}
	if !verified {
		return rowNotVerified
	}
	mfa := strings.ToLower(r.get(columnMFA))
	_, there := r.index[columnMFA]
	switch {
	case p.MfaConfiguration == "ON" && mfa == "false",
		p.MfaConfiguration != "ON" && p.MfaConfiguration != "OPTIONAL" && mfa == "true",
		p.MfaConfiguration == "OPTIONAL" && mfa == "" && there && s.settings.BlankMFAFails:
		return rowMFA
	}
	return ""
}

var (
	formEmail   = regexp.MustCompile(`^[^\s@]+@[^\s@]+$`)
	formPhone   = regexp.MustCompile(`^\+[0-9]{1,15}$`)
	formSeconds = regexp.MustCompile(`^[0-9]{1,10}$`)
	formNumber  = regexp.MustCompile(`^[+-]?[0-9]+$`)
)

// dateTimes are the forms that a DateTime attribute is taken in; none is documented.
var dateTimes = []string{
	time.DateOnly, time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04",
}

func validUsername(p *pool, name string) bool {
	if len(member("username", name, patternUsername, 1, 128)) > 0 || strings.ContainsFunc(name, unicode.IsSpace) {
		return false
	}
	email, phone := formEmail.MatchString(name), formPhone.MatchString(name)
	if len(p.UsernameAttributes) > 0 {
		return email && slices.Contains(p.UsernameAttributes, "email") ||
			phone && slices.Contains(p.UsernameAttributes, "phone_number")
	}
	return !(email && slices.Contains(p.AliasAttributes, "email") ||
		phone && slices.Contains(p.AliasAttributes, "phone_number"))
}

func isBoolean(value string) bool {
	return strings.EqualFold(value, "true") || strings.EqualFold(value, "false")
}

// validFormat checks the columns whose form the developer guide gives.
func validFormat(name, value string) bool {
	switch name {
	case "email_verified", "phone_number_verified", columnMFA:
		return isBoolean(value)
	case "email":
		return formEmail.MatchString(value)
	case "phone_number":
		return formPhone.MatchString(value)
	case "birthdate":
		_, err := time.Parse("01/02/2006", value)
		return err == nil
	case "updated_at":
		return formSeconds.MatchString(value)
	}
	return true
}

// validType checks a value against the pool's schema.
func validType(a schemaAttribute, value string) bool {
	switch a.AttributeDataType {
	case "Boolean":
		return isBoolean(value)
	case "DateTime":
		for _, layout := range dateTimes {
			if _, err := time.Parse(layout, value); err == nil {
				return true
			}
		}
		return false
	case "Number":
		if !formNumber.MatchString(value) {
			return false
		}
		n, err := strconv.ParseInt(value, 10, 64)
		bounds := a.NumberAttributeConstraints
		return err == nil && (bounds == nil || within(n, bounds.MinValue, bounds.MaxValue))
	case "String":
		bounds := a.StringAttributeConstraints
		return bounds == nil || within(int64(utf8.RuneCountInString(value)), bounds.MinLength, bounds.MaxLength)
	}
	return true
}
