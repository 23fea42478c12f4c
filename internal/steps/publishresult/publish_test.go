package publishresult_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"userdrop/internal/contract"
	"userdrop/localaws"
	"userdrop/localaws/cognito"
	"userdrop/test/simulation"
)

const pool = "us-east-1_Example1"

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

// world boots a stack whose pool is the example's, in a bubble of virtual time.
func world(t *testing.T, change func(*localaws.Options), run func(*testing.T, *simulation.World)) {
	t.Helper()
	description, err := os.ReadFile("../../../examples/pool.json")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		options := localaws.Options{Pools: []localaws.Pool{{Description: description}}, Cognito: cognito.Defaults()}
		if change != nil {
			change(&options)
		}
		w, err := simulation.New(options)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		run(t, w)
	})
}

// drop puts a file into the inbox, waits for the end of its import, and returns its result.
func drop(t *testing.T, w *simulation.World, key, text string) *contract.Result {
	t.Helper()
	before := len(w.Imports())
	if _, err := w.S3.Put(w.Inbox(), key, []byte(text)); err != nil {
		t.Fatal(err)
	}
	if !w.Settle(t.Context(), 24*time.Hour) {
		t.Fatal("the import does not end")
	}
	imports := w.Imports()
	if len(imports) != before+1 {
		t.Fatalf("%d executions of import-users, want %d", len(imports), before+1)
	}
	last := imports[len(imports)-1]
	r, err := w.Result(last.Name)
	if err != nil || r == nil {
		t.Fatalf("no result: %v; the execution ended %s: %s %s", err, last.Status, last.Error, last.Cause)
	}
	return r
}

func get(t *testing.T, w *simulation.World, bucket, key string) string {
	t.Helper()
	text, err := w.S3.Get(bucket, key)
	if err != nil {
		t.Fatalf("s3://%s/%s: %v", bucket, key, err)
	}
	return string(text)
}

const header = "username,email,email_verified,name\n"

// users are rows of names such as u00042.
func users(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, "u%05d,u%05d@example.com,true,User %d\n", i, i, i)
	}
	return b.String()
}

// TestSourceMoves moves sources that S3 would not copy as they stand.
func TestSourceMoves(t *testing.T) {
	long := strings.Repeat("é", 496) + ".csv" // with its folders it has 1,024 bytes, as many as S3 takes
	for name, test := range map[string]struct{ key, tags, base string }{
		"with tags, which a copy may take along only by leave": {"incoming/" + pool + "/users.csv", "owner=hr", "users.csv"},
		"with a name that leaves no room for another prefix":   {"incoming/" + pool + "/" + long, "", long[len(long)-254:]},
	} {
		t.Run(name, func(t *testing.T) {
			world(t, nil, func(t *testing.T, w *simulation.World) {
				input := &s3.PutObjectInput{
					Bucket: aws.String(w.Inbox()), Key: &test.key, Body: strings.NewReader(header + users(0, 2)),
				}
				if test.tags != "" {
					input.Tagging = &test.tags
				}
				if _, err := s3.NewFromConfig(w.Config("")).PutObject(t.Context(), input); err != nil {
					t.Fatal(err)
				}
				if !w.Settle(t.Context(), 24*time.Hour) {
					t.Fatal("the import does not end")
				}
				if e := w.Imports()[0]; e.Status != "SUCCEEDED" {
					t.Errorf("the execution ended %s: %s %s", e.Status, e.Error, e.Cause)
				}
				keys, err := w.S3.Keys(w.Inbox(), "")
				if err != nil {
					t.Fatal(err)
				}
				if len(keys) != 1 || !strings.HasPrefix(keys[0], "processed/") || path.Base(keys[0]) != test.base {
					t.Errorf("inbox: %q", keys)
				}
			})
		})
	}
}

// TestNumbersReconcile drops 10,000 rows, of which the rules reject 300, Cognito refuses 200 and the pool has 500: the
// numbers are the same wherever they are told, and the repaired rows arrive.
func TestNumbersReconcile(t *testing.T) {
	signInByEmail := func(o *localaws.Options) {
		o.Pools[0].Description = bytes.Replace(o.Pools[0].Description,
			[]byte(`"AutoVerifiedAttributes"`), []byte(`"AliasAttributes": ["email"], "AutoVerifiedAttributes"`), 1)
	}
	world(t, signInByEmail, func(t *testing.T, w *simulation.World) {
		if r := drop(t, w, "incoming/"+pool+"/first.csv", header+users(0, 500)); r.Verdict != contract.VerdictSucceeded {
			t.Fatalf("the first drop ended %s: %s", r.Verdict, r.Message)
		}

		rows := strings.SplitAfter(users(0, 10_000), "\n")[:10_000]
		whole := slices.Clone(rows)
		for i := range 100 {
			rows[1000+i*7] = strings.Replace(rows[1000+i*7], "@", " at ", 1)    // BadEmail
			rows[2000+i*7] = strings.Replace(rows[2000+i*7], "true", "no", 1)   // NotVerified
			rows[3000+i*7] = strings.Replace(rows[3000+i*7], ",true", "", 1)    // FieldCount
			rows[4000+i*7] = strings.Replace(rows[4000+i*7], ",u04", ",u00", 1) // somebody else's address: Cognito
			rows[5000+i*7] = strings.Replace(rows[5000+i*7], ",u05", ",u00", 1) // refuses these
		}
		r := drop(t, w, "incoming/"+pool+"/staff.csv", header+strings.Join(rows, ""))
		want := contract.Rows{Read: 10_000, Rejected: 300, Submitted: 9_700, RowOutcomes: &contract.RowOutcomes{
			Imported: 9_000, Skipped: 500, Failed: 200,
		}}
		if r.Verdict != contract.VerdictPartial {
			t.Errorf("verdict %s: %s", r.Verdict, r.Message)
		}
		if diff := cmp.Diff(want, r.Rows); diff != "" {
			t.Errorf("rows of result.json (-want +got):\n%s", diff)
		}
		counts := map[string]int{}
		for _, p := range r.Problems {
			counts[p.Code.String()] = p.Count
		}
		problems := map[string]int{"BadEmail": 100, "NotVerified": 100, "FieldCount": 100, "CognitoFailed": 200}
		if diff := cmp.Diff(problems, counts); diff != "" {
			t.Errorf("problems of result.json (-want +got):\n%s", diff)
		}

		event := w.Published()[1]
		if diff := cmp.Diff(want, event.Rows); diff != "" {
			t.Errorf("rows of the event (-want +got):\n%s", diff)
		}
		clear(counts)
		for _, p := range event.Problems {
			counts[p.Code.String()] = p.Count
		}
		if diff := cmp.Diff(problems, counts); diff != "" {
			t.Errorf("problems of the event (-want +got):\n%s", diff)
		}

		told := map[string]string{
			"read": "10,000", "rejected": "300", "submitted": "9,700", "imported": "9,000", "there already": "500",
			"failed in Cognito": "200", "not processed": "0",
		}
		if diff := cmp.Diff(told, labelled(w.SNS.Messages()[1].Body, `(?m)^  ([a-z][a-zA-Z ]+?) {2,}([\d,]+)$`)); diff != "" {
			t.Errorf("counts of the message (-want +got):\n%s", diff)
		}
		page := get(t, w, w.Results(), contract.ReportKey(r.ImportID))
		inReport := labelled(page, `</i>([^<]+)</dt>\s*<dd><b>([\d,]+)</b>`)
		shown := map[string]string{
			"Imported": "9,000", "There already": "500", "Rejected": "300", "Failed in Cognito": "200", "Not processed": "0",
		}
		if diff := cmp.Diff(shown, inReport); diff != "" {
			t.Errorf("counts of the report (-want +got):\n%s", diff)
		}
		reconcileMetrics(t, w, want)

		failed := get(t, w, w.Results(), contract.FailedKey(r.ImportID, 0, 1))
		repaired, n := repair(t, failed)
		if n != 500 {
			t.Errorf("failed.csv has %d rows, want 500", n)
		}
		again := drop(t, w, "incoming/"+pool+"/staff-repaired.csv", repaired)
		want = contract.Rows{Read: 500, Submitted: 500, RowOutcomes: &contract.RowOutcomes{Imported: 500}}
		if diff := cmp.Diff(want, again.Rows); diff != "" || again.Verdict != contract.VerdictSucceeded {
			t.Errorf("failed.csv, repaired: verdict %s, rows (-want +got):\n%s", again.Verdict, diff)
		}
		all := drop(t, w, "incoming/"+pool+"/staff-all.csv", header+strings.Join(whole, "")+users(10_000, 10_100))
		want = contract.Rows{Read: 10_100, Submitted: 10_100, RowOutcomes: &contract.RowOutcomes{Imported: 100, Skipped: 10_000}}
		if diff := cmp.Diff(want, all.Rows); diff != "" || all.Verdict != contract.VerdictSucceeded {
			t.Errorf("all rows again: verdict %s, rows (-want +got):\n%s", all.Verdict, diff)
		}
		if n := w.Cognito.UserCount(pool); n != 10_100 {
			t.Errorf("%d users in the pool", n)
		}
	})
}

// labelled finds pairs of a label and a number.
func labelled(text, pattern string) map[string]string {
	pairs := map[string]string{}
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		pairs[strings.TrimSpace(m[1])] = m[2]
	}
	return pairs
}

// repair does what people do with failed.csv: it mends the cells by their codes, and leaves our columns in it.
func repair(t *testing.T, text string) (repaired string, n int) {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	var b bytes.Buffer
	out := csv.NewWriter(&b)
	_ = out.Write(rows[0])
	for _, row := range rows[1:] {
		switch code := row[column["userdrop:code"]]; code {
		case "BadEmail":
			row[column["email"]] = strings.Replace(row[column["email"]], " at ", "@", 1)
		case "NotVerified":
			row[column["email_verified"]] = "true"
		case "CognitoFailed":
			row[column["email"]] = row[column["username"]] + "@example.com"
		case "FieldCount":
			cells := strings.Split(row[column["userdrop:raw"]], ",")
			row[0], row[1], row[2], row[3] = cells[0], cells[1], "true", cells[2]
		default:
			t.Fatalf("failed.csv has the code %q", code)
		}
		_ = out.Write(row)
	}
	out.Flush()
	return b.String(), len(rows) - 1
}

// reconcileMetrics compares the last import's measurements.
func reconcileMetrics(t *testing.T, w *simulation.World, rows contract.Rows) {
	t.Helper()
	last := map[string]float64{}
	for _, m := range w.Measured() {
		last[m.Metric+" "+m.Dimensions] = m.Value
	}
	for name, want := range map[string]int64{
		"RowsRead": rows.Read, "RowsRejected": rows.Rejected, "RowsImported": rows.Imported,
		"RowsSkipped": rows.Skipped, "RowsFailed": rows.Failed, "RowsUnprocessed": rows.Unprocessed,
	} {
		if got := last[name+" Stack=userdrop"]; got != float64(want) {
			t.Errorf("metric %s: %v, want %d", name, got, want)
		}
	}
	if last["Imports Stack=userdrop,Verdict=PARTIAL"] != 1 || last["JobsUsed Stack=userdrop,UserPool="+pool] != 2 {
		t.Errorf("no import of that verdict, or not two jobs used: %v", last)
	}
	if rate := last["UsersPerSecond Stack=userdrop"]; rate < 30 || rate > 36 {
		t.Errorf("%v users per second, want nearly 35", rate)
	}
}

// TestOneResult lets two runs that disagree publish at once. There is one result, and both continue with it.
func TestOneResult(t *testing.T) {
	var held chan struct{}
	var seen atomic.Bool
	holdFirst := func(o *localaws.Options) {
		held = make(chan struct{}, 1) // of the bubble
		o.Calls = func(c localaws.Call, next http.Handler) http.Handler {
			return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if c.Operation == http.MethodPut && strings.HasSuffix(r.URL.Path, "/result.json") {
					if seen.CompareAndSwap(false, true) {
						held <- struct{}{}
						time.Sleep(time.Minute)
					}
				}
				next.ServeHTTP(rw, r)
			})
		}
	}
	world(t, holdFirst, func(t *testing.T, w *simulation.World) {
		go func() {
			<-held
			id := w.Imports()[0].Name
			payload, err := json.Marshal(contract.Import{
				Drop: contract.Drop{
					Schema: contract.Schema, ImportID: id, UserPoolID: pool, Mode: contract.ModeImport,
				},
				Error: &contract.Failure{Error: "Boom", Cause: "{}"},
			})
			if err != nil {
				t.Error(err)
			}
			answer, err := w.Lambda.Invoke(t.Context(), "userdrop-publish-result", payload)
			if err != nil || answer.FunctionError != "" {
				t.Errorf("the second run: %v %s", err, answer.Payload)
			}
		}()
		const key = "incoming/" + pool + "/users.csv"
		r := drop(t, w, key, header+users(0, 20))
		if r.Verdict != contract.VerdictErrored {
			t.Errorf("verdict %s, want that of the second run, which was faster", r.Verdict)
		}
		if e := w.Imports()[0]; e.Error != "ImportBroke" {
			t.Errorf("the first run went on by another result: %s %s %s", e.Status, e.Error, e.Cause)
		}
		if page := get(t, w, w.Results(), contract.ReportKey(r.ImportID)); !strings.Contains(page, "<title>ERROR") {
			t.Error("the report is of the result that lost")
		}
		if events, messages := len(w.Published()), len(w.SNS.Messages()); events != 1 || messages != 1 {
			t.Errorf("%d events and %d messages, want one of each", events, messages)
		}
		if got := get(t, w, w.Inbox(), key); got != header+users(0, 20) {
			t.Error("the source is not where it was")
		}
		imports := 0.0
		for _, m := range w.Measured() {
			if m.Metric == "Imports" && m.Dimensions == "Stack=userdrop" {
				imports += m.Value
			}
		}
		if imports != 1 {
			t.Errorf("%v imports measured, want 1", imports)
		}
	})
}

// TestMeasuredOnce loses the answer that result.json is written: asked again, S3 says that there is one already.
func TestMeasuredOnce(t *testing.T) {
	lost := false
	loseAnswer := func(o *localaws.Options) {
		o.Calls = func(c localaws.Call, next http.Handler) http.Handler {
			return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if lost || c.Operation != http.MethodPut || !strings.HasSuffix(r.URL.Path, "/result.json") {
					next.ServeHTTP(rw, r)
					return
				}
				lost = true
				next.ServeHTTP(httptest.NewRecorder(), r)
				rw.WriteHeader(http.StatusServiceUnavailable)
			})
		}
	}
	world(t, loseAnswer, func(t *testing.T, w *simulation.World) {
		drop(t, w, "incoming/"+pool+"/users.csv", header+users(0, 20))
		imports := 0.0
		for _, m := range w.Measured() {
			if m.Metric == "Imports" && m.Dimensions == "Stack=userdrop" {
				imports += m.Value
			}
		}
		if imports != 1 || !lost {
			t.Errorf("%v imports measured, want 1", imports)
		}
	})
}

// TestToldAtLeastOnce fails the message after the event went out: the event comes twice, with one import id.
func TestToldAtLeastOnce(t *testing.T) {
	fails := 4 // more than the SDK tries in one run
	failMessage := func(o *localaws.Options) {
		o.Calls = func(c localaws.Call, next http.Handler) http.Handler {
			if c.Service != "sns" || fails == 0 {
				return next
			}
			fails--
			return http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
				rw.WriteHeader(http.StatusServiceUnavailable)
			})
		}
	}
	world(t, failMessage, func(t *testing.T, w *simulation.World) {
		r := drop(t, w, "incoming/"+pool+"/users.csv", header+users(0, 20))
		var ids []string
		for _, d := range w.Published() {
			ids = append(ids, d.ImportID)
		}
		if diff := cmp.Diff([]string{r.ImportID, r.ImportID}, ids); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		if n := len(w.SNS.Messages()); n != 1 {
			t.Errorf("%d messages, want 1", n)
		}
		if e := w.Imports()[0]; e.Status != "SUCCEEDED" {
			t.Errorf("the execution ended %s: %s %s", e.Status, e.Error, e.Cause)
		}
	})
}

func keys(t *testing.T, w *simulation.World, bucket string) []string {
	t.Helper()
	all, err := w.S3.Keys(bucket, "")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// onlyMarks fails if more than empty marks is left of the imports in the work bucket: parts hold personal data.
func onlyMarks(t *testing.T, w *simulation.World) {
	t.Helper()
	out, err := s3.NewFromConfig(w.Config("")).ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{
		Bucket: aws.String(w.Work()),
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Versions) == 0 {
		t.Error("the work bucket does not have a mark")
	}
	for _, v := range out.Versions {
		if *v.Size > 0 && path.Base(*v.Key) != "done" {
			t.Errorf("the work bucket still has version %s of %s, of %d bytes", *v.VersionId, *v.Key, *v.Size)
		}
	}
	if len(out.DeleteMarkers) > 0 {
		t.Errorf("the work bucket has %d delete markers", len(out.DeleteMarkers))
	}
}

// TestNewerDropIsNotTouched puts a second file under the key of one that is being imported.
func TestNewerDropIsNotTouched(t *testing.T) {
	world(t, nil, func(t *testing.T, w *simulation.World) {
		const key = "incoming/" + pool + "/users.csv"
		first, second := header+users(0, 2000), header+users(1000, 4000)
		for _, text := range []string{first, second} {
			if _, err := w.S3.Put(w.Inbox(), key, []byte(text)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(20 * time.Second)
		}
		imports := w.Imports()
		for len(w.Published()) == 0 {
			time.Sleep(time.Second)
		}
		if got := get(t, w, w.Inbox(), key); got != second {
			t.Error("the first drop's end has moved the second one's file")
		}
		if !w.Settle(t.Context(), time.Hour) {
			t.Fatal("the imports do not end")
		}
		moved := map[string]string{
			"processed/2000-01-01/" + imports[0].Name + "/users.csv": first,
			"processed/2000-01-01/" + imports[1].Name + "/users.csv": second,
		}
		for _, key := range keys(t, w, w.Inbox()) {
			if moved[key] == "" || get(t, w, w.Inbox(), key) != moved[key] {
				t.Errorf("%s is not what should be there", key)
			}
			delete(moved, key)
		}
		for key := range moved {
			t.Errorf("%s is missing", key)
		}
		onlyMarks(t, w)
	})
}

// TestKeptInPlace ends imports that somebody has to look at first: the file stays where it was.
func TestKeptInPlace(t *testing.T) {
	for name, test := range map[string]struct {
		options func(*localaws.Options)
		meddle  func(*testing.T, *simulation.World)
		verdict contract.Verdict
	}{
		"ERROR": {
			options: func(o *localaws.Options) {
				o.Calls = func(c localaws.Call, next http.Handler) http.Handler {
					if c.Operation != "DescribeUserPool" {
						return next
					}
					return http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
						rw.Header().Set("X-Amzn-ErrorType", "AccessDeniedException")
						rw.WriteHeader(http.StatusBadRequest)
					})
				}
			},
			verdict: contract.VerdictErrored,
		},
		"STOPPED": {
			options: func(o *localaws.Options) { o.Cognito.Pending = cognito.Duration(10 * time.Minute) },
			meddle: func(t *testing.T, w *simulation.World) {
				time.Sleep(5 * time.Minute)
				jobs := w.Cognito.Jobs(pool)
				client := cognitoidentityprovider.NewFromConfig(w.Config(""))
				if _, err := client.StopUserImportJob(t.Context(), &cognitoidentityprovider.StopUserImportJobInput{
					UserPoolId: aws.String(pool), JobId: &jobs[0].JobID,
				}); err != nil {
					t.Error(err)
				}
			},
			verdict: contract.VerdictStopped,
		},
	} {
		t.Run(name, func(t *testing.T) {
			world(t, test.options, func(t *testing.T, w *simulation.World) {
				if test.meddle != nil {
					go test.meddle(t, w)
				}
				const key = "incoming/" + pool + "/users.csv"
				r := drop(t, w, key, header+users(0, 20))
				if r.Verdict != test.verdict {
					t.Errorf("verdict %s (%s), want %s", r.Verdict, r.Message, test.verdict)
				}
				if diff := cmp.Diff([]string{key}, keys(t, w, w.Inbox())); diff != "" {
					t.Errorf("inbox (-want +got):\n%s", diff)
				}
				onlyMarks(t, w)
			})
		})
	}
}
