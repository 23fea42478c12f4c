package usercsv_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/contract"
	"userdrop/internal/phonenumber"
	"userdrop/internal/usercsv"
	"userdrop/internal/usercsv/linemap"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden prepares each testdata/golden/*.in and compares what comes out with the .out beside it. A case is a few
// directives about the pool, a line of three dashes, and the source; the directive "escaped" lets the source have Go's
// escapes, and its own line feeds mean nothing then.
func TestGolden(t *testing.T) {
	cases, err := filepath.Glob("testdata/golden/*.in")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	seen := contract.Codes(0)
	for _, name := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".in"), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got, codes := runCase(t, string(text))
			seen |= codes
			golden := strings.TrimSuffix(name, ".in") + ".out"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
	// Each code that the engine itself gives must have a case.
	for _, code := range contract.AllCodes() {
		switch code {
		case contract.PoolNotAllowed, contract.TooLarge, contract.TooManyRejected, contract.ManifestMismatch,
			contract.JobLimit, contract.SourceGone, contract.CognitoFailed, contract.NotProcessed, contract.FateUnknown,
			contract.BadMapping, contract.BadCharacter, contract.SpreadsheetValue,
			contract.UnknownGroup, contract.UserExists, contract.MappingFailed, contract.ChangeFailed:
			continue
		}
		if !seen.Has(code) {
			t.Errorf("no case gives %s", code)
		}
	}
}

// complete adds what every caller must give to settings.
func complete(settings usercsv.Settings) usercsv.Settings {
	settings.PhoneNumbers = phonenumber.New()
	settings.Began = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	return settings
}

// parseCase reads a case's directives and source.
func parseCase(t *testing.T, text string) (*usercsv.Pool, usercsv.Settings, string) {
	t.Helper()
	pool := &usercsv.Pool{ID: "us-east-1_Example", AutoVerified: []string{"email"}, CaseSensitive: true}
	var settings usercsv.Settings
	head, source, found := strings.Cut(text, "---\n")
	if !found {
		t.Fatal("no ---")
	}
	for line := range strings.Lines(head) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		list := func() []string {
			if len(words) == 1 {
				return nil
			}
			return strings.Split(words[1], ",")
		}
		switch words[0] {
		case "auto":
			pool.AutoVerified = list()
		case "alias":
			pool.AliasAttributes = list()
		case "sign-in":
			pool.UsernameAttributes = list()
		case "mfa":
			pool.MFA = usercsv.MFA(words[1])
		case "case-insensitive":
			pool.CaseSensitive = false
		case "header":
			pool.Header = list()
		case "assume":
			settings.AssumeVerified = usercsv.AssumeVerified(words[1])
		case "date-order":
			settings.DateOrder = usercsv.DateOrder(words[1])
		case "null-text":
			settings.NullText = list()
		case "ignore":
			settings.IgnoreColumns = list()
		case "id-column":
			settings.IDColumn = words[1]
		case "country":
			settings.DefaultPhoneCountry = words[1]
		case "attribute":
			pool.Attributes = append(pool.Attributes, parseAttribute(t, words[1:]))
		case "escaped":
			unquoted, err := strconv.Unquote(`"` + strings.NewReplacer("\n", "", `"`, `\"`).Replace(source) + `"`)
			if err != nil {
				t.Fatalf("escaped source: %v", err)
			}
			source = unquoted
		default:
			t.Fatalf("directive %q", words[0])
		}
	}
	return pool, settings, source
}

// parseAttribute reads the directive about an attribute: its name, its type and its bounds.
func parseAttribute(t *testing.T, words []string) usercsv.Attribute {
	t.Helper()
	a := usercsv.Attribute{Name: words[0], Type: usercsv.DataType(words[1])}
	bounds := map[string]string{}
	for _, w := range words[2:] {
		key, value, _ := strings.Cut(w, "=")
		bounds[key] = value
	}
	_, a.Required = bounds["required"]
	if err := a.SetBounds(bounds["shortest"], bounds["longest"], bounds["min"], bounds["max"]); err != nil {
		t.Fatal(err)
	}
	return a
}

// runCase is what comes out of a case, as text, and the codes that were met.
func runCase(t *testing.T, text string) (string, contract.Codes) {
	t.Helper()
	pool, settings, source := parseCase(t, text)
	out := run(t, pool, settings, source)
	var b strings.Builder
	fmt.Fprintf(&b, "read %d, rejected %d\n", out.Read, out.Rejected)
	var codes contract.Codes
	for _, p := range out.Problems {
		codes |= contract.CodesOf(p.Code)
		fmt.Fprintf(&b, "%s count %d lines %v columns %q", p.Code, p.Count, p.Lines, p.Columns)
		if p.Message != p.Code.Message() {
			fmt.Fprintf(&b, "\n\t%s", p.Message)
		}
		b.WriteString("\n")
	}
	for _, n := range out.Notes {
		fmt.Fprintf(&b, "note %s count %d lines %v columns %q\n", n.Code, n.Count, n.Lines, n.Columns)
	}
	for _, part := range out.parts {
		fmt.Fprintf(&b, "\n-- part %d %s rows %d lines %v source is part %t --\n%s", part.sum.Number, part.sum.Algorithm,
			part.sum.Rows, part.places(t), part.sum.SourceIsPart, part)
	}
	if out.failed.Len() > 0 {
		fmt.Fprintf(&b, "\n-- failed.csv --\n%s", &out.failed)
	}
	return strings.ReplaceAll(b.String(), "\r", "␍"), codes
}

// output is all that comes out of a drop.
type output struct {
	usercsv.Summary
	parts  []*memoryPart
	failed bytes.Buffer
	codes  map[int]contract.Codes // of rejected rows, by line
	writer *usercsv.FailedWriter
}

func run(t testing.TB, pool *usercsv.Pool, settings usercsv.Settings, source string) *output {
	t.Helper()
	out := &output{codes: map[int]contract.Codes{}}
	p, err := usercsv.NewPreparer(pool, complete(settings), out)
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Add(context.Background(), strings.NewReader(source))
	if refusal, ok := errors.AsType[*usercsv.Refusal](err); ok {
		if err := p.Discard(); err != nil {
			t.Fatal(err)
		}
		return &output{Summary: usercsv.Summary{Problems: refusal.Problems}}
	}
	if err != nil {
		t.Fatal(err)
	}
	if out.Summary, err = p.Close(); err != nil {
		t.Fatal(err)
	}
	if out.writer != nil {
		if err := out.writer.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func (o *output) OpenPart(context.Context, usercsv.Part) (usercsv.PartWriter, error) {
	part := &memoryPart{}
	o.parts = append(o.parts, part)
	return part, nil
}

func (o *output) Reject(_ context.Context, row *usercsv.Rejected) error {
	if o.writer == nil {
		o.writer = usercsv.NewFailedWriter(&o.failed, *row.Header)
	}
	o.codes[row.Line] = row.Codes
	return o.writer.WriteRejected(row)
}

// memoryPart keeps a part.
type memoryPart struct {
	bytes.Buffer
	lines bytes.Buffer
	sum   usercsv.PartSummary
}

func (m *memoryPart) Lines() io.Writer                    { return &m.lines }
func (m *memoryPart) Close(sum usercsv.PartSummary) error { m.sum = sum; return nil }
func (m *memoryPart) Discard() error                      { return nil }
func (m *memoryPart) places(t testing.TB) (places []string) {
	t.Helper()
	r := linemap.NewReader(bytes.NewReader(m.lines.Bytes()))
	for {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			return places
		}
		if err != nil {
			t.Fatal(err)
		}
		places = append(places, fmt.Sprintf("%d:%d", p.Source, p.Line))
	}
}
