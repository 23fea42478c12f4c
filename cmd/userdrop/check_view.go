package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"

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
	hint    string // the mapping that a refused file looks to need
}

func newCheckView(w io.Writer, samples map[contract.Code][]sample) *checkView {
	return &checkView{w: w, width: min(max(columns(w), 20), 100), samples: samples, colour: coloured(w)}
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
	if name == "-" {
		name = "standard input"
	}
	refused := r.Verdict == contract.VerdictRejected
	switch {
	case refused:
		v.printf("%s %s is refused as a whole: nothing of it would be imported.\n",
			v.paint(red, "✖"), v.paint(bold, name))
	case r.Rows.Rejected == 0:
		v.printf("%s %s: %s.\n", v.paint(green, "✔"), v.paint(bold, name), allPass(r.Rows.Read))
	case r.Rows.Submitted == 0:
		v.printf("%s %s: %s.\n", v.paint(red, "✖"), v.paint(bold, name), nonePass(r.Rows.Read))
	default:
		v.printf("%s %s: %s of %s pass, %s rejected.\n", v.paint(yellow, "!"), v.paint(bold, name),
			client.Grouped(r.Rows.Submitted), client.Rows(r.Rows.Read), client.Grouped(r.Rows.Rejected))
	}
	if r.Rows.Excluded > 0 {
		v.printf("  The mapping leaves out %s:", client.Rows(r.Rows.Excluded))
		for i, e := range r.Excluded {
			if i > 0 {
				v.printf(",")
			}
			v.printf(" %s %s", client.Grouped(e.Count), e.Because)
		}
		v.printf(".\n")
	}
	v.showHint(r.Problems)
	v.problems(r)
	v.notes(r.Notes)
	if len(parts) > 0 {
		v.printf("\n%s\n", v.paint(bold, "Import jobs it would take"))
	}
	for i, part := range parts {
		v.printf("  part %d  %s, %s bytes", part.Number, client.Rows(int64(part.Rows)), client.Grouped(part.Bytes))
		if part.Algorithm != usercsv.NoAlgorithm {
			v.printf(", %s hashes", part.Algorithm)
		}
		if len(r.Files.Parts) > i {
			v.printf("  %s", v.paint(dim, printable(r.Files.Parts[i], 200)))
		}
		v.printf("\n")
	}
	switch {
	case refused || r.Rows.Rejected == 0:
	case r.Files.Failed != "":
		v.printf("\nThe rejected rows are in %s: fix them there and drop that file.\n",
			v.paint(bold, printable(r.Files.Failed, 200)))
	default:
		v.printf("\nUse --out DIR to get the rejected rows as a file that you can fix.\n")
	}
	_, err := v.w.Write(v.b.Bytes())
	return err
}

// allPass says that all of n rows pass.
func allPass(n int64) string {
	if n == 1 {
		return "the row passes"
	}
	return fmt.Sprintf("all %s pass", client.Rows(n))
}

// nonePass says that none of n rows passes.
func nonePass(n int64) string {
	if n == 1 {
		return "the row does not pass"
	}
	return fmt.Sprintf("none of the %s passes", client.Rows(n))
}

// showHint shows, before the problems, which mapping the file looks to need.
func (v *checkView) showHint(problems []contract.Problem) {
	if v.hint == "" {
		return
	}
	v.printf("\n")
	v.paragraph("  ", contract.NameFlags(v.hint))
	for i := range problems { // once is enough
		for _, hint := range []string{v.hint, contract.NameFlags(v.hint)} {
			problems[i].Message = strings.TrimPrefix(problems[i].Message, hint+" ")
		}
	}
}

func (v *checkView) printf(format string, args ...any) { fmt.Fprintf(&v.b, format, args...) }

// paragraph wraps a text, indented.
func (v *checkView) paragraph(indent, text string) {
	column := 0
	for word := range strings.FieldsSeq(text) {
		n := len([]rune(word))
		switch {
		case column == 0:
			v.printf("%s", indent)
		case column+1+n > v.width-len(indent):
			v.printf("\n%s", indent)
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
