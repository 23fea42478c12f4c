package logs_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"userdrop/localaws/logs"
	"userdrop/localaws/template"
	"userdrop/localaws/wire"
)

func setUp(t *testing.T) (*logs.Service, *cloudwatchlogs.Client) {
	t.Helper()
	service := logs.New(&wire.Account{ID: "111122223333", Region: "us-east-1", IDs: wire.NewIDs(1)})
	return service, cloudwatchlogs.New(cloudwatchlogs.Options{
		Region: "us-east-1", HTTPClient: direct{service}, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

// direct calls a service without a network. Over one, the SDK closes a request's body with the first bytes of the
// answer; net/http, which may be about to look for the body's end, then takes the connection for broken, and a large
// answer with it (smithy-go's safeWriteToReadCloser). The SDK's retries bear that; a client without them does not.
type direct struct{ http.Handler }

func (d direct) Do(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w.Result(), nil
}

// at is a time stamp of n milliseconds after some moment.
func at(n int) time.Time { return time.UnixMilli(1_700_000_000_000 + int64(n)) }

func code(err error) string {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return fmt.Sprint(err)
	}
	return api.ErrorCode() + ": " + api.ErrorMessage()
}

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

func TestRefusals(t *testing.T) {
	service, client := setUp(t)
	service.Append("group", "stream", at(0), "m")
	filter := func(change func(*cloudwatchlogs.FilterLogEventsInput)) error {
		in := &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("group")}
		change(in)
		_, err := client.FilterLogEvents(t.Context(), in)
		return err
	}
	_, again := client.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("group")})
	_, backwards := client.PutLogEvents(t.Context(), &cloudwatchlogs.PutLogEventsInput{
		LogGroupName: aws.String("group"), LogStreamName: aws.String("stream"), LogEvents: []types.InputLogEvent{
			{Message: aws.String("b"), Timestamp: aws.Int64(2)}, {Message: aws.String("a"), Timestamp: aws.Int64(1)},
		},
	})
	tests := []struct {
		name string
		err  error
		want string
	}{
		{
			"no group", filter(func(in *cloudwatchlogs.FilterLogEventsInput) { in.LogGroupName = aws.String("none") }),
			"ResourceNotFoundException: The specified log group does not exist.",
		},
		{
			"no stream", filter(func(in *cloudwatchlogs.FilterLogEventsInput) { in.LogStreamNames = []string{"none"} }),
			"ResourceNotFoundException: The specified log stream does not exist.",
		},
		{
			"limit", filter(func(in *cloudwatchlogs.FilterLogEventsInput) { in.Limit = aws.Int32(10_001) }),
			"InvalidParameterException: 1 validation error detected",
		},
		{
			"token", filter(func(in *cloudwatchlogs.FilterLogEventsInput) { in.NextToken = aws.String("x") }),
			"InvalidParameterException: The specified nextToken is invalid.",
		},
		{
			"both", filter(func(in *cloudwatchlogs.FilterLogEventsInput) { in.LogGroupIdentifier = aws.String("group") }),
			"InvalidParameterException: LogGroup name and LogGroup identifier",
		},
		{"group twice", again, "ResourceAlreadyExistsException: The specified log group already exists"},
		{
			"out of order", backwards,
			"InvalidParameterException: Log events in a single PutLogEvents request must be in chronological order.",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := code(test.err); !strings.HasPrefix(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestDescribe(t *testing.T) {
	service, client := setUp(t)
	for i := range 120 {
		service.Append(fmt.Sprintf("/a/%03d", i), "stream", at(0), "m")
		service.Append("/b", fmt.Sprintf("stream-%03d", i), at(1000-i), "m")
	}
	groups := cloudwatchlogs.NewDescribeLogGroupsPaginator(client,
		&cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: aws.String("/a/")})
	var names []string
	for groups.HasMorePages() {
		page, err := groups.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(page.LogGroups) > 50 {
			t.Errorf("a page of %d", len(page.LogGroups))
		}
		for _, g := range page.LogGroups {
			names = append(names, *g.LogGroupName)
		}
	}
	if len(names) != 120 || !slices.IsSorted(names) {
		t.Errorf("%d groups: %v", len(names), names)
	}

	for _, test := range []struct {
		name        string
		order       types.OrderBy
		descending  bool
		first, last string
	}{
		{"by name", "", false, "stream-000", "stream-119"},
		{"by name, descending", types.OrderByLogStreamName, true, "stream-119", "stream-000"},
		{"by time", types.OrderByLastEventTime, false, "stream-119", "stream-000"},
		{"by time, descending", types.OrderByLastEventTime, true, "stream-000", "stream-119"},
	} {
		t.Run(test.name, func(t *testing.T) {
			streams := cloudwatchlogs.NewDescribeLogStreamsPaginator(client, &cloudwatchlogs.DescribeLogStreamsInput{
				LogGroupName: aws.String("/b"), OrderBy: test.order, Descending: &test.descending, Limit: aws.Int32(7),
			})
			var names []string
			for streams.HasMorePages() {
				page, err := streams.NextPage(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, st := range page.LogStreams {
					names = append(names, *st.LogStreamName)
				}
			}
			got := fmt.Sprint(len(names), " ", names[0], " ", names[len(names)-1])
			if diff := cmp.Diff(fmt.Sprint(120, " ", test.first, " ", test.last), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

type witness struct{ asked []string }

func (w *witness) ARN() string { return "arn:aws:sts::111122223333:assumed-role/someone/session" }

func (w *witness) Allows(action, resource string, _ map[string]string) bool {
	w.asked = append(w.asked, action+" "+resource)
	return false
}

// AWS asks for a group as log-group:<name>:log-stream:, which a policy for log-group:<name> alone does not allow.
func TestRetention(t *testing.T) {
	service, client := setUp(t)
	service.Create(template.LogGroup{Name: "/made", Retention: 14})
	days := func() any {
		out, err := client.DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{})
		if err != nil || len(out.LogGroups) != 1 {
			return err
		}
		return aws.ToInt32(out.LogGroups[0].RetentionInDays)
	}
	put := func(group string, days int32) string {
		_, err := client.PutRetentionPolicy(t.Context(), &cloudwatchlogs.PutRetentionPolicyInput{
			LogGroupName: &group, RetentionInDays: &days,
		})
		return code(err)
	}
	unset := func() string {
		_, err := client.DeleteRetentionPolicy(t.Context(), &cloudwatchlogs.DeleteRetentionPolicyInput{
			LogGroupName: aws.String("/made"),
		})
		return code(err)
	}
	for _, c := range []struct {
		name      string
		want, got any
	}{
		{"the template's", int32(14), days()},
		{"put", "<nil>", put("/made", 30)},
		{"shown", int32(30), days()},
		{"no such group", "ResourceNotFoundException: The specified log group does not exist.", put("/other", 30)},
		{"deleted", "<nil>", unset()},
		{"shown no more", int32(0), days()},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
		}
	}
	if got := put("/made", 2); !strings.HasPrefix(got, "InvalidParameterException") {
		t.Errorf("two days: %s", got)
	}
}

func TestCallersAreAuthorised(t *testing.T) {
	group := "arn:aws:logs:us-east-1:111122223333:log-group:/a:log-stream:"
	tests := []struct{ operation, body, want string }{
		{"DescribeLogGroups", `{"logGroupNamePrefix": "/a"}`, strings.Replace(group, "/a", "", 1)},
		{"DescribeLogStreams", `{"logGroupName": "/a"}`, group},
		{"FilterLogEvents", `{"logGroupName": "/a", "logStreamNames": ["s"]}`, group},
		{"GetLogEvents", `{"logGroupName": "/a", "logStreamName": "s"}`, group + "s"},
		{"CreateLogGroup", `{"logGroupName": "/a"}`, group},
		{"CreateLogStream", `{"logGroupName": "/a", "logStreamName": "s"}`, group},
		{
			"PutLogEvents",
			`{"logGroupName": "/a", "logStreamName": "s", "logEvents": [{"timestamp": 1, "message": "m"}]}`,
			group + "s",
		},
	}
	for _, test := range tests {
		t.Run(test.operation, func(t *testing.T) {
			service := logs.New(&wire.Account{ID: "111122223333", Region: "us-east-1", IDs: wire.NewIDs(1)})
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(test.body))
			r.Header.Set("X-Amz-Target", "Logs_20140328."+test.operation)
			caller := &witness{}
			w := httptest.NewRecorder()
			service.ServeHTTP(w, r.WithContext(wire.WithPrincipal(r.Context(), caller)))
			if diff := cmp.Diff([]string{"logs:" + test.operation + " " + test.want}, caller.asked); diff != "" {
				t.Error(diff)
			}
			if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "AccessDeniedException") {
				t.Errorf("%d: %s", w.Code, w.Body)
			}
		})
	}
}

// GetLogEvents begins at the end, pages both ways, and answers the token that it was given when there is no more.
func TestGetLogEvents(t *testing.T) {
	_, client := setUp(t)
	group, stream := aws.String("group"), aws.String("stream")
	if _, err := client.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: group}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateLogStream(t.Context(), &cloudwatchlogs.CreateLogStreamInput{
		LogGroupName: group, LogStreamName: stream,
	}); err != nil {
		t.Fatal(err)
	}
	var events []types.InputLogEvent
	for i := range 10 {
		events = append(events, types.InputLogEvent{
			Message: aws.String(fmt.Sprint(i)), Timestamp: aws.Int64(at(i).UnixMilli()),
		})
	}
	if _, err := client.PutLogEvents(t.Context(), &cloudwatchlogs.PutLogEventsInput{
		LogGroupName: group, LogStreamName: stream, LogEvents: events,
	}); err != nil {
		t.Fatal(err)
	}
	read := func(token *string, head bool) (string, *cloudwatchlogs.GetLogEventsOutput) {
		t.Helper()
		out, err := client.GetLogEvents(t.Context(), &cloudwatchlogs.GetLogEventsInput{
			LogGroupName: group, LogStreamName: stream, Limit: aws.Int32(4), NextToken: token, StartFromHead: &head,
		})
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, e := range out.Events {
			b.WriteString(*e.Message)
		}
		return b.String(), out
	}
	var got []string
	text, out := read(nil, false)
	got = append(got, text)
	text, out = read(out.NextBackwardToken, false)
	got = append(got, text)
	text, _ = read(out.NextForwardToken, false)
	got = append(got, text)
	text, out = read(nil, true)
	for text != "" {
		got = append(got, text)
		text, out = read(out.NextForwardToken, true)
	}
	end := *out.NextForwardToken
	if _, out = read(&end, true); *out.NextForwardToken != end {
		t.Error("another token at the end")
	}
	if diff := cmp.Diff([]string{"6789", "2345", "6789", "0123", "4567", "89"}, got); diff != "" {
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
