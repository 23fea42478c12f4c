package contract_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/contract"
)

// TestRecordedPayload reads the payload of an import-job execution as an earlier release wrote it, and writes the same
// fields again: executions outlive a deployment, and must go on.
func TestRecordedPayload(t *testing.T) {
	recorded, err := os.ReadFile("testdata/import-job.v1.json")
	if err != nil {
		t.Fatal(err)
	}
	var job contract.ImportJob
	if err := json.Unmarshal(recorded, &job); err != nil {
		t.Fatal(err)
	}
	written, err := json.Marshal(job)
	if err != nil {
		t.Fatal(err)
	}
	var want, got map[string]any
	if err := json.Unmarshal(recorded, &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(written, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("payload (-recorded +written again):\n%s", diff)
	}
	name, ok := contract.ParseExecutionName(job.Execution)
	if !ok || name.Rows != job.Rows || !name.Ticket.Equal(job.Ticket.Truncate(1e9)) || name.Generation != 2 {
		t.Errorf("execution %s: %+v", job.Execution, name)
	}
}
