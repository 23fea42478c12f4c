package prepareimport_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/contract"
	"userdrop/localaws"
)

// named is a file of users from, to the one before to, who all have a name.
func named(from, to int, name string) string {
	var b strings.Builder
	b.WriteString("username,email,email_verified,name\n")
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, "u%d,u%d@example.com,true,%s\n", i, i, name)
	}
	return b.String()
}

// updating is a stack that updates existing users and reads pools in many small runs. It counts calls of Cognito, and
// hands those of ListUsers to answer, if it is not nil.
func updating(calls map[string]int, answer func(n int, next http.Handler) http.Handler) stack {
	return stack{
		parameters: map[string]string{"Existing": "update"},
		environment: map[string]string{
			"LOOK_TIME": "1s", "CHECKPOINT_CALLS": "4", "USERS_PER_PAGE": "6",
		},
		options: func(o *localaws.Options) {
			o.Calls = func(c localaws.Call, next http.Handler) http.Handler {
				calls[c.Operation]++
				if c.Operation == "ListUsers" && answer != nil {
					return answer(calls[c.Operation], next)
				}
				return next
			}
		},
	}
}

// names are the names of a pool's users, and how many have each.
func (w world) names() map[string]int {
	names := map[string]int{}
	for _, u := range w.Cognito.Users(pool) {
		names[u.Attributes["name"]]++
	}
	return names
}

// runs is how often prepare-import ran in the newest import.
func (w world) runs() int {
	all := w.Imports()
	n := 0
	for _, state := range all[len(all)-1].States {
		if state == "PrepareImport" {
			n++
		}
	}
	return n
}

// TestLargePool reads a pool in several runs of prepare-import, page by page or row by row, whichever takes fewer calls,
// and each page once.
func TestLargePool(t *testing.T) {
	for _, test := range []struct {
		name         string
		file         string
		check        bool
		calls, runs  int
		names        map[string]int
		applied, new int64
	}{
		{"more rows than pages", named(90, 210, "Bo"), false, 34, 5, map[string]int{"Al": 90, "Bo": 120}, 110, 10},
		{"fewer rows than pages", named(190, 204, "Bo"), false, 14, 2, map[string]int{"Al": 190, "Bo": 14}, 10, 4},
		{"one row", named(5, 6, "Bo"), false, 1, 1, map[string]int{"Al": 199, "Bo": 1}, 1, 0},
		{"a dry run", named(90, 210, "Bo"), true, 34, 5, map[string]int{"Al": 200}, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			calls := map[string]int{}
			inWorld(t, updating(calls, nil), func(t *testing.T, w world) {
				w.drop("incoming/"+pool+"/first.csv", named(0, 200, "Al"))
				clear(calls)
				folder := map[bool]string{false: "incoming/", true: "check/"}[test.check]
				r := w.drop(folder+pool+"/users.csv", test.file)
				if calls["ListUsers"] != test.calls || w.runs() != test.runs {
					t.Errorf("%d calls, want %d; %d runs, want %d", calls["ListUsers"], test.calls, w.runs(), test.runs)
				}
				if diff := cmp.Diff(test.names, w.names()); diff != "" {
					t.Errorf("the pool: %s", diff)
				}
				if test.check {
					if r.Verdict != contract.VerdictChecked || r.Changes.Attributes.Wanted != 110 {
						t.Errorf("%s: %+v", r.Verdict, r.Changes)
					}
					return
				}
				counts := r.Rows.Counts()
				if counts.Imported != test.new || counts.Skipped != test.applied || r.Changes.Attributes.Applied != test.applied {
					t.Errorf("rows %+v, changes %+v", counts, r.Changes.Attributes)
				}
			})
		})
	}
}

// TestPoolIsReadThroughFaults: a run that is throttled, or whose page's token is refused, loses no user. What is older than
// an hour is read again.
func TestPoolIsReadThroughFaults(t *testing.T) {
	const throttled = "TooManyRequestsException"
	for _, test := range []struct {
		name   string
		refuse func(n int, since time.Duration) (code string)
		served int // of 34 calls, with those that are made again
	}{
		{"throttled for a while", func(n int, _ time.Duration) string {
			return map[bool]string{true: throttled}[n > 10 && n < 30]
		}, 34 + 2},
		{"throttled for more than an hour", func(n int, since time.Duration) string {
			return map[bool]string{true: throttled}[n > 10 && since < 90*time.Minute]
		}, 34 + 10},
		{"a token lapses between two runs", func(n int, _ time.Duration) string {
			return map[bool]string{true: "InvalidParameterException"}[n == 21]
		}, 34 + 20},
	} {
		t.Run(test.name, func(t *testing.T) {
			calls := map[string]int{}
			var began time.Time
			served := 0
			answer := func(n int, next http.Handler) http.Handler {
				code := ""
				if !began.IsZero() {
					code = test.refuse(n, time.Since(began))
				}
				if code == "" {
					served++
					return next
				}
				return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.WriteHeader(http.StatusBadRequest)
					fmt.Fprintf(w, `{"__type": %q, "message": "no"}`, code)
				})
			}
			inWorld(t, updating(calls, answer), func(t *testing.T, w world) {
				w.drop("incoming/"+pool+"/first.csv", named(0, 200, "Al"))
				clear(calls)
				served, began = 0, time.Now()
				r := w.drop("incoming/"+pool+"/users.csv", named(90, 210, "Bo"))
				if diff := cmp.Diff(map[string]int{"Al": 90, "Bo": 120}, w.names()); diff != "" {
					t.Errorf("the pool: %s", diff)
				}
				if r.Verdict != contract.VerdictSucceeded || served != test.served {
					t.Errorf("%s (%s), %d calls are served, want %d", r.Verdict, r.Message, served, test.served)
				}
			})
		})
	}
}
