package cognito

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"userdrop/localaws/wire"
)

// The patterns of the API model, as it writes them. Java's \w and \s are ASCII, as Go's are.
var (
	patternJobName  = regexp.MustCompile(`[\w\s+=,.@-]+`)
	patternJobID    = regexp.MustCompile(`import-[0-9a-zA-Z-]+`)
	patternPoolID   = regexp.MustCompile(`[\w-]+_[0-9a-zA-Z]+`)
	patternPoolName = regexp.MustCompile(`[\w\s+=,.@-]+`)
	patternUsername = regexp.MustCompile(`[\p{L}\p{M}\p{S}\p{N}\p{P}]+`)
	patternToken    = regexp.MustCompile(`[\S]+`)
	patternARN      = regexp.MustCompile(`arn:[\w+=/,.@-]+:[\w+=/,.@-]+:([\w+=/,.@-]*)?:[0-9]+:[\w+=/,.@-]+` +
		`(:[\w+=/,.@-]+)?(:[\w+=/,.@-]+)?`)
)

// check answers AWS's InvalidParameterException for all violations, or nil when there is none.
func check(violations ...[]string) error {
	all := slices.Concat(violations...)
	if len(all) == 0 {
		return nil
	}
	noun := "errors"
	if len(all) == 1 {
		noun = "error"
	}
	return invalid("%d validation %s detected: %s", len(all), noun, strings.Join(all, "; "))
}

func invalid(format string, args ...any) error {
	return wire.Errorf("InvalidParameterException", format, args...)
}

func violation(value any, name, constraint string, args ...any) string {
	return fmt.Sprintf("Value %v at '%s' failed to satisfy constraint: Member must %s", value, name,
		fmt.Sprintf(constraint, args...))
}

// member checks a string that may be empty, when least is 0.
func member(name, value string, pattern *regexp.Regexp, least, most int) []string {
	var found []string
	quoted := "'" + value + "'"
	if least == 0 && value == "" {
		return nil
	}
	if loc := pattern.FindStringIndex(value); loc == nil || loc[0] != 0 || loc[1] != len(value) {
		found = append(found, violation(quoted, name, "satisfy regular expression pattern: %s", pattern))
	}
	switch n := utf8.RuneCountInString(value); {
	case n < least:
		found = append(found, violation(quoted, name, "have length greater than or equal to %d", least))
	case n > most:
		found = append(found, violation(quoted, name, "have length less than or equal to %d", most))
	}
	return found
}

// required checks a string that must be there.
func required(name string, value *string, pattern *regexp.Regexp, least, most int) []string {
	if value == nil {
		return []string{violation("null", name, "not be null")}
	}
	return member(name, *value, pattern, least, most)
}

// number checks an integer that may be missing.
func number(name string, value *int, least, most int) []string {
	switch {
	case value == nil:
		return nil
	case *value < least:
		return []string{violation(fmt.Sprintf("'%d'", *value), name, "have value greater than or equal to %d", least)}
	case *value > most:
		return []string{violation(fmt.Sprintf("'%d'", *value), name, "have value less than or equal to %d", most)}
	}
	return nil
}

// choice checks an enumeration that may be missing.
func choice(name, value string, allowed ...string) []string {
	if value == "" || slices.Contains(allowed, value) {
		return nil
	}
	return []string{violation("'"+value+"'", name, "satisfy enum value set: [%s]", strings.Join(allowed, ", "))}
}
