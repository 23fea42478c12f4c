package metrics_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/aws/metrics"
)

// TestPut compares lines with the format's specification.
func TestPut(t *testing.T) {
	stack := metrics.Stack{StackName: "users"}
	for name, test := range map[string]struct {
		put  func(context.Context)
		want string
	}{
		"of the stack": {
			func(ctx context.Context) {
				stack.Put(ctx, "", metrics.QueueLength.Of(3), metrics.UsersPerSecond.Of(34.5))
			},
			`{"Stack": "users", "QueueLength": 3, "UsersPerSecond": 34.5, "_aws": {
				"Timestamp": 946684800000,
				"CloudWatchMetrics": [{"Namespace": "userdrop", "Dimensions": [["Stack"]], "Metrics": [
					{"Name": "QueueLength", "Unit": "Count"}, {"Name": "UsersPerSecond", "Unit": "Count/Second"}]}]}}`,
		},
		"and by a further dimension": {
			func(ctx context.Context) {
				stack.PutBy(ctx, "users-1", metrics.Verdict("PARTIAL"), metrics.Imports.Of(1))
			},
			`{"Stack": "users", "importId": "users-1", "Verdict": "PARTIAL", "Imports": 1, "_aws": {
				"Timestamp": 946684800000,
				"CloudWatchMetrics": [{"Namespace": "userdrop", "Dimensions": [["Stack"], ["Stack", "Verdict"]],
					"Metrics": [{"Name": "Imports", "Unit": "Count"}]}]}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var w writes
				test.put(metrics.To(t.Context(), &w))
				if len(w) != 1 || !bytes.HasSuffix(w[0], []byte("}\n")) || bytes.Count(w[0], []byte("\n")) != 1 {
					t.Fatalf("wrote %q, want one line at once", w)
				}
				var got, want any
				if err := errors.Join(json.Unmarshal(w[0], &got), json.Unmarshal([]byte(test.want), &want)); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("line (-want +got):\n%s", diff)
				}
			})
		})
	}
}

type writes [][]byte

func (w *writes) Write(p []byte) (int, error) {
	*w = append(*w, bytes.Clone(p))
	return len(p), nil
}
