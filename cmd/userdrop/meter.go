package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"userdrop/internal/client"
)

// meter shows progress on standard error: on a terminal as one line that is written anew, elsewhere as a line for each
// new step and each further tenth of it.
type meter struct {
	mu     sync.Mutex
	w      io.Writer
	tty    bool
	colour bool
	quiet  bool
	last   client.Step
	turn   int // of the sign that something moves
}

func newMeter(cmd *cobra.Command) *meter {
	w := cmd.ErrOrStderr()
	v := verbosityOf(cmd.Context())
	// Calls that are logged would break into a line that is written anew.
	return &meter{w: w, tty: isTerminal(w) && !v.verbose, colour: coloured(w), quiet: v.quiet}
}

// coloured reports whether text for w may have colours: https://no-color.org
func coloured(w io.Writer) bool { return isTerminal(w) && os.Getenv("NO_COLOR") == "" }

func (m *meter) paint(attribute int, text string) string {
	if !m.colour {
		return text
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", attribute, text)
}

// Show shows a step. It may be called as often as there is news.
func (m *meter) Show(s client.Step) {
	if m.quiet {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.tty {
		m.turn++
		fmt.Fprintf(m.w, "\r\x1b[K%s", m.line(s, columns(m.w)))
		m.last = s
		return
	}
	if s.Name == m.last.Name && tenth(s.Share) <= tenth(m.last.Share) {
		return
	}
	m.last = s
	text := s.Name
	if s.Share >= 0 {
		text += fmt.Sprintf("  %d%%", int(s.Share*100))
	}
	if s.Text != "" {
		text += "  " + s.Text
	}
	fmt.Fprintln(m.w, text)
}

func tenth(share float64) int { return int(max(share, 0) * 10) }

// The widths of a line's parts in columns. A narrow terminal goes without the bar, then without the text.
const (
	nameWidth   = 11
	barWidth    = 24
	smallestBar = 6
)

// line draws a step in a width, of which the last column stays free, since some terminals wrap there.
func (m *meter) line(s client.Step, width int) string {
	signs := []rune("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
	name := shorten(s.Name, max(width-3, 1))
	line := m.paint(36, string(signs[m.turn%len(signs)])) + " " + name
	used := 2 + utf8.RuneCountInString(name)
	percent := ""
	if s.Share >= 0 {
		percent = fmt.Sprintf(" %3d%%", int(s.Share*100))
	}
	if pad := nameWidth - utf8.RuneCountInString(name); pad > 0 && width >= 60 {
		line += strings.Repeat(" ", pad)
		used += pad
	}
	room := width - 1 - used - len(percent)
	if room < 0 {
		return line
	}
	if size := min(barWidth, (room-1)*2/5); percent != "" && size >= smallestBar {
		full := int(s.Share * float64(size))
		line += " " + m.paint(green, strings.Repeat("━", full)) + m.paint(dim, strings.Repeat("─", size-full))
		room -= size + 1
	}
	line += percent
	if s.Text != "" && room > 6 {
		line += "  " + m.paint(dim, shorten(s.Text, room-2))
	}
	return line
}

// shorten cuts text to a number of columns.
func shorten(text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return string(runes[:most-1]) + "…"
}

// Finish ends the step in hand with a line that stays.
func (m *meter) Finish(text string) {
	if m.quiet {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.tty {
		fmt.Fprint(m.w, "\r\x1b[K")
	}
	fmt.Fprintf(m.w, "%s %s\n", m.paint(green, "✔"), printable(text, 2000))
	m.last = client.Step{}
}

// Clear removes the line of the step in hand.
func (m *meter) Clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.tty {
		fmt.Fprint(m.w, "\r\x1b[K")
	}
	m.last = client.Step{}
}
