package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"userdrop"
	"userdrop/internal/contract"
	"userdrop/localaws"
	"userdrop/localaws/cognito"
	"userdrop/localaws/lambda"
	"userdrop/localaws/s3"
)

// Work is one run of a function's bootstrap over much data, with the double on the same machine.
type Work struct {
	Function string  `json:"function"`
	Of       string  `json:"of"`
	Rows     int     `json:"rows"`
	Seconds  float64 `json:"seconds"`
	PeakMB   float64 `json:"peakMB"` // resident
	// ResidentMB is the resident memory at the end of each tenth of the time.
	ResidentMB []float64 `json:"residentMB"`
}

// works lets functions work: prepare-import on large drops, then one full part through all of its functions.
func works(dir string) ([]Work, error) {
	var all []Work
	for _, drop := range []struct {
		of   string
		rows int
	}{
		{"1 GB", 1_000_000_000 / len(short(0))},
		{"40 million rows", 40_000_000},
	} {
		w, err := prepare(dir, drop.of, drop.rows)
		if err != nil {
			return nil, err
		}
		all = append(all, w)
	}
	part, err := part(dir)
	return append(all, part...), err
}

// prepare prepares a large drop.
func prepare(dir, of string, rows int) (Work, error) {
	s, err := newStand(dir)
	if err != nil {
		return Work{}, err
	}
	defer s.close()
	drop, err := s.drop(rows, short)
	if err != nil {
		return Work{}, err
	}
	return s.run("prepare-import", of, rows, drop, nil)
}

// part brings a full part, 500,000 rows and 100 MB, through the functions of its way. Cognito takes the first row and
// refuses all others, whose address is an alias of the first one's user: each has a line in the log and in failed.csv.
func part(dir string) (all []Work, err error) {
	s, err := newStand(dir)
	if err != nil {
		return nil, err
	}
	defer s.close()
	const rows = 500_000
	drop, err := s.drop(rows, long)
	if err != nil {
		return nil, err
	}
	var prepared contract.Import
	step := func(function string, in, out any) {
		if err != nil {
			return
		}
		var w Work
		if w, err = s.run(function, "500,000 rows, 100 MB", rows, in, out); w.Seconds > 0.1 { // others only say a word
			all = append(all, w)
		}
	}
	step("prepare-import", drop, &prepared)
	if err == nil && len(prepared.Parts) != 1 {
		err = fmt.Errorf("the drop has %d parts, not one", len(prepared.Parts))
	}
	if err != nil {
		return nil, err
	}
	job := prepared.Parts[0]
	step("create-import-job", job, &job)
	step("copy-to-import-job", job, &job)
	step("start-import-job", job, &job)
	for err == nil && s.Cognito.ActiveJobs() > 0 {
		time.Sleep(100 * time.Millisecond)
	}
	step("describe-import-job", job, &job)
	step("collect-rows", job, &job)
	if err == nil && (job.Next != contract.Done || job.Job.Failed != rows-1) {
		err = fmt.Errorf("the part is not done: %+v", job)
	}
	step("publish-result", prepared, nil)
	return all, err
}

// stand is a double over a network, with a pool, for functions to work with.
type stand struct {
	*localaws.Double
	dir, endpoint string
	server        *http.Server
}

const (
	poolID = "us-east-1_Bench"
	pool   = `{"UserPool": {"Id": "` + poolID + `", "Name": "bench", "AutoVerifiedAttributes": ["email"],
		"AliasAttributes": ["email"], "SchemaAttributes": [
		{"Name": "email", "AttributeDataType": "String", "Mutable": true},
		{"Name": "name", "AttributeDataType": "String", "Mutable": true}]}}`
)

func newStand(dir string) (*stand, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &stand{dir: dir, endpoint: "http://" + listener.Addr().String()}
	settings := cognito.Defaults()
	settings.UsersPerSecond, settings.FailFraction = 1e6, 2
	s.Double, err = localaws.Boot(localaws.Options{
		Deployed: userdrop.Deployed, Pools: []localaws.Pool{{Description: []byte(pool)}}, Cognito: settings,
		Endpoint: s.endpoint,
		Code:     func(string, map[string]string) lambda.Code { return lambda.Bootstrap("none") },
	})
	if err != nil {
		return nil, err
	}
	s.server = &http.Server{Handler: s.Double} //nolint:gosec // it serves processes of our own
	go func() { _ = s.server.Serve(listener) }()
	return s, nil
}

func (s *stand) close() {
	_ = s.server.Close()
	s.Double.Close()
}

// drop puts a file of rows where no rule of the stack looks for it, and answers the event for prepare-import.
func (s *stand) drop(rows int, row func(int) string) (contract.Drop, error) {
	object := contract.Object{Bucket: s.Stack.Bucket("InboxBucket").Name, Key: "waiting/users.csv"}
	file := source(rows, row)
	object.Bytes = file.Size
	var err error
	object.VersionID, err = s.S3.PutSource(object.Bucket, object.Key, file)
	return contract.Drop{
		Schema: contract.Schema, ImportID: "bench-0", UserPoolID: poolID, Mode: contract.ModeImport, Source: object,
	}, err
}

// run lets a function's bootstrap, with the template's environment, work on an event, and looks at its memory.
func (s *stand) run(function, of string, rows int, in, out any) (Work, error) {
	w := Work{Function: function, Of: of, Rows: rows}
	environment := map[string]string{}
	for _, f := range s.Stack.Functions {
		if strings.HasSuffix(f.CodeURI, "/"+function) {
			for name, value := range f.Environment {
				environment[name] = value
			}
		}
	}
	environment["AWS_ENDPOINT_URL"] = s.endpoint
	p, err := start(filepath.Join(s.dir, function, "bootstrap"), environment)
	if err != nil {
		return w, err
	}
	defer p.stop()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	resident := make(chan []float64)
	go func() {
		var all []float64
		for ctx.Err() == nil {
			all = append(all, p.memory("VmRSS"))
			time.Sleep(20 * time.Millisecond)
		}
		resident <- all
	}()
	began := time.Now()
	answer, err := p.work(in)
	w.Seconds, w.PeakMB = time.Since(began).Seconds(), p.memory("VmHWM")
	stop()
	all := <-resident
	for tenth := range 10 {
		w.ResidentMB = append(w.ResidentMB, all[(len(all)-1)*(tenth+1)/10])
	}
	if err != nil {
		return w, fmt.Errorf("%s: %w", function, err)
	}
	if out != nil {
		err = json.Unmarshal(answer, out)
	}
	return w, err
}

const header = "username,email,email_verified,name\n"

// short is a row of 43 bytes.
func short(n int) string { return fmt.Sprintf("user%09d,u%09d@example.com,yes,A B\n", n, n) }

// long is a row that fills a part of 500,000 rows to 100 MB in Cognito's dialect.
func long(n int) string { return fmt.Sprintf("user%09d,one@example.com,yes,%0128d\n", n, n) }

// source is a file that is made while it is read. All of its rows have the same size.
func source(rows int, row func(int) string) s3.Source {
	return s3.Source{Size: int64(len(header) + rows*len(row(0))), ETag: "bench", Open: func() io.Reader {
		r, w := io.Pipe()
		go func() {
			var b bytes.Buffer
			b.WriteString(header)
			for n := range rows {
				b.WriteString(row(n))
				if b.Len() > 1<<16 || n == rows-1 {
					if _, err := w.Write(b.Bytes()); err != nil {
						return
					}
					b.Reset()
				}
			}
			_ = w.Close()
		}()
		return r
	}}
}
