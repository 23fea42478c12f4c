package usercsv_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"userdrop/internal/usercsv"
)

// benchFile is a file whose preparation is measured.
type benchFile struct {
	name string
	pool *usercsv.Pool
	head string
	row  func(b []byte, n int) []byte
}

// templateHead is Cognito's own header, which people download and fill in.
const templateHead = "name,given_name,family_name,middle_name,nickname,preferred_username,profile,picture,website," +
	"email,email_verified,gender,birthdate,zoneinfo,locale,phone_number,phone_number_verified,address,updated_at," +
	"cognito:mfa_enabled,cognito:username"

// narrowHead is what an export of the few columns that matter has.
const narrowHead = "username,email,email_verified,given_name,family_name,phone_number,birthdate,address"

// sixteenHead is that of an export with 16 columns, of which one row in ten has a quoted value.
const sixteenHead = "username,email,email_verified,name,given_name,family_name,nickname,gender,birthdate,zoneinfo,locale," +
	"phone_number,phone_number_verified,address,updated_at,profile"

// benchFiles are Cognito's template filled in, the same with every cell quoted and commas in some, an export of 60
// columns, one of 16 of which some rows are quoted, and one of few and long ones, which is what encoding/csv is best at.
func benchFiles() []benchFile {
	wide := testPool()
	wideHead := narrowHead + ",locale,zoneinfo"
	for i := range 50 {
		wide.Attributes = append(wide.Attributes, usercsv.Attribute{Name: fmt.Sprintf("custom:field%02d", i)})
		wideHead += fmt.Sprintf(",field%02d", i)
	}
	narrow := func(b []byte, n int) []byte {
		return fmt.Appendf(b, "user%08d,user%08d@example.com,true,Maria,Example,+1206555%04d,1985-02-%02d,%d Main Street",
			n, n, n%10000, n%28+1, n%999)
	}
	return []benchFile{
		{"plain", testPool(), templateHead, func(b []byte, n int) []byte {
			return fmt.Appendf(b, "Maria Example,Maria,Example,,mary,,,,,user%08d@example.com,true,female,02/%02d/1985,"+
				"America/Chicago,en-US,+1206555%04d,false,%d Main Street,14714%05d,false,user%08d\n",
				n, n%28+1, n%10000, n%999, n%99999, n)
		}},
		{"quoted", testPool(), templateHead, func(b []byte, n int) []byte {
			return fmt.Appendf(b, `"Maria Example","Maria","Example","","mary","","","","","user%08d@example.com","true",`+
				`"female","02/%02d/1985","America/Chicago","en-US","+1206555%04d","false","%d Main Street, Springfield",`+
				`"14714%05d","false","user%08d"`+"\n",
				n, n%28+1, n%10000, n%999, n%99999, n)
		}},
		{"wide", wide, wideHead, func(b []byte, n int) []byte {
			b = append(narrow(b, n), ",en-US,America/Chicago"...)
			for i := range 50 {
				b = fmt.Appendf(b, ",value%d", (n+i)%1000)
			}
			return append(b, '\n')
		}},
		{"sixteen", testPool(), sixteenHead, func(b []byte, n int) []byte {
			address := fmt.Sprintf("%d Main Street", n%999)
			if n%10 == 0 {
				address = `"` + address + `, Springfield"`
			}
			return fmt.Appendf(b, "user%08d,user%08d@example.com,true,Maria Example,Maria,Example,mary,female,1985-02-%02d,"+
				"America/Chicago,en-US,+1206555%04d,false,%s,14714%05d,Acme\n",
				n, n, n%28+1, n%10000, address, n%99999)
		}},
		{"narrow", testPool(), narrowHead, func(b []byte, n int) []byte { return append(narrow(b, n), '\n') }},
	}
}

// text is the file with that many bytes, or a little more.
func (f benchFile) text(size int) []byte {
	b := append([]byte(f.head), '\n')
	for n := 0; len(b) < size; n++ {
		b = f.row(b, n)
	}
	return b
}

var errRejected = errors.New("a row is rejected")

// void is a sink that forgets.
type void struct{}

func (void) OpenPart(context.Context, usercsv.Part) (usercsv.PartWriter, error) { return void{}, nil }

func (void) Reject(context.Context, *usercsv.Rejected) error { return errRejected }

func (void) Write(p []byte) (int, error) { return len(p), nil }

func (void) Lines() io.Writer                { return io.Discard }
func (void) Close(usercsv.PartSummary) error { return nil }
func (void) Discard() error                  { return nil }

func prepareText(f benchFile, text []byte) error {
	p, err := usercsv.NewPreparer(f.pool, complete(usercsv.Settings{}), void{})
	if err != nil {
		return err
	}
	if _, err = p.Add(context.Background(), bytes.NewReader(text)); err != nil {
		return err
	}
	_, err = p.Close()
	return err
}

// readText is the yardstick: a bare encoding/csv loop.
func readText(text []byte) error {
	r := csv.NewReader(bytes.NewReader(text))
	r.ReuseRecord = true
	for {
		if _, err := r.Read(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// benchSize is that of a measured file. Short runs taking turns are little disturbed by what else the machine does.
const benchSize = 8 << 20

// BenchmarkGigabyte streams a source of 1 GB and reports the process's peak of resident memory beside the bar: 64 MB
// and 24 bytes a row.
func BenchmarkGigabyte(b *testing.B) {
	f := benchFiles()[0]
	row := len(f.row(nil, 0))
	for b.Loop() {
		source := &lines{header: f.head, n: 1_000_000_000 / row, row: func(b []byte, i int) []byte {
			b = f.row(b, i)
			return b[:len(b)-1]
		}}
		p, err := usercsv.NewPreparer(f.pool, complete(usercsv.Settings{}), void{})
		if err != nil {
			b.Fatal(err)
		}
		summary, err := p.Add(b.Context(), source)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(summary.Bytes)
		b.ReportMetric(float64(summary.Read), "rows")
		b.ReportMetric(64+float64(24*summary.Read)/1e6, "bar-MB")
	}
	b.ReportMetric(peakMemory(b)/1e6, "peak-MB")
}

// peakMemory is the most memory that was ever resident, in bytes, as Linux tells it.
func peakMemory(b *testing.B) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatalf("peak memory is known on Linux only: %v", err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kilobytes float64
	if _, err := fmt.Sscan(rest, &kilobytes); err != nil {
		b.Fatal(err)
	}
	return kilobytes * 1024
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

func testPool() *usercsv.Pool {
	return &usercsv.Pool{ID: "us-east-1_Example", AutoVerified: []string{"email"}, CaseSensitive: true}
}
