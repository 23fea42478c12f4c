//go:build unix

package mapping_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"syscall"
	"testing"
	"time"

	"userdrop/internal/mapping"
	"userdrop/internal/phonenumber"
	"userdrop/internal/usercsv"
)

// void is a sink that keeps nothing, and accepts no rejected row.
type void struct{}

func (void) OpenPart(context.Context, usercsv.Part) (usercsv.PartWriter, error) { return void{}, nil }

func (void) Write(p []byte) (int, error) { return len(p), nil }

func (void) Lines() io.Writer                                 { return io.Discard }
func (void) Close(usercsv.PartSummary) error                  { return nil }
func (void) Discard() error                                   { return nil }
func (void) Exclude(context.Context, *usercsv.Excluded) error { return errors.New("a row is left out") }

func (void) Reject(context.Context, *usercsv.Rejected) error { return errors.New("a row is rejected") }

// BenchmarkMapping measures the engine with a mapping, and a bare encoding/csv loop over the same file, taking turns. It
// reports medians.
func BenchmarkMapping(b *testing.B) {
	text := []byte("login,mail,confirmed,forename,surname,street,city,note\n")
	for n := 0; len(text) < 4<<20; n++ {
		text = fmt.Appendf(text, "user%08d,user%08d@example.com,true,Maria,Example,%d Main Street,Springfield,none\n", n, n, n%999)
	}
	for name, columns := range map[string]string{
		"renames": `"cognito:username": "login", "email": "mail", "email_verified": "confirmed", "given_name": "forename",
			"family_name": "surname", "address": "street", "nickname": "city"`,
		"computes": `"cognito:username": "lower(login)", "email": "lower(trim(mail))",
			"email_verified": "confirmed == 'true'", "given_name": "forename", "family_name": "surname",
			"name": "forename + ' ' + surname", "address": "street + ', ' + city"`,
	} {
		b.Run(name, func(b *testing.B) { benchmark(b, text, columns) })
	}
}

func benchmark(b *testing.B, text []byte, columns string) {
	m, err := mapping.Parse([]byte(`{"schema": "userdrop.mapping/v1", "name": "bench", "title": "Bench", "ignore": ["*"],
		"columns": {` + columns + `}}`))
	if err != nil {
		b.Fatal(err)
	}
	pool := &usercsv.Pool{ID: "us-east-1_Example", AutoVerified: []string{"email"}, CaseSensitive: true}
	var ours, ratios []float64
	for b.Loop() {
		began := processorTime(b)
		if err := prepare(pool, m, text); err != nil {
			b.Fatal(err)
		}
		took := processorTime(b) - began
		began = processorTime(b)
		r := csv.NewReader(bytes.NewReader(text))
		r.ReuseRecord = true
		for err == nil {
			_, err = r.Read()
		}
		if !errors.Is(err, io.EOF) {
			b.Fatal(err)
		}
		err = nil
		ours = append(ours, float64(len(text))/1e6/took.Seconds())
		ratios = append(ratios, (processorTime(b)-began).Seconds()/took.Seconds())
	}
	slices.Sort(ours)
	slices.Sort(ratios)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ours[len(ours)/2], "MB/s")
	b.ReportMetric(ratios[len(ratios)/2], "ratio")
}

// processorTime returns what this process has used so far: the clock measures what else the machine does, too.
func processorTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func prepare(pool *usercsv.Pool, m *mapping.Mapping, text []byte) error {
	settings := m.Rules(usercsv.Settings{PhoneNumbers: phonenumber.New(), Began: time.Now()})
	engine, err := mapping.New(m, mapping.TargetOf(pool, settings))
	if err != nil {
		return err
	}
	settings.Mapping = engine
	p, err := usercsv.NewPreparer(pool, settings, void{})
	if err != nil {
		return err
	}
	if _, err := p.Add(context.Background(), bytes.NewReader(text)); err != nil {
		return err
	}
	_, err = p.Close()
	return err
}
