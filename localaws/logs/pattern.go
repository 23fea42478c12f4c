package logs

import (
	"regexp"
	"strings"

	"userdrop/localaws/wire"
)

// pattern is a filter pattern over unstructured events: terms that all must occur, terms of which one must occur, and
// terms that must not. See "Filter pattern syntax for metric filters, subscription filters, filter log events, and
// Live Tail" in the CloudWatch Logs user guide.
type pattern struct {
	all, any, none []string
}

var plainTerm = regexp.MustCompile(`^[\pL\pN_]+$`)

// parsePattern refuses what it does not know: JSON, space-delimited and regular expression patterns.
func parsePattern(text string) (pattern, error) {
	var p pattern
	rest := strings.TrimSpace(text)
	if strings.HasPrefix(rest, "{") || strings.HasPrefix(rest, "[") || strings.Contains(rest, "%") {
		return p, wire.Errorf("InvalidParameterException",
			"the local double knows patterns of terms only, no JSON, space-delimited or regular expression pattern")
	}
	for rest != "" {
		terms := &p.all
		switch rest[0] {
		case '?':
			terms, rest = &p.any, rest[1:]
		case '-':
			terms, rest = &p.none, rest[1:]
		}
		term, after, err := nextTerm(rest)
		if err != nil {
			return p, err
		}
		*terms = append(*terms, term)
		rest = strings.TrimLeft(after, " ")
	}
	if len(p.any) > 0 && len(p.all)+len(p.none) > 0 {
		return p, wire.Errorf("InvalidParameterException", "the local double does not mix ?terms with others")
	}
	return p, nil
}

func nextTerm(text string) (term, after string, err error) {
	if quoted, ok := strings.CutPrefix(text, `"`); ok {
		var b strings.Builder
		for i := 0; i < len(quoted); i++ {
			switch c := quoted[i]; {
			case c == '\\' && i+1 < len(quoted):
				i++
				b.WriteByte(quoted[i])
			case c == '"':
				return b.String(), quoted[i+1:], nil
			default:
				b.WriteByte(c)
			}
		}
		return "", "", wire.Errorf("InvalidParameterException", "Invalid filter pattern: unclosed quotation mark")
	}
	term, after, _ = strings.Cut(text, " ")
	if !plainTerm.MatchString(term) {
		return "", "", wire.Errorf("InvalidParameterException", "Invalid character(s) in term '%s'", term)
	}
	return term, after, nil
}

func (p pattern) matches(message string) bool {
	for _, term := range p.all {
		if !strings.Contains(message, term) {
			return false
		}
	}
	for _, term := range p.none {
		if strings.Contains(message, term) {
			return false
		}
	}
	for _, term := range p.any {
		if strings.Contains(message, term) {
			return true
		}
	}
	return len(p.any) == 0
}
