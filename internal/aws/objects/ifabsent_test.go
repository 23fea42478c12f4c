package objects_test

import (
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"userdrop/internal/aws/objects"
	"userdrop/internal/contract"
)

// TestWriteJSONIfAbsent: the second of two runs goes by what the first has written, and by nothing of its own.
func TestWriteJSONIfAbsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := world(t)
		store := objects.New(s3.NewFromConfig(w.Config("")), w.Work())
		final := contract.Summary{Part: 1, Attempt: 2, Submitted: 3}
		rest := final
		rest.Rest, rest.Refusal = &contract.Rest{Rows: 2}, "no"
		for run, mine := range []contract.Summary{final, rest} {
			got, err := objects.WriteJSONIfAbsent(t.Context(), store, "users-1/summary.json", mine)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(final, got); diff != "" {
				t.Errorf("run %d (-want +got):\n%s", run+1, diff)
			}
		}
	})
}
