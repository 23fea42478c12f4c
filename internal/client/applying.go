package client

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"userdrop/internal/aws/awserror"
	"userdrop/internal/contract"
)

// appliesChanges reports whether an execution is one of the machine apply-changes.
func (s *Stack) appliesChanges(executionARN string) bool {
	machine := strings.TrimSuffix(s.importUsers, "import-users") + "apply-changes"
	return strings.HasPrefix(executionARN, contract.ExecutionARN(machine, ""))
}

// applying shows what an apply-changes execution is at: all users are in the pool, and the rest of their rows is done.
func (f *Follower) applying(ctx context.Context, arn string) error {
	events, err := f.newest(ctx, arn)
	if err != nil {
		return err
	}
	var state contract.ApplyChanges // as the latest state got it
	for _, e := range events {
		if d := e.StateEnteredEventDetails; d != nil {
			if err := json.Unmarshal([]byte(aws.ToString(d.Input)), &state); err != nil {
				return fmt.Errorf("decode the history of %s: %w", f.ImportID, err)
			}
			break
		}
	}
	var loop contract.ChangesLease
	_, err = f.work.ReadJSON(ctx, contract.ChangesLeaseKey, &loop)
	if err != nil && awserror.Name(err) != contract.Denied { // people who only read results see no numbers
		return err
	}
	ours := strings.HasSuffix(arn, ":"+loop.Execution)
	if !ours && !loop.Until.After(time.Now()) {
		loop = contract.ChangesLease{} // the loop of the other import is over, and ours begins
	}
	rate, _ := strconv.ParseFloat(f.Parameters["ApplyRate"], 64)
	f.Progress.Show(applyingStep(state.Held, loop, ours, rate))
	return nil
}

// applyingStep words how far the loop is that applies changes, at so many calls a second. Ours is whether the loop is at
// work for the import that is followed.
func applyingStep(held string, loop contract.ChangesLease, ours bool, rate float64) Step {
	const what = "groups, states, attributes of existing users"
	switch {
	case held != "":
		return Step{Name: "Waiting", Share: -1, Text: "with " + what + ": " + held}
	case loop.Execution == "":
		return Step{Name: "Applying", Share: -1, Text: what}
	case !ours:
		return Step{Name: "Waiting", Share: -1, Text: "with " + what + ", behind those of another import"}
	}
	done := int64(max(loop.Of-loop.Left, 0))
	text := fmt.Sprintf("%s: %s of %s", what, Grouped(done), Rows(int64(loop.Of)))
	if rate > 0 && loop.Left > 0 {
		text += ", about " + About(time.Duration(float64(loop.Left)/rate*float64(time.Second))) + " left"
	}
	return Step{Name: "Applying", Share: share(done, int64(loop.Of)), Text: text}
}
