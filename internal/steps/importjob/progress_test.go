package importjob_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognitoidp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"

	"userdrop/internal/aws/metrics"
	"userdrop/internal/contract"
	"userdrop/internal/steps/importjob"
)

type described types.UserImportJobType

func (d described) DescribeUserImportJob(
	context.Context, *cognitoidp.DescribeUserImportJobInput, ...func(*cognitoidp.Options),
) (*cognitoidp.DescribeUserImportJobOutput, error) {
	job := types.UserImportJobType(d)
	return &cognitoidp.DescribeUserImportJobOutput{UserImportJob: &job}, nil
}

// TestProgress looks at a job of 10,000 rows that has done a quarter in 100 seconds: what people see of it.
func TestProgress(t *testing.T) {
	type progress struct {
		Percent          int
		EstimatedSeconds int64
		EstimatedEnd     time.Time
		Measured         bool
	}
	for name, test := range map[string]struct {
		status types.UserImportJobStatusType
		before int64 // processed at the last look
		want   progress
	}{
		"at work": {
			types.UserImportJobStatusTypeInProgress, 500,
			progress{25, 301, time.Date(2000, 1, 1, 0, 6, 41, 0, time.UTC), true},
		},
		"nothing new": {
			types.UserImportJobStatusTypeInProgress, 2500,
			progress{25, 301, time.Date(2000, 1, 1, 0, 6, 41, 0, time.UTC), false},
		},
		"ended": {types.UserImportJobStatusTypeStopped, 0, progress{Percent: 25, Measured: true}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				time.Sleep(100 * time.Second)
				var out bytes.Buffer
				d := importjob.Describe{
					Cognito: described{
						JobId: aws.String("import-1"), Status: test.status, StartDate: &began,
						ImportedUsers: 2000, SkippedUsers: 400, FailedUsers: 100,
					},
					Config: metrics.Stack{StackName: "users"},
				}
				job, err := d.Handle(metrics.To(t.Context(), &out), contract.ImportJob{
					Rows: 10_000, Job: contract.Job{ID: "import-1", Imported: test.before},
				})
				if err != nil {
					t.Fatal(err)
				}
				got := progress{
					job.Percent, job.EstimatedSeconds, job.EstimatedEnd, strings.Contains(out.String(), `"RowsProcessed":`),
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("progress (-want +got):\n%s", diff)
				}
			})
		})
	}
}
