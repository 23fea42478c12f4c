package rowoutcomes

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"userdrop/internal/aws/awserror"
	"userdrop/internal/aws/objects"
	"userdrop/internal/contract"
)

// outcome is what a log line says about a row.
type outcome byte

const (
	noLogLine outcome = iota
	imported
	skipped
	failed
)

// jobLog is what the log of one job says about its rows.
type jobLog struct {
	rows  int
	lines []entry // by line number, of which the log has at most rows+1
	// base is the line number that the log gives the first row: 2 where it counts the header, 1 where not. 0 while it is
	// not known.
	base  int
	texts []string          // of the failed rows: the texts of entry.reason
	index map[string]uint16 // of texts
}

type entry struct {
	outcome outcome
	reason  uint16
}

func newJobLog(rows int) *jobLog {
	return &jobLog{rows: rows, lines: make([]entry, rows+2), texts: []string{""}, index: map[string]uint16{}}
}

// row returns the outcome of a row, from 0, and the reason of a failed one.
func (l *jobLog) row(i int) (outcome, string) {
	e := l.lines[i+max(l.base, 1)]
	if l.base == 0 { // the row has one of two lines: only what both say counts
		switch other := l.lines[i+2]; {
		case other.outcome != e.outcome:
			return noLogLine, ""
		case other.reason != e.reason:
			return e.outcome, ""
		}
	}
	return e.outcome, l.texts[e.reason]
}

// count returns the number of rows with that outcome.
func (l *jobLog) count(o outcome) (n int64) {
	for _, e := range l.lines {
		if e.outcome == o {
			n++
		}
	}
	return n
}

// outcomeLine is how Cognito writes one row's outcome; the text behind is free.
// https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-using-import-tool.html
var outcomeLine = regexp.MustCompile(`^\[(SUCCEEDED|SKIPPED|FAILED)\] Line Number (\d+) ?-? ?(.*)$`)

type logReader interface {
	DescribeLogGroups(
		context.Context, *cloudwatchlogs.DescribeLogGroupsInput, ...func(*cloudwatchlogs.Options),
	) (*cloudwatchlogs.DescribeLogGroupsOutput, error)
	FilterLogEvents(
		context.Context, *cloudwatchlogs.FilterLogEventsInput, ...func(*cloudwatchlogs.Options),
	) (*cloudwatchlogs.FilterLogEventsOutput, error)
}

const (
	onlyProblems = `?"[FAILED]" ?"[SKIPPED]"`
	onlyFailed   = `"[FAILED]"`
	allOutcomes  = `"Line Number"`
	// betweenPages keeps the reading of a long log at a quarter of FilterLogEvents' 5 a second for the whole account.
	betweenPages = 800 * time.Millisecond
)

// readLog reads the outcome lines of a job that match the filter. Lines that come twice count once.
func readLog(ctx context.Context, logs logReader, job contract.ImportJob, filter string) (*jobLog, error) {
	l := newJobLog(job.Rows)
	// A pool's name may have characters that a log group's may not: find the group by what comes before the name.
	prefix := "/aws/cognito/userpools/" + job.UserPoolID + "/"
	groups, err := logs.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &prefix})
	if err != nil {
		return nil, fmt.Errorf("find the log of import job %s: %w", job.Job.ID, err)
	}
	for _, group := range groups.LogGroups {
		if err := l.read(ctx, logs, job, group.LogGroupName, filter); err != nil {
			return nil, err
		}
	}
	if l.base != 0 {
		return l, nil
	}
	// Search for the one line that only one way of counting has.
	deciding := fmt.Sprintf(`?"Line Number 1 -" ?"Line Number %d -"`, job.Rows+1)
	for _, group := range groups.LogGroups {
		probe := newJobLog(job.Rows)
		if err := probe.read(ctx, logs, job, group.LogGroupName, deciding); err != nil {
			return nil, err
		}
		l.base = max(l.base, probe.base)
	}
	return l, nil
}

func (l *jobLog) read(ctx context.Context, logs logReader, job contract.ImportJob, group *string, filter string) error {
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(logs, &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: group, LogStreamNamePrefix: aws.String(job.Job.ID + "/"), FilterPattern: &filter,
		// Cognito keeps the logs of all jobs that the pool ever had, and a search may go through empty pages of years.
		StartTime: aws.Int64(max(job.Job.CreatedAt.Add(-time.Hour).UnixMilli(), 0)),
	})
	for first := true; pages.HasMorePages(); first = false {
		if !first {
			if err := objects.Sleep(ctx, betweenPages); err != nil {
				return err
			}
		}
		page, err := pages.NextPage(ctx)
		if awserror.Name(err) == contract.Gone {
			return nil // no stream yet, or never
		}
		if err != nil {
			return fmt.Errorf("read the log of import job %s: %w", job.Job.ID, err)
		}
		for _, event := range page.Events {
			l.add(aws.ToString(event.Message))
		}
	}
	return nil
}

func (l *jobLog) add(message string) {
	m := outcomeLine.FindStringSubmatch(strings.TrimSpace(message))
	if m == nil {
		return // "Cognito User Pools Import - Test Log", or free text
	}
	n, err := strconv.Atoi(m[2])
	if err != nil || n < 1 || n > l.rows+1 {
		return
	}
	e := entry{outcome: map[string]outcome{"SUCCEEDED": imported, "SKIPPED": skipped, "FAILED": failed}[m[1]]}
	if e.outcome == failed {
		reason := strings.ToValidUTF8(m[3][:min(len(m[3]), 500)], "?")
		index, ok := l.index[reason]
		if !ok && len(l.texts) < 1<<16 {
			index = uint16(len(l.texts))
			l.texts = append(l.texts, reason)
			l.index[reason] = index
		}
		e.reason = index
	}
	switch n {
	case 1:
		l.base = 1
	case l.rows + 1:
		l.base = 2
	}
	l.lines[n] = e
}

// assumeComplete takes the base that a complete log implies: the job began with its first row, and no line has its
// number 1.
func (l *jobLog) assumeComplete() {
	if l.base == 0 {
		l.base = 2
	}
}
