package sweeps_test

import (
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"userdrop/internal/contract"
	"userdrop/localaws"
)

// TestStrangeKeys has files with names that XML can't hold, or that need escaping, wait for both sweeps: one of them
// must not keep the others.
func TestStrangeKeys(t *testing.T) {
	inWorld(t, lose("ObjectCreatedRule"), func(t *testing.T, w world) {
		want := map[string]contract.Verdict{}
		for i, name := range []string{"a\x01b.csv", "a+b c.csv", "100%25.csv", "\ufffe.csv", "ü😀.csv", "a&#x1;<b>\".csv"} {
			for _, prefix := range []string{"incoming/", "scheduled/"} {
				key := prefix + red + "/" + name
				w.put(key, users(fmt.Sprintf("%s%d", prefix[:1], i)))
				want[key] = contract.VerdictSucceeded
			}
		}
		for i := range 1100 { // a page ends among keys that need escaping
			w.put(fmt.Sprintf("scheduled/%s/+ %%/%d.manifest.json", red, i), "{}")
		}
		until(1, 4)
		w.settle()
		got := map[string]contract.Verdict{}
		for _, r := range w.results() {
			for _, s := range r.Sources {
				got[s.Key] = r.Verdict
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("verdicts (-want +got):\n%s", diff)
		}
	})
}

// TestNightly lets 200 small files of three pools wait for the night.
func TestNightly(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w world) {
		// In each pool somebody is there already, and every seventh file has a row that is rejected.
		for _, pool := range []string{red, green, blue} {
			w.put("incoming/"+pool+"/first.csv", users("resident"))
		}
		w.settle()
		before := len(w.Imports())

		type file struct {
			key  string
			rows contract.Rows
			bad  string
		}
		want := map[string][]file{}
		for i := range 200 {
			pool := []string{red, green, blue}[i%3]
			rows := []string{fmt.Sprintf("u%03d", i), fmt.Sprintf("v%03d", i)}
			f := file{
				key:  fmt.Sprintf("scheduled/%s/%03d.csv", pool, 999-i), // not in the order of the keys
				rows: contract.Rows{Read: 2, Submitted: 2, RowOutcomes: &contract.RowOutcomes{Imported: 2}},
			}
			if i < 3 {
				rows = append(rows, "resident")
				f.rows.Read, f.rows.Submitted, f.rows.Skipped = 3, 3, 1
			}
			if i%7 == 0 {
				f.bad = fmt.Sprintf("w%03d", i)
				rows = append(rows, f.bad+"!")
				f.rows.Read, f.rows.Rejected = f.rows.Read+1, 1
			}
			w.put(f.key, users(rows...))
			want[pool] = append(want[pool], f)
			time.Sleep(time.Second)
		}
		if got := len(w.Imports()); got != before {
			t.Fatalf("%d imports began by day", got-before)
		}
		until(1, 3)
		w.settle()

		results := w.results()[before:]
		if len(results) != 3 {
			t.Fatalf("%d imports, want one for each pool", len(results))
		}
		for _, r := range results {
			if len(r.Jobs) != 1 || r.Verdict != contract.VerdictPartial {
				t.Errorf("%s: %d jobs, verdict %s", r.UserPoolID, len(r.Jobs), r.Verdict)
			}
			var got []file
			for _, s := range r.Sources {
				f := file{key: s.Key, rows: s.Rows}
				if s.Files != nil {
					f.bad = w.onlyFailed(s.Files.Failed)
				}
				got = append(got, f)
			}
			if diff := cmp.Diff(want[r.UserPoolID], got, cmp.AllowUnexported(file{})); diff != "" {
				t.Errorf("sources of %s (-want +got):\n%s", r.UserPoolID, diff)
			}
		}
		if left := w.waiting(); len(left) > 0 {
			t.Errorf("left in the inbox: %q", left)
		}
		if events := len(w.Published()); events != before+3 {
			t.Errorf("%d events, want %d", events, before+3)
		}

		// The next night there is nothing to do.
		until(2, 3)
		if got := len(w.Imports()); got != before+3 {
			t.Errorf("%d imports after a night without files", got-before-3)
		}
	})
}

// onlyFailed is the username in a failed.csv of one row.
func (w world) onlyFailed(url string) string {
	w.t.Helper()
	text, err := w.S3.Get(w.Results(), strings.TrimPrefix(url, "s3://"+w.Results()+"/"))
	if err != nil {
		w.t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) != 2 {
		w.t.Errorf("%s has %d lines", url, len(lines))
	}
	name, _, _ := strings.Cut(lines[len(lines)-1], ",")
	return name
}

// TestHeldFiles sweeps while an import that holds many files waits: it is asked after once, not once for each file, and
// what came later gets an import of its own.
func TestHeldFiles(t *testing.T) {
	var asked atomic.Int64
	count := func(o *localaws.Options) {
		o.Calls = func(call localaws.Call, next http.Handler) http.Handler {
			if call.Operation == "DescribeExecution" && strings.Contains(call.Principal.ARN(), "SweepScheduled") {
				asked.Add(1)
			}
			return next
		}
	}
	inWorld(t, count, func(t *testing.T, w world) {
		if _, err := w.S3.Put(w.Work(), contract.HoldKey, nil); err != nil {
			t.Fatal(err)
		}
		for i := range 50 {
			w.put(fmt.Sprintf("scheduled/%s/%02d.csv", red, i), users(fmt.Sprintf("u%02d", i)))
		}
		until(1, 3)
		w.put("scheduled/"+red+"/late.csv", users("late"))
		until(2, 3)
		if got := asked.Load(); got != 1 {
			t.Errorf("the second sweep asked Step Functions %d times", got)
		}
		resumed := &s3.DeleteObjectInput{Bucket: aws.String(w.Work()), Key: aws.String(contract.HoldKey)}
		if _, err := s3.NewFromConfig(w.Config("")).DeleteObject(t.Context(), resumed); err != nil {
			t.Fatal(err)
		}
		w.settle()
		var files []int
		for _, r := range w.results() {
			files = append(files, len(r.Sources))
		}
		if diff := cmp.Diff([]int{50, 1}, files); diff != "" {
			t.Errorf("files of the imports (-want +got):\n%s", diff)
		}
	})
}

// TestOneBadFile refuses a file without keeping those beside it, and does not come back to it.
func TestOneBadFile(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w world) {
		w.put("scheduled/"+red+"/a.csv", users("ada"))
		w.put("scheduled/"+red+"/b.csv", "no header,for this\n1,2\n")
		w.put("scheduled/"+red+"/c.csv", users("grace"))
		until(3, 3) // three nights
		w.settle()
		results := w.results()
		if len(results) != 1 {
			t.Fatalf("%d imports, want 1", len(results))
		}
		var codes []string
		for _, s := range results[0].Sources {
			for _, p := range s.Problems {
				codes = append(codes, path.Base(s.Key)+" "+p.Code.String())
			}
		}
		if diff := cmp.Diff([]string{"b.csv UnknownColumn", "b.csv MissingColumn"}, codes); diff != "" {
			t.Errorf("problems (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"ada", "grace"}, w.names(red)); diff != "" {
			t.Errorf("users (-want +got):\n%s", diff)
		}
		if left := w.waiting(); len(left) > 0 {
			t.Errorf("left in the inbox: %q", left)
		}
	})
}

// TestScheduledWithoutPool tells people of a folder that is no pool of the stack.
func TestScheduledWithoutPool(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w world) {
		for _, key := range []string{
			"scheduled/users.csv", "scheduled/not a pool/users.csv", "scheduled/us-east-1_Foreign/users.csv",
		} {
			w.put(key, users("ada"))
		}
		w.put("scheduled/"+red+"/users.csv.manifest.json", `{"rows": 1}`) // alone it is no drop
		w.put("scheduled/"+red+"/", "")                                   // a folder that the console made
		until(1, 3)
		w.settle()
		var got []string
		for _, r := range w.results() {
			got = append(got, fmt.Sprintf("%q %s %s %d", r.UserPoolID, r.Verdict, r.Problems[0].Code, len(r.Sources)))
		}
		slices.Sort(got)
		want := []string{`"" REJECTED PoolNotAllowed 2`, `"us-east-1_Foreign" REJECTED PoolNotAllowed 1`}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("results (-want +got):\n%s", diff)
		}
		left := []string{"scheduled/" + red + "/", "scheduled/" + red + "/users.csv.manifest.json"}
		if diff := cmp.Diff(left, w.waiting()); diff != "" {
			t.Errorf("inbox (-want +got):\n%s", diff)
		}
	})
}

// TestArrivalDuringSweep leaves what comes after the sweep's look for the next one.
func TestArrivalDuringSweep(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w world) {
		w.put("scheduled/"+red+"/a.csv", users("ada"))
		w.sweep("ScheduledSweep")
		w.put("scheduled/"+red+"/a.csv", users("grace")) // the same key, another version
		w.put("scheduled/"+red+"/b.csv", users("alan"))
		w.sweep("ScheduledSweep")
		var keys [][]string
		for _, r := range w.results() {
			var of []string
			for _, s := range r.Sources {
				of = append(of, path.Base(s.Key))
			}
			keys = append(keys, of)
		}
		if diff := cmp.Diff([][]string{{"a.csv"}, {"a.csv", "b.csv"}}, keys); diff != "" {
			t.Errorf("sources (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"ada", "alan", "grace"}, w.names(red)); diff != "" {
			t.Errorf("users (-want +got):\n%s", diff)
		}
	})
}

// TestOverwrittenBeforeSweep takes the version that is current at the sweep.
func TestOverwrittenBeforeSweep(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w world) {
		w.put("scheduled/"+red+"/a.csv", users("wrong"))
		w.put("scheduled/"+red+"/a.csv", users("right"))
		until(1, 3)
		w.settle()
		if diff := cmp.Diff([]string{"right"}, w.names(red)); diff != "" {
			t.Errorf("users (-want +got):\n%s", diff)
		}
	})
}

// TestScheduledImportIDs are the same for the same run of the schedule.
func TestScheduledImportIDs(t *testing.T) {
	at := time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC)
	berlin := at.In(time.FixedZone("CET", 3600))
	ids := []string{
		contract.SweepID(red, at, 0), contract.SweepID(red, at, 1), contract.SweepID(green, at, 0),
		contract.SweepID(red, at.Add(time.Second), 0),
	}
	if again := contract.SweepID(red, berlin, 0); again != ids[0] {
		t.Errorf("%s in another time zone, %s before", again, ids[0])
	}
	slices.Sort(ids)
	if n := len(slices.Compact(ids)); n != 4 {
		t.Errorf("%d different ids of 4", n)
	}
}
