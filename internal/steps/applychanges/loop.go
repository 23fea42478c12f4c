package applychanges

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go"

	"userdrop/internal/aws/awserror"
	"userdrop/internal/contract"
)

const (
	// inFlight is how many calls may be under way: at 25 a second, answers of a third of a second do not slow the loop.
	inFlight = 8
	// callTimeout is longer than Cognito takes.
	callTimeout = 10 * time.Second
	// tries is how often a call is made that fails for a fault of AWS's, or of the way to it.
	tries = 6
)

// operation is one call for one row.
type operation struct {
	change  *contract.Change
	kind    func(*contract.Changes) *contract.ChangeCounts
	call    func(ctx context.Context, pool string, c users) error // nil: it is so already
	what    string                                                // for people, in failed.csv
	ofGroup bool
	result  result
}

// result is what became of an operation.
type result struct {
	done    bool
	refusal string // why it failed; empty if it did not
}

func attributes(c *contract.Changes) *contract.ChangeCounts { return &c.Attributes }

func groups(c *contract.Changes) *contract.ChangeCounts { return &c.Groups }
func state(c *contract.Changes) *contract.ChangeCounts  { return &c.State }

// operations lists what a row wants.
func operations(change *contract.Change) []*operation {
	var all []*operation
	for _, group := range change.Groups {
		all = append(all, &operation{
			change: change, kind: groups, ofGroup: true, what: fmt.Sprintf("adding the user to the group %q", group),
			call: func(ctx context.Context, pool string, c users) error {
				_, err := c.AdminAddUserToGroup(ctx, &cognito.AdminAddUserToGroupInput{
					UserPoolId: &pool, Username: &change.Username, GroupName: &group,
				})
				return err
			},
		})
	}
	if change.Refused != "" {
		refused := &operation{change: change, kind: attributes, what: "changing an address"}
		refused.result.refusal = change.Refused
		all = append(all, refused)
	}
	if len(change.Attributes) > 0 {
		all = append(all, update(change))
	}
	switch {
	case change.Enabled == nil:
	case !*change.Enabled:
		all = append(all, &operation{
			change: change, kind: state, what: "disabling the user",
			call: func(ctx context.Context, pool string, c users) error {
				_, err := c.AdminDisableUser(ctx, &cognito.AdminDisableUserInput{UserPoolId: &pool, Username: &change.Username})
				return err
			},
		})
	case !change.Existed: // whom a job makes is enabled
		all = append(all, &operation{change: change, kind: state})
	default:
		all = append(all, &operation{
			change: change, kind: state, what: "enabling the user",
			call: func(ctx context.Context, pool string, c users) error {
				_, err := c.AdminEnableUser(ctx, &cognito.AdminEnableUserInput{UserPoolId: &pool, Username: &change.Username})
				return err
			},
		})
	}
	return all
}

// update changes the attributes of an existing user.
func update(change *contract.Change) *operation {
	var values []types.AttributeType
	for _, name := range slices.Sorted(maps.Keys(change.Attributes)) {
		values = append(values, types.AttributeType{Name: aws.String(name), Value: aws.String(change.Attributes[name])})
	}
	return &operation{
		change: change, kind: attributes, what: "changing attributes",
		call: func(ctx context.Context, pool string, c users) error {
			_, err := c.AdminUpdateUserAttributes(ctx, &cognito.AdminUpdateUserAttributesInput{
				UserPoolId: &pool, Username: &change.Username, UserAttributes: values,
			})
			return err
		},
	}
}

// loop applies the changes of one part in one run of the function.
type loop struct {
	users users
	pool  string
	pace  *pacer

	mu       sync.Mutex
	noHope   string // why no change can be applied
	breaking error  // a fault that did not pass
}

func newLoop(c users, pool string, top, rate float64) *loop {
	return &loop{users: c, pool: pool, pace: newPacer(top, rate)}
}

// run applies changes until it is time for a checkpoint. The answer counts the first changes, up to Next, that are done;
// a later one that is done as well is done again by the next run. The error is a fault that did not pass.
func (l *loop) run(ctx context.Context, wanted []contract.Change) (contract.ChangesDone, error) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-beforeDeadline/2))
		defer cancel()
	}
	end := time.Now().Add(interval)
	slots := make(chan struct{}, inFlight)
	var rows [][]*operation
	var calls sync.WaitGroup
	for i := range wanted {
		if time.Now().After(end) || l.stopped() || ctx.Err() != nil {
			break
		}
		row := operations(&wanted[i])
		rows = append(rows, row)
		for _, op := range row {
			if op.call == nil {
				op.result.done = true
				continue
			}
			if l.pace.wait(ctx) != nil {
				break
			}
			slots <- struct{}{}
			calls.Go(func() {
				defer func() { <-slots }()
				op.result = l.do(ctx, op)
			})
		}
	}
	calls.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count(rows), l.breaking
}

func (l *loop) stopped() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.noHope != "" || l.breaking != nil
}

// hopeless returns why nothing can succeed; empty while something may.
func (l *loop) hopeless() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.noHope
}

// count counts the rows up to the first that is not done.
func (l *loop) count(rows [][]*operation) contract.ChangesDone {
	done := contract.ChangesDone{Rate: l.pace.current()}
	for _, row := range rows {
		var refusals []string
		for _, op := range row {
			if !op.result.done {
				return done
			}
		}
		for _, op := range row {
			counts := op.kind(&done.Counts)
			counts.Wanted++
			switch {
			case op.result.refusal != "":
				counts.Failed++
				refusals = append(refusals, op.what+" failed: "+op.result.refusal)
			case op.call == nil:
				counts.Unchanged++
			default:
				counts.Applied++
			}
		}
		if len(refusals) > 0 {
			done.Failed = append(done.Failed, contract.ChangeFailure{
				Place:   row[0].change.Place,
				Message: "The user is in the pool, but " + strings.Join(refusals, "; "),
			})
		}
		done.Next++
	}
	return done
}

// do makes one call, again as long as that may help.
func (l *loop) do(ctx context.Context, op *operation) result {
	backoff := time.Second
	for try := 1; ; {
		err := l.call(ctx, func(ctx context.Context) error { return op.call(ctx, l.pool, l.users) })
		switch name := awserror.Name(err); {
		case err == nil:
			return result{done: true}
		case ctx.Err() != nil:
			return result{}
		case name == contract.Throttled:
			l.pace.throttled()
		case code(err) == "" || name == contract.Unavailable:
			if try++; try > tries {
				l.broke(err)
				return result{}
			}
			if sleep(ctx, backoff) != nil {
				return result{}
			}
			backoff *= 2
		default:
			return l.refused(ctx, op, err)
		}
		if l.stopped() || l.pace.wait(ctx) != nil {
			return result{}
		}
	}
}

func (l *loop) call(ctx context.Context, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return call(ctx)
}

// refused decides whether a refusal is the row's problem, or that of all.
func (l *loop) refused(ctx context.Context, op *operation, err error) result {
	switch code(err) {
	case "AccessDeniedException", "OperationNotEnabledException":
		return l.giveUp(err)
	case "ResourceNotFoundException":
		if !op.ofGroup {
			return l.giveUp(err)
		}
		if l.pace.wait(ctx) != nil {
			return result{}
		}
		again := l.call(ctx, func(ctx context.Context) error {
			_, err := l.users.ListGroups(ctx, &cognito.ListGroupsInput{UserPoolId: &l.pool, Limit: aws.Int32(1)})
			return err
		})
		if code(again) == "ResourceNotFoundException" { // not the group is missing, but the pool
			return l.giveUp(again)
		}
	}
	return result{done: true, refusal: explain(err)}
}

func (l *loop) giveUp(err error) result {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.noHope = "No change could be applied: " + explain(err) + " Fix that, and drop these rows again."
	return result{}
}

func (l *loop) broke(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.breaking = fmt.Errorf("apply a change: %w", err)
}

// code is the error code of AWS, empty where the call was not answered.
func code(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

// explain words a refusal for people.
func explain(err error) string {
	switch code(err) {
	case "UserNotFoundException":
		return "the user is not in the pool any more."
	case "AccessDeniedException":
		return "a permission is missing."
	}
	const longest = 300
	api, _ := errors.AsType[smithy.APIError](err)
	text := api.ErrorCode() + ": " + api.ErrorMessage()
	return strings.TrimSuffix(strings.ToValidUTF8(text[:min(len(text), longest)], ""), ".") + "."
}
