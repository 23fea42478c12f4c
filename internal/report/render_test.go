package report_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/contract"
	"userdrop/internal/report"
	"userdrop/internal/report/sample"
)

var update = flag.Bool("update", false, "write the golden files anew")

var style = regexp.MustCompile(`(?s)<style>.*</style>`)

// render returns everything that is told of a result, by the name of its golden file.
func render(t *testing.T, name string, r *contract.Result) map[string][]byte {
	t.Helper()
	var page, plain, colored bytes.Buffer
	options := report.ReportOptions{Stack: "userdrop", Docs: "https://docs.example.com/"}
	if name == "any" { // whose names no command may hold
		options.Stack = ""
	}
	if err := report.WriteReport(&page, r, options); err != nil {
		t.Fatal(err)
	}
	if err := report.WriteText(&plain, r, report.Style{}); err != nil {
		t.Fatal(err)
	}
	if err := report.WriteText(&colored, r, report.Style{Color: true, Width: 60}); err != nil {
		t.Fatal(err)
	}
	subject, body := report.Message(r)
	event, err := json.MarshalIndent(report.Event(r), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		name + ".html":       page.Bytes(),
		name + ".txt":        plain.Bytes(),
		name + ".color.txt":  colored.Bytes(),
		name + ".message":    []byte("Subject: " + subject + "\n\n" + body),
		name + ".event.json": append(event, '\n'),
	}
}

func TestGolden(t *testing.T) {
	for _, s := range sample.All() {
		for file, got := range render(t, s.Name, s.Result) {
			// The style is in report.css. A long page teaches no more than a short one, nor does every text in colour.
			got = style.ReplaceAll(got, []byte("<style>…</style>"))
			if strings.HasSuffix(file, ".html") && len(got) > 20_000 ||
				strings.HasSuffix(file, ".color.txt") && s.Name != "partial" {
				continue
			}
			golden := filepath.Join("testdata", file)
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("%s: %s", file, diff)
			}
		}
	}
}

// What people get must hold no name from the source's header, and nothing that acts on a page, a mail or a terminal.
func TestHostile(t *testing.T) {
	for _, s := range sample.All() {
		for file, text := range render(t, s.Name, s.Result) {
			for _, p := range s.Result.Problems {
				for _, column := range p.Columns {
					if p.Code != contract.MissingColumn && bytes.Contains(text, []byte(column)) {
						t.Errorf("%s shows the column %q", file, column)
					}
				}
			}
			if strings.HasSuffix(file, ".json") {
				continue // programs want the key as it is
			}
			for _, r := range string(text) {
				escape := r == '\x1b' && strings.HasSuffix(file, ".color.txt")
				if r != '\n' && !escape && !unicode.IsGraphic(r) || r == '\u2028' {
					t.Errorf("%s holds %U", file, r)
					break
				}
			}
		}
	}

	text := render(t, "hostile", hostile(t))
	page := string(text["hostile.html"])
	for _, tag := range []string{"<script", "<img", "<b>Name", "</style><"} {
		if strings.Contains(page, tag) {
			t.Errorf("the page has %q from outside", tag)
		}
	}
	if colored := string(text["hostile.color.txt"]); strings.Contains(colored, "\x1b[2J") ||
		strings.Contains(colored, "\x1b]") {
		t.Error("a key reached the terminal as a command")
	}
	message := string(text["hostile.message"])
	subject, _, _ := strings.Cut(message, "\n")
	if strings.Contains(subject, "\x1b") || !strings.Contains(message, `\x1b[2J`) {
		t.Errorf("the key is not escaped in %q", message)
	}
}

// Whatever the text from outside is, a page has the marks that make its elements and attributes, and no more of them.
func TestMarkupFromOutside(t *testing.T) {
	const marks = "<>\"'"
	page := func(seed uint64, word string) string {
		r := random(rand.New(rand.NewPCG(seed, 1)), word)
		if err := report.Finish(r, report.Ending(seed%3)); err != nil {
			t.Fatal(err)
		}
		return string(render(t, "any", r)["any.html"])
	}
	for _, word := range []string{
		"<script>", `"><img src=x onerror='y'>`, "' onload='x", `"`, "<!--", "<style>", "&quot;&lt;", "&#34", "%22%3E",
		"%s%[1]s", "javascript:x", "+ADw-script+AD4-",
	} {
		for seed := range uint64(20) {
			want, got := page(seed, "x"), page(seed, word)
			for _, mark := range marks {
				if w, g := strings.Count(want, string(mark)), strings.Count(got, string(mark)); w != g {
					t.Errorf("with %q there are %d of %q instead of %d", word, g, mark, w)
				}
			}
		}
	}
}

// The template escapes all values but those of the types of html/template that say that they are safe. Only the style
// and the icons are, which are constants.
func TestValuesAreEscaped(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, regexp.MustCompile(`template\.(?:HTML|CSS|URL|JS)\w*\([^)\n]*`).FindAllString(string(source), -1)...)
	}
	want := []string{`template.CSS(reportCSS`, `template.URL("data:image/svg+xml,%3Csvg%20xmlns=%27http://www.w3.org/2000/svg%27%20viewBox=%270%200%2016%2016%27%3E" +`}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Error("values that are not escaped:", diff)
	}
}

func hostile(t *testing.T) *contract.Result {
	t.Helper()
	for _, s := range sample.All() {
		if s.Name == "hostile" {
			return s.Result
		}
	}
	t.Fatal("no such sample")
	return nil
}

func TestColumns(t *testing.T) {
	var b bytes.Buffer
	if err := report.WriteText(&b, hostile(t), report.Style{Columns: true}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "- secret-column-name\n") {
		t.Error("the owner's terminal does not show the columns that were asked for")
	}
}

var (
	outside = regexp.MustCompile(`(?i)(?:src|href|srcset|action|data|poster)\s*=\s*"([^"]*)"`)
	loads   = regexp.MustCompile(`(?i)<(?:script|img|iframe|object|embed|video|audio|source|base|form)\b` +
		`|http-equiv="refresh|@import|url\(`)
)

func TestReportLoadsNothing(t *testing.T) {
	for _, s := range sample.All() {
		page := string(render(t, s.Name, s.Result)[s.Name+".html"])
		if found := loads.FindString(page); found != "" {
			t.Errorf("%s: %s", s.Name, found)
		}
		for _, m := range outside.FindAllStringSubmatch(page, -1) {
			if m[1] != "#main" && !strings.HasPrefix(m[1], "data:image/svg") &&
				!strings.HasPrefix(m[1], "https://docs.example.com/codes.md#") &&
				!strings.HasPrefix(m[1], "https://us-east-1.console.aws.amazon.com/states/home?region=us-east-1#/v2/") &&
				!strings.HasPrefix(m[1], "https://us-east-1.console.aws.amazon.com/s3/object/userdrop-results?prefix=") {
				t.Errorf("%s: address %q", s.Name, m[1])
			}
		}
		if !strings.Contains(page, `content="default-src &#39;none&#39;; style-src &#39;sha256-`) {
			t.Errorf("%s: no strict policy", s.Name)
		}
	}
}

func TestEventSchema(t *testing.T) {
	schema := compile(t, report.EventJSONSchema)
	for _, s := range sample.All() {
		text := marshal(t, report.Event(s.Result))
		if err := schema.Validate(decode(t, text)); err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
	}
	good := string(marshal(t, report.Event(sample.All()[1].Result)))
	for name, edit := range map[string]struct{ from, to string }{
		"another schema":        {"userdrop.event/v1", "userdrop.event/v2"},
		"no id":                 {`"importId":"staff-3f9a1c77",`, ""},
		"an unknown verdict":    {`"PARTIAL"`, `"DONE"`},
		"a problem with words":  {`"code":"BadPhone",`, `"code":"BadPhone","message":"x",`},
		"a problem's lines":     {`"code":"BadPhone",`, `"code":"BadPhone","lines":[1],`},
		"files beside the four": {`"files":{`, `"files":{"uploadUrl":"x",`},
		"no rows":               {`"rows":{"read":10000`, `"lines":{"read":10000`},
	} {
		broken := strings.Replace(good, edit.from, edit.to, 1)
		if broken == good {
			t.Errorf("%s: nothing was broken", name)
		}
		if err := schema.Validate(decode(t, []byte(broken))); err == nil {
			t.Errorf("%s: valid", name)
		}
	}
}

func TestEventOmits(t *testing.T) {
	r := &contract.Result{ImportID: "many", UserPoolID: "us-east-1_Example"}
	for i := range 500 {
		r.Sources = append(r.Sources, contract.Source{Bucket: "inbox", Key: fmt.Sprintf("scheduled/%s/%04d.csv",
			strings.Repeat("<", 100), i)})
	}
	if err := report.Finish(r, report.Ended); err != nil {
		t.Fatal(err)
	}
	d := report.Event(r)
	if d.Omitted == nil || len(d.Sources) == 0 || len(d.Sources)+d.Omitted.Sources != 500 {
		t.Fatalf("%d sources told, omitted %v", len(d.Sources), d.Omitted)
	}
	if diff := cmp.Diff(string(marshal(t, d)), string(marshal(t, report.Event(r)))); diff != "" {
		t.Error("the same result gave another event:", diff)
	}
	if next := len(marshal(t, d.Sources[0])); len(marshal(t, d))+next < 15_000 {
		t.Errorf("the event is of %d bytes: another source of %d would have fitted", len(marshal(t, d)), next)
	}
}

// FuzzRender renders any result that reconciles: it never fails, the event is under 16 KB, the subject is one that
// Amazon SNS takes.
func FuzzRender(f *testing.F) {
	for seed := range uint64(60) {
		f.Add(seed, "users.csv")
	}
	f.Add(uint64(1), "\x1b[2J\xff\u202e<script>")
	f.Add(uint64(2), strings.Repeat("<", 100_000))
	f.Fuzz(func(t *testing.T, seed uint64, word string) {
		r := random(rand.New(rand.NewPCG(seed, 1)), word)
		if err := report.Finish(r, report.Ending(seed%3)); err != nil {
			t.Fatal(err)
		}
		for file, text := range render(t, "any", r) {
			if !utf8.Valid(text) {
				t.Errorf("%s is not UTF-8", file)
			}
			if bytes.Contains(text, []byte("%!")) && !strings.Contains(word, "%!") {
				t.Errorf("%s has a value in the place of one of another type", file)
			}
		}
		if n := len(marshal(t, report.Event(r))); n >= 16<<10 {
			t.Errorf("the event has %d bytes", n)
		}
		subject, body := report.Message(r)
		if len(subject) >= 100 || strings.Trim(subject, "\x20\x21\"#$%&'()*+,-./0123456789:;<=>?@"+
			"ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~") != "" {
			t.Errorf("subject %q", subject)
		}
		if len(body) > 100<<10 {
			t.Errorf("the message has %d bytes", len(body))
		}
	})
}

// random makes a result that reconciles, with a word wherever text from outside can stand.
func random(rnd *rand.Rand, word string) *contract.Result {
	some := func(n int) int { return rnd.IntN(n + 1) }
	when := func() time.Time {
		if some(3) == 0 {
			return time.Time{}
		}
		return time.Date(2026, 11, 21, 0, 0, some(9_000_000), some(999_999_999), time.UTC)
	}
	r := &contract.Result{
		ImportID: word, UserPoolID: "us-east-1_" + word, StartedAt: when(), FinishedAt: when(),
		Files: contract.Files{Result: "s3://" + word, Failed: "s3://b/" + word, Report: word},
	}
	if some(3) == 0 {
		r.Mode = contract.ModeCheck
	}
	problems := func() []contract.Problem {
		var ps []contract.Problem
		for _, code := range contract.AllCodes() {
			if some(3) == 0 {
				ps = append(ps, contract.Problem{
					Code: code, Count: 1 + some(1_000_000), Lines: []int{1, 1 + some(1_000_000)}, Message: word,
					Columns: []string{word},
				})
			}
		}
		return ps
	}
	for range some(1 + some(300)) {
		o := contract.RowOutcomes{
			Imported: int64(some(3) * some(40_000_000)), Skipped: int64(some(9)), Failed: int64(some(9)),
			Unprocessed: int64(some(9)),
		}
		rows := contract.Rows{
			Rejected: int64(some(99)), Submitted: o.Imported + o.Skipped + o.Failed + o.Unprocessed, RowOutcomes: &o,
		}
		rows.Read = rows.Rejected + rows.Submitted
		s := contract.Source{Bucket: word, Key: word, VersionID: word, Bytes: int64(some(1 << 30)), Rows: rows}
		if some(5) == 0 {
			s.Problems, s.Files = problems(), &contract.Files{Failed: word}
		}
		r.Sources = append(r.Sources, s)
		r.Rows = r.Rows.Add(rows)
	}
	for i := range some(30) {
		r.Jobs = append(r.Jobs, contract.ResultJob{
			JobName: word, JobID: word, Part: i, Status: []string{"Succeeded", "Failed", "Stopped", "Expired", word}[some(4)],
			CompletionMessage: word, QueuedAt: when(), CreatedAt: when(), StartedAt: when(), CompletedAt: when(),
		})
	}
	r.Problems = problems()
	if some(2) == 0 {
		r.Error = &contract.Cause{Name: word, Message: word}
		r.JobsUsed = &contract.JobsUsed{Used: some(1200), Limit: contract.JobsPerPool}
		r.Waits = &contract.Waits{QueueSeconds: int64(some(1 << 20))}
	}
	if r.Mode == contract.ModeCheck && some(1) == 0 {
		r.Predicted = &contract.Predicted{Imported: r.Rows.Submitted}
	}
	return r
}

// The rules of results know no AWS, and the browser's driver stays out of what is deployed.
func TestDependencies(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for path := range strings.FieldsSeq(string(out)) {
		if strings.Contains(path, "aws") || strings.Contains(path, "chromedp") {
			t.Error("depends on", path)
		}
	}
}
