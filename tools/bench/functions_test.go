package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"userdrop/internal/contract"
	"userdrop/internal/local"
	"userdrop/internal/usercsv"
	"userdrop/localaws"
	"userdrop/localaws/cognito"
	"userdrop/localaws/lambda"
	"userdrop/localaws/s3"
	"userdrop/localaws/template"
)

// build builds packages into a temporary directory and returns it.
func build(b *testing.B, packages string, environment ...string) string {
	b.Helper()
	dir := b.TempDir()
	cmd := exec.Command("go", "build", "-tags=lambda.norpc", "-trimpath", "-ldflags=-s", "-buildvcs=false", "-o", dir+"/",
		packages)
	cmd.Env = append(os.Environ(), environment...)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	return dir
}

func names(b *testing.B, dir string) (all []string) {
	b.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		b.Fatalf("no functions in %s: %v", dir, err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// BenchmarkPackage measures the functions' zips as they are deployed.
func BenchmarkPackage(b *testing.B) {
	dir := build(b, "userdrop/functions/...", "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0")
	for _, name := range names(b, dir) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				var archive bytes.Buffer
				z := zip.NewWriter(&archive)
				w, err := z.Create("bootstrap")
				if err != nil {
					b.Fatal(err)
				}
				text, err := os.ReadFile(filepath.Join(dir, name))
				if err != nil {
					b.Fatal(err)
				}
				if _, err = w.Write(text); err != nil || z.Close() != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(archive.Len())/1e6, "zipped-MB")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkColdStart measures the time from the start of a function's process to its first request for an event. It
// reports the median of five starts.
func BenchmarkColdStart(b *testing.B) {
	dir := build(b, "userdrop/functions/...")
	s := newStand(b, dir)
	for _, f := range s.Stack.Functions {
		name := filepath.Base(f.CodeURI)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				var all []float64
				for range 5 {
					all = append(all, coldStart(b, filepath.Join(dir, name), f.Environment))
				}
				slices.Sort(all)
				b.ReportMetric(all[2], "ms")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

func coldStart(b *testing.B, path string, environment map[string]string) (milliseconds float64) {
	b.Helper()
	ready := make(chan time.Time, 1)
	runtime := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		ready <- time.Now()
		<-r.Context().Done()
	}))
	defer runtime.Close()
	cmd := exec.Command(path)
	cmd.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + runtime.Listener.Addr().String(), "AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY=secret",
	}
	for name, value := range environment {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	select {
	case at := <-ready:
		return at.Sub(began).Seconds() * 1000
	case <-time.After(30 * time.Second):
		b.Fatalf("%s does not ask for an event", path)
		return 0
	}
}

// BenchmarkDemo measures the demo on the example, without the build.
func BenchmarkDemo(b *testing.B) {
	path := filepath.Join(build(b, "userdrop/cmd/userdrop"), "userdrop")
	for b.Loop() {
		const examples = "../../examples/"
		cmd := exec.Command(path, "demo", examples+"users.csv", "--pool", examples+"pool.json", "--out", b.TempDir())
		began := time.Now()
		if out, err := cmd.CombinedOutput(); err != nil && cmd.ProcessState.ExitCode() != 1 { // 1: some rows are rejected
			b.Fatalf("%v: %s", err, out)
		}
		b.ReportMetric(time.Since(began).Seconds(), "s")
	}
	b.ReportMetric(0, "ns/op")
}

// BenchmarkMakeDemo measures `make demo` with an empty build cache, as in a fresh clone whose modules are there.
func BenchmarkMakeDemo(b *testing.B) {
	for b.Loop() {
		cmd := exec.Command("make", "--directory=../..", "demo")
		cmd.Env = append(os.Environ(), "GOCACHE="+b.TempDir())
		began := time.Now()
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		b.ReportMetric(time.Since(began).Seconds(), "s")
	}
	b.ReportMetric(0, "ns/op")
}

// BenchmarkWork runs the functions' own processes over much data, against the double on this machine.
func BenchmarkWork(b *testing.B) {
	dir := build(b, "userdrop/functions/...")
	for _, drop := range []struct {
		name        string
		rows, parts int
	}{
		{"1GB", 1_000_000_000 / len(short(0)), 45},
		{"40M-rows", 40_000_000, 80},
		{"too-many-rows", usercsv.MaxUsers + 1, 0}, // refused
	} {
		b.Run("prepare-import/"+drop.name, func(b *testing.B) {
			s := newStand(b, dir)
			var prepared contract.Import
			s.run(b, "prepare-import", s.drop(b, drop.rows, short), &prepared)
			if n := len(prepared.Parts); n != drop.parts {
				b.Fatalf("%d parts, want %d", n, drop.parts)
			}
		})
	}
}

// BenchmarkPart brings a full part, 500,000 rows and 100 MB, through its functions. Cognito imports the first row and
// refuses all others, whose address is an alias of the first one's user: each has a line in the log and in failed.csv.
func BenchmarkPart(b *testing.B) {
	const rows = 500_000
	s := newStand(b, build(b, "userdrop/functions/..."))
	for b.Loop() {
		var prepared contract.Import
		s.invoke(b, "prepare-import", s.drop(b, rows, long), &prepared)
		if len(prepared.Parts) != 1 {
			b.Fatalf("the drop has %d parts, not one", len(prepared.Parts))
		}
		job := prepared.Parts[0]
		for _, function := range []string{"create-import-job", "copy-to-import-job", "start-import-job"} {
			s.invoke(b, function, job, &job)
		}
		for s.Cognito.ActiveJobs() > 0 {
			time.Sleep(100 * time.Millisecond)
		}
		s.invoke(b, "describe-import-job", job, &job)
		began := time.Now()
		s.invoke(b, "collect-rows", job, &job)
		if job.Next != contract.Done || job.Job.Failed != rows-1 {
			b.Fatalf("the part is not done: %+v", job)
		}
		s.invoke(b, "publish-result", prepared, nil)
		b.ReportMetric(time.Since(began).Seconds(), "log-to-result-s")
	}
	for _, function := range []string{"prepare-import", "copy-to-import-job", "collect-rows", "publish-result"} {
		b.ReportMetric(s.peak(b, function), function+"-MB")
	}
	b.ReportMetric(0, "ns/op")
}

// stand is a double, served over a network, whose functions are processes.
type stand struct {
	*localaws.Double
	dir string
}

const (
	poolID = "us-east-1_Bench"
	pool   = `{"UserPool": {"Id": "` + poolID + `", "Name": "bench", "AutoVerifiedAttributes": ["email"],
		"AliasAttributes": ["email"], "SchemaAttributes": [
		{"Name": "email", "AttributeDataType": "String", "Mutable": true},
		{"Name": "name", "AttributeDataType": "String", "Mutable": true}]}}`
)

func newStand(b *testing.B, dir string) *stand {
	b.Helper()
	s := &stand{dir: dir}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.ServeHTTP(w, r) }))
	settings := cognito.Defaults()
	settings.UsersPerSecond, settings.FailFraction = 1e6, 2
	var err error
	s.Double, err = local.Boot(localaws.Options{
		Pools: []localaws.Pool{{Description: []byte(pool)}}, Cognito: settings,
		Endpoint: server.URL,
		Code: func(f *template.Function) lambda.Code {
			return lambda.Bootstrap(filepath.Join(dir, local.Folder(f)))
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		s.Close()
		server.CloseClientConnections()
		server.Close()
	})
	return s
}

// drop puts a file of rows where it waits for the schedule, and returns the input of prepare-import.
func (s *stand) drop(b *testing.B, rows int, row func(int) string) contract.Drop {
	b.Helper()
	object := contract.Object{Bucket: s.Stack.Bucket("InboxBucket").Name, Key: "scheduled/" + poolID + "/users.csv"}
	file := source(rows, row)
	object.Bytes = file.Size
	var err error
	if object.VersionID, err = s.S3.PutSource(object.Bucket, object.Key, file); err != nil {
		b.Fatal(err)
	}
	return contract.Drop{
		Schema: contract.Schema, ImportID: "bench-0", UserPoolID: poolID, Mode: contract.ModeImport, Source: object,
	}
}

// run invokes a function once and reports the time that it took and its process's largest resident memory.
func (s *stand) run(b *testing.B, function string, in, out any) {
	b.Helper()
	began := time.Now()
	s.invoke(b, function, in, out)
	b.ReportMetric(time.Since(began).Seconds(), "s")
	b.ReportMetric(s.peak(b, function), "peak-MB")
	b.ReportMetric(0, "ns/op")
}

func (s *stand) invoke(b *testing.B, function string, in, out any) {
	b.Helper()
	event, err := json.Marshal(in)
	if err != nil {
		b.Fatal(err)
	}
	result, err := s.Lambda.Invoke(b.Context(), "userdrop-"+function, event)
	if err != nil || result.FunctionError != "" {
		b.Fatalf("%s: %v %s", function, err, result.Payload)
	}
	if out != nil {
		if err := json.Unmarshal(result.Payload, out); err != nil {
			b.Fatal(err)
		}
	}
}

// peak returns the largest resident memory of a function's process in MB; 0 where there is no /proc.
func (s *stand) peak(b *testing.B, function string) (mb float64) {
	b.Helper()
	links, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, link := range links {
		if path, err := os.Readlink(link); err != nil || path != filepath.Join(s.dir, function) {
			continue
		}
		status, _ := os.ReadFile(filepath.Join(filepath.Dir(link), "status"))
		_, rest, _ := strings.Cut(string(status), "VmHWM:")
		var kB float64
		if _, err := fmt.Sscan(rest, &kB); err == nil {
			mb = max(mb, kB*1024/1e6)
		}
	}
	return mb
}

const header = "username,email,email_verified,name\n"

// short returns a row of 45 bytes.
func short(n int) string { return fmt.Sprintf("user%09d,u%09d@example.com,yes,A B\n", n, n) }

// long returns a row of which 500,000 fill a part of 100 MB.
func long(n int) string { return fmt.Sprintf("user%09d,one@example.com,yes,%0128d\n", n, n) }

// source is a file that is generated while it is read. All of its rows have the same size.
func source(rows int, row func(int) string) s3.Source {
	return s3.Source{Size: int64(len(header) + rows*len(row(0))), ETag: "bench", Open: func() io.Reader {
		r, w := io.Pipe()
		go func() {
			text := []byte(header)
			for n := range rows {
				text = append(text, row(n)...)
				if len(text) > 1<<16 || n == rows-1 {
					if _, err := w.Write(text); err != nil {
						return
					}
					text = text[:0]
				}
			}
			_ = w.Close()
		}()
		return r
	}}
}
