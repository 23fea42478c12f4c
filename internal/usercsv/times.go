package usercsv

import (
	"bytes"
	"regexp"
	"strconv"
	"time"

	"userdrop/internal/contract"
)

// zone is the end of a time: nothing, Z, UTC, or an offset, which may follow a space.
const zone = `( ?[zZ]| [uU][tT][cC]| ?[+-]([01]\d|2[0-3])(:?[0-5]\d)?)?`

var (
	dateTime = regexp.MustCompile(
		`^(T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d))?$`)
	timeOfDay = regexp.MustCompile(`^[ tT]([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(\.\d+)?` + zone + `$`)
)

// isDateTime reports whether text is YYYY-MM-DD, alone or with Thh:mm[:ss[.f]] and Z or ±hh:mm.
func isDateTime(text []byte) bool {
	if len(text) < 10 {
		return false
	}
	_, ok := parseDate(text[:10])
	return ok && dateTime.Match(text[10:])
}

// firstUpdatedAt is the first time of updated_at that is plausible: a spreadsheet's day number is before it.
var firstUpdatedAt = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC).Unix()

// parseUpdatedAt reads a time in one of the forms that docs/csv.md lists for updated_at: seconds or milliseconds since
// 1970, or a date and time. zoneless reports that it has no zone and was taken as UTC. Fractions of a second are cut.
func parseUpdatedAt(text []byte) (seconds int64, zoneless, ok bool) {
	digits := bytes.TrimSuffix(text, []byte(".0"))
	switch {
	case len(digits) == 9 || len(digits) == 10:
		n := number(digits)
		return n, false, n >= 0
	case len(text) == 13 && isDigits(text):
		return number(text) / 1000, false, true
	case len(text) < len("2006-01-02T15:04:05"):
		return 0, false, false
	}
	day, ok := parseDate(text[:10])
	m := timeOfDay.FindSubmatch(text[10:])
	if !ok || m == nil {
		return 0, false, false
	}
	t := time.Date(day.year, time.Month(day.month), day.day, int(number(m[1])), int(number(m[2])), int(number(m[3])), 0, time.UTC)
	offset := bytes.TrimLeft(m[5], " ")
	if len(offset) > 0 && (offset[0] == '+' || offset[0] == '-') {
		shift := time.Duration(number(m[6])) * time.Hour
		if minutes := bytes.TrimPrefix(m[7], []byte(":")); len(minutes) > 0 {
			shift += time.Duration(number(minutes)) * time.Minute
		}
		if offset[0] == '+' {
			shift = -shift
		}
		t = t.Add(shift)
	}
	return t.Unix(), len(offset) == 0, true
}

// endOfTomorrow returns the last second of the day after a time, UTC.
func endOfTomorrow(t time.Time) int64 {
	year, month, day := t.UTC().Date()
	return time.Date(year, month, day+2, 0, 0, 0, 0, time.UTC).Unix() - 1
}

// plausible reports whether an update, or a verification, can have been then.
func (c *checker) plausible(seconds int64) bool {
	return seconds >= firstUpdatedAt && seconds <= c.latest
}

// updatedAt returns a time as seconds since 1970.
func (c *checker) updatedAt(text []byte, col *column) ([]byte, bool) {
	seconds, zoneless, ok := parseUpdatedAt(text)
	if !ok || !c.plausible(seconds) {
		return nil, false
	}
	if zoneless {
		c.note(contract.ZonelessTime)
	}
	if seconds < col.least || seconds > col.most {
		c.fault(contract.NumberOutOfRange, col, "")
	}
	if len(text) <= 10 {
		return text, true // it is seconds
	}
	from := len(c.scratch)
	c.scratch = strconv.AppendInt(c.scratch, seconds, 10)
	return c.scratch[from:], true
}

// verifiedAt reports whether the text is the date or time of a verification.
func (c *checker) verifiedAt(text []byte) bool {
	if d, ok := parseDate(text); ok {
		return c.plausible(time.Date(d.year, time.Month(d.month), d.day, 0, 0, 0, 0, time.UTC).Unix())
	}
	seconds, _, ok := parseUpdatedAt(text)
	return ok && c.plausible(seconds)
}
