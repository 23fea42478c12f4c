// Command bench measures userdrop on this machine, prints one table and writes it as JSON: the speed of the CSV engine
// beside encoding/csv, the size, the cold start and the memory of the functions under the Lambda Runtime API, and what
// imports cost, which the simulation counts.
//
// Run it by make bench. Times are medians of several rounds in one run; what counts are the ratios.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"userdrop/internal/bench/cost"
)

// Table is out/bench.json.
type Table struct {
	Machine   string             `json:"machine"`
	Date      string             `json:"date"`
	Go        string             `json:"go"`
	Engine    []Benchmark        `json:"engine"`
	Functions []Function         `json:"functions"`
	Costs     []cost.Cost        `json:"costs"`
	Others    []cost.Alternative `json:"alternatives"`
}

// Benchmark is one result of go test -bench, with its metrics by unit.
type Benchmark struct {
	Name    string             `json:"name"`
	Metrics map[string]float64 `json:"metrics"`
}

func main() {
	out := flag.String("out", "out/bench.json", "where the table goes as JSON")
	functions := flag.String("functions", "out/local", "where the functions' bootstraps are")
	only := flag.String("only", "", "measure this alone: engine, functions or costs")
	flag.Parse()
	if err := run(*out, *functions, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(out, functions, only string) error {
	t := Table{
		Machine: fmt.Sprintf("%s/%s, %d processors", runtime.GOOS, runtime.GOARCH, runtime.NumCPU()),
		Date:    time.Now().UTC().Format(time.DateOnly), Go: runtime.Version(),
	}
	var err error
	wanted := func(name string) bool { return only == "" || only == name }
	if wanted("engine") {
		if t.Engine, err = engine(); err != nil {
			return err
		}
	}
	if wanted("functions") {
		if t.Functions, err = measure(functions); err != nil {
			return err
		}
	}
	if wanted("costs") {
		if t.Costs, err = costs(); err != nil {
			return err
		}
		t.Others = cost.Alternatives
	}
	show(os.Stdout, t)
	text, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return err
	}
	return errors.Join(os.MkdirAll(filepath.Dir(out), 0o755), os.WriteFile(out, append(text, '\n'), 0o644))
}

// engine runs the benchmarks of the CSV engine on one processor.
func engine() ([]Benchmark, error) {
	text, err := command([]string{"GOMAXPROCS=1"}, "go", "test", "-run=^$", "-bench=.", "./internal/usercsv")
	if err != nil {
		return nil, err
	}
	var found []Benchmark
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		b := Benchmark{Name: strings.TrimPrefix(fields[0], "Benchmark"), Metrics: map[string]float64{}}
		for i := 2; i+1 < len(fields); i += 2 {
			if b.Metrics[fields[i+1]], err = strconv.ParseFloat(fields[i], 64); err != nil {
				return nil, fmt.Errorf("%s: %w", strings.TrimSpace(line), err)
			}
		}
		found = append(found, b)
	}
	return found, nil
}

// costs plays the drops in the simulation, which needs the test binary's virtual time.
func costs() ([]cost.Cost, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "costs.json")
	_, err = command(nil, "go", "test", "-count=1", "-run=^TestTable$", "./internal/bench/cost", "-table="+file)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var all []cost.Cost
	return all, json.Unmarshal(text, &all)
}

func command(environment []string, name string, args ...string) (string, error) {
	fmt.Fprintln(os.Stderr, "+", strings.Join(append(environment, name), " "), strings.Join(args, " "))
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), environment...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s%s", name, strings.Join(args, " "), err, stdout.String(), stderr.String())
	}
	return stdout.String(), nil
}

func show(w io.Writer, t Table) {
	fmt.Fprintf(w, "%s, %s, %s\n", t.Machine, t.Go, t.Date)
	section := func(title string, columns ...string) *tabwriter.Writer {
		fmt.Fprintf(w, "\n%s\n", title)
		tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(tw, strings.Join(columns, "\t")+"\t")
		return tw
	}
	if len(t.Engine) > 0 {
		tw := section("The CSV engine, one processor", "benchmark", "figures")
		for _, b := range t.Engine {
			units := make([]string, 0, len(b.Metrics))
			for unit := range b.Metrics {
				units = append(units, unit)
			}
			slices.Sort(units)
			var figures []string
			for _, unit := range units {
				figures = append(figures, fmt.Sprintf("%s %s", short(b.Metrics[unit]), unit))
			}
			fmt.Fprintf(tw, "%s\t%s\t\n", b.Name, strings.Join(figures, ", "))
		}
		tw.Flush()
	}
	if len(t.Functions) > 0 {
		tw := section("The functions", "function", "zipped MB (arm64)", "cold start ms", "peak MB", "")
		for _, f := range t.Functions {
			fmt.Fprintf(tw, "%s\t%.2f\t%.0f\t%s\t%s\t\n", f.Name, f.ZippedMB, f.ColdStartMS, peak(f.PeakMB), f.Work)
		}
		tw.Flush()
	}
	if len(t.Costs) > 0 {
		tw := section("What an import costs", "users", "files", "parts", "transitions", "most events", "invocations", "GB-s",
			"API calls", "beside the jobs", "US $")
		for _, c := range t.Costs {
			calls := 0
			for _, n := range c.Calls {
				calls += n
			}
			fmt.Fprintf(tw, "%d\t%d\t%d\t%d\t%d\t%d\t%.0f\t%d\t%s\t%.4f\t\n", c.Users, c.Files, c.Parts, c.Transitions,
				c.HistoryEvents, c.Invocations, c.GBSeconds, calls,
				time.Duration((c.WallSeconds-c.JobSeconds)*float64(time.Second)).Round(time.Second), c.Dollars)
		}
		tw.Flush()
		tw = section("The same by other ways", "way", "users", "hours", "US $", "")
		for _, a := range t.Others {
			fmt.Fprintf(tw, "%s\t%d\t%.1f\t%.2f\t%s\t\n", a.Way, a.Users, a.Hours, a.Dollars, a.Note)
		}
		tw.Flush()
	}
}

var zeros = regexp.MustCompile(`\.?0+$`)

func short(f float64) string {
	text := strconv.FormatFloat(f, 'f', 2, 64)
	return zeros.ReplaceAllString(text, "")
}

func peak(mb float64) string {
	if mb == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f", mb)
}
