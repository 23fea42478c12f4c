package publishresult

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/contract"
)

// TestRecount counts unknown rows of two sources anew once some are known to be imported.
func TestRecount(t *testing.T) {
	const none, imported, skipped, failed = contract.CountedUnprocessed, contract.CountedImported, contract.CountedSkipped,
		contract.CountedFailed
	for name, test := range map[string]struct {
		unknown [2][]contract.CountedAs // of each source, as the jobs' counters have them
		settled [2][]int                // places in those
		want    [2]contract.RowOutcomes
	}{
		"nothing is settled": {
			[2][]contract.CountedAs{{failed, imported}, {imported}},
			[2][]int{},
			[2]contract.RowOutcomes{{Imported: 1, Failed: 1}, {Imported: 1}},
		},
		"the row that failed is the one that is left": {
			[2][]contract.CountedAs{{failed, imported}, {imported}},
			[2][]int{{0, 1}, nil},
			[2]contract.RowOutcomes{{Imported: 2}, {Failed: 1}},
		},
		"failed, then skipped, then imported are left": {
			[2][]contract.CountedAs{{failed, skipped, imported}, {imported, imported}},
			[2][]int{nil, {0}},
			[2]contract.RowOutcomes{{Imported: 1, Failed: 1, Skipped: 1}, {Imported: 2}},
		},
		"the counters have too few": {
			[2][]contract.CountedAs{{failed, none, none}, {skipped}},
			[2][]int{{0, 1}, {0}},
			[2]contract.RowOutcomes{{Imported: 2, Skipped: 1}, {Imported: 1}},
		},
		"all are settled": {
			[2][]contract.CountedAs{{failed, none}, {skipped}},
			[2][]int{{0, 1}, {0}},
			[2]contract.RowOutcomes{{Imported: 2}, {Imported: 1}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := &contract.Result{}
			var unknown []unknownRow
			settled := map[contract.Place]bool{}
			for source, rows := range test.unknown {
				counts := &contract.RowOutcomes{}
				for line, counted := range rows {
					unknown = append(unknown, unknownRow{contract.Place{Source: source, Line: line}, counted})
					*counts.Count(counted)++
				}
				n := int64(len(rows))
				r.Sources = append(r.Sources, contract.Source{
					Rows: contract.Rows{Read: n, Submitted: n, RowOutcomes: counts},
				})
				r.Rows = r.Rows.Add(r.Sources[source].Rows)
				for _, line := range test.settled[source] {
					settled[contract.Place{Source: source, Line: line}] = true
				}
			}
			recount(r, unknown, settled)
			got := [2]contract.RowOutcomes{r.Sources[0].Rows.Counts(), r.Sources[1].Rows.Counts()}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(r.Sources[0].Rows.Add(r.Sources[1].Rows), r.Rows); diff != "" {
				t.Errorf("the sum is wrong:\n%s", diff)
			}
		})
	}
}
