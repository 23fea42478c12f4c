package applychanges

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"userdrop/internal/aws/awserror"
	"userdrop/internal/aws/metrics"
	"userdrop/internal/aws/objects"
	"userdrop/internal/contract"
)

type lister interface {
	ListExecutions(context.Context, *sfn.ListExecutionsInput, ...func(*sfn.Options)) (*sfn.ListExecutionsOutput, error)
}

const (
	shortestWait = 10 * time.Second
	longestWait  = 15 * time.Minute
	// leaseTime is longer than a loop needs between two checkpoints. After a kill the next run waits so long.
	leaseTime = 3 * time.Minute
)

// queue returns 0 for the first of the running executions, in order of their start, and how long to wait for all others.
func (a *Apply) queue(ctx context.Context, turn Turn) (time.Duration, error) {
	var line []types.ExecutionListItem
	pages := sfn.NewListExecutionsPaginator(a.Machine, &sfn.ListExecutionsInput{
		StateMachineArn: &turn.Execution.StateMachineARN, StatusFilter: types.ExecutionStatusRunning, MaxResults: 1000,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, fmt.Errorf("list the queue of changes: %w", err)
		}
		line = append(line, page.Executions...)
	}
	slices.SortFunc(line, func(x, y types.ExecutionListItem) int {
		return cmp.Or(aws.ToTime(x.StartDate).Compare(aws.ToTime(y.StartDate)),
			cmp.Compare(aws.ToString(x.Name), aws.ToString(y.Name)))
	})
	place := slices.IndexFunc(line, func(e types.ExecutionListItem) bool {
		return aws.ToString(e.Name) == turn.Execution.Name
	})
	switch {
	case place == 0:
		return 0, nil
	case place < 0: // not in the list yet
		return shortestWait, nil
	}
	var held contract.ChangesLease
	if _, err := a.Work.ReadJSON(ctx, contract.ChangesLeaseKey, &held); err != nil {
		return 0, err
	}
	a.Config.Put(ctx, turn.Apply.ImportID, metrics.ChangesLeft.Of(float64(held.Left)))
	left := time.Duration(float64(held.Left) / a.Config.Rate * float64(time.Second))
	// Half of the time that is left: near the end the next in line asks often.
	return min(max(left/2, time.Duration(place)*shortestWait), longestWait), nil
}

// lease is the right to apply changes. The list of executions is late now and then, and a function goes on after its
// execution is stopped: the lease is what keeps two loops from doubling the rate.
type lease struct {
	work *objects.Store
	tag  string
	done int // rows, by this run
	contract.ChangesLease
}

// acquire takes the lease, or says how long to wait for the run that holds it.
func (a *Apply) acquire(ctx context.Context, execution string) (*lease, time.Duration, error) {
	l := &lease{work: a.Work, ChangesLease: contract.ChangesLease{
		Execution: execution, Run: fmt.Sprintf("%s %d", execution, time.Now().UnixNano()),
	}}
	text, tag, _, err := a.Work.Tagged(ctx, contract.ChangesLeaseKey)
	if awserror.Name(err) == contract.Gone {
		if _, err = a.Work.WriteOnce(ctx, contract.ChangesLeaseKey, "application/json", []byte("{}")); err == nil {
			text, tag, _, err = a.Work.Tagged(ctx, contract.ChangesLeaseKey)
		}
	}
	if err != nil {
		return nil, 0, err
	}
	var held contract.ChangesLease
	if err := json.Unmarshal([]byte(text), &held); err != nil {
		return nil, 0, fmt.Errorf("decode %s: %w", contract.ChangesLeaseKey, err)
	}
	if wait := time.Until(held.Until); wait > 0 {
		return nil, min(wait, leaseTime) + time.Second, nil
	}
	l.tag, l.Of = tag, held.Of
	won, err := l.renew(ctx, held.Left)
	if err == nil && !won {
		return nil, shortestWait, nil
	}
	return l, 0, err
}

// renew prolongs the lease, and reports whether this run still holds it.
func (l *lease) renew(ctx context.Context, left int) (held bool, err error) {
	l.Left, l.Until = left, time.Now().UTC().Add(leaseTime)
	return l.write(ctx)
}

// release ends the lease.
func (l *lease) release(ctx context.Context) error {
	l.Until = time.Now().UTC()
	_, err := l.write(ctx)
	return err
}

func (l *lease) write(ctx context.Context) (won bool, err error) {
	text, err := json.Marshal(l.ChangesLease)
	if err != nil {
		return false, fmt.Errorf("encode the lease: %w", err)
	}
	if _, err = l.work.Replace(ctx, contract.ChangesLeaseKey, "application/json", text, l.tag); err != nil {
		return false, err
	}
	// Whoever has won, what is there says who: the answer to a write that succeeded may have been lost.
	there, tag, _, err := l.work.Tagged(ctx, contract.ChangesLeaseKey)
	l.tag = tag
	return there == string(text), err
}
