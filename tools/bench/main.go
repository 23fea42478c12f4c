// Command bench runs the project's benchmarks, compares them with the bars of bars.go, and prints a table for each
// group of benchmarks. It writes all figures as JSON. `make bench` runs it. With -document it measures nothing, and
// writes the tables of docs/ from that JSON: `make figures`.
//
// The benchmarks are ordinary Go benchmarks; `go test -bench` runs one alone. A figure is the median of several runs.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Table is the content of out/bench.json.
type Table struct {
	Machine    string      `json:"machine"`
	Date       string      `json:"date"`
	Bars       []Judgement `json:"bars"`
	Benchmarks []Benchmark `json:"benchmarks"`
}

// Benchmark is one benchmark and its figures, in the order in which the benchmark reports them.
type Benchmark struct {
	Name    string   `json:"name"`
	Figures []Figure `json:"figures"`
}

// Figure is one figure of a benchmark. Value is the median of all runs.
type Figure struct {
	Unit  string  `json:"unit"`
	Value float64 `json:"value"`
	Least float64 `json:"least"`
	Most  float64 `json:"most"`
	runs  []float64
}

// runs are the invocations of `go test` that measure everything. GOMAXPROCS=1 measures one core.
var runs = []struct {
	environment string
	arguments   []string
}{
	{"GOMAXPROCS=1", []string{"-bench=^Benchmark(Prepare|Mapping)", "-count=5", "./internal/..."}},
	{"", []string{"-bench=.", "-benchtime=1x", "./tools/bench", "-measure"}},
}

func main() {
	out := flag.String("out", "out/bench.json", "where to write the figures as JSON")
	write := flag.Bool("document", false, "write the tables of docs/ from the JSON")
	flag.Parse()
	do := run
	if *write {
		do = document
	}
	if err := do(*out); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(out string) error {
	t := Table{
		Machine: fmt.Sprintf("%s/%s, %d processors, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version()),
		Date:    time.Now().UTC().Format(time.DateOnly),
	}
	for _, r := range runs {
		arguments := append([]string{"test", "-run=^TestImports$", "-timeout=30m"}, r.arguments...)
		fmt.Fprintln(os.Stderr, "bench: go", strings.Join(arguments, " "))
		cmd := exec.Command("go", arguments...)
		cmd.Env = append(os.Environ(), r.environment)
		var stdout bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("go %s: %w\n%s", strings.Join(arguments, " "), err, stdout.String())
		}
		found, err := parse(stdout.String())
		if err != nil {
			return err
		}
		t.Benchmarks = append(t.Benchmarks, found...)
	}
	t.Bars = judge(t.Benchmarks)
	for _, group := range t.groups() {
		fmt.Printf("\n%s\n\n%s", group.name, markdown(group.rows))
	}
	text, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return err
	}
	return errors.Join(os.MkdirAll(filepath.Dir(out), 0o755), os.WriteFile(out, append(text, '\n'), 0o644))
}

// parse reads the benchmark lines of `go test`: "BenchmarkPrepare/plain-2   5   1.02 ratio   320 MB/s".
// https://go.dev/design/14313-benchmark-format
func parse(text string) ([]Benchmark, error) {
	var all []Benchmark
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		name := strings.TrimPrefix(fields[0], "Benchmark")
		if i := strings.LastIndex(name, "-"); i > 0 {
			if _, err := strconv.Atoi(name[i+1:]); err == nil {
				name = name[:i]
			}
		}
		i := slices.IndexFunc(all, func(b Benchmark) bool { return b.Name == name })
		if i < 0 {
			i, all = len(all), append(all, Benchmark{Name: name})
		}
		for f := 2; f+1 < len(fields); f += 2 {
			value, err := strconv.ParseFloat(fields[f], 64)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", strings.TrimSpace(line), err)
			}
			if unit := fields[f+1]; value != 0 || unit != "ns/op" { // 0 ns/op: the benchmark reports figures of its own
				all[i].add(unit, value)
			}
		}
	}
	return all, nil
}

func (b *Benchmark) add(unit string, value float64) {
	i := slices.IndexFunc(b.Figures, func(f Figure) bool { return f.Unit == unit })
	if i < 0 {
		i, b.Figures = len(b.Figures), append(b.Figures, Figure{Unit: unit})
	}
	f := &b.Figures[i]
	f.runs = append(f.runs, value)
	slices.Sort(f.runs)
	f.Value, f.Least, f.Most = f.runs[len(f.runs)/2], f.runs[0], f.runs[len(f.runs)-1]
}

func (f Figure) String() string {
	if f.Least == f.Most {
		return number(f.Value)
	}
	return fmt.Sprintf("%s (%s–%s)", number(f.Value), number(f.Least), number(f.Most))
}

// number formats a figure with three significant digits, and whole numbers in full.
func number(f float64) string {
	if f == float64(int64(f)) {
		return strconv.FormatInt(int64(f), 10)
	}
	if f >= 100 {
		return strconv.FormatFloat(f, 'f', 0, 64)
	}
	return strconv.FormatFloat(f, 'g', 3, 64)
}
