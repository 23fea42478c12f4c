package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// step is what is going on just now.
type step struct {
	name  string
	share float64 // from 0 to 1; below 0 nobody knows
	text  string
}

// share is how much of a total is done; unknown where there is no total.
func share(done, total int64) float64 {
	if total <= 0 {
		return -1
	}
	return min(float64(done)/float64(total), 1)
}

// meter shows progress on standard error: on a terminal as one line that is written anew, elsewhere as a line for each
// new step and each further tenth of it.
type meter struct {
	mu     sync.Mutex
	w      io.Writer
	tty    bool
	colour bool
	last   step
	turn   int // of the sign that something moves
}

func newMeter(w io.Writer) *meter {
	return &meter{w: w, tty: isTerminal(w), colour: coloured(w)}
}

// coloured tells whether text for w may have colours: https://no-color.org
func coloured(w io.Writer) bool { return isTerminal(w) && os.Getenv("NO_COLOR") == "" }

func (m *meter) paint(attribute int, text string) string {
	if !m.colour {
		return text
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", attribute, text)
}

// show tells of a step. It may be called as often as there is news.
func (m *meter) show(s step) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.tty {
		m.turn++
		fmt.Fprintf(m.w, "\r\x1b[K%s", m.line(s))
		m.last = s
		return
	}
	if s.name == m.last.name && tenth(s.share) <= tenth(m.last.share) {
		return
	}
	m.last = s
	text := s.name
	if s.share >= 0 {
		text += fmt.Sprintf("  %d%%", int(s.share*100))
	}
	if s.text != "" {
		text += "  " + s.text
	}
	fmt.Fprintln(m.w, text)
}

func tenth(share float64) int { return int(max(share, 0) * 10) }

const (
	nameWidth = 11
	barWidth  = 24
)

// line draws a step, in the width of the terminal.
func (m *meter) line(s step) string {
	signs := []rune("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
	line := m.paint(36, string(signs[m.turn%len(signs)])) + " " + fmt.Sprintf("%-*s", nameWidth, s.name)
	width := 2 + max(nameWidth, utf8.RuneCountInString(s.name))
	if s.share >= 0 {
		full := int(s.share * barWidth)
		line += " " + m.paint(green, strings.Repeat("━", full)) + m.paint(dim, strings.Repeat("─", barWidth-full)) +
			fmt.Sprintf(" %3d%%", int(s.share*100))
		width += barWidth + 6
	}
	if room := m.width() - width - 3; s.text != "" && room > 0 {
		text := []rune(s.text)
		if len(text) > room {
			text = append(text[:room-1], '…')
		}
		line += "  " + m.paint(dim, string(text))
	}
	return line
}

func (m *meter) width() int {
	if f, ok := m.w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return 80
}

// finish ends the step in hand with a line that stays.
func (m *meter) finish(text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.tty {
		fmt.Fprint(m.w, "\r\x1b[K")
	}
	fmt.Fprintf(m.w, "%s %s\n", m.paint(green, "✔"), text)
	m.last = step{}
}

// clear takes the line of the step in hand away.
func (m *meter) clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.tty {
		fmt.Fprint(m.w, "\r\x1b[K")
	}
	m.last = step{}
}

// about writes a duration as people guess: in its largest unit alone, or two for hours and days.
func about(d time.Duration) string {
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

// bytesText writes a size as people read it.
func bytesText(n int64) string {
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
