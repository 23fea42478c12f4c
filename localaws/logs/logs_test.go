package logs_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/google/go-cmp/cmp"

	"userdrop/localaws/logs"
	"userdrop/localaws/template"
	"userdrop/localaws/wire"
)

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
