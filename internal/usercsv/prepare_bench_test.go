//go:build unix

package usercsv_test

import (
	"bytes"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// BenchmarkPrepare measures the engine and a bare encoding/csv loop on the same file, on one core, taking turns, and
// reports the medians of both speeds and of their ratio, and the engine's allocations for a row. Time is the
// processor's, since a machine that does other things as well makes the clock's worthless.
func BenchmarkPrepare(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, f := range benchFiles() {
		text := f.text(benchSize)
		b.Run(f.name, func(b *testing.B) {
			var ours, theirs, ratios []float64
			timed := func(run func() error) float64 {
				start := processorTime(b)
				if err := run(); err != nil {
					b.Fatal(err)
				}
				return float64(len(text)) / 1e6 / (processorTime(b) - start).Seconds()
			}
			for b.Loop() {
				us := timed(func() error { return prepareText(f, text) })
				them := timed(func() error { return readText(text) })
				ours, theirs, ratios = append(ours, us), append(theirs, them), append(ratios, us/them)
			}
			allocations := testing.AllocsPerRun(1, func() {
				if err := prepareText(f, text); err != nil {
					b.Fatal(err)
				}
			})
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(allocations/float64(bytes.Count(text, []byte{'\n'})-1), "allocs/row")
			b.ReportMetric(median(ours), "MB/s")
			b.ReportMetric(median(theirs), "encoding/csv-MB/s")
			b.ReportMetric(median(ratios), "ratio")
		})
	}
}

// processorTime is what this process has used so far.
func processorTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
