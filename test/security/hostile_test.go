package security_test

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"userdrop/internal/contract"
	"userdrop/localaws"
	"userdrop/localaws/cognito"
	"userdrop/test/simulation"
)

// secret is in every cell of the hostile sources, and secretColumn in names of columns that Cognito does not have.
const (
	secret       = "zq7secret"
	secretColumn = "kv9column"
)

const (
	header = "username,email,email_verified,name\n"
	good   = "zq7secret-ada,zq7secret.ada@example.com,true,zq7secret Ada\n"
)

const wellNamed = "incoming/" + pool + "/users.csv"

// TestHostile drops each hostile input and wants a clear refusal or a harmless import: nothing lost, nothing executed,
// nothing told to those who may not read the source.
func TestHostile(t *testing.T) {
	for _, group := range []struct {
		name  string
		cases []hostile
		fill  func(*hostile)
	}{
		{"file name", fileNames, func(h *hostile) {
			h.key, h.text, h.want, h.imported = "incoming/"+pool+"/"+h.key, header+good, contract.VerdictSucceeded, 1
		}},
		{"pool id", poolIDs, func(h *hostile) { h.text, h.want = header+good, contract.VerdictRejected }},
		{"sidecar", sidecars, func(h *hostile) {
			h.text, h.want = header+good, contract.VerdictRejected
			if h.sidecar == "" {
				h.sidecar = " "
			}
		}},
		{"header", headers, func(h *hostile) { h.want = cmp.Or(h.want, contract.VerdictRejected) }},
		{"cell", cells, func(h *hostile) {
			h.want = cmp.Or(h.want, contract.VerdictRejected)
			if h.cell != "" {
				h.cell = secret + h.cell
				h.text, h.want, h.imported = rejected(quote(h.cell)), contract.VerdictPartial, 1
			}
		}},
	} {
		for _, h := range group.cases {
			group.fill(&h)
			if h.key == "" {
				h.key = wellNamed
			}
			t.Run(group.name+"/"+h.name, func(t *testing.T) { h.test(t) })
		}
	}
}

func (h hostile) test(t *testing.T) {
	log := capture(t)
	synctest.Test(t, func(t *testing.T) {
		w := boot(t, log)
		defer w.Close()
		if h.sidecar != "" {
			drop(t, w.World, h.key+".manifest.json", h.sidecar)
		}
		drop(t, w.World, h.key, h.text)
		settle(t, w.World, 1)
		imports := w.Imports()
		if len(imports) == 0 {
			return
		}
		r, err := w.Result(imports[0].Name)
		if err != nil || r == nil {
			t.Fatal("no result")
		}
		rows := r.Rows
		var imported int64
		if o := rows.RowOutcomes; o != nil {
			imported = o.Imported
			if rows.Submitted != o.Imported+o.Skipped+o.Failed+o.Unprocessed {
				t.Errorf("rows are lost: %+v, %+v", rows, o)
			}
		}
		if r.Verdict != h.want || imported != h.imported {
			t.Errorf("%s with %d users (%s), want %s with %d", r.Verdict, imported, r.Message, h.want, h.imported)
		}
		if rows.Read != rows.Rejected+rows.Submitted {
			t.Errorf("rows are lost: %+v", rows)
		}
		w.kept(t, h)
		w.told(t)
		w.shown(t, h, imports[0].Name)
	})
}

// witness is a world that remembers the signatures of upload URLs, and what is logged.
type witness struct {
	*simulation.World
	log *lines

	mu         sync.Mutex
	signatures []string
}

func boot(t *testing.T, log *lines) *witness {
	t.Helper()
	w := &witness{log: log}
	world, err := simulation.New(localaws.Options{
		Pools:   []localaws.Pool{{Description: read(t, "../../examples/pool.json")}},
		Cognito: cognito.Defaults(),
		Calls: func(call localaws.Call, next http.Handler) http.Handler {
			return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if call.Service == "upload" {
					w.mu.Lock()
					for name, values := range r.URL.Query() {
						if strings.HasSuffix(name, "Signature") || strings.HasSuffix(name, "Token") {
							w.signatures = append(w.signatures, values...)
						}
					}
					w.mu.Unlock()
				}
				next.ServeHTTP(rw, r)
			})
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.World = world
	return w
}

// kept wants the source, byte for byte, where it was or under processed/.
func (w *witness) kept(t *testing.T, h hostile) {
	t.Helper()
	keys, err := w.S3.Keys(w.Inbox(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		if key != h.key && !strings.HasPrefix(key, "processed/2000-01-01/") {
			continue
		}
		if text, err := w.S3.Get(w.Inbox(), key); err == nil && string(text) == h.text {
			return
		}
	}
	t.Errorf("the source is gone; there are %q", keys)
}

// told wants that nothing of a cell, nor the upload URL, got to where people without a right to the source look, and
// that each line of the log is one record.
func (w *witness) told(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	forbidden := append([]string{secret}, w.signatures...)
	w.mu.Unlock()
	search := func(where string, text string, also ...string) {
		for _, f := range append(also, forbidden...) {
			if f != "" && strings.Contains(strings.ToLower(text), strings.ToLower(f)) {
				t.Errorf("%s tells %q", where, f)
			}
		}
	}
	asText := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if len(w.Imports()) > 0 && w.log.String() == "" {
		t.Error("nothing was logged")
	}
	if len(w.signatures) == 0 && w.Cognito.UserCount(pool) > 0 {
		t.Error("the upload URL was not seen")
	}
	search("the log", w.log.String(), secretColumn)
	for line := range strings.Lines(w.log.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("the log has a line that is no record: %s", line)
		}
	}
	for _, m := range w.Stack.StateMachines {
		for _, e := range w.StepFunctions.Executions(m.ARN) {
			history, err := w.StepFunctions.History(t.Context(), e.ARN)
			if err != nil {
				t.Fatal(err)
			}
			search("the history of "+e.Name, asText(history), secretColumn)
			search("the execution "+e.Name, asText(e), secretColumn)
		}
	}
	search("an event", asText(w.Events.Events()), secretColumn)
	search("a message", asText(w.SNS.Messages()), secretColumn)
	for _, q := range w.Stack.Queues {
		search("the queue "+q.Name, asText(w.SQS.Messages(q.Name)), secretColumn)
	}
	search("a metric", w.MeasuredText(), secretColumn)
	for _, group := range w.Logs.Groups() {
		for _, stream := range w.Logs.Streams(group) {
			search("the log group "+group, strings.Join(w.Logs.Messages(group, stream), "\n"), secretColumn)
		}
	}
	for _, e := range w.Imports() {
		for _, name := range []string{"result.json", "report.html"} {
			text, err := w.S3.Get(w.Results(), e.Name+"/"+name)
			if err != nil {
				t.Fatal(err)
			}
			if name == "report.html" {
				search(name, string(text), secretColumn)
				continue
			}
			search(name, string(text)) // which names the columns of a refused file
		}
	}
}

// shown looks at what people open: the report holds no markup of the input's, the message's subject is a line of
// text, failed.csv has the input's cells as they were, and none of our own that a spreadsheet computes.
func (w *witness) shown(t *testing.T, h hostile, importID string) {
	t.Helper()
	report, err := w.S3.Get(w.Results(), importID+"/report.html")
	if err != nil {
		t.Fatal(err)
	}
	name := h.key[strings.LastIndex(h.key, "/")+1:]
	for _, input := range []string{name, h.cell, h.sidecar, "<script>kv9", "onerror=alert(1)>"} {
		if strings.ContainsAny(input, "<>\"") && strings.Contains(string(report), input) {
			t.Errorf("the report holds %q", input)
		}
	}
	for _, m := range w.SNS.Messages() {
		if len(m.Subject) > 100 || strings.ContainsFunc(m.Subject, unicode.IsControl) {
			t.Errorf("the subject is %q", m.Subject)
		}
	}
	text, err := w.S3.Get(w.Results(), importID+"/failed.csv")
	if err != nil {
		if h.cell != "" {
			t.Errorf("no failed.csv: %v", err)
		}
		return
	}
	records, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatalf("failed.csv: %v", err)
	}
	found := h.cell == ""
	for _, record := range records[1:] {
		own := len(record) - 4
		for i, cell := range record {
			if i < own {
				// encoding/csv reads \r\n inside a cell as \n; there is none here.
				found = found || cell == h.cell
			} else if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
				t.Errorf("a column of ours holds the formula %q", cell)
			}
		}
	}
	if !found {
		t.Errorf("failed.csv alters the cell %q:\n%s", h.cell, text)
	}
}

// TestForgedEvents gives start-import events that S3 did not send. None starts an import but those that name a key of
// the inbox where drops are, and those come to nothing, since there is no such object.
func TestForgedEvents(t *testing.T) {
	object := func(bucket, key, rest string) string {
		return fmt.Sprintf(`{"detail": {"bucket": {"name": %q}, "object": {"key": %q, "size": 1%s}}}`, bucket, key, rest)
	}
	record := func(bucket, key string) string {
		return fmt.Sprintf(`{"Records": [{"s3": {"bucket": {"name": %q}, "object": {"key": %q}}}]}`, bucket, key)
	}
	tests := []struct {
		name, event string
		imports     int
		want        contract.Verdict // of the import
	}{
		{"a foreign bucket", object("somebodys-bucket", wellNamed, ""), 0, ""},
		{"a bucket with a like name", object("userdrop-inbox-2", wellNamed, ""), 0, ""},
		{"the bucket in another case", object("Userdrop-Inbox", wellNamed, ""), 0, ""},
		{"no bucket", object("", wellNamed, ""), 0, ""},
		{"the work bucket", object("userdrop-work", wellNamed, ""), 0, ""},
		{"what is done already", object("userdrop-inbox", "processed/2000-01-01/x/users.csv", ""), 0, ""},
		{"what waits for the schedule", object("userdrop-inbox", "scheduled/"+pool+"/users.csv", ""), 0, ""},
		{"a folder", object("userdrop-inbox", "incoming/"+pool+"/", ""), 0, ""},
		{"the prefix alone", object("userdrop-inbox", "incoming/", ""), 0, ""},
		{"a sidecar", object("userdrop-inbox", wellNamed+".manifest.json", ""), 0, ""},
		{"a like prefix", object("userdrop-inbox", "incoming2/"+pool+"/users.csv", ""), 0, ""},
		{"no key", object("userdrop-inbox", "", ""), 0, ""},
		{"nothing", `{}`, 0, ""},
		{"null", `null`, 0, ""},
		{"a list", `[]`, 0, ""},
		{"a number", `7`, 0, ""},
		{"members of other types", `{"detail": {"bucket": "userdrop-inbox", "object": []}}`, 0, ""},
		{"a size of another type", object("userdrop-inbox", wellNamed, `, "size": "1"`), 0, ""},
		{"a key that is not URL-encoded", record("userdrop-inbox", "%zz"), 0, ""},
		{"a record of a foreign bucket", record("somebodys-bucket", "incoming/a.csv"), 0, ""},
		{"an object that is not there", object("userdrop-inbox", wellNamed, ""), 1, contract.VerdictRejected},
		{
			"a version that is not there",
			object("userdrop-inbox", wellNamed, `, "version-id": "../../x"`), 1, contract.VerdictErrored,
		},
		{"a negative size", object("userdrop-inbox", wellNamed, `, "size": -1`), 1, contract.VerdictRejected},
		{
			"an object of the work bucket by its key",
			object("userdrop-inbox", "incoming/../../userdrop-work/x", ""), 1, contract.VerdictRejected,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			log := capture(t)
			synctest.Test(t, func(t *testing.T) {
				w := boot(t, log)
				defer w.Close()
				if _, err := w.Lambda.Invoke(t.Context(), "userdrop-start-import", []byte(tt.event)); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
				settle(t, w.World, tt.imports)
				for _, e := range w.Imports() {
					if r, _ := w.Result(e.Name); r == nil || r.Verdict != tt.want {
						t.Errorf("%s ended %s with %+v", e.Name, e.Status, r)
					}
				}
				if n := w.Cognito.UserCount(pool); n != 0 {
					t.Errorf("%d users", n)
				}
				w.told(t)
			})
		})
	}
}

// lines is a log.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// capture keeps what is logged, at every level and as in Lambda, until the test's end.
func capture(t *testing.T) *lines {
	t.Helper()
	l, before := &lines{}, slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug})))
	t.Cleanup(func() { slog.SetDefault(before) })
	return l
}
