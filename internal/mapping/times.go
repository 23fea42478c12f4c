package mapping

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"userdrop/internal/usercsv"
)

var errTime = errors.New("the argument is not a time")

// parseTime is the function time: any form of updated_at, or a date.
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
	if t, ok := usercsv.ParseTime([]byte(text)); ok {
		return t, nil
	}
	return nil, errTime
}
