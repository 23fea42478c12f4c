// Package awaitturn decides whose turn it is: one import job may be active per account, and many drops want to be it.
//
// There is no store. The running executions of import-job, in order of their start, are the queue: an execution that
// dies leaves it by being dead. The list is eventually consistent and other stacks or people may run jobs of their own,
// so Cognito itself is the lock, and the queue only keeps order and calm.
package awaitturn

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	cognitotypes "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"userdrop/internal/aws/awserror"
	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/aws/metrics"
	"userdrop/internal/aws/objects"
	"userdrop/internal/contract"
)

const (
	// UsersPerSecond is the speed of an import job that estimates start from: Amazon's own runs of 100,000 and 500,000
	// users took 56 and 248 minutes.
	// https://docs.aws.amazon.com/solutions/latest/cognito-user-profiles-export-reference-architecture/design-considerations.html
	UsersPerSecond = 35
	// overhead is the time that a part takes beside its rows: states, a pending job, the last look. Rather too little: who
	// asks early asks again, who oversleeps leaves the account idle.
	overhead = 10 * time.Second
	// minWait keeps the polling of a long queue under a quarter of ListExecutions' quota.
	minWait = 10 * time.Second
	// short is how long a job must take for the next in line to look how far it is: an idle account is time lost, but
	// finding the job costs a call for each pool. Behind a long one, who comes soon after it looks as well.
	short = 20 * time.Second
	long  = 5 * time.Minute
	// nextWait is minWait for the next in line; a thousandth of the job in hand where that is more.
	nextWait = 2 * time.Second
	// soon is the rest of a job in hand after which the next in line need not look again before.
	soon = time.Minute
	// pace is the time for each look at a pool: a quarter of the 20 a second that an account has.
	// https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html
	pace = 200 * time.Millisecond
	// maxWait, for each place, bounds the time that is lost when an estimate is wrong.
	maxWait = time.Hour
	// maxOverdue bounds the wait of those behind one that should be done.
	maxOverdue = 5 * time.Minute
	// maxTurns ends an execution's loops: nine events a turn, three more for each time that a function had to be tried
	// again, and 25,000 events end an execution for good.
	maxTurns = 1200
)

// AwaitTurn lets the oldest part go once no import job of the pools is active.
type AwaitTurn struct {
	Machine interface {
		ListExecutions(context.Context, *sfn.ListExecutionsInput, ...func(*sfn.Options)) (*sfn.ListExecutionsOutput, error)
	}
	Cognito interface {
		ListUserImportJobs(
			context.Context, *cognito.ListUserImportJobsInput, ...func(*cognito.Options),
		) (*cognito.ListUserImportJobsOutput, error)
	}
	Hold    *Hold
	Results *objects.Store
	Config  Config
}

// Config is the environment of await-turn.
type Config struct {
	metrics.Stack
	HoldConfig
	ResultsBucket string                  `env:"RESULTS_BUCKET"`
	UserPoolIDs   lambdahandler.UserPools `env:"USER_POOL_ARNS"`
	// Rate is the users per second that estimates start from; simulations lower it.
	Rate float64 `env:"USERS_PER_SECOND" envDefault:"35"`
}

// needs is the time of a job of so many rows.
func (c Config) needs(rows int) time.Duration {
	return time.Duration(float64(rows) / c.Rate * float64(time.Second))
}

// NewAwaitTurn builds the handler of functions/await-turn.
func NewAwaitTurn(cfg aws.Config, environ map[string]string) (lambda.Handler, error) {
	config, err := lambdahandler.Environment[Config](environ)
	if err != nil {
		return nil, err
	}
	client := s3.NewFromConfig(cfg)
	return lambdahandler.Handler((&AwaitTurn{
		Machine: sfn.NewFromConfig(cfg),
		Cognito: cognito.NewFromConfig(cfg),
		Hold:    NewHold(client, config.HoldConfig),
		Results: objects.New(client, config.ResultsBucket),
		Config:  config,
	}).Handle), nil
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

// Handle answers Go, Wait, HandOver, or Done when the import's result is published already.
func (q *AwaitTurn) Handle(ctx context.Context, turn Turn) (contract.ImportJob, error) {
	job := turn.ImportJob
	if job.Ticket.IsZero() {
		job.Ticket = turn.Execution.StartTime
	}
	published, err := q.Results.Exists(ctx, contract.ResultKey(job.ImportID))
	if err != nil {
		return job, err
	}
	if published {
		job.Next = contract.Done
		return job, nil
	}
	line, err := q.line(ctx, turn)
	if err != nil {
		return job, err
	}
	place := slices.IndexFunc(line, func(w waiting) bool { return w.name == turn.Execution.Name })
	if place < 0 { // not in the list yet
		return Pause(job, apart(job, minWait)), nil
	}
	ahead, looked := time.Duration(0), 0
	for _, w := range line[:place] {
		ahead += overhead + q.Config.needs(w.rows)
	}
	if place > 0 {
		// The first in line is at work: take it as half done, and look how far it is if that matters.
		whole := q.Config.needs(line[0].rows)
		rest := whole / 2
		if place == 1 && whole > short || whole > long && ahead-whole <= long {
			if rest, looked, err = q.rest(ctx, &job, line[0]); err != nil {
				return job, err
			}
		}
		ahead += rest - whole
	}
	before := job.Ahead
	if job.MovedAt.IsZero() || place != before {
		job.MovedAt = time.Now().UTC()
	}
	job.Ahead, job.EstimatedSeconds = place, int64(ahead/time.Second)
	if place <= 1 { // the first one asks only until it is at work
		q.Config.Put(ctx, job.ImportID, metrics.QueueLength.Of(float64(len(line))))
	}
	why, wait, err := q.Hold.Why(ctx, time.Now())
	if err != nil {
		return job, err
	}
	if job.Held = why; why != "" { // the first in line may be waiting too, and many must not ask at once
		if place == 0 {
			q.Config.Put(ctx, job.ImportID, metrics.QueueHeld.Of(1))
		}
		return Pause(job, apart(job, max(wait, min(ahead/2, maxWait)))), nil
	}
	if place > 0 {
		return Pause(job, q.sleep(job, line[0], place, looked, ahead)), nil
	}
	pools := q.pools(job.UserPoolID)
	if before > 0 { // this queue held the account until a moment ago: whoever got in between, Cognito will tell
		pools = pools[:1]
	}
	busy, _, err := q.active(ctx, job, pools, func(name string) bool {
		part, _, ours := contract.PartOfJob(job.ImportID, name)
		return !ours || part != job.Part // create-import-job adopts the part's own
	})
	if err != nil {
		return job, err
	}
	if busy != nil { // a job that is not ours, or one that an aborted part left behind
		return Pause(job, 3*minWait), nil
	}
	job.Next = contract.Go
	return job, nil
}

// sleep is how long a part that is not the first in line waits before it asks again.
func (q *AwaitTurn) sleep(
	job contract.ImportJob, first waiting, place, looked int, ahead time.Duration,
) time.Duration {
	// Where the first in line should be done by now, it waits itself: for a job of somebody else's, maybe for hours.
	needs := q.Config.needs(first.rows)
	overdue := time.Since(job.MovedAt) - overhead - needs
	least := max(time.Duration(looked)*pace, min(overdue/10, maxOverdue))
	if place > 1 {
		return apart(job, min(max(ahead/2, least, minWait), time.Duration(place)*maxWait))
	}
	// The next in line is but one, and may ask more often: what it oversleeps, the account stands idle.
	wait := ahead - overhead
	if looked == 0 || wait > soon {
		wait /= 2
	}
	return min(max(wait, least, nextWait, needs/1000), maxWait)
}

// apart adds up to a quarter to the wait of one among many, so that they do not ask at once: how much, a hash of the
// execution and the turn says, and the same run repeats itself.
func apart(job contract.ImportJob, wait time.Duration) time.Duration {
	hash := fnv.New32a()
	fmt.Fprintf(hash, "%d %s", job.Turns, job.Execution)
	return wait + wait/4*time.Duration(hash.Sum32()%1024)/1024
}

// Pause answers Wait, or HandOver once the execution has been round its loops often enough.
func Pause(job contract.ImportJob, wait time.Duration) contract.ImportJob {
	job.Next = contract.Wait
	job.WaitSeconds = int64(wait / time.Second)
	if job.Turns++; job.Turns >= cmp.Or(job.MaxTurns, maxTurns) {
		job.Turns = 0
		job.Execution = job.Successor()
		job.Next = contract.HandOver
	}
	return job
}

type waiting struct {
	name  string
	rows  int
	since time.Time
}

// line lists the running executions of import-job, the oldest first.
func (q *AwaitTurn) line(ctx context.Context, turn Turn) ([]waiting, error) {
	var line []waiting
	pages := sfn.NewListExecutionsPaginator(q.Machine, &sfn.ListExecutionsInput{
		StateMachineArn: &turn.Execution.StateMachineARN, StatusFilter: sfntypes.ExecutionStatusRunning, MaxResults: 1000,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the queue: %w", err)
		}
		for _, e := range page.Executions {
			w := waiting{name: aws.ToString(e.Name), since: aws.ToTime(e.StartDate)}
			if name, ok := contract.ParseExecutionName(w.name); ok {
				if name.ImportID == turn.ImportJob.ImportID && w.name != turn.Execution.Name {
					continue // an import's parts come one after another: this one is over, and the list is late
				}
				w.rows = name.Rows
				if !name.Ticket.IsZero() {
					w.since = name.Ticket
				}
			}
			line = append(line, w)
		}
	}
	slices.SortFunc(line, func(a, b waiting) int {
		return cmp.Or(a.since.Compare(b.since), cmp.Compare(a.name, b.name))
	})
	return line, nil
}

// rest is the time that the first in line still needs, by the rate of its job so far, and how many pools were looked at
// for it. It is none without an active job: then its execution is about to end, or has, and the list does not tell yet.
func (q *AwaitTurn) rest(
	ctx context.Context, job *contract.ImportJob, first waiting,
) (rest time.Duration, looked int, err error) {
	pools := q.pools(job.UserPoolID)
	if job.First.Execution == first.name {
		pools = []string{job.First.UserPoolID}
	}
	name, _ := contract.ParseExecutionName(first.name)
	j, looked, err := q.active(ctx, *job, pools, func(jobName string) bool {
		part, _, ours := contract.PartOfJob(name.ImportID, jobName)
		return ours && part == name.Part
	})
	if j == nil || err != nil {
		return 0, looked, err
	}
	job.First = contract.First{Execution: first.name, UserPoolID: pools[looked-1]}
	done, took := j.ImportedUsers+j.SkippedUsers+j.FailedUsers, time.Since(aws.ToTime(j.StartDate))
	if done == 0 || took <= 0 {
		return q.Config.needs(first.rows), looked, nil
	}
	return time.Duration(float64(max(int64(first.rows)-done, 0)) / float64(done) * float64(took)), looked, nil
}

// pools are the allowed pools, the part's own first.
func (q *AwaitTurn) pools(own string) []string {
	return append([]string{own}, slices.DeleteFunc(slices.Clone(q.Config.UserPoolIDs), func(id string) bool {
		return id == own
	})...)
}

// active looks at the newest jobs of pools for one that runs and counts, and tells how many pools it looked at.
func (q *AwaitTurn) active(
	ctx context.Context, job contract.ImportJob, pools []string, counts func(jobName string) bool,
) (found *cognitotypes.UserImportJobType, looked int, err error) {
	for looked, pool := range pools {
		list, err := q.Cognito.ListUserImportJobs(ctx, &cognito.ListUserImportJobsInput{
			UserPoolId: &pool, MaxResults: aws.Int32(50), // the model allows 60, its list shape 50
		})
		if awserror.Name(err) == contract.Gone && pool != job.UserPoolID {
			continue // another drop's pool was deleted
		}
		if err != nil {
			return nil, looked + 1, fmt.Errorf("list the import jobs of %s: %w", pool, err)
		}
		for _, other := range list.UserImportJobs {
			if Active(other.Status) && counts(aws.ToString(other.JobName)) {
				return &other, looked + 1, nil
			}
		}
	}
	return nil, len(pools), nil
}

// Active tells whether a job with that status holds the account's one place.
func Active(status cognitotypes.UserImportJobStatusType) bool {
	switch status {
	case cognitotypes.UserImportJobStatusTypePending, cognitotypes.UserImportJobStatusTypeInProgress,
		cognitotypes.UserImportJobStatusTypeStopping:
		return true
	default:
		return false
	}
}
