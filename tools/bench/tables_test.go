package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"userdrop/test/simulation"
)

// measured is a run with little in it.
func measured() Table {
	return Table{
		Machine: "a machine",
		Engine:  []Engine{{File: "plain", Ratio: Spread{1.5, 1, 2}}, {File: "quoted", Ratio: Spread{1.49, 1, 2}}},
		Work: []Work{
			{Function: "prepare-import", Of: "1 GB", Rows: 2_000_000, PeakMB: 112},
			{Function: "copy-to-import-job", Rows: 500_000, PeakMB: 40.1},
			{Function: "collect-rows", Rows: 500_000, Seconds: 280},
			{Function: "publish-result", Rows: 500_000, Seconds: 6},
		},
		Functions: []Function{{Name: "a", ZippedMB: 5, ColdStartMS: Spread{51, 1, 60}}},
		Imports: []Import{
			imported(10_000, 100), imported(20_000, 221),
			{CrowdReport: &simulation.CrowdReport{
				Crowd: simulation.Crowd{Drops: 2, Rows: 100}, Imports: 1, MostOfOne: 101, Displaced: 3,
				Calls: map[string]*simulation.CallCount{
					"states ListExecutions":          {Steady: 76},
					"cognito-idp ListUserImportJobs": {}, "cognito-idp DescribeUserImportJob": {},
				},
			}},
		},
	}
}

func imported(users, transitions int) Import {
	return Import{Dollars: 1, CrowdReport: &simulation.CrowdReport{
		Crowd: simulation.Crowd{Drops: 1, Rows: users}, Imports: 1, Transitions: transitions, Invocations: 1, GBSeconds: 1,
		TookSeconds: 1, JobSeconds: 0.5, Calls: map[string]*simulation.CallCount{"s3 GET": {Total: 1}},
	}}
}

// TestBars judges figures on either side of a bar.
func TestBars(t *testing.T) {
	missed := map[string]string{}
	met := 0
	for _, b := range bars(measured()) {
		if b.Met {
			met++
			continue
		}
		missed[b.Measure] = b.Figure
	}
	want := map[string]string{
		"prepare, one core, quoted": "1.49 ×",
		"copy, resident, 100 MB":    "40 MB",
		"from a complete log of 500,000 failed rows to the published result":     "286 s",
		"slowest cold start under the Runtime API":                               "51 ms",
		"transitions for waiting, at the most":                                   "101 (2 drops of 100 users)",
		"jobs out of the order of entry, but for what ListExecutions tells late": "3 (2 drops of 100 users)",
		"drops that starve, fail, or run beside another":                         "1 (2 drops of 100 users)",
		"transitions, a small drop":                                              "not measured",
		"transitions, 500,000 rows":                                              "not measured",
		"time lost to waiting, 40 million users":                                 "not measured",
		"doubling the users from 10,000 up multiplies each figure by":            "2.21 (transitions of 20,000)",
	}
	want["steady polling, share of its quota, at the most"] = "25.3 % (states ListExecutions, 2 drops of 100 users)"
	if diff := cmp.Diff(want, missed); diff != "" || met != 4 {
		t.Errorf("%d bars are met; missed (-want +got):\n%s", met, diff)
	}
}

// TestWrite puts the tables into a document twice.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	out, doc := filepath.Join(dir, "bench.json"), filepath.Join(dir, "doc.md")
	run := measured()
	run.Bars = bars(run)
	text, err := json.Marshal(run)
	if err != nil {
		t.Fatal(err)
	}
	save := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	save(out, string(text))
	var empty strings.Builder
	for _, s := range sections(run) {
		empty.WriteString("Before.\n<!-- begin " + s.name + " -->\nstale\n<!-- end " + s.name + " -->\nAfter.\n")
	}
	save(doc, empty.String())
	var written [2]string
	for i := range written {
		if err := write(out, doc); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		written[i] = string(text)
	}
	if written[0] != written[1] || strings.Contains(written[0], "stale") || strings.Count(written[0], "After.") != 8 ||
		!strings.Contains(written[0], "| **missed** |") {
		t.Errorf("written:\n%s", written[0])
	}
	save(doc, "Nothing.\n")
	if err := write(out, doc); err == nil {
		t.Error("a document without places is taken")
	}
}

func TestFigures(t *testing.T) {
	for want, got := range map[string]string{
		"0": figure(0), "0.00468": figure(0.004683), "1.5": figure(1.5), "46.4": figure(46.37), "1281": figure(1280.6),
		"40,000,000": thousands(40_000_000), "999": thousands(999), "4h8m": seconds(14_858), "16s": seconds(16.2),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
