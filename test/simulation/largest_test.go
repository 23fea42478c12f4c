package simulation_test

import (
	"context"
	"flag"
	"io"
	"runtime"
	"strconv"
	"testing"
	"time"

	"userdrop/internal/phonenumber"
	"userdrop/internal/usercsv"
)

var largest = flag.Int("largest", 200_000, "how many rows TestLargest streams; a pool holds 40,000,000")

// generated is a source of many rows, made while it is read.
type generated struct {
	rows, next int
	rest       []byte
}

func (g *generated) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(g.rest) == 0 {
			if g.next == g.rows {
				return n, io.EOF
			}
			g.rest = append(g.rest[:0], "user"...)
			g.rest = strconv.AppendInt(g.rest, int64(g.next), 10)
			g.rest = append(g.rest, ",user"...)
			g.rest = strconv.AppendInt(g.rest, int64(g.next), 10)
			g.rest = append(g.rest, "@example.com,true,Given Family\n"...)
			g.next++
		}
		copied := copy(p[n:], g.rest)
		n, g.rest = n+copied, g.rest[copied:]
	}
	return n, nil
}

// nothing keeps no part.
type nothing struct{ io.Writer }

func (n nothing) OpenPart(context.Context, usercsv.Part) (usercsv.PartWriter, error) { return n, nil }
func (nothing) Reject(context.Context, *usercsv.Rejected) error                      { return nil }
func (n nothing) Lines() io.Writer                                                   { return n }
func (nothing) Close(usercsv.PartSummary) error                                      { return nil }
func (nothing) Discard() error                                                       { return nil }

// TestLargest streams a file through the rules as prepare-import does. With -largest 40000000 it is a whole pool's, and
// its time is to be held against a Lambda's 15 minutes.
func TestLargest(t *testing.T) {
	pool := &usercsv.Pool{
		ID: "us-east-1_Example1", MFA: "OFF", AutoVerified: []string{"email"},
		Header: []string{"name", "email", "email_verified", "cognito:mfa_enabled", "cognito:username"},
	}
	started := time.Now()
	settings := usercsv.Settings{AssumeVerified: "none", PhoneNumbers: phonenumber.New(), Began: started}
	preparer, err := usercsv.NewPreparer(pool, settings, nothing{io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	source := &generated{rows: *largest, rest: []byte("cognito:username,email,email_verified,name\n")}
	summary, err := preparer.Add(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	all, err := preparer.Close()
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(started)
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	if summary.Read != *largest || summary.Rejected != 0 {
		t.Errorf("%d rows read and %d rejected, want %d and none", summary.Read, summary.Rejected, *largest)
	}
	if want := (*largest + usercsv.MaxPartRows - 1) / usercsv.MaxPartRows; len(all.Parts) != want {
		t.Errorf("%d parts, want %d", len(all.Parts), want)
	}
	t.Logf("%d rows, %d MB in %s: %.0f rows a second; %d MB of memory taken from the system", summary.Read,
		summary.Bytes>>20, took.Round(time.Millisecond), float64(summary.Read)/took.Seconds(), memory.Sys>>20)
}
