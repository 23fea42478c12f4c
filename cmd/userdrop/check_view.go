package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/term"

	"userdrop/internal/client"
	"userdrop/internal/contract"
	"userdrop/internal/usercsv"
)

// checkView writes what a check found for people.
type checkView struct {
	w       io.Writer
	b       bytes.Buffer
	width   int
	colour  bool
	samples map[contract.Code][]sample
}

func newCheckView(w io.Writer, samples map[contract.Code][]sample) *checkView {
	v := &checkView{w: w, width: 80, samples: samples, colour: isTerminal(w) && os.Getenv("NO_COLOR") == ""}
	if f, ok := w.(*os.File); ok && isTerminal(w) {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			v.width = min(max(width, 40), 100)
		}
	}
	return v
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// paint is text in a colour, as the number of an ANSI attribute, if the terminal wants colours.
func (v *checkView) paint(attribute int, text string) string {
	if !v.colour {
		return text
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", attribute, text)
}

const (
	bold   = 1
	dim    = 2
	red    = 31
	green  = 32
	yellow = 33
)

func (v *checkView) write(r *contract.Result, parts []usercsv.PartSummary) error {
	name := printable(r.Sources[0].Key, 200)
	refused := r.Verdict == contract.VerdictRejected
	switch {
	case refused:
		v.printf("%s %s is refused as a whole: nothing of it would be imported.\n",
			v.paint(red, "✖"), v.paint(bold, name))
	case r.Rows.Rejected == 0:
		v.printf("%s %s: all %s pass.\n", v.paint(green, "✔"), v.paint(bold, name), client.Rows(r.Rows.Read))
	case r.Rows.Submitted == 0:
		v.printf("%s %s: none of %s passes.\n", v.paint(red, "✖"), v.paint(bold, name), client.Rows(r.Rows.Read))
	default:
		v.printf("%s %s: %s of %s pass, %s rejected.\n", v.paint(yellow, "!"), v.paint(bold, name),
			client.Grouped(r.Rows.Submitted), client.Rows(r.Rows.Read), client.Grouped(r.Rows.Rejected))
	}
	for _, p := range r.Problems {
		v.problem(p)
	}
	if len(parts) > 0 {
		v.printf("\n%s\n", v.paint(bold, "Import jobs it would take"))
	}
	for i, part := range parts {
		v.printf("  part %d  %s, %s bytes", part.Number, client.Rows(int64(part.Rows)), client.Grouped(part.Bytes))
		if part.Algorithm != usercsv.NoAlgorithm {
			v.printf(", %s hashes", part.Algorithm)
		}
		if len(r.Files.Parts) > i {
			v.printf("  %s", v.paint(dim, r.Files.Parts[i]))
		}
		v.printf("\n")
	}
	switch {
	case refused || r.Rows.Rejected == 0:
	case r.Files.Failed != "":
		v.printf("\nThe rejected rows are in %s: repair them there and drop that file.\n",
			v.paint(bold, r.Files.Failed))
	default:
		v.printf("\nUse --out DIR to get the rejected rows as a file that you can repair.\n")
	}
	_, err := v.w.Write(v.b.Bytes())
	return err
}

// problem shows one kind of problem: how often, what to do, and the first lines that have it.
func (v *checkView) problem(p contract.Problem) {
	count := ""
	switch {
	case !p.Code.OfFile():
		count = "  " + client.Rows(int64(p.Count))
	case len(p.Columns) > 0:
		count = fmt.Sprintf("  %d column", p.Count)
		if p.Count > 1 {
			count += "s"
		}
	case len(p.Lines) > 0:
		count = fmt.Sprintf("  line %d", p.Lines[0])
	}
	v.printf("\n%s%s\n", v.paint(bold, p.Code.String()), v.paint(yellow, count))
	v.paragraph(p.Message)
	if len(p.Columns) > 0 {
		const most = 50
		var names []string
		for _, c := range p.Columns[:min(most, len(p.Columns))] {
			names = append(names, printable(c, 60))
		}
		more := ""
		if n := len(p.Columns) - most; n > 0 {
			more = fmt.Sprintf(" and %d more, which --json lists", n)
		}
		v.paragraph("Columns: " + strings.Join(names, ", ") + more)
	}
	shown := v.samples[p.Code]
	for _, s := range shown {
		v.printf("    %s", v.paint(dim, fmt.Sprintf("line %d", s.line)))
		if s.column != "" {
			v.printf("  %s", printable(s.column, 40))
		}
		if s.cell != "" {
			v.printf("  %s", v.paint(red, printable(s.cell, max(v.width-len(s.column)-24, 20))))
		} else if s.column != "" {
			v.printf("  %s", v.paint(dim, "(blank)"))
		}
		v.printf("\n")
	}
	if rest := p.Count - len(shown); rest > 0 && len(shown) > 0 {
		v.printf("    %s\n", v.paint(dim, "and "+client.Rows(int64(rest))+" more"))
	}
}

func (v *checkView) printf(format string, args ...any) { fmt.Fprintf(&v.b, format, args...) }

// paragraph wraps a text, indented by two.
func (v *checkView) paragraph(text string) {
	column := 0
	for _, word := range strings.Fields(text) {
		n := len([]rune(word))
		switch {
		case column == 0:
			v.printf("  ")
		case column+1+n > v.width-2:
			v.printf("\n  ")
			column = 0
		default:
			v.printf(" ")
			column++
		}
		v.printf("%s", word)
		column += n
	}
	v.printf("\n")
}

// printable makes text from a file safe for a terminal: what could move the cursor, change colours or the direction of
// writing is shown as an escape, and what is longer than most is cut.
func printable(text string, most int) string {
	var b strings.Builder
	n := 0
	for _, r := range text {
		if n++; n > most {
			b.WriteString("…")
			break
		}
		if unicode.IsGraphic(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
	}
	return b.String()
}
