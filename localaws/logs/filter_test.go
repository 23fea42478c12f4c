package logs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/google/go-cmp/cmp"

	"userdrop/localaws/logs"
	"userdrop/localaws/wire"
)

func TestFilterPatterns(t *testing.T) {
	tests := []struct{ pattern, want string }{
		{"", "0 1 2 3"},
		{"  ", "0 1 2 3"},
		{`"[FAILED]"`, "1"},
		{`?"[FAILED]" ?"[SKIPPED]"`, "1 2"},
		{`"[SKIPPED]" "Line Number"`, "2"},
		{"Line failed", ""},
		{"Line Number", "0 1 2"},
		{"Line -FAILED", "0 2"},
		{`"say \"hello\""`, "3"},
		{"[FAILED]", "InvalidParameterException"},
		{"{ $.a = 1 }", "InvalidParameterException"},
		{"a-b", "InvalidParameterException"},
		{`"open`, "InvalidParameterException"},
		{"?a b", "InvalidParameterException"},
		{"%regex%", "InvalidParameterException"},
	}
	service, client := setUp(t)
	for i, message := range []string{
		"[SUCCEEDED] Line Number 2 - fine", "[FAILED] Line Number 3 - bad", "[SKIPPED] Line Number 4 - there",
		`they say "hello"`,
	} {
		service.Append("group", "stream", at(i), message)
	}
	for _, test := range tests {
		t.Run(test.pattern, func(t *testing.T) {
			out, err := client.FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{
				LogGroupName: aws.String("group"), FilterPattern: &test.pattern,
			})
			var got []string
			if err != nil {
				refusal, _, _ := strings.Cut(code(err), ":")
				got = []string{refusal}
			} else {
				for _, e := range out.Events {
					got = append(got, fmt.Sprint(*e.Timestamp-at(0).UnixMilli()))
				}
			}
			if diff := cmp.Diff(test.want, strings.Join(got, " ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Pages neither lose nor double an event, whatever their size, also when late events arrive between them.
func TestFilterPages(t *testing.T) {
	for _, test := range []struct {
		name             string
		limit, scanLimit int
	}{{"limit 7", 7, 0}, {"limit 10000", 10_000, 0}, {"scanning a few at a time", 100, 9}} {
		t.Run(test.name, func(t *testing.T) {
			service, client := setUp(t)
			service.ScanLimit = test.scanLimit
			var want []string
			for i := range 100 {
				message := fmt.Sprintf("term %d", i)
				service.Append("group", fmt.Sprintf("stream-%d", i%3), at(i/4), message)
				service.Append("group", "other", at(i/4), message)
				want = append(want, message)
			}
			pages := cloudwatchlogs.NewFilterLogEventsPaginator(client, &cloudwatchlogs.FilterLogEventsInput{
				LogGroupName: aws.String("group"), LogStreamNamePrefix: aws.String("stream-"), Limit: aws.Int32(int32(test.limit)),
				FilterPattern: aws.String("term"),
			})
			var got []string
			empty := 0
			for pages.HasMorePages() {
				page, err := pages.NextPage(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if len(page.Events) == 0 {
					empty++
				}
				for _, e := range page.Events {
					got = append(got, *e.Message)
				}
				service.Append("group", "stream-0", at(0), "term, but late")
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if empty > 0 {
				t.Errorf("%d empty pages", empty)
			}
		})
	}
}

// "This operation can return empty results while there are more log events available through the token."
func TestEmptyPageWithToken(t *testing.T) {
	service, client := setUp(t)
	service.ScanLimit = 10
	for i := range 30 {
		service.Append("group", "stream", at(i), "noise")
	}
	service.Append("group", "stream", at(30), "signal")
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(client, &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: aws.String("group"), FilterPattern: aws.String("signal"),
	})
	var sizes []int
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, len(page.Events))
	}
	if diff := cmp.Diff([]int{0, 0, 0, 1}, sizes); diff != "" {
		t.Error(diff)
	}
}

func TestFilterWindowAndSize(t *testing.T) {
	service, client := setUp(t)
	for i := range 10 {
		service.Append("group", "stream", at(i), strings.Repeat("x", 300_000))
	}
	in := &cloudwatchlogs.FilterLogEventsInput{
		LogGroupIdentifier: aws.String("arn:aws:logs:us-east-1:111122223333:log-group:group"),
		LogStreamNames:     []string{"stream"},
		StartTime:          aws.Int64(at(2).UnixMilli()), EndTime: aws.Int64(at(6).UnixMilli()),
	}
	var got []string
	for {
		out, err := client.FilterLogEvents(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(len(out.Events), " from ", *out.Events[0].Timestamp-at(0).UnixMilli()))
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	if diff := cmp.Diff([]string{"3 from 2", "2 from 5"}, got); diff != "" {
		t.Error(diff)
	}
}

// Any pattern is refused or matches; a quoted phrase matches the message that it is.
func FuzzPattern(f *testing.F) {
	f.Add(`?"[FAILED]" ?"[SKIPPED]"`, "[FAILED] Line Number 3 - bad")
	f.Add(`-a "b\"" c_1`, `a "quoted" \ message`)
	service := logs.New(&wire.Account{ID: "111122223333", Region: "us-east-1", IDs: wire.NewIDs(1)})
	f.Fuzz(func(t *testing.T, pattern, message string) {
		if message == "" || !utf8.ValidString(message) || !utf8.ValidString(pattern) {
			return
		}
		service.Append("group", "stream", at(0), message)
		quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(message) + `"`
		if strings.Contains(message, "%") {
			quoted = ""
		}
		for _, p := range []string{pattern, quoted} {
			body, err := json.Marshal(map[string]any{"logGroupName": "group", "filterPattern": p})
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
			r.Header.Set("X-Amz-Target", "Logs_20140328.FilterLogEvents")
			w := httptest.NewRecorder()
			service.ServeHTTP(w, r)
			if w.Code == http.StatusOK {
				if p == quoted && strings.Contains(w.Body.String(), `"events":[]`) {
					t.Errorf("%q does not match itself", p)
				}
				continue
			}
			if p == quoted || !strings.Contains(w.Body.String(), "InvalidParameterException") {
				t.Errorf("%q: %s", p, w.Body)
			}
		}
	})
}
