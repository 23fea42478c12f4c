// Package awaitturn decides whose turn it is: one import job may be active per account, and many drops compete for it.
//
// There is no store. The running executions of import-job, in the order in which they entered the queue, are the queue:
// an execution that dies leaves it by being dead. The list is eventually consistent and other stacks or people may run
// jobs of their own, so Cognito itself is the lock, and the queue only keeps order and limits polling.
package awaitturn

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"userdrop/internal/aws/awserror"
	"userdrop/internal/aws/hold"
	"userdrop/internal/aws/importjobs"
	"userdrop/internal/aws/imports"
	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/aws/metrics"
	"userdrop/internal/contract"
)

// Config is the environment of await-turn.
type Config struct {
	metrics.Stack
	hold.Config
	ResultsBucket string                  `env:"RESULTS_BUCKET"`
	UserPoolIDs   lambdahandler.UserPools `env:"USER_POOL_ARNS"`
	// Rate is the users per second that estimates start from; simulations lower it.
	Rate float64 `env:"USERS_PER_SECOND" envDefault:"35"`
}

type step struct {
	machine *sfn.Client
	cognito *cognito.Client
	hold    *hold.Hold
	imports imports.Imports
	config  Config
}

// New builds the handler of functions/await-turn.
func New(cfg aws.Config, environ map[string]string) (lambda.Handler, error) {
	config, err := lambdahandler.Environment[Config](environ)
	if err != nil {
		return nil, err
	}
	client := s3.NewFromConfig(cfg)
	return lambdahandler.Handler((&step{
		machine: sfn.NewFromConfig(cfg),
		cognito: cognito.NewFromConfig(cfg),
		hold:    hold.New(client, config.Config),
		imports: imports.New(client, config.ResultsBucket, config.WorkBucket),
		config:  config,
	}).handle), nil
}

// Turn is the input of await-turn: the part, and which execution asks.
type Turn struct {
	ImportJob contract.ImportJob `json:"importJob"`
	Execution struct {
		Name            string    `json:"name"`
		StartTime       time.Time `json:"startTime"`
		StateMachineARN string    `json:"stateMachineArn"`
	} `json:"execution"`
}

// handle answers Proceed, Wait, HandOver, or Done when the import's result is published already.
func (s *step) handle(ctx context.Context, turn Turn) (contract.ImportJob, error) {
	job := turn.ImportJob
	if job.Ticket.IsZero() {
		job.Ticket = turn.Execution.StartTime
	}
	published, err := s.imports.AlreadyPublished(ctx, job.ImportID)
	if err != nil {
		return job, err
	}
	if published {
		job.Next = contract.Done
		return job, nil
	}
	line, err := s.line(ctx, turn)
	if err != nil {
		return job, err
	}
	place := slices.IndexFunc(line, func(q queued) bool { return q.name == turn.Execution.Name })
	if place < 0 { // not in the list yet
		return job.Pause(withJitter(job, defaultPolicy.minPoll)), nil
	}
	before := job.Ahead
	v, err := s.look(ctx, &job, line[:place])
	if err != nil {
		return job, err
	}
	if place <= 1 { // the first one asks only until it is at work
		s.config.Put(ctx, job.ImportID, metrics.QueueLength.Of(float64(len(line))))
	}
	why, wait, err := s.hold.Why(ctx, time.Now())
	if err != nil {
		return job, err
	}
	if job.Held = why; why != "" { // the first in line may be waiting too, and many must not ask at once
		if place == 0 {
			s.config.Put(ctx, job.ImportID, metrics.QueueHeld.Of(1))
		}
		return job.Pause(withJitter(job, max(wait, min(v.ahead/2, defaultPolicy.maxPollPerPlace)))), nil
	}
	if place > 0 {
		if defaultPolicy.overdue(v) > overdueNotice {
			job.Held = "the job of a part ahead does not start: another one of the account runs, or Cognito refuses it"
		}
		wait := defaultPolicy.wait(v)
		if place > 1 {
			wait = withJitter(job, wait)
		}
		return job.Pause(wait), nil
	}
	other, looked, err := s.inTheWay(ctx, job, before)
	if err != nil {
		return job, err
	}
	if other != nil {
		v.looked = looked
		if rows := rowsOf(other.Name, line); rows > 0 {
			// A part that came later got in between while the list was late: this one is the next after it.
			v.place, v.first = 1, s.timeFor(rows)
			v.ahead = defaultPolicy.partOverhead + s.left(rows, *other)
		}
		return job.Pause(defaultPolicy.wait(v)), nil
	}
	job.Next = contract.Proceed
	return job, nil
}

// rowsOf returns the number of rows of the Cognito job of a part in the line; 0 if it is no part's: somebody else's job,
// or one that an aborted part left behind.
func rowsOf(jobName string, line []queued) int {
	for _, q := range line {
		if q.owns(jobName) {
			return q.rows
		}
	}
	return 0
}

// look estimates the time that the parts ahead still need, and notes the part's place and the estimate in its payload.
func (s *step) look(ctx context.Context, job *contract.ImportJob, ahead []queued) (view, error) {
	v := view{place: len(ahead)}
	for _, q := range ahead {
		v.ahead = min(v.ahead+defaultPolicy.partOverhead+s.timeFor(q.rows), contract.MaxEstimate)
	}
	if v.place > 0 {
		// The first in line is at work: take it as half done, and look how far it is if that matters.
		v.first = s.timeFor(ahead[0].rows)
		rest := v.first / 2
		if defaultPolicy.looksAtFirst(v) {
			var err error
			if rest, v.looked, err = s.timeLeft(ctx, job, ahead[0]); err != nil {
				return v, err
			}
		}
		v.ahead = min(v.ahead-v.first+rest, contract.MaxEstimate)
	}
	now := time.Now().UTC()
	if job.MovedAt.IsZero() || v.place != job.Ahead {
		job.MovedAt = now
	}
	v.sinceMoved = now.Sub(job.MovedAt)
	job.Ahead, job.EstimatedSeconds = v.place, int64(v.ahead/time.Second)
	return v, nil
}

// timeFor estimates the time that a job of so many rows takes.
func (s *step) timeFor(rows int) time.Duration {
	return contract.Progress{Rows: rows, Rate: s.config.Rate}.TimeLeft()
}

// queued is a running execution of import-job.
type queued struct {
	name   string
	rows   int
	ticket time.Time
}

// owns reports whether a Cognito job is one of the execution's part.
func (q queued) owns(jobName string) bool {
	name, _ := contract.ParseExecutionName(q.name)
	part, _, ours := contract.PartOfJob(name.ImportID, jobName)
	return ours && part == name.Part
}

// line lists the queue, the oldest first.
func (s *step) line(ctx context.Context, turn Turn) ([]queued, error) {
	var line []queued
	pages := sfn.NewListExecutionsPaginator(s.machine, &sfn.ListExecutionsInput{
		StateMachineArn: &turn.Execution.StateMachineARN, StatusFilter: sfntypes.ExecutionStatusRunning, MaxResults: 1000,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the queue: %w", err)
		}
		for _, e := range page.Executions {
			q := queued{name: aws.ToString(e.Name), ticket: aws.ToTime(e.StartDate)}
			if name, ok := contract.ParseExecutionName(q.name); ok {
				if name.ImportID == turn.ImportJob.ImportID && q.name != turn.Execution.Name {
					continue // an import's parts come one after another: this one is over, and the list is late
				}
				q.rows = name.Rows
				if !name.Ticket.IsZero() {
					q.ticket = name.Ticket
				}
			}
			line = append(line, q)
		}
	}
	slices.SortFunc(line, func(a, b queued) int {
		return cmp.Or(a.ticket.Compare(b.ticket), cmp.Compare(a.name, b.name))
	})
	return line, nil
}

// timeLeft estimates the time that the first in line still needs, by the speed of its job so far. looked is the number
// of pools that were looked at for the job. Zero if no job is active: the execution is ending and the list is stale.
func (s *step) timeLeft(
	ctx context.Context, job *contract.ImportJob, first queued,
) (left time.Duration, looked int, err error) {
	pools := s.pools(job.UserPoolID)
	if job.First.Execution == first.name {
		pools = []string{job.First.UserPoolID}
	}
	active, looked, err := s.active(ctx, *job, pools, first.owns)
	if active == nil || err != nil {
		return 0, looked, err
	}
	job.First = contract.First{Execution: first.name, UserPoolID: pools[looked-1]}
	return s.left(first.rows, *active), looked, nil
}

// left estimates the time that an active job of so many rows still needs.
func (s *step) left(rows int, job contract.Job) time.Duration {
	return contract.Progress{
		Rows: rows, Processed: job.Processed(), Took: time.Since(job.StartedAt), Rate: s.config.Rate,
	}.TimeLeft()
}

// inTheWay returns another job that holds the account's slot, nil if there is none, and the number of pools that were
// looked at for it. before is the part's place at its last look.
func (s *step) inTheWay(
	ctx context.Context, job contract.ImportJob, before int,
) (other *contract.Job, looked int, err error) {
	pools := s.pools(job.UserPoolID)
	if before > 0 { // this queue held the slot until a moment ago: Cognito refuses if somebody got in between
		pools = pools[:1]
	}
	return s.active(ctx, job, pools, func(name string) bool {
		part, _, ours := contract.PartOfJob(job.ImportID, name)
		return !ours || part != job.Part // create-import-job adopts the part's own
	})
}

// pools returns the allowed pools, the part's own first.
func (s *step) pools(own string) []string {
	return append([]string{own}, slices.DeleteFunc(slices.Clone(s.config.UserPoolIDs), func(id string) bool {
		return id == own
	})...)
}

// active looks at the newest jobs of pools for an active one that counts, and returns the number of pools it looked at.
func (s *step) active(
	ctx context.Context, job contract.ImportJob, pools []string, counts func(jobName string) bool,
) (found *contract.Job, looked int, err error) {
	for looked, pool := range pools {
		jobs, err := importjobs.Newest(ctx, s.cognito, pool)
		if awserror.Name(err) == contract.Gone && pool != job.UserPoolID {
			continue // another drop's pool was deleted
		}
		if err != nil {
			return nil, looked + 1, err
		}
		for _, other := range jobs {
			if other.Active() && counts(other.Name) {
				return &other, looked + 1, nil
			}
		}
	}
	return nil, len(pools), nil
}
