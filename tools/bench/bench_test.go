package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestParse reads what `go test -bench` prints, takes medians and judges figures on either side of a bar.
func TestParse(t *testing.T) {
	all, err := parse(`goos: linux
BenchmarkPrepare/plain-2      10   0 ns/op   0.74 ratio   300 MB/s
BenchmarkPrepare/plain-2      10   0 ns/op   0.76 ratio   310 MB/s
BenchmarkPrepare/plain-2      10   0 ns/op   0.75 ratio   320 MB/s
BenchmarkPrepare/wide         10   0 ns/op   0.49 ratio
BenchmarkPackage/publish-result-2  1  7.9 zipped-MB
BenchmarkPackage/await-turn-2      1  4.1 zipped-MB
BenchmarkPackage/collect-rows-2    1  5.1 zipped-MB
PASS
`)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, j := range judge(all) {
		if j.Figure != "not measured" {
			got[j.Limit+": "+j.Figure] = j.Met
		} else if j.Met {
			t.Errorf("%s is met without a figure", j.Measure)
		}
	}
	want := map[string]bool{
		"at least 0.75 ratio: 0.75 (Prepare/plain)":         true,
		"at least 0.5 ratio: 0.49 (Prepare/wide)":           false,
		"at most 8 zipped-MB: 7.9 (Package/publish-result)": true,
		"at most 5 zipped-MB: 5.1 (Package/collect-rows)":   false,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("judged (-want +got):\n%s", diff)
	}
	table := Table{Bars: judge(all), Benchmarks: all}
	text := table.fill("Speed:\n\n<!-- figures: Prepare -->\nold\n<!-- end -->\n\nSizes:\n")
	const filled = `Speed:

<!-- figures: Prepare -->

| Prepare | ratio            | MB/s          |
| ------- | ---------------- | ------------- |
| plain   | 0.75 (0.74–0.76) | 310 (300–320) |
| wide    | 0.49             |               |

<!-- end -->

Sizes:
`
	if diff := cmp.Diff(filled, text); diff != "" {
		t.Errorf("the document (-want +got):\n%s", diff)
	}
	if again := table.fill(text); again != text {
		t.Errorf("the second time:\n%s", again)
	}
	if old := "<!-- figures: Demo -->\nold\n<!-- end -->"; table.fill(old) != old {
		t.Error("a table without figures was changed")
	}
	if _, err := parse("BenchmarkX 1 many ns/op\n"); err == nil {
		t.Error("a figure that is no number is accepted")
	}
}
