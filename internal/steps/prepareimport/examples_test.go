package prepareimport_test

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/contract"
)

func example(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../../examples/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestExamples imports what docs/csv.md and docs/operations.md show.
func TestExamples(t *testing.T) {
	inWorld(t, stack{}, func(t *testing.T, w world) {
		r := w.drop("incoming/"+pool+"/hashes.csv", example(t, "hashes.csv"))
		var algorithms []string
		for _, j := range r.Jobs {
			algorithms = append(algorithms, j.PasswordHashingAlgorithm)
		}
		if diff := cmp.Diff([]string{"BCRYPT", "SCRYPT", "ARGON2ID", "PBKDF2_SHA256", ""}, algorithms); diff != "" {
			t.Errorf("algorithms (-want +got):\n%s", diff)
		}
		if r.Verdict != contract.VerdictSucceeded {
			t.Errorf("hashes.csv: %s", encoded(t, r))
		}

		w.put("scheduled/"+pool+"/team.csv.manifest.json", example(t, "scheduled/team.csv.manifest.json"))
		w.put("scheduled/"+pool+"/team.csv", example(t, "scheduled/team.csv"))
		if r = w.sweep(); r.Verdict != contract.VerdictSucceeded || r.Rows.Read != 3 {
			t.Errorf("team.csv: %s", encoded(t, r))
		}
	})
}
