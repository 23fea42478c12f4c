package usercsv

import (
	"fmt"
	"strings"

	"userdrop/internal/contract"
)

// dateOrder is what the digits of a date say about the order of its month and its day.
type dateOrder uint8

const (
	orderPlain     dateOrder = iota // the order is no question: 1985-04-03, 04/04/1985, or not a date
	orderEither                     // 03/04/1985
	orderDayOnly                    // 25/12/1990
	orderMonthOnly                  // 12/25/1990
	dateOrders
)

// dateTally counts a file's birthdates by what they say about the order of month and day.
type dateTally struct {
	counts [dateOrders]int
	lines  [dateOrders][]int // the first ten
}

// add counts the birthdate of a row.
func (t *dateTally) add(line int, order dateOrder) {
	if order == orderPlain {
		return
	}
	t.counts[order]++
	if len(t.lines[order]) < contract.MaxLines {
		t.lines[order] = append(t.lines[order], line)
	}
}

// refusal refuses a file whose birthdates may be read the wrong way round: some can be read both ways, at least one can
// only be day first, and no fewer can only be day first than only month first. It returns nil for any other file.
func (t *dateTally) refusal(settings Settings) *Refusal {
	if !settings.autoDates() {
		return nil
	}
	either, day, month := t.counts[orderEither], t.counts[orderDayOnly], t.counts[orderMonthOnly]
	if either == 0 || day == 0 || day < month {
		return nil
	}
	return Refuse(contract.AmbiguousDates, fmt.Sprintf("Which number of a birthdate is the day? %s can be read "+
		"both ways (%s), "+
		"%s can only be day first (%s), %s only month first%s. Say which is meant by the setting DateOrder: day-first or "+
		"month-first.", dateCount(either), lineList(t.lines[orderEither], either), dateCount(day),
		lineList(t.lines[orderDayOnly], day), dateCount(month), inBrackets(lineList(t.lines[orderMonthOnly], month))))
}

func dateCount(n int) string {
	if n == 1 {
		return "1 date"
	}
	return fmt.Sprintf("%d dates", n)
}

func inBrackets(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}

// lineList names the first lines of count.
func lineList(lines []int, count int) string {
	if len(lines) == 0 {
		return ""
	}
	word := "lines "
	if count == 1 {
		word = "line "
	}
	texts := make([]string, len(lines))
	for i, n := range lines {
		texts[i] = fmt.Sprint(n)
	}
	list := word + strings.Join(texts, ", ")
	if count > len(lines) {
		list += ", …"
	}
	return list
}
