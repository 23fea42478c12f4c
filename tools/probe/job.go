package probe

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go"

	"userdrop/internal/aws/importjobs"
	"userdrop/internal/aws/objects"
	"userdrop/internal/aws/signedurl"
)

const (
	columnUsername = "cognito:username"
	columnMFA      = "cognito:mfa_enabled"
	columnHash     = "password_hash"
)

// row is a user by columns of the header.
type row map[string]string

// user is a new user whom every pool takes.
func (p *Probe) user() row {
	p.serial++
	name := fmt.Sprintf("probe-%06d", p.serial)
	return row{
		columnUsername: name, "email": name + "@example.com", "email_verified": "true",
		"phone_number_verified": "false", columnMFA: "false",
	}
}

func (p *Probe) users(n int) []row {
	rows := make([]row, n)
	for i := range rows {
		rows[i] = p.user()
	}
	return rows
}

// with changes one value of a row.
func (r row) with(column, value string) row {
	r[column] = value
	return r
}

// failing is a row that fails for a documented reason: no auto-verified attribute is true.
func failing(r row) row { return r.with("email_verified", "false") }

// file writes rows in Cognito's dialect under the whole header. Values are written as they are.
func (p *Probe) file(rows ...row) string { return file(p.header, rows...) }

func file(header []string, rows ...row) string {
	var b strings.Builder
	b.WriteString(strings.Join(header, ","))
	b.WriteByte('\n')
	values := make([]string, len(header))
	for _, r := range rows {
		for i, column := range header {
			values[i] = r[column]
		}
		b.WriteString(strings.Join(values, ","))
		b.WriteByte('\n')
	}
	return b.String()
}

// job is an import job of a scratch pool.
type job struct {
	pool, id string
	url      string // a credential: not for any message
}

func (p *Probe) create(ctx context.Context, pool string) (job, error) {
	p.serial++
	out, err := p.cognito.CreateUserImportJob(ctx, &cognito.CreateUserImportJobInput{
		UserPoolId: &pool, JobName: aws.String("probe-" + strconv.Itoa(p.serial)), CloudWatchLogsRoleArn: &p.LogsRoleARN,
	})
	if err != nil {
		return job{}, err
	}
	return job{pool, *out.UserImportJob.JobId, aws.ToString(out.UserImportJob.PreSignedUrl)}, nil
}

// put uploads a file for a job and returns S3's error code, empty for success.
func (p *Probe) put(ctx context.Context, j job, file string) (code string, err error) {
	target, ok := signedurl.Parse(j.url)
	if !ok {
		return "", errors.New("the new import job has no upload URL")
	}
	return p.upload.Put(ctx, target, strings.NewReader(file), int64(len(file)))
}

func (p *Probe) describe(ctx context.Context, j job) (*types.UserImportJobType, error) {
	out, err := p.cognito.DescribeUserImportJob(ctx, &cognito.DescribeUserImportJobInput{
		UserPoolId: &j.pool, JobId: &j.id,
	})
	if err != nil {
		return nil, err
	}
	return out.UserImportJob, nil
}

func (p *Probe) start(ctx context.Context, j job) (*types.UserImportJobType, error) {
	out, err := p.cognito.StartUserImportJob(ctx, &cognito.StartUserImportJobInput{UserPoolId: &j.pool, JobId: &j.id})
	if err != nil {
		return nil, err
	}
	return out.UserImportJob, nil
}

// patience is how long the probe waits for a job of somebody else's to end.
const patience = 30 * time.Minute

// startInTurn starts a job, and waits where somebody else's job is active.
func (p *Probe) startInTurn(ctx context.Context, j job) (*types.UserImportJobType, error) {
	for begin := time.Now(); ; {
		started, err := p.start(ctx, j)
		if err == nil {
			return started, nil
		}
		described, describeErr := p.describe(ctx, j)
		switch {
		case describeErr != nil:
			return nil, errors.Join(err, describeErr)
		case described.Status != types.UserImportJobStatusTypeCreated: // the answer to a start that worked was lost
			return described, nil
		case time.Since(begin) > patience:
			return nil, fmt.Errorf("a job can't be started for %v; is another job of the account active? %w", patience, err)
		}
		p.say("  waiting: %s", refusal(err))
		if err := objects.Sleep(ctx, 10*time.Second); err != nil {
			return nil, err
		}
	}
}

func refusal(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode() + ": " + api.ErrorMessage()
	}
	return err.Error()
}

// ended waits for a job's end. See is called once a second, half-way between seconds, so that what takes whole seconds
// is never measured at the instant at which it happens.
func (p *Probe) ended(ctx context.Context, j job, see func() error) (*types.UserImportJobType, error) {
	for {
		if err := objects.Sleep(ctx, 500*time.Millisecond); err != nil {
			return nil, err
		}
		if see != nil {
			if err := see(); err != nil {
				return nil, err
			}
		}
		described, err := p.describe(ctx, j)
		if err != nil {
			return nil, err
		}
		if described.Status != types.UserImportJobStatusTypeCreated && !importjobs.State(described).Active() {
			return described, nil
		}
		if err := objects.Sleep(ctx, 500*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// imported brings a file through a job of its own.
func (p *Probe) imported(ctx context.Context, pool, file string) (job, *types.UserImportJobType, error) {
	j, err := p.create(ctx, pool)
	if err != nil {
		return j, nil, err
	}
	code, err := p.put(ctx, j, file)
	if err != nil || code != "" {
		return j, nil, errors.Join(err, fmt.Errorf("upload: S3 answered %q", code))
	}
	if _, err := p.startInTurn(ctx, j); err != nil {
		return j, nil, err
	}
	end, err := p.ended(ctx, j, nil)
	return j, end, err
}

// tally says how a job ended.
func tally(j *types.UserImportJobType) string {
	return fmt.Sprintf("%s, %d imported, %d skipped, %d failed: %s",
		j.Status, j.ImportedUsers, j.SkippedUsers, j.FailedUsers, aws.ToString(j.CompletionMessage))
}

func processed(j *types.UserImportJobType) int64 {
	return j.ImportedUsers + j.SkippedUsers + j.FailedUsers
}

// groups are a pool's log groups.
func (p *Probe) groups(ctx context.Context, pool string) ([]string, error) {
	out, err := p.logs.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{
		LogGroupNamePrefix: aws.String("/aws/cognito/userpools/" + pool + "/"),
	})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, g := range out.LogGroups {
		names = append(names, *g.LogGroupName)
	}
	return names, nil
}

// jobLog is what is visible of a job's log.
type jobLog struct {
	last  time.Time   // of its newest line, whatever it says; zero for none
	lines map[int]int // how often each line number comes
}

// numbers are the line numbers in order.
func (l jobLog) numbers() []int {
	var numbers []int
	for n := range l.lines {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	return numbers
}

var outcomeLine = regexp.MustCompile(`^\[(?:SUCCEEDED|SKIPPED|FAILED)\] Line Number (\d+)`)

func (p *Probe) log(ctx context.Context, j job) (jobLog, error) {
	log := jobLog{lines: map[int]int{}}
	groups, err := p.groups(ctx, j.pool)
	if err != nil {
		return log, err
	}
	for _, group := range groups {
		pages := cloudwatchlogs.NewFilterLogEventsPaginator(p.logs, &cloudwatchlogs.FilterLogEventsInput{
			LogGroupName: &group, LogStreamNamePrefix: aws.String(j.id + "/"),
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if _, gone := errors.AsType[*logtypes.ResourceNotFoundException](err); gone {
				break
			}
			if err != nil {
				return log, err
			}
			for _, e := range page.Events {
				if at := time.UnixMilli(aws.ToInt64(e.Timestamp)); at.After(log.last) {
					log.last = at
				}
				if m := outcomeLine.FindStringSubmatch(aws.ToString(e.Message)); m != nil {
					n, _ := strconv.Atoi(m[1]) // digits; too many of them are no line number of ours
					log.lines[n]++
				}
			}
		}
	}
	return log, nil
}

// wholeLog is a job's log when it had the time to be complete.
func (p *Probe) wholeLog(ctx context.Context, j job) (jobLog, error) {
	if err := objects.Sleep(ctx, p.delay+10*time.Second); err != nil {
		return jobLog{}, err
	}
	return p.log(ctx, j)
}
