package prepareimport_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/contract"
	"userdrop/localaws"
)

// lists counts the calls of ListUsers, and may refuse them.
type lists struct {
	times    []time.Time
	refuse   func(n int) bool
	estimate string // of the pool's users, in place of their number
}

func (l *lists) options(o *localaws.Options) {
	o.Calls = func(call localaws.Call, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if call.Operation == "ListUsers" {
				l.times = append(l.times, time.Now())
				if l.refuse != nil && l.refuse(len(l.times)) {
					w.Header().Set("Content-Type", "application/x-amz-json-1.1")
					w.WriteHeader(http.StatusBadRequest)
					fmt.Fprint(w, `{"__type":"TooManyRequestsException","message":"Rate exceeded"}`)
					return
				}
			}
			if call.Operation != "DescribeUserPool" || l.estimate == "" {
				next.ServeHTTP(w, r)
				return
			}
			answer := httptest.NewRecorder()
			next.ServeHTTP(answer, r)
			_, _ = w.Write(estimated.ReplaceAll(answer.Body.Bytes(), []byte(`"EstimatedNumberOfUsers":`+l.estimate)))
		})
	}
}

var estimated = regexp.MustCompile(`"EstimatedNumberOfUsers":\d+`)

// numbered are n usernames.
func numbered(prefix string, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%s%05d", prefix, i)
	}
	return names
}

var looking = map[string]string{"CheckExistingUsers": "true"}

// TestCheck runs a file dry: all that an import would do, but for the jobs.
func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name       string
		parameters map[string]string
		want       *contract.Predicted
	}{
		{"without a look for users", nil, nil},
		{"with it", looking, &contract.Predicted{Imported: 2, Skipped: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, stack{parameters: c.parameters}, func(t *testing.T, w world) {
				w.drop("incoming/"+pool+"/before.csv", users("ada"))
				jobs := len(w.Cognito.Jobs(pool))
				r := w.drop("check/"+pool+"/users.csv", users("Ada", "grace", "alan", "nobody!")) // the pool ignores case
				want := contract.Rows{Read: 4, Rejected: 1, Submitted: 3}
				if diff := cmp.Diff(want, r.Rows); diff != "" || r.Verdict != contract.VerdictChecked {
					t.Errorf("verdict %s, rows (-want +got):\n%s", r.Verdict, diff)
				}
				if diff := cmp.Diff(c.want, r.Predicted); diff != "" {
					t.Errorf("predicted (-want +got):\n%s", diff)
				}
				if rows := w.failed(r.Files.Failed); len(rows) != 1 || !strings.HasPrefix(rows[0], "nobody,") {
					t.Errorf("failed.csv: %q", rows)
				}
				if n := len(w.Cognito.Jobs(pool)); n != jobs || len(r.Jobs) > 0 {
					t.Errorf("%d jobs more", n-jobs)
				}
				if n := w.Cognito.UserCount(pool); n != 1 {
					t.Errorf("%d users in the pool, want 1", n)
				}
				waiting, moved := w.keys()
				if diff := cmp.Diff([]string{"before.csv", "users.csv"}, moved); diff != "" || len(waiting) > 0 {
					t.Errorf("waiting: %q; moved (-want +got):\n%s", waiting, diff)
				}
				if events := w.Published(); len(events) != 2 || events[1].Verdict != contract.VerdictChecked {
					t.Errorf("events: %s", encoded(t, events))
				}
				if _, err := w.S3.Get(w.Results(), r.ImportID+"/report.html"); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestCheckByAddress looks for users of a pool in which the address is the name.
func TestCheckByAddress(t *testing.T) {
	byAddress := stack{parameters: looking, pool: func(description []byte) []byte {
		return bytes.Replace(description, []byte(`"AutoVerifiedAttributes"`), []byte(`"UsernameAttributes": ["email"],
		"AutoVerifiedAttributes"`), 1)
	}}
	for _, rows := range []int{1, 70} { // asked for one by one; the pool gone through
		t.Run(fmt.Sprintf("%d rows", rows), func(t *testing.T) {
			inWorld(t, byAddress, func(t *testing.T, w world) {
				w.drop("incoming/"+pool+"/before.csv", "email,email_verified\nu00000@example.com,true\n")
				var b strings.Builder
				b.WriteString("email,email_verified\n")
				for _, name := range numbered("u", rows) {
					b.WriteString(strings.ToUpper(name) + "@example.com,true\n")
				}
				r := w.drop("check/"+pool+"/users.csv", strings.ReplaceAll(b.String(), "U00000@", "u00000@"))
				want := &contract.Predicted{Imported: int64(rows - 1), Skipped: 1}
				if diff := cmp.Diff(want, r.Predicted); diff != "" {
					t.Errorf("predicted (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestLook bounds the calls that a dry run makes, and takes the way with fewer of them.
func TestLook(t *testing.T) {
	for _, c := range []struct {
		name       string
		there      int // users in the pool, the first of whom are in the file
		both, more int // rows of users who are there, and of others
		refuse     func(n int) bool
		want       contract.Predicted
		calls      int
	}{
		{"no row", 200, 0, 0, nil, contract.Predicted{}, 0},
		{"few rows, a large pool", 200, 2, 1, nil, contract.Predicted{Imported: 1, Skipped: 2}, 3},
		{"many rows, a small pool", 130, 100, 50, nil, contract.Predicted{Imported: 50, Skipped: 100}, 3},
		{"an empty pool", 0, 0, 20, nil, contract.Predicted{Imported: 20}, 1},
		{"both large", 3000, 3000, 0, nil, contract.Predicted{Skipped: 2250, Unchecked: 750}, 2250},
		{
			"throttled from the third name on", 300, 4, 1, func(n int) bool { return n > 2 },
			contract.Predicted{Skipped: 2, Unchecked: 3},
			2 + 3,
		},
		{
			"throttled from the second page on", 130, 100, 50, func(n int) bool { return n > 1 },
			contract.Predicted{Skipped: 60, Unchecked: 90},
			1 + 3,
		},
		{"throttled at times", 300, 4, 1, func(n int) bool { return n%2 == 0 }, contract.Predicted{Imported: 1, Skipped: 4}, 9},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &lists{refuse: c.refuse}
			if c.there == 3000 {
				l.estimate = "10000000"
			}
			inWorld(t, stack{parameters: looking, options: func(o *localaws.Options) {
				l.options(o)
				o.Cognito.UsersPerSecond, o.Cognito.KeepAttributes = 1e6, false
			}}, func(t *testing.T, w world) {
				if c.there > 0 {
					w.drop("incoming/"+pool+"/before.csv", users(numbered("u", c.there)...))
				}
				rows := append(numbered("u", c.both), numbered("other", c.more)...)
				if len(rows) == 0 {
					rows = []string{"nobody!"}
				}
				r := w.drop("check/"+pool+"/users.csv", users(rows...))
				if r.Predicted == nil || *r.Predicted != c.want {
					t.Errorf("predicted %s, want %s", encoded(t, r.Predicted), encoded(t, c.want))
				}
				if len(l.times) != c.calls {
					t.Errorf("%d calls, want %d", len(l.times), c.calls)
				}
				if n := len(l.times); n > 20 && c.refuse == nil {
					if took := l.times[n-1].Sub(l.times[0]); float64(n-1)/took.Seconds() > 7.6 {
						t.Errorf("%d calls in %s: more than a quarter of 30 a second", n, took)
					}
				}
			})
		})
	}
}
