// Command soak plays many seeds of the simulation and prints what they met.
//
//	go run ./test/simulation/soak -seeds 10000
//	go run ./test/simulation/soak -seed 4711 -v
//
// It ends with 1 when an invariant broke, and its last line has the seeds, the violations and the seconds.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"userdrop/test/simulation"
)

// tally is what the seeds met.
type tally struct {
	mu         sync.Mutex
	seeds      int
	violations int
	verdicts   map[string]int            // drops by verdict
	unknowns   map[string]int            // seeds by answer
	faults     map[string]map[string]int // seeds by fault and verdict
	slowest    []played
}

type played struct {
	seed    uint64
	took    time.Duration
	virtual time.Duration
}

func main() {
	count := flag.Int("seeds", 1000, "how many `seeds` to play")
	one := flag.String("seed", "", "play this `seed` alone")
	first := flag.Uint64("from", 0, "the first `seed`")
	verbose := flag.Bool("v", false, "print every step")
	table := flag.String("table", "", "write the table of faults and verdicts to this `file`")
	testing.Init()
	flag.Parse()
	slog.SetDefault(simulation.Logger())
	debug.SetGCPercent(1600) // each seed is small, and leaves nothing

	seeds := []uint64{}
	for i := range uint64(*count) {
		seeds = append(seeds, *first+i)
	}
	if *one != "" {
		seed, err := strconv.ParseUint(*one, 10, 64)
		if err != nil {
			fmt.Fprintln(os.Stderr, "soak: -seed:", err)
			os.Exit(64)
		}
		seeds = []uint64{seed}
	}
	t := &tally{verdicts: map[string]int{}, unknowns: map[string]int{}, faults: map[string]map[string]int{}}
	started := time.Now()
	// Virtual time is for tests alone; package testing runs them outside of "go test" too.
	test := testing.InternalTest{Name: "soak", F: func(test *testing.T) {
		test.Run("seeds", func(test *testing.T) {
			for _, seed := range seeds {
				test.Run(strconv.FormatUint(seed, 10), func(test *testing.T) {
					test.Parallel()
					t.play(test, seed, *verbose)
				})
			}
		})
		t.print()
		if *table != "" {
			if err := os.WriteFile(*table, []byte(t.table()), 0o644); err != nil {
				fmt.Fprintln(os.Stderr, "soak:", err)
				os.Exit(1)
			}
		}
		fmt.Printf("%d seeds, %d violations, %.1f seconds\n", t.seeds, t.violations, time.Since(started).Seconds())
		if t.violations > 0 || test.Failed() {
			os.Exit(1)
		}
		os.Exit(0)
	}}
	testing.Main(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{test}, nil, nil)
}

func (t *tally) play(test *testing.T, seed uint64, verbose bool) {
	var report *simulation.Report
	started := time.Now()
	synctest.Test(test, func(*testing.T) {
		report = simulation.Run(context.Background(), simulation.NewScenario(seed))
	})
	took := time.Since(started)
	t.mu.Lock()
	defer t.mu.Unlock()
	if verbose {
		fmt.Println(strings.Join(report.Trace, "\n"))
		fmt.Println(report.Journal)
		fmt.Println(strings.Join(report.Executions, "\n"))
	}
	t.seeds++
	t.violations += len(report.Violations)
	for _, violation := range report.Violations {
		fmt.Printf("seed %d: %s\n", seed, violation)
	}
	if len(report.Violations) > 0 {
		fmt.Println("  replay: " + report.Replay())
	}
	for verdict, n := range report.Verdicts {
		t.verdicts[string(verdict)] += n
	}
	for answer := range report.Unknowns {
		t.unknowns[answer]++
	}
	for fault := range report.Counts {
		if t.faults[fault] == nil {
			t.faults[fault] = map[string]int{}
		}
		t.faults[fault]["seeds"]++
		for verdict := range report.Verdicts {
			t.faults[fault][string(verdict)]++
		}
	}
	t.slowest = append(t.slowest, played{seed, took, report.Virtual})
	slices.SortFunc(t.slowest, func(a, b played) int { return cmp.Compare(b.took, a.took) })
	t.slowest = t.slowest[:min(len(t.slowest), 5)]
}

var verdicts = []string{"SUCCEEDED", "PARTIAL", "REJECTED", "CHECKED", "STOPPED", "EXPIRED", "FAILED", "ERROR"}

func (t *tally) print() {
	fmt.Print("\nSeeds by fault, and by the verdicts in them\n\n", t.table())
	fmt.Print("\nDrops by verdict\n\n")
	for _, verdict := range slices.Sorted(maps.Keys(t.verdicts)) {
		fmt.Printf("%8d %s\n", t.verdicts[verdict], verdict)
	}
	fmt.Print("\nSeeds by the answer to an unknown\n\n")
	for _, answer := range slices.Sorted(maps.Keys(t.unknowns)) {
		fmt.Printf("%8d %s\n", t.unknowns[answer], answer)
	}
	fmt.Print("\nThe slowest seeds\n\n")
	for _, p := range t.slowest {
		fmt.Printf("%8d %6.2f s for %s\n", p.seed, p.took.Seconds(), p.virtual.Round(time.Second))
	}
	fmt.Println()
}

// table is fault × verdict in Markdown.
func (t *tally) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "| Fault | Seeds | %s |\n|---|%s\n",
		strings.Join(verdicts, " | "), strings.Repeat("--:|", len(verdicts)+1))
	for _, fault := range slices.Sorted(maps.Keys(t.faults)) {
		fmt.Fprintf(&b, "| %s | %d |", fault, t.faults[fault]["seeds"])
		for _, verdict := range verdicts {
			fmt.Fprintf(&b, " %d |", t.faults[fault][verdict])
		}
		b.WriteByte('\n')
	}
	return b.String()
}
