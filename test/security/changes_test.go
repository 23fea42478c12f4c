package security_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"userdrop/localaws"
	"userdrop/localaws/iam"
	"userdrop/test/simulation"
)

// longName is a group's name that makes long messages.
var longName = strings.Repeat("long", 30)

// changing are the scenarios that reach what a stack may do that applies groups and states after imports.
var changing = []scenario{
	{
		name: "groups and states, in several parts", environment: map[string]string{"PART_ROWS": "4"},
		options: func(o *localaws.Options) { o.Calls = refuseGroup("gone") },
		run: func(t *testing.T, w *simulation.World) {
			drop(t, w, "incoming/"+pool+"/users.csv", members(9, "staff;gone", ""))
			settle(t, w, 1)
			drop(t, w, "incoming/"+pool+"/again.csv", members(9, "staff", "no")+"u1,u1@example.com,true,,yes\n")
			settle(t, w, 2)
			drop(t, w, "incoming/"+pool+"/back.csv", members(9, "", "yes"))
			settle(t, w, 3)
		},
	},
	{
		name: "so many changes fail that they go up in pieces, one of which fails",
		options: func(o *localaws.Options) {
			o.Cognito.NoRateQuotas = true
			refuse, fail := refuseGroup(longName), failPieces()
			o.Calls = func(c localaws.Call, next http.Handler) http.Handler { return refuse(c, fail(c, next)) }
		},
		environment: map[string]string{"APPLY_RATE": "100000"},
		run: func(t *testing.T, w *simulation.World) {
			drop(t, w, "incoming/"+pool+"/users.csv", members(24_000, longName, ""))
			settle(t, w, 1)
		},
	},
	{
		name: "existing users are updated, beside the import of a new one", updates: true,
		run: func(t *testing.T, w *simulation.World) {
			drop(t, w, "incoming/"+pool+"/users.csv", people(3))
			settle(t, w, 1)
			drop(t, w, "incoming/"+pool+"/again.csv", strings.ReplaceAll(people(4), "@example.com", "@mail.example.com"))
			settle(t, w, 2)
		},
	},
	{
		name:    "broken off while changes are applied, and their execution goes on",
		options: func(o *localaws.Options) { o.StepFunctions.StopChild = func(string) bool { return false } },
		run: func(t *testing.T, w *simulation.World) {
			drop(t, w, "incoming/"+pool+"/users.csv", members(2000, "staff", ""))
			await(t, "a membership", func() bool {
				users := w.Cognito.Users(pool)
				return len(users) > 0 && len(users[0].Groups) > 0
			})
			stop(t, w)
			time.Sleep(time.Hour)
			settle(t, w, 1)
		},
	},
}

// members is a file of n users with groups and a state.
func members(n int, groups, enabled string) string {
	var b strings.Builder
	b.WriteString("username,email,email_verified,groups,enabled\n")
	for i := range n {
		fmt.Fprintf(&b, "user%d,user%d@example.com,true,%s,%s\n", i, i, groups, enabled)
	}
	return b.String()
}

// refuseGroup makes a membership of a group fail as if the group had been deleted meanwhile.
func refuseGroup(group string) func(localaws.Call, http.Handler) http.Handler {
	return func(c localaws.Call, next http.Handler) http.Handler {
		if c.Operation != "AdminAddUserToGroup" {
			return next
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				panic(http.ErrAbortHandler)
			}
			r.Body = io.NopCloser(bytes.NewReader(bytes.Replace(body, []byte(`"`+group+`"`), []byte(`"deleted"`), 1)))
			next.ServeHTTP(w, r)
		})
	}
}

// TestChangesNeedTheirParameters demands that a stack may change users only where a parameter says so, and that no stack
// may delete users, reset passwords or take somebody out of a group.
func TestChangesNeedTheirParameters(t *testing.T) {
	const arn = "arn:aws:cognito-idp:us-east-1:" + account + ":userpool/" + pool
	never := []string{
		"AdminDeleteUser", "AdminRemoveUserFromGroup", "AdminSetUserPassword", "AdminResetUserPassword", "DeleteGroup",
		"AdminGetUser", "AdminCreateUser", "UpdateGroup",
	}
	apply := []string{"AdminAddUserToGroup", "AdminDisableUser", "AdminEnableUser", "ListGroups"}
	for _, test := range []struct {
		name       string
		parameters map[string]string
		may        []string
	}{
		{"by default", nil, nil},
		{"CreateGroups alone", map[string]string{"CreateGroups": "true"}, nil},
		{"ApplyGroups", map[string]string{"ApplyGroups": "true"}, apply},
		{"Existing fail", map[string]string{"Existing": "fail"}, nil},
		{"Existing update", map[string]string{"Existing": "update"}, []string{"AdminUpdateUserAttributes"}},
		{"both", map[string]string{"ApplyGroups": "true", "CreateGroups": "true"}, append([]string{"CreateGroup"}, apply...)},
	} {
		t.Run(test.name, func(t *testing.T) {
			may := map[string]bool{}
			for _, r := range loadWith(t, test.parameters).Roles {
				role := iam.NewRole(r.ARN, r.Policies...)
				for _, action := range append(append([]string{"CreateGroup", "AdminUpdateUserAttributes"}, apply...), never...) {
					may[action] = may[action] || role.Allows("cognito-idp:"+action, arn, nil)
				}
			}
			want := map[string]bool{}
			for _, action := range test.may {
				want[action] = true
			}
			for action, allowed := range may {
				if allowed != want[action] {
					t.Errorf("%s is allowed: %t, want %t", action, allowed, want[action])
				}
			}
		})
	}
}
