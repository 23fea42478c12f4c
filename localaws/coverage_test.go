package localaws_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"userdrop/localaws"
)

var update = flag.Bool("update", false, "write README.md anew")

// coverage is a group of operations of a service, what the double enforces of them, and what it refuses beyond what it
// does not know.
type coverage struct{ operations, enforced, refused string }

// covered are the groups of each service. TestCoverage compares them with the operations that the services have.
var covered = []struct {
	service, title string
	groups         []coverage
}{
	{"s3", "Amazon S3", []coverage{
		{
			"PutObject PostObject CopyObject",
			"5 GiB an operation; `If-Match`, `If-None-Match`; MD5, SHA-256 and all checksums, CRC64NVME by default; SSE-S3 " +
				"and SSE-KMS with the key's permissions; versions; events to EventBridge; expiry of presigned URLs and forms, a " +
				"form's policy",
			"ACLs, object lock, SSE-C, GLACIER classes",
		},
		{
			"GetObject HeadObject GetObjectAttributes", "ranges, parts, conditions, `response-*`; 404 only for who may list",
			"part checksums in attributes",
		},
		{"DeleteObject DeleteObjects", "delete markers, versions, `If-Match`", "conditions on size and time"},
		{"GetObjectTagging PutObjectTagging DeleteObjectTagging", "10 tags, lengths, versions, events", ""},
		{
			"CreateMultipartUpload UploadPart UploadPartCopy CompleteMultipartUpload AbortMultipartUpload ListParts " +
				"ListMultipartUploads", "5 MiB parts, 10,000 of them, order, ETags, checksums of parts and of the whole", "",
		},
		{
			"ListObjects ListObjectsV2 ListObjectVersions", "prefixes, delimiters, pages of 1,000, encoding", "",
		},
		{
			"ListBuckets CreateBucket HeadBucket GetBucketLocation GetBucketVersioning", "names, Region; path style and " +
				"virtual hosts", "configuration of buckets other than by the template",
		},
	}},
	{"cognito-idp", "Amazon Cognito user pools", []coverage{
		{
			"CreateUserImportJob DescribeUserImportJob ListUserImportJobs StartUserImportJob StopUserImportJob GetCSVHeader",
			"one active job an account, 1,000 jobs a pool; the upload URL's 15 minutes, signature, SSE header and " +
				"Content-Length; 100 MB, 500,000 rows; Cognito's CSV dialect, a log line for each row; what AWS does not " +
				"document is in `cognito.Settings`", "",
		},
		{
			"CreateUserPool UpdateUserPool DeleteUserPool DescribeUserPool ListUserPools SetUserPoolMfaConfig " +
				"AddCustomAttributes", "no change while a job runs", "Lambda triggers",
		},
		{
			"AdminCreateUser AdminDeleteUser AdminGetUser AdminUpdateUserAttributes AdminEnableUser AdminDisableUser ListUsers",
			"schema, aliases, filters, pages of 60, the account's quotas of calls", "messages, passwords, sign-in",
		},
		{
			"CreateGroup GetGroup ListGroups ListUsersInGroup AdminAddUserToGroup AdminRemoveUserFromGroup " +
				"AdminListGroupsForUser", "names, pages", "",
		},
	}},
	{"states", "AWS Step Functions", []coverage{
		{
			"CreateStateMachine DescribeStateMachine DescribeStateMachineForExecution ListStateMachines",
			"the Amazon States Language with JSONPath; the role's trust", "JSONata, Express workflows, Parallel, " +
				"integrations but Lambda and startExecution.sync:2, Distributed Map",
		},
		{
			"StartExecution DescribeExecution GetExecutionHistory ListExecutions StopExecution RedriveExecution",
			"names for 90 days, 256 KiB of data, 25,000 events, time-outs, retries with jitter; eventual consistency of " +
				"ListExecutions; status events", "",
		},
	}},
	{"lambda", "AWS Lambda", []coverage{
		{
			"Invoke", "6 MB and 1 MB of payload; time-outs; reserved concurrency; asynchronous retries, age and destinations; " +
				"the Runtime API for executables", "tenants, durable executions",
		},
		{"GetFunction GetFunctionConfiguration ListFunctions", "", ""},
	}},
	{"events", "Amazon EventBridge", []coverage{
		{"PutEvents", "10 entries, 256 KiB, sources of AWS", "buses other than the default one"},
		{
			"PutRule PutTargets EnableRule DisableRule DescribeRule ListRules ListTargetsByRule TestEventPattern",
			"patterns with all operators, 4,096 characters, 5 targets; input paths and templates, 100 variables; schedules; " +
				"retries and dead letters; the role's trust, the target's policy",
			"targets but Lambda, Step Functions, SNS and SQS",
		},
	}},
	{"scheduler", "Amazon EventBridge Scheduler", []coverage{
		{
			"CreateSchedule UpdateSchedule GetSchedule ListSchedules",
			"rate, cron and at, time zones, context attributes; the role's trust; retries and dead letters",
			"groups, universal targets",
		},
	}},
	{"sns", "Amazon SNS", []coverage{
		{
			"Publish", "256 KiB, subjects, attributes, the topic's policy and key",
			"attributes of other types than String and Number",
		},
		{
			"Subscribe ConfirmSubscription ListSubscriptions ListSubscriptionsByTopic ListTopics",
			"mail waits for its confirmation and is only recorded; SQS and Lambda receive", "filter policies, HTTP, SMS",
		},
	}},
	{"sqs", "Amazon SQS", []coverage{
		{
			"SendMessage ReceiveMessage DeleteMessage", "1 MiB, 10 attributes and their MD5, delay, visibility, retention, " +
				"long polls", "FIFO queues, batches",
		},
		{"GetQueueUrl ListQueues GetQueueAttributes", "names of attributes", ""},
	}},
	{"logs", "Amazon CloudWatch Logs", []coverage{
		{
			"CreateLogGroup DeleteLogGroup DescribeLogGroups CreateLogStream DescribeLogStreams PutRetentionPolicy " +
				"DeleteRetentionPolicy", "names, pages, days", "",
		},
		{
			"PutLogEvents GetLogEvents FilterLogEvents", "pages of 1 MiB and 10,000 events, tokens, filter patterns of terms",
			"JSON patterns",
		},
	}},
	{"cloudformation", "AWS CloudFormation", []coverage{
		{
			"DescribeStacks DescribeStackResources ListStackResources ListStacks", "pages, hidden parameters",
			"changes of the stack",
		},
	}},
	{"sts", "AWS STS", []coverage{{"GetCallerIdentity", "", ""}}},
}

// TestCoverage compares the table in README.md with the operations that the double has, and the example with the test.
// go test ./localaws -run Coverage -update writes both.
func TestCoverage(t *testing.T) {
	operations := bootText(t, inboxOnly, localaws.Options{}).Operations()
	var table strings.Builder
	table.WriteString("| Service | Operations | Enforced | Refused |\n| --- | --- | --- | --- |\n")
	for _, service := range covered {
		var named []string
		for i, group := range service.groups {
			title := service.title
			if i > 0 {
				title = ""
			}
			names := strings.Fields(group.operations)
			named = append(named, names...)
			fmt.Fprintf(&table, "| %s | `%s` | %s | %s |\n", title, strings.Join(names, "` `"), group.enforced, group.refused)
		}
		slices.Sort(named)
		if diff := cmp.Diff(operations[service.service], named); diff != "" {
			t.Errorf("%s (-the service +the table):\n%s", service.service, diff)
		}
		delete(operations, service.service)
	}
	for _, service := range slices.Sorted(maps.Keys(operations)) {
		t.Errorf("the table lacks the service %s", service)
	}
	source, err := os.ReadFile("readme_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := bytes.Cut(source, []byte("// README begin\n"))
	example, _, _ := bytes.Cut(after, []byte("\n// README end"))

	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	written := replace(t, readme, "coverage", table.String())
	written = replace(t, written, "example", "```go\n"+string(example)+"```\n")
	if *update {
		if err := os.WriteFile("README.md", written, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(readme), string(written)); diff != "" {
		t.Errorf("README.md (-file +wanted); go test ./localaws -run Coverage -update writes it:\n%s", diff)
	}
}

// replace puts a text between <!-- name --> and <!-- end of name -->.
func replace(t *testing.T, document []byte, name, text string) []byte {
	t.Helper()
	begin, end := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->"
	before, rest, found := strings.Cut(string(document), begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("README.md lacks %s", begin)
	}
	return []byte(before + begin + text + end + after)
}

// TestLikeness shows that the tests which likeness.md names are there.
func TestLikeness(t *testing.T) {
	text, err := os.ReadFile("likeness.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("\\| `([a-z0-9]+)` (Test[A-Za-z0-9]+) \\|").FindAllSubmatch(text, -1)
	if len(named) < 25 {
		t.Errorf("%d tests are named", len(named))
	}
	for _, n := range named {
		files, err := filepath.Glob(filepath.Join(strings.TrimPrefix(string(n[1]), "localaws"), "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(files, func(name string) bool {
			source, err := os.ReadFile(name)
			return err == nil && bytes.Contains(source, fmt.Appendf(nil, "\nfunc %s(t *testing.T)", n[2]))
		}) {
			t.Errorf("package %s has no test %s", n[1], n[2])
		}
	}
}
