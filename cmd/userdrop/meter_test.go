package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/client"
)

func TestMeter(t *testing.T) {
	for _, c := range []struct {
		name   string
		colour bool
		width  string
		step   client.Step
		want   string
	}{
		{"nobody knows how far", false, "80", client.Step{Name: "Waiting", Share: -1, Text: "for its turn"}, "⠙ Waiting      for its turn"},
		{
			"half", false, "80",
			client.Step{Name: "Importing", Share: .5, Text: "5 of 10"},
			"⠙ Importing   ━━━━━━━━━━━━────────────  50%  5 of 10",
		},
		{
			"too long for the line", false, "80",
			client.Step{Name: "Importing", Share: 1, Text: strings.Repeat("x", 50)},
			"⠙ Importing   ━━━━━━━━━━━━━━━━━━━━━━━━ 100%  " + strings.Repeat("x", 33) + "…",
		},
		{"20 columns", false, "20", client.Step{Name: "Importing", Share: .5, Text: "5 of 10"}, "⠙ Importing  50%"},
		{"40 columns", false, "40", client.Step{Name: "Importing", Share: .5, Text: "5 of 10"}, "⠙ Importing ━━━━────  50%  5 of 10"},
		{"in colour", true, "80", client.Step{Name: "Waiting", Share: -1, Text: "long"}, "\x1b[36m⠙\x1b[0m Waiting      \x1b[2mlong\x1b[0m"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("COLUMNS", c.width)
			var out strings.Builder
			m := meter{w: &out, tty: true, colour: c.colour}
			m.Show(c.step)
			if diff := cmp.Diff("\r\x1b[K"+c.want, out.String()); diff != "" {
				t.Error("(-want +got):\n" + diff)
			}
		})
	}
	t.Run("every width from 20 to 200", func(t *testing.T) {
		m := meter{tty: true}
		for width := 20; width <= 200; width++ {
			for _, s := range []client.Step{
				{Name: "Importing", Share: .5, Text: strings.Repeat("word ", 60)},
				{Name: "Winding up", Share: -1, Text: "x"},
				{Name: "Importing", Share: 1},
				{Name: strings.Repeat("n", 40), Share: 0, Text: "x"},
			} {
				if n := len([]rune(m.line(s, width))); n >= width {
					t.Errorf("%d columns for %v in %d", n, s, width)
				}
			}
		}
	})
	t.Run("on a pipe a line for each tenth", func(t *testing.T) {
		var out strings.Builder
		m := meter{w: &out}
		for i := range 31 {
			m.Show(client.Step{Name: "Importing", Share: float64(i) / 100})
		}
		m.Show(client.Step{Name: "Publishing", Share: -1, Text: "the result"})
		want := "Importing  0%\nImporting  10%\nImporting  20%\nImporting  30%\nPublishing  the result\n"
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Error("(-want +got):\n" + diff)
		}
	})
}
