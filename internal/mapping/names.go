package mapping

import (
	"strings"
	"unicode"
)

// fold returns a column's name for comparison: without case, spaces, _, -, surrounding quotation marks, and what
// products add at its end ("*", "(required)", a word in square brackets). A leading _ counts.
func fold(name string) string {
	name = strings.Trim(strings.TrimSpace(name), `"'`)
	for {
		trimmed := strings.TrimSpace(strings.TrimSuffix(name, "*"))
		if open := strings.LastIndexByte(trimmed, '['); open > 0 && strings.HasSuffix(trimmed, "]") {
			trimmed = strings.TrimSpace(trimmed[:open])
		}
		if n := len(trimmed) - len("(required)"); n > 0 && strings.EqualFold(trimmed[n:], "(required)") {
			trimmed = strings.TrimSpace(trimmed[:n])
		}
		if trimmed == name {
			break
		}
		name = trimmed
	}
	leading := strings.HasPrefix(name, "_")
	name = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '_' || r == '-' {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
	if leading {
		return "_" + name
	}
	return name
}

// statusColumns are columns that say whether a user may sign in. Only their own name leaves them out.
var statusColumns = map[string]bool{
	"status": true, "state": true, "enabled": true, "disabled": true, "active": true, "inactive": true,
	"blocked": true, "banned": true, "suspended": true, "locked": true, "deleted": true, "deletedat": true,
	"accountenabled": true, "userstatus": true,
}

func isStatusColumn(name string) bool {
	name = fold(name)
	return statusColumns[name] || statusColumns[strings.TrimPrefix(name, "is")] ||
		statusColumns[strings.TrimPrefix(name, "account")]
}
