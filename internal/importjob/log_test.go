package importjob

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestLogWithoutBase reads a log whose first or last line is missing, so that nobody knows which one it is: a row is
// known where it does not matter.
func TestLogWithoutBase(t *testing.T) {
	for name, test := range map[string]struct {
		lines []string
		rows  int
		want  []fate
	}{
		"all but one": {
			[]string{
				"[SUCCEEDED] Line Number 2 - The import succeeded.", "[SUCCEEDED] Line Number 3 - The import succeeded.",
				"[FAILED] Line Number 4 - One reason.", "[FAILED] Line Number 5 - Another.",
				"[SKIPPED] Line Number 6 - The user already exists.",
			},
			6,
			[]fate{untold, imported, untold, failed, untold, untold},
		},
		"none":           {nil, 2, []fate{untold, untold}},
		"the first":      {[]string{"[FAILED] Line Number 1 - Why."}, 2, []fate{failed, untold}},
		"one behind all": {[]string{"[FAILED] Line Number 3 - Why."}, 2, []fate{untold, failed}},
		"no row's": {
			[]string{
				"Cognito User Pools Import - Test Log", "[FAILED] Line Number 0 - Why.", "[FAILED] Line Number 9 - Why.",
				"[FAILED] Line Number 99999999999999999999 - Why.", "[LOST] Line Number 1 - Why.", " FAILED 1",
			},
			2,
			[]fate{untold, untold},
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newJobLog(test.rows)
			for _, line := range test.lines {
				l.add(line)
			}
			var got []fate
			for i := range test.rows {
				f, _ := l.row(i)
				got = append(got, f)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("fates (-want +got):\n%s", diff)
			}
		})
	}
}
