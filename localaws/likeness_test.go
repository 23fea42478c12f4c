package localaws_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/smithy-go"

	"userdrop/localaws"
)

// TestUnknownServices shows that a call of a service that the double lacks gets an error in the protocol of the call.
func TestUnknownServices(t *testing.T) {
	d := bootText(t, inboxOnly, localaws.Options{})
	const want = "UnknownOperationException"
	jsonCode := func(w *httptest.ResponseRecorder) string {
		var e struct {
			Type    string `json:"__type"`
			Message string `json:"message"`
		}
		if json.Unmarshal(w.Body.Bytes(), &e) != nil || !strings.Contains(e.Message, "does not have the service") {
			return "no JSON"
		}
		return e.Type
	}
	queryCode := func(w *httptest.ResponseRecorder) string {
		var e struct {
			XMLName xml.Name `xml:"ErrorResponse"`
			Code    string   `xml:"Error>Code"`
		}
		if err := xml.Unmarshal(w.Body.Bytes(), &e); err != nil {
			return err.Error()
		}
		return e.Code
	}
	for _, c := range []struct {
		name, service, method string
		header                map[string]string
		code                  func(w *httptest.ResponseRecorder) string
	}{
		{"JSON", "dynamodb", "POST", map[string]string{
			"X-Amz-Target": "DynamoDB_20120810.ListTables", "Content-Type": "application/x-amz-json-1.0",
		}, jsonCode},
		{"REST with JSON", "eks", "GET", nil, jsonCode},
		{"REST with XML", "route53", "GET", nil, queryCode},
		{"Query", "iam", "POST", map[string]string{
			"Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
		}, queryCode},
		{"EC2's Query", "ec2", "POST", map[string]string{
			"Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
		}, func(w *httptest.ResponseRecorder) string {
			var e struct {
				XMLName xml.Name `xml:"Response"`
				Code    string   `xml:"Errors>Error>Code"`
			}
			if err := xml.Unmarshal(w.Body.Bytes(), &e); err != nil {
				return err.Error()
			}
			return e.Code
		}},
		{"CBOR", "monitoring", "POST", map[string]string{
			"Smithy-Protocol": "rpc-v2-cbor", "Content-Type": "application/cbor",
		}, func(w *httptest.ResponseRecorder) string {
			body := w.Body.String()
			if w.Header().Get("Smithy-Protocol") != "rpc-v2-cbor" || body[0] != 0xa2 || !strings.Contains(body, want) {
				return "no CBOR"
			}
			return want
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, localaws.DefaultEndpoint, nil)
			r.Header.Set("Authorization", strings.Replace(signature, "/s3/", "/"+c.service+"/", 1))
			for name, value := range c.header {
				r.Header.Set(name, value)
			}
			w := httptest.NewRecorder()
			d.ServeHTTP(w, r)
			if got := c.code(w); got != want || w.Code != http.StatusNotImplemented {
				t.Errorf("%d, code %q in %s", w.Code, got, w.Body)
			}
		})
	}
}

// TestRoles shows that a role must be a role's ARN, be there, and trust the service.
func TestRoles(t *testing.T) {
	const text = `
Resources:
  Machines: {Type: AWS::IAM::Role, Properties: {RoleName: machines, AssumeRolePolicyDocument: {Version: "2012-10-17",
    Statement: {Effect: Allow, Principal: {Service: states.amazonaws.com}, Action: sts:AssumeRole}}}}
  Schedules: {Type: AWS::IAM::Role, Properties: {RoleName: schedules, AssumeRolePolicyDocument: {Version: "2012-10-17",
    Statement: {Effect: Allow, Principal: {Service: scheduler.amazonaws.com}, Action: sts:AssumeRole}}}}
`
	d := bootText(t, text, localaws.Options{})
	machines, schedules := sfn.NewFromConfig(d.Config("")), scheduler.NewFromConfig(d.Config(""))
	machine := func(role string) error {
		_, err := machines.CreateStateMachine(t.Context(), &sfn.CreateStateMachineInput{
			Name: aws.String("m"), RoleArn: &role,
			Definition: aws.String(`{"StartAt":"S","States":{"S":{"Type":"Succeed"}}}`),
		})
		return err
	}
	schedule := func(role string) error {
		_, err := schedules.CreateSchedule(t.Context(), &scheduler.CreateScheduleInput{
			Name: aws.String("s"), ScheduleExpression: aws.String("rate(1 hour)"),
			FlexibleTimeWindow: &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeOff},
			Target: &types.Target{
				Arn: aws.String("arn:aws:states:us-east-1:123456789012:stateMachine:m"), RoleArn: &role,
			},
		})
		return err
	}
	const roles = "arn:aws:iam::123456789012:role/"
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"a machine without an ARN", machine("machines"), "InvalidArn"},
		{"a machine with a user's ARN", machine("arn:aws:iam::123456789012:user/machines"), "InvalidArn"},
		{"a machine with a role that is not there", machine(roles + "other"), "AccessDeniedException"},
		{"a machine with a role that trusts another", machine(roles + "schedules"), "AccessDeniedException"},
		{"a machine", machine(roles + "machines"), ""},
		{"a schedule without an ARN", schedule("schedules"), "ValidationException"},
		{"a schedule with a role that is not there", schedule(roles + "other"), "ValidationException"},
		{"a schedule with a role that trusts another", schedule(roles + "machines"), "ValidationException"},
		{"a schedule", schedule(roles + "schedules"), ""},
	} {
		code := ""
		if e, ok := errors.AsType[smithy.APIError](c.err); ok {
			code = e.ErrorCode()
		}
		if code != c.want {
			t.Errorf("%s: %v, want %q", c.name, c.err, c.want)
		}
	}
}

// TestCaseOfMembers: AWS takes a member's name in its own case alone.
func TestCaseOfMembers(t *testing.T) {
	d := bootText(t, inboxOnly, localaws.Options{})
	for _, c := range []struct{ service, target, body, want string }{
		{"events", "AWSEvents.ListRules", `{"NamePrefix":"a"}`, ""},
		{"events", "AWSEvents.ListRules", `{"namePrefix":"a"}`, `unknown field \"namePrefix\"`},
		{"logs", "Logs_20140328.DescribeLogGroups", `{"logGroupNamePrefix":"a"}`, ""},
		{"logs", "Logs_20140328.DescribeLogGroups", `{"LogGroupNamePrefix":"a"}`, `unknown field \"LogGroupNamePrefix\"`},
		{"states", "AWSStepFunctions.ListStateMachines", `{"maxResults":1}`, ""},
		{"states", "AWSStepFunctions.ListStateMachines", `{"MaxResults":1}`, `unknown field \"MaxResults\"`},
		{"cognito-idp", "AWSCognitoIdentityProviderService.ListUserPools", `{"MaxResults":1}`, ""},
		{
			"cognito-idp", "AWSCognitoIdentityProviderService.ListUserPools", `{"maxResults":1}`,
			`unknown field \"maxResults\"`,
		},
	} {
		r := httptest.NewRequest(http.MethodPost, localaws.DefaultEndpoint, strings.NewReader(c.body))
		r.Header.Set("Authorization", strings.Replace(signature, "/s3/", "/"+c.service+"/", 1))
		r.Header.Set("X-Amz-Target", c.target)
		w := httptest.NewRecorder()
		d.ServeHTTP(w, r)
		if (w.Code == http.StatusOK) != (c.want == "") || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s %s: %d %s", c.target, c.body, w.Code, w.Body)
		}
	}
}
