package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"userdrop/localaws"
	"userdrop/localaws/cognito"
	"userdrop/localaws/lambda"
	"userdrop/localaws/stepfunctions"
	"userdrop/test/simulation"
)

const rounds = 5

// Spread is what several rounds measured.
type Spread struct {
	Median float64 `json:"median"`
	Least  float64 `json:"least"`
	Most   float64 `json:"most"`
}

func spread(values []float64) Spread {
	slices.Sort(values)
	return Spread{values[len(values)/2], values[0], values[len(values)-1]}
}

// Engine is the speed of the CSV engine on one file, beside a bare encoding/csv loop that takes turns with it.
type Engine struct {
	File         string `json:"file"`
	PrepareMBs   Spread `json:"prepareMBs"`
	CSVMBs       Spread `json:"encodingCsvMBs"`
	Ratio        Spread `json:"ratio"`
	AllocsPerRow Spread `json:"allocsPerRow"`
}

// engine runs the benchmarks of the CSV engine on one processor, several times.
func engine() ([]Engine, error) {
	text, err := command([]string{"GOMAXPROCS=1"},
		"go", "test", "-run=^$", "-bench=^BenchmarkPrepare$", "-count="+strconv.Itoa(rounds), "./internal/usercsv")
	if err != nil {
		return nil, err
	}
	metrics := map[string]map[string][]float64{} // by file and unit
	var files []string
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		_, file, _ := strings.Cut(fields[0], "/")
		if metrics[file] == nil {
			metrics[file] = map[string][]float64{}
			files = append(files, file)
		}
		for i := 2; i+1 < len(fields); i += 2 {
			value, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", strings.TrimSpace(line), err)
			}
			metrics[file][fields[i+1]] = append(metrics[file][fields[i+1]], value)
		}
	}
	var all []Engine
	for _, file := range files {
		m := metrics[file]
		for _, unit := range []string{"MB/s", "encoding/csv-MB/s", "ratio", "allocs/row"} {
			if len(m[unit]) == 0 {
				return nil, fmt.Errorf("the benchmark tells no %s of %s", unit, file)
			}
		}
		all = append(all, Engine{
			file, spread(m["MB/s"]), spread(m["encoding/csv-MB/s"]), spread(m["ratio"]), spread(m["allocs/row"]),
		})
	}
	return all, nil
}

// Reader is a program that only reads a CSV file.
type Reader struct {
	Name    string `json:"name"`
	MBs     Spread `json:"mbs"`
	Skipped string `json:"skipped,omitempty"` // why there is no figure
}

// python reads a file and prints the seconds that it took.
const python = `import csv, sys, time
began = time.process_time()
with open(sys.argv[1], newline="", encoding="utf-8") as file:
    for row in csv.reader(file):
        pass
print(time.process_time() - began)`

// readers lets encoding/csv and Python's csv read the same file in turns.
func readers() ([]Reader, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	text, err := io.ReadAll(source(500_000, short).Open())
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "users.csv")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, err
	}
	size := float64(len(text)) / 1e6
	ours, theirs := Reader{Name: "encoding/csv, ReuseRecord"}, Reader{Name: "Python's csv.reader"}
	if _, err := exec.LookPath("python3"); err != nil {
		theirs.Skipped = "python3 is not on this machine"
	}
	var goes, pythons []float64
	for range rounds {
		began := time.Now()
		if err := read(text); err != nil {
			return nil, err
		}
		goes = append(goes, size/time.Since(began).Seconds())
		if theirs.Skipped != "" {
			continue
		}
		out, err := command(nil, "python3", "-c", python, file)
		if err != nil {
			return nil, err
		}
		seconds, err := strconv.ParseFloat(strings.TrimSpace(out), 64)
		if err != nil {
			return nil, err
		}
		pythons = append(pythons, size/seconds)
	}
	ours.MBs = spread(goes)
	if theirs.Skipped == "" {
		theirs.MBs = spread(pythons)
	}
	return []Reader{ours, theirs}, nil
}

func read(text []byte) error {
	r := csv.NewReader(bytes.NewReader(text))
	r.ReuseRecord = true
	for {
		if _, err := r.Read(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// double tells how many imports the local double gets through in a second, one after the other, with the functions in
// its process and no waits.
func double() (Spread, error) {
	published := make(chan lambda.Result, 1)
	w, err := simulation.New(localaws.Options{
		Pools: []localaws.Pool{{Description: []byte(pool)}}, Cognito: cognito.Defaults(), Speed: 1e9,
		StepFunctions: stepfunctions.Options{Latency: func(string, int) time.Duration { return 0 }},
		Around: func(_ context.Context, f lambda.Function, _ []byte, next func() lambda.Result) lambda.Result {
			result := next()
			if strings.HasSuffix(f.Name, "publish-result") {
				published <- result
			}
			return result
		},
	})
	if err != nil {
		return Spread{}, err
	}
	defer w.Close()
	const each = 20
	var speeds []float64
	for round := range rounds {
		began := time.Now()
		for n := range each {
			i := round*each + n
			key := fmt.Sprintf("incoming/%s/users-%d.csv", poolID, i)
			if _, err := w.S3.Put(w.Inbox(), key, []byte(header+short(i))); err != nil {
				return Spread{}, err
			}
			if r := <-published; r.FunctionError != "" {
				return Spread{}, fmt.Errorf("import %d: %s", i, r.Payload)
			}
		}
		speeds = append(speeds, each/time.Since(began).Seconds())
	}
	return spread(speeds), nil
}
