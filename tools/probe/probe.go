// Package probe settles on a real account what AWS does not document about user import jobs: a scratch user pool, one
// small experiment for each unknown, and the answers as the settings of the local double.
//
// It makes two user pools with made-up users, whom nobody can sign in as and nobody is told of, and removes them. While
// it runs, the account's one import job at a time is its own: imports wait.
package probe

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"userdrop/internal/aws/importjobs"
	"userdrop/internal/aws/objects"
	"userdrop/internal/aws/signedurl"
)

// Probe is one run. LogsRoleARN must be set: a role with which Cognito writes the logs of import jobs.
type Probe struct {
	LogsRoleARN string
	// Keep leaves what the probe made, for people to look at.
	Keep bool
	// Progress, when not nil, is told of each step.
	Progress func(step string)

	cognito *cognito.Client
	logs    *cloudwatchlogs.Client
	upload  *signedurl.Client

	pools  []string // that were made
	plain  string   // the pool for most experiments
	odd    string   // one whose name no log group can have, and whose users sign in by address as well
	header []string // of the plain pool
	serial int      // of users and jobs
	report Report
	delay  time.Duration // from a row to the visibility of its log line
}

// New returns a probe of an account.
func New(cfg aws.Config, logsRoleARN string) *Probe {
	// Signed for one host: a redirect would carry the file elsewhere.
	return &Probe{
		LogsRoleARN: logsRoleARN, cognito: cognito.NewFromConfig(cfg), logs: cloudwatchlogs.NewFromConfig(cfg),
		upload: signedurl.New(cfg),
	}
}

// Report is what a run found out.
type Report struct {
	// Settings are the double's, by their names in JSON, as far as they were settled.
	Settings map[string]any `json:"settings"`
	Findings []Finding      `json:"findings"`
	// Pools are the user pools that are still there.
	Pools []string `json:"pools,omitempty"`
}

// Finding is one answer and what it rests on, or why there is none.
type Finding struct {
	Setting  string `json:"setting"`
	Value    any    `json:"value,omitempty"` // nil where it was not settled
	Evidence string `json:"evidence"`
}

func (p *Probe) settle(setting string, value any, evidence string, args ...any) {
	p.report.Settings[setting] = value
	p.report.Findings = append(p.report.Findings, Finding{setting, value, fmt.Sprintf(evidence, args...)})
}

func (p *Probe) unsettled(setting, why string, args ...any) {
	p.report.Findings = append(p.report.Findings, Finding{Setting: setting, Evidence: fmt.Sprintf(why, args...)})
}

func (p *Probe) say(format string, args ...any) {
	if p.Progress != nil {
		p.Progress(fmt.Sprintf(format, args...))
	}
}

// Run does all experiments, one after the other, and removes what it made, also when ctx ends before. What was settled
// until then is in the report.
func (p *Probe) Run(ctx context.Context) (report Report, err error) {
	p.report = Report{Settings: map[string]any{}}
	defer func() {
		if !p.Keep {
			p.say("Removing the scratch pools and their logs")
			limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Minute)
			defer cancel()
			err = errors.Join(err, p.remove(limited))
		}
		p.report.Pools = p.pools
		report = p.report
	}()
	for _, e := range []struct {
		step string
		do   func(context.Context) error
	}{
		{"Making two scratch pools", p.makePools},
		{"A job that is not started: its place in the list, its URL, stopping it", p.created},
		{"Three jobs at once, the log of the one, and stopping another", p.concurrent},
		{"The log of a pool whose name no log group can have", p.oddName},
		{"Blank lines in the file", p.blankLines},
		{"Uploading twice", p.uploadTwice},
		{"The header: fewer columns, no password_hash, CRLF", p.headers},
		{"Escapes: a backslash, a quotation mark", p.escapes},
		{"Rows that clash: a username twice, an address of somebody else", p.clashes},
		{"Password hashes", p.hashes},
		{"When too many users have failed or been skipped", p.threshold},
		{"Blank flags", p.blanks},
	} {
		p.say("%s", e.step)
		if err := e.do(ctx); err != nil {
			return p.report, fmt.Errorf("%s: %w", e.step, err)
		}
	}
	return p.report, nil
}

func (p *Probe) makePools(ctx context.Context) error {
	for _, pool := range []struct {
		id      *string
		name    string
		aliases []types.AliasAttributeType
	}{
		{&p.plain, "userdrop-probe", nil},
		{&p.odd, "userdrop probe, +1", []types.AliasAttributeType{types.AliasAttributeTypeEmail}},
	} {
		out, err := p.cognito.CreateUserPool(ctx, &cognito.CreateUserPoolInput{
			PoolName: &pool.name, AliasAttributes: pool.aliases,
			AutoVerifiedAttributes: []types.VerifiedAttributeType{types.VerifiedAttributeTypeEmail},
			UserPoolTags:           map[string]string{"userdrop": "probe"},
		})
		if err != nil {
			return err
		}
		*pool.id = *out.UserPool.Id
		p.pools = append(p.pools, *pool.id)
	}
	header, err := p.cognito.GetCSVHeader(ctx, &cognito.GetCSVHeaderInput{UserPoolId: &p.plain})
	if err != nil {
		return err
	}
	p.header = header.CSVHeader
	return nil
}

// remove stops the jobs of the scratch pools, and removes pools and logs.
func (p *Probe) remove(ctx context.Context) error {
	var errs []error
	var left []string
	for _, pool := range p.pools {
		if err := p.removePool(ctx, pool); err != nil {
			errs = append(errs, fmt.Errorf("remove the scratch pool %s: %w", pool, err))
			left = append(left, pool)
		}
	}
	// A late line would make its group anew.
	if p.delay > 0 {
		errs = append(errs, objects.Sleep(ctx, p.delay+5*time.Second))
	}
	for _, pool := range p.pools {
		if err := p.removeLogs(ctx, pool); err != nil {
			errs = append(errs, fmt.Errorf("remove the logs of the scratch pool %s: %w", pool, err))
		}
	}
	p.pools = left
	return errors.Join(errs...)
}

func (p *Probe) removePool(ctx context.Context, pool string) error {
	for {
		_, err := p.cognito.DeleteUserPool(ctx, &cognito.DeleteUserPoolInput{UserPoolId: &pool})
		if err == nil {
			return nil
		}
		if _, busy := errors.AsType[*types.UserImportInProgressException](err); !busy {
			return err
		}
		list, err := p.cognito.ListUserImportJobs(ctx, &cognito.ListUserImportJobsInput{
			UserPoolId: &pool, MaxResults: aws.Int32(50),
		})
		if err != nil {
			return err
		}
		for _, j := range list.UserImportJobs {
			if importjobs.State(&j).Active() {
				// It may have ended or be stopping already: the next try to delete the pool tells.
				_, _ = p.cognito.StopUserImportJob(ctx, &cognito.StopUserImportJobInput{UserPoolId: &pool, JobId: j.JobId})
			}
		}
		if err := objects.Sleep(ctx, 5*time.Second); err != nil {
			return err
		}
	}
}

func (p *Probe) removeLogs(ctx context.Context, pool string) error {
	groups, err := p.groups(ctx, pool)
	if err != nil {
		return err
	}
	for _, group := range groups {
		_, err := p.logs.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: &group})
		if _, gone := errors.AsType[*logtypes.ResourceNotFoundException](err); err != nil && !gone {
			return err
		}
	}
	return nil
}

// String is the report for people.
func (r Report) String() string {
	var b strings.Builder
	for _, f := range r.Findings {
		answer := "not settled"
		if f.Value != nil {
			answer = fmt.Sprint(f.Value)
		}
		fmt.Fprintf(&b, "%-24s %-30s %s\n", f.Setting, answer, f.Evidence)
	}
	return b.String()
}
