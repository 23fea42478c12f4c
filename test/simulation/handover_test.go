package simulation_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"userdrop/internal/contract"
	"userdrop/localaws"
	"userdrop/localaws/cognito"
	"userdrop/test/simulation"
)

// TestHandOver lets a successor take over after each turn, and after each second or third: wherever that is,
// the part has one job, though Cognito's lists tell of it only when it is over.
func TestHandOver(t *testing.T) {
	for turns := range 3 {
		t.Run(fmt.Sprint(turns+1), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				settings := cognito.Defaults()
				settings.JobsListedLate = cognito.Duration(time.Hour)
				w, err := simulation.Tuned(localaws.Options{
					Cognito: settings, Pools: []localaws.Pool{{Description: []byte(onePool)}},
				}, simulation.Tuning{Environment: map[string]string{"MAX_TURNS": fmt.Sprint(turns + 1)}})
				if err != nil {
					t.Fatal(err)
				}
				defer w.Close()
				got := drop(t, w, "users", list(0, 20_000))
				want := contract.RowOutcomes{Imported: 20_000}
				if got.Verdict != contract.VerdictSucceeded || got.Rows.Counts() != want {
					t.Errorf("%s %+v, want SUCCEEDED %+v", got.Verdict, got.Rows.Counts(), want)
				}
				if jobs := w.Cognito.Jobs("us-east-1_Example1"); len(jobs) != 1 {
					t.Errorf("%d jobs, want 1", len(jobs))
				}
				if parts := w.StepFunctions.Executions(w.Machine("import-job")); len(parts) < 2 {
					t.Errorf("%d executions of the part, want successors", len(parts))
				}
			})
		})
	}
}
