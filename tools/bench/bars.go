package main

import (
	"fmt"
	"regexp"
)

// bar is a limit that the project sets itself for a figure of benchmarks.
type bar struct {
	measure   string
	benchmark string // a regular expression
	unit      string
	atLeast   bool // otherwise at most
	limit     float64
}

// bars are judged in order: of the bars for the same unit, the first whose expression matches a benchmark counts.
var bars = []bar{
	{"one core, template and 16 columns: beside a bare encoding/csv loop", "^Prepare/(plain|sixteen)$", "ratio", true, 0.75},
	{"one core, other files: beside a bare encoding/csv loop", "^Prepare/", "ratio", true, 0.5},
	{"one core, a mapping that renames: beside a bare encoding/csv loop", "^Mapping/renames$", "ratio", true, 0.5},
	{"one core, a mapping that computes: speed", "^Mapping/computes$", "MB/s", true, 10},
	// 64 MB and 24 bytes for each row.
	{"prepare-import, 1 GB: resident memory", "^Work/prepare-import/1GB$", "peak-MB", false, 64 + 24*22.2},
	{"prepare-import, 40 million rows: resident memory", "^Work/prepare-import/40M-rows$", "peak-MB", false, 64 + 24*40},
	// The function's memory; such a drop is refused as TooLarge.
	{"prepare-import, too many rows: resident memory", "^Work/prepare-import/too-many-rows$", "peak-MB", false, 1769},
	{"copy-to-import-job, 100 MB: resident memory", "^Part$", "copy-to-import-job-MB", false, 40},
	// 2 % of the job's time, which is longer than 10 s.
	{"500,000 failed rows: from the complete log to the result", "^Part$", "log-to-result-s", false, 0.02 * 500_000 / 35},
	{"prepare-import, zipped", "^Package/prepare-import$", "zipped-MB", false, 10},
	{"publish-result, zipped", "^Package/publish-result$", "zipped-MB", false, 8},
	{"each other function, zipped", "^Package/", "zipped-MB", false, 5},
	{"cold start under the Runtime API", "^ColdStart/", "ms", false, 50},
	{"demo, without the build", "^Demo$", "s", false, 2},
	{"make demo, nothing compiled before", "^MakeDemo$", "s", false, 30},
	{"state transitions, small drop", "^Imports/100-users$", "transitions", false, 30},
	{"state transitions, 500,000 rows", "^Imports/500000-users$", "transitions", false, 500},
	{
		"state transitions of one drop of 500,000 rows that waits", "^Imports/.*-drops-of-500000-users", "most-of-one",
		false, 500 + 100,
	},
	{"state transitions of one small drop that waits", "^Imports/.*-drops", "most-of-one", false, 30 + 100},
	{"jobs of 1,000 drops that are gathered", "^Imports/.*-gathered$", "jobs", false, 60},
	{"time of 1,000 drops that are gathered, of that without", "^Gathering$", "%-of-time", false, 25},
	{"changes: share of ApplyRate, in the busiest minute", "^Changes/", "%-of-rate", false, 100},
	{"changes: later than the longer of jobs and changes", "^Changes/500000-users-groups$", "%-late", false, 10},
	{"changes: history events of one execution", "^Changes/", "events", false, 1_000},
	{"history events of one execution", "^Imports/", "events", false, 25_000},
	{"jobs out of the order of entry", "^Imports/", "displaced", false, 2},
	{"imports that starve, fail or run beside another", "^Imports/", "violations", false, 0},
	{"steady polling, share of its quota", "^Imports/", "%-of-quota", false, 25},
	{"time lost to waiting, 40 million users", "^Imports/40000000-users", "%-lost", false, 1},
}

// Judgement is a bar, and the figure that is nearest to the limit or farthest beyond it.
type Judgement struct {
	Measure string `json:"measure"`
	Limit   string `json:"limit"`
	Figure  string `json:"figure"`
	Met     bool   `json:"met"`
}

// judge compares figures with the bars. A bar without a figure is not met.
func judge(all []Benchmark) (found []Judgement) {
	worst, of := make([]float64, len(bars)), make([]string, len(bars))
	for _, b := range all {
		for _, f := range b.Figures {
			i := barFor(b.Name, f.Unit)
			if i < 0 {
				continue
			}
			if of[i] == "" || (f.Value < worst[i]) == bars[i].atLeast {
				worst[i], of[i] = f.Value, b.Name
			}
		}
	}
	for i, b := range bars {
		limit, met := "at most ", worst[i] <= b.limit
		if b.atLeast {
			limit, met = "at least ", worst[i] >= b.limit
		}
		j := Judgement{b.measure, limit + number(b.limit) + " " + b.unit, "not measured", false}
		if of[i] != "" {
			j.Figure, j.Met = fmt.Sprintf("%s (%s)", number(worst[i]), of[i]), met
		}
		found = append(found, j)
	}
	return found
}

func barFor(name, unit string) int {
	for i, b := range bars {
		if b.unit == unit && regexp.MustCompile(b.benchmark).MatchString(name) {
			return i
		}
	}
	return -1
}
