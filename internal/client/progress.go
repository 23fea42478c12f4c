package client

import (
	"fmt"
	"strconv"
	"time"
)

// Step is what is going on just now.
type Step struct {
	Name  string
	Share float64 // done, from 0 to 1; below 0 it is unknown
	Text  string
}

// Progress receives the steps of an upload and of an import.
type Progress interface {
	Show(Step)          // may be called as often as there is news
	Finish(text string) // ends the step with a line that stays
	Clear()             // removes the line of the step
}

// share is how much of a total is done; unknown where there is no total.
func share(done, total int64) float64 {
	if total <= 0 {
		return -1
	}
	return min(float64(done)/float64(total), 1)
}

// About writes a duration as people guess: in its largest unit alone, or two for hours and days.
func About(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", max(int(d.Round(time.Second)/time.Second), 1))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Round(time.Minute)/time.Minute))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d/time.Hour), int(d%time.Hour/time.Minute))
	default:
		return fmt.Sprintf("%d d %d h", int(d/(24*time.Hour)), int(d%(24*time.Hour)/time.Hour))
	}
}

// Bytes writes a size as people read it.
func Bytes(n int64) string {
	if n == 1 {
		return "1 byte"
	}
	size, unit := float64(n), "bytes"
	for _, larger := range []string{"KB", "MB", "GB", "TB"} {
		if size < 1000 {
			break
		}
		size, unit = size/1000, larger
	}
	if unit == "bytes" || size >= 100 {
		return fmt.Sprintf("%.0f %s", size, unit)
	}
	return fmt.Sprintf("%.1f %s", size, unit)
}

// Rows writes a number of rows.
func Rows(n int64) string {
	if n == 1 {
		return "1 row"
	}
	return Grouped(n) + " rows"
}

// Grouped writes a number with commas: 1234567 as 1,234,567.
func Grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
