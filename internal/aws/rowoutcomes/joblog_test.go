package rowoutcomes

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/google/go-cmp/cmp"

	"userdrop/internal/contract"
)

// TestLogWithoutBase reads a log whose first or last line is missing, so that nobody knows which one it is: a row is
// known where it does not matter.
func TestLogWithoutBase(t *testing.T) {
	for name, test := range map[string]struct {
		lines []string
		rows  int
		want  []outcome
	}{
		"all but one": {
			[]string{
				"[SUCCEEDED] Line Number 2 - The import succeeded.", "[SUCCEEDED] Line Number 3 - The import succeeded.",
				"[FAILED] Line Number 4 - One reason.", "[FAILED] Line Number 5 - Another.",
				"[SKIPPED] Line Number 6 - The user already exists.",
			},
			6,
			[]outcome{noLogLine, imported, noLogLine, failed, noLogLine, noLogLine},
		},
		"none":           {nil, 2, []outcome{noLogLine, noLogLine}},
		"the first":      {[]string{"[FAILED] Line Number 1 - Why."}, 2, []outcome{failed, noLogLine}},
		"one behind all": {[]string{"[FAILED] Line Number 3 - Why."}, 2, []outcome{noLogLine, failed}},
		"no row's": {
			[]string{
				"Cognito User Pools Import - Test Log", "[FAILED] Line Number 0 - Why.", "[FAILED] Line Number 9 - Why.",
				"[FAILED] Line Number 99999999999999999999 - Why.", "[LOST] Line Number 1 - Why.", " FAILED 1",
			},
			2,
			[]outcome{noLogLine, noLogLine},
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newJobLog(test.rows)
			for _, line := range test.lines {
				l.add(line)
			}
			var got []outcome
			for i := range test.rows {
				f, _ := l.row(i)
				got = append(got, f)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
		})
	}
}

// TestLogSince searches a log from when its job was made, and all of it where nobody knows when.
func TestLogSince(t *testing.T) {
	for name, test := range map[string]struct{ created, want time.Time }{
		"known":   {time.UnixMilli(1_800_003_600_000), time.UnixMilli(1_800_000_000_000)},
		"unknown": {time.Time{}, time.UnixMilli(0)},
	} {
		t.Run(name, func(t *testing.T) {
			asked := logs{}
			var job contract.ImportJob
			job.Rows, job.Job = 1, contract.Job{ID: "import-1", CreatedAt: test.created}
			if _, err := readLog(t.Context(), &asked, job, allOutcomes); err != nil {
				t.Fatal(err)
			}
			for _, in := range asked.searches {
				if got := time.UnixMilli(aws.ToInt64(in.StartTime)); in.StartTime == nil || !got.Equal(test.want) {
					t.Errorf("%s since %v, want %v", aws.ToString(in.FilterPattern), got, test.want)
				}
			}
			if len(asked.searches) == 0 {
				t.Error("nothing was searched")
			}
		})
	}
}

// logs are empty, and note what they are asked.
type logs struct {
	searches []*cloudwatchlogs.FilterLogEventsInput
}

func (*logs) DescribeLogGroups(
	_ context.Context, in *cloudwatchlogs.DescribeLogGroupsInput, _ ...func(*cloudwatchlogs.Options),
) (*cloudwatchlogs.DescribeLogGroupsOutput, error) {
	group := types.LogGroup{LogGroupName: aws.String(*in.LogGroupNamePrefix + "example")}
	return &cloudwatchlogs.DescribeLogGroupsOutput{LogGroups: []types.LogGroup{group}}, nil
}

func (l *logs) FilterLogEvents(
	_ context.Context, in *cloudwatchlogs.FilterLogEventsInput, _ ...func(*cloudwatchlogs.Options),
) (*cloudwatchlogs.FilterLogEventsOutput, error) {
	l.searches = append(l.searches, in)
	return &cloudwatchlogs.FilterLogEventsOutput{}, nil
}
