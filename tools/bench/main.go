// Command bench measures userdrop on this machine, prints tables in Markdown and writes all figures as JSON: the bars
// that the project set itself with what was measured, the speed of the CSV engine beside other readers, the size, the
// cold start and the memory of the functions under the Lambda Runtime API, the speed of the local double, and what
// imports cost, which the simulation counts.
//
// Run it by make bench. Times are medians of several rounds in one run; what counts are the ratios. With -doc it
// measures nothing, and puts the tables of the last run into a document.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"userdrop/test/simulation"
	"userdrop/tools/bench/cost"
)

// Table is out/bench.json.
type Table struct {
	Machine   string             `json:"machine"`
	Date      string             `json:"date"`
	Go        string             `json:"go"`
	Took      string             `json:"took"`
	Bars      []Bar              `json:"bars"`
	Engine    []Engine           `json:"engine"`
	Readers   []Reader           `json:"readers"`
	Functions []Function         `json:"functions"`
	Work      []Work             `json:"work"`
	Double    Spread             `json:"doublePerSecond"`
	Imports   []Import           `json:"imports"`
	Others    []cost.Alternative `json:"alternatives"`
	Prices    []cost.Price       `json:"prices"`
	PricesOf  string             `json:"pricesOf"`
}

// Import is drops that the simulation played, and what they cost.
type Import struct {
	*simulation.CrowdReport
	Dollars float64 `json:"dollars"`
}

func main() {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // the functions that run in this process

	out := flag.String("out", "out/bench.json", "the figures as JSON")
	functions := flag.String("functions", "out/local", "where the functions' bootstraps are")
	doc := flag.String("doc", "", "measure nothing: put the tables of -out into this document")
	flag.Parse()
	run := func() error { return measure(*out, *functions) }
	if *doc != "" {
		run = func() error { return write(*out, *doc) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func measure(out, functions string) error {
	t := Table{
		Machine: fmt.Sprintf("%s/%s, %d processors", runtime.GOOS, runtime.GOARCH, runtime.NumCPU()),
		Date:    time.Now().UTC().Format(time.DateOnly), Go: runtime.Version(),
		Others: cost.Alternatives(), Prices: cost.PriceList(), PricesOf: cost.PricesOf,
	}
	began := time.Now()
	for _, part := range []struct {
		name    string
		measure func() error
	}{
		{"the CSV engine", func() (err error) { t.Engine, err = engine(); return err }},
		{"other readers", func() (err error) { t.Readers, err = readers(); return err }},
		{"sizes and cold starts", func() (err error) { t.Functions, err = sizes(functions); return err }},
		{"the functions at work", func() (err error) { t.Work, err = works(functions); return err }},
		{"the double", func() (err error) { t.Double, err = double(); return err }},
		{"imports, simulated", func() (err error) { t.Imports, err = imports(); return err }},
	} {
		fmt.Fprintf(os.Stderr, "bench: %s\n", part.name)
		if err := part.measure(); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	t.Took = time.Since(began).Round(time.Second).String()
	t.Bars = bars(t)
	for _, s := range sections(t) {
		fmt.Printf("\n## %s\n\n%s", s.title, s.text)
	}
	text, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return err
	}
	return errors.Join(os.MkdirAll(filepath.Dir(out), 0o755), os.WriteFile(out, append(text, '\n'), 0o644))
}

// imports plays drops in the simulation, which needs the test binary's virtual time.
func imports() ([]Import, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "imports.json")
	_, err = command(nil,
		"go", "test", "-count=1", "-timeout=30m", "-run=^TestTable$", "./internal/bench/cost", "-table="+file)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var all []Import
	err = json.Unmarshal(text, &all)
	for i := range all {
		all[i].Dollars = cost.Dollars(all[i].CrowdReport)
	}
	return all, err
}

func command(environment []string, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), environment...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s%s", name, strings.Join(args, " "), err, stdout.String(), stderr.String())
	}
	return stdout.String(), nil
}
