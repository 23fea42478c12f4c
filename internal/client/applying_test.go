package client

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/contract"
)

func TestApplyingStep(t *testing.T) {
	loop := contract.ChangesLease{Execution: "x-c0-g1-0", Left: 1200, Of: 5000}
	for name, test := range map[string]struct {
		held string
		loop contract.ChangesLease
		ours bool
		want Step
	}{
		"at work": {"", loop, true, Step{
			"Applying", 0.76, "groups, states, attributes of existing users: 3,800 of 5,000 rows, about 2 min left",
		}},
		"paused": {`paused until "userdrop resume"`, loop, true, Step{
			"Waiting", -1, `with groups, states, attributes of existing users: paused until "userdrop resume"`,
		}},
		"another import": {"", loop, false, Step{
			"Waiting", -1, "with groups, states, attributes of existing users, behind those of another import",
		}},
		"not known": {"", contract.ChangesLease{}, false, Step{"Applying", -1, "groups, states, attributes of existing users"}},
		"done": {"", contract.ChangesLease{Execution: "x", Of: 1}, true, Step{
			"Applying", 1, "groups, states, attributes of existing users: 1 of 1 row",
		}},
	} {
		if diff := cmp.Diff(test.want, applyingStep(test.held, test.loop, test.ours, 12)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
