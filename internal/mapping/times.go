package mapping

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"userdrop/internal/usercsv"
)

var errTime = errors.New("the argument is not a time")

// infinities are PostgreSQL's words for a time after, or before, all others. An account that is locked for good has
// such a time: Npgsql, for one, writes .NET's DateTimeOffset.MaxValue as infinity.
var infinities = map[string]time.Time{
	"infinity":  time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
	"-infinity": time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC),
}

// parseTime is the function time: any form of updated_at, a date, or PostgreSQL's infinity.
func parseTime(_ *state, args []any) (any, error) {
	var text string
	switch value := args[0].(type) {
	case time.Time:
		return value, nil
	case int:
		text = strconv.Itoa(value)
	case string:
		text = strings.TrimSpace(value)
	}
	if t, ok := infinities[text]; ok {
		return t, nil
	}
	if t, ok := usercsv.ParseTime([]byte(text)); ok {
		return t, nil
	}
	return nil, errTime
}
