package stepfunctions_test

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
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/google/go-cmp/cmp"

	"userdrop/localaws/stepfunctions"
)

// client is a real client of a service over HTTP.
func client(t *testing.T, s *stepfunctions.Service) *sfn.Client {
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return sfn.New(sfn.Options{
		BaseEndpoint: aws.String(server.URL), Region: "eu-central-1", RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", ""),
	})
}

func TestAPI(t *testing.T) {
	ctx := t.Context()
	s := stepfunctions.New(account(), stepfunctions.Options{})
	defer s.Close()
	c := client(t, s)

	definition := `{"StartAt":"C","States":{"C":{"Type":"Choice","Default":"S","Choices":[
		{"Variable":"$.fail","IsPresent":true,"Next":"F"},{"Variable":"$.wait","IsPresent":true,"Next":"W"}]},
		"F":{"Type":"Fail","Error":"E","Cause":"C"},"W":{"Type":"Wait","Seconds":9999,"End":true},"S":{"Type":"Succeed"}}}`
	created, err := c.CreateStateMachine(ctx, &sfn.CreateStateMachineInput{
		Name: aws.String("m"), Definition: &definition, RoleArn: aws.String(role),
	})
	if err != nil {
		t.Fatal(err)
	}
	machine := created.StateMachineArn
	launch := func(name, input string) *string {
		t.Helper()
		out, err := c.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: machine, Name: &name, Input: &input})
		if err != nil {
			t.Fatal(err)
		}
		return out.ExecutionArn
	}
	ended := launch("ended", `{"x":1}`)
	failed := launch("failed", `{"fail":1}`)
	waiting := launch("waiting", `{"wait":1}`)
	wait(t, s, *ended)
	wait(t, s, *failed)

	t.Run("DescribeStateMachine", func(t *testing.T) {
		out, err := c.DescribeStateMachine(ctx, &sfn.DescribeStateMachineInput{StateMachineArn: machine})
		if err != nil || *out.Definition != definition || *out.RoleArn != role ||
			out.Status != "ACTIVE" || out.Type != "STANDARD" {
			t.Errorf("%+v, %v", out, err)
		}
		of, err := c.DescribeStateMachineForExecution(ctx, &sfn.DescribeStateMachineForExecutionInput{ExecutionArn: ended})
		if err != nil || *of.Definition != definition {
			t.Errorf("%+v, %v", of, err)
		}
	})
	t.Run("ListStateMachines", func(t *testing.T) {
		out, err := c.ListStateMachines(ctx, &sfn.ListStateMachinesInput{})
		if err != nil || len(out.StateMachines) != 1 || *out.StateMachines[0].StateMachineArn != *machine {
			t.Errorf("%+v, %v", out, err)
		}
	})
	t.Run("DescribeExecution", func(t *testing.T) {
		out, err := c.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: ended})
		if err != nil || out.Status != "SUCCEEDED" || *out.Output != `{"x":1}` || *out.Input != `{"x":1}` ||
			out.StopDate == nil ||
			out.RedriveStatus != "NOT_REDRIVABLE" || time.Since(*out.StartDate) > time.Hour {
			t.Errorf("%+v, %v", out, err)
		}
		out, err = c.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: failed})
		if err != nil || out.Status != "FAILED" || *out.Error != "E" || *out.Cause != "C" ||
			out.RedriveStatus != "REDRIVABLE" {
			t.Errorf("%+v, %v", out, err)
		}
	})
	t.Run("GetExecutionHistory", func(t *testing.T) {
		var types []string
		pages := sfn.NewGetExecutionHistoryPaginator(c, &sfn.GetExecutionHistoryInput{ExecutionArn: ended, MaxResults: 2})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Events {
				types = append(types, fmt.Sprint(e.PreviousEventId, " ", e.Id, " ", e.Type))
			}
		}
		want := []string{
			"0 1 ExecutionStarted", "0 2 ChoiceStateEntered", "2 3 ChoiceStateExited", "3 4 SucceedStateEntered",
			"4 5 SucceedStateExited", "5 6 ExecutionSucceeded",
		}
		if diff := cmp.Diff(want, types); diff != "" {
			t.Error(diff)
		}
		last, err := c.GetExecutionHistory(ctx, &sfn.GetExecutionHistoryInput{
			ExecutionArn: failed, MaxResults: 2, ReverseOrder: true, IncludeExecutionData: aws.Bool(false),
		})
		if err != nil || *last.Events[0].ExecutionFailedEventDetails.Error != "E" ||
			*last.Events[1].StateEnteredEventDetails.Name != "F" || last.Events[1].StateEnteredEventDetails.Input != nil {
			t.Errorf("%+v, %v", last, err)
		}
	})
	t.Run("ListExecutions", func(t *testing.T) {
		list := func(in *sfn.ListExecutionsInput) (names []string) {
			in.StateMachineArn = machine
			pages := sfn.NewListExecutionsPaginator(c, in)
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					t.Fatal(err)
				}
				for _, x := range page.Executions {
					names = append(names, *x.Name+" "+string(x.Status))
				}
			}
			return names
		}
		want := []string{"waiting RUNNING", "failed FAILED", "ended SUCCEEDED"}
		for size := range int32(4) {
			if diff := cmp.Diff(want, list(&sfn.ListExecutionsInput{MaxResults: size})); diff != "" {
				t.Errorf("in pages of %d: %s", size, diff)
			}
		}
		onlyFailed := list(&sfn.ListExecutionsInput{StatusFilter: types.ExecutionStatusFailed})
		if diff := cmp.Diff(want[1:2], onlyFailed); diff != "" {
			t.Error(diff)
		}
		redriven := list(&sfn.ListExecutionsInput{RedriveFilter: types.ExecutionRedriveFilterRedriven})
		if diff := cmp.Diff([]string(nil), redriven); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("StopExecution and RedriveExecution", func(t *testing.T) {
		_, err := c.StopExecution(ctx, &sfn.StopExecutionInput{
			ExecutionArn: waiting, Error: aws.String("Stop"), Cause: aws.String("enough"),
		})
		if err != nil {
			t.Fatal(err)
		}
		out, err := c.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: waiting})
		if err != nil || out.Status != "ABORTED" || *out.Error != "Stop" || *out.Cause != "enough" {
			t.Errorf("%+v, %v", out, err)
		}
		if _, err := c.RedriveExecution(ctx, &sfn.RedriveExecutionInput{ExecutionArn: waiting}); err != nil {
			t.Fatal(err)
		}
		out, err = c.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: waiting})
		if err != nil || out.Status != "RUNNING" || *out.RedriveCount != 1 || out.RedriveDate == nil || out.StopDate != nil {
			t.Errorf("%+v, %v", out, err)
		}
	})
	t.Run("errors have their types", func(t *testing.T) {
		_, err := c.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: machine, Name: aws.String("ended")})
		if _, ok := errors.AsType[*types.ExecutionAlreadyExists](err); !ok {
			t.Errorf("StartExecution: %v", err)
		}
		_, err = c.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: aws.String(*ended + "x")})
		if _, ok := errors.AsType[*types.ExecutionDoesNotExist](err); !ok {
			t.Errorf("DescribeExecution: %v", err)
		}
		_, err = c.RedriveExecution(ctx, &sfn.RedriveExecutionInput{ExecutionArn: ended})
		if _, ok := errors.AsType[*types.ExecutionNotRedrivable](err); !ok {
			t.Errorf("RedriveExecution: %v", err)
		}
		_, err = c.ListExecutions(ctx, &sfn.ListExecutionsInput{StateMachineArn: machine, NextToken: aws.String("?")})
		if _, ok := errors.AsType[*types.InvalidToken](err); !ok {
			t.Errorf("ListExecutions: %v", err)
		}
		_, err = c.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: aws.String("machine")})
		if _, ok := errors.AsType[*types.InvalidArn](err); !ok {
			t.Errorf("StartExecution: %v", err)
		}
	})
	t.Run("pages have at most 1,000 elements", func(t *testing.T) {
		_, err := c.ListExecutions(ctx, &sfn.ListExecutionsInput{StateMachineArn: machine, MaxResults: 1001})
		if _, ok := errors.AsType[*types.ValidationException](err); !ok {
			t.Errorf("ListExecutions: %v", err)
		}
	})
	t.Run("what it does not implement it refuses", func(t *testing.T) {
		_, err := c.ListMapRuns(ctx, &sfn.ListMapRunsInput{ExecutionArn: ended})
		if err == nil || !strings.Contains(err.Error(), `"ListMapRuns"`) {
			t.Errorf("ListMapRuns: %v", err)
		}
		_, err = c.CreateStateMachine(ctx, &sfn.CreateStateMachineInput{
			Name: aws.String("n"), Definition: &definition, RoleArn: aws.String(role), Publish: true,
		})
		if err == nil || !strings.Contains(err.Error(), `"publish"`) {
			t.Errorf("CreateStateMachine: %v", err)
		}
	})
}

// TestListExecutionsIsEventuallyConsistent wants each change of status to show only after its delay.
func TestListExecutionsIsEventuallyConsistent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stepfunctions.New(account(), stepfunctions.Options{
			ListDelay: func(_ string, n int) time.Duration { return time.Duration(5-2*n) * time.Second },
		})
		defer s.Close()
		machine := create(t, s, "m", one(`{"Type":"Wait","Seconds":10,"End":true}`))
		start(t, s, machine, "e", "")
		var seen []string
		for second := range 15 {
			answer := call(t, s, "ListExecutions", fmt.Sprintf(`{"stateMachineArn":%q}`, machine))
			status := "none"
			for _, word := range []string{"RUNNING", "SUCCEEDED"} {
				if strings.Contains(answer, word) {
					status = word
				}
			}
			if n := len(seen); n == 0 || !strings.HasSuffix(seen[n-1], status) {
				seen = append(seen, fmt.Sprint(second, " ", status))
			}
			time.Sleep(time.Second)
			synctest.Wait()
		}
		if diff := cmp.Diff([]string{"0 none", "5 RUNNING", "13 SUCCEEDED"}, seen); diff != "" {
			t.Error(diff)
		}
	})
}

// call posts one request without a network.
func call(t *testing.T, s *stepfunctions.Service, operation, body string) string {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "AWSStepFunctions."+operation)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", operation, w.Code, w.Body)
	}
	return w.Body.String()
}
