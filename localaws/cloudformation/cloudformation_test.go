package cloudformation

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"userdrop/localaws/iam"
	"userdrop/localaws/template"
	"userdrop/localaws/wire"
)

// transport calls a handler without a network, so that a test can run in a bubble.
type transport struct {
	http.Handler
	caller wire.Principal
}

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	ctx := wire.WithRequestID(r.Context(), "request-1")
	if t.caller != nil {
		ctx = wire.WithPrincipal(ctx, t.caller)
	}
	t.ServeHTTP(w, r.Clone(ctx))
	return w.Result(), nil
}

func stack(t *testing.T, resources string) *template.Stack {
	t.Helper()
	s, err := template.Load([]byte(`
Description: A queue
Parameters:
  Size: {Type: Number, Default: 3}
  Word: {Type: String, Default: sesame, NoEcho: true}
Resources:
  Queue: {Type: AWS::SQS::Queue}
`+resources+`
Outputs:
  Url: {Description: Where <it> is, Value: !Ref Queue, Export: {Name: queue}}
`), template.Options{Account: &wire.Account{ID: "123456789012", Region: "eu-west-1"}, StackName: "app"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func client(h http.Handler, caller wire.Principal) *cfn.Client {
	return cfn.New(cfn.Options{
		Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("AKIA", "secret", ""),
		HTTPClient: &http.Client{Transport: transport{h, caller}}, RetryMaxAttempts: 1,
	})
}

func TestDescribeStacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stack(t, "")
		got, err := client(New(s), nil).DescribeStacks(t.Context(), &cfn.DescribeStacksInput{StackName: aws.String("app")})
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now().UTC()
		want := []types.Stack{{
			StackName: aws.String("app"), StackId: aws.String(s.ID), Description: aws.String("A queue"),
			StackStatus: types.StackStatusCreateComplete, CreationTime: &now, DisableRollback: aws.Bool(false),
			Capabilities: []types.Capability{types.CapabilityCapabilityIam, types.CapabilityCapabilityAutoExpand},
			Parameters: []types.Parameter{
				{ParameterKey: aws.String("Size"), ParameterValue: aws.String("3")},
				{ParameterKey: aws.String("Word"), ParameterValue: aws.String("****")},
			},
			Outputs: []types.Output{{
				OutputKey: aws.String("Url"), Description: aws.String("Where <it> is"), ExportName: aws.String("queue"),
				OutputValue: aws.String("https://sqs.eu-west-1.amazonaws.com/123456789012/app-Queue"),
			}},
		}}
		if d := cmp.Diff(want, got.Stacks, cmp.FilterPath(func(p cmp.Path) bool {
			return strings.HasSuffix(p.String(), "noSmithyDocumentSerde")
		}, cmp.Ignore())); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
	})
}

func TestResources(t *testing.T) {
	var many strings.Builder
	for i := range 150 {
		fmt.Fprintf(&many, "  T%d: {Type: AWS::SNS::Topic}\n", i)
	}
	c := client(New(stack(t, many.String())), nil)
	var ids []string
	p := cfn.NewListStackResourcesPaginator(c, &cfn.ListStackResourcesInput{StackName: aws.String("app")})
	for p.HasMorePages() {
		page, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.StackResourceSummaries {
			ids = append(ids, *r.LogicalResourceId)
		}
	}
	if len(ids) != 151 || ids[0] != "Queue" || ids[150] != "T149" {
		t.Errorf("listed %d resources: %v", len(ids), ids)
	}
	one, err := c.DescribeStackResources(t.Context(), &cfn.DescribeStackResourcesInput{
		StackName: aws.String("app"), LogicalResourceId: aws.String("T7"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff("arn:aws:sns:eu-west-1:123456789012:app-T7", *one.StackResources[0].PhysicalResourceId); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	stacks, err := c.ListStacks(t.Context(), &cfn.ListStacksInput{
		StackStatusFilter: []types.StackStatus{types.StackStatusDeleteComplete},
	})
	if err != nil || len(stacks.StackSummaries) != 0 {
		t.Errorf("deleted stacks: %v, %v", stacks, err)
	}
	if stacks, err = c.ListStacks(t.Context(), nil); err != nil || len(stacks.StackSummaries) != 1 {
		t.Errorf("stacks: %v, %v", stacks, err)
	}
}

func TestErrors(t *testing.T) {
	s := stack(t, "")
	reader := func(resource string) wire.Principal {
		return iam.NewRole("arn:aws:iam::123456789012:role/reader", iam.Policy{Name: "p", Document: &iam.Document{
			Statements: []iam.Statement{{
				Effect: iam.Allow, Actions: []string{"cloudformation:DescribeStacks"}, Resources: []string{resource},
			}},
		}}).Session("me")
	}
	tests := []struct {
		name    string
		caller  wire.Principal
		stack   string
		want    string
		message string
	}{
		{"not there", nil, "other", "ValidationError", "Stack with id other does not exist"},
		{"allowed", reader(s.ID), "app", "", ""},
		{"denied", reader(s.ID + "x"), "app", "AccessDenied", "arn:aws:sts::123456789012:assumed-role/reader/me"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := client(New(s), tt.caller).DescribeStacks(t.Context(), &cfn.DescribeStacksInput{StackName: &tt.stack})
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			api, ok := errors.AsType[smithy.APIError](err)
			if !ok || api.ErrorCode() != tt.want || !strings.Contains(api.ErrorMessage(), tt.message) {
				t.Errorf("error %v, want %s with %q", err, tt.want, tt.message)
			}
		})
	}
}

func TestUnknown(t *testing.T) {
	for form, want := range map[string]string{
		"Action=DeleteStack&Version=2010-05-15":            "InvalidAction",
		"Action=ListStacks&Version=2010-05-15&Surprise=1":  "[Surprise]",
		"Action=ListStacks&Version=2009-01-01":             "NoSuchVersion",
		"Action=DescribeStacks&Version=2010-05-15&a=%zz":   "MalformedQueryString",
		"Action=ListStackResources&Version=2010-05-15":     "StackName is required",
		"Action=DescribeStackResources&Version=2010-05-15": "by StackName only",
	} {
		t.Run(want, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			w := httptest.NewRecorder()
			New(stack(t, "")).ServeHTTP(w, r)
			if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) {
				t.Errorf("%d %s, want 400 and %q", w.Code, w.Body, want)
			}
		})
	}
}
