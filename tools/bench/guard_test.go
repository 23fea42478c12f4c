package main

import (
	"context"
	"io"
	"strings"
	"testing"

	"userdrop/internal/usercsv"
)

// void keeps nothing.
type void struct{ io.Writer }

func (v void) OpenPart(context.Context, usercsv.Part) (usercsv.PartWriter, error) { return v, nil }
func (void) Reject(context.Context, *usercsv.Rejected) error                      { return io.ErrClosedPipe }
func (v void) Lines() io.Writer                                                   { return v }
func (void) Close(usercsv.PartSummary) error                                      { return nil }
func (void) Discard() error                                                       { return nil }

// TestAllocations holds the CSV engine to hardly any allocation a row, which is a count that no machine changes.
func TestAllocations(t *testing.T) {
	const rows = 20_000
	plain, err := io.ReadAll(source(rows, short).Open())
	if err != nil {
		t.Fatal(err)
	}
	quote := strings.NewReplacer(",", `","`, "\n", "\"\n\"")
	quoted := header + `"` + strings.TrimSuffix(quote.Replace(strings.TrimPrefix(string(plain), header)), `"`)
	for name, text := range map[string]string{"plain": string(plain), "quoted": quoted} {
		t.Run(name, func(t *testing.T) {
			allocations := testing.AllocsPerRun(1, func() {
				p, err := usercsv.NewPreparer(&usercsv.Pool{ID: poolID, AutoVerified: []string{"email"}},
					usercsv.Settings{}, void{io.Discard})
				if err != nil {
					t.Fatal(err)
				}
				summary, err := p.Add(t.Context(), strings.NewReader(text))
				if err != nil || summary.Read != rows {
					t.Fatalf("%d rows read, %v", summary.Read, err)
				}
				if _, err := p.Close(); err != nil {
					t.Fatal(err)
				}
			})
			if allocations > rows/20 {
				t.Errorf("%.0f allocations for %d rows", allocations, rows)
			}
			t.Logf("%.3f allocations a row", allocations/rows)
		})
	}
}
