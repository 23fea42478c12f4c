package events

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Expression says when a schedule runs: rate(), cron() or at().
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
type Expression interface {
	// Next is the first run after t; ok is false when there is none.
	Next(t time.Time) (next time.Time, ok bool)
}

// ParseExpression reads an expression in a time zone. A rate counts from start.
func ParseExpression(text string, zone *time.Location, start time.Time) (Expression, error) {
	kind, rest, _ := strings.Cut(text, "(")
	body, closed := strings.CutSuffix(rest, ")")
	if closed {
		switch kind {
		case "rate":
			return parseRate(body, start)
		case "cron":
			return parseCron(body, zone)
		case "at":
			t, err := time.ParseInLocation("2006-01-02T15:04:05", body, zone)
			return at(t), err
		}
	}
	return nil, fmt.Errorf("%q is not rate(), cron() or at()", text)
}

type at time.Time

func (a at) Next(t time.Time) (time.Time, bool) { return time.Time(a), time.Time(a).After(t) }

type rate struct {
	start time.Time
	every time.Duration
}

func parseRate(body string, start time.Time) (Expression, error) {
	number, unit, _ := strings.Cut(body, " ")
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 {
		return nil, fmt.Errorf("rate(%s): the value must be a positive number", body)
	}
	units := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}
	singular, plural := strings.CutSuffix(unit, "s")
	every, ok := units[singular]
	if !ok || plural != (n > 1) {
		return nil, fmt.Errorf("rate(%s): the unit is minute, hour or day, with an s after more than 1", body)
	}
	if n > int(math.MaxInt64/every) {
		return nil, fmt.Errorf("rate(%s): the value is too large", body)
	}
	return rate{start, time.Duration(n) * every}, nil
}

func (r rate) Next(t time.Time) (time.Time, bool) {
	if t.Before(r.start) {
		return r.start.Add(r.every), true
	}
	return r.start.Add((t.Sub(r.start)/r.every + 1) * r.every), true
}

// cron has the six fields minutes, hours, day of month, month, day of week, year. A time that daylight saving skips is
// skipped, one that it repeats runs once.
type cron struct {
	zone                          *time.Location
	minutes, hours, months, years []int
	matches                       func(date time.Time) bool
}

const firstYear, lastYear = 1970, 2199

func parseCron(body string, zone *time.Location) (Expression, error) {
	fields := strings.Fields(body)
	if len(fields) != 6 {
		return nil, fmt.Errorf("cron(%s): %d fields instead of 6", body, len(fields))
	}
	c := cron{zone: zone}
	var err error
	parse := func(into *[]int, field string, low, high int, names ...string) {
		if err == nil {
			*into, err = parseField(field, low, high, names...)
		}
	}
	parse(&c.minutes, fields[0], 0, 59)
	parse(&c.hours, fields[1], 0, 23)
	parse(&c.months, fields[3], 1, 12, "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
	parse(&c.years, fields[5], firstYear, lastYear)
	switch {
	case err != nil:
	case (fields[2] == "?") == (fields[4] == "?"):
		err = fmt.Errorf("exactly one of day of month and day of week must be ?")
	case fields[4] == "?":
		c.matches, err = parseDayOfMonth(fields[2])
	default:
		c.matches, err = parseDayOfWeek(fields[4])
	}
	if err != nil {
		return nil, fmt.Errorf("cron(%s): %w", body, err)
	}
	return c, nil
}

// parseField reads a list of numbers, names, ranges and steps into ascending numbers.
func parseField(field string, low, high int, names ...string) ([]int, error) {
	number := func(text string) (int, error) {
		if i := slices.Index(names, strings.ToUpper(text)); i >= 0 {
			return low + i, nil
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < low || n > high {
			return 0, fmt.Errorf("%q is not within %d and %d", text, low, high)
		}
		return n, nil
	}
	var values []int
	for item := range strings.SplitSeq(field, ",") {
		span, stepText, stepped := strings.Cut(item, "/")
		step, from, to := 1, low, high
		var err error
		if stepped {
			if step, err = strconv.Atoi(stepText); err != nil || step < 1 {
				return nil, fmt.Errorf("step %q", stepText)
			}
		}
		if span != "*" && (span != "" || !stepped) {
			first, last, isRange := strings.Cut(span, "-")
			if from, err = number(first); err != nil {
				return nil, err
			}
			switch {
			case isRange:
				if to, err = number(last); err != nil {
					return nil, err
				}
			case !stepped:
				to = from
			}
		}
		if from > to { // such as FRI-MON
			for n := from; n <= high; n += step {
				values = append(values, n)
			}
			from = low
		}
		for n := from; n <= to; n += step {
			values = append(values, n)
		}
	}
	slices.Sort(values)
	return slices.Compact(values), nil
}

func daysIn(date time.Time) int {
	return time.Date(date.Year(), date.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// parseDayOfMonth knows L, the last day, and nW, the weekday nearest to day n within the month.
func parseDayOfMonth(field string) (func(time.Time) bool, error) {
	if field == "L" {
		return func(date time.Time) bool { return date.Day() == daysIn(date) }, nil
	}
	if text, ok := strings.CutSuffix(field, "W"); ok {
		days, err := parseField(text, 1, 31)
		if err != nil || len(days) != 1 {
			return nil, fmt.Errorf("day of month %q", field)
		}
		return func(date time.Time) bool {
			if days[0] > daysIn(date) {
				return false
			}
			near := time.Date(date.Year(), date.Month(), days[0], 0, 0, 0, 0, time.UTC)
			switch near.Weekday() {
			case time.Saturday:
				near = near.AddDate(0, 0, -1)
				if near.Month() != date.Month() {
					near = near.AddDate(0, 0, 3)
				}
			case time.Sunday:
				near = near.AddDate(0, 0, 1)
				if near.Month() != date.Month() {
					near = near.AddDate(0, 0, -3)
				}
			}
			return near.Day() == date.Day()
		}, nil
	}
	days, err := parseField(field, 1, 31)
	return func(date time.Time) bool { return slices.Contains(days, date.Day()) }, err
}

// parseDayOfWeek knows 1 to 7 from Sunday, n#k, the k-th such day of the month, and nL, its last.
func parseDayOfWeek(field string) (func(time.Time) bool, error) {
	names := []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}
	one := func(text string) (time.Weekday, error) {
		days, err := parseField(text, 1, 7, names...)
		if err != nil || len(days) != 1 || strings.ContainsAny(text, "*-,/") {
			return 0, fmt.Errorf("day of week %q", field)
		}
		return time.Weekday(days[0] - 1), nil
	}
	if field == "L" {
		field = "SAT"
	}
	if text, ok := strings.CutSuffix(field, "L"); ok {
		day, err := one(text)
		return func(date time.Time) bool { return date.Weekday() == day && date.Day()+7 > daysIn(date) }, err
	}
	if text, nth, ok := strings.Cut(field, "#"); ok {
		day, err := one(text)
		k, numberErr := strconv.Atoi(nth)
		if err == nil && (numberErr != nil || k < 1 || k > 5) {
			err = fmt.Errorf("day of week %q", field)
		}
		return func(date time.Time) bool { return date.Weekday() == day && (date.Day()-1)/7+1 == k }, err
	}
	days, err := parseField(field, 1, 7, names...)
	return func(date time.Time) bool { return slices.Contains(days, int(date.Weekday())+1) }, err
}

func (c cron) Next(t time.Time) (time.Time, bool) {
	year, month, day := t.In(c.zone).Date()
	// The calendar is walked in UTC, where each day has one midnight.
	for date := time.Date(year, month, day, 0, 0, 0, 0, time.UTC); date.Year() <= lastYear; {
		switch {
		case !slices.Contains(c.years, date.Year()):
			date = time.Date(date.Year()+1, 1, 1, 0, 0, 0, 0, time.UTC)
			continue
		case !slices.Contains(c.months, int(date.Month())):
			date = time.Date(date.Year(), date.Month()+1, 1, 0, 0, 0, 0, time.UTC)
			continue
		case c.matches(date):
			if next, ok := c.on(date, t); ok {
				return next, true
			}
		}
		date = date.AddDate(0, 0, 1)
	}
	return time.Time{}, false
}

// on is the first run on a date that is after t.
func (c cron) on(date, t time.Time) (time.Time, bool) {
	for _, hour := range c.hours {
		for _, minute := range c.minutes {
			run := first(time.Date(date.Year(), date.Month(), date.Day(), hour, minute, 0, 0, c.zone))
			if run.Hour() == hour && run.Minute() == minute && run.After(t) {
				return run, true
			}
		}
	}
	return time.Time{}, false
}

// first is the first of the two times that a clock shows t's time when it is set back, and t otherwise.
func first(t time.Time) time.Time {
	change, _ := t.ZoneBounds()
	if change.IsZero() {
		return t
	}
	_, before := change.Add(-1).Zone()
	_, offset := t.Zone()
	if earlier := t.Add(time.Duration(offset-before) * time.Second); earlier.Before(change) && before > offset {
		return earlier
	}
	return t
}
