package usercsv

import (
	"regexp"
	"time"
)

// date is a day of the calendar.
type date struct{ year, month, day int }

// valid reports whether the calendar has the day.
func (d date) valid() bool {
	if d.year < 1 || d.month < 1 || d.month > 12 || d.day < 1 {
		return false
	}
	return d.day <= 28 || time.Date(d.year, time.Month(d.month), d.day, 0, 0, 0, 0, time.UTC).Day() == d.day
}

// before reports whether d is before other.
func (d date) before(other date) bool {
	if d.year != other.year {
		return d.year < other.year
	}
	if d.month != other.month {
		return d.month < other.month
	}
	return d.day < other.day
}

// dateOf returns the day of a time, UTC.
func dateOf(t time.Time) date {
	year, month, day := t.UTC().Date()
	return date{year, int(month), day}
}

// appendSlashes appends the date as MM/DD/YYYY.
func (d date) appendSlashes(to []byte) []byte {
	two := func(n int, sep byte) { to = append(to, byte('0'+n/10), byte('0'+n%10), sep) }
	two(d.month, '/')
	two(d.day, '/')
	return append(to, byte('0'+d.year/1000), byte('0'+d.year/100%10), byte('0'+d.year/10%10), byte('0'+d.year%10))
}

// parseDate reads YYYY-MM-DD. It reports whether text is a day of the calendar in this form.
func parseDate(text []byte) (date, bool) {
	if len(text) != len("2006-01-02") || text[4] != '-' || text[7] != '-' {
		return date{}, false
	}
	year, a := leadingNumber(text, 4)
	month, b := leadingNumber(text[5:], 2)
	day, c := leadingNumber(text[8:], 2)
	d := date{year, month, day}
	return d, len(a) == 6 && len(b) == 3 && len(c) == 0 && d.valid()
}

var midnight = regexp.MustCompile(`^[ tT]00:00(:00(\.0+)?)?` + zone + `$`)

// firstBirthdate is the first that is plausible.
var firstBirthdate = date{1900, 1, 1}

// birthdates reads the birthdates of one source.
type birthdates struct {
	settings Settings
	today    date
	tally    dateTally
}

// read returns the birthdate of the row at line as MM/DD/YYYY: the text itself if it is in this form, else the end of
// scratch, which it appends the date to.
func (b *birthdates) read(text, scratch []byte, line int) (value, longer []byte, ok bool) {
	d, ok := b.parse(text, line)
	if !ok || d.before(firstBirthdate) || b.today.before(d) {
		return nil, scratch, false
	}
	if len(text) == len("01/02/2006") && text[2] == '/' && b.settings.DateOrder != DateDayFirst {
		return text, scratch, true
	}
	from := len(scratch)
	scratch = d.appendSlashes(scratch)
	return scratch[from:], scratch, true
}

func (b *birthdates) parse(text []byte, line int) (date, bool) {
	if len(text) >= 10 && text[4] == '-' {
		d, ok := parseDate(text[:10])
		return d, ok && (len(text) == 10 || midnight.Match(text[10:]))
	}
	first, second, year, separator, ok := yearLast(text)
	if !ok {
		return date{}, false
	}
	monthFirst, dayFirst := date{year, first, second}, date{year, second, first}
	if separator == '/' && first != second {
		b.tally.add(line, orderOf(monthFirst, dayFirst))
	}
	if b.settings.DateOrder == DateDayFirst {
		return dayFirst, dayFirst.valid()
	}
	return monthFirst, separator == '/' && monthFirst.valid()
}

// yearLast reads one or two digits, one or two digits, and four, with the same separator between them.
func yearLast(text []byte) (first, second, year int, separator byte, ok bool) {
	first, text = leadingNumber(text, 2)
	if first < 0 || len(text) == 0 {
		return 0, 0, 0, 0, false
	}
	separator = text[0]
	second, text = leadingNumber(text[1:], 2)
	if second < 0 || len(text) != len("/2006") || text[0] != separator ||
		separator != '/' && separator != '.' && separator != '-' {
		return 0, 0, 0, 0, false
	}
	year, text = leadingNumber(text[1:], 4)
	return first, second, year, separator, len(text) == 0
}

// leadingNumber returns the number of at most so many digits that text begins with, -1 if it begins with none, and the
// text behind them.
func leadingNumber(text []byte, most int) (number int, rest []byte) {
	n := 0
	for n < len(text) && n < most && text[n]-'0' <= 9 {
		number = number*10 + int(text[n]-'0')
		n++
	}
	if n == 0 {
		return -1, text
	}
	return number, text[n:]
}

// orderOf returns what a birthdate shows about the order in which it was written.
func orderOf(monthFirst, dayFirst date) dateOrder {
	switch m, d := monthFirst.valid(), dayFirst.valid(); {
	case m && d:
		return orderEither
	case d:
		return orderDayOnly
	case m:
		return orderMonthOnly
	}
	return orderPlain
}

// refusal refuses a file of which nobody knows in which order its birthdates were written; nil lets it pass.
func (b *birthdates) refusal() *Refusal { return b.tally.refusal(b.settings) }
