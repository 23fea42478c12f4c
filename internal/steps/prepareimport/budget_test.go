package prepareimport_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/google/go-cmp/cmp"

	"userdrop/internal/contract"
	"userdrop/internal/local"
	"userdrop/localaws"
)

// TestJobLimit uses up a pool's jobs in the middle of a drop, and drops another file after it.
func TestJobLimit(t *testing.T) {
	few := stack{
		environment: map[string]string{"PART_ROWS": "2"},
		options:     func(o *localaws.Options) { o.Cognito.JobLimit = 3 },
	}
	inWorld(t, few, func(t *testing.T, w world) {
		r := w.drop("incoming/"+pool+"/users.csv", users("a", "b", "c", "d", "e", "f", "g", "h", "i", "bad!"))
		want := contract.Rows{Read: 10, Rejected: 1, Submitted: 9, RowOutcomes: &contract.RowOutcomes{Imported: 6, Unprocessed: 3}}
		if diff := cmp.Diff(want, r.Rows); diff != "" || r.Verdict != contract.VerdictPartial {
			t.Errorf("verdict %s, rows (-want +got):\n%s", r.Verdict, diff)
		}
		if diff := cmp.Diff([]string{"JobLimit", "BadEmail", "NotProcessed"}, codes(r.Problems)); diff != "" {
			t.Errorf("problems (-want +got):\n%s", diff)
		}
		if r.JobsUsed == nil || r.JobsUsed.Used != 3 {
			t.Errorf("jobs used: %s", encoded(t, r.JobsUsed))
		}
		var left []string
		for _, row := range w.failed(r.Files.Failed) {
			name, _, _ := strings.Cut(row, ",")
			left = append(left, name)
		}
		if diff := cmp.Diff([]string{"g", "h", "i", "bad"}, left); diff != "" {
			t.Errorf("failed.csv (-want +got):\n%s", diff)
		}

		r = w.drop("incoming/"+pool+"/more.csv", users("j"))
		if r.Verdict != contract.VerdictFailed || r.Problems[0].Code.String() != "JobLimit" || len(w.failed(r.Files.Failed)) != 1 {
			t.Errorf("the next drop: %s", encoded(t, r))
		}
		if !strings.Contains(r.Message, "import jobs") {
			t.Errorf("message: %s", r.Message)
		}
		waiting, moved := w.keys()
		if diff := cmp.Diff([]string{"more.csv", "users.csv"}, moved); diff != "" || len(waiting) > 0 {
			t.Errorf("waiting: %q; moved (-want +got):\n%s", waiting, diff)
		}
	})
}

// TestJobWarning warns from 900 jobs on.
func TestJobWarning(t *testing.T) {
	inWorld(t, stack{}, func(t *testing.T, w world) {
		if r := w.drop("incoming/"+pool+"/first.csv", users("a")); r.JobsUsed.Used != 1 || r.JobsUsed.Warning != "" {
			t.Errorf("jobs used: %s", encoded(t, r.JobsUsed))
		}
		client := cognitoidentityprovider.NewFromConfig(w.Config(""))
		role := w.Stack.Function(local.StackName + "-create-import-job").Environment["CLOUDWATCH_LOGS_ROLE_ARN"]
		for i := range 897 {
			_, err := client.CreateUserImportJob(w.t.Context(), &cognitoidentityprovider.CreateUserImportJobInput{
				UserPoolId: aws.String(pool), JobName: aws.String(fmt.Sprintf("by hand %d", i)),
				CloudWatchLogsRoleArn: aws.String(role),
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if r := w.drop("incoming/"+pool+"/899.csv", users("b")); r.JobsUsed.Used != 899 || r.JobsUsed.Warning != "" {
			t.Errorf("jobs used: %s", encoded(t, r.JobsUsed))
		}
		if r := w.drop("incoming/"+pool+"/900.csv", users("c")); r.JobsUsed.Used != 900 || r.JobsUsed.Warning == "" {
			t.Errorf("jobs used: %s", encoded(t, r.JobsUsed))
		}
		used := 0.0
		for _, m := range w.Measured() {
			if m.Metric == "JobsUsed" {
				used = m.Value
			}
		}
		if used != 900 {
			t.Errorf("the metric says %v jobs", used)
		}
	})
}
