package mapping

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	epoch    = regexp.MustCompile(`^\d{9,10}(\.0+)?$`)
	millis   = regexp.MustCompile(`^\d{13}$`)
	zone     = regexp.MustCompile(`^(.*\d) ?([+-]\d\d)(:?(\d\d))?$`)
	layouts  = []string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05"}
	errTime  = errors.New("the argument is not a time")
	dateOnly = regexp.MustCompile(`^\d{4}-\d\d-\d\d$`)
)

// parseTime is the function time: any form of updated_at, or a date.
func parseTime(_ *state, args []any) (any, error) {
	var text string
	switch value := args[0].(type) {
	case time.Time:
		return value, nil
	case int:
		text = strconv.Itoa(value)
	case string:
		text = value
	default:
		return nil, errTime
	}
	if t, ok := timeOf(text); ok {
		return t, nil
	}
	return nil, errTime
}

func timeOf(text string) (time.Time, bool) {
	text = strings.ToUpper(strings.TrimSpace(text))
	switch {
	case epoch.MatchString(text):
		whole, _, _ := strings.Cut(text, ".")
		seconds, err := strconv.ParseInt(whole, 10, 64)
		return time.Unix(seconds, 0).UTC(), err == nil
	case millis.MatchString(text):
		n, err := strconv.ParseInt(text, 10, 64)
		return time.UnixMilli(n).UTC(), err == nil
	case dateOnly.MatchString(text):
		t, err := time.Parse(time.DateOnly, text)
		return t, err == nil
	}
	text = strings.TrimSuffix(text, " UTC")
	if len(text) > 10 && text[10] == ' ' {
		text = text[:10] + "T" + text[11:]
	}
	if m := zone.FindStringSubmatch(text); m != nil && len(m[1]) > 10 {
		minutes := m[4]
		if minutes == "" {
			minutes = "00"
		}
		text = m[1] + m[2] + ":" + minutes
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
