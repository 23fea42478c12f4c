package importjob

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
	"userdrop/internal/contract"
)

// fate is what a log line tells of a row.
type fate byte

const (
	untold fate = iota // no line
	imported
	skipped
	failed
)

// jobLog is what the log of one job tells.
type jobLog struct {
	rows  int
	lines []entry // by line number, of which the log has at most rows+1
	// base is the line number that the log gives the first row: 2 where it counts the header, 1 where not. 0 while no
	// line tells.
	base  int
	words []string // of the failed rows: entry.reason's texts
	known map[string]uint16
}

type entry struct {
	fate   fate
	reason uint16
}

func newJobLog(rows int) *jobLog {
	return &jobLog{rows: rows, lines: make([]entry, rows+2), words: []string{""}, known: map[string]uint16{}}
}

// row tells the fate of a row, from 0, with the words for a failed one.
func (l *jobLog) row(i int) (fate, string) {
	e := l.lines[i+max(l.base, 1)]
	if l.base == 0 { // the row has one of two lines: what both say is known
		switch other := l.lines[i+2]; {
		case other.fate != e.fate:
			return untold, ""
		case other.reason != e.reason:
			return e.fate, ""
		}
	}
	return e.fate, l.words[e.reason]
}

// count is the number of rows with that fate.
func (l *jobLog) count(f fate) (n int64) {
	for _, e := range l.lines {
		if e.fate == f {
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
	// Ask for the one line that only one way of counting has.
	telling := fmt.Sprintf(`?"Line Number 1 -" ?"Line Number %d -"`, job.Rows+1)
	for _, group := range groups.LogGroups {
		probe := newJobLog(job.Rows)
		if err := probe.read(ctx, logs, job, group.LogGroupName, telling); err != nil {
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
			if err := Sleep(ctx, betweenPages); err != nil {
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
	e := entry{fate: map[string]fate{"SUCCEEDED": imported, "SKIPPED": skipped, "FAILED": failed}[m[1]]}
	if e.fate == failed {
		reason := strings.ToValidUTF8(m[3][:min(len(m[3]), 500)], "?")
		index, ok := l.known[reason]
		if !ok && len(l.words) < 1<<16 {
			index = uint16(len(l.words))
			l.words = append(l.words, reason)
			l.known[reason] = index
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

// settle takes the base that a complete log implies: the job began with its first row, and no line has its number 1.
func (l *jobLog) settle() {
	if l.base == 0 {
		l.base = 2
	}
}

// Sleep waits, or ends with the context.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
