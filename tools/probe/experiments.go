package probe

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go"

	"userdrop/internal/aws/objects"
)

// created looks at a job that is never started: jobsListedLate, describeUrl, stopCreated.
func (p *Probe) created(ctx context.Context) error {
	j, err := p.create(ctx, p.plain)
	if err != nil {
		return err
	}
	begin := time.Now()
	for listed := false; !listed; {
		if err := objects.Sleep(ctx, 500*time.Millisecond); err != nil {
			return err
		}
		list, err := p.cognito.ListUserImportJobs(ctx, &cognito.ListUserImportJobsInput{
			UserPoolId: &p.plain, MaxResults: aws.Int32(50),
		})
		if err != nil {
			return err
		}
		listed = slices.ContainsFunc(list.UserImportJobs, func(l types.UserImportJobType) bool { return *l.JobId == j.id })
		if time.Since(begin) > 5*time.Minute {
			return errors.New("a new job is not in the list after 5 minutes")
		}
		if listed {
			break
		}
		if err := objects.Sleep(ctx, 500*time.Millisecond); err != nil {
			return err
		}
	}
	late := time.Since(begin).Truncate(time.Second)
	p.settle("jobsListedLate", late.String(), "ListUserImportJobs had a new job after at most %v", late+time.Second)

	if err := objects.Sleep(ctx, 2*time.Second); err != nil { // a URL that is signed again has another date by then
		return err
	}
	described, err := p.describe(ctx, j)
	if err != nil {
		return err
	}
	switch again := aws.ToString(described.PreSignedUrl); {
	case again == "":
		p.settle("describeUrl", "absent", "DescribeUserImportJob answers no PreSignedUrl")
	case signed(again) == signed(j.url):
		p.settle("describeUrl", "original", "DescribeUserImportJob answers the URL that was signed at creation")
	default:
		p.settle("describeUrl", "resigned", "DescribeUserImportJob answers a URL that was signed later")
	}

	stopped, err := p.cognito.StopUserImportJob(ctx, &cognito.StopUserImportJobInput{UserPoolId: &j.pool, JobId: &j.id})
	if err != nil {
		if _, ok := errors.AsType[smithy.APIError](err); !ok {
			return err
		}
		p.settle("stopCreated", false, "StopUserImportJob on a created job: %s", refusal(err))
		return nil
	}
	p.settle("stopCreated", true, "StopUserImportJob on a created job: its status is %s", stopped.UserImportJob.Status)
	return nil
}

// signed is when a URL was signed.
func signed(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Query().Get("X-Amz-Date")
}

// manyUsers take about half a minute: long enough to try others beside them.
const manyUsers = 1000

// concurrent runs a long job and tries to start two others: busyError, lockScope, pending, usersPerSecond, logDelay,
// noLogGroup, lineBase, logMissing, logDoubled. Then it stops one of the others: stopping.
func (p *Probe) concurrent(ctx context.Context) error {
	var jobs [3]job
	for i, pool := range []string{p.plain, p.plain, p.odd} {
		var err error
		if jobs[i], err = p.create(ctx, pool); err != nil {
			return err
		}
		code, err := p.put(ctx, jobs[i], p.file(p.users(manyUsers)...))
		if err != nil || code != "" {
			return errors.Join(err, fmt.Errorf("upload: S3 answered %q", code))
		}
	}
	long, second, foreign := jobs[0], jobs[1], jobs[2]
	started, err := p.startInTurn(ctx, long)
	if err != nil {
		return err
	}
	_, here := p.start(ctx, second)
	_, there := p.start(ctx, foreign)
	if still, err := p.describe(ctx, long); err != nil || still.CompletionDate != nil {
		return errors.Join(err, errors.New("the long job ended before another one could be tried"))
	}
	p.lock(here, there)
	end, err := p.watch(ctx, long, started)
	if err != nil {
		return err
	}
	if processed(end) == 0 {
		return fmt.Errorf("the first job ended %s; may Cognito write logs with %s?", tally(end), p.LogsRoleARN)
	}

	// What was refused starts now, so that it was the long job that stood in its way.
	if there == nil {
		if _, err := p.ended(ctx, foreign, nil); err != nil {
			return err
		}
	}
	if here != nil {
		if _, err := p.startInTurn(ctx, second); err != nil {
			return err
		}
	}
	return p.stop(ctx, second)
}

// lock judges two starts beside an active job, in its own pool and in another one.
func (p *Probe) lock(here, there error) {
	code := func(err error) string {
		if api, ok := errors.AsType[smithy.APIError](err); ok {
			return api.ErrorCode()
		}
		return ""
	}
	if here == nil || code(here) == "" {
		p.unsettled("busyError", "StartUserImportJob beside an active job of the pool was answered with %v", here)
		p.unsettled("lockScope", "see busyError")
		return
	}
	p.settle("busyError", code(here), "StartUserImportJob beside an active job of the pool: %s", refusal(here))
	if there == nil {
		p.settle("lockScope", "pool", "a job of another pool could be started beside it")
	} else {
		p.settle("lockScope", "account", "a job of another pool could not be started beside it: %s", refusal(there))
	}
}

// watch follows a job of manyUsers rows and its log.
func (p *Probe) watch(ctx context.Context, j job, started *types.UserImportJobType) (*types.UserImportJobType, error) {
	// The least age of the newest line that is visible: lines come as long as the job works, and this looks often.
	found, delay := false, time.Duration(math.MaxInt64)
	look := func() error {
		log, err := p.log(ctx, j)
		if err == nil && !log.last.IsZero() {
			found, delay = true, min(delay, time.Since(log.last))
		}
		return err
	}
	end, err := p.ended(ctx, j, look)
	if err != nil {
		return nil, err
	}
	pending := end.StartDate.Sub(*started.StartDate).Round(time.Second)
	p.settle("pending", pending.String(), "StartDate moved by %v when work began", end.StartDate.Sub(*started.StartDate))
	took := end.CompletionDate.Sub(*end.StartDate)
	rate := float64(processed(end)) / max(took.Seconds(), 0.001)
	p.settle("usersPerSecond", math.Round(rate*10)/10,
		"%d rows took %v; the job ended %s", processed(end), took, tally(end))

	for begin := time.Now(); !found && time.Since(begin) < 3*time.Minute; {
		if err := objects.Sleep(ctx, time.Second); err != nil {
			return nil, err
		}
		if err := look(); err != nil {
			return nil, err
		}
	}
	p.settle("noLogGroup", !found, "looked for the job's log until 3 minutes after its end")
	if !found {
		for _, name := range []string{"logDelay", "lineBase", "logMissing", "logDoubled"} {
			p.unsettled(name, "there is no log")
		}
		return end, nil
	}
	p.delay = delay.Truncate(time.Second)
	p.settle("logDelay", p.delay.String(), "the newest line to be seen was %v old", delay.Round(time.Millisecond))
	log, err := p.wholeLog(ctx, j)
	if err != nil {
		return nil, err
	}
	doubled := 0
	for _, times := range log.lines {
		if times > 1 {
			doubled++
		}
	}
	share := func(n, of int) float64 { return math.Round(float64(n)/float64(max(of, 1))*100) / 100 }
	p.settle("logMissing", share(int(processed(end))-len(log.lines), int(processed(end))),
		"%d of %d rows have no line", int(processed(end))-len(log.lines), processed(end))
	p.settle("logDoubled", share(doubled, len(log.lines)), "%d of %d rows have several lines", doubled, len(log.lines))
	return end, p.lineBase(ctx, log, int(processed(end)))
}

// lineBase asks for the one line that only one way of counting has; where the log has neither, other jobs are asked.
func (p *Probe) lineBase(ctx context.Context, log jobLog, rows int) error {
	for range 10 {
		switch {
		case log.lines[1] > 0:
			p.settle("lineBase", 1, "the log of %d rows has a line number 1", rows)
			return nil
		case log.lines[rows+1] > 0:
			p.settle("lineBase", 2, "the log of %d rows has a line number %d", rows, rows+1)
			return nil
		}
		rows = 3
		j, _, err := p.imported(ctx, p.plain, p.file(p.users(rows)...))
		if err != nil {
			return err
		}
		if log, err = p.wholeLog(ctx, j); err != nil {
			return err
		}
	}
	p.unsettled("lineBase", "no log has its first or its last line")
	return nil
}

// stop stops a job at work.
func (p *Probe) stop(ctx context.Context, j job) error {
	stopped, err := p.cognito.StopUserImportJob(ctx, &cognito.StopUserImportJobInput{UserPoolId: &j.pool, JobId: &j.id})
	if err != nil {
		return fmt.Errorf("stop a running job: %w", err)
	}
	begin := time.Now()
	if stopped.UserImportJob.Status == types.UserImportJobStatusTypeStopped {
		p.settle("stopping", "0s", "StopUserImportJob answered Stopped")
		return nil
	}
	end, err := p.ended(ctx, j, nil)
	if err != nil {
		return err
	}
	took := time.Since(begin)
	p.settle("stopping", took.Truncate(time.Second).String(), "%s at first; %s within %v",
		stopped.UserImportJob.Status, end.Status, took.Round(time.Second))
	return nil
}

// oddName looks for the log of a pool whose name no log group can have: oddPoolNameLogged.
func (p *Probe) oddName(ctx context.Context) error {
	if p.report.Settings["noLogGroup"] != false {
		p.unsettled("oddPoolNameLogged", "there is no log at all")
		return nil
	}
	j, _, err := p.imported(ctx, p.odd, p.file(p.users(30)...))
	if err != nil {
		return err
	}
	if _, err := p.wholeLog(ctx, j); err != nil {
		return err
	}
	groups, err := p.groups(ctx, p.odd)
	if err != nil {
		return err
	}
	p.settle("oddPoolNameLogged", len(groups) > 0, "log groups of the pool %q: %q", "userdrop probe, +1", groups)
	return nil
}

// uploadTwice: reuploadAllowed.
func (p *Probe) uploadTwice(ctx context.Context) error {
	j, err := p.create(ctx, p.plain)
	if err != nil {
		return err
	}
	if code, err := p.put(ctx, j, p.file(p.users(1)...)); err != nil || code != "" {
		return errors.Join(err, fmt.Errorf("upload: S3 answered %q", code))
	}
	code, err := p.put(ctx, j, p.file(p.users(2)...))
	if err != nil {
		return err
	}
	if _, err := p.startInTurn(ctx, j); err != nil {
		return err
	}
	end, err := p.ended(ctx, j, nil)
	if err != nil {
		return err
	}
	switch {
	case code != "":
		p.settle("reuploadAllowed", false, "S3 answered the second upload with %s; the job ended %s", code, tally(end))
	case end.ImportedUsers == 2:
		p.settle("reuploadAllowed", true, "the second upload was imported")
	default:
		p.unsettled("reuploadAllowed", "S3 took a second upload of two rows; the job ended %s", tally(end))
	}
	return nil
}

const (
	// mostBad is the largest minimum of failed rows that is looked for.
	mostBad = 120
	// mostRows bounds the smallest share of failed rows that is looked for: 120 of 1,300 are 9 %.
	mostRows = 1300
)
